//! YAML to a tree in which every value knows its place.
//!
//! Nothing here recurses: depth, number of values (aliases followed) and length are bounded while the parser's events come
//! in, so neither a deep text nor one that doubles itself costs more than its limit.

use std::collections::HashMap;

use domain::limits;
use saphyr_parser::{Event, Parser, ScalarStyle, Span as ParserSpan};

use crate::diagnostics::Code;

/// From 1; columns in characters. `end` is the first place after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: Place,
    pub end: Place,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// `plain`: without quotes, so it may be a number, a boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

/// Why there is no tree.
#[derive(Debug)]
pub(crate) struct Broken {
    pub code: Code,
    pub span: Span,
    pub message: String,
}

/// Levels of YAML. A block of steps takes four.
const DEPTH_MAX: usize = 64;

pub(crate) fn parse(source: &str) -> Result<Option<Node>, Broken> {
    let start = Span { start: Place { line: 1, column: 1 }, end: Place { line: 1, column: 2 } };
    if source.len() > limits::WORKFLOW_BYTES_MAX {
        return Err(limit(start, "more than 256 KiB of YAML"));
    }
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(source);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| {
            let marker = error.marker();
            let place = Place { line: marker.line().max(1) as u32, column: marker.col() as u32 + 1 };
            let span = Span { start: place, end: Place { column: place.column + 1, ..place } };
            Broken { code: Code::YamlSyntax, span, message: error.info().to_owned() }
        })?;
        builder.event(event, span_of(&span))?;
    }
    Ok(builder.root)
}

fn span_of(span: &ParserSpan) -> Span {
    let place = |line: usize, column: usize| Place { line: line.max(1) as u32, column: column as u32 + 1 };
    Span { start: place(span.start.line(), span.start.col()), end: place(span.end.line(), span.end.col()) }
}

fn limit(span: Span, message: &str) -> Broken {
    Broken { code: Code::YamlLimit, span, message: message.to_owned() }
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Size)>,
    total: Size,
    documents: usize,
}

/// What a value and all that is in it come to.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    /// Of texts.
    bytes: usize,
    /// Levels.
    height: usize,
}

struct Open {
    node: Node,
    key: Option<Node>,
    anchor: usize,
    /// What was there before it, to know its size.
    before: Size,
    /// Levels inside it.
    height: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Broken> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let size = Size { nodes: 1, bytes: text.len(), height: 0 };
                let kind = Kind::Scalar { text: text.into_owned(), plain };
                self.add(Node { span, kind }, anchor, size)
            }
            Event::SequenceStart(anchor, _) => self.open(Kind::List(Vec::new()), anchor, span),
            Event::MappingStart(anchor, _) => self.open(Kind::Map(Vec::new()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else { return Ok(()) };
                open.node.span.end = span.end.max(open.node.span.start);
                let size = Size {
                    nodes: self.total.nodes - open.before.nodes + 1,
                    bytes: self.total.bytes - open.before.bytes,
                    height: open.height + 1,
                };
                self.total = open.before;
                self.add(open.node, open.anchor, size)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some((node, size)) => {
                    let size = *size;
                    // Before the copy is made.
                    self.check(size, span)?;
                    let node = Node { span, kind: node.kind.clone() };
                    self.add(node, 0, size)
                }
                None => Err(Broken {
                    code: Code::YamlSyntax,
                    span,
                    message: "an alias inside the value that it names".to_owned(),
                }),
            },
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    let message = "a second YAML document; a file holds one workflow".to_owned();
                    return Err(Broken { code: Code::YamlSyntax, span, message });
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, kind: Kind, anchor: usize, span: Span) -> Result<(), Broken> {
        if self.open.len() >= DEPTH_MAX {
            return Err(limit(span, "YAML more than 64 levels deep"));
        }
        self.open.push(Open { node: Node { span, kind }, key: None, anchor, before: self.total, height: 0 });
        Ok(())
    }

    /// Whether a value of this size may be added.
    fn check(&self, size: Size, span: Span) -> Result<(), Broken> {
        if self.total.nodes + size.nodes > limits::WORKFLOW_NODES_MAX {
            return Err(limit(span, "more than 20 000 values, aliases followed"));
        }
        if self.total.bytes + size.bytes > limits::WORKFLOW_TEXT_BYTES_MAX {
            return Err(limit(span, "more than 1 MiB of text, aliases followed"));
        }
        // Aliases of aliases may be deeper than the text.
        if self.open.len() + size.height > DEPTH_MAX {
            return Err(limit(span, "YAML more than 64 levels deep, aliases followed"));
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, size: Size) -> Result<(), Broken> {
        self.check(size, node.span)?;
        self.total.nodes += size.nodes;
        self.total.bytes += size.bytes;
        let height = size.height;
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        if let Some(open) = self.open.last_mut() {
            open.height = open.height.max(height);
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(open) => match &mut open.node.kind {
                Kind::List(items) => items.push(node),
                Kind::Map(pairs) => match open.key.take() {
                    None => open.key = Some(node),
                    Some(key) => pairs.push((key, node)),
                },
                Kind::Scalar { .. } => {}
            },
        }
        Ok(())
    }
}

//! PPTX: each slide is a page.
//!
//! A slide has places: its shapes stand somewhere, those of placeholders where the slide's layout puts them. Within a
//! shape the lines are set as the program that shows them roughly would, so a box found here is near the text it means and
//! always within its shape. Speaker's notes are not shown, and not read.

use std::collections::HashMap;

use domain::limits;

use super::{Relation, part, relations, walk_part};
use crate::page::{Page, PageSource, Rect, Word};
use crate::read::Refusal;
use crate::read::package::{Budget, Package};
use crate::read::xml::{Element, Node};

const PRESENTATION: &str = "ppt/presentation.xml";
/// English Metric Units of a point.
const EMU: f64 = 12_700.0;
/// A slide of 4:3, in points.
const USUAL_SIZE: (f32, f32) = (720.0, 540.0);
/// Type where nothing is said, in points.
const USUAL_TYPE: f32 = 18.0;
/// Width of a letter and height of a line, in type sizes.
const ADVANCE: f32 = 0.5;
const LEADING: f32 = 1.2;
/// Between a shape's edge and its text, in points.
const INSET: f32 = 7.2;

/// A frame on a slide, in points.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Frame {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

/// A line of text with its type size.
type Line = (String, f32);

/// A shape with text, or a cell of a table.
#[derive(Debug, Default)]
struct Shape {
    frame: Option<Frame>,
    /// Type and number of the placeholder that it fills.
    placeholder: Option<(String, String)>,
    lines: Vec<Line>,
}

pub(super) fn read(package: &mut Package, budget: &mut Budget) -> Result<Vec<Page>, Refusal> {
    let (ids, size) = slides(&part(package, PRESENTATION, budget)?)?;
    let known = relations(package, PRESENTATION, budget)?;
    let mut layouts: HashMap<String, Vec<Shape>> = HashMap::new();
    let mut pages = Vec::new();
    let mut room = limits::EXTRACT_WORDS_MAX;
    for path in ids.iter().filter_map(|id| known.get(id)).map(|relation| &relation.path) {
        let mut shapes = shapes(&part(package, path, budget)?)?;
        place(&mut shapes, path, package, budget, &mut layouts)?;
        let number = pages.len() as u32 + 1;
        let page = page(number, size, &shapes, room);
        room -= page.words.len();
        pages.push(page);
        if pages.len() > limits::DOCUMENT_PAGES_MAX as usize * 10 {
            break;
        }
    }
    if pages.is_empty() {
        return Err(Refusal::Broken { reason: "it has no slides".to_owned() });
    }
    Ok(pages)
}

/// The slides in their order, by the ids of their relations, and their size in points.
fn slides(presentation: &[u8]) -> Result<(Vec<String>, (f32, f32)), Refusal> {
    let (mut ids, mut size) = (Vec::new(), USUAL_SIZE);
    walk_part(presentation, |node| {
        if let Node::Start(element) = node {
            match element.name() {
                // Its own `id` is a number; that of the relation has a prefix, and comes second.
                "sldId" => ids.extend(element.last_attribute("id")),
                "sldSz" => {
                    let points = |name: &str| element.number(name).map(|emu| (emu / EMU) as f32);
                    let given = points("cx").zip(points("cy"));
                    size = given.filter(|(x, y)| *x > 1.0 && *y > 1.0).unwrap_or(size);
                }
                _ => {}
            }
        }
        true
    })?;
    Ok((ids, size))
}

/// Gives the shapes without a frame that of their placeholder in the layout, else in its master.
fn place(
    shapes: &mut [Shape],
    path: &str,
    package: &mut Package,
    budget: &mut Budget,
    layouts: &mut HashMap<String, Vec<Shape>>,
) -> Result<(), Refusal> {
    let mut path = path.to_owned();
    for kind in ["slideLayout", "slideMaster"] {
        let is_placed = |shape: &Shape| shape.frame.is_some() || shape.placeholder.is_none();
        if shapes.iter().all(is_placed) {
            return Ok(());
        }
        let mut known = relations(package, &path, budget)?.into_values();
        let Some(Relation { path: next, .. }) = known.find(|relation| relation.kind == kind) else {
            return Ok(());
        };
        if !layouts.contains_key(&next) {
            let xml = package.file(&next, budget)?.unwrap_or_default();
            layouts.insert(next.clone(), self::shapes(&xml)?);
        }
        for shape in shapes.iter_mut().filter(|shape| shape.frame.is_none()) {
            let Some((wanted, number)) = &shape.placeholder else { continue };
            let fits = |other: &&Shape| {
                other.placeholder.as_ref().is_some_and(|(kind, index)| {
                    (index == number && !number.is_empty()) || (kind == wanted && !wanted.is_empty())
                })
            };
            shape.frame = layouts.get(&next).and_then(|layout| layout.iter().find(fits)?.frame);
        }
        path = next;
    }
    Ok(())
}

/// Where the walker of a slide is.
#[derive(Default)]
struct Place {
    skipped: usize,
    shape: Shape,
    line: String,
    size: Option<f32>,
    in_text: bool,
    table: Option<Table>,
}

/// A table's frame, the widths of its columns, and where its next cell stands.
#[derive(Default)]
struct Table {
    frame: Frame,
    widths: Vec<f32>,
    column: usize,
    top: f32,
    row_height: f32,
    span: usize,
}

fn shapes(xml: &[u8]) -> Result<Vec<Shape>, Refusal> {
    let (mut place, mut shapes) = (Place::default(), Vec::new());
    walk_part(xml, |node| {
        match node {
            Node::Start(_) if place.skipped > 0 => place.skipped += 1,
            Node::End(_) if place.skipped > 0 => place.skipped -= 1,
            Node::Start(element) => place.start(&element),
            Node::End(name) => place.end(name, &mut shapes),
            Node::Text(text) if place.in_text && place.skipped == 0 => place.line.push_str(text),
            Node::Text(_) => {}
        }
        shapes.len() < 20_000
    })?;
    Ok(shapes)
}

impl Place {
    fn start(&mut self, element: &Element<'_>) {
        let points = |name: &str| (element.number(name).unwrap_or_default() / EMU) as f32;
        match element.name() {
            "Fallback" => self.skipped = 1,
            "sp" | "graphicFrame" | "cxnSp" => self.shape = Shape::default(),
            "ph" => {
                let text = |name: &str| element.attribute(name).unwrap_or_default();
                self.shape.placeholder = Some((text("type"), text("idx")));
            }
            "off" => {
                let frame = self.shape.frame.get_or_insert_default();
                (frame.x, frame.y) = (points("x"), points("y"));
            }
            "ext" if element.attribute("cx").is_some() => {
                let frame = self.shape.frame.get_or_insert_default();
                (frame.width, frame.height) = (points("cx"), points("cy"));
            }
            "tbl" => {
                let frame = self.shape.frame.unwrap_or_default();
                self.table = Some(Table { frame, top: frame.y, ..Table::default() });
            }
            "rPr" | "endParaRPr" | "defRPr" => {
                let size = element.number("sz").map(|hundredths| (hundredths / 100.0) as f32);
                self.size = size.map(|size| size.clamp(4.0, 200.0)).or(self.size);
            }
            "t" => self.in_text = true,
            "br" => self.end_line(),
            "tab" => self.line.push('\t'),
            name => {
                if let Some(table) = &mut self.table {
                    table.start(name, element);
                }
            }
        }
    }

    fn end(&mut self, name: &str, shapes: &mut Vec<Shape>) {
        match name {
            "t" => self.in_text = false,
            "p" => self.end_line(),
            "tc" => {
                if let Some(table) = &mut self.table {
                    let lines = std::mem::take(&mut self.shape.lines);
                    shapes.push(Shape { frame: Some(table.cell()), placeholder: None, lines });
                }
            }
            "tr" => {
                if let Some(table) = &mut self.table {
                    table.top += table.row_height;
                }
            }
            "tbl" => self.table = None,
            "sp" => shapes.push(std::mem::take(&mut self.shape)),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.shape.lines.push((line, self.size.unwrap_or(USUAL_TYPE)));
        self.size = None;
    }
}

impl Table {
    fn start(&mut self, name: &str, element: &Element<'_>) {
        let points = |name: &str| (element.number(name).unwrap_or_default() / EMU) as f32;
        match name {
            "gridCol" if self.widths.len() < limits::TABLE_COLUMNS_MAX => self.widths.push(points("w")),
            "tr" => (self.column, self.row_height) = (0, points("h")),
            "tc" => self.span = element.number("gridSpan").map_or(1, |span| span.max(1.0) as usize),
            _ => {}
        }
    }

    /// The frame of the cell that ends, which is one of as many columns as it spans. What it covers follows as cells
    /// without text.
    fn cell(&mut self) -> Frame {
        let left: f32 = self.widths.iter().take(self.column).sum();
        let width: f32 = self.widths.iter().skip(self.column).take(self.span).sum();
        self.column += 1;
        Frame { x: self.frame.x + left, y: self.top, width, height: self.row_height }
    }
}

/// The words of a slide.
fn page(number: u32, (width, height): (f32, f32), shapes: &[Shape], room: usize) -> Page {
    let mut words: Vec<Word> = Vec::new();
    let mut next_top = INSET;
    for shape in shapes {
        let frame = shape.frame.filter(|frame| frame.width > 0.0 && frame.height > 0.0);
        let frame = frame.unwrap_or(Frame {
            x: INSET,
            y: next_top,
            width: width - 2.0 * INSET,
            height: height - next_top,
        });
        let mut top = frame.y + INSET.min(frame.height / 8.0);
        for (line, size) in &shape.lines {
            top = set(line, *size, frame, top, |text, x, y, advance| {
                let unit = |value: f32, whole: f32| (value / whole).clamp(0.0, 1.0);
                let (left, upper) = (unit(x, width), unit(y.min(frame.y + frame.height - size), height));
                let rect = Rect {
                    x: left,
                    y: upper,
                    width: unit(x + advance, width) - left,
                    height: unit(upper * height + size, height) - upper,
                };
                if words.len() < room && rect.width > 0.0 && rect.height > 0.0 {
                    words.push(Word { text: text.to_owned(), rect, confidence: 1.0, font_size: *size });
                }
            });
        }
        next_top = top.min(height * 0.9);
    }
    Page::new(number, (width, height), PageSource::TextLayer, words)
}

/// Sets a line within a frame and goes on below where it is too long; where the next line begins.
fn set(line: &str, size: f32, frame: Frame, top: f32, mut put: impl FnMut(&str, f32, f32, f32)) -> f32 {
    let inset = INSET.min(frame.width / 8.0);
    let (left, right) = (frame.x + inset, frame.x + frame.width - inset);
    let (mut x, mut y) = (left, top);
    for (index, stretch) in line.split('\t').enumerate() {
        if index > 0 {
            // Tab stops are an inch apart.
            x = left + (((x - left) / 72.0).floor() + 1.0) * 72.0;
        }
        for word in stretch.split_whitespace() {
            let advance = word.chars().count() as f32 * size * ADVANCE;
            if x > left && x + advance > right {
                (x, y) = (left, y + size * LEADING);
            }
            put(word, x, y, advance.min((right - x).max(1.0)));
            x += advance + size * 0.3;
        }
    }
    y + size * LEADING
}

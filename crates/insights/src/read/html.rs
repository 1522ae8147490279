//! HTML: the tokens of html5ever become lines and tables.
//!
//! No tree is built. What extraction needs of one (which cell of which table a text stands in, where lines end, what is
//! hidden) follows from the tags in their order, and without a tree no nesting, however deep, costs more than its length.

use std::borrow::Cow;
use std::cell::RefCell;

use domain::limits;
use encoding_rs::Encoding;
use html5ever::LocalName;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

use super::flow::{Builder, Flow, TYPE_SIZE};
use super::text::decode;

/// Bytes in which a page names its encoding (WHATWG, "prescan a byte stream").
const PRESCAN_BYTES: usize = 1024;
/// A longer tag holds a picture, or attributes without end, each of which the tokenizer compares with all before it.
const TAG_BYTES_MAX: usize = 4_000;

/// Reads a page.
pub(super) fn read(bytes: &[u8]) -> Flow {
    read_text(&decode(bytes, declared_encoding(bytes)))
}

/// Reads a page that is text already.
pub(super) fn read_text(html: &str) -> Flow {
    let mut builder = Builder::default();
    read_into(html, &mut builder);
    builder.finish()
}

/// Adds a page to what a builder has.
pub(super) fn read_into(html: &str, builder: &mut Builder) {
    let sink =
        Sink(RefCell::new(State { builder: std::mem::take(builder), hidden: Vec::new(), preformatted: 0 }));
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from_slice(&without_long_tags(html)));
    // It stops at the end of each script, which is nothing to run here.
    while let html5ever::TokenizerResult::Script(()) = tokenizer.feed(&queue) {}
    tokenizer.end();
    *builder = tokenizer.sink.0.into_inner().builder;
}

/// The page without the tags that are too long to mean anything here.
fn without_long_tags(html: &str) -> Cow<'_, str> {
    let mut kept = String::new();
    let (mut copied, mut at, mut end) = (0, 0, 0);
    while let Some(found) = html[at..].find('<') {
        let start = at + found;
        at = start + 1;
        if !html[at..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') {
            continue;
        }
        if end <= start {
            end = html[start..].find('>').map_or(html.len(), |length| start + length + 1);
        }
        if end - start > TAG_BYTES_MAX {
            kept.push_str(&html[copied..start]);
            (copied, at) = (end, end);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    kept.push_str(&html[copied..]);
    Cow::Owned(kept)
}

fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(PRESCAN_BYTES)]).to_ascii_lowercase();
    let (_, after) = head.split_once("charset=")?;
    let label = after.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.')));
    Encoding::for_label(&label.as_bytes()[..end.unwrap_or(label.len())])
}

struct Sink(RefCell<State>);

struct State {
    builder: Builder,
    /// Elements that hide what is in them, and whatever of the same name is open in them.
    hidden: Vec<LocalName>,
    preformatted: usize,
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut state = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => state.text(&text),
            Token::TagToken(tag) => {
                let raw = raw_kind(&tag);
                state.tag(&tag);
                if let Some(raw) = raw {
                    return TokenSinkResult::RawData(raw);
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Elements whose content is no markup.
fn raw_kind(tag: &Tag) -> Option<RawKind> {
    if tag.kind != TagKind::StartTag {
        return None;
    }
    match &*tag.name {
        "script" => Some(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
        "textarea" | "title" => Some(RawKind::Rcdata),
        _ => None,
    }
}

impl State {
    fn text(&mut self, text: &str) {
        if !self.hidden.is_empty() {
            return;
        }
        if self.preformatted == 0 {
            return self.builder.collapsed(text);
        }
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                self.builder.end_line();
            }
            self.builder.text(line.trim_end_matches('\r'));
        }
    }

    fn tag(&mut self, tag: &Tag) {
        let name = &*tag.name;
        let starts = tag.kind == TagKind::StartTag;
        if let Some(hiding) = self.hidden.last() {
            if *hiding != tag.name {
                return;
            }
            if !starts {
                self.hidden.pop();
            } else if !tag.self_closing && self.hidden.len() < limits::MARKUP_DEPTH_MAX {
                self.hidden.push(tag.name.clone());
            }
            return;
        }
        if starts && !is_void(name) && !tag.self_closing && hides(tag) {
            self.hidden.push(tag.name.clone());
            return;
        }
        self.shown(tag, name, starts);
    }

    fn shown(&mut self, tag: &Tag, name: &str, starts: bool) {
        let builder = &mut self.builder;
        match (name, starts) {
            ("br", _) => {
                if builder.has_text_in_line() {
                    builder.end_line()
                } else {
                    builder.blank_line()
                }
            }
            ("hr", _) => builder.blank_line(),
            ("table", true) => builder.begin_table(),
            ("table", false) => builder.end_table(),
            ("tr", true) => builder.begin_row(),
            ("tr", false) => builder.end_row(),
            ("td" | "th", true) => builder.begin_cell(number(tag, "colspan"), number(tag, "rowspan")),
            ("td" | "th", false) => builder.end_cell(),
            ("thead" | "tbody" | "tfoot", _) => builder.end_row(),
            ("h1" | "h2" | "h3", _) => {
                builder.end_line();
                let factor = match name {
                    "h1" => 2.0,
                    "h2" => 1.5,
                    _ => 1.2,
                };
                builder.set_size(if starts { TYPE_SIZE * factor } else { TYPE_SIZE });
            }
            ("p", _) => {
                let goes_on = builder.has_text_in_line();
                builder.end_line();
                if goes_on && !starts {
                    builder.blank_line();
                }
            }
            ("pre" | "textarea", _) => {
                builder.end_line();
                self.preformatted = match starts {
                    true => self.preformatted + 1,
                    false => self.preformatted.saturating_sub(1),
                };
            }
            ("input", true) => self.input(tag),
            _ if is_block(name) => builder.end_line(),
            _ => {}
        }
    }

    /// What a form was filled with.
    fn input(&mut self, tag: &Tag) {
        let kind = attribute(tag, "type").unwrap_or_default().to_ascii_lowercase();
        let checked = attribute(tag, "checked").is_some();
        match kind.as_str() {
            "checkbox" | "radio" => self.builder.collapsed(if checked { " ☒ " } else { " ☐ " }),
            "" | "text" | "number" | "date" | "email" | "tel" | "url" => {
                let value = attribute(tag, "value").unwrap_or_default();
                self.builder.collapsed(&format!(" {value} "));
            }
            _ => {}
        }
    }
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t str> {
    tag.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

fn number(tag: &Tag, name: &str) -> usize {
    attribute(tag, name).and_then(|value| value.trim().parse().ok()).unwrap_or(1)
}

/// Whether an element's content is not shown.
fn hides(tag: &Tag) -> bool {
    if matches!(
        &*tag.name,
        "script" | "style" | "template" | "title" | "noscript" | "svg" | "object" | "iframe"
    ) {
        return true;
    }
    let style = attribute(tag, "style").unwrap_or_default();
    let style = style.get(..style.floor_char_boundary(1000)).unwrap_or_default().to_ascii_lowercase();
    let style: String = style.split_whitespace().collect();
    attribute(tag, "hidden").is_some()
        || style.contains("display:none")
        || style.contains("visibility:hidden")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "section"
            | "select"
            | "summary"
            | "ul"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_cells_are_told_and_scripts_are_not() {
        let flow = read(
            b"<!doctype html><title>x</title><style>p{}</style><h1>Invoice</h1><script>if (a < b) {}</script>\
            <p>Dear&nbsp;Sir,<br>we   <b>thank</b> you &amp; yours</p><div style='display: none'>secret</div>\
            <table><tr><th>Item<th>Amount<tr><td>Widget<td>9.90</table>The end",
        );
        assert_eq!(
            flow.text,
            "Invoice\nDear Sir,\nwe thank you & yours\nItem\tAmount\nWidget\t9.90\nThe end"
        );
    }

    #[test]
    fn the_encoding_is_the_one_that_is_declared() {
        let flow = read(b"<html><meta charset=\"iso-8859-7\"><p>\xc1\xe8\xde\xed\xe1");
        assert_eq!(flow.text, "Αθήνα");
    }

    #[test]
    fn a_picture_in_a_tag_is_passed_over() {
        let html =
            format!("<p>before <img src='data:image/png;base64,{}'>after &lt; it</p>", "A".repeat(10_000));
        assert_eq!(read(html.as_bytes()).text, "before after < it");
        assert_eq!(without_long_tags("a < b > c <p>"), "a < b > c <p>");
        assert_eq!(without_long_tags(&format!("x<p {}", "a<".repeat(5_000))), "x");
    }

    #[test]
    fn depth_costs_nothing() {
        let mut html = "<div><b><a><table>".repeat(50_000);
        html.push_str("at the bottom");
        assert!(read(html.as_bytes()).text.ends_with("at the bottom"));
    }
}

//! Where marked texts stand: the boxes of the glyph runs between two `#metadata` elements of the finished pages.
//!
//! A box is as wide as its glyphs advance, and as high as the font's ascender and descender, which is what readers of text
//! layers give too.

use std::collections::BTreeMap;
use typst::foundations::Value;
use typst::introspection::{MetadataElem, Tag};
use typst::layout::{Frame, FrameItem, Point, Transform};
use typst::text::TextItem;
use typst_layout::PagedDocument;

/// Boxes of one time that a text stands somewhere, one for each line: page from 1, x, y, width, height.
pub type Occurrence = Vec<(usize, f64, f64, f64, f64)>;

/// Lines whose boxes share this much of their height are one.
const SAME_LINE: f64 = 0.5;

#[derive(Clone, Copy)]
struct Bounds {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

#[derive(Default)]
struct Finder {
    page: usize,
    open: Vec<(String, Vec<(usize, Bounds)>)>,
    found: BTreeMap<String, Vec<Vec<(usize, Bounds)>>>,
}

pub fn find(document: &PagedDocument) -> BTreeMap<String, Vec<Occurrence>> {
    let mut finder = Finder::default();
    for (index, page) in document.pages().iter().enumerate() {
        finder.page = index;
        finder.walk(&page.frame, Transform::identity());
    }
    let sizes: Vec<(f64, f64)> = document
        .pages()
        .iter()
        .map(|page| (page.frame.width().to_pt(), page.frame.height().to_pt()))
        .collect();
    let share = |(page, bounds): &(usize, Bounds)| {
        let (width, height) = sizes[*page];
        (
            page + 1,
            bounds.left / width,
            bounds.top / height,
            (bounds.right - bounds.left) / width,
            (bounds.bottom - bounds.top) / height,
        )
    };
    finder
        .found
        .into_iter()
        .map(|(id, all)| (id, all.iter().map(|boxes| boxes.iter().map(share).collect()).collect()))
        .collect()
}

impl Finder {
    fn walk(&mut self, frame: &Frame, transform: Transform) {
        for (position, item) in frame.items() {
            match item {
                FrameItem::Group(group) => {
                    let moved = transform
                        .pre_concat(Transform::translate(position.x, position.y))
                        .pre_concat(group.transform);
                    self.walk(&group.frame, moved);
                }
                FrameItem::Text(text) => self.text(*position, text, transform),
                FrameItem::Tag(Tag::Start(element, _)) => {
                    if let Some(Value::Str(mark)) =
                        element.to_packed::<MetadataElem>().map(|metadata| metadata.value.clone())
                    {
                        self.mark(&mark);
                    }
                }
                _ => {}
            }
        }
    }

    fn mark(&mut self, mark: &str) {
        if let Some(id) = mark.strip_prefix('<') {
            self.open.push((id.to_owned(), Vec::new()));
        } else if let Some(id) = mark.strip_prefix('>') {
            let Some(index) = self.open.iter().rposition(|(open, _)| open == id) else { return };
            let (id, boxes) = self.open.remove(index);
            if !boxes.is_empty() {
                self.found.entry(id).or_default().push(boxes);
            }
        }
    }

    fn text(&mut self, position: Point, text: &TextItem, transform: Transform) {
        if self.open.is_empty() || text.text.trim().is_empty() {
            return;
        }
        let metrics = text.font.metrics();
        let top = position.y - metrics.ascender.at(text.size);
        let bottom = position.y - metrics.descender.at(text.size);
        let right = position.x + text.width();
        let corners = [(position.x, top), (right, top), (position.x, bottom), (right, bottom)]
            .map(|(x, y)| Point::new(x, y).transform(transform));
        let bounds = corners.iter().fold(None, |bounds: Option<Bounds>, corner| {
            let (x, y) = (corner.x.to_pt(), corner.y.to_pt());
            let all = bounds.unwrap_or(Bounds { left: x, top: y, right: x, bottom: y });
            Some(Bounds {
                left: all.left.min(x),
                top: all.top.min(y),
                right: all.right.max(x),
                bottom: all.bottom.max(y),
            })
        });
        let Some(bounds) = bounds else { return };
        let page = self.page;
        for (_, boxes) in &mut self.open {
            match boxes.last_mut().filter(|(last, other)| *last == page && same_line(other, &bounds)) {
                Some((_, last)) => {
                    *last = Bounds {
                        left: last.left.min(bounds.left),
                        top: last.top.min(bounds.top),
                        right: last.right.max(bounds.right),
                        bottom: last.bottom.max(bounds.bottom),
                    }
                }
                None => boxes.push((page, bounds)),
            }
        }
    }
}

fn same_line(one: &Bounds, other: &Bounds) -> bool {
    let shared = one.bottom.min(other.bottom) - one.top.max(other.top);
    shared > SAME_LINE * (one.bottom - one.top).min(other.bottom - other.top)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::Desk;

    fn boxes(source: &str) -> BTreeMap<String, Vec<Occurrence>> {
        let marked = "#let m(id, body) = [#metadata(\"<\" + id)#body#metadata(\">\" + id)]\n";
        let page = "#set page(width: 200pt, height: 100pt, margin: 20pt)\n#set text(font: \"DejaVu Sans\", size: 10pt)\n";
        find(&Desk::new().typeset(&format!("{page}{marked}{source}")).expect("it is a document"))
    }

    #[test]
    fn a_mark_is_where_its_text_is_and_nothing_more() {
        let found = boxes("#m(\"a\", \"total\") other #m(\"b\", \"x\")");
        let (page, x, y, width, height) = found["a"][0][0];
        assert_eq!(page, 1);
        assert!((x - 0.1).abs() < 0.001, "{x}");
        assert!(y > 0.15 && y + height < 0.4, "{y} {height}");
        assert!(width > 0.08 && width < 0.2, "{width}");
        assert!(found["b"][0][0].1 > x + width);
    }

    #[test]
    fn each_line_is_a_box_and_each_time_an_occurrence() {
        let long = "#m(\"a\", \"so many words that they cannot stand in one line of this page\")";
        let found = boxes(&format!("{long}\n\n#m(\"a\", \"again\")"));
        assert!(found["a"][0].len() >= 2, "{:?}", found["a"]);
        assert_eq!(found["a"][1].len(), 1);
    }
}

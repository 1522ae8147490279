//! DOCX: headers, the body, footers.
//!
//! Text that was deleted while changes were tracked, codes of fields and the second copy of a text box (`mc:Fallback`) are
//! not read: they are not what a person sees. Check boxes are marks, so that yes and no can be told.

use super::{part, relations, walk_part};
use crate::read::Refusal;
use crate::read::flow::{Builder, Flow, TYPE_SIZE};
use crate::read::package::{Budget, Package};
use crate::read::xml::{Element, Node};

const BODY: &str = "word/document.xml";
/// Half points are the unit of type sizes.
const HALF: f32 = 0.5;
/// Body text is this large where nothing else is said (the default of Word), in points.
const USUAL_POINTS: f32 = 11.0;

pub(super) fn read(package: &mut Package, budget: &mut Budget) -> Result<Flow, Refusal> {
    let body = part(package, BODY, budget)?;
    let mut around: Vec<_> = relations(package, BODY, budget)?.into_values().collect();
    around.sort_by(|a, b| a.path.cmp(&b.path));
    let mut builder = Builder::default();
    for relation in around.iter().filter(|relation| relation.kind == "header") {
        read_part(&part(package, &relation.path, budget)?, &mut builder)?;
    }
    read_part(&body, &mut builder)?;
    for kind in ["footnotes", "endnotes", "footer"] {
        for relation in around.iter().filter(|relation| relation.kind == kind) {
            read_part(&part(package, &relation.path, budget)?, &mut builder)?;
        }
    }
    Ok(builder.finish())
}

/// Where the walker is.
#[derive(Default)]
struct Place {
    in_text: bool,
    /// Elements within one that is not read, this one included.
    skipped: usize,
    /// A cell's properties come after its beginning: its size is known when its first paragraph begins.
    cell: Option<usize>,
    /// A form field of the old kind, and whether it is checked.
    check_box: Option<bool>,
}

fn read_part(xml: &[u8], builder: &mut Builder) -> Result<(), Refusal> {
    let mut place = Place::default();
    walk_part(xml, |node| {
        match node {
            Node::Start(_) if place.skipped > 0 => place.skipped += 1,
            Node::End(_) if place.skipped > 0 => place.skipped -= 1,
            Node::Start(element) => start(&element, &mut place, builder),
            Node::End(name) => end(name, &mut place, builder),
            Node::Text(text) if place.in_text && place.skipped == 0 => builder.text(text),
            Node::Text(_) => {}
        }
        !builder.is_full()
    })?;
    builder.end_line();
    Ok(())
}

fn start(element: &Element<'_>, place: &mut Place, builder: &mut Builder) {
    match element.name() {
        "Fallback" | "delText" | "instrText" | "pPr" | "del" | "moveFrom" => place.skipped = 1,
        "t" => place.in_text = true,
        "tab" | "ptab" => builder.text("\t"),
        "br" | "cr" => builder.end_line(),
        "noBreakHyphen" => builder.text("-"),
        "sz" => {
            let points = element.number("val").map_or(USUAL_POINTS, |half_points| half_points as f32 * HALF);
            builder.set_size(points * TYPE_SIZE / USUAL_POINTS);
        }
        "r" => builder.set_size(TYPE_SIZE),
        "sym" => builder.text(symbol(element)),
        // The mark that a content control shows is text of its own; that of an old form field is drawn by Word.
        "checkBox" => place.check_box = Some(false),
        "checked" | "default" => {
            place.check_box = place.check_box.map(|_| element.flag("val", true));
        }
        "tbl" => {
            end_waiting_cell(place, builder);
            builder.begin_table();
        }
        "tr" => builder.begin_row(),
        "gridBefore" => builder.skip_to_column(element.number("val").unwrap_or_default() as usize),
        "tc" => place.cell = Some(1),
        "gridSpan" => {
            let columns = element.number("val").map_or(1, |columns| columns.max(1.0) as usize);
            place.cell = place.cell.map(|_| columns);
        }
        "p" => {
            end_waiting_cell(place, builder);
            builder.end_line();
        }
        _ => {}
    }
}

fn end(name: &str, place: &mut Place, builder: &mut Builder) {
    match name {
        "t" => place.in_text = false,
        "checkBox" => builder.text(if place.check_box.take() == Some(true) { "☒" } else { "☐" }),
        "p" => {
            if builder.has_text_in_line() {
                builder.end_line();
            } else {
                builder.blank_line();
            }
        }
        "tc" => {
            end_waiting_cell(place, builder);
            builder.end_cell();
        }
        "tr" => builder.end_row(),
        "tbl" => builder.end_table(),
        _ => {}
    }
}

/// Begins the cell whose properties are now known.
fn end_waiting_cell(place: &mut Place, builder: &mut Builder) {
    if let Some(columns) = place.cell.take() {
        builder.begin_cell(columns, 1);
    }
}

/// A character of a symbol font: of these only check marks mean something.
fn symbol(element: &Element<'_>) -> &'static str {
    let code =
        element.attribute("char").and_then(|code| u32::from_str_radix(&code, 16).ok()).unwrap_or_default();
    match code & 0xff {
        // Wingdings: boxes with a cross or a tick, ticks; empty boxes.
        0xfd | 0xfe | 0x78 | 0x51..=0x54 | 0xfc => "☒",
        0xa8 | 0x6f | 0x71 | 0x72 => "☐",
        _ => " ",
    }
}

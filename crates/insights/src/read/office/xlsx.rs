//! XLSX: the visible sheets, one below the other, each a table.
//!
//! Cells are taken one by one from the XML, so that a cell in the last of 17 billion places costs no more than one in the
//! first. Numbers are shown as their formats say ([`super::formats`]); of a formula its last result is read.

use std::collections::HashMap;

use domain::limits;

use super::formats::Format;
use super::{part, relations, walk_part};
use crate::read::Refusal;
use crate::read::flow::{Builder, Flow, TYPE_SIZE};
use crate::read::package::{Budget, Package};
use crate::read::xml::{Element, Node};

const WORKBOOK: &str = "xl/workbook.xml";
/// Rows without anything between two with something are shown as no more than this.
const EMPTY_ROWS_MAX: usize = 2;

pub(super) fn read(package: &mut Package, budget: &mut Budget) -> Result<Flow, Refusal> {
    let (sheets, dates_from_1904) = sheets(&part(package, WORKBOOK, budget)?)?;
    let relations = relations(package, WORKBOOK, budget)?;
    let path_of =
        |kind: &str| relations.values().find(|relation| relation.kind == kind).map(|r| r.path.clone());
    let texts = match path_of("sharedStrings") {
        Some(path) => shared_texts(&part(package, &path, budget)?)?,
        None => Vec::new(),
    };
    let formats = match path_of("styles") {
        Some(path) => formats(&part(package, &path, budget)?)?,
        None => Vec::new(),
    };
    let book = Book { texts, formats, dates_from_1904 };
    let mut builder = Builder::default();
    let many = sheets.len() > 1;
    for sheet in sheets {
        let Some(relation) = relations.get(&sheet.id) else { continue };
        if builder.is_full() || relation.kind != "worksheet" {
            continue;
        }
        if many {
            builder.set_size(TYPE_SIZE * 1.2);
            builder.text(&sheet.name);
            builder.end_line();
            builder.set_size(TYPE_SIZE);
        }
        read_sheet(&part(package, &relation.path, budget)?, &book, &mut builder)?;
        builder.blank_line();
    }
    Ok(builder.finish())
}

struct Sheet {
    name: String,
    id: String,
}

/// What the cells of all sheets refer to.
struct Book {
    texts: Vec<String>,
    formats: Vec<Format>,
    dates_from_1904: bool,
}

/// The sheets that are shown, and whether days are counted from 1904.
fn sheets(workbook: &[u8]) -> Result<(Vec<Sheet>, bool), Refusal> {
    let (mut sheets, mut from_1904) = (Vec::new(), false);
    walk_part(workbook, |node| {
        if let Node::Start(element) = node {
            match element.name() {
                "sheet" if element.attribute("state").is_none_or(|state| state == "visible") => {
                    let (name, id) = (element.attribute("name"), element.attribute("id"));
                    sheets.extend(id.map(|id| Sheet { name: name.unwrap_or_default(), id }));
                }
                "workbookPr" => from_1904 = element.flag("date1904", false),
                _ => {}
            }
        }
        true
    })?;
    Ok((sheets, from_1904))
}

/// The texts that cells refer to by number. What is read aloud of them (`rPh`) is not part of them.
fn shared_texts(xml: &[u8]) -> Result<Vec<String>, Refusal> {
    let (mut texts, mut text, mut in_text, mut aloud, mut size) =
        (Vec::new(), String::new(), false, false, 0);
    walk_part(xml, |node| {
        match node {
            Node::Start(element) => match element.name() {
                "si" => text.clear(),
                "t" => in_text = !aloud,
                "rPh" => aloud = true,
                _ => {}
            },
            Node::End("t") => in_text = false,
            Node::End("rPh") => aloud = false,
            Node::End("si") => {
                size += text.len() + size_of::<String>();
                texts.push(std::mem::take(&mut text));
            }
            Node::Text(more) if in_text => text.push_str(more),
            _ => {}
        }
        size < limits::FLOW_TEXT_BYTES_MAX * 4
    })?;
    Ok(texts)
}

/// The formats that cells refer to by number.
fn formats(xml: &[u8]) -> Result<Vec<Format>, Refusal> {
    let (mut own, mut formats, mut in_cells): (HashMap<u32, Format>, _, _) =
        (HashMap::new(), Vec::new(), false);
    walk_part(xml, |node| {
        match node {
            Node::Start(element) => match element.name() {
                "numFmt" => {
                    let (id, code) = (element.number("numFmtId"), element.attribute("formatCode"));
                    own.extend(id.zip(code).map(|(id, code)| (id as u32, Format::parse(&code))));
                }
                "cellXfs" => in_cells = true,
                "xf" if in_cells => {
                    let id = element.number("numFmtId").unwrap_or_default() as u32;
                    formats.push(own.get(&id).cloned().or_else(|| Format::built_in(id)).unwrap_or_default());
                }
                _ => {}
            },
            Node::End("cellXfs") => in_cells = false,
            _ => {}
        }
        formats.len() < 100_000
    })?;
    Ok(formats)
}

/// The cell that is being read.
#[derive(Default)]
struct Cell {
    kind: String,
    style: usize,
    value: String,
    /// Within the element that holds its value.
    in_value: bool,
}

/// Where a sheet's walker is.
#[derive(Default)]
struct Place {
    cell: Cell,
    column: usize,
    row: usize,
    words: usize,
    hidden: bool,
}

fn read_sheet(xml: &[u8], book: &Book, builder: &mut Builder) -> Result<(), Refusal> {
    let mut place = Place::default();
    builder.begin_table();
    walk_part(xml, |node| {
        match node {
            Node::Start(element) => place.start(&element, builder),
            Node::End("c") => place.end_cell(book, builder),
            Node::End("v" | "t") => place.cell.in_value = false,
            Node::Text(text) if place.cell.in_value => place.cell.value.push_str(text),
            _ => {}
        }
        !builder.is_full() && place.words < limits::EXTRACT_WORDS_MAX
    })?;
    builder.end_table();
    Ok(())
}

impl Place {
    fn start(&mut self, element: &Element<'_>, builder: &mut Builder) {
        match element.name() {
            "row" => {
                let number = element.number("r").map_or(self.row + 1, |number| number as usize);
                for _ in 0..number.saturating_sub(self.row + 1).min(EMPTY_ROWS_MAX) {
                    builder.begin_row();
                }
                (self.row, self.column) = (number.max(self.row), 0);
                self.hidden = element.flag("hidden", false);
                builder.begin_row();
            }
            "c" => {
                let named = element.attribute("r").and_then(|name| column_of(&name));
                self.column = named.unwrap_or(self.column);
                self.cell = Cell {
                    kind: element.attribute("t").unwrap_or_default(),
                    style: element.number("s").unwrap_or_default() as usize,
                    ..Cell::default()
                };
            }
            "v" | "t" => self.cell.in_value = true,
            _ => {}
        }
    }

    fn end_cell(&mut self, book: &Book, builder: &mut Builder) {
        let cell = std::mem::take(&mut self.cell);
        let text = cell.shown(book);
        if !text.trim().is_empty() && !self.hidden {
            builder.skip_to_column(self.column);
            builder.begin_cell(1, 1);
            for line in text.split('\n') {
                builder.text(line);
                builder.end_line();
            }
            self.words += 1;
        }
        self.column += 1;
    }
}

impl Cell {
    fn shown(&self, book: &Book) -> String {
        let format = book.formats.get(self.style);
        match self.kind.as_str() {
            "s" => {
                let index = self.value.trim().parse().ok();
                index.and_then(|index: usize| book.texts.get(index)).cloned().unwrap_or_default()
            }
            "b" => if self.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "e" => String::new(),
            "inlineStr" | "str" | "d" => self.value.clone(),
            _ => match self.value.trim().parse::<f64>() {
                Ok(number) if number.is_finite() && number.abs() < 1e15 => {
                    format.unwrap_or(&Format::General).show(number, book.dates_from_1904)
                }
                _ => self.value.clone(),
            },
        }
    }
}

/// The column of a place such as `AB12`, from 0.
fn column_of(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).take(4);
    let number =
        letters.fold(0, |number, letter| number * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::column_of;

    #[test]
    fn columns_are_counted_in_letters() {
        assert_eq!(column_of("A1"), Some(0));
        assert_eq!(column_of("AB12"), Some(27));
        assert_eq!(column_of("XFD1048576"), Some(16_383));
        assert_eq!(column_of("12"), None);
    }
}

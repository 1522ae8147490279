//! The rows below a header.

use super::{
    Asked, RawRow,
    header::{Column, Header},
    infer, is_total_line,
};
use crate::{
    extract::{
        amounts::{self, FoundNumber},
        layout::{Document, Segment, Span},
        text::trimmed_range,
    },
    page::Rect,
};
use domain::{
    hub::{Field, FieldType},
    limits::EXTRACT_ROWS_MAX,
};

/// A gap this wide ends a table, in line heights.
const GAP_MAX: f32 = 14.0;
/// A continued description stands this near below, in line heights.
const CONTINUED_GAP: f32 = 0.75;
/// Lines of the longest description.
const DESCRIPTION_LINES_MAX: usize = 4;

/// A cell's piece on one line.
pub(super) struct Piece {
    /// Index into the header's columns.
    pub printed: usize,
    pub span: Span,
    rect: Rect,
}

struct TableLine {
    page: usize,
    top: f32,
    middle: f32,
    pieces: Vec<Piece>,
}

/// The number a cell holds: one that is no percentage and fills most of it.
pub(super) fn number_in(text: &str) -> Option<FoundNumber> {
    amounts::find(text).into_iter().find(|number| !number.percent)
}

/// The rows under all headers of a table.
pub(super) fn collect(asked: &Asked<'_, '_>, columns: &[Field], headers: &[Header]) -> Vec<RawRow> {
    let mut rows = Vec::new();
    let mut ended_before = 0;
    for (index, header) in headers.iter().enumerate() {
        if header.lines.0 < ended_before {
            continue;
        }
        let until = headers.get(index + 1).map_or(asked.document.lines.len(), |next| next.lines.0);
        let mut header = header.clone();
        infer::complete(asked, columns, &mut header, until);
        let header = &header;
        let Some(anchor) = anchor(columns, header) else { continue };
        let (lines, end) = table_lines(asked, columns, header, anchor, until);
        ended_before = end;
        rows.extend(group(asked.document, columns, header, anchor, &lines));
        if end < until || rows.len() >= EXTRACT_ROWS_MAX {
            break;
        }
    }
    rows
}

/// The printed column that has one value in each row.
fn anchor(columns: &[Field], header: &Header) -> Option<usize> {
    let printed =
        || header.columns.iter().enumerate().filter_map(|(index, printed)| Some((index, printed.column?)));
    let last = |wanted: &dyn Fn(FieldType) -> bool| {
        printed().filter(|(_, column)| wanted(columns[*column].kind)).map(|(index, _)| index).last()
    };
    last(&|kind| kind == FieldType::Money)
        .or_else(|| last(&|kind| matches!(kind, FieldType::Number | FieldType::Integer)))
        .or_else(|| printed().nth(1).map(|(index, _)| index))
}

fn is_number(kind: FieldType) -> bool {
    matches!(kind, FieldType::Money | FieldType::Number | FieldType::Integer)
}

/// The lines of a table, and the index of the line that ended it.
fn table_lines(
    asked: &Asked<'_, '_>,
    columns: &[Field],
    header: &Header,
    anchor: usize,
    until: usize,
) -> (Vec<TableLine>, usize) {
    let document = asked.document;
    let mut lines: Vec<TableLine> = Vec::new();
    let header_bottom = header.columns.iter().map(|column| column.rect.bottom()).fold(0.0, f32::max);
    let mut last = (document.lines[header.lines.1].page, header_bottom);
    let header_page = last.0;
    for index in header.lines.0 + 1..until {
        let line = &document.lines[index];
        let pieces = pieces_of(document, header, line.segments.clone());
        let rect = document.segments[line.segments.start].rect;
        if line.page == header_page && rect.middle() <= header_bottom {
            continue;
        }
        let numbers = pieces.iter().filter(|piece| holds_number(document, columns, header, piece)).count();
        let in_anchor = pieces.iter().any(|piece| piece.printed == anchor);
        // A total has its label and its amount, and no quantity and price beside it.
        let printed_numbers = header
            .columns
            .iter()
            .filter(|column| column.column.is_some_and(|column| is_number(columns[column].kind)))
            .count();
        if is_total_line(asked, index) && (numbers < 2 || printed_numbers < 2) {
            return (lines, index);
        }
        if !lines.is_empty() && heads_other_table(document, index) {
            return (lines, index);
        }
        if line.page != last.0 {
            // On the next page only what fits the columns goes on.
            if numbers < 2 || !in_anchor {
                continue;
            }
        } else if rect.y - last.1 > GAP_MAX * document.line_height(line.page) {
            return (lines, index);
        }
        if numbers > 0 || (columns.iter().all(|column| !is_number(column.kind)) && in_anchor) {
            last = (line.page, rect.bottom());
        }
        lines.push(TableLine { page: line.page, top: rect.y, middle: rect.middle(), pieces });
    }
    (lines, until)
}

/// Whether a line is three or more short texts without a digit: rows of this table have numbers, so it heads another one.
fn heads_other_table(document: &Document<'_>, line: usize) -> bool {
    let segments = &document.segments[document.lines[line].segments.clone()];
    let label = |segment: &Segment| {
        let letters = segment.text.chars().filter(|c| c.is_alphabetic()).count();
        segment.text.split_whitespace().count() <= 4 && letters >= 2
    };
    let plain = segments.iter().all(|segment| !segment.text.contains(|c: char| c.is_ascii_digit()));
    plain && segments.iter().filter(|segment| label(segment)).count() >= 3
}

fn holds_number(document: &Document<'_>, columns: &[Field], header: &Header, piece: &Piece) -> bool {
    let kind = header.columns[piece.printed].column.map(|column| columns[column].kind);
    kind.is_some_and(is_number) && number_in(document.text(piece.span)).is_some()
}

/// Assigns the segments of a line to printed columns; one that runs over several numbers is cut at its words.
pub(super) fn pieces_of(
    document: &Document<'_>,
    header: &Header,
    segments: std::ops::Range<usize>,
) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for index in segments {
        let segment = &document.segments[index];
        let whole = Span { segment: index, start: 0, end: segment.text.len() };
        let crossed = header
            .columns
            .iter()
            .filter(|column| {
                column.rect.right().min(segment.rect.right()) - column.rect.x.max(segment.rect.x) > 0.0
            })
            .count();
        let spans: Vec<Span> = if crossed < 2 || segment.text.bytes().filter(u8::is_ascii_digit).count() < 2 {
            vec![whole]
        } else {
            segment
                .starts
                .iter()
                .enumerate()
                .map(|(nth, &start)| {
                    let end = start + document.words[segment.words.start + nth].text.len();
                    Span { segment: index, start, end }
                })
                .collect()
        };
        for span in spans {
            let (start, end) = trimmed_cell(&segment.text, span.start, span.end);
            if start == end {
                continue;
            }
            let span = Span { segment: index, start, end };
            let rect = document.rect(span);
            let Some(printed) = nearest_column(&header.columns, rect) else { continue };
            match pieces.last_mut() {
                Some(last) if last.printed == printed && last.span.segment == index => {
                    last.span.end = end;
                    last.rect = last.rect.union(&rect);
                }
                _ => pieces.push(Piece { printed, span, rect }),
            }
        }
    }
    pieces
}

/// Like the ends of any value, but a sign may lead a number.
fn trimmed_cell(text: &str, start: usize, end: usize) -> (usize, usize) {
    let (from, to) = trimmed_range(text, start, end);
    let signed = text[start..from].ends_with(['-', '−', '–'])
        && text[from..to].starts_with(|c: char| c.is_ascii_digit());
    if signed {
        let sign = text[start..from].chars().next_back().map_or(0, char::len_utf8);
        return (from - sign, to);
    }
    (from, to)
}

fn nearest_column(columns: &[Column], rect: Rect) -> Option<usize> {
    let distance = |column: &Column| {
        let other = column.rect;
        let edges = [(other.x - rect.x).abs(), (other.right() - rect.right()).abs()];
        let centre = ((other.x + other.right()) - (rect.x + rect.right())).abs() / 2.0;
        let overlap = other.right().min(rect.right()) - other.x.max(rect.x);
        let apart = if overlap > 0.0 { 0.0 } else { 1.5 * -overlap + 4.0 };
        edges[0].min(edges[1]).min(centre) + apart
    };
    (0..columns.len()).min_by(|a, b| distance(&columns[*a]).total_cmp(&distance(&columns[*b])))
}

/// One row for each value of the anchor column.
fn group(
    document: &Document<'_>,
    columns: &[Field],
    header: &Header,
    anchor: usize,
    lines: &[TableLine],
) -> Vec<RawRow> {
    let all_text = columns.iter().all(|column| !is_number(column.kind));
    let anchors: Vec<usize> = (0..lines.len())
        .filter(|&line| {
            lines[line].pieces.iter().any(|piece| {
                piece.printed == anchor && (all_text || holds_number(document, columns, header, piece))
            }) && (!all_text
                || lines[line]
                    .pieces
                    .iter()
                    .filter(|piece| header.columns[piece.printed].column.is_some())
                    .count()
                    >= 2)
        })
        .take(EXTRACT_ROWS_MAX)
        .collect();
    // Lines with other numbers belong to the nearest anchor; lines of text to the row above.
    let owner: Vec<Option<usize>> =
        (0..lines.len()).map(|line| owner_of(document, columns, header, lines, &anchors, line)).collect();
    (0..anchors.len())
        .map(|row| {
            let own: Vec<usize> = (0..lines.len()).filter(|&line| owner[line] == Some(row)).collect();
            row_of(document, columns, header, lines, anchors[row], &own)
        })
        .collect()
}

fn owner_of(
    document: &Document<'_>,
    columns: &[Field],
    header: &Header,
    lines: &[TableLine],
    anchors: &[usize],
    line: usize,
) -> Option<usize> {
    if let Ok(row) = anchors.binary_search(&line) {
        return Some(row);
    }
    let height = document.line_height(lines[line].page);
    let after = anchors.partition_point(|anchor| *anchor < line);
    let near = |row: usize| {
        let anchor = &lines[anchors[row]];
        (anchor.page == lines[line].page).then(|| (anchor.middle - lines[line].middle).abs() / height)
    };
    let below = (after < anchors.len()).then(|| near(after)).flatten();
    let above = after.checked_sub(1).and_then(near);
    let numeric = lines[line].pieces.iter().any(|piece| holds_number(document, columns, header, piece));
    match (numeric, below, above) {
        (true, Some(below), above) if below < 1.8 && above.is_none_or(|above| below < above) => Some(after),
        (true, _, Some(above)) if above < 1.8 => Some(after - 1),
        (true, _, _) => None,
        // The first line of a description may stand just above the numbers.
        (false, Some(below), None) if below < 1.3 => Some(after),
        (false, _, Some(_)) => Some(after - 1),
        _ => None,
    }
}

fn row_of(
    document: &Document<'_>,
    columns: &[Field],
    header: &Header,
    lines: &[TableLine],
    anchor_line: usize,
    own: &[usize],
) -> RawRow {
    let mut row = RawRow { cells: vec![Vec::new(); columns.len()] };
    for (printed, column) in header.columns.iter().enumerate() {
        let Some(index) = column.column else { continue };
        let cell = &mut row.cells[index];
        let mut bottom: Option<f32> = None;
        for &line in own {
            // A label on the header's second line heads what stands on a row's second line.
            if column.level > 0 && line <= anchor_line {
                continue;
            }
            let height = document.line_height(lines[line].page);
            for piece in lines[line].pieces.iter().filter(|piece| piece.printed == printed) {
                if is_number(columns[index].kind) {
                    // What stands beside the anchor counts more than what stands above or below.
                    let at = if line == anchor_line { 0 } else { cell.len() };
                    cell.insert(at, piece.span);
                    continue;
                }
                let text = document.text(piece.span);
                let continues = bottom.is_none_or(|bottom| lines[line].top - bottom < CONTINUED_GAP * height);
                let wanted = cell.is_empty()
                    || (continues && !text.contains(':') && cell.len() < DESCRIPTION_LINES_MAX);
                if wanted {
                    cell.push(piece.span);
                    bottom = Some(piece.rect.bottom());
                } else {
                    bottom = Some(f32::MIN);
                }
            }
        }
    }
    row
}

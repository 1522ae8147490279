//! The header of a table: where its columns are.

use super::Asked;
use crate::{
    extract::{
        layout::{Document, Span},
        lexicon::{self, Lexicon, Meaning, Met},
        text::fold,
    },
    page::Rect,
};
use domain::hub::{Field, FieldType};

/// Lines of the tallest header.
const LINES_MAX: usize = 5;
/// A line in more pieces is no header.
const SEGMENTS_MAX: usize = 60;
/// Words of one heading stand this near, in line heights.
const WORD_GAP: f32 = 0.6;
/// Labels must explain this much of the text they stand in.
const COVERAGE_MIN: f32 = 0.3;

/// One printed column: one of the field's, or one that nobody asked for.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub column: Option<usize>,
    pub rect: Rect,
    /// Lines below the header's main line that this label stands.
    pub level: i32,
}

/// A header on a page.
#[derive(Debug, Clone)]
pub(super) struct Header {
    pub columns: Vec<Column>,
    /// Its first and last line.
    pub lines: (usize, usize),
}

#[derive(Clone)]
struct Hit {
    column: usize,
    rect: Rect,
    line: usize,
    quality: f32,
}

/// The headers of the table, from the first page to the last; `None` where no line looks like one.
pub(super) fn find(asked: &Asked<'_, '_>, field: &Field) -> Option<Vec<Header>> {
    let columns = field.columns.as_slice();
    let labels = columns.iter().enumerate().flat_map(|(index, column)| {
        lexicon::labels_of(column).into_iter().map(move |label| (Meaning::Field(index), label))
    });
    let learned = asked.model.into_iter().flat_map(|model| model.headings(&field.id));
    let learned = learned.filter_map(|(id, label)| {
        let column = columns.iter().position(|column| column.id == id)?;
        Some((Meaning::Field(column), label.to_owned()))
    });
    let lexicon = Lexicon::new(labels.chain(learned));
    let document = asked.document;
    let hits: Vec<Vec<Hit>> =
        (0..document.lines.len()).map(|line| hits_of_line(document, &lexicon, line)).collect();
    let mut found: Vec<(f32, Header)> = Vec::new();
    let mut line = 0;
    while line < hits.len() {
        let distinct = distinct_columns(hits[line].iter());
        if distinct < 2 {
            line += 1;
            continue;
        }
        let header = grow(document, &lexicon, columns, &hits, line);
        line = header.1.lines.1.max(line) + 1;
        found.push(header);
    }
    let best = found.iter().map(|(score, _)| *score).fold(0.0, f32::max);
    let (_, main) = found.iter().find(|(score, _)| *score >= best - 0.01)?;
    let same = |header: &Header| {
        let ids = |header: &Header| {
            let mut ids: Vec<usize> = header.columns.iter().filter_map(|column| column.column).collect();
            ids.sort_unstable();
            ids
        };
        ids(header) == ids(main)
    };
    let headers: Vec<Header> =
        found.iter().map(|(_, header)| header).filter(|header| same(header)).cloned().collect();
    Some(headers)
}

fn distinct_columns<'h>(hits: impl Iterator<Item = &'h Hit>) -> usize {
    let mut columns: Vec<usize> = hits.map(|hit| hit.column).collect();
    columns.sort_unstable();
    columns.dedup();
    columns.len()
}

fn hits_of_line(document: &Document<'_>, lexicon: &Lexicon, line: usize) -> Vec<Hit> {
    let mut hits = Vec::new();
    if document.lines[line].segments.len() > SEGMENTS_MAX {
        return hits;
    }
    for index in document.lines[line].segments.clone() {
        let segment = &document.segments[index];
        let texts: Vec<&str> =
            document.words[segment.words.clone()].iter().map(|word| word.text.as_str()).collect();
        if texts.len() > 12 {
            continue;
        }
        let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
        let letters: usize = folded.iter().map(String::len).sum();
        let mut word = 0;
        while word < folded.len() {
            let met = if folded[word].is_empty() { None } else { lexicon.longest_at(&folded[word..]) };
            let Some((count, met)) = met.or_else(|| joined(lexicon, texts[word])) else {
                word += 1;
                continue;
            };
            let end = word + count;
            let coverage = met.length as f32 / letters.max(1) as f32;
            let value_follows =
                texts.get(end).is_some_and(|next| next.contains(|c: char| c.is_ascii_digit()));
            let plain = coverage >= COVERAGE_MIN && !value_follows && !texts[end - 1].ends_with(':');
            if let Some(Meaning::Field(column)) = met.meanings.first().filter(|_| plain) {
                let span = Span {
                    segment: index,
                    start: segment.starts[word],
                    end: segment.starts[end - 1] + texts[end - 1].len(),
                };
                let quality = met.similarity * (0.5 + 0.5 * coverage.min(1.0));
                hits.push(Hit { column: *column, rect: document.rect(span), line, quality });
            }
            word = end;
        }
    }
    hits
}

/// Of two labels in one word (`Hrs/Qty`) the first that is known.
fn joined<'l>(lexicon: &'l Lexicon, word: &str) -> Option<(usize, Met<'l>)> {
    let mut parts = word.split('/').map(fold).filter(|part| part.len() > 2 && part.len() < fold(word).len());
    parts.find_map(|part| lexicon.exact(&part)).map(|met| (1, met))
}

/// Takes the lines around a header line that belong to it.
fn grow(
    document: &Document<'_>,
    lexicon: &Lexicon,
    columns: &[Field],
    hits: &[Vec<Hit>],
    line: usize,
) -> (f32, Header) {
    let page = document.lines[line].page;
    let height = document.line_height(page);
    let middle = |index: usize| {
        let segment = &document.segments[document.lines[index].segments.start];
        segment.rect.middle()
    };
    let plain = |index: usize| {
        let segments = document.lines[index].segments.clone();
        let texts = segments.map(|segment| document.segments[segment].text.as_str());
        texts
            .clone()
            .all(|text| !text.contains(|c: char| c.is_ascii_digit()) && text.split_whitespace().count() <= 5)
    };
    let joins = |from: usize, to: usize| {
        document.lines.get(to).is_some_and(|other| other.page == page)
            && (middle(from) - middle(to)).abs() < 1.7 * height
            && plain(to)
    };
    let (mut first, mut last) = (line, line);
    while first > 0 && line - first < LINES_MAX / 2 && joins(first, first - 1) {
        first -= 1;
    }
    while last - first < LINES_MAX - 1 && joins(last, last + 1) {
        last += 1;
    }
    let stacked = stacked_hits(document, lexicon, hits, line, first..last + 1);
    let mut taken: Vec<&Hit> = Vec::new();
    // The main line decides; other lines add columns it lacks.
    let others = hits[first..=last].iter().flatten().filter(|hit| hit.line != line);
    for hit in hits[line].iter().chain(&stacked).chain(others) {
        match taken.iter_mut().find(|known| known.column == hit.column) {
            Some(known) if known.line == hit.line && hit.quality > known.quality + 0.05 => *known = hit,
            Some(known)
                if known.line == hit.line
                    && hit.quality > known.quality - 0.05
                    && columns[hit.column].kind == FieldType::Money =>
            {
                *known = hit;
            }
            Some(_) => {}
            None => taken.push(hit),
        }
    }
    let two_prices = two_prices(columns, hits[first..=last].iter().flatten());
    if let Some([price, amount]) = &two_prices {
        taken.retain(|hit| hit.column != price.column);
        taken.extend([price, amount]);
    }
    let level = |index: usize| ((middle(index) - middle(line)) / height).round() as i32;
    let mut made: Vec<Column> = taken
        .iter()
        .map(|hit| Column { column: Some(hit.column), rect: hit.rect, level: level(hit.line).max(0) })
        .collect();
    for index in first..=last {
        for segment in &document.segments[document.lines[index].segments.clone()] {
            for word in &document.words[segment.words.clone()] {
                let over = |column: &Column| {
                    column.rect.right().min(word.rect.right()) - column.rect.x.max(word.rect.x) > 0.0
                };
                if made.iter().any(over) {
                    continue;
                }
                // `Amount EUR` is one heading, whose numbers end where its last word does.
                let beside = |column: &&mut Column| {
                    let rect = column.rect;
                    let gap = (word.rect.x - rect.right()).max(rect.x - word.rect.right());
                    let level = (word.rect.middle() - rect.middle()).abs() < 0.3 * height;
                    column.column.is_some() && level && gap < WORD_GAP * height
                };
                if let Some(column) = made.iter_mut().find(beside) {
                    column.rect = column.rect.union(&word.rect);
                } else {
                    made.push(Column { column: None, rect: word.rect, level: 0 });
                }
            }
        }
    }
    made.sort_by(|a, b| a.rect.x.total_cmp(&b.rect.x));
    let numbers = taken.iter().filter(|hit| columns[hit.column].kind != FieldType::String).count();
    let text_too = taken.iter().any(|hit| columns[hit.column].kind == FieldType::String);
    let score =
        taken.iter().map(|hit| hit.quality).sum::<f32>() + if numbers > 0 && text_too { 1.0 } else { 0.0 };
    (score, Header { columns: made, lines: (first, last) })
}

/// Of two prices and no amount the left one is a unit's and the right one what they come to (`Prix unitaire`, `Prix HT`).
fn two_prices<'h>(columns: &[Field], hits: impl Iterator<Item = &'h Hit> + Clone) -> Option<[Hit; 2]> {
    let money = |index: &usize| columns[*index].kind == FieldType::Money;
    let [price, amount] = (0..columns.len()).filter(money).collect::<Vec<_>>()[..] else { return None };
    if hits.clone().any(|hit| hit.column == amount) {
        return None;
    }
    let prices = hits.filter(|hit| hit.column == price);
    let left = prices.clone().min_by(|a, b| a.rect.x.total_cmp(&b.rect.x))?;
    let right = prices.max_by(|a, b| a.rect.x.total_cmp(&b.rect.x))?;
    (right.rect.x > left.rect.right()).then(|| [left.clone(), Hit { column: amount, ..right.clone() }])
}

/// Labels that are printed on several lines, one word below the other.
fn stacked_hits(
    document: &Document<'_>,
    lexicon: &Lexicon,
    hits: &[Vec<Hit>],
    line: usize,
    lines: std::ops::Range<usize>,
) -> Vec<Hit> {
    let mut stacks: Vec<(Rect, Vec<usize>)> = Vec::new();
    for segment in lines.clone().flat_map(|index| document.lines[index].segments.clone()) {
        let rect = document.segments[segment].rect;
        let over = |other: &Rect| {
            other.right().min(rect.right()) - other.x.max(rect.x) > 0.3 * rect.width.min(other.width)
        };
        match stacks.iter_mut().find(|(other, _)| over(other)) {
            Some((all, segments)) => {
                *all = all.union(&rect);
                segments.push(segment);
            }
            None => stacks.push((rect, vec![segment])),
        }
    }
    let met_already = |rect: &Rect| {
        let mut known = hits[lines.clone()].iter().flatten();
        known.any(|hit| hit.rect.right().min(rect.right()) - hit.rect.x.max(rect.x) > 0.0)
    };
    stacks
        .iter()
        .filter(|(rect, segments)| segments.len() > 1 && !met_already(rect))
        .filter_map(|(rect, segments)| {
            let words =
                segments.iter().flat_map(|segment| document.segments[*segment].text.split_whitespace());
            let folded: Vec<String> = words.map(fold).filter(|word| !word.is_empty()).collect();
            let (_, met) = lexicon.longest_at(&folded)?;
            match met.meanings.first() {
                Some(Meaning::Field(column)) => {
                    Some(Hit { column: *column, rect: *rect, line, quality: 0.8 * met.similarity })
                }
                _ => None,
            }
        })
        .collect()
}

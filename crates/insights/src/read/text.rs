//! Plain text, and tables of separated values. The extracted text is the file's own, so offsets point into it.

use std::ops::Range;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use domain::limits;
use encoding_rs::{Encoding, UTF_8};

use super::flow::{Block, Cell, Flow, TYPE_SIZE};

/// Bytes that an encoding is guessed from.
const GUESSED_FROM_BYTES: usize = 64 * 1024;
/// Lines that a separator is told by.
const SAMPLE_LINES: usize = 50;

/// Text from bytes: by the mark at their beginning, as UTF-8 where they are, else as `declared`, else by what they look
/// like. Nothing fails: what is in no encoding becomes U+FFFD.
pub(super) fn decode(bytes: &[u8], declared: Option<&'static Encoding>) -> String {
    let bytes = &bytes[..bytes.len().min(limits::FLOW_TEXT_BYTES_MAX)];
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(&bytes[mark..]).0.into_owned();
    }
    let whole = match std::str::from_utf8(bytes) {
        Ok(text) => return text.to_owned(),
        // Cut in the middle of a character by the limit above.
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => 0,
    };
    if whole > 0 {
        return UTF_8.decode_without_bom_handling(&bytes[..whole]).0.into_owned();
    }
    let encoding = declared.filter(|encoding| *encoding != UTF_8).unwrap_or_else(|| {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(&bytes[..bytes.len().min(GUESSED_FROM_BYTES)], true);
        detector.guess(None, Utf8Detection::Allow)
    });
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// A text, line by line.
pub(super) fn read(text: String) -> Flow {
    let mut blocks = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        blocks.push(Block::Line(start..end, TYPE_SIZE));
        start += line.len();
    }
    Flow { text, blocks, doubled_quotes: false }
}

/// A table of separated values (RFC 4180, with any of the usual separators).
pub(super) fn read_table(text: String) -> Flow {
    let separator = separator(&text);
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut row: Vec<Cell> = Vec::new();
    let (mut column, mut words) = (0, 0);
    let (mut at, mut quoting) = (0, true);
    while at < text.len() && words < limits::EXTRACT_WORDS_MAX {
        let (value, after) = value_at(&text, at, separator, &mut quoting);
        if !text[value.clone()].trim().is_empty() && column < limits::TABLE_COLUMNS_MAX {
            row.push(Cell { column, rows: 1, blocks: lines_of(&text, value) });
            words += 1;
        }
        column += 1;
        let ends_row = !text[after..].starts_with(separator);
        at = after + text[after..].chars().next().map_or(1, char::len_utf8);
        if ends_row {
            if text[after..].starts_with("\r\n") {
                at += 1;
            }
            rows.push(std::mem::take(&mut row));
            column = 0;
        }
    }
    rows.push(row);
    Flow { text, blocks: vec![Block::Table(rows)], doubled_quotes: true }
}

/// The value that begins at a byte, without its quotes, and where the character after it stands. `quoting` becomes false
/// with the first quote that never closes: from there on quotes are letters, or each would be looked for to the end.
fn value_at(text: &str, at: usize, separator: char, quoting: &mut bool) -> (Range<usize>, usize) {
    let rest = &text[at..];
    if *quoting && rest.starts_with('"') {
        let mut from = 1;
        while let Some(found) = rest[from..].find('"') {
            let end = from + found;
            if !rest[end + 1..].starts_with('"') {
                // Whatever follows the closing quote up to the separator belongs to nothing.
                let after = rest[end + 1..].find([separator, '\n', '\r']);
                let after = after.map_or(rest.len(), |after| end + 1 + after);
                return (at + 1..at + end, at + after);
            }
            from = end + 2;
        }
        *quoting = false;
    }
    let end = rest.find([separator, '\n', '\r']).unwrap_or(rest.len());
    (at..at + end, at + end)
}

/// A quoted value may have line feeds.
fn lines_of(text: &str, value: Range<usize>) -> Vec<Block> {
    let mut start = value.start;
    let lines = text[value].split('\n').map(|line| {
        let block = Block::Line(start..start + line.trim_end().len(), TYPE_SIZE);
        start += line.len() + 1;
        block
    });
    lines.collect()
}

fn count_outside_quotes(line: &str, separator: char) -> usize {
    let mut quoted = false;
    line.chars()
        .filter(|c| {
            quoted ^= *c == '"';
            *c == separator && !quoted
        })
        .count()
}

/// The character that the most lines have the same number of.
fn separator(text: &str) -> char {
    let lines: Vec<&str> =
        text.lines().map(|line| &line[..line.floor_char_boundary(2000)]).take(SAMPLE_LINES).collect();
    let score = |separator: char| {
        let counts: Vec<usize> = lines.iter().map(|line| count_outside_quotes(line, separator)).collect();
        let usual = counts.iter().copied().filter(|count| *count > 0).min().unwrap_or_default();
        counts.iter().filter(|count| **count > 0 && **count == usual).count() * 100 + usual.min(99)
    };
    let candidates = [';', '\t', ',', '|'].map(|separator| (score(separator), separator));
    // Of equals the first: a semicolon is chosen where numbers have decimal commas.
    candidates.into_iter().rev().max_by_key(|(score, _)| *score).map_or(',', |(_, separator)| separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str) -> Vec<Vec<String>> {
        let flow = read_table(text.to_owned());
        let Some(Block::Table(rows)) = flow.blocks.first() else { panic!("no table") };
        let cell = |cell: &Cell| match &cell.blocks[0] {
            Block::Line(range, _) => format!("{}:{}", cell.column, &flow.text[range.clone()]),
            Block::Table(_) => panic!("a table in a cell"),
        };
        rows.iter().map(|row| row.iter().map(cell).collect()).filter(|row: &Vec<_>| !row.is_empty()).collect()
    }

    #[test]
    fn values_are_separated_and_quoted() {
        assert_eq!(cells("a,b,c\r\n1,,3\r\n"), [vec!["0:a", "1:b", "2:c"], vec!["0:1", "2:3"]]);
        assert_eq!(
            cells("x;\"1,50; net\";y\nz;2,00;w\n"),
            [vec!["0:x", "1:1,50; net", "2:y"], vec!["0:z", "1:2,00", "2:w"]]
        );
        assert_eq!(cells("\"never closed,1\n2,3"), [vec!["0:\"never closed", "1:1"], vec!["0:2", "1:3"]]);
    }

    #[test]
    fn any_encoding_becomes_text() {
        assert_eq!(decode(b"\xef\xbb\xbfGr\xc3\xb6\xc3\x9fe", None), "Größe");
        assert_eq!(decode(b"\xff\xfeG\0r\0\xf6\0", None), "Grö");
        let latin = b"Die Gr\xf6\xdfe der \xdcbersicht l\xe4\xdft sich f\xfcr das n\xe4chste Jahr \xe4ndern.";
        assert_eq!(decode(latin, None), "Die Größe der Übersicht läßt sich für das nächste Jahr ändern.");
        assert!(decode(&[0xc3; 100], None).chars().count() > 0);
    }
}

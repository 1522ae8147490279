//! Pieces of a document in the typesetter's language. A piece is an expression of code mode, so that no text of a document is
//! ever read as markup.

use std::fmt;

/// An expression that yields content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece(String);

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Piece {
    pub fn code(code: impl Into<String>) -> Piece {
        Piece(code.into())
    }

    pub fn then(self, other: Piece) -> Piece {
        Piece(format!("{self} + {other}"))
    }

    pub fn bold(self) -> Piece {
        Piece(format!("strong({self})"))
    }

    pub fn sized(self, points: f64) -> Piece {
        Piece(format!("text(size: {points}pt, {self})"))
    }

    pub fn aligned(self, side: &str) -> Piece {
        Piece(format!("align({side}, {self})"))
    }
}

/// Plain text.
pub fn text(text: &str) -> Piece {
    Piece(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// Text whose place is asked for under an id.
pub fn mark(id: &str, shown: &str) -> Piece {
    Piece(format!("m({}, {})", text(id), text(shown)))
}

/// One below the other.
pub fn lines(pieces: impl IntoIterator<Item = Piece>) -> Piece {
    let all: Vec<String> = pieces.into_iter().map(|piece| piece.0).collect();
    Piece(if all.is_empty() { "[]".to_owned() } else { all.join(" + linebreak() + ") })
}

/// Side by side; `columns` as the typesetter has them: `(1fr, auto)`.
pub fn grid(columns: &str, options: &str, cells: impl IntoIterator<Item = Piece>) -> Piece {
    arranged("grid", columns, options, cells)
}

pub fn table(columns: &str, options: &str, cells: impl IntoIterator<Item = Piece>) -> Piece {
    arranged("table", columns, options, cells)
}

fn arranged(kind: &str, columns: &str, options: &str, cells: impl IntoIterator<Item = Piece>) -> Piece {
    let cells: Vec<String> = cells.into_iter().map(|cell| cell.0).collect();
    let options = if options.is_empty() { String::new() } else { format!("{options}, ") };
    Piece(format!("{kind}(columns: {columns}, {options}{})", cells.join(", ")))
}

/// A whole document.
#[derive(Debug, Default)]
pub struct Sheet {
    body: String,
}

impl Sheet {
    pub fn add(&mut self, piece: &Piece) {
        self.body.push_str(&format!("#block(width: 100%, {piece})\n"));
    }

    pub fn space(&mut self, millimetres: i64) {
        self.body.push_str(&format!("#v({millimetres}mm)\n"));
    }

    /// The source, below what sets the page up.
    pub fn source(&self, page: &str) -> String {
        let marks = "#let m(id, body) = [#metadata(\"<\" + id)#body#metadata(\">\" + id)]\n";
        format!(
            "{marks}{page}\n#set table.cell(breakable: false)\n#set grid.cell(breakable: false)\n{}",
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_read_as_code() {
        assert_eq!(text("a \"b\" \\ #c").to_string(), "\"a \\\"b\\\" \\\\ #c\"");
        assert_eq!(mark("total", "1").to_string(), "m(\"total\", \"1\")");
        assert_eq!(lines([text("a"), text("b").bold()]).to_string(), "\"a\" + linebreak() + strong(\"b\")");
    }
}

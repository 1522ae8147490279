//! What people see: plain text that is coloured on a terminal only, tables that fit it, errors that say what to do.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use std::{
    fmt::{self, Display},
    io::{self, IsTerminal, Write},
};

/// How a piece of text looks on a terminal (SGR parameters of ECMA-48).
#[derive(Debug, Clone, Copy)]
pub enum Style {
    Bold,
    Dim,
    Good,
    Warning,
    Bad,
}

impl Style {
    const fn parameters(self) -> &'static str {
        match self {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Warning => "33",
            Style::Bad => "1;31",
        }
    }
}

/// An output stream and whether it shows colours.
pub struct Terminal<W> {
    stream: W,
    colours: bool,
}

/// Standard output: results.
pub fn stdout() -> Terminal<io::Stdout> {
    Terminal { colours: coloured(io::stdout().is_terminal()), stream: io::stdout() }
}

/// Standard error: progress and problems.
pub fn stderr() -> Terminal<io::Stderr> {
    Terminal { colours: coloured(io::stderr().is_terminal()), stream: io::stderr() }
}

/// Into something that shows no colours.
#[cfg(test)]
pub fn plain<W: Write>(stream: W) -> Terminal<W> {
    Terminal { colours: false, stream }
}

/// As <https://no-color.org> asks.
fn coloured(terminal: bool) -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let able = std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    terminal && wanted && able
}

impl<W: Write> Terminal<W> {
    /// A line.
    pub fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.stream, "{text}")
    }

    /// A table, without the blanks that fill its last column.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        self.line(trimmed(table))
    }

    /// Whether there are colours.
    pub const fn colours(&self) -> bool {
        self.colours
    }

    /// `text` in a style, where there are colours.
    pub fn styled(&self, style: Style, text: impl Display) -> String {
        if self.colours { format!("\x1b[{}m{text}\x1b[0m", style.parameters()) } else { text.to_string() }
    }

    /// `error: …`, its causes and its advice.
    pub fn error(&mut self, error: &anyhow::Error) -> io::Result<()> {
        let mark = self.styled(Style::Bad, "error");
        self.line(format_args!("{mark}: {error}"))?;
        for cause in error.chain().skip(1).filter(|cause| cause.downcast_ref::<Advice>().is_none()) {
            self.line(format_args!("  caused by: {cause}"))?;
        }
        Ok(())
    }

    /// What to do about it.
    pub fn advice(&mut self, text: impl Display) -> io::Result<()> {
        let mark = self.styled(Style::Good, "help");
        self.line(format_args!("  {mark}: {text}"))
    }
}

/// An error with a line of advice beneath it.
#[derive(Debug)]
pub struct Advice {
    pub error: anyhow::Error,
    pub advice: String,
}

impl Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Advice {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.chain().nth(1)
    }
}

/// Adds a line of advice to an error.
pub fn advise(error: impl Into<anyhow::Error>, advice: impl Into<String>) -> anyhow::Error {
    Advice { error: error.into(), advice: advice.into() }.into()
}

/// The lines of a table without blanks at their ends.
pub fn trimmed(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Nothing but a line under the head: rows are copied and grepped.
const TABLE_STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// A table with a head, as wide as the terminal at most.
pub fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(TABLE_STYLE).set_header(head);
    let width = terminal_columns();
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    table
}

/// Columns of the terminal as the shell tells, else 120: output into a file must not depend on a window.
fn terminal_columns() -> u16 {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    told.filter(|columns| *columns >= 60).unwrap_or(120)
}

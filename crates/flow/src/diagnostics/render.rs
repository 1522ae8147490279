//! Diagnostics as a compiler shows them: the code, the place, the line, a caret, a hint.

use std::fmt::Write as _;

use super::Diagnostic;

/// Longer lines are cut around the place.
const SHOWN_CHARACTERS_MAX: usize = 120;

/// ANSI colours, or nothing.
struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// All of them, in the order of the text, each followed by an empty line.
pub fn render(file: &str, source: &str, diagnostics: &[Diagnostic], colours: bool) -> String {
    let paint = Paint(colours);
    let lines: Vec<&str> = source.lines().collect();
    let mut text = String::new();
    for diagnostic in diagnostics {
        one(file, &lines, diagnostic, &paint, &mut text);
    }
    text
}

fn one(file: &str, lines: &[&str], diagnostic: &Diagnostic, paint: &Paint, text: &mut String) {
    let Diagnostic { code, message, line, column, .. } = diagnostic;
    let head = paint.with("1;31", &format!("error[{}]", code.as_str()));
    let _ = writeln!(text, "{head}{}", paint.with("1", &format!(": {message}")));
    let gutter = line.to_string().len();
    let bar = paint.with("1;34", "|");
    let arrow = paint.with("1;34", "-->");
    let _ = writeln!(text, "{:gutter$}{arrow} {file}:{line}:{column}", "");
    if let Some(shown) = lines.get(*line as usize - 1) {
        let shown: Vec<char> = shown.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
        let at = (*column as usize - 1).min(shown.len());
        let to = if diagnostic.end_line == *line { diagnostic.end_column as usize - 1 } else { shown.len() };
        let to = to.clamp(at + 1, shown.len().max(at + 1));
        let short = shown.len() <= SHOWN_CHARACTERS_MAX;
        let from = if short { 0 } else { at.saturating_sub(SHOWN_CHARACTERS_MAX / 2) };
        let until = shown.len().min(from + SHOWN_CHARACTERS_MAX);
        let number = paint.with("1;34", &line.to_string());
        let excerpt: String = shown[from..until].iter().filter(|c| !c.is_control()).collect();
        let carets = "^".repeat(to.min(until.max(at + 1)) - at);
        let _ = writeln!(text, "{:gutter$} {bar}", "");
        let _ = writeln!(text, "{number} {bar} {}", excerpt.trim_end());
        let _ = writeln!(
            text,
            "{:gutter$} {bar} {:indent$}{}",
            "",
            "",
            paint.with("1;31", &carets),
            indent = at - from
        );
    }
    if let Some(hint) = &diagnostic.hint {
        let label = paint.with("1;36", "hint");
        let _ = writeln!(text, "{:gutter$} {} {label}: {hint}", "", paint.with("1;34", "="));
    }
    text.push('\n');
}

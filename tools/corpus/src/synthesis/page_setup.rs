//! Paper, type and foot of a document.

use super::{
    markup::{Piece, grid},
    words::Pen,
};

pub struct PageSetup {
    paper: &'static str,
    text: String,
    margin: i64,
}

const FONTS: [&str; 6] = [
    "font: \"DejaVu Sans\"",
    "font: \"DejaVu Sans\", stretch: 75%",
    "font: \"Libertinus Serif\"",
    "font: \"New Computer Modern\"",
    "font: \"DejaVu Serif\"",
    "font: \"DejaVu Sans Mono\"",
];

impl PageSetup {
    pub fn choose(pen: &mut Pen<'_>, paper: &'static str) -> PageSetup {
        // Monospaced type is rare, and wide.
        let font = if pen.chance(6) { FONTS[5] } else { FONTS[pen.random.below(5)] };
        let wide = !font.contains("stretch") && font.contains("DejaVu");
        let size = if wide { pen.one(&[7.5, 8.0, 8.5]) } else { pen.one(&[9.0, 9.5, 10.0, 11.0]) };
        PageSetup { paper, text: format!("#set text({font}, size: {size}pt)"), margin: pen.between(14, 25) }
    }

    /// The beginning of a source, with columns at the foot of each page.
    pub fn with_foot(&self, pen: &mut Pen<'_>, columns: &[Piece]) -> String {
        let (before, rest) = pen.pick("page").split_once("{}").unwrap_or_default();
        let (between, after) = rest.split_once("{}").unwrap_or_default();
        let number = format!(
            "[#{before:?}#counter(page).display()#{between:?}#str(counter(page).final().first())#{after:?}]"
        );
        let widths = format!("({})", "auto, ".repeat(columns.len().max(1)));
        let columns = grid(&widths, "column-gutter: 1fr", columns.iter().cloned());
        let numbered = if pen.chance(60) { format!("align(right, {number})") } else { "[]".to_owned() };
        let foot = format!("context text(size: 7pt, stack(spacing: 1.5mm, {columns}, {numbered}))");
        format!(
            "#set page(paper: \"{}\", margin: (x: {}mm, top: {}mm, bottom: 30mm), footer-descent: 8mm, footer: {foot})\n{}",
            self.paper,
            self.margin,
            self.margin - 2,
            self.text
        )
    }
}

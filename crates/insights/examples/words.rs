//! Prints the words of a document, one a line: page, box as page fractions, type size, confidence, text.
//!
//! `cargo run -p insights --example words -- invoice.pdf`

use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        for page in insights::read::read_all(bytes, &path, insights::read::Limits::default())? {
            for word in &page.words {
                let rect = word.rect;
                writeln!(
                    out,
                    "{}\t{:.4}\t{:.4}\t{:.4}\t{:.4}\t{:.1}\t{:.2}\t{}",
                    page.number,
                    rect.x,
                    rect.y,
                    rect.width,
                    rect.height,
                    word.font_size,
                    word.confidence,
                    word.text
                )?;
            }
        }
    }
    Ok(())
}

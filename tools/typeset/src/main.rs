//! Typesets documents that tools/corpus invents, and says exactly where their marked texts stand.
//!
//! One order a line on the standard input, one answer a line on the standard output, both JSON:
//! `{"name","source","pixelsPerPoint"?}` → `{"name","pages":[[width,height]…],"marks":{id:[[[page,x,y,width,height]…]…]}}`
//!
//! The PDF is written to `FOLDER/NAME.pdf`; with `pixelsPerPoint` the first page also to `FOLDER/NAME.png`. Fonts are those
//! that are compiled in, so the same source is the same document on every machine. A text between `#metadata("<id")` and
//! `#metadata(">id")` is marked; each time it stands somewhere is a list of boxes, one for each of its lines, in shares of
//! the page.

mod desk;
mod marks;

use anyhow::{Context, Result, bail};
use desk::Desk;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::path::Path;
use typst_layout::PagedDocument;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    name: String,
    source: String,
    pixels_per_point: Option<f64>,
}

#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    /// Width and height of each page in points.
    pages: Vec<(f64, f64)>,
    marks: BTreeMap<String, Vec<marks::Occurrence>>,
}

/// Documents after which what the typesetter remembers of earlier ones is forgotten.
const REMEMBERED: usize = 2;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("usage: typeset FOLDER < orders")?;
    let mut desk = Desk::new();
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let order: Order = serde_json::from_str(&line?)?;
        let document = desk.typeset(&order.source).with_context(|| order.name.clone())?;
        write(&document, Path::new(&folder), &order)?;
        let answer = Answer {
            name: &order.name,
            pages: document
                .pages()
                .iter()
                .map(|page| (page.frame.width().to_pt(), page.frame.height().to_pt()))
                .collect(),
            marks: marks::find(&document),
        };
        writeln!(out, "{}", serde_json::to_string(&answer)?)?;
        out.flush()?;
        typst::comemo::evict(REMEMBERED);
    }
    Ok(())
}

fn write(document: &PagedDocument, folder: &Path, order: &Order) -> Result<()> {
    let options = typst_pdf::PdfOptions { tagged: false, ..Default::default() };
    let pdf = typst_pdf::pdf(document, &options);
    let Ok(pdf) = pdf else { bail!("{}: no PDF", order.name) };
    std::fs::write(folder.join(format!("{}.pdf", order.name)), pdf)?;
    let (Some(scale), Some(page)) = (order.pixels_per_point, document.pages().first()) else { return Ok(()) };
    let options =
        typst_render::RenderOptions { pixel_per_pt: typst::utils::Scalar::new(scale), render_bleed: false };
    let picture = typst_render::render(page, &options);
    let file = std::fs::File::create(folder.join(format!("{}.png", order.name)))?;
    let mut encoder = png::Encoder::new(std::io::BufWriter::new(file), picture.width(), picture.height());
    encoder.set_color(png::ColorType::Grayscale);
    // Black on white: premultiplied colours over an opaque page are the colours themselves.
    let grey = picture.pixels().iter().map(|pixel| {
        let (red, green, blue) =
            (u32::from(pixel.red()), u32::from(pixel.green()), u32::from(pixel.blue()));
        ((red * 299 + green * 587 + blue * 114) / 1000) as u8
    });
    encoder.write_header()?.write_image_data(&grey.collect::<Vec<u8>>())?;
    Ok(())
}

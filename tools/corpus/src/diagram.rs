//! The reliability diagram: of the fields with a confidence of p, the share that is right. On the diagonal, confidence is
//! what it says. Drawn as SVG, and as PNG by the same shapes.

use crate::metrics::{BINS, Report};
use anyhow::Result;
use image::{Rgb, RgbImage};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

const SIDE: u32 = 400;
const MARGIN: u32 = 48;
const GRID: &str = "#d8d8d8";
const BAR: &str = "#4477aa";
const LINE: &str = "#cc3311";

/// Writes one diagram for each report beside `json`, or into the current folder's `target`.
pub fn write(reports: &[Report], json: Option<&Path>) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for report in reports.iter().filter(|report| !report.confidences.is_empty()) {
        let set = report.set.map(|set| serde_json::to_value(set).unwrap_or_default());
        let set = set.as_ref().and_then(|set| set.as_str()).unwrap_or("set").to_owned();
        let part = report.part.replace(' ', "-");
        let name = format!("reliability-{set}-{part}-{}", report.train);
        let folder = match json.and_then(Path::parent) {
            Some(folder) => folder.to_owned(),
            None => PathBuf::from("target/corpus"),
        };
        let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.svg"));
        std::fs::write(&path, svg(report))?;
        png(report).save(folder.join(format!("{name}.png")))?;
        written.push(path);
    }
    Ok(written)
}

/// A bin's bar: left edge, height, and how dark it is by its number of fields; all in shares of the diagram.
fn bars(report: &Report) -> impl Iterator<Item = (f64, f64, f64)> + '_ {
    let most = report.bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1) as f64;
    report.bins.iter().enumerate().filter(|(_, bin)| bin.count > 0).map(move |(index, bin)| {
        (index as f64 / BINS as f64, bin.right, 0.25 + 0.75 * (bin.count as f64 / most).sqrt())
    })
}

fn svg(report: &Report) -> String {
    let all = SIDE + 2 * MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {all} {all}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{all}\" height=\"{all}\" fill=\"white\"/>\n"
    );
    let x = |share: f64| f64::from(MARGIN) + share * f64::from(SIDE);
    let y = |share: f64| f64::from(MARGIN) + (1.0 - share) * f64::from(SIDE);
    let side = f64::from(SIDE);
    for step in 0..=5 {
        let at = f64::from(step) / 5.0;
        let _ = writeln!(
            out,
            "<path d=\"M{} {}h{side}M{} {}v{side}\" stroke=\"{GRID}\"/>",
            x(0.0),
            y(at),
            x(at),
            y(1.0)
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{at:.1}</text>",
            x(0.0) - 6.0,
            y(at) + 4.0
        );
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{at:.1}</text>",
            x(at),
            y(0.0) + 16.0
        );
    }
    for (left, height, dark) in bars(report) {
        let _ = writeln!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{BAR}\" fill-opacity=\"{dark:.2}\"/>",
            x(left) + 1.0,
            y(height),
            side / BINS as f64 - 2.0,
            height * side
        );
    }
    for (index, bin) in report.bins.iter().enumerate().filter(|(_, bin)| bin.count > 0) {
        let centre = x((index as f64 + 0.5) / BINS as f64);
        let _ = writeln!(
            out,
            "<text x=\"{centre:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\">{}</text>",
            y(bin.right) - 3.0,
            bin.count
        );
    }
    let _ = writeln!(
        out,
        "<path d=\"M{} {}L{} {}\" stroke=\"{LINE}\" stroke-dasharray=\"6 4\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    );
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">confidence (ECE {:.3}, {} fields)</text>",
        x(0.5),
        y(0.0) + 36.0,
        report.ece,
        report.confidences.len()
    );
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">share that is right</text>\n</svg>",
        x(0.5),
        y(1.0) - 12.0
    );
    out
}

fn png(report: &Report) -> RgbImage {
    let all = SIDE + 2 * MARGIN;
    let mut image = RgbImage::from_pixel(all, all, Rgb([255, 255, 255]));
    let mut fill = |left: f64, top: f64, right: f64, bottom: f64, color: [u8; 3], dark: f64| {
        let place = |share: f64| (share * f64::from(SIDE)).round() as u32;
        for y in place(1.0 - top)..=place(1.0 - bottom).min(SIDE) {
            for x in place(left)..=place(right).min(SIDE) {
                let pixel = image.get_pixel_mut(MARGIN + x, MARGIN + y);
                for (channel, wanted) in pixel.0.iter_mut().zip(color) {
                    *channel = (f64::from(*channel) * (1.0 - dark) + f64::from(wanted) * dark) as u8;
                }
            }
        }
    };
    for step in 0..=5 {
        let at = f64::from(step) / 5.0;
        fill(0.0, at, 1.0, at, [216, 216, 216], 1.0);
        fill(at, 1.0, at, 0.0, [216, 216, 216], 1.0);
    }
    for (left, height, dark) in bars(report) {
        fill(left + 0.004, height, left + 1.0 / BINS as f64 - 0.004, 0.0, [68, 119, 170], dark);
    }
    for step in 0..SIDE {
        let at = f64::from(step) / f64::from(SIDE);
        fill(at, at, at, at, [204, 51, 17], 1.0);
    }
    image
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Bin;

    #[test]
    fn bars_stand_where_their_bins_are() {
        let mut bins = vec![Bin::default(); BINS];
        bins[9] = Bin { count: 4, confidence: 0.97, right: 0.75 };
        let report = Report { bins, confidences: vec![(0.97, true); 4], ..Report::default() };
        assert!(svg(&report).contains("height=\"300.0\""), "three quarters of 400");
        let image = png(&report);
        let at = |x: f64, y: f64| {
            image.get_pixel(MARGIN + (x * 400.0) as u32, MARGIN + ((1.0 - y) * 400.0) as u32).0
        };
        assert_eq!(at(0.95, 0.5), [68, 119, 170]);
        assert_eq!(at(0.95, 0.9), [255, 255, 255]);
    }
}

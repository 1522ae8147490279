//! PDFs written object by object, so that a test can say exactly what is wrong with one.

use std::fmt::Write as _;

/// Objects numbered from 1, in order.
#[derive(Default)]
pub struct Pdf {
    objects: Vec<Vec<u8>>,
    trailer: String,
}

impl Pdf {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an object and gives its number.
    pub fn object(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.objects.push(body.into());
        self.objects.len()
    }

    /// Adds a stream with the given dictionary entries (`/Length` is added) and gives its number.
    pub fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut body = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.object(body)
    }

    /// More entries of the trailer dictionary.
    pub fn trailer(&mut self, entries: &str) {
        self.trailer = entries.to_owned();
    }

    /// The file, with object `root` as its catalogue.
    pub fn finish(&self, root: usize) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.objects.len() + 1);
        for (index, body) in self.objects.iter().enumerate() {
            writeln!(table, "{:010} 00000 n ", file.len()).expect("a String takes everything");
            file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
            file.extend_from_slice(body);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        let size = self.objects.len() + 1;
        let trailer = format!(
            "trailer\n<< /Size {size} /Root {root} 0 R {} >>\nstartxref\n{start}\n%%EOF\n",
            self.trailer
        );
        file.extend_from_slice(table.as_bytes());
        file.extend_from_slice(trailer.as_bytes());
        file
    }
}

/// An A4 document with one page per text; each line of a text is one line in Helvetica 11, from the top left.
pub fn text_pages(pages: &[&str]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let font =
        pdf.object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>");
    let contents: Vec<usize> = pages.iter().map(|text| pdf.stream("", content(text).as_bytes())).collect();
    let parent = contents.len() + 2 + pages.len();
    let kids: Vec<usize> = contents
        .iter()
        .map(|content| {
            pdf.object(format!(
                "<< /Type /Page /Parent {parent} 0 R /MediaBox [0 0 595 842] /Contents {content} 0 R /Resources << /Font << /F1 {font} 0 R >> >> >>"
            ))
        })
        .collect();
    let list: Vec<String> = kids.iter().map(|kid| format!("{kid} 0 R")).collect();
    let tree = pdf.object(format!("<< /Type /Pages /Count {} /Kids [{}] >>", kids.len(), list.join(" ")));
    debug_assert_eq!(tree, parent);
    let root = pdf.object(format!("<< /Type /Catalog /Pages {tree} 0 R >>"));
    pdf.finish(root)
}

fn content(text: &str) -> String {
    let mut content = String::from("BT /F1 11 Tf 14 TL 60 780 Td\n");
    for line in text.lines() {
        let escaped = line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
        writeln!(content, "({escaped}) Tj T*").expect("a String takes everything");
    }
    content.push_str("ET\n");
    content
}

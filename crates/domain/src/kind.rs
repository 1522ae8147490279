//! What kind of file some bytes are: by content, never by what a client says.
//!
//! The upload needs it to name a media type and to refuse programs; the readers need it to choose themselves. Both ask
//! this one function, so a file is never one thing at the door and another thing inside. It looks at the first
//! [`HEAD_BYTES`] only, so that an upload can be judged while it streams.
//!
//! The name is used for one thing: text has no signature, and whether it is a script, a table or a page is then a
//! matter of what its author called it.

mod text;

use serde::{Deserialize, Serialize};
use text::by_text;

/// As much of a file as [`detect`] looks at; more is not used.
pub const HEAD_BYTES: usize = 64 * 1024;
/// A PDF may begin after this much of something else (mail headers, a printer's preamble).
const PDF_JUNK_BYTES: usize = 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $mime:literal,)*) => {
        /// A kind of file.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// The media type, as answers and downloads name it.
            pub const fn mime_type(self) -> &'static str {
                match self { $(Kind::$name => $mime,)* }
            }
        }
    };
}

kinds! {
    Pdf = "application/pdf",
    Jpeg = "image/jpeg",
    Png = "image/png",
    Tiff = "image/tiff",
    Webp = "image/webp",
    /// Images that are kept but not read.
    Gif = "image/gif",
    Bmp = "image/bmp",
    Heif = "image/heif",
    Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    /// Word, Excel, PowerPoint and Outlook of before 2007, which share one container.
    LegacyOffice = "application/x-ole-storage",
    Rtf = "application/rtf",
    Text = "text/plain",
    Csv = "text/csv",
    Html = "text/html",
    Xml = "application/xml",
    Json = "application/json",
    Svg = "image/svg+xml",
    Email = "message/rfc822",
    Zip = "application/zip",
    Gzip = "application/gzip",
    Bzip2 = "application/x-bzip2",
    Xz = "application/x-xz",
    Zstandard = "application/zstd",
    SevenZip = "application/x-7z-compressed",
    Rar = "application/vnd.rar",
    Tar = "application/x-tar",
    Mp3 = "audio/mpeg",
    Wav = "audio/wav",
    Flac = "audio/flac",
    Ogg = "audio/ogg",
    Aac = "audio/aac",
    M4a = "audio/mp4",
    Mp4 = "video/mp4",
    QuickTime = "video/quicktime",
    Matroska = "video/x-matroska",
    Webm = "video/webm",
    Avi = "video/x-msvideo",
    Mpeg = "video/mpeg",
    /// A program: ELF, PE, Mach-O, Java, Android, WebAssembly, an installer.
    Executable = "application/x-executable",
    /// Text that a shell or an interpreter runs.
    Script = "application/x-script",
    /// No bytes at all.
    Empty = "application/x-empty",
    Unknown = "application/octet-stream",
}

impl Kind {
    /// Programs and scripts are refused at the door; everything else may be stored.
    pub const fn is_refused(self) -> bool {
        matches!(self, Kind::Executable | Kind::Script)
    }

    /// Whether Document Insights reads it.
    pub const fn is_readable(self) -> bool {
        matches!(
            self,
            Kind::Pdf
                | Kind::Docx
                | Kind::Xlsx
                | Kind::Pptx
                | Kind::Text
                | Kind::Csv
                | Kind::Html
                | Kind::Xml
                | Kind::Email
                | Kind::Zip
        ) || self.is_readable_image()
    }

    /// Whether it is text of some sort, which has no signature to know it by.
    pub const fn is_text(self) -> bool {
        matches!(self, Kind::Text | Kind::Csv | Kind::Html | Kind::Xml | Kind::Json | Kind::Svg | Kind::Email)
    }

    /// Whether it is an image that Document Insights reads.
    pub const fn is_readable_image(self) -> bool {
        matches!(self, Kind::Jpeg | Kind::Png | Kind::Tiff | Kind::Webp)
    }
}

/// The kind of a file from its first bytes and, for text only, its name.
pub fn detect(head: &[u8], name: &str) -> Kind {
    let head = &head[..head.len().min(HEAD_BYTES)];
    if head.is_empty() {
        return Kind::Empty;
    }
    by_signature(head)
        .or_else(|| by_inner_type(head))
        .or_else(|| find(&head[..head.len().min(PDF_JUNK_BYTES)], b"%PDF-").map(|_| Kind::Pdf))
        .or_else(|| by_text(head, &name.to_ascii_lowercase()))
        .unwrap_or(Kind::Unknown)
}

/// The kind that a name claims, for the message about a file that is not what it is called.
pub fn claimed_by(name: &str) -> Option<Kind> {
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "pdf" => Kind::Pdf,
        "jpg" | "jpeg" => Kind::Jpeg,
        "png" => Kind::Png,
        "tif" | "tiff" => Kind::Tiff,
        "webp" => Kind::Webp,
        "docx" | "docm" => Kind::Docx,
        "xlsx" | "xlsm" => Kind::Xlsx,
        "pptx" | "pptm" => Kind::Pptx,
        "zip" => Kind::Zip,
        _ => return None,
    })
}

/// Kinds that begin with bytes of their own.
const SIGNATURES: &[(&[u8], Kind)] = &[
    (b"%PDF-", Kind::Pdf),
    (b"\xff\xd8\xff", Kind::Jpeg),
    (b"\x89PNG\r\n\x1a\n", Kind::Png),
    (b"II*\0", Kind::Tiff),
    (b"MM\0*", Kind::Tiff),
    (b"GIF87a", Kind::Gif),
    (b"GIF89a", Kind::Gif),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::LegacyOffice),
    (b"{\\rtf", Kind::Rtf),
    (b"PK\x05\x06", Kind::Zip),
    (b"\x1f\x8b", Kind::Gzip),
    (b"BZh", Kind::Bzip2),
    (b"\xfd7zXZ\0", Kind::Xz),
    (b"\x28\xb5\x2f\xfd", Kind::Zstandard),
    (b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (b"Rar!\x1a\x07", Kind::Rar),
    (b"ID3", Kind::Mp3),
    (b"fLaC", Kind::Flac),
    (b"OggS", Kind::Ogg),
    (b"\0\0\x01\xba", Kind::Mpeg),
    (b"\0\0\x01\xb3", Kind::Mpeg),
    (b"\x7fELF", Kind::Executable),
    (b"\xca\xfe\xba\xbe", Kind::Executable),
    (b"\xfe\xed\xfa\xce", Kind::Executable),
    (b"\xfe\xed\xfa\xcf", Kind::Executable),
    (b"\xce\xfa\xed\xfe", Kind::Executable),
    (b"\xcf\xfa\xed\xfe", Kind::Executable),
    (b"\0asm", Kind::Executable),
    (b"dex\n", Kind::Executable),
    (b"!<arch>\n", Kind::Executable),
    (b"#!", Kind::Script),
    (b"\xef\xbb\xbf#!", Kind::Script),
];

fn by_signature(head: &[u8]) -> Option<Kind> {
    SIGNATURES.iter().find(|(signature, _)| head.starts_with(signature)).map(|(_, kind)| *kind)
}

/// Containers and headers where the kind stands a little further in.
fn by_inner_type(head: &[u8]) -> Option<Kind> {
    let at = |offset: usize, text: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(text));
    if head.starts_with(b"PK\x03\x04") {
        return Some(in_zip(head));
    }
    if head.starts_with(b"MZ") && is_dos_program(head) {
        return Some(Kind::Executable);
    }
    if head.starts_with(b"RIFF") {
        return [(b"WEBP", Kind::Webp), (b"WAVE", Kind::Wav), (b"AVI ", Kind::Avi)]
            .into_iter()
            .find(|(form, _)| at(8, *form))
            .map(|(_, kind)| kind);
    }
    if at(4, b"ftyp") {
        return Some(in_base_media(head.get(8..12).unwrap_or_default()));
    }
    if head.starts_with(b"\x1a\x45\xdf\xa3") {
        let is_webm = find(&head[..head.len().min(64)], b"webm").is_some();
        return Some(if is_webm { Kind::Webm } else { Kind::Matroska });
    }
    if at(257, b"ustar") {
        return Some(Kind::Tar);
    }
    // The header of a bitmap holds the file's size and two reserved zeros, so "BM" alone is not believed.
    if head.starts_with(b"BM") && at(6, &[0; 4]) {
        return Some(Kind::Bmp);
    }
    // Frames of MPEG audio have no signature, only set bits: layer III and AAC as encoders write them.
    match head {
        [0xff, 0xfb | 0xfa | 0xf3 | 0xf2 | 0xe3 | 0xe2, third, ..] if third & 0xf0 != 0xf0 => Some(Kind::Mp3),
        [0xff, 0xf1 | 0xf9, ..] => Some(Kind::Aac),
        _ => None,
    }
}

/// "MZ" may begin a text; a program's header points to a second one, or at least holds zeros.
fn is_dos_program(head: &[u8]) -> bool {
    head.len() < 64 || head.iter().take(64).any(|byte| *byte == 0)
}

/// MP4 and its relatives name their brand.
fn in_base_media(brand: &[u8]) -> Kind {
    match brand {
        b"M4A " | b"M4B " => Kind::M4a,
        b"qt  " => Kind::QuickTime,
        b"heic" | b"heix" | b"heif" | b"mif1" | b"avif" | b"msf1" => Kind::Heif,
        _ => Kind::Mp4,
    }
}

/// Office documents and Java programs are ZIP archives; the names of the entries tell. Sizes in the headers may be
/// missing, so the headers are searched for rather than followed.
fn in_zip(head: &[u8]) -> Kind {
    let (mut has_manifest, mut has_class) = (false, false);
    let mut offset = 0;
    while let Some(found) = find(&head[offset..], b"PK\x03\x04") {
        let header = &head[offset + found..];
        offset += found + 4;
        let Some([low, high]) = header.get(26..28) else { break };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let Some(name) = header.get(30..(30 + length).min(header.len())) else { break };
        match name {
            _ if name.starts_with(b"word/") => return Kind::Docx,
            _ if name.starts_with(b"xl/") => return Kind::Xlsx,
            _ if name.starts_with(b"ppt/") => return Kind::Pptx,
            b"AndroidManifest.xml" => return Kind::Executable,
            b"META-INF/MANIFEST.MF" => has_manifest = true,
            _ => has_class |= name.ends_with(b".class"),
        }
    }
    if has_manifest && has_class { Kind::Executable } else { Kind::Zip }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests;

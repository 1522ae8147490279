//! The text of a file: in the encoding that its byte order mark tells, else in the one that the step names, else in UTF-8.
//!
//! Nothing is guessed: a file in an old encoding that is read as another one is wrong in every umlaut, and nobody sees it
//! until a customer's name is misspelt.

use encoding_rs::{ISO_8859_15, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use flow::{ir::Encoding, run::Failure};

/// Without the mark.
///
/// # Errors
/// `FILE_NOT_TEXT`, with the place and what to do.
pub(super) fn text(bytes: &[u8], named: Option<Encoding>) -> Result<String, Failure> {
    let not_text = |message: String| Failure::permanent("FILE_NOT_TEXT", message);
    let (encoding, mark_bytes) = encoding_rs::Encoding::for_bom(bytes).unwrap_or_else(|| {
        let encoding = match named.unwrap_or(Encoding::Utf8) {
            Encoding::Utf8 => UTF_8,
            Encoding::Utf16Le => UTF_16LE,
            Encoding::Utf16Be => UTF_16BE,
            // What is called ISO 8859-1 nearly always is this, and where it is not, it is the same.
            Encoding::Windows1252 | Encoding::Iso8859_1 => WINDOWS_1252,
            Encoding::Iso8859_15 => ISO_8859_15,
        };
        (encoding, 0)
    });
    let body = &bytes[mark_bytes..];
    let decoded = encoding.decode_without_bom_handling_and_without_replacement(body).ok_or_else(|| {
        let place = match std::str::from_utf8(body) {
            Err(error) if encoding == UTF_8 => format!(" at byte {}", mark_bytes + error.valid_up_to()),
            _ => String::new(),
        };
        let hint = match named {
            None => "; where it is in another encoding, name it: `encoding: windows-1252`",
            Some(_) => "",
        };
        not_text(format!("the file is not {} text{place}{hint}", encoding.name()))
    })?;
    match decoded.find('\0') {
        Some(at) => Err(not_text(format!(
            "the file has a NUL character, at character {}",
            decoded[..at].chars().count()
        ))),
        None => Ok(decoded.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes_of).collect()
    }

    #[test]
    fn a_mark_says_more_than_a_name_and_a_name_more_than_nothing() {
        let greeting = "Grüße €5";
        let read = |bytes: &[u8], named| text(bytes, named).map_err(|failure| failure.code);
        let is = Ok(greeting.to_owned());
        assert_eq!(read(greeting.as_bytes(), None), is);
        let marked = [b"\xef\xbb\xbf", greeting.as_bytes()].concat();
        assert_eq!(read(&marked, None), is);
        assert_eq!(read(&marked, Some(Encoding::Windows1252)), is);
        let (little, big) = (utf16(greeting, u16::to_le_bytes), utf16(greeting, u16::to_be_bytes));
        assert_eq!(read(&[b"\xff\xfe", &little[..]].concat(), None), is);
        assert_eq!(read(&[b"\xfe\xff", &big[..]].concat(), None), is);
        assert_eq!(read(&little, Some(Encoding::Utf16Le)), is);
        assert_eq!(read(&big, Some(Encoding::Utf16Be)), is);
        assert_eq!(read(b"Gr\xfc\xdfe \x805", Some(Encoding::Windows1252)), is);
        assert_eq!(read(b"Gr\xfc\xdfe \x805", Some(Encoding::Iso8859_1)), is);
        assert_eq!(read(b"Gr\xfc\xdfe \xa45", Some(Encoding::Iso8859_15)), is);
        assert_eq!(read(b"", None), Ok(String::new()));
    }

    #[test]
    fn what_is_no_text_is_told_with_its_place_and_what_to_do() {
        let told = |bytes: &[u8], named| text(bytes, named).expect_err("no text").message;
        assert_eq!(
            told(b"Gr\xfc\xdfe", None),
            "the file is not UTF-8 text at byte 2; where it is in another encoding, name it: `encoding: windows-1252`"
        );
        assert_eq!(told(b"Gr\xfc", Some(Encoding::Utf8)), "the file is not UTF-8 text at byte 2");
        assert_eq!(
            told(b"\xff\xfea\0\x00\xd8", None),
            "the file is not UTF-16LE text; where it is in another encoding, \
            name it: `encoding: windows-1252`"
        );
        // Nobody's table, but half of UTF-16.
        assert_eq!(told(b"a\0b\0", None), "the file has a NUL character, at character 1");
    }
}

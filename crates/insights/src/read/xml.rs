//! XML as office documents and invoices have it: elements, attributes and text, nothing else.
//!
//! A document type is passed over and its entities are never expanded, so no few lines can become gigabytes; elements
//! within each other are counted, and what is nested without end is refused.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Deeper than any document of people.
const DEPTH_MAX: usize = 2_000;

/// What the walker meets.
pub(super) enum Node<'a> {
    Start(Element<'a>),
    /// The local name of what ends.
    End(&'a str),
    Text(&'a str),
}

/// An element as it begins.
pub(super) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// Its name without the prefix of its namespace.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(self.0.local_name().into_inner()).unwrap_or_default()
    }

    /// An attribute by its local name.
    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        let found = self
            .0
            .attributes()
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.local_name().into_inner() == name.as_bytes())?;
        let value = String::from_utf8_lossy(&found.value);
        Some(match quick_xml::escape::unescape(&value) {
            Ok(plain) => plain.into_owned(),
            Err(_) => value.into_owned(),
        })
    }

    /// The last of several attributes that differ only in the prefixes of their names.
    pub(super) fn last_attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        let named = |attribute: &Attribute<'_>| attribute.key.local_name().into_inner() == name.as_bytes();
        let found = attributes.with_checks(false).flatten().filter(named).last()?;
        Some(String::from_utf8_lossy(&found.value).into_owned())
    }

    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.trim().parse().ok()
    }

    /// An attribute that says yes or no: absent is `absent`.
    pub(super) fn flag(&self, name: &str, absent: bool) -> bool {
        self.attribute(name).map_or(absent, |value| !matches!(value.as_str(), "0" | "false" | "off" | "none"))
    }
}

/// Walks through a document; `visit` says whether to go on.
///
/// # Errors
/// That it is not well-formed, with where.
pub(super) fn walk(xml: &[u8], mut visit: impl FnMut(Node<'_>) -> bool) -> Result<(), String> {
    let text = decoded(xml);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().check_end_names = false;
    let mut depth = 0_usize;
    loop {
        let event = reader
            .read_event()
            .map_err(|error| format!("at byte {} of its XML: {error}", reader.error_position()))?;
        let goes_on = match event {
            Event::Start(start) => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(format!("more than {DEPTH_MAX} elements within each other in its XML"));
                }
                visit(Node::Start(Element(start)))
            }
            Event::Empty(start) => {
                let name = String::from_utf8_lossy(start.local_name().into_inner()).into_owned();
                visit(Node::Start(Element(start))) && visit(Node::End(&name))
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                visit(Node::End(std::str::from_utf8(end.local_name().into_inner()).unwrap_or_default()))
            }
            Event::Text(content) => visit(Node::Text(&String::from_utf8_lossy(&content))),
            Event::CData(content) => visit(Node::Text(&String::from_utf8_lossy(&content))),
            Event::GeneralRef(reference) => match character(&reference) {
                Some(c) => visit(Node::Text(c.encode_utf8(&mut [0; 4]))),
                None => true,
            },
            Event::Eof if depth > 0 => return Err("at the end of its XML, which comes too early".to_owned()),
            Event::Eof => return Ok(()),
            _ => true,
        };
        if !goes_on {
            return Ok(());
        }
    }
}

/// The character that a reference means; those of a document type mean nothing.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten();
    }
    match &**reference {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        b"nbsp" => Some(' '),
        _ => None,
    }
}

/// XML is UTF-8 unless a mark or its declaration says otherwise.
fn decoded(xml: &[u8]) -> Cow<'_, str> {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(xml) {
        return encoding.decode_without_bom_handling(&xml[mark..]).0;
    }
    let head = String::from_utf8_lossy(&xml[..xml.len().min(200)]);
    let declared = head.split_once("encoding=").and_then(|(_, after)| {
        let label = after.trim_start_matches(['"', '\'']);
        let end = label.find(['"', '\'', ' ', '?'])?;
        encoding_rs::Encoding::for_label(&label.as_bytes()[..end])
    });
    declared.unwrap_or(encoding_rs::UTF_8).decode_without_bom_handling(xml).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(xml: &[u8]) -> Result<String, String> {
        let mut all = String::new();
        walk(xml, |node| {
            if let Node::Text(text) = node {
                all.push_str(text);
            }
            true
        })?;
        Ok(all)
    }

    #[test]
    fn entities_of_a_document_type_are_not_expanded() {
        let bomb = b"<!DOCTYPE a [<!ENTITY x \"ha\"><!ENTITY y \"&x;&x;&x;\">]><a>A &amp; B &#8364;&y;</a>";
        assert_eq!(text(bomb), Ok("A & B \u{20ac}".to_owned()));
    }

    #[test]
    fn nesting_ends() {
        assert!(text("<a>".repeat(100_000).as_bytes()).is_err());
    }
}

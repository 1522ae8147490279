//! E-mail: who writes to whom about what, the body, and what is attached.
//!
//! Of a body in two forms the one with tables is read. Pictures that belong to the body's looks (a logo, a signature) are
//! not attachments.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::flow::{Builder, Flow};
use super::{Refusal, html};

/// An opened e-mail.
pub(super) struct Mail {
    pub body: Flow,
    /// Names and contents.
    pub attachments: Vec<(String, Vec<u8>)>,
}

/// Reads a message; no more than so many attachments.
pub(super) fn read(bytes: &[u8], attachments_max: usize) -> Result<Mail, Refusal> {
    let message = MessageParser::default()
        .parse(bytes)
        .ok_or_else(|| Refusal::Broken { reason: "it has no headers".to_owned() })?;
    if is_encrypted(&message) {
        return Err(Refusal::Encrypted);
    }
    let attached: Vec<&MessagePart<'_>> = message.attachments().filter(|part| !is_decoration(part)).collect();
    if attached.len() > attachments_max {
        return Err(Refusal::TooMuch { what: format!("it has more than {attachments_max} attachments") });
    }
    Ok(Mail { body: body(&message), attachments: attached.into_iter().filter_map(attachment).collect() })
}

fn is_encrypted(message: &Message<'_>) -> bool {
    message.content_type().is_some_and(|kind| {
        let of = |wanted: &str| {
            kind.c_subtype.as_ref().is_some_and(|subtype| subtype.eq_ignore_ascii_case(wanted))
        };
        let enveloped =
            kind.attribute("smime-type").is_none_or(|kind| !kind.eq_ignore_ascii_case("signed-data"));
        of("encrypted") || ((of("pkcs7-mime") || of("x-pkcs7-mime")) && enveloped)
    })
}

/// A picture that the body shows in itself.
fn is_decoration(part: &MessagePart<'_>) -> bool {
    let is_picture = part.content_type().is_some_and(|kind| kind.c_type.eq_ignore_ascii_case("image"));
    let is_attached = part.content_disposition().is_some_and(|disposition| disposition.is_attachment());
    is_picture && !is_attached && part.content_id().is_some()
}

fn attachment(part: &MessagePart<'_>) -> Option<(String, Vec<u8>)> {
    let name = part.attachment_name().unwrap_or_default().to_owned();
    match &part.body {
        PartType::Text(text) => Some((name, text.as_bytes().to_vec())),
        PartType::Html(text) => {
            Some((if name.is_empty() { "part.html".to_owned() } else { name }, text.as_bytes().to_vec()))
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => Some((name, bytes.to_vec())),
        PartType::Message(message) => {
            let end = message.root_part().offset_end as usize;
            let raw = message.raw_message();
            let start = (message.root_part().offset_header as usize).min(end);
            Some(("message.eml".to_owned(), raw.get(start..end.min(raw.len())).unwrap_or(raw).to_vec()))
        }
        PartType::Multipart(_) => None,
    }
}

fn body(message: &Message<'_>) -> Flow {
    let mut builder = Builder::default();
    for (label, addresses) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        header(&mut builder, label, &addresses.map(names).unwrap_or_default());
    }
    // Not `Date`: that is what documents call their own.
    let sent = message.date().map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day));
    header(&mut builder, "Sent", &sent.unwrap_or_default());
    header(&mut builder, "Subject", message.subject().unwrap_or_default());
    builder.blank_line();
    let is_html = |part: &&MessagePart<'_>| matches!(part.body, PartType::Html(_));
    let bodies: Vec<&MessagePart<'_>> = match message.html_bodies().any(|part| is_html(&part)) {
        true => message.html_bodies().collect(),
        false => message.text_bodies().collect(),
    };
    for part in bodies {
        match &part.body {
            PartType::Html(text) => html::read_into(text, &mut builder),
            PartType::Text(text) => {
                for line in text.lines() {
                    if line.trim().is_empty() {
                        builder.blank_line()
                    } else {
                        builder.text(line)
                    }
                    builder.end_line();
                }
            }
            _ => {}
        }
        builder.end_line();
    }
    builder.finish()
}

fn header(builder: &mut Builder, label: &str, value: &str) {
    if !value.trim().is_empty() {
        builder.collapsed(&format!("{label}: {value}"));
        builder.end_line();
    }
}

fn names(addresses: &Address<'_>) -> String {
    let shown = |address: &mail_parser::Addr<'_>| match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    };
    addresses.iter().take(20).map(shown).collect::<Vec<_>>().join(", ")
}

//! What the server and its workers say to each other.
//!
//! A message is a length (`u32`, little-endian) and that many bytes of JSON. JSON because the values of an extraction
//! describe themselves, and because an output is then stored as it comes: [`Extracted::output`] is never parsed by the
//! server. The server asks one thing at a time; a worker tells each [`Step`] before it begins it and ends with exactly
//! one answer that is not progress.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use domain::hub::Hub;
use domain::id::HubId;
use domain::kind::Kind;
use domain::limits;
use domain::print::TextPrint;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::learn::{Profile, Report};
use crate::read::{Limits, Refusal, Step};

/// What the server asks of a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Open a document and judge it. What was open before is closed.
    Open(Box<Open>),
    /// Read the rest of the open document and extract the fields of a hub. May be asked again with another hub.
    Extract(Box<Extract>),
    /// Weigh what a second reader says of the fields that were extracted last.
    Hear(Box<Hear>),
    /// Look for the key of the transaction on what has been read so far.
    Glance(Box<Extract>),
    /// Make a model of a hub's lessons. What was open is closed.
    Train(Box<Train>),
}

/// See [`Request::Open`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    pub path: PathBuf,
    /// What its sender calls it; used for text and for messages only.
    pub name: String,
    #[serde(default)]
    pub limits: Limits,
    /// Hubs to choose from by content; empty where the hub is known.
    #[serde(default)]
    pub hubs: Vec<Hub>,
    /// What is known of each of these hubs' documents; none of a hub that nobody has taught.
    #[serde(default)]
    pub profiles: Vec<Option<Profile>>,
    /// Two-letter codes of the languages that OCR may use; empty: all that are installed.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Whether an invoice that is attached as data is taken as a source of values.
    #[serde(default)]
    pub embedded_data: bool,
    /// Numbers of pages that broke a worker before and are not touched again.
    #[serde(default)]
    pub unreadable_pages: Vec<u32>,
}

/// See [`Request::Extract`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extract {
    pub hub: Hub,
    /// Whether the answer is to hold the document's text.
    #[serde(default)]
    pub with_text: bool,
    /// The file of what the hub has learned. One that is no model of this version is as if it were not there.
    #[serde(default)]
    pub model: Option<PathBuf>,
    /// Fields less certain than this are recommended for review.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Where to write what learning keeps of the document.
    #[serde(default)]
    pub sheet: Option<PathBuf>,
}

impl Extract {
    /// With nothing learned, and nothing kept.
    pub fn new(hub: Hub) -> Extract {
        Extract { hub, with_text: false, model: None, threshold: None, sheet: None }
    }
}

/// See [`Request::Hear`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hear {
    pub hub: Hub,
    /// By field id; none where it found nothing.
    pub answers: BTreeMap<String, Option<String>>,
}

/// See [`Request::Train`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Train {
    pub hub: Hub,
    /// The oldest first.
    pub lessons: Vec<Lesson>,
    /// Where to write the model.
    pub model: PathBuf,
}

/// A document with what a person confirmed about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lesson {
    /// The file of its sheet.
    pub sheet: PathBuf,
    /// By field id, in the field's own encoding.
    pub values: BTreeMap<String, Value>,
}

/// What a worker says. Everything but `Progress` ends the request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// What it does next.
    Progress(Step),
    Opened(Opened),
    Glanced {
        /// Absent where the pages do not tell it.
        key: Option<String>,
    },
    Extracted(Extracted),
    Trained(Trained),
    /// The document is not read, and never will be.
    Refused(Refused),
    /// The document is a scan and OCR is not installed; `message` says what to install.
    OcrMissing {
        message: String,
    },
    /// It could not be done, and the document is not known to be at fault.
    Failed {
        message: String,
    },
    /// The reader panicked on the document. The worker goes on with a fresh reader; the document is closed.
    Crashed {
        message: String,
    },
}

/// A document that can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    pub kind: Kind,
    pub page_count: u32,
    /// None where there is too little text to tell.
    pub language: Option<Language>,
    /// The best of the hubs that were given. None where none was given or none fits.
    pub choice: Option<HubChoice>,
    /// The text of its first page, to be known again.
    #[serde(default)]
    pub print: TextPrint,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Language {
    /// Two letters (ISO 639-1).
    pub code: String,
    /// In `[0, 1]`.
    pub confidence: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HubChoice {
    pub hub_id: HubId,
    /// In `[0, 1]`.
    pub confidence: f64,
}

/// See [`Answer::Refused`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    pub refusal: Refusal,
    /// For the client.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused { message: refusal.to_string(), refusal }
    }
}

/// The end of a document's work.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Extracted {
    /// An [`domain::extraction::ExtractionOutput`], as it is stored and sent.
    pub output: Box<RawValue>,
    pub page_count: u32,
    /// A field is less certain than the threshold, or breaks a rule.
    pub review_recommended: bool,
    /// Numbers of the pages that went through OCR.
    pub ocr_pages: Vec<u32>,
    /// Numbers of the pages that could not be read.
    pub unreadable_pages: Vec<u32>,
    /// The beginning of the text of the pages, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A model was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trained {
    /// How well it does on documents that were left out.
    pub report: Report,
    /// How the hub's confidence is corrected: of its log-odds.
    pub slope: f64,
    pub shift: f64,
    pub profile: Profile,
}

impl Step {
    /// How much longer the server waits because of this step. Before the first step it waits for
    /// [`limits::WORKER_TEXT_BASE`]; so a document of `n` text pages has 5 s + 0.5 s · n, and a scan 20 s a page more.
    pub const fn allowance(self) -> Duration {
        match self {
            Step::Open => limits::WORKER_OPEN_PER_PART,
            Step::Read(_) => limits::WORKER_TEXT_PER_PAGE,
            Step::Recognize(_) => limits::WORKER_OCR_PER_PAGE,
            Step::Extract => limits::WORKER_TEXT_BASE,
        }
    }

    /// The page that is to blame when the worker dies now.
    pub const fn page(self) -> Option<u32> {
        match self {
            Step::Read(page) | Step::Recognize(page) => Some(page),
            Step::Open | Step::Extract => None,
        }
    }
}

/// A message with its length in front.
///
/// # Errors
/// That the value cannot be JSON, or is 4 GB long.
pub fn encode(message: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4).map_err(io::Error::other)?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// Writes one message and flushes.
///
/// # Errors
/// Of the stream.
pub fn send(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    stream.write_all(&encode(message)?)?;
    stream.flush()
}

/// Reads one message; none where the stream has ended between two.
///
/// # Errors
/// Of the stream; that it ended within a message; that the message is longer than `bytes_max` or not of the type.
pub fn receive<T: DeserializeOwned>(stream: &mut impl Read, bytes_max: usize) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match stream.read(&mut length)? {
        0 => return Ok(None),
        read => stream.read_exact(&mut length[read..])?,
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > bytes_max {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a message of {length} bytes is longer than the {bytes_max} allowed"),
        ));
    }
    // The buffer grows with what really comes, not with what was announced.
    let mut body = Vec::new();
    if stream.take(length as u64).read_to_end(&mut body)? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_slice(&body)?))
}

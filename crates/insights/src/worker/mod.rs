//! The child process that reads documents.
//!
//! Documents are hostile, and a reader of one may exhaust the stack or the memory, which ends a process whatever one
//! catches. So the server never reads a document itself: it starts its own binary again as a worker, under limits that
//! the kernel enforces, and talks to it over the standard streams ([`message`]). This module is the child's side; the
//! parent's (starting, waiting, killing, replacing) belongs to the server.
//!
//! What it promises: each request ends with exactly one answer, unless the process dies; a panic is an answer; nothing
//! but messages goes to standard output; a document stays open between [`Request::Open`] and [`Request::Extract`], so
//! that no page is read twice; opening reads one page at most.
//!
//! The parent may set `OMP_THREAD_LIMIT=1` in the child's environment; [`crate::read::ocr`] does without it.

mod learning;
pub mod message;

use std::any::Any;
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use domain::extraction::ExtractionOutput;
use domain::hub::{Hub, issues, transaction_key};
use domain::limits;
use domain::print::TextPrint;
use serde_json::value::to_raw_value;

pub use message::{
    Answer, Extract, Extracted, Hear, HubChoice, Language, Lesson, Open, Opened, Refused, Request, Train,
    Trained,
};

use crate::extract::{hear_invoice, hear_reader, text_of};
use crate::learn::{Model, Profile, Sheet};
use crate::page::{Page, PageSource};
use crate::read::{self, Pages, ReadError, Reader, Refusal, Step, language};

/// Deeply nested documents recurse; the usual 2 MB of a thread are soon used up.
const STACK_BYTES: usize = 64 << 20;
/// A request holds the definitions of an organization's hubs.
const REQUEST_BYTES_MAX: usize = 64_000_000;

/// From this confidence on a word says something about the document's language.
const CERTAIN: f32 = 0.7;

/// Chooses the hub that fits the first page best, by what is known of each hub's documents; none where none does.
pub type ChooseHub = fn(&[Page], &[Hub], &[Option<Profile>]) -> Option<HubChoice>;
/// Reads the fields with what the hub has learned, and gives what learning keeps of the document.
pub type ExtractFields = fn(&[Page], &Hub, Option<&Model>) -> (ExtractionOutput, Sheet);

/// What a worker does with the pages it has read.
#[derive(Clone, Copy)]
pub struct Work {
    /// The hub that fits the first page best; none where none does.
    pub choose_hub: ChooseHub,
    /// The fields, and what learning keeps of the document.
    pub extract: ExtractFields,
}

/// Answers requests until the input ends.
///
/// # Errors
/// That the streams broke or carried something that is no request: the parent is gone or not of this version.
pub fn run(input: impl Read + Send, output: impl Write + Send, work: Work) -> io::Result<()> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("worker".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || {
                Link { input, output, models: learning::Models::default() }.serve(work)
            })?
            .join()
            .unwrap_or_else(|panic| Err(io::Error::other(panic_message(panic.as_ref()))))
    })
}

/// The two streams to the parent.
struct Link<I, O> {
    input: I,
    output: O,
    models: learning::Models,
}

impl<I: Read, O: Write> Link<I, O> {
    fn serve(mut self, work: Work) -> io::Result<()> {
        let mut reader = Reader::default();
        let mut waiting = None;
        loop {
            let request = match waiting.take() {
                Some(request) => request,
                None => match self.receive()? {
                    Some(request) => request,
                    None => return Ok(()),
                },
            };
            let open =
                match request {
                    Request::Open(open) => open,
                    Request::Train(train) => {
                        let answer = catch_unwind(|| learning::train(&train));
                        self.answer(&answer.unwrap_or_else(|panic| Answer::Crashed {
                            message: panic_message(panic.as_ref()),
                        }))?;
                        continue;
                    }
                    Request::Extract(_) | Request::Glance(_) | Request::Hear(_) => {
                        self.answer(&Answer::Failed { message: "no document is open".to_owned() })?;
                        continue;
                    }
                };
            let session = catch_unwind(AssertUnwindSafe(|| self.session(&mut reader, &open, work)));
            match session {
                Ok(next) => waiting = next?,
                Err(panic) => {
                    let message = panic_message(panic.as_ref());
                    self.answer(&Answer::Crashed { message })?;
                    // Whatever the panic left half done is not used again.
                    reader = Reader::default();
                }
            }
        }
    }

    /// One document, from its opening to the request that opens the next one (returned) or the end of the input.
    fn session(&mut self, reader: &mut Reader, open: &Open, work: Work) -> io::Result<Option<Request>> {
        let document = match read_file(open).and_then(|bytes| self.open(bytes, open)) {
            Ok(document) => document,
            Err(failure) => return self.give_up(failure),
        };
        let mut pages = reader.pages(&document, &open.languages, &open.unreadable_pages);
        let mut read = Vec::new();
        if let Err(failure) = self.read_page(&mut pages, &mut read) {
            return self.give_up(failure);
        }
        let page_count = document.page_count() as u32;
        let choice =
            if open.hubs.is_empty() { None } else { (work.choose_hub)(&read, &open.hubs, &open.profiles) };
        let language = language_of(&read);
        self.answer(&Answer::Opened(Opened {
            kind: document.kind(),
            page_count,
            language,
            choice,
            print: print_of(&read),
        }))?;
        let mut last = None;
        loop {
            let (output, hub, threshold, with_text) = match self.receive()? {
                Some(Request::Extract(extract)) => {
                    loop {
                        match self.read_page(&mut pages, &mut read) {
                            Ok(true) => {}
                            Ok(false) => break,
                            Err(failure) => return self.give_up(failure),
                        }
                    }
                    self.answer(&Answer::Progress(Step::Extract))?;
                    let Extract { hub, with_text, model, threshold, sheet } = *extract;
                    let model = model.as_deref().and_then(|path| self.models.at(path));
                    let (mut output, kept) = (work.extract)(&read, &hub, model);
                    if let Some(invoice) = document.invoice().filter(|_| open.embedded_data) {
                        hear_invoice(&mut output, &read, &hub, invoice);
                    }
                    if let Some(path) = sheet {
                        // Without it the hub learns a little less; the output is worth more.
                        let _ = std::fs::write(path, kept.to_bytes());
                    }
                    (output, hub, threshold, with_text)
                }
                Some(Request::Hear(hear)) => {
                    let Some((mut output, threshold)) = last.take() else {
                        self.answer(&Answer::Failed { message: "nothing was extracted yet".to_owned() })?;
                        continue;
                    };
                    hear_reader(&mut output, &read, &hear.hub, &hear.answers);
                    (output, hear.hub, threshold, false)
                }
                Some(Request::Glance(glance)) => {
                    let model = glance.model.as_deref().and_then(|path| self.models.at(path));
                    let (output, _) = (work.extract)(&read, &glance.hub, model);
                    self.answer(&Answer::Glanced { key: transaction_key(&glance.hub, &output) })?;
                    continue;
                }
                next => return Ok(next),
            };
            let (output, review_recommended) = judged(output, &hub, threshold);
            self.answer(&Answer::Extracted(Extracted {
                output: to_raw_value(&output)?,
                page_count,
                review_recommended,
                ocr_pages: numbers_of(&read, PageSource::Ocr),
                unreadable_pages: numbers_of(&read, PageSource::Unreadable),
                text: with_text.then(|| text_of(&read, limits::SECOND_READER_TEXT_CHARACTERS_MAX)),
            }))?;
            last = Some((output, threshold));
        }
    }

    fn open(&mut self, bytes: Vec<u8>, open: &Open) -> Result<read::Opened, Failure> {
        let mut broken_stream = None;
        let opened = read::open_telling(bytes, &open.name, &open.limits, &mut |step| {
            if let Err(error) = self.answer(&Answer::Progress(step)) {
                broken_stream = Some(error);
            }
        });
        match broken_stream {
            Some(error) => Err(Failure::Stream(error)),
            None => Ok(opened?),
        }
    }

    /// Reads the next page and tells each step before it begins. False where there is none left.
    fn read_page(&mut self, pages: &mut Pages<'_>, read: &mut Vec<Page>) -> Result<bool, Failure> {
        let mut broken_stream = None;
        let page = pages.next_page(&mut |step| {
            if let Err(error) = self.answer(&Answer::Progress(step)) {
                broken_stream = Some(error);
            }
        });
        if let Some(error) = broken_stream {
            return Err(Failure::Stream(error));
        }
        let page = page?;
        let has_page = page.is_some();
        read.extend(page);
        Ok(has_page)
    }

    fn give_up(&mut self, failure: Failure) -> io::Result<Option<Request>> {
        let answer = match failure {
            Failure::Stream(error) => return Err(error),
            Failure::File(error) => {
                Answer::Failed { message: format!("the document's file cannot be read: {error}") }
            }
            Failure::Read(ReadError::Refused(refusal)) => Answer::Refused(refusal.into()),
            Failure::Read(ReadError::Ocr(error)) if error.is_missing() => {
                Answer::OcrMissing { message: error.to_string() }
            }
            Failure::Read(ReadError::Ocr(error)) => Answer::Failed { message: error.to_string() },
        };
        self.answer(&answer)?;
        Ok(None)
    }

    fn receive(&mut self) -> io::Result<Option<Request>> {
        message::receive(&mut self.input, REQUEST_BYTES_MAX)
    }

    fn answer(&mut self, answer: &Answer) -> io::Result<()> {
        message::send(&mut self.output, answer)
    }
}

/// Why a document's work ends early.
enum Failure {
    Stream(io::Error),
    File(io::Error),
    Read(ReadError),
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        Failure::Read(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Read(refusal.into())
    }
}

fn read_file(open: &Open) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(&open.path)
        .and_then(|file| file.take(limits::UPLOAD_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(Failure::File)?;
    Ok(bytes)
}

/// The language of the words that were read with some certainty: misread ones are in no language.
fn language_of(pages: &[Page]) -> Option<Language> {
    let words = pages.iter().flat_map(|page| &page.words).filter(|word| word.confidence >= CERTAIN);
    let words: Vec<&str> = words.map(|word| word.text.as_str()).collect();
    let (code, confidence) = language::detect(&words.join(" "), &[])?;
    Some(Language { code: code.to_owned(), confidence })
}

/// The output with the rules that it breaks, and whether a person should look at it.
fn judged(mut output: ExtractionOutput, hub: &Hub, threshold: Option<f64>) -> (ExtractionOutput, bool) {
    output.issues = issues(hub, &output);
    let unsure = |threshold| output.fields.iter().any(|field| field.confidence < threshold);
    let review_recommended = !output.issues.is_empty() || threshold.is_some_and(unsure);
    (output, review_recommended)
}

fn print_of(pages: &[Page]) -> TextPrint {
    TextPrint::of(pages.iter().flat_map(|page| &page.words).map(|word| word.text.as_str()))
}

fn numbers_of(pages: &[Page], source: PageSource) -> Vec<u32> {
    pages.iter().filter(|page| page.source == source).map(|page| page.number).collect()
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("the reader panicked").to_owned()
}

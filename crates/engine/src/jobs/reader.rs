//! The conversation with a child about one document, and what happens when the child does not survive it.
//!
//! A page that breaks a child is tried once more in a fresh one, because the kernel may have killed the first for
//! reasons of its own; the second time the page is marked unreadable and the rest of the document is read without it.
//! A document of which nothing can be read so, or that breaks children before any page, is given up.

use super::Stop;
use crate::sandbox::{Breach, Lease, Said};
use domain::{
    hub::Hub,
    job::{Failure, Outcome},
    limits,
};
use insights::{
    read::Verdict,
    worker::{Answer, Extract, Extracted, Hear, Open, Opened, Request, message::encode},
};
use std::collections::{BTreeMap, HashMap};

/// A document in the hands of a child.
pub(crate) struct Reader {
    lease: Lease,
    open: Open,
    /// Whether the child of the lease has the document open.
    is_open: bool,
    page_count: Option<u32>,
    /// How often each page broke its child; `None` stands for what is no page.
    breaches: HashMap<Option<u32>, u32>,
    last_breach: Option<Breach>,
}

/// A child that broke, and the page it was reading.
struct Broken {
    breach: Breach,
    page: Option<u32>,
}

impl Reader {
    pub(crate) fn new(lease: Lease, open: Open) -> Self {
        Self { lease, open, is_open: false, page_count: None, breaches: HashMap::new(), last_breach: None }
    }

    /// Opens the document and reads its first page: what validation needs.
    pub(crate) async fn open(&mut self) -> Result<Opened, Stop> {
        loop {
            let request = Request::Open(Box::new(self.open.clone()));
            match self.ask(&request).await {
                Ok(Answer::Opened(opened)) => {
                    self.is_open = true;
                    self.page_count = Some(opened.page_count);
                    self.check_something_is_left()?;
                    return Ok(opened);
                }
                Ok(answer) => return Err(stop(answer)),
                Err(broken) => self.blame(broken)?,
            }
        }
    }

    /// Reads the rest and extracts the fields of a hub.
    pub(crate) async fn extract(&mut self, extract: Extract) -> Result<Extracted, Stop> {
        let request = Request::Extract(Box::new(extract));
        loop {
            if !self.is_open {
                self.open().await?;
            }
            match self.ask(&request).await {
                Ok(Answer::Extracted(extracted)) => return Ok(extracted),
                Ok(answer) => return Err(stop(answer)),
                Err(broken) => self.blame(broken)?,
            }
        }
    }

    /// Weighs what a second reader says of what was extracted just now. None where that breaks the child.
    pub(super) async fn hear(
        &mut self,
        hub: &Hub,
        answers: BTreeMap<String, Option<String>>,
    ) -> Option<Extracted> {
        match self.ask(&Request::Hear(Box::new(Hear { hub: hub.clone(), answers }))).await {
            Ok(Answer::Extracted(extracted)) => Some(extracted),
            _ => None,
        }
    }

    /// Looks for the key of the transaction on the first page: what validation may know of it.
    pub(crate) async fn glance(&mut self, extract: Extract) -> Result<Option<String>, Stop> {
        let request = Request::Glance(Box::new(extract));
        loop {
            if !self.is_open {
                self.open().await?;
            }
            match self.ask(&request).await {
                Ok(Answer::Glanced { key }) => return Ok(key),
                Ok(answer) => return Err(stop(answer)),
                Err(broken) => self.blame(broken)?,
            }
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Answer, Broken> {
        let mut page = None;
        let framed = encode(request)
            .map_err(|error| Broken { breach: Breach::Unavailable(error.to_string()), page })?;
        let look = |message: Vec<u8>| match serde_json::from_slice(&message) {
            Ok(Answer::Progress(step)) => {
                page = step.page();
                Said::Step(step.allowance())
            }
            Ok(answer) => Said::Answer(answer),
            Err(_) => Said::Nonsense,
        };
        match self.lease.ask(&framed, limits::WORKER_TEXT_BASE, look).await {
            Ok(Answer::Crashed { .. }) => Err(Broken { breach: Breach::Crashed, page }),
            Ok(answer) => Ok(answer),
            Err(breach) => Err(Broken { breach, page }),
        }
    }

    /// Notes who is to blame; errors where there is no use in going on.
    fn blame(&mut self, broken: Broken) -> Result<(), Stop> {
        let Broken { breach, page } = broken;
        self.is_open = false;
        metrics::counter!("plextera_sandbox_breaches_total", "kind" => breach.as_str()).increment(1);
        tracing::warn!(%breach, page, "a worker broke on a document");
        if let Breach::Unavailable(reason) = breach {
            return Err(Stop::Back(reason));
        }
        let times = self.breaches.entry(page).or_default();
        *times += 1;
        if *times >= 2 {
            let Some(page) = page else { return Err(given_up(&breach)) };
            self.open.unreadable_pages.push(page);
        }
        let total: u32 = self.breaches.values().sum();
        if total > limits::WORKER_BREACHES_MAX {
            return Err(given_up(&breach));
        }
        self.last_breach = Some(breach);
        self.check_something_is_left()
    }

    /// Errors where every page broke its children.
    fn check_something_is_left(&self) -> Result<(), Stop> {
        let unreadable = self.open.unreadable_pages.len();
        match (self.page_count, &self.last_breach) {
            (Some(count), Some(breach)) if unreadable >= count as usize => Err(given_up(breach)),
            _ => Ok(()),
        }
    }
}

/// How a job ends whose document breaks its readers.
fn given_up(breach: &Breach) -> Stop {
    let (code, message) = match breach {
        Breach::Timeout => (Failure::ProcessingTimeout, "the document takes longer to read than is allowed"),
        Breach::Memory => (Failure::ResourceLimit, "the document takes more memory to read than is allowed"),
        Breach::TooLarge => (Failure::ResourceLimit, "the document's output is larger than is allowed"),
        Breach::Crashed | Breach::Unavailable(_) => {
            (Failure::ProcessingFailed, "the document cannot be read")
        }
    };
    Stop::Ended(Outcome::Failed(code, message.to_owned()))
}

/// How a job ends for an answer that is not the one hoped for.
fn stop(answer: Answer) -> Stop {
    let outcome = match answer {
        Answer::Refused(refused) => match refused.refusal.verdict() {
            Verdict::Rejected(code) => Outcome::Rejected(code, refused.message),
            Verdict::Failed(code) => Outcome::Failed(code, refused.message),
        },
        Answer::OcrMissing { message } | Answer::Failed { message } | Answer::Crashed { message } => {
            Outcome::Failed(Failure::ProcessingFailed, message)
        }
        Answer::Progress(_)
        | Answer::Opened(_)
        | Answer::Glanced { .. }
        | Answer::Extracted(_)
        | Answer::Trained(_) => {
            Outcome::Failed(Failure::ProcessingFailed, "the worker answered another question".to_owned())
        }
    };
    Stop::Ended(outcome)
}

//! One job from its claim to its outcome.

use super::{
    Bench, Stop,
    document::{Local, Shelf},
    failed, has_begun,
    reader::Reader,
    rejected,
    route::{Route, route},
};
use crate::SecondReader;
use domain::{
    hub::{Duplicates, Hub},
    job::{Failure, Job, Outcome, Rejection},
    limits,
};
use insights::read::language;
use insights::worker::{Extracted, Open, Opened};
use store::jobs::{Begin, Begun, ClaimedJob};

/// Works on a job and says how it ends. `job` follows what is found out about it.
pub(super) async fn extract(bench: &Bench, claimed: ClaimedJob, job: &mut Job) -> Stop {
    match run(bench, &claimed, job).await {
        Ok(outcome) => Stop::Ended(outcome),
        // A lost worker had already told that the job is being processed: it cannot be REJECTED any more.
        Err(Stop::Ended(Outcome::Rejected(code, message))) if has_begun(job) => {
            Stop::Ended(failed(Failure::ProcessingFailed, format!("{}: {message}", code.as_str())))
        }
        Err(stop) => stop,
    }
}

async fn run(bench: &Bench, claimed: &ClaimedJob, job: &mut Job) -> Result<Outcome, Stop> {
    if claimed.crashes >= limits::JOB_ATTEMPTS_MAX {
        let message = format!("its worker was lost {} times", claimed.crashes);
        return Ok(failed(Failure::ProcessingFailed, message));
    }
    let org = bench.store.orgs().get(claimed.org_id).await?;
    let org = org.ok_or_else(|| Stop::Back("the job's organization is gone".to_owned()))?;
    let hubs = bench.store.hubs().list(claimed.org_id).await?;
    let shelf = Shelf { store: &bench.store, client: &bench.client, directory: &bench.directory };
    let local = shelf.bring(claimed, bench.ctx.now()).await?;
    if let Some(stored) = &local.fetched {
        job.document.file_name.clone_from(&stored.file.name);
        job.document.mime_type = Some(stored.file.mime_type.clone());
        job.document.size_bytes = Some(stored.file.size_bytes);
        if !bench.store.jobs().attach_document(claimed.lease, claimed.org_id, stored.clone()).await? {
            return Err(Stop::Lost);
        }
    }

    let route = route(job, &org, hubs);
    let open = Open {
        path: local.path().to_owned(),
        name: job.document.file_name.clone(),
        limits: bench.document,
        hubs: route.as_ref().map(Route::candidates).unwrap_or_default().to_vec(),
        languages: Vec::new(),
        embedded_data: bench.embedded_data,
        unreadable_pages: Vec::new(),
    };
    let mut reader = Reader::new(bench.sandbox.lease().await, open);
    let opened = reader.open().await?;
    job.document.page_count = Some(opened.page_count);
    // A document that cannot be read is refused for that, even if no hub would have taken it either.
    let hub = route?.decide(opened.choice.as_ref().map(|choice| choice.hub_id))?;
    job.hub_id = Some(hub.id);
    job.hub_name = Some(hub.name.clone());
    check_language(&opened, &hub)?;
    begin(bench, claimed, job, &local, &hub, &opened).await?;

    let with_text = bench.second_reader.is_some();
    let mut extracted = reader.extract(hub.clone(), with_text).await?;
    if let (Some(second), Some(text)) = (&bench.second_reader, &extracted.text)
        && let Some(heard) = hear(bench, second, &mut reader, &hub, text).await
    {
        extracted = heard;
    }
    job.document.page_count = Some(extracted.page_count);
    Ok(Outcome::Completed(extracted.output))
}

/// Asks the second reader and weighs what it says. None where it said nothing, for whatever reason: the job goes on as if
/// it did not exist.
async fn hear(
    bench: &Bench,
    second: &SecondReader,
    reader: &mut Reader,
    hub: &Hub,
    text: &str,
) -> Option<Extracted> {
    let said = second.ask(&bench.client, hub, text).await;
    let result = if said.is_ok() { "answered" } else { "silent" };
    metrics::counter!("plextera_second_reader_total", "result" => result).increment(1);
    let answers =
        said.inspect_err(|silence| tracing::warn!(%silence, "the second reader said nothing of use")).ok()?;
    reader.hear(hub, answers).await
}

/// Refuses a document in a language that the hub does not read. Where the language is not certain it is read.
fn check_language(opened: &Opened, hub: &Hub) -> Result<(), Stop> {
    match &opened.language {
        Some(language) if !hub.languages.is_empty() && !hub.languages.contains(&language.code) => {
            let named = |code: &String| match language::name(code) {
                Some(name) => format!("{name} (`{code}`)"),
                None => format!("`{code}`"),
            };
            let reads: Vec<String> = hub.languages.iter().map(named).collect();
            let (found, reads) = (named(&language.code), reads.join(", "));
            let message = format!("the document is in {found}; hub {} reads {reads}", hub.name);
            Err(rejected(Rejection::UnsupportedLanguage, message))
        }
        _ => Ok(()),
    }
}

/// Makes the job PROCESSING, unless its lease is lost or an earlier job has the same document.
async fn begin(
    bench: &Bench,
    claimed: &ClaimedJob,
    job: &mut Job,
    local: &Local,
    hub: &Hub,
    opened: &Opened,
) -> Result<(), Stop> {
    let begin = Begin {
        lease: claimed.lease,
        org_id: claimed.org_id,
        hub_id: hub.id,
        hub_name: hub.name.clone(),
        page_count: Some(opened.page_count),
        language: opened.language.as_ref().map(|language| language.code.clone()),
        sha256: local.sha256,
        // Of a job that is PROCESSING already this was decided when it began.
        reject_duplicates: hub.duplicates == Duplicates::Reject && !has_begun(job),
    };
    match bench.store.jobs().begin_processing(begin, bench.ctx.now()).await? {
        Begun::Processing(begun) => {
            *job = *begun;
            Ok(())
        }
        Begun::Duplicate(earlier) => {
            Err(rejected(Rejection::DuplicateDocument, format!("job {earlier} has the same document")))
        }
        Begun::Stale => Err(Stop::Lost),
    }
}

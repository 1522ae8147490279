//! One job from its claim to its outcome.

use super::{
    Bench, Stop,
    document::{Local, Shelf},
    failed, has_begun,
    reader::Reader,
    rejected,
    route::{Route, route},
};
use crate::{SecondReader, learn::written};
use domain::{
    hub::{BusinessKey, Duplicates, Hub},
    id::HubId,
    job::{Failure, Job, Outcome, Rejection},
    limits,
};
use insights::{
    learn::Profile,
    read::language,
    worker::{Extract, Extracted, Open, Opened},
};
use sha2::{Digest, Sha256};
use store::{
    jobs::{Begin, Begun, ClaimedJob, Marks},
    learning::{NewSheet, SheetKey},
};
use tempfile::NamedTempFile;

/// Works on a job and says how it ends. `job` follows what is found out about it, `sheet` is what is kept of its
/// document.
pub(super) async fn extract(
    bench: &Bench,
    claimed: ClaimedJob,
    job: &mut Job,
    sheet: &mut Option<NewSheet>,
) -> Stop {
    match run(bench, &claimed, job, sheet).await {
        Ok(outcome) => Stop::Ended(outcome),
        // A lost worker had already told that the job is being processed: it cannot be REJECTED any more.
        Err(Stop::Ended(Outcome::Rejected(code, message))) if has_begun(job) => {
            Stop::Ended(failed(Failure::ProcessingFailed, format!("{}: {message}", code.as_str())))
        }
        Err(stop) => stop,
    }
}

async fn run(
    bench: &Bench,
    claimed: &ClaimedJob,
    job: &mut Job,
    sheet: &mut Option<NewSheet>,
) -> Result<Outcome, Stop> {
    if claimed.crashes >= limits::JOB_ATTEMPTS_MAX {
        let message = format!("its worker was lost {} times", claimed.crashes);
        return Ok(failed(Failure::ProcessingFailed, message));
    }
    let shelf = Shelf { store: &bench.store, client: &bench.client, directory: &bench.directory };
    let local = shelf.bring(claimed, bench.ctx.now()).await?;
    let org = bench.store.orgs().get(claimed.org_id).await?;
    let org = org.ok_or_else(|| Stop::Back("the job's organization is gone".to_owned()))?;
    let hubs = bench.store.hubs().list(claimed.org_id).await?;
    if let Some(stored) = &local.fetched {
        job.document.file_name.clone_from(&stored.file.name);
        job.document.mime_type = Some(stored.file.mime_type.clone());
        job.document.size_bytes = Some(stored.file.size_bytes);
        if !bench.store.jobs().attach_document(claimed.lease, claimed.org_id, stored.clone()).await? {
            return Err(Stop::Lost);
        }
    }

    let route = route(job, &org, hubs);
    let hubs = route.as_ref().map(Route::candidates).unwrap_or_default().to_vec();
    let languages = route.as_ref().map(Route::languages).unwrap_or_default();
    let profiles = profiles(bench, claimed, &hubs).await?;
    let open = Open {
        path: local.path().to_owned(),
        name: job.document.file_name.clone(),
        limits: bench.document,
        hubs,
        profiles,
        languages,
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
    let learned = bench.files.learned(&bench.store, claimed.org_id, &hub).await?;
    let asks = |key: &BusinessKey| key.duplicates == Duplicates::Reject;
    let key = if !has_begun(job) && hub.business_key.as_ref().is_some_and(asks) {
        let glance = Extract { model: learned.model.clone(), ..Extract::new(hub.clone()) };
        reader.glance(glance).await?
    } else {
        None
    };
    let marks = Marks {
        print: opened.print.clone(),
        reject_text: hub.near_duplicates == Duplicates::Reject && !has_begun(job),
        key: key.map(|key| Sha256::digest(key.as_bytes()).into()),
    };
    begin(bench, claimed, job, &local, &hub, &opened, marks).await?;

    let blank = bench.files.blank().map_err(|error| Stop::Back(error.to_string()))?;
    let extract = Extract {
        hub: hub.clone(),
        with_text: bench.second_reader.is_some(),
        model: learned.model,
        threshold: learned.threshold,
        sheet: Some(blank.path().to_owned()),
    };
    let mut extracted = reader.extract(extract).await?;
    if let (Some(second), Some(text)) = (&bench.second_reader, &extracted.text)
        && let Some(heard) = hear(bench, second, &mut reader, &hub, text).await
    {
        extracted = heard;
    }
    job.document.page_count = Some(extracted.page_count);
    job.review_recommended = extracted.review_recommended;
    *sheet = keep_sheet(bench, claimed, hub.id, &blank, local.sha256).await;
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

/// Stores what learning keeps of the document. Where that fails the job is as good as without: the document is read
/// again when somebody corrects it.
async fn keep_sheet(
    bench: &Bench,
    claimed: &ClaimedJob,
    hub_id: HubId,
    file: &NamedTempFile,
    sha256: [u8; 32],
) -> Option<NewSheet> {
    let complain = |error: &dyn std::fmt::Display| {
        tracing::warn!(%error, job_id = %claimed.lease.job_id, "the sheet of a document is not kept");
    };
    let bytes = written(file, limits::SHEET_BYTES_MAX).inspect_err(|error| complain(error)).ok()?;
    if bytes.is_empty() {
        return None;
    }
    let job_id = claimed.lease.job_id;
    let (key, size_bytes) = (SheetKey::from(job_id), bytes.len() as u64);
    let stored = bench.store.blobs().put_sheet(claimed.org_id, key, bytes.into()).await;
    stored.inspect_err(|error| complain(error)).ok()?;
    Some(NewSheet { key, hub_id, job_id: Some(job_id), sha256, size_bytes })
}

/// What is known of the documents of each hub that may be chosen.
async fn profiles(bench: &Bench, claimed: &ClaimedJob, hubs: &[Hub]) -> Result<Vec<Option<Profile>>, Stop> {
    if hubs.is_empty() {
        return Ok(Vec::new());
    }
    let known = bench.store.learning().profiles(claimed.org_id).await?;
    let of = |hub: &Hub| {
        let (_, profile) = known.iter().find(|(id, _)| *id == hub.id)?;
        serde_json::from_str(profile).ok()
    };
    Ok(hubs.iter().map(of).collect())
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
    marks: Marks,
) -> Result<(), Stop> {
    let begin = Begin {
        lease: claimed.lease,
        org_id: claimed.org_id,
        hub_id: hub.id,
        hub_name: hub.name.clone(),
        hub_version: hub.version,
        page_count: Some(opened.page_count),
        language: opened.language.as_ref().map(|language| language.code.clone()),
        sha256: local.sha256,
        // Of a job that is PROCESSING already this was decided when it began.
        reject_duplicates: hub.duplicates == Duplicates::Reject && !has_begun(job),
        marks,
    };
    match bench.store.jobs().begin_processing(begin, bench.ctx.now()).await? {
        Begun::Processing(begun) => {
            *job = *begun;
            Ok(())
        }
        Begun::Duplicate(earlier) => {
            Err(rejected(Rejection::DuplicateDocument, format!("job {earlier} has the same document")))
        }
        Begun::SameText(earlier) => {
            Err(rejected(Rejection::DuplicateDocument, format!("job {earlier} has the same text")))
        }
        Begun::SameKey(earlier) => {
            let fields = hub.business_key.as_ref().map(|key| key.fields.join(", ")).unwrap_or_default();
            let message = format!("job {earlier} has the same {fields}");
            Err(rejected(Rejection::DuplicateDocument, message))
        }
        Begun::Stale => Err(Stop::Lost),
    }
}

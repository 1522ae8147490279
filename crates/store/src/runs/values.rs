//! What expressions read: the outputs of rows, and single items of large arrays, loaded only where they are named.
//!
//! A value of up to 4 KiB stands in its row; a larger one beside it, an array of items in chunks, so that the hundred
//! thousandth item is read without the others.

use super::{Runs, files};
use crate::{
    db::{Param, Tx},
    error::{Error, Result},
    files::StoredFile,
    sql::statements,
};
use domain::{
    id::{FileId, JobId, OrgId, RunId},
    limits,
    run::FileNode,
};
use flow::run::{Output, Row, RowStatus};
use serde::{Deserialize, Serialize};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use std::collections::HashSet;

macro_rules! replaced {
    () => {
        " on conflict (run_id, name) do update set status = excluded.status, output = excluded.output, \
            file_id = excluded.file_id, failure = excluded.failure, attempts = excluded.attempts, \
            started_at = excluded.started_at, ended_at = excluded.ended_at"
    };
}

statements! {
    WRITE = concat!("insert into run_rows (run_id, name, status, output, file_id, failure, attempts, started_at, ended_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", replaced!()),
        postgres concat!("insert into run_rows (run_id, name, status, output, file_id, failure, attempts, started_at, ended_at)
        select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::bigint[],
            $8::bigint[], $9::bigint[])", replaced!());
    WRITE_VALUE = "insert into run_values (run_id, name, chunk, value) values ($1, $2, $3, $4)
        on conflict (run_id, name, chunk) do update set value = excluded.value",
        postgres "insert into run_values (run_id, name, chunk, value)
        select * from unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[])
        on conflict (run_id, name, chunk) do update set value = excluded.value";
    OUTPUT = "select output from run_rows where run_id = $1 and name = $2";
    VALUE = "select value from run_values where run_id = $1 and name = $2 and chunk = $3";
    CHUNKS = "select value from run_values where run_id = $1 and name = $2 order by chunk";
    ITEMS_BYTES = "select coalesce(sum(length(output)), 0) from run_rows where run_id = $1 and name > $2 and name < $3";
    ITEMS = "select name, status, output, failure from run_rows where run_id = $1 and name > $2 and name < $3";
    JOB = "select id, org_id from jobs where id = $1 and org_id = (select org_id from runs where id = $2)";
    SHOWN = "select r.output, f.id, f.name, f.mime_type, f.size_bytes from run_rows r left join files f on f.id = r.file_id
        where r.run_id = $1 and r.name = $2",
        postgres "select new.number, r.output, f.id, f.name, f.mime_type, f.size_bytes
        from unnest($1::uuid[], $2::text[]) with ordinality as new (run_id, name, number)
        join run_rows r on r.run_id = new.run_id and r.name = new.name left join files f on f.id = r.file_id";
}

/// Items in one chunk.
pub(super) const CHUNK_ITEMS: usize = 100;

/// Where a row's output is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Place {
    /// Here.
    Value(Value),
    /// In `run_values`, whole.
    Large,
    /// In `run_values`, so many items.
    Chunks(usize),
    /// As the core said.
    Output(Output),
}

/// Inserts or replaces rows of the journal, each with the file that shows its value where that is large. Of several with
/// one name the last one stays.
pub(super) async fn write(tx: &mut Tx<'_>, rows: &[(RunId, &Row, Option<FileId>)]) -> Result<()> {
    let mut names = HashSet::with_capacity(rows.len());
    let mut rows: Vec<_> = rows.iter().rev().filter(|(id, row, _)| names.insert((*id, &row.name))).collect();
    rows.reverse();
    let mut values: Vec<(RunId, &str, usize, String)> = Vec::new();
    let mut texts = Vec::with_capacity(rows.len());
    let mut named = Vec::new();
    for (run_id, row, file_id) in &rows {
        named.extend(file_id.map(|file_id| (file_id, *run_id)));
        let place =
            row.output.as_ref().map(|output| place(*run_id, &row.name, output, &mut values, &mut named));
        let output = place.transpose()?.map(|place| serde_json::to_string(&place)).transpose();
        let failure = row.failure.as_ref().map(serde_json::to_string).transpose();
        texts.push((output.map_err(Error::corrupt)?, failure.map_err(Error::corrupt)?));
    }
    let large: Vec<Vec<Param<'_>>> = values
        .iter()
        .map(|(run_id, name, chunk, value)| {
            vec![(*run_id).into(), (*name).into(), (*chunk as u64).into(), value.into()]
        })
        .collect();
    tx.execute_bulk(&WRITE_VALUE, &large).await?;
    files::name(tx, named).await?;
    let rows: Vec<Vec<Param<'_>>> = rows
        .iter()
        .zip(&texts)
        .map(|((run_id, row, file_id), (output, failure))| {
            vec![
                (*run_id).into(),
                (&row.name).into(),
                status_text(row.status).into(),
                output.as_ref().into(),
                (*file_id).into(),
                failure.as_ref().into(),
                row.attempts.into(),
                row.started_at_ms.into(),
                row.ended_at_ms.into(),
            ]
        })
        .collect();
    tx.execute_bulk(&WRITE, &rows).await.map(drop)
}

fn place<'r>(
    run_id: RunId,
    name: &'r str,
    output: &Output,
    values: &mut Vec<(RunId, &'r str, usize, String)>,
    named: &mut Vec<(FileId, RunId)>,
) -> Result<Place> {
    let Output::Inline(value) = output else { return Ok(Place::Output(output.clone())) };
    let text = serde_json::to_string(value).map_err(Error::corrupt)?;
    files::named(value, &text, run_id, named);
    if text.len() <= limits::RUN_VALUE_INLINE_BYTES_MAX {
        return Ok(Place::Value(value.clone()));
    }
    let (Value::Array(items), true) = (value, name.ends_with("#items")) else {
        values.push((run_id, name, 0, text));
        return Ok(Place::Large);
    };
    for (chunk, items) in items.chunks(CHUNK_ITEMS).enumerate() {
        values.push((run_id, name, chunk, serde_json::to_string(items).map_err(Error::corrupt)?));
    }
    Ok(Place::Chunks(items.len()))
}

const fn status_text(status: RowStatus) -> &'static str {
    match status {
        RowStatus::Completed => "COMPLETED",
        RowStatus::Failed => "FAILED",
        RowStatus::Skipped => "SKIPPED",
        RowStatus::Data => "DATA",
    }
}

fn parse_status(text: &str) -> Result<RowStatus> {
    match text {
        "COMPLETED" => Ok(RowStatus::Completed),
        "FAILED" => Ok(RowStatus::Failed),
        "SKIPPED" => Ok(RowStatus::Skipped),
        "DATA" => Ok(RowStatus::Data),
        other => Err(Error::corrupt(format!("{other} is no status of a row"))),
    }
}

impl Runs<'_> {
    /// The output of a row; `None` where it has none.
    pub async fn value(&self, id: RunId, name: &str) -> Result<Option<Value>> {
        let read = self.0.db.read((id, name.to_owned()), |tx, (id, name)| Box::pin(value(tx, *id, name, 0)));
        read.await
    }

    /// Items `index / 100 * 100` and the ninety-nine after it of the array in a row.
    pub async fn items(&self, id: RunId, name: &str, index: u32) -> Result<Vec<Value>> {
        let read = self.0.db.read((id, name.to_owned(), index), |tx, (id, name, index)| {
            Box::pin(items(tx, *id, name, *index as usize / CHUNK_ITEMS))
        });
        read.await
    }

    /// What an output that is not in a row yet stands for: a job, a nested run's output, the items of a `for_each`.
    pub async fn resolve(&self, id: RunId, output: Output) -> Result<Option<Value>> {
        let read = self.0.db.read((id, output), |tx, (id, output)| Box::pin(resolve(tx, *id, output, 0)));
        read.await
    }

    /// Adds the row of a file whose blob is stored.
    pub async fn keep_file(&self, org_id: OrgId, file: StoredFile) -> Result<()> {
        let keep = self.0.db.write((org_id, file), |tx, (org_id, file)| {
            Box::pin(async move { crate::files::insert_if_new(tx, *org_id, file).await })
        });
        keep.await
    }
}

/// References that lead to references.
const HOPS_MAX: u32 = 32;

pub(super) fn value<'a>(
    tx: &'a mut Tx<'_>,
    id: RunId,
    name: &'a str,
    hops: u32,
) -> crate::db::BoxFuture<'a, Result<Option<Value>>> {
    Box::pin(async move {
        if hops > HOPS_MAX {
            return Ok(None);
        }
        let found: Option<(Option<String>,)> = tx.optional(&OUTPUT, &[id.into(), name.into()]).await?;
        let Some((Some(text),)) = found else { return Ok(None) };
        match serde_json::from_str(&text).map_err(Error::corrupt)? {
            Place::Value(value) => Ok(Some(value)),
            Place::Large => {
                let (text,): (String,) = tx.one(&VALUE, &[id.into(), name.into(), 0u32.into()]).await?;
                serde_json::from_str(&text).map(Some).map_err(Error::corrupt)
            }
            Place::Chunks(_) => {
                let chunks: Vec<(String,)> = tx.rows(&CHUNKS, &[id.into(), name.into()]).await?;
                let mut all = Vec::new();
                for (text,) in chunks {
                    all.extend(serde_json::from_str::<Vec<Value>>(&text).map_err(Error::corrupt)?);
                }
                Ok(Some(Value::Array(all)))
            }
            Place::Output(output) => resolve(tx, id, &output, hops + 1).await,
        }
    })
}

pub(super) fn resolve<'a>(
    tx: &'a mut Tx<'_>,
    id: RunId,
    output: &'a Output,
    hops: u32,
) -> crate::db::BoxFuture<'a, Result<Option<Value>>> {
    Box::pin(async move {
        match output {
            Output::Inline(value) => Ok(Some(value.clone())),
            Output::Row(name) => value(tx, id, name, hops + 1).await,
            Output::Stored(name) => stored(tx, id, name, hops).await,
            Output::Items { key, total } => {
                let all = flow::run::Key { index: None, ..key.clone() }.to_string();
                let prefix = all.trim_end_matches("all").to_owned();
                items_of(tx, id, &prefix, *total, hops).await.map(Some)
            }
        }
    })
}

async fn stored(tx: &mut Tx<'_>, id: RunId, name: &str, hops: u32) -> Result<Option<Value>> {
    match name.split_once(':') {
        Some(("run", child)) => {
            let child: RunId = child.parse().map_err(Error::corrupt)?;
            value(tx, child, "outputs", hops + 1).await
        }
        Some(("job", job)) => {
            let job: JobId = job.parse().map_err(Error::corrupt)?;
            // Of the run's own organization; one that was deleted is gone here too.
            let Some((job, org_id)) = tx.optional::<(JobId, OrgId)>(&JOB, &[job.into(), id.into()]).await?
            else {
                return Ok(None);
            };
            let job = crate::jobs::with_output(tx, org_id, job).await?;
            job.map(|job| serde_json::to_value(&job).map_err(Error::corrupt)).transpose()
        }
        _ => Err(Error::corrupt(format!("{name} names no output"))),
    }
}

/// `{index, status, output?, error?}` of each item, in order. `prefix` is the loop's path and a slash.
///
/// # Errors
/// `TooLarge`, before more is in memory than that, where the outputs together pass [`limits::RUN_ITEMS_READ_BYTES_MAX`].
async fn items_of(tx: &mut Tx<'_>, id: RunId, prefix: &str, total: u32, hops: u32) -> Result<Value> {
    // What follows `/` in the order of characters is `0`.
    let end = format!("{}0", prefix.trim_end_matches('/'));
    let bytes_max = limits::RUN_ITEMS_READ_BYTES_MAX;
    let too_large = || Error::TooLarge { bytes_max };
    let (bytes,): (u64,) = tx.one(&ITEMS_BYTES, &[id.into(), prefix.into(), (&end).into()]).await?;
    let mut left =
        usize::try_from(bytes).ok().and_then(|bytes| bytes_max.checked_sub(bytes)).ok_or_else(too_large)?;
    type Found = (String, String, Option<String>, Option<String>);
    let rows: Vec<Found> = tx.rows(&ITEMS, &[id.into(), prefix.into(), (&end).into()]).await?;
    let mut found = std::collections::BTreeMap::new();
    for (name, status, output, failure) in rows {
        let Some(index) = name.strip_prefix(prefix).and_then(|rest| rest.parse::<u32>().ok()) else {
            continue;
        };
        let failure: Option<flow::run::Failure> =
            failure.map(|text| serde_json::from_str(&text).map_err(Error::corrupt)).transpose()?;
        let output =
            match output.map(|text| serde_json::from_str(&text).map_err(Error::corrupt)).transpose()? {
                None => None,
                Some(Place::Value(value)) => Some(value),
                Some(_) => {
                    let value = value(tx, id, &name, hops + 1).await?;
                    let bytes = value.as_ref().map_or(0, |value| value.to_string().len());
                    left = left.checked_sub(bytes).ok_or_else(too_large)?;
                    value
                }
            };
        found.insert(index, flow::expr::item_value(index, parse_status(&status)?, output, failure.as_ref()));
    }
    let missing = |index: u32| json!({"index": index, "status": "SKIPPED", "output": null});
    Ok((0..total).map(|index| found.remove(&index).unwrap_or_else(|| missing(index))).collect())
}

async fn items(tx: &mut Tx<'_>, id: RunId, name: &str, chunk: usize) -> Result<Vec<Value>> {
    let params = [id.into(), name.into(), (chunk as u64).into()];
    if let Some((text,)) = tx.optional::<(String,)>(&VALUE, &params).await? {
        return serde_json::from_str(&text).map_err(Error::corrupt);
    }
    let whole = value(tx, id, name, 0).await?;
    let Some(Value::Array(items)) = whole else { return Ok(Vec::new()) };
    Ok(items.into_iter().skip(chunk * CHUNK_ITEMS).take(CHUNK_ITEMS).collect())
}

/// How an answer or an event shows a row's output.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub value: Option<Box<RawValue>>,
    pub file: Option<FileNode>,
    /// Why there is neither, though there is an output.
    pub omitted: Option<String>,
}

/// What rows show, in the order in which they are named.
pub(super) async fn shown(tx: &mut Tx<'_>, rows: &[(RunId, &str)]) -> Result<Vec<Shown>> {
    type Found = (Option<String>, Option<FileId>, Option<String>, Option<String>, Option<u64>);
    let keys: Vec<_> = rows.iter().map(|(id, name)| vec![(*id).into(), (*name).into()]).collect();
    let found: Vec<Option<Found>> = tx.optional_bulk(&SHOWN, &keys).await?;
    let mut shown = Vec::with_capacity(found.len());
    for (found, (id, name)) in found.into_iter().zip(rows) {
        let Some((output, file_id, file_name, mime_type, size_bytes)) = found else {
            shown.push(Shown::default());
            continue;
        };
        if let (Some(file_id), Some(name), Some(mime_type), Some(size_bytes)) =
            (file_id, file_name, mime_type, size_bytes)
        {
            let file = FileNode { file_id, name, mime_type, size_bytes };
            shown.push(Shown { file: Some(file), ..Shown::default() });
            continue;
        }
        let place = output.map(|text| serde_json::from_str(&text).map_err(Error::corrupt)).transpose()?;
        let mut omitted = None;
        let value = match place {
            None => None,
            Some(Place::Value(value)) => Some(value),
            Some(_) => match value(tx, *id, name, 0).await {
                Err(Error::TooLarge { bytes_max }) => {
                    let megabytes = bytes_max / 1_000_000;
                    omitted = Some(format!(
                        "the output is more than {megabytes} MB, too large to show or to store as a file"
                    ));
                    None
                }
                value => value?,
            },
        };
        let value = value.map(|value| to_raw_value(&value).map_err(Error::corrupt)).transpose()?;
        shown.push(Shown { value, file: None, omitted });
    }
    Ok(shown)
}

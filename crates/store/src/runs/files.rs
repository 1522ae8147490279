//! Which files a run names: in what it began with, in the outputs of its steps, and those that show its large values.
//!
//! Written with the value that names them, in its transaction. While the run is open, its files cannot be deleted.

use crate::{
    db::{Param, Tx},
    error::Result,
    sql::statements,
};
use domain::id::{FileId, RunId};
use serde_json::Value;

statements! {
    // The file's row is held, so that a deletion under way is waited for.
    NAME = "insert into run_files (file_id, run_id)
        select id, $2 from files where id = $1 and org_id = (select org_id from runs where id = $2)
        on conflict (file_id, run_id) do nothing",
        postgres "insert into run_files (file_id, run_id)
        select id, $2 from files where id = $1 and org_id = (select org_id from runs where id = $2) for key share
        on conflict (file_id, run_id) do nothing";
    OPEN = "select r.id from run_files f join runs r on r.id = f.run_id
        where f.file_id = $1 and r.completed_at is null limit 1";
    FORGET = "delete from run_files where file_id = $1";
}

/// What every id of a file begins with, as it stands in JSON.
const MARK: &str = "\"file_";

/// Notes the files that runs name. Ids of files that do not exist, or are another organization's, are just text.
pub(super) async fn name(tx: &mut Tx<'_>, mut named: Vec<(FileId, RunId)>) -> Result<()> {
    named.sort_unstable();
    named.dedup();
    let rows: Vec<Vec<Param<'_>>> =
        named.iter().map(|(file_id, run_id)| vec![(*file_id).into(), (*run_id).into()]).collect();
    tx.execute_many(&NAME, &rows).await.map(drop)
}

/// The ids of files in a value; `text` is the same as JSON.
pub(super) fn named(value: &Value, text: &str, run_id: RunId, found: &mut Vec<(FileId, RunId)>) {
    if text.contains(MARK) {
        walk(value, run_id, found);
    }
}

fn walk(value: &Value, run_id: RunId, found: &mut Vec<(FileId, RunId)>) {
    match value {
        Value::String(text) => found.extend(text.parse().ok().map(|id| (id, run_id))),
        Value::Array(items) => items.iter().for_each(|item| walk(item, run_id, found)),
        Value::Object(map) => map.values().for_each(|item| walk(item, run_id, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a run that is not terminal names the file.
pub(crate) async fn in_use(tx: &mut Tx<'_>, id: FileId) -> Result<bool> {
    Ok(tx.optional::<(RunId,)>(&OPEN, &[id.into()]).await?.is_some())
}

/// The file is deleted.
pub(crate) async fn forget(tx: &mut Tx<'_>, id: FileId) -> Result<()> {
    tx.execute(&FORGET, &[id.into()]).await.map(drop)
}

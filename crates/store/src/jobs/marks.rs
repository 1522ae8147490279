//! By what else than its bytes a document is known again: its text, and the key of its transaction.
//!
//! Both are noted when a job begins, in the transaction that looks for them, so of two documents that are the same at
//! the same time one is refused.

use super::{Begun, claim::Begin};
use crate::{
    db::Tx,
    error::Result,
    rows::{Json, to_json},
    sql::statements,
};
use domain::{id::JobId, print::TextPrint, time::Timestamp};

/// The latest so many documents of a hub are compared with.
const COMPARED_MAX: u32 = 1000;

statements! {
    BY_KEY = "select job_id from job_marks join jobs on jobs.id = job_marks.job_id
        where job_marks.org_id = $1 and job_marks.hub_id = $2 and key_hash = $3 and job_id <> $4
            and jobs.status in ('PROCESSING', 'COMPLETED')
        order by job_marks.created_at, job_id limit 1";
    LATEST = "select job_id, text_print from job_marks join jobs on jobs.id = job_marks.job_id
        where job_marks.org_id = $1 and job_marks.hub_id = $2 and job_id <> $3
            and jobs.status in ('PROCESSING', 'COMPLETED')
        order by job_marks.created_at desc, job_id desc limit $4";
    NOTE = "insert into job_marks (job_id, org_id, hub_id, text_print, key_hash, created_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (job_id) do update set hub_id = excluded.hub_id, text_print = excluded.text_print,
            key_hash = excluded.key_hash";
    FORGET = "delete from job_marks where job_id = $1";
}

/// How a document is known again.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    pub print: TextPrint,
    /// The hub refuses texts it has seen.
    pub reject_text: bool,
    /// Of the transaction; absent where the document does not tell it, or the hub does not ask.
    pub key: Option<[u8; 32]>,
}

impl Marks {
    /// Whether earlier documents are looked at.
    pub(super) fn decide(&self) -> bool {
        self.reject_text || self.key.is_some()
    }
}

/// An earlier document that is the same.
pub(super) async fn twin(tx: &mut Tx<'_>, begin: &Begin, hub_id: &str) -> Result<Option<Begun>> {
    let id = begin.lease.job_id;
    let marks = &begin.marks;
    if let Some(key) = &marks.key {
        let params = [begin.org_id.into(), hub_id.into(), key.into(), id.into()];
        if let Some((earlier,)) = tx.optional(&BY_KEY, &params).await? {
            return Ok(Some(Begun::SameKey(earlier)));
        }
    }
    if marks.reject_text && marks.print.is_telling() {
        let params = [begin.org_id.into(), hub_id.into(), id.into(), COMPARED_MAX.into()];
        let latest: Vec<(JobId, Json<TextPrint>)> = tx.rows(&LATEST, &params).await?;
        let same = latest.into_iter().find(|(_, Json(print))| print.is_same(&marks.print));
        return Ok(same.map(|(earlier, _)| Begun::SameText(earlier)));
    }
    Ok(None)
}

pub(super) async fn note(tx: &mut Tx<'_>, begin: &Begin, hub_id: &str, now: Timestamp) -> Result<()> {
    let print = to_json(&begin.marks.print)?;
    let params = [
        begin.lease.job_id.into(),
        begin.org_id.into(),
        hub_id.into(),
        (&print).into(),
        begin.marks.key.as_ref().into(),
        now.into(),
    ];
    tx.execute(&NOTE, &params).await.map(drop)
}

pub(super) async fn forget(tx: &mut Tx<'_>, id: JobId) -> Result<()> {
    tx.execute(&FORGET, &[id.into()]).await.map(drop)
}

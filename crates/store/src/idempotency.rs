//! Idempotency keys: the first answer to a request, kept for a day.
//!
//! The record is written in the transaction that does what the request asks for, before anything else in it. So of two
//! requests with the same key at the same time one does the work, and the other waits for its commit and gets its
//! answer; there is no state "in progress" that a crash could leave behind.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{id::OrgId, limits, time::Timestamp};

/// What a client got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    pub body: Vec<u8>,
}

/// A request under an idempotency key, and the answer it will get if it is the first.
#[derive(Debug, Clone)]
pub struct Idempotency {
    pub org_id: OrgId,
    pub key: String,
    /// Over everything that makes the request what it is: method, path and body.
    pub request_hash: [u8; 32],
    pub answer: Answer,
}

/// What became of a request that may have been made before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Once<T> {
    /// It is the first (or has no idempotency key): this was done.
    First(T),
    /// It was made before: nothing was done, and this was the answer.
    Replay(Answer),
    /// The key was used for another request: nothing was done.
    Mismatch,
}

statements! {
    CLAIM = "insert into idempotency (org_id, key, request_hash, status, body, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (org_id, key) do update
        set request_hash = excluded.request_hash, status = excluded.status, body = excluded.body,
            expires_at = excluded.expires_at
        where idempotency.expires_at <= $7";
    GET = "select request_hash, status, body from idempotency where org_id = $1 and key = $2 and expires_at > $3";
    FORGET = "delete from idempotency where org_id = $1 and key = $2";
    REAP = "delete from idempotency where (org_id, key) in
        (select org_id, key from idempotency where expires_at <= $1 order by expires_at limit $2)";
}

struct Kept {
    request_hash: [u8; 32],
    answer: Answer,
}

impl FromRow for Kept {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { request_hash: row.take()?, answer: Answer { status: row.take()?, body: row.take()? } })
    }
}

impl Kept {
    fn against<T>(self, request_hash: &[u8; 32]) -> Once<T> {
        if self.request_hash == *request_hash { Once::Replay(self.answer) } else { Once::Mismatch }
    }
}

/// Writes the record; `None` where the request is the first and its work is to be done now.
pub(crate) async fn begin<T>(
    tx: &mut Tx<'_>,
    request: Option<&Idempotency>,
    now: Timestamp,
) -> Result<Option<Once<T>>> {
    let Some(request) = request else { return Ok(None) };
    let params = [
        request.org_id.into(),
        (&request.key).into(),
        (&request.request_hash).into(),
        u32::from(request.answer.status).into(),
        (&request.answer.body).into(),
        now.plus(limits::IDEMPOTENCY_KEPT).into(),
        now.into(),
    ];
    if tx.execute(&CLAIM, &params).await? == 1 {
        return Ok(None);
    }
    let kept: Option<Kept> =
        tx.optional(&GET, &[request.org_id.into(), (&request.key).into(), now.into()]).await?;
    match kept {
        Some(kept) => Ok(Some(kept.against(&request.request_hash))),
        None => Err(Error::Busy("the idempotency record changed meanwhile".to_owned())),
    }
}

/// Takes the record back where the work turned out to be impossible.
pub(crate) async fn forget(tx: &mut Tx<'_>, request: Option<&Idempotency>) -> Result<()> {
    if let Some(request) = request {
        tx.execute(&FORGET, &[request.org_id.into(), (&request.key).into()]).await?;
    }
    Ok(())
}

/// Requests that were answered before.
pub struct IdempotencyRecords<'s>(&'s Store);

impl Store {
    pub fn idempotency(&self) -> IdempotencyRecords<'_> {
        IdempotencyRecords(self)
    }
}

impl IdempotencyRecords<'_> {
    /// What is known about a request before any work is done for it: `None` where it is new.
    pub async fn find(
        &self,
        org_id: OrgId,
        key: &str,
        request_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<Once<()>>> {
        let input = (org_id, key.to_owned(), now);
        let find = self.0.db.read(input, |tx, (org_id, key, now)| {
            Box::pin(async move {
                tx.optional::<Kept>(&GET, &[(*org_id).into(), key.into(), (*now).into()]).await
            })
        });
        Ok(find.await?.map(|kept| kept.against(&request_hash)))
    }

    /// Removes at most `limit` records that have expired; how many.
    pub async fn reap(&self, now: Timestamp, limit: u32) -> Result<u64> {
        let reap = self.0.db.write((now, limit), |tx, (now, limit)| {
            Box::pin(async move { tx.execute(&REAP, &[(*now).into(), (*limit).into()]).await })
        });
        reap.await
    }
}

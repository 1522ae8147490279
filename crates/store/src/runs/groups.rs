//! Concurrency groups: how many runs with one key are under way at a time.
//!
//! A run asks for its turn in the transaction of its decision and is told by mail, in the order of asking. A place is
//! free again with its holder's terminal state, in the same transaction.

use super::mail::{Mail, post_all};
use crate::{db::Tx, error::Result, sql::statements};
use domain::{context::Context, id::RunId};
use sha2::{Digest, Sha256};

statements! {
    ASK = "update runs set group_key = $2, group_limit = $3 where id = $1 and group_key is null";
    SERIALIZE = "select 1 where $1 is not null", postgres "select pg_advisory_xact_lock($1)";
    HELD = "select count(*) from runs where group_key = $1 and completed_at is null and group_held = true";
    WAITING = "select id, group_limit from runs where group_key = $1 and completed_at is null and group_held = false
        order by created_at, id limit $2";
    HOLD = "update runs set group_held = true where id = $1";
}

/// Most runs that get their turn in one transaction.
const GRANTS_MAX: u32 = 1000;

/// Whose turn it is now.
pub(super) async fn ask(
    tx: &mut Tx<'_>,
    id: RunId,
    group: &str,
    limit: u32,
    ctx: &Context,
) -> Result<Vec<RunId>> {
    lock(tx, group).await?;
    tx.execute(&ASK, &[id.into(), group.into(), limit.into()]).await?;
    grant(tx, group, ctx).await
}

/// After a holder's end: whose turn it is now.
pub(super) async fn left(tx: &mut Tx<'_>, group: &str, ctx: &Context) -> Result<Vec<RunId>> {
    lock(tx, group).await?;
    grant(tx, group, ctx).await
}

async fn lock(tx: &mut Tx<'_>, group: &str) -> Result<()> {
    let digest = Sha256::digest(group.as_bytes());
    let number = i64::from_le_bytes(std::array::from_fn(|i| digest[i]));
    tx.rows::<()>(&SERIALIZE, &[number.into()]).await.map(drop)
}

async fn grant(tx: &mut Tx<'_>, group: &str, ctx: &Context) -> Result<Vec<RunId>> {
    let (mut held,): (u32,) = tx.one(&HELD, &[group.into()]).await?;
    let waiting: Vec<(RunId, u32)> = tx.rows(&WAITING, &[group.into(), GRANTS_MAX.into()]).await?;
    let mut mails = Vec::new();
    for (id, limit) in waiting {
        if held >= limit {
            break;
        }
        held += 1;
        tx.execute(&HOLD, &[id.into()]).await?;
        mails.push((id, Mail::Acquired));
    }
    post_all(tx, &mails, ctx).await?;
    Ok(mails.into_iter().map(|(id, _)| id).collect())
}

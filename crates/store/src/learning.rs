//! What hubs learn: examples, the sheets of their documents, the models that come of them, and who is teaching which hub.
//!
//! - `examples`: the events. Each is appended with its number in its hub, in the transaction of what it comes from.
//! - `sheets`: which documents can be learned from without being read again. Their bytes are blobs.
//! - `claim`: one node teaches a hub at a time, under a lease and a fence; what a node that lost its lease made is dropped.
//! - `models`: versions, the active one, the way back.

pub(crate) mod claim;
pub(crate) mod examples;
pub(crate) mod models;
pub(crate) mod sheets;

pub use claim::{ClaimedHub, LearnLease, LearnState, NewModel};
pub use examples::{DocumentToRead, ExamplesAdded, Lesson, NewExample};
pub use models::{ActiveModel, RolledBack};
pub use sheets::{NewSheet, SheetKey};

use crate::{
    Store,
    db::Tx,
    error::Result,
    sql::{Sql, statements},
};
use domain::id::{HubId, JobId, OrgId};

statements! {
    WANT = "update learning set wanted = wanted + 1, failures = 0, error = null where org_id = $1 and hub_id = $2";
    FORGET = "update learning set wanted = wanted + 1, forget_before = next_version, failures = 0, error = null,
            pending = (select count(*) from examples
                where examples.org_id = $1 and examples.hub_id = $2 and examples.status = 'PENDING')
        where org_id = $1 and hub_id = $2";
    EXAMPLES_OF_JOB = "delete from examples where job_id = $1 returning org_id, hub_id";
    // An example of a file may rest on the sheet of a job.
    EXAMPLES_OF_SHEET = "delete from examples where sheet_id = $1 returning org_id, hub_id";
    SHEETS_OF_JOB = "delete from sheets where job_id = $1 returning id";
    EXAMPLES_OF_HUB = "delete from examples where org_id = $1 and hub_id = $2";
    SHEETS_OF_HUB = "delete from sheets where org_id = $1 and hub_id = $2";
    MODELS_OF_HUB = "delete from models where org_id = $1 and hub_id = $2";
    LEARNING_OF_HUB = "delete from learning where org_id = $1 and hub_id = $2";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static Sql]> {
    vec![STATEMENTS, claim::STATEMENTS, examples::STATEMENTS, models::STATEMENTS, sheets::STATEMENTS]
}

pub struct Learning<'s>(&'s Store);

impl Store {
    pub fn learning(&self) -> Learning<'_> {
        Learning(self)
    }
}

impl Learning<'_> {
    /// Has a hub's model made again; false where the hub has nothing to learn from. Hint `Topic::Learning` after.
    pub async fn want(&self, org_id: OrgId, hub_id: HubId) -> Result<bool> {
        let want = self.0.db.write((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { want(tx, *org_id, hub_id).await })
        });
        want.await
    }
}

pub(crate) async fn want(tx: &mut Tx<'_>, org_id: OrgId, hub_id: &str) -> Result<bool> {
    Ok(tx.execute(&WANT, &[org_id.into(), hub_id.into()]).await? == 1)
}

/// Erases what was learned from a job: its sheet, the examples that rest on it, and with the next model also every
/// model that knew of them. Gives the sheets whose blobs are to be deleted.
pub(crate) async fn forget_job(tx: &mut Tx<'_>, id: JobId) -> Result<Vec<SheetKey>> {
    let mut hubs: Vec<(OrgId, String)> = tx.rows(&EXAMPLES_OF_JOB, &[id.into()]).await?;
    let sheets: Vec<(SheetKey,)> = tx.rows(&SHEETS_OF_JOB, &[id.into()]).await?;
    for (sheet,) in &sheets {
        hubs.extend(tx.rows::<(OrgId, String)>(&EXAMPLES_OF_SHEET, &[(*sheet).into()]).await?);
    }
    hubs.sort();
    hubs.dedup();
    for (org_id, hub_id) in &hubs {
        tx.execute(&FORGET, &[(*org_id).into(), hub_id.into()]).await?;
    }
    Ok(sheets.into_iter().map(|(sheet,)| sheet).collect())
}

/// Erases everything that a hub has learned. The blobs of its sheets are left to the sweep.
pub(crate) async fn forget_hub(tx: &mut Tx<'_>, org_id: OrgId, hub_id: &str) -> Result<()> {
    for sql in [&EXAMPLES_OF_HUB, &SHEETS_OF_HUB, &MODELS_OF_HUB, &LEARNING_OF_HUB] {
        tx.execute(sql, &[org_id.into(), hub_id.into()]).await?;
    }
    Ok(())
}

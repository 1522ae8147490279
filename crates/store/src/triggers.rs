//! Triggers: one secret address per workflow, from which runs are started without a key.
//!
//! Only a hash of the address's token is kept, so whoever reads the database can start nothing.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    sql::statements,
    workflows,
};
use domain::{id::OrgId, time::Timestamp, workflow::WorkflowId};

statements! {
    PUT = "insert into triggers (org_id, workflow_id, token_hash, created_at) values ($1, $2, $3, $4)
        on conflict (org_id, workflow_id) do update
        set token_hash = excluded.token_hash, created_at = excluded.created_at, last_used_at = null";
    GET = "select created_at, last_used_at from triggers where org_id = $1 and workflow_id = $2";
    FIND = "select org_id, workflow_id from triggers where token_hash = $1";
    USED = "update triggers set last_used_at = $2 where token_hash = $1";
    DELETE = "delete from triggers where org_id = $1 and workflow_id = $2";
}

/// A trigger as clients see it: that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trigger {
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

impl FromRow for Trigger {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { created_at: row.take()?, last_used_at: row.take()? })
    }
}

pub struct Triggers<'s>(&'s Store);

impl Store {
    pub fn triggers(&self) -> Triggers<'_> {
        Triggers(self)
    }
}

impl Triggers<'_> {
    /// Gives a workflow a trigger, whose token takes the place of an earlier one at once; false where there is no such
    /// workflow.
    pub async fn put(
        &self,
        org_id: OrgId,
        workflow_id: WorkflowId,
        token_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<bool> {
        let input = (org_id, workflow_id, token_hash, now);
        let put = self.0.db.write(input, |tx, (org_id, workflow_id, token_hash, now)| {
            Box::pin(async move {
                if !workflows::exists(tx, *org_id, workflow_id).await? {
                    return Ok(false);
                }
                let params = [(*org_id).into(), workflow_id.into(), token_hash.into(), (*now).into()];
                tx.execute(&PUT, &params).await?;
                Ok(true)
            })
        });
        put.await
    }

    pub async fn get(&self, org_id: OrgId, workflow_id: WorkflowId) -> Result<Option<Trigger>> {
        let get = self.0.db.read((org_id, workflow_id), |tx, (org_id, workflow_id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), workflow_id.into()]).await })
        });
        get.await
    }

    /// Whose trigger has the token with this hash.
    pub async fn find(&self, token_hash: [u8; 32]) -> Result<Option<(OrgId, WorkflowId)>> {
        let find = self.0.db.read(token_hash, |tx, token_hash| {
            Box::pin(async move { tx.optional(&FIND, &[token_hash.into()]).await })
        });
        find.await
    }

    /// Notes that a trigger was used.
    pub async fn used(&self, token_hash: [u8; 32], now: Timestamp) -> Result<()> {
        let used = self.0.db.write((token_hash, now), |tx, (token_hash, now)| {
            Box::pin(async move { tx.execute(&USED, &[token_hash.into(), (*now).into()]).await })
        });
        used.await.map(drop)
    }

    /// Takes a workflow's trigger away; false where it has none.
    pub async fn delete(&self, org_id: OrgId, workflow_id: WorkflowId) -> Result<bool> {
        let delete = self.0.db.write((org_id, workflow_id), |tx, (org_id, workflow_id)| {
            Box::pin(delete(tx, *org_id, workflow_id))
        });
        delete.await
    }
}

/// With its workflow too.
pub(crate) async fn delete(tx: &mut Tx<'_>, org_id: OrgId, workflow_id: &WorkflowId) -> Result<bool> {
    Ok(tx.execute(&DELETE, &[org_id.into(), workflow_id.into()]).await? == 1)
}

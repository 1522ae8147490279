//! A hub's history: what it was at each version, so that a job's `hubVersion` can be looked up.

use super::Hubs;
use crate::{
    db::{FromRow, Row, Tx},
    error::Result,
    sql::statements,
};
use domain::{
    hub::{Hub, HubVersion},
    id::{HubId, OrgId},
    limits,
};

statements! {
    RECORD = "insert into hub_versions (org_id, hub_id, version, definition, enabled, created_at)
        select org_id, id, version, definition, enabled, updated_at from hubs where org_id = $1 and id = $2";
    TRIM = "delete from hub_versions where org_id = $1 and hub_id = $2
        and version <= (select version from hubs where org_id = $1 and id = $2) - $3";
    GET = "select definition, enabled, version from hub_versions
        where org_id = $1 and hub_id = $2 and version = $3";
    LIST = "select definition, enabled, version, created_at from hub_versions
        where org_id = $1 and hub_id = $2 order by version";
    FORGET = "delete from hub_versions where org_id = $1 and hub_id = $2";
}

impl FromRow for HubVersion {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let hub = Hub::from_row(row)?;
        Ok(Self {
            version: hub.version,
            name: hub.name,
            enabled: hub.enabled,
            field_count: u32::try_from(hub.fields.len()).unwrap_or(u32::MAX),
            created_at: row.take()?,
        })
    }
}

/// Notes a hub as it stands now; to be called after each change, in its transaction.
pub(super) async fn record(tx: &mut Tx<'_>, org_id: OrgId, id: &str) -> Result<()> {
    tx.execute(&RECORD, &[org_id.into(), id.into()]).await?;
    tx.execute(&TRIM, &[org_id.into(), id.into(), limits::HUB_VERSIONS_KEPT.into()]).await.map(drop)
}

pub(super) async fn forget(tx: &mut Tx<'_>, org_id: OrgId, id: &str) -> Result<()> {
    tx.execute(&FORGET, &[org_id.into(), id.into()]).await.map(drop)
}

impl Hubs<'_> {
    /// The kept versions of a hub, the oldest first; empty where there is no such hub.
    pub async fn versions(&self, org_id: OrgId, id: HubId) -> Result<Vec<HubVersion>> {
        let list = self.0.db.read((org_id, id.to_string()), |tx, (org_id, id)| {
            Box::pin(async move { tx.rows(&LIST, &[(*org_id).into(), id.into()]).await })
        });
        list.await
    }

    /// A hub as it was at a version.
    pub async fn version(&self, org_id: OrgId, id: HubId, version: u32) -> Result<Option<Hub>> {
        let get = self.0.db.read((org_id, id.to_string(), version), |tx, (org_id, id, version)| {
            Box::pin(
                async move { tx.optional(&GET, &[(*org_id).into(), id.into(), (*version).into()]).await },
            )
        });
        get.await
    }
}

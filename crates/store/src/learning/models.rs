//! The models of a hub: its versions, the one in use, and the way back to an earlier one.

use super::Learning;
use crate::{
    db::{FromRow, Row, Tx},
    error::Result,
    rows::Json,
    sql::statements,
};
use domain::{
    id::{HubId, OrgId},
    learning::{Decision, Evaluation, ModelVersion},
};

/// Entries of a hub's history of models.
const VERSIONS_KEPT: u32 = 200;

macro_rules! columns {
    () => {
        "version, case when version = active_version then 1 else 0 end, hub_version, rolled_back, evaluation, created_at"
    };
}

statements! {
    LIST = concat!("select ", columns!(), " from models join learning using (org_id, hub_id)
        where org_id = $1 and hub_id = $2 order by version");
    GET = concat!("select ", columns!(), " from models join learning using (org_id, hub_id)
        where org_id = $1 and hub_id = $2 and version = $3");
    ACTIVE = "select active_version, evaluation from learning join models using (org_id, hub_id)
        where org_id = $1 and hub_id = $2 and version = active_version and content is not null";
    CONTENT = "select content from models where org_id = $1 and hub_id = $2 and version = $3 and content is not null";
    PROFILES = "select hub_id, profile from learning join models using (org_id, hub_id)
        where org_id = $1 and version = active_version and profile is not null";
    DECISIONS = "select decisions from models where org_id = $1 and hub_id = $2 and version = $3";
    KNOWN = "select version from models where org_id = $1 and hub_id = $2 and version = $3 and content is not null";
    // A training that began before must not undo this.
    ACTIVATE = "update learning set active_version = $3, fence = fence + 1, lease_until = 0, lease_node = null,
            trained = wanted
        where org_id = $1 and hub_id = $2";
    USED_AGAIN = "update models set rolled_back = null where org_id = $1 and hub_id = $2 and version = $3";
    TRIM = "delete from models where org_id = $1 and hub_id = $2 and version <= $3 and version not in
        (select active_version from learning where org_id = $1 and hub_id = $2)";
}

/// The model in use.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveModel {
    pub version: u32,
    pub evaluation: Evaluation,
}

/// What became of the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolledBack {
    Done,
    /// There is no such version, or its content is not kept any more.
    NotKept,
}

impl FromRow for ModelVersion {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            version: row.take()?,
            active: row.take()?,
            hub_version: row.take()?,
            rolled_back: row.take()?,
            evaluation: row.take::<Json<Evaluation>>()?.0,
            created_at: row.take()?,
        })
    }
}

impl FromRow for ActiveModel {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { version: row.take()?, evaluation: row.take::<Json<Evaluation>>()?.0 })
    }
}

pub(super) async fn trim(tx: &mut Tx<'_>, org_id: OrgId, hub_id: &str, version: u32) -> Result<()> {
    let oldest = version.saturating_sub(VERSIONS_KEPT);
    tx.execute(&TRIM, &[org_id.into(), hub_id.into(), oldest.into()]).await.map(drop)
}

impl Learning<'_> {
    /// The kept versions, the oldest first.
    pub async fn models(&self, org_id: OrgId, hub_id: HubId) -> Result<Vec<ModelVersion>> {
        let list = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.rows(&LIST, &[(*org_id).into(), hub_id.into()]).await })
        });
        list.await
    }

    pub async fn model(&self, org_id: OrgId, hub_id: HubId, version: u32) -> Result<Option<ModelVersion>> {
        let get = self.0.db.read((org_id, hub_id.to_string(), version), |tx, (org_id, hub_id, version)| {
            Box::pin(
                async move { tx.optional(&GET, &[(*org_id).into(), hub_id.into(), (*version).into()]).await },
            )
        });
        get.await
    }

    /// The model that documents of a hub are read with; none while the prior alone speaks.
    pub async fn active(&self, org_id: OrgId, hub_id: HubId) -> Result<Option<ActiveModel>> {
        let get = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.optional(&ACTIVE, &[(*org_id).into(), hub_id.into()]).await })
        });
        get.await
    }

    /// A model itself, where it is still kept.
    pub async fn content(&self, org_id: OrgId, hub_id: HubId, version: u32) -> Result<Option<Vec<u8>>> {
        let get = self.0.db.read((org_id, hub_id.to_string(), version), |tx, (org_id, hub_id, version)| {
            Box::pin(async move {
                let params = [(*org_id).into(), hub_id.into(), (*version).into()];
                tx.optional::<(Vec<u8>,)>(&CONTENT, &params).await
            })
        });
        Ok(get.await?.map(|(content,)| content))
    }

    /// What the documents of each taught hub say, as JSON.
    pub async fn profiles(&self, org_id: OrgId) -> Result<Vec<(HubId, String)>> {
        let list = self.0.db.read(org_id, |tx, org_id| {
            Box::pin(async move { tx.rows(&PROFILES, &[(*org_id).into()]).await })
        });
        list.await
    }

    /// What a model decided about documents that it was not shown.
    pub async fn decisions(&self, org_id: OrgId, hub_id: HubId, version: u32) -> Result<Vec<Decision>> {
        let get = self.0.db.read((org_id, hub_id.to_string(), version), |tx, (org_id, hub_id, version)| {
            Box::pin(async move {
                let params = [(*org_id).into(), hub_id.into(), (*version).into()];
                tx.optional::<(Json<Vec<Decision>>,)>(&DECISIONS, &params).await
            })
        });
        Ok(get.await?.map(|(Json(decisions),)| decisions).unwrap_or_default())
    }

    /// Uses an earlier model from now on, until the hub learns something new; version 0 is the prior alone.
    pub async fn roll_back(&self, org_id: OrgId, hub_id: HubId, version: u32) -> Result<RolledBack> {
        let input = (org_id, hub_id.to_string(), version);
        let activate = self.0.db.write(input, |tx, (org_id, hub_id, version)| {
            Box::pin(async move {
                let params = [(*org_id).into(), hub_id.into(), (*version).into()];
                if *version > 0 && tx.optional::<(u32,)>(&KNOWN, &params).await?.is_none() {
                    return Ok(RolledBack::NotKept);
                }
                tx.execute(&USED_AGAIN, &params).await?;
                tx.execute(&ACTIVATE, &params).await?;
                Ok(RolledBack::Done)
            })
        });
        activate.await
    }
}

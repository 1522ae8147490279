//! Hubs: one JSON definition each, with the columns that queries need beside it, and the history of both. A hub that has learned something
//! learns it anew when its fields change.

mod versions;

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    idempotency::{self, Idempotency, Once},
    learning,
    rows::{Json, to_json},
    sql::{Sql, statements},
};
use domain::{
    hub::{Hub, HubRecord},
    id::{HubId, OrgId},
    time::Timestamp,
};

statements! {
    INSERT = "insert into hubs (org_id, id, definition, enabled, version, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)";
    GET = "select definition, enabled, version, created_at, updated_at from hubs where org_id = $1 and id = $2";
    LIST = "select definition, enabled, version, created_at, updated_at from hubs where org_id = $1
        order by created_at, id";
    COUNT = "select count(*) from hubs where org_id = $1";
    UPDATE = "update hubs set definition = $3, enabled = $4, version = version + 1, updated_at = $5
        where org_id = $1 and id = $2 and version = $6";
    ENABLE = "update hubs set enabled = $3, version = version + 1, updated_at = $4
        where org_id = $1 and id = $2 and enabled <> $3";
    LOCK = "select version from hubs where org_id = $1 and id = $2",
        postgres "select version from hubs where org_id = $1 and id = $2 for update";
    DEFAULT_OF = "select id from orgs where id = $1 and default_hub_id = $2";
    IN_USE = "select id from jobs where org_id = $1 and hub_id = $2 and completed_at is null limit 1";
    DELETE = "delete from hubs where org_id = $1 and id = $2";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static Sql]> {
    vec![STATEMENTS, versions::STATEMENTS]
}

/// The columns, not the definition, say whether a hub is enabled and which version it is.
impl FromRow for Hub {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let Json(definition) = row.take::<Json<Hub>>()?;
        Ok(Self { enabled: row.take()?, version: row.take()?, ..definition })
    }
}

impl FromRow for HubRecord {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { hub: Hub::from_row(row)?, created_at: row.take()?, updated_at: row.take()? })
    }
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HubDeleted {
    Done,
    NotFound,
    /// It is the organization's default hub.
    Default,
    /// A job that has not ended names it.
    InUse,
}

pub(crate) async fn insert(tx: &mut Tx<'_>, org_id: OrgId, hub: &Hub, now: Timestamp) -> Result<()> {
    let (id, definition) = (hub.id.to_string(), to_json(hub)?);
    let params = [
        org_id.into(),
        (&id).into(),
        (&definition).into(),
        hub.enabled.into(),
        hub.version.into(),
        now.into(),
    ];
    tx.execute(&INSERT, &params).await?;
    versions::record(tx, org_id, &id).await
}

pub struct Hubs<'s>(&'s Store);

impl Store {
    pub fn hubs(&self) -> Hubs<'_> {
        Hubs(self)
    }
}

impl Hubs<'_> {
    pub async fn insert(
        &self,
        org_id: OrgId,
        hub: Hub,
        request: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Once<()>> {
        let insert = self.0.db.write((org_id, hub, request, now), |tx, (org_id, hub, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                insert(tx, *org_id, hub, *now).await.map(Once::First)
            })
        });
        insert.await
    }

    pub async fn get(&self, org_id: OrgId, id: HubId) -> Result<Option<Hub>> {
        Ok(self.record(org_id, id).await?.map(|record| record.hub))
    }

    /// The same with its times.
    pub async fn record(&self, org_id: OrgId, id: HubId) -> Result<Option<HubRecord>> {
        let get = self.0.db.read((org_id, id.to_string()), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), id.into()]).await })
        });
        get.await
    }

    /// All hubs of an organization, disabled ones too, the oldest first.
    pub async fn list(&self, org_id: OrgId) -> Result<Vec<Hub>> {
        Ok(self.records(org_id).await?.into_iter().map(|record| record.hub).collect())
    }

    /// The same with their times.
    pub async fn records(&self, org_id: OrgId) -> Result<Vec<HubRecord>> {
        let list = self
            .0
            .db
            .read(org_id, |tx, org_id| Box::pin(async move { tx.rows(&LIST, &[(*org_id).into()]).await }));
        list.await
    }

    /// How many hubs an organization has.
    pub async fn count(&self, org_id: OrgId) -> Result<u64> {
        let count = self.0.db.read(org_id, |tx, org_id| {
            Box::pin(async move { tx.one::<(u64,)>(&COUNT, &[(*org_id).into()]).await })
        });
        Ok(count.await?.0)
    }

    /// Replaces a hub that still has `hub.version`, and counts that version up; false where there is no such hub or
    /// somebody else was quicker.
    pub async fn update(&self, org_id: OrgId, hub: Hub, now: Timestamp) -> Result<bool> {
        let update = self.0.db.write((org_id, hub, now), |tx, (org_id, hub, now)| {
            Box::pin(async move {
                let (id, definition) = (hub.id.to_string(), to_json(hub)?);
                let row = [(*org_id).into(), (&id).into(), (&definition).into()];
                let params = [&row[..], &[hub.enabled.into(), (*now).into(), hub.version.into()]].concat();
                let updated = tx.execute(&UPDATE, &params).await? == 1;
                if updated {
                    learning::want(tx, *org_id, &id).await?;
                    versions::record(tx, *org_id, &id).await?;
                }
                Ok(updated)
            })
        });
        update.await
    }

    /// Switches a hub on or off; false where nothing changed.
    pub async fn set_enabled(&self, org_id: OrgId, id: HubId, enabled: bool, now: Timestamp) -> Result<bool> {
        let input = (org_id, id.to_string(), enabled, now);
        let update = self.0.db.write(input, |tx, (org_id, id, enabled, now)| {
            Box::pin(async move {
                let params = [(*org_id).into(), id.into(), (*enabled).into(), (*now).into()];
                let changed = tx.execute(&ENABLE, &params).await? == 1;
                if changed {
                    versions::record(tx, *org_id, id).await?;
                }
                Ok(changed)
            })
        });
        update.await
    }

    /// Deletes a hub with its history and all that it has learned. Jobs that it read stay, with its name.
    pub async fn delete(&self, org_id: OrgId, id: HubId) -> Result<HubDeleted> {
        let delete = self.0.db.write((org_id, id.to_string()), |tx, (org_id, id)| {
            Box::pin(async move {
                let key = [(*org_id).into(), id.into()];
                if tx.optional::<(u32,)>(&LOCK, &key).await?.is_none() {
                    return Ok(HubDeleted::NotFound);
                }
                if tx.optional::<(OrgId,)>(&DEFAULT_OF, &key).await?.is_some() {
                    return Ok(HubDeleted::Default);
                }
                if tx.optional::<(domain::id::JobId,)>(&IN_USE, &key).await?.is_some() {
                    return Ok(HubDeleted::InUse);
                }
                versions::forget(tx, *org_id, id).await?;
                learning::forget_hub(tx, *org_id, id).await?;
                tx.execute(&DELETE, &key).await?;
                Ok(HubDeleted::Done)
            })
        });
        delete.await
    }
}

//! Hubs: one JSON definition each, with the columns that queries need beside it.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    rows::{Json, to_json},
    sql::statements,
};
use domain::{
    hub::Hub,
    id::{HubId, OrgId},
    time::Timestamp,
};

statements! {
    INSERT = "insert into hubs (org_id, id, definition, enabled, version, created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $6)";
    GET = "select definition, enabled, version from hubs where org_id = $1 and id = $2";
    LIST = "select definition, enabled, version from hubs where org_id = $1 order by created_at, id";
    UPDATE = "update hubs set definition = $3, enabled = $4, version = version + 1, updated_at = $5
        where org_id = $1 and id = $2 and version = $6";
    ENABLE = "update hubs set enabled = $3, version = version + 1, updated_at = $4
        where org_id = $1 and id = $2 and enabled <> $3";
}

/// The columns, not the definition, say whether a hub is enabled and which version it is.
impl FromRow for Hub {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let Json(definition) = row.take::<Json<Hub>>()?;
        Ok(Self { enabled: row.take()?, version: row.take()?, ..definition })
    }
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
    tx.execute(&INSERT, &params).await.map(drop)
}

pub struct Hubs<'s>(&'s Store);

impl Store {
    pub fn hubs(&self) -> Hubs<'_> {
        Hubs(self)
    }
}

impl Hubs<'_> {
    pub async fn insert(&self, org_id: OrgId, hub: Hub, now: Timestamp) -> Result<()> {
        let input = (org_id, hub, now);
        self.0.db.write(input, |tx, (org_id, hub, now)| Box::pin(insert(tx, *org_id, hub, *now))).await
    }

    pub async fn get(&self, org_id: OrgId, id: HubId) -> Result<Option<Hub>> {
        let get = self.0.db.read((org_id, id.to_string()), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), id.into()]).await })
        });
        get.await
    }

    /// All hubs of an organization, disabled ones too, the oldest first.
    pub async fn list(&self, org_id: OrgId) -> Result<Vec<Hub>> {
        let list = self
            .0
            .db
            .read(org_id, |tx, org_id| Box::pin(async move { tx.rows(&LIST, &[(*org_id).into()]).await }));
        list.await
    }

    /// Replaces a hub that still has `hub.version`, and counts that version up; false where there is no such hub or
    /// somebody else was quicker.
    pub async fn update(&self, org_id: OrgId, hub: Hub, now: Timestamp) -> Result<bool> {
        let update = self.0.db.write((org_id, hub, now), |tx, (org_id, hub, now)| {
            Box::pin(async move {
                let (id, definition) = (hub.id.to_string(), to_json(hub)?);
                let row = [(*org_id).into(), (&id).into(), (&definition).into()];
                let params = [&row[..], &[hub.enabled.into(), (*now).into(), hub.version.into()]].concat();
                tx.execute(&UPDATE, &params).await
            })
        });
        Ok(update.await? == 1)
    }

    /// Switches a hub on or off; false where nothing changed.
    pub async fn set_enabled(&self, org_id: OrgId, id: HubId, enabled: bool, now: Timestamp) -> Result<bool> {
        let input = (org_id, id.to_string(), enabled, now);
        let update = self.0.db.write(input, |tx, (org_id, id, enabled, now)| {
            Box::pin(async move {
                tx.execute(&ENABLE, &[(*org_id).into(), id.into(), (*enabled).into(), (*now).into()]).await
            })
        });
        Ok(update.await? == 1)
    }
}

//! Organizations, and the very first start.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    hubs, keys,
    sql::statements,
};
use domain::{
    hub::Hub,
    id::{HubId, OrgId},
    key::KeyRecord,
    org::Org,
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, name, smart_classification, default_hub_id"
    };
}

statements! {
    // Two servers that start at once on an empty database must not both fill it.
    ALONE = "select 1", postgres "select pg_advisory_xact_lock(7237456122302)";
    ANY = "select id from orgs limit 1";
    GET = concat!("select ", columns!(), " from orgs where id = $1");
    LIST = concat!("select ", columns!(), " from orgs order by created_at, id");
    INSERT = "insert into orgs (id, name, smart_classification, default_hub_id, created_at) values ($1, $2, $3, $4, $5)";
    UPDATE = "update orgs set name = $2, smart_classification = $3, default_hub_id = $4 where id = $1";
}

impl FromRow for Org {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            smart_classification: row.take()?,
            default_hub_id: row.take()?,
        })
    }
}

/// What an empty database is filled with.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    pub org: Org,
    pub key: KeyRecord,
    pub key_hash: [u8; 32],
    pub hubs: Vec<Hub>,
}

pub struct Orgs<'s>(&'s Store);

impl Store {
    pub fn orgs(&self) -> Orgs<'_> {
        Orgs(self)
    }
}

impl Orgs<'_> {
    /// Whether there is no organization yet.
    pub async fn is_empty(&self) -> Result<bool> {
        let ids = self.0.db.read((), |tx, ()| Box::pin(tx.optional::<(OrgId,)>(&ANY, &[])));
        Ok(ids.await?.is_none())
    }

    /// Fills an empty database, all or nothing; false where it was not empty.
    pub async fn bootstrap(&self, bootstrap: Bootstrap, now: Timestamp) -> Result<bool> {
        self.0.db.write((bootstrap, now), |tx, (bootstrap, now)| Box::pin(fill(tx, bootstrap, *now))).await
    }

    /// Adds an organization without hubs or keys.
    pub async fn insert(&self, org: Org, now: Timestamp) -> Result<()> {
        self.0.db.write((org, now), |tx, (org, now)| Box::pin(insert(tx, org, *now))).await
    }

    pub async fn get(&self, id: OrgId) -> Result<Option<Org>> {
        self.0.db.read(id, |tx, id| Box::pin(async move { tx.optional(&GET, &[(*id).into()]).await })).await
    }

    /// All organizations, the oldest first.
    pub async fn list(&self) -> Result<Vec<Org>> {
        self.0.db.read((), |tx, ()| Box::pin(tx.rows(&LIST, &[]))).await
    }

    /// Changes name and settings; false where there is no such organization.
    pub async fn update(&self, org: Org) -> Result<bool> {
        let update = self.0.db.write(org, |tx, org| {
            Box::pin(async move {
                let hub = org.default_hub_id.map(|id| id.to_string());
                let params = [
                    org.id.into(),
                    (&org.name).into(),
                    org.smart_classification.into(),
                    hub.as_deref().into(),
                ];
                tx.execute(&UPDATE, &params).await
            })
        });
        Ok(update.await? == 1)
    }
}

async fn insert(tx: &mut Tx<'_>, org: &Org, now: Timestamp) -> Result<()> {
    let hub = org.default_hub_id.map(|id: HubId| id.to_string());
    let settings = [org.smart_classification.into(), hub.as_deref().into(), now.into()];
    let params = [&[org.id.into(), (&org.name).into()], &settings[..]].concat();
    tx.execute(&INSERT, &params).await.map(drop)
}

async fn fill(tx: &mut Tx<'_>, bootstrap: &Bootstrap, now: Timestamp) -> Result<bool> {
    tx.rows::<()>(&ALONE, &[]).await?;
    if tx.optional::<(OrgId,)>(&ANY, &[]).await?.is_some() {
        return Ok(false);
    }
    let org = &bootstrap.org;
    insert(tx, org, now).await?;
    keys::insert(tx, &bootstrap.key, &bootstrap.key_hash).await?;
    for hub in &bootstrap.hubs {
        hubs::insert(tx, org.id, hub, now).await?;
    }
    Ok(true)
}

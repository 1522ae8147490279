//! API keys: their hashes, scopes and owners.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    id::{KeyId, OrgId},
    key::{KeyRecord, Scope},
    org::Org,
    time::Timestamp,
};

statements! {
    INSERT = "insert into keys (id, org_id, name, hash, scopes, created_at, revoked_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "select k.id, k.org_id, k.name, k.scopes, k.created_at, k.revoked_at,
            o.id, o.name, o.smart_classification, o.default_hub_id
        from keys k join orgs o on o.id = k.org_id where k.hash = $1 and k.revoked_at is null";
    LIST = "select id, org_id, name, scopes, created_at, revoked_at from keys
        where org_id = $1 order by created_at, id";
    REVOKE = "update keys set revoked_at = coalesce(revoked_at, $3) where org_id = $1 and id = $2";
}

impl FromRow for KeyRecord {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            org_id: row.take()?,
            name: row.take()?,
            scopes: scopes(&row.take::<String>()?)?,
            created_at: row.take()?,
            revoked_at: row.take()?,
        })
    }
}

/// A valid key and the organization it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    pub key: KeyRecord,
    pub org: Org,
}

impl FromRow for Authenticated {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { key: KeyRecord::from_row(row)?, org: Org::from_row(row)? })
    }
}

fn scopes(text: &str) -> Result<Vec<Scope>> {
    let parse = |word| Scope::parse(word).ok_or_else(|| Error::corrupt(format!("{word} is not a scope")));
    text.split_whitespace().map(parse).collect()
}

pub(crate) async fn insert(tx: &mut Tx<'_>, key: &KeyRecord, hash: &[u8; 32]) -> Result<()> {
    let scopes = key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
    let params = [
        key.id.into(),
        key.org_id.into(),
        (&key.name).into(),
        hash.into(),
        (&scopes).into(),
        key.created_at.into(),
        key.revoked_at.into(),
    ];
    tx.execute(&INSERT, &params).await.map(drop)
}

pub struct Keys<'s>(&'s Store);

impl Store {
    pub fn keys(&self) -> Keys<'_> {
        Keys(self)
    }
}

impl Keys<'_> {
    pub async fn insert(&self, key: KeyRecord, hash: [u8; 32]) -> Result<()> {
        self.0.db.write((key, hash), |tx, (key, hash)| Box::pin(insert(tx, key, hash))).await
    }

    /// The key with this hash and its organization, unless it is revoked.
    pub async fn find_by_hash(&self, hash: [u8; 32]) -> Result<Option<Authenticated>> {
        let find = self
            .0
            .db
            .read(hash, |tx, hash| Box::pin(async move { tx.optional(&FIND, &[hash.into()]).await }));
        find.await
    }

    /// All keys of an organization, revoked ones too, the oldest first.
    pub async fn list(&self, org_id: OrgId) -> Result<Vec<KeyRecord>> {
        let list = self
            .0
            .db
            .read(org_id, |tx, org_id| Box::pin(async move { tx.rows(&LIST, &[(*org_id).into()]).await }));
        list.await
    }

    /// Ends a key's validity at once; false where there is no such key. Revoking again changes nothing.
    pub async fn revoke(&self, org_id: OrgId, id: KeyId, now: Timestamp) -> Result<bool> {
        let revoke = self.0.db.write((org_id, id, now), |tx, (org_id, id, now)| {
            Box::pin(
                async move { tx.execute(&REVOKE, &[(*org_id).into(), (*id).into(), (*now).into()]).await },
            )
        });
        Ok(revoke.await? == 1)
    }
}

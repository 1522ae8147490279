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
    time::Timestamp,
};
use std::{
    collections::HashMap,
    sync::{MutexGuard, PoisonError},
};

statements! {
    INSERT = "insert into keys (id, org_id, name, hash, scopes, created_at, revoked_at)
        values ($1, $2, $3, $4, $5, $6, $7)";
    FIND = "select id, org_id, name, scopes, created_at, revoked_at from keys where hash = $1 and revoked_at is null",
        postgres "select a.number, id, org_id, name, scopes, created_at, revoked_at
        from unnest($1::bytea[]) with ordinality as a (hash, number)
        join keys on keys.hash = a.hash and revoked_at is null";
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

/// Keys that are kept; beyond that all are forgotten and read anew.
const KEPT_MAX: usize = 10_000;

/// Keys that were read under one edition of the database; none where other processes write to it too.
#[derive(Default)]
pub(crate) struct KeptKeys {
    edition: u64,
    by_hash: HashMap<[u8; 32], KeyRecord>,
}

async fn find_all(tx: &mut Tx<'_>, hashes: &[[u8; 32]]) -> Result<Vec<Option<KeyRecord>>> {
    let hashes: Vec<_> = hashes.iter().map(|hash| vec![hash.into()]).collect();
    tx.optional_bulk(&FIND, &hashes).await
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

    /// The key with this hash as it is at some moment after this call; `None` where there is none or it is revoked.
    pub async fn find_by_hash(&self, hash: [u8; 32]) -> Result<Option<KeyRecord>> {
        let edition = self.0.db.edition();
        if let Some(edition) = edition
            && let Some(found) = self.kept(edition).by_hash.get(&hash)
        {
            return Ok(Some(found.clone()));
        }
        let db = self.0.db.clone();
        let find = move |hashes: Vec<[u8; 32]>| {
            let db = db.clone();
            async move { db.read(hashes, |tx, hashes| Box::pin(find_all(tx, hashes))).await }
        };
        let found = self.0.asked_keys.ask(hash, find).await?;
        if let (Some(edition), Some(found)) = (edition, &found) {
            let mut kept = self.kept(edition);
            // Not where something was changed while it was read.
            if kept.edition == edition {
                kept.by_hash.insert(hash, found.clone());
            }
        }
        Ok(found)
    }

    /// What was kept, without what is of an earlier edition.
    fn kept(&self, edition: u64) -> MutexGuard<'_, KeptKeys> {
        let mut kept = self.0.kept_keys.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.edition < edition || kept.by_hash.len() >= KEPT_MAX {
            *kept = KeptKeys { edition, by_hash: HashMap::new() };
        }
        kept
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
        let input = (org_id, id, self.0.db.clone(), now);
        let revoke = self.0.db.write(input, |tx, (org_id, id, db, now)| {
            Box::pin(async move {
                db.mark_edition();
                tx.execute(&REVOKE, &[(*org_id).into(), (*id).into(), (*now).into()]).await
            })
        });
        Ok(revoke.await? == 1)
    }
}

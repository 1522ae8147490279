//! The key pairs that sign deliveries, private halves sealed; `domain::signing_key` says what each is for.
//!
//! Whoever looks after them ([`SigningKeys::tend`]) may do so on every node at once: at most one pair signs and at most
//! one is next, by an index each, and a step that another node has taken already changes nothing.

use crate::{
    Store,
    db::{FromRow, Param, Row, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    signing_key::{PublicKey, SIGNS_ON, SigningKey, Stage},
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};
use zeroize::Zeroizing;

/// The table's name inside the associated data of sealed seeds.
const SEALED_IN: &str = "signing_keys";

statements! {
    ALL = "select public_key, seed, created_at, active_from, replaced_at from signing_keys order by created_at desc";
    INSERT = "insert into signing_keys (public_key, seed, created_at, active_from) values ($1, $2, $3, $4)
        on conflict do nothing";
    REPLACE = "update signing_keys set replaced_at = $2 where public_key = $1 and replaced_at is null";
    ACTIVATE = "update signing_keys set active_from = $2 where public_key = $1 and active_from is null";
    DELETE = "delete from signing_keys where public_key = $1";
}

/// A pair as it is kept.
struct Kept {
    public: PublicKey,
    seed: Vec<u8>,
    stage: Stage,
}

impl FromRow for Kept {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            public: PublicKey(row.take()?),
            seed: row.take()?,
            stage: Stage { created_at: row.take()?, active_from: row.take()?, replaced_at: row.take()? },
        })
    }
}

impl<'a> From<&'a PublicKey> for Param<'a> {
    fn from(key: &'a PublicKey) -> Self {
        Param::Bytes(&key.0)
    }
}

/// What [`SigningKeys::tend`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tended {
    /// Another pair signs now.
    pub rotated: bool,
    pub removed: u64,
}

pub struct SigningKeys<'s>(&'s Store);

impl Store {
    pub fn signing_keys(&self) -> SigningKeys<'_> {
        SigningKeys(self)
    }
}

impl SigningKeys<'_> {
    /// The public keys that receivers should know, the newest first, each with its stage.
    pub async fn published(&self) -> Result<Vec<(PublicKey, Stage)>> {
        let all = self.0.db.read((), |tx, ()| Box::pin(tx.rows::<Kept>(&ALL, &[])));
        Ok(all.await?.into_iter().map(|kept| (kept.public, kept.stage)).collect())
    }

    /// Makes the pairs that are missing, lets the next one sign where the present one has signed for `period`, and
    /// forgets those that nobody needs to know any more. Without a `period` the present one stays.
    pub async fn tend(&self, period: Option<Duration>, now: Timestamp) -> Result<Tended> {
        let input = (self.0.clone(), period, now);
        let tend =
            self.0.db.write(input, |tx, (store, period, now)| Box::pin(tend(tx, store, *period, *now)));
        tend.await
    }
}

/// The pairs whose signatures deliveries carry now, the newest first, and until when they do.
#[derive(Clone, Default)]
pub(crate) struct Signing {
    pub keys: Arc<[SigningKey]>,
    pub until: Option<Timestamp>,
}

pub(crate) async fn signing(tx: &mut Tx<'_>, store: &Store, now: Timestamp) -> Result<Signing> {
    let mut all: Vec<Kept> = tx.rows(&ALL, &[]).await?;
    all.retain(|kept| kept.stage.signs(now));
    let until = all.iter().filter_map(|kept| kept.stage.replaced_at).map(|at| at.plus(SIGNS_ON)).min();
    let keys: Result<Vec<SigningKey>> = all.iter().map(|kept| open(store, kept)).collect();
    Ok(Signing { keys: keys?.into(), until })
}

async fn tend(tx: &mut Tx<'_>, store: &Store, period: Option<Duration>, now: Timestamp) -> Result<Tended> {
    let all: Vec<Kept> = tx.rows(&ALL, &[]).await?;
    let mut tended = Tended::default();
    store.db.mark_edition();
    for over in all.iter().filter(|kept| kept.stage.is_over(now)) {
        tended.removed += tx.execute(&DELETE, &[(&over.public).into()]).await?;
    }
    let active = all.iter().find(|kept| kept.stage.is_active());
    let next = all.iter().find(|kept| kept.stage.is_next());
    match (active, next) {
        (None, _) => make(tx, store, Some(now), now).await?,
        (Some(active), Some(next))
            if period.is_some_and(|period| active.stage.gives_way(&next.stage, period, now)) =>
        {
            tended.rotated = rotate(tx, store, active.public, next.public, now).await?;
        }
        _ => {}
    }
    if next.is_none() {
        make(tx, store, None, now).await?;
    }
    Ok(tended)
}

/// Whoever replaces the active pair is the one who activates the next; false where another node has done so.
async fn rotate(
    tx: &mut Tx<'_>,
    store: &Store,
    active: PublicKey,
    next: PublicKey,
    now: Timestamp,
) -> Result<bool> {
    if tx.execute(&REPLACE, &[(&active).into(), now.into()]).await? == 0 {
        return Ok(false);
    }
    tx.execute(&ACTIVATE, &[(&next).into(), now.into()]).await?;
    make(tx, store, None, now).await?;
    Ok(true)
}

async fn make(tx: &mut Tx<'_>, store: &Store, active_from: Option<Timestamp>, now: Timestamp) -> Result<()> {
    let seed = Zeroizing::new(store.ctx.random::<32>());
    let public = derive(&*seed)?.public();
    let sealed = store.sealer.seal(SEALED_IN, &public.0, &*seed)?;
    tx.execute(&INSERT, &[(&public).into(), (&sealed).into(), now.into(), active_from.into()]).await.map(drop)
}

fn open(store: &Store, kept: &Kept) -> Result<SigningKey> {
    let seed = store.sealer.open(SEALED_IN, &kept.public.0, &kept.seed)?;
    let key = derive(&seed)?;
    if key.public() == kept.public { Ok(key) } else { Err(Error::corrupt("a signing key")) }
}

fn derive(seed: &[u8]) -> Result<SigningKey> {
    SigningKey::from_seed(seed).ok_or_else(|| Error::corrupt("a signing key"))
}

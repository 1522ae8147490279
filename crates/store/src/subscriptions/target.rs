//! What a delivery needs of its subscription at the moment of an attempt.
//!
//! To be read right before each attempt (for many subscriptions at once): what is sent after a change was answered must
//! follow that change, the secret above all. It may be kept only as long as [`Subscriptions::target_edition`] stays what
//! it was before the reading, and not past [`Target::valid_until`].

use super::{SEALED_IN, Subscriptions};
use crate::{
    Store,
    db::{FromRow, Row},
    error::{Error, Result},
    rows::Json,
    signing_keys::{self, Signing},
    sql::statements,
};
use domain::{
    id::{OrgId, SubscriptionId, UlidId},
    signing_key::SigningKey,
    subscription::SubscriptionStatus,
    time::Timestamp,
};
use std::{collections::BTreeMap, sync::Arc};
use zeroize::Zeroizing;

statements! {
    TARGET = "select id, org_id, status, endpoint_url, headers, secret, previous_secret, previous_secret_until, per_second,
            asymmetric_signature
        from subscriptions where id = $1",
        postgres "select id, org_id, status, endpoint_url, headers, secret, previous_secret, previous_secret_until,
            per_second, asymmetric_signature
        from subscriptions where id = any($1::uuid[])";
}

/// Where a subscription's deliveries go, and what they are signed with. `Debug` does not show the secrets.
#[derive(Clone)]
pub struct Target {
    pub subscription_id: SubscriptionId,
    pub org_id: OrgId,
    /// Nothing is sent to a paused one.
    pub status: SubscriptionStatus,
    pub endpoint_url: String,
    pub headers: BTreeMap<String, String>,
    /// Attempts that may begin in a second; no limit where it is absent.
    pub per_second: Option<u32>,
    /// The valid ones, the newest first.
    pub secrets: Vec<Zeroizing<String>>,
    /// The server's key pairs that sign too, the newest first; none where the subscription does not ask for them.
    pub signing_keys: Arc<[SigningKey]>,
    /// When one of the secrets or keys ends by itself.
    pub valid_until: Option<Timestamp>,
}

/// Changes with everything that targets are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetEdition(u64);

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}, {:?}, {} secrets)", self.subscription_id, self.status, self.secrets.len())
    }
}

struct Sealed {
    id: SubscriptionId,
    org_id: OrgId,
    status: SubscriptionStatus,
    endpoint_url: String,
    headers: Json<BTreeMap<String, String>>,
    secret: Vec<u8>,
    previous: Option<Vec<u8>>,
    previous_until: Option<Timestamp>,
    per_second: Option<u32>,
    asymmetric_signature: bool,
}

impl FromRow for Sealed {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            org_id: row.take()?,
            status: row.take()?,
            endpoint_url: row.take()?,
            headers: row.take()?,
            secret: row.take()?,
            previous: row.take()?,
            previous_until: row.take()?,
            per_second: row.take()?,
            asymmetric_signature: row.take()?,
        })
    }
}

impl Sealed {
    fn open(self, store: &Store, pairs: &Signing, now: Timestamp) -> Result<Target> {
        let row = self.id.to_bytes();
        let open = |sealed: &[u8]| -> Result<Zeroizing<String>> {
            let mut bytes = store.sealer.open(SEALED_IN, &row, sealed)?;
            String::from_utf8(std::mem::take(&mut *bytes))
                .map(Zeroizing::new)
                .map_err(|_| Error::corrupt("a secret"))
        };
        let mut secrets = vec![open(&self.secret)?];
        let overlaps = self.previous_until.is_some_and(|until| now < until);
        if let Some(previous) = self.previous.filter(|_| overlaps) {
            secrets.push(open(&previous)?);
        }
        let overlap_ends = self.previous_until.filter(|_| overlaps);
        let pairs = if self.asymmetric_signature { pairs.clone() } else { Signing::default() };
        Ok(Target {
            subscription_id: self.id,
            org_id: self.org_id,
            status: self.status,
            endpoint_url: self.endpoint_url,
            headers: self.headers.0,
            per_second: self.per_second,
            secrets,
            signing_keys: pairs.keys,
            valid_until: overlap_ends.into_iter().chain(pairs.until).min(),
        })
    }
}

impl Subscriptions<'_> {
    /// What is kept of targets may be used while this stays the same. `None` where other processes may change them too,
    /// so that nothing may be kept.
    pub fn target_edition(&self) -> Option<TargetEdition> {
        self.0.db.edition().map(TargetEdition)
    }

    /// The targets of these subscriptions as they are now; those that were deleted are missing.
    pub async fn targets(&self, ids: &[SubscriptionId], now: Timestamp) -> Result<Vec<Target>> {
        let input = (ids.to_vec(), self.0.clone(), now);
        let read = self.0.db.read(input, |tx, (ids, store, now)| {
            Box::pin(async move {
                let keys: Vec<_> = ids.iter().map(|id| vec![(*id).into()]).collect();
                let sealed: Vec<Sealed> = tx.rows_bulk(&TARGET, &keys).await?;
                let wanted = sealed.iter().any(|sealed| sealed.asymmetric_signature);
                let pairs =
                    if wanted { signing_keys::signing(tx, store, *now).await? } else { Signing::default() };
                Ok((sealed, pairs))
            })
        });
        let (sealed, pairs) = read.await?;
        sealed.into_iter().map(|sealed| sealed.open(self.0, &pairs, now)).collect()
    }
}

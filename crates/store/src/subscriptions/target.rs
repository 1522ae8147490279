//! What a delivery needs of its subscription at the moment of an attempt.
//!
//! To be read right before each attempt (for many subscriptions at once), not kept: what is sent after a change was
//! answered must follow that change, the secret above all.

use super::{SEALED_IN, Subscriptions};
use crate::{
    Store,
    db::{FromRow, Row},
    error::{Error, Result},
    rows::Json,
    sql::statements,
};
use domain::{
    id::{OrgId, SubscriptionId, UlidId},
    subscription::SubscriptionStatus,
    time::Timestamp,
};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

statements! {
    TARGET = "select id, org_id, status, endpoint_url, headers, secret, previous_secret, previous_secret_until, per_second
        from subscriptions where id = $1";
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
}

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
        })
    }
}

impl Sealed {
    fn open(self, store: &Store, now: Timestamp) -> Result<Target> {
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
        Ok(Target {
            subscription_id: self.id,
            org_id: self.org_id,
            status: self.status,
            endpoint_url: self.endpoint_url,
            headers: self.headers.0,
            per_second: self.per_second,
            secrets,
        })
    }
}

impl Subscriptions<'_> {
    /// The targets of these subscriptions as they are now; those that were deleted are missing.
    pub async fn targets(&self, ids: &[SubscriptionId], now: Timestamp) -> Result<Vec<Target>> {
        let read = self.0.db.read(ids.to_vec(), |tx, ids| {
            Box::pin(async move {
                let keys: Vec<_> = ids.iter().map(|id| vec![(*id).into()]).collect();
                tx.rows_many::<Sealed>(&TARGET, &keys).await
            })
        });
        read.await?.into_iter().flatten().map(|sealed| sealed.open(self.0, now)).collect()
    }
}

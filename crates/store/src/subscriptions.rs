//! Subscriptions: who is told of what, where, and signed with which secret.
//!
//! The secret goes in sealed and comes out only in a [`Target`], for the one who signs.

mod recent;
mod target;
pub use target::{Target, TargetEdition};

use crate::{
    Store,
    db::{FromRow, Param, Row, Tx},
    error::Result,
    idempotency::{self, Idempotency, Once},
    removals,
    rows::{Json, to_json, to_json_optional, window},
    sql::statements,
};
use domain::{
    event::EventType,
    id::{OrgId, SubscriptionId, UlidId},
    page::{Direction, PageRequest, Paged, SortBy},
    subscription::{Filters, Health, Ordering, RateLimit, Subscription, SubscriptionStatus},
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};
use zeroize::Zeroizing;

/// The table's name inside the associated data of sealed secrets.
const SEALED_IN: &str = "subscriptions";

macro_rules! columns {
    () => {
        "id, status, endpoint_url, event_types, filters, description, headers, disabled_reason, consecutive_failures, \
         last_success_at, last_failure_at, failing_since, created_at, updated_at, ordering, per_second, \
         asymmetric_signature"
    };
}

macro_rules! filtered {
    () => {
        " from subscriptions where org_id = $1 and listening_until is null and (status = $2 or $2 is null) \
         and (event_types like '%' || $3 || '%' or $3 is null) "
    };
}

/// Listeners are not among them: they have a face of their own.
macro_rules! one {
    () => {
        " from subscriptions where org_id = $1 and id = $2 and listening_until is null"
    };
}

statements! {
    INSERT = "insert into subscriptions (id, status, endpoint_url, event_types, filters, description, headers, ordering,
            per_second, asymmetric_signature, created_at, updated_at, org_id, secret, next_sequence,
            consecutive_failures, in_order)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, 1, 0, true)";
    GET = concat!("select ", columns!(), one!());
    LOCK = concat!("select ", columns!(), one!()), postgres concat!("select ", columns!(), one!(), " for update");
    COUNT = concat!("select count(*)", filtered!());
    CREATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by created_at desc, id desc limit $4 offset $5");
    CREATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by created_at, id limit $4 offset $5");
    UPDATED_DESCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at desc, id desc limit $4 offset $5");
    UPDATED_ASCENDING = concat!("select ", columns!(), filtered!(), "order by updated_at, id limit $4 offset $5");
    ORG = "select org_id from subscriptions where id = $1";
    OF_ORG = "select count(*) from subscriptions where org_id = $1 and listening_until is null";
    UPDATE = "update subscriptions set status = $2, endpoint_url = $3, event_types = $4, filters = $5,
            description = $6, headers = $7, ordering = $8, per_second = $9, asymmetric_signature = $10,
            disabled_reason = $11, failing_since = $12, updated_at = $13 where id = $1";
    ROTATE = "update subscriptions set previous_secret_until = $3,
            previous_secret = case when cast($3 as bigint) is not null then secret end, secret = $2 where id = $1";
    DELETE = "delete from subscriptions where org_id = $1 and id = $2";
    DELETE_REPLAYS = "delete from replays where subscription_id = $1";
}

/// The statements of this noun, its parts included.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![STATEMENTS, recent::STATEMENTS, target::STATEMENTS]
}

pub(crate) struct Shown(pub Subscription);

impl FromRow for Shown {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, status, endpoint_url) = (row.take()?, row.take()?, row.take()?);
        let Json(event_types) = row.take::<Json<Vec<EventType>>>()?;
        let filters = row.take::<Option<Json<Filters>>>()?.map(|Json(filters)| filters);
        let description = row.take()?;
        let Json(headers) = row.take::<Json<BTreeMap<String, String>>>()?;
        let disabled_reason = row.take()?;
        let health = Health {
            consecutive_failures: row.take()?,
            last_success_at: row.take()?,
            last_failure_at: row.take()?,
            failing_since: row.take()?,
            recent: None,
        };
        let (created_at, updated_at, ordering) = (row.take()?, row.take()?, row.take()?);
        let rate_limit = row.take::<Option<u32>>()?.map(|per_second| RateLimit { per_second });
        let asymmetric_signature = row.take()?;
        Ok(Self(Subscription {
            id,
            status,
            endpoint_url,
            event_types,
            filters,
            description,
            headers,
            ordering,
            rate_limit,
            asymmetric_signature,
            disabled_reason,
            health,
            created_at,
            updated_at,
        }))
    }
}

/// A subscription to be made.
#[derive(Clone)]
pub struct NewSubscription {
    pub org_id: OrgId,
    pub subscription: Subscription,
    pub secret: Zeroizing<String>,
    pub request: Option<Idempotency>,
}

/// What a client changes; what is absent stays.
#[derive(Clone, Default)]
pub struct SubscriptionChange {
    pub status: Option<SubscriptionStatus>,
    pub endpoint_url: Option<String>,
    pub event_types: Option<Vec<EventType>>,
    /// `Some(None)` clears.
    pub filters: Option<Option<Filters>>,
    /// `Some(None)` clears.
    pub description: Option<Option<String>>,
    pub headers: Option<BTreeMap<String, String>>,
    /// `Some(None)` clears.
    pub ordering: Option<Option<Ordering>>,
    /// `Some(None)` clears.
    pub rate_limit: Option<Option<RateLimit>>,
    pub asymmetric_signature: Option<bool>,
    pub rotation: Option<Rotation>,
}

/// A new signing secret, and how long the old one stays valid beside it.
#[derive(Clone)]
pub struct Rotation {
    pub secret: Zeroizing<String>,
    pub overlap: Duration,
}

/// Which subscriptions a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct SubscriptionFilter {
    pub status: Option<SubscriptionStatus>,
    /// Those that are told of this type.
    pub event_type: Option<EventType>,
}

pub struct Subscriptions<'s>(&'s Store);

impl Store {
    pub fn subscriptions(&self) -> Subscriptions<'_> {
        Subscriptions(self)
    }
}

impl Subscriptions<'_> {
    pub async fn insert(&self, new: NewSubscription, now: Timestamp) -> Result<Once<()>> {
        let sealed = self.seal(new.subscription.id, &new.secret)?;
        let NewSubscription { org_id, subscription, request, .. } = new;
        let input = (org_id, subscription, sealed, request, now);
        let insert = self.0.db.write(input, |tx, (org_id, subscription, sealed, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                insert(tx, *org_id, subscription, sealed).await.map(Once::First)
            })
        });
        insert.await
    }

    pub async fn get(&self, org_id: OrgId, id: SubscriptionId) -> Result<Option<Subscription>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional::<Shown>(&GET, &[(*org_id).into(), (*id).into()]).await })
        });
        Ok(get.await?.map(|Shown(subscription)| subscription))
    }

    /// How many an organization has.
    pub async fn count(&self, org_id: OrgId) -> Result<u64> {
        let count = self.0.db.read(org_id, |tx, org_id| {
            Box::pin(async move { tx.one::<(u64,)>(&OF_ORG, &[(*org_id).into()]).await })
        });
        Ok(count.await?.0)
    }

    pub async fn list(
        &self,
        org_id: OrgId,
        filter: SubscriptionFilter,
        page: PageRequest,
    ) -> Result<Paged<Subscription>> {
        let list = self.0.db.read((org_id, filter, page), |tx, (org_id, filter, page)| {
            Box::pin(async move {
                // The column is a JSON array of names, none of which is part of another in quotes.
                let event_type = filter.event_type.map(|event_type| format!("\"{event_type}\""));
                let filters = [(*org_id).into(), filter.status.into(), event_type.as_ref().into()];
                let sql = match (page.sort_by, page.direction) {
                    (SortBy::UpdatedAt, Direction::Descending) => &UPDATED_DESCENDING,
                    (SortBy::UpdatedAt, Direction::Ascending) => &UPDATED_ASCENDING,
                    (_, Direction::Descending) => &CREATED_DESCENDING,
                    (_, Direction::Ascending) => &CREATED_ASCENDING,
                };
                let shown = tx.rows::<Shown>(sql, &[&filters[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&COUNT, &filters).await?;
                Ok(Paged::new(
                    shown.into_iter().map(|Shown(subscription)| subscription).collect(),
                    page,
                    total,
                ))
            })
        });
        list.await
    }

    /// Changes a subscription; the subscription as it is now, `None` where there is none. Resuming forgets why it was
    /// paused and since when it failed. After a resume hint `Topic::Deliveries`.
    pub async fn update(
        &self,
        org_id: OrgId,
        id: SubscriptionId,
        change: SubscriptionChange,
        now: Timestamp,
    ) -> Result<Option<Subscription>> {
        let rotation = match &change.rotation {
            Some(rotation) => {
                let until = (!rotation.overlap.is_zero()).then(|| now.plus(rotation.overlap));
                Some((self.seal(id, &rotation.secret)?, until))
            }
            None => None,
        };
        let input = (org_id, id, change, rotation, self.0.db.clone(), now);
        let update = self.0.db.write(input, |tx, (org_id, id, change, rotation, db, now)| {
            Box::pin(async move {
                db.mark_edition();
                let locked = tx.optional::<Shown>(&LOCK, &[(*org_id).into(), (*id).into()]).await?;
                let Some(Shown(mut subscription)) = locked else { return Ok(None) };
                apply(&mut subscription, change, *now);
                save(tx, &subscription).await?;
                if let Some((sealed, until)) = rotation {
                    tx.execute(&ROTATE, &[(*id).into(), sealed.into(), (*until).into()]).await?;
                }
                Ok(Some(subscription))
            })
        });
        update.await
    }

    /// Deletes a subscription; false where there is none. Its deliveries go with it for everybody who asks, and are
    /// removed by and by: hint `Topic::Deliveries`.
    pub async fn delete(&self, org_id: OrgId, id: SubscriptionId, now: Timestamp) -> Result<bool> {
        let input = (org_id, id, self.0.db.clone(), now);
        let delete = self.0.db.write(input, |tx, (org_id, id, db, now)| {
            Box::pin(async move {
                db.mark_edition();
                // First the subscription itself: its row's lock keeps new deliveries out.
                if tx.execute(&DELETE, &[(*org_id).into(), (*id).into()]).await? == 0 {
                    return Ok(false);
                }
                tx.execute(&DELETE_REPLAYS, &[(*id).into()]).await?;
                removals::begin(tx, *id, *now).await?;
                Ok(true)
            })
        });
        delete.await
    }

    pub(crate) fn seal(&self, id: SubscriptionId, secret: &str) -> Result<Vec<u8>> {
        self.0.sealer.seal(SEALED_IN, &id.to_bytes(), secret.as_bytes())
    }
}

/// A subscription of whichever organization, with that; `None` for a listener.
pub(crate) async fn find(tx: &mut Tx<'_>, id: SubscriptionId) -> Result<Option<(OrgId, Subscription)>> {
    let Some((org_id,)) = tx.optional::<(OrgId,)>(&ORG, &[id.into()]).await? else { return Ok(None) };
    let shown = tx.optional::<Shown>(&GET, &[org_id.into(), id.into()]).await?;
    Ok(shown.map(|Shown(subscription)| (org_id, subscription)))
}

pub(crate) async fn insert(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    subscription: &Subscription,
    sealed: &Vec<u8>,
) -> Result<()> {
    let texts = Texts::of(subscription)?;
    let own = texts.params(subscription);
    let rest = [subscription.created_at.into(), org_id.into(), sealed.into()];
    tx.execute(&INSERT, &[&own[..], &rest].concat()).await.map(drop)
}

async fn save(tx: &mut Tx<'_>, subscription: &Subscription) -> Result<()> {
    let texts = Texts::of(subscription)?;
    let own = texts.params(subscription);
    let rest = [
        subscription.disabled_reason.into(),
        subscription.health.failing_since.into(),
        subscription.updated_at.into(),
    ];
    tx.execute(&UPDATE, &[&own[..], &rest].concat()).await.map(drop)
}

/// The JSON columns of a subscription, on their way into a statement.
struct Texts {
    event_types: String,
    filters: Option<String>,
    headers: String,
}

impl Texts {
    fn of(subscription: &Subscription) -> Result<Self> {
        Ok(Self {
            event_types: to_json(&subscription.event_types)?,
            filters: to_json_optional(subscription.filters.as_ref())?,
            headers: to_json(&subscription.headers)?,
        })
    }

    fn params<'a>(&'a self, subscription: &'a Subscription) -> [Param<'a>; 10] {
        [
            subscription.id.into(),
            subscription.status.into(),
            (&subscription.endpoint_url).into(),
            (&self.event_types).into(),
            self.filters.as_ref().into(),
            subscription.description.as_ref().into(),
            (&self.headers).into(),
            subscription.ordering.into(),
            subscription.rate_limit.map(|limit| limit.per_second).into(),
            subscription.asymmetric_signature.into(),
        ]
    }
}

fn apply(subscription: &mut Subscription, change: &SubscriptionChange, now: Timestamp) {
    let change = change.clone();
    if let Some(status) = change.status {
        if status == SubscriptionStatus::Active && subscription.status == SubscriptionStatus::Paused {
            subscription.disabled_reason = None;
            subscription.health.failing_since = None;
        }
        subscription.status = status;
    }
    if let Some(endpoint_url) = change.endpoint_url {
        subscription.endpoint_url = endpoint_url;
    }
    if let Some(event_types) = change.event_types {
        subscription.event_types = event_types;
    }
    if let Some(filters) = change.filters {
        subscription.filters = filters;
    }
    if let Some(description) = change.description {
        subscription.description = description;
    }
    if let Some(headers) = change.headers {
        subscription.headers = headers;
    }
    if let Some(ordering) = change.ordering {
        subscription.ordering = ordering;
    }
    if let Some(rate_limit) = change.rate_limit {
        subscription.rate_limit = rate_limit;
    }
    if let Some(asymmetric_signature) = change.asymmetric_signature {
        subscription.asymmetric_signature = asymmetric_signature;
    }
    subscription.updated_at = now;
}

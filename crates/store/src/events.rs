//! Events: one per terminal state, each with the bytes that every attempt sends.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    rows::window,
    sql::statements,
};
use bytes::Bytes;
use domain::{
    event::{EventType, Family, Resource},
    id::{EventId, OrgId, SubscriptionId},
    limits,
    page::{Direction, PageRequest, Paged},
    time::Timestamp,
};

macro_rules! filtered {
    () => {
        " from events where org_id = $1 and test = false and (event_type = $2 or $2 is null) \
         and (resource_id = $3 or $3 is null) and (occurred_at > $4 or $4 is null) and (occurred_at < $5 or $5 is null) "
    };
}

statements! {
    INSERT = "insert into events (id, org_id, event_type, resource_id, occurred_at, test, body)
        values ($1, $2, $3, $4, $5, $6, $7)",
        postgres "insert into events (id, org_id, event_type, resource_id, occurred_at, test, body)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::boolean[], $7::bytea[])";
    GET = "select id, event_type, resource_id, occurred_at, test, body from events where org_id = $1 and id = $2";
    COUNT = concat!("select count(*) from (select 1", filtered!(), "limit $6) counted");
    NEWEST = concat!("select id, event_type, resource_id, occurred_at, test, body", filtered!(),
        "order by occurred_at desc, id desc limit $6 offset $7");
    OLDEST = concat!("select id, event_type, resource_id, occurred_at, test, body", filtered!(),
        "order by occurred_at, id limit $6 offset $7");
    FEED = "select d.sequence, e.id, e.body from deliveries d join events e on e.id = d.event_id
        where d.org_id = $1 and d.subscription_id = $2 and d.sequence > $3 order by d.sequence limit $4";
}

/// The event of a terminal state, rendered by `domain::event`.
#[derive(Debug, Clone)]
pub struct NewEvent {
    pub id: EventId,
    pub event_type: EventType,
    pub body: Bytes,
}

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub id: EventId,
    pub event_type: EventType,
    /// What ended; absent for a test event.
    pub resource: Option<Resource>,
    pub occurred_at: Timestamp,
    pub test: bool,
    /// The envelope, byte for byte as it is sent; absent once what ended was deleted.
    pub body: Option<Bytes>,
}

impl FromRow for Event {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, event_type) = (row.take()?, row.take::<EventType>()?);
        let resource = match event_type.family() {
            Family::DocumentInsights => row.take::<Option<_>>()?.map(Resource::Job),
            Family::Workflow => row.take::<Option<_>>()?.map(Resource::Run),
            Family::Platform => row.take::<Option<[u8; 16]>>()?.and(None),
        };
        Ok(Self { id, event_type, resource, occurred_at: row.take()?, test: row.take()?, body: row.take()? })
    }
}

/// Which events a list shows; test events never are.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventFilter {
    pub event_type: Option<EventType>,
    pub resource: Option<Resource>,
    /// Later than this.
    pub occurred_after: Option<Timestamp>,
    /// Earlier than this.
    pub occurred_before: Option<Timestamp>,
}

/// One entry of a subscription's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedItem {
    pub sequence: u64,
    pub event_id: EventId,
    /// Absent once what ended was deleted.
    pub body: Option<Bytes>,
}

impl FromRow for FeedItem {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { sequence: row.take()?, event_id: row.take()?, body: row.take()? })
    }
}

pub(crate) async fn get(tx: &mut Tx<'_>, org_id: OrgId, id: EventId) -> Result<Option<Event>> {
    tx.optional(&GET, &[org_id.into(), id.into()]).await
}

pub(crate) async fn insert_many(tx: &mut Tx<'_>, events: &[(OrgId, Event)]) -> Result<()> {
    let rows: Vec<_> = events
        .iter()
        .map(|(org_id, event)| {
            vec![
                event.id.into(),
                (*org_id).into(),
                event.event_type.into(),
                event.resource.into(),
                event.occurred_at.into(),
                event.test.into(),
                event.body.as_ref().into(),
            ]
        })
        .collect();
    tx.execute_bulk(&INSERT, &rows).await.map(drop)
}

pub struct Events<'s>(&'s Store);

impl Store {
    pub fn events(&self) -> Events<'_> {
        Events(self)
    }
}

impl Events<'_> {
    pub async fn get(&self, org_id: OrgId, id: EventId) -> Result<Option<Event>> {
        self.0.db.read((org_id, id), |tx, (org_id, id)| Box::pin(get(tx, *org_id, *id))).await
    }

    /// A page by time of occurrence, whatever the request sorts by.
    pub async fn list(&self, org_id: OrgId, filter: EventFilter, page: PageRequest) -> Result<Paged<Event>> {
        let list = self.0.db.read((org_id, filter, page), |tx, (org_id, filter, page)| {
            Box::pin(async move {
                let filters = [
                    (*org_id).into(),
                    filter.event_type.into(),
                    filter.resource.into(),
                    filter.occurred_after.into(),
                    filter.occurred_before.into(),
                ];
                let sql = if page.direction == Direction::Ascending { &OLDEST } else { &NEWEST };
                let data = tx.rows(sql, &[&filters[..], &window(page)].concat()).await?;
                let counted = [&filters[..], &[limits::LIST_COUNTED_MAX.into()]].concat();
                let (total,): (u64,) = tx.one(&COUNT, &counted).await?;
                // A page behind those that were counted shows that there are more.
                let shown = if data.is_empty() { 0 } else { page.offset() + data.len() as u64 };
                Ok(Paged::new(data, page, total.max(shown)))
            })
        });
        list.await
    }

    /// What a subscription was to be told after `sequence`, in order, suppressed events included.
    pub async fn feed(
        &self,
        org_id: OrgId,
        subscription_id: SubscriptionId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<FeedItem>> {
        let input = (org_id, subscription_id, after, limit);
        let feed = self.0.db.read(input, |tx, (org_id, subscription_id, after, limit)| {
            Box::pin(async move {
                let params = [(*org_id).into(), (*subscription_id).into(), (*after).into(), (*limit).into()];
                tx.rows(&FEED, &params).await
            })
        });
        feed.await
    }
}

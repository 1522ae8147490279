//! Events: one per terminal state, each with the bytes that every attempt sends.

use crate::{
    Store,
    db::{FromRow, Param, Row, Tx},
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

macro_rules! columns {
    () => {
        "id, event_type, resource_id, occurred_at, test, body"
    };
}

/// What an index alone knows of the events that match.
macro_rules! filtered {
    ($of_type:literal) => {
        concat!(
            " from events where org_id = $1",
            $of_type,
            " and occurred_at > $2 and occurred_at < $3 and test = false"
        )
    };
}

/// Its rows are chosen by the index; no body is read but those that are shown.
macro_rules! page {
    ($of_type:literal, $order:literal) => {
        concat!(
            "select ",
            columns!(),
            " from events where id in (select id",
            filtered!($of_type),
            " order by ",
            $order,
            " limit $4 offset $5) order by ",
            $order
        )
    };
}

statements! {
    INSERT = "insert into events (id, org_id, event_type, resource_id, occurred_at, test, body)
        values ($1, $2, $3, $4, $5, $6, $7)",
        postgres "insert into events (id, org_id, event_type, resource_id, occurred_at, test, body)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::boolean[], $7::bytea[])";
    GET = concat!("select ", columns!(), " from events where org_id = $1 and id = $2");
    OF_RESOURCE = concat!("select ", columns!(), " from events where resource_id = $4 and org_id = $1 and test = false
        and occurred_at > $2 and occurred_at < $3");
    COUNT = concat!("select count(*) from (select 1", filtered!(""), " limit $4) counted");
    COUNT_OF_TYPE = concat!("select count(*) from (select 1", filtered!(" and event_type = $5"), " limit $4) counted");
    NEWEST = page!("", "occurred_at desc, id desc");
    OLDEST = page!("", "occurred_at, id");
    NEWEST_OF_TYPE = page!(" and event_type = $6", "occurred_at desc, id desc");
    OLDEST_OF_TYPE = page!(" and event_type = $6", "occurred_at, id");
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

    /// A page by time of occurrence, whatever the request sorts by. Its total is counted by an index, to
    /// [`limits::LIST_COUNTED_MAX`].
    pub async fn list(&self, org_id: OrgId, filter: EventFilter, page: PageRequest) -> Result<Paged<Event>> {
        let list = self.0.db.read((org_id, filter, page), |tx, (org_id, filter, page)| {
            Box::pin(list(tx, *org_id, *filter, *page))
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

async fn list(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    filter: EventFilter,
    page: PageRequest,
) -> Result<Paged<Event>> {
    let common = [
        org_id.into(),
        filter.occurred_after.unwrap_or(Timestamp::from_ms(i64::MIN)).into(),
        filter.occurred_before.unwrap_or(Timestamp::from_ms(i64::MAX)).into(),
    ];
    if let Some(resource) = filter.resource {
        // It has one event at most.
        let found: Option<Event> =
            tx.optional(&OF_RESOURCE, &[&common[..], &[resource.into()]].concat()).await?;
        let fits = |event: &Event| filter.event_type.is_none_or(|event_type| event.event_type == event_type);
        let found: Vec<Event> = found.into_iter().filter(fits).collect();
        let total = found.len() as u64;
        let shown = if page.offset() == 0 { found } else { Vec::new() };
        return Ok(Paged::new(shown, &page, total));
    }
    let of_type: Vec<Param<'_>> = filter.event_type.map(Into::into).into_iter().collect();
    let (count, pages) = match filter.event_type {
        None => (&COUNT, [&NEWEST, &OLDEST]),
        Some(_) => (&COUNT_OF_TYPE, [&NEWEST_OF_TYPE, &OLDEST_OF_TYPE]),
    };
    let sql = pages[usize::from(page.direction == Direction::Ascending)];
    let data = tx.rows(sql, &[&common[..], &window(&page), &of_type].concat()).await?;
    let counted = [&common[..], &[limits::LIST_COUNTED_MAX.into()], &of_type].concat();
    let (total,): (u64,) = tx.one(count, &counted).await?;
    // A page behind those that were counted shows that there are more.
    let shown = if data.is_empty() { 0 } else { page.offset() + data.len() as u64 };
    Ok(Paged::new(data, &page, total.max(shown)))
}

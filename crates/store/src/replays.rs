//! Replays: rows that walk a subscription's deliveries and put them in line again, a step at a time.
//!
//! A step is one transaction under the lock of the replay's row: it looks at the next deliveries by `(created_at, id)`,
//! puts those that fit in line, and moves the cursor. So there is nothing to lease: a node that dies in a step has done
//! nothing, and any other takes the next one. A step that put something in line is followed by a pause, and while many
//! of a replay's deliveries still wait there is none, so however long the stretch is, little of it is in line at a time.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    idempotency::{self, Idempotency, Once},
    rows::window,
    sql::statements,
};
use domain::{
    delivery::DeliveryStatus,
    id::{DeliveryId, OrgId, ReplayId, SubscriptionId, UlidId},
    limits,
    page::{Direction, PageRequest, Paged},
    replay::{Replay, ReplayProgress, ReplayStatus},
    time::Timestamp,
};
use std::time::Duration;

/// Between two steps that put something in line.
const PAUSE: Duration = Duration::from_secs(1);

macro_rules! columns {
    () => {
        "id, subscription_id, status, since, until, delivery_status, examined, replayed, cursor_at, created_at, \
         updated_at, completed_at"
    };
}

statements! {
    RUNNING = "select count(*) from replays where subscription_id = $1 and status = 'RUNNING'";
    INSERT = "insert into replays (id, org_id, subscription_id, status, since, until, delivery_status, cursor_at,
            cursor_id, examined, replayed, next_at, created_at, updated_at)
        values ($1, $2, $3, 'RUNNING', $4, $5, $6, $4, $7, 0, 0, $8, $8, $8)";
    GET = concat!("select ", columns!(), " from replays where org_id = $1 and id = $2");
    COUNT = "select count(*) from replays where org_id = $1 and subscription_id = $2";
    NEWEST = concat!("select ", columns!(), " from replays where org_id = $1 and subscription_id = $2
        order by created_at desc, id desc limit $3 offset $4");
    OLDEST = concat!("select ", columns!(), " from replays where org_id = $1 and subscription_id = $2
        order by created_at, id limit $3 offset $4");
    CANCEL = "update replays set status = 'CANCELLED', updated_at = $3, completed_at = $3
        where org_id = $1 and id = $2 and status = 'RUNNING'";
    // Those of one subscription go one after the other.
    DUE = "select id from replays r where status = 'RUNNING' and next_at <= $1 and not exists (select 1 from replays o
            where o.subscription_id = r.subscription_id and o.status = 'RUNNING' and o.id < r.id)
        order by next_at limit $2";
    NEXT = "select min(next_at) from replays where status = 'RUNNING'";
    LOCK = "select subscription_id, until, delivery_status, cursor_at, cursor_id from replays
        where id = $1 and status = 'RUNNING' and next_at <= $2",
        postgres "select subscription_id, until, delivery_status, cursor_at, cursor_id from replays
        where id = $1 and status = 'RUNNING' and next_at <= $2 for update skip locked";
    WAITING = "select count(*) from (select 1 from deliveries where replay_id = $1 and status = 'PENDING' limit $2) waiting";
    WINDOW = "select d.id, d.created_at, d.status, exists (select 1 from events e where e.id = d.event_id
            and e.body is not null)
        from deliveries d where d.subscription_id = $1 and (d.created_at, d.id) > ($2, $3) and d.created_at < $4
            and d.sequence is not null order by d.created_at, d.id limit $5";
    AGAIN = "update deliveries set status = 'PENDING', round_attempts = 0, next_attempt_at = $2, lease_until = 0,
            lease_node = null, fence = fence + 1, replay_id = $3, updated_at = $2
        where id = $1 and status <> 'PENDING'",
        postgres "update deliveries d set status = 'PENDING', round_attempts = 0, next_attempt_at = a.at, lease_until = 0,
            lease_node = null, fence = fence + 1, replay_id = a.replay_id, updated_at = a.at
        from unnest($1::uuid[], $2::bigint[], $3::uuid[]) as a (id, at, replay_id)
        where d.id = a.id and d.status <> 'PENDING'";
    ADVANCE = "update replays set status = $2, cursor_at = $3, cursor_id = $4, examined = examined + $5,
            replayed = replayed + $6, next_at = $7, updated_at = $8, completed_at = $9 where id = $1";
    PURGE = "delete from replays where id in (select id from replays where status <> 'RUNNING' and completed_at < $1 limit $2)";
}

/// A replay to begin, as it is answered.
#[derive(Debug, Clone)]
pub struct NewReplay {
    pub org_id: OrgId,
    pub replay: Replay,
    pub request: Option<Idempotency>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Hint `Topic::Deliveries`.
    Done,
    /// The subscription has [`limits::REPLAYS_RUNNING_MAX`] already.
    TooMany,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    pub examined: u64,
    pub replayed: u64,
    pub completed: bool,
}

impl FromRow for Replay {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, subscription_id, status) = (row.take()?, row.take()?, row.take()?);
        let (since, until, delivery_status) = (row.take()?, row.take()?, row.take()?);
        let (examined, replayed, cursor_at): (u64, u64, Timestamp) = (row.take()?, row.take()?, row.take()?);
        let reached = (examined > 0).then_some(cursor_at);
        let progress = ReplayProgress { examined, replayed, reached };
        let (created_at, updated_at, completed_at) = (row.take()?, row.take()?, row.take()?);
        Ok(Self {
            id,
            subscription_id,
            status,
            since,
            until,
            delivery_status,
            progress,
            created_at,
            updated_at,
            completed_at,
        })
    }
}

type Locked = (SubscriptionId, Timestamp, Option<DeliveryStatus>, Timestamp, DeliveryId);
type Seen = (DeliveryId, Timestamp, DeliveryStatus, bool);

pub struct Replays<'s>(&'s Store);

impl Store {
    pub fn replays(&self) -> Replays<'_> {
        Replays(self)
    }
}

impl Replays<'_> {
    pub async fn insert(&self, new: NewReplay) -> Result<Once<Begun>> {
        let insert = self.0.db.write(new, |tx, new| {
            Box::pin(async move {
                let replay = &new.replay;
                if let Some(earlier) = idempotency::begin(tx, new.request.as_ref(), replay.created_at).await?
                {
                    return Ok(earlier);
                }
                let (running,): (u64,) = tx.one(&RUNNING, &[replay.subscription_id.into()]).await?;
                if running >= limits::REPLAYS_RUNNING_MAX {
                    idempotency::forget(tx, new.request.as_ref()).await?;
                    return Ok(Once::First(Begun::TooMany));
                }
                let params = [
                    replay.id.into(),
                    new.org_id.into(),
                    replay.subscription_id.into(),
                    replay.since.into(),
                    replay.until.into(),
                    replay.delivery_status.into(),
                    DeliveryId::from_bytes([0; 16]).into(),
                    replay.created_at.into(),
                ];
                tx.execute(&INSERT, &params).await?;
                Ok(Once::First(Begun::Done))
            })
        });
        insert.await
    }

    pub async fn get(&self, org_id: OrgId, id: ReplayId) -> Result<Option<Replay>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), (*id).into()]).await })
        });
        get.await
    }

    /// A page of a subscription's replays by creation, whatever the request sorts by.
    pub async fn list(
        &self,
        org_id: OrgId,
        subscription_id: SubscriptionId,
        page: PageRequest,
    ) -> Result<Paged<Replay>> {
        let list = self.0.db.read((org_id, subscription_id, page), |tx, (org_id, subscription_id, page)| {
            Box::pin(async move {
                let key = [(*org_id).into(), (*subscription_id).into()];
                let sql = if page.direction == Direction::Ascending { &OLDEST } else { &NEWEST };
                let data = tx.rows(sql, &[&key[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&COUNT, &key).await?;
                Ok(Paged::new(data, page, total))
            })
        });
        list.await
    }

    /// Ends a replay where it is; the replay as it is now, `None` where there is none. What it has put in line already
    /// is still sent.
    pub async fn cancel(&self, org_id: OrgId, id: ReplayId, now: Timestamp) -> Result<Option<Replay>> {
        let cancel = self.0.db.write((org_id, id, now), |tx, (org_id, id, now)| {
            Box::pin(async move {
                tx.execute(&CANCEL, &[(*org_id).into(), (*id).into(), (*now).into()]).await?;
                tx.optional(&GET, &[(*org_id).into(), (*id).into()]).await
            })
        });
        cancel.await
    }

    /// Replays that are to go on now, at most `limit`.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<ReplayId>> {
        let due = self.0.db.read((now, limit), |tx, (now, limit)| {
            Box::pin(async move { tx.rows::<(ReplayId,)>(&DUE, &[(*now).into(), (*limit).into()]).await })
        });
        Ok(due.await?.into_iter().map(|(id,)| id).collect())
    }

    /// When the next replay is to go on, where one runs.
    pub async fn next_at(&self) -> Result<Option<Timestamp>> {
        let next = self.0.db.read((), |tx, ()| Box::pin(tx.one::<(Option<Timestamp>,)>(&NEXT, &[])));
        Ok(next.await?.0)
    }

    /// One step, which puts at most `per_second` deliveries in line; `None` where the replay is not to go on now or
    /// somebody else has it in hand. Hint `Topic::Deliveries` after.
    pub async fn step(&self, id: ReplayId, per_second: u32, now: Timestamp) -> Result<Option<Step>> {
        let step = self.0.db.write((id, per_second, now), |tx, (id, per_second, now)| {
            Box::pin(step(tx, *id, *per_second, *now))
        });
        step.await
    }

    /// Removes at most `limit` replays that ended before `before`; how many.
    pub async fn purge(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let purge = self.0.db.write((before, limit), |tx, (before, limit)| {
            Box::pin(async move { tx.execute(&PURGE, &[(*before).into(), (*limit).into()]).await })
        });
        purge.await
    }
}

async fn step(tx: &mut Tx<'_>, id: ReplayId, per_second: u32, now: Timestamp) -> Result<Option<Step>> {
    let Some(locked) = tx.optional::<Locked>(&LOCK, &[id.into(), now.into()]).await? else { return Ok(None) };
    let (subscription_id, until, wanted, mut cursor_at, mut cursor_id) = locked;
    let waiting_max = limits::REPLAY_WAITING_MAX;
    let (waiting,): (u32,) = tx.one(&WAITING, &[id.into(), waiting_max.into()]).await?;
    let room = waiting_max.saturating_sub(waiting).min(per_second) as usize;
    let limit = limits::REPLAY_EXAMINED_PER_STEP_MAX;
    let params = [subscription_id.into(), cursor_at.into(), cursor_id.into(), until.into(), limit.into()];
    let seen: Vec<Seen> = if room == 0 { Vec::new() } else { tx.rows(&WINDOW, &params).await? };

    let mut examined = 0;
    let mut again = Vec::new();
    for (delivery_id, created_at, status, has_body) in &seen {
        if again.len() >= room {
            break;
        }
        (cursor_at, cursor_id) = (*created_at, *delivery_id);
        examined += 1;
        let fits = wanted.map_or(*status != DeliveryStatus::Pending, |wanted| *status == wanted);
        if fits && *has_body {
            again.push(vec![(*delivery_id).into(), now.into(), id.into()]);
        }
    }
    let replayed = tx.execute_bulk(&AGAIN, &again).await?;
    let completed = room > 0 && examined == seen.len() && seen.len() < limit as usize;
    let status = if completed { ReplayStatus::Completed } else { ReplayStatus::Running };
    let next_at = if again.is_empty() && room > 0 { now } else { now.plus(PAUSE) };
    let params = [
        id.into(),
        status.into(),
        cursor_at.into(),
        cursor_id.into(),
        (examined as u64).into(),
        replayed.into(),
        next_at.into(),
        now.into(),
        completed.then_some(now).into(),
    ];
    tx.execute(&ADVANCE, &params).await?;
    Ok(Some(Step { examined: examined as u64, replayed, completed }))
}

//! Schedules: when a workflow starts by itself.
//!
//! The next due time stands in the row, so a restart forgets nothing. A due time is acted on by whichever node sees it
//! first, or by two at once: the run's id is made of the schedule and the due time, so the second run does not come
//! about, and [`Schedules::advance`] moves on from the due time it names, once.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    sql::statements,
    workflows,
};
use domain::{
    id::OrgId,
    limits,
    schedule::{CatchUp, Timetable},
    time::Timestamp,
    workflow::WorkflowId,
};

macro_rules! columns {
    () => {
        "name, cron, time_zone, body, enabled, catch_up, next_at, last_at, last_run_id, last_error, created_at, updated_at"
    };
}

statements! {
    EXISTS = "select 1 from schedules where org_id = $1 and workflow_id = $2 and name = $3";
    COUNT = "select count(*) from schedules where org_id = $1 and workflow_id = $2";
    PUT = "insert into schedules (org_id, workflow_id, name, cron, time_zone, body, enabled, catch_up, next_at,
            created_at, updated_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
        on conflict (org_id, workflow_id, name) do update
        set cron = excluded.cron, time_zone = excluded.time_zone, body = excluded.body, enabled = excluded.enabled,
            catch_up = excluded.catch_up, next_at = excluded.next_at, updated_at = excluded.updated_at";
    GET = concat!("select ", columns!(), " from schedules where org_id = $1 and workflow_id = $2 and name = $3");
    LIST = concat!("select ", columns!(), " from schedules where org_id = $1 and workflow_id = $2 order by created_at, name");
    DELETE = "delete from schedules where org_id = $1 and workflow_id = $2 and name = $3";
    DELETE_ALL = "delete from schedules where org_id = $1 and workflow_id = $2";
    DUE = concat!("select org_id, workflow_id, ", columns!(), " from schedules where next_at <= $1 order by next_at limit $2");
    ADVANCE = "update schedules set next_at = $5, last_at = $6, last_run_id = $7, last_error = $8
        where org_id = $1 and workflow_id = $2 and name = $3 and next_at = $4";
}

/// A schedule of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub name: String,
    pub timetable: Timetable,
    /// What its runs get as `body`: JSON.
    pub body: String,
    pub enabled: bool,
    pub catch_up: CatchUp,
    /// What is waited for; `None` where it is switched off.
    pub next_at: Option<Timestamp>,
    /// The due time that was acted on last, and what came of it.
    pub last_at: Option<Timestamp>,
    pub last_run_id: Option<String>,
    pub last_error: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl FromRow for Schedule {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let name = row.take()?;
        let cron = row.take::<String>()?.parse().map_err(Error::corrupt)?;
        let zone = row.take::<String>()?.parse().map_err(Error::corrupt)?;
        let (body, enabled) = (row.take()?, row.take()?);
        let catch_up = row.take::<String>()?;
        let unknown = || Error::corrupt(format!("{catch_up} is no rule of catching up"));
        Ok(Self {
            name,
            timetable: Timetable { cron, zone },
            body,
            enabled,
            catch_up: CatchUp::parse(&catch_up).ok_or_else(unknown)?,
            next_at: row.take()?,
            last_at: row.take()?,
            last_run_id: row.take()?,
            last_error: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

/// A schedule whose time has come.
#[derive(Debug, Clone)]
pub struct Due {
    pub org_id: OrgId,
    pub workflow_id: WorkflowId,
    pub schedule: Schedule,
}

impl FromRow for Due {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { org_id: row.take()?, workflow_id: row.take()?, schedule: Schedule::from_row(row)? })
    }
}

/// What a due time led to.
#[derive(Debug, Clone)]
pub struct Advance {
    pub next_at: Option<Timestamp>,
    pub acted_at: Option<Timestamp>,
    pub run_id: Option<String>,
    pub error: Option<String>,
}

/// What became of a schedule that was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    Done(Box<Schedule>),
    NoWorkflow,
    /// The workflow has [`limits::SCHEDULES_PER_WORKFLOW_MAX`] others.
    TooMany,
}

pub struct Schedules<'s>(&'s Store);

impl Store {
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }
}

impl Schedules<'_> {
    /// Makes a schedule or replaces the one of this name.
    pub async fn put(&self, org_id: OrgId, workflow_id: WorkflowId, schedule: Schedule) -> Result<Put> {
        let put = self.0.db.write((org_id, workflow_id, schedule), |tx, (org_id, workflow_id, schedule)| {
            Box::pin(put(tx, *org_id, workflow_id, schedule))
        });
        put.await
    }

    pub async fn get(
        &self,
        org_id: OrgId,
        workflow_id: WorkflowId,
        name: String,
    ) -> Result<Option<Schedule>> {
        let get = self.0.db.read((org_id, workflow_id, name), |tx, (org_id, workflow_id, name)| {
            Box::pin(
                async move { tx.optional(&GET, &[(*org_id).into(), workflow_id.into(), name.into()]).await },
            )
        });
        get.await
    }

    /// All schedules of a workflow, the oldest first.
    pub async fn list(&self, org_id: OrgId, workflow_id: WorkflowId) -> Result<Vec<Schedule>> {
        let list = self.0.db.read((org_id, workflow_id), |tx, (org_id, workflow_id)| {
            Box::pin(async move { tx.rows(&LIST, &[(*org_id).into(), workflow_id.into()]).await })
        });
        list.await
    }

    /// Deletes a schedule; false where there is none.
    pub async fn delete(&self, org_id: OrgId, workflow_id: WorkflowId, name: String) -> Result<bool> {
        let delete = self.0.db.write((org_id, workflow_id, name), |tx, (org_id, workflow_id, name)| {
            Box::pin(async move {
                tx.execute(&DELETE, &[(*org_id).into(), workflow_id.into(), name.into()]).await
            })
        });
        Ok(delete.await? == 1)
    }

    /// Those whose time has come, the longest overdue first.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Due>> {
        let due = self.0.db.read((now, limit), |tx, (now, limit)| {
            Box::pin(async move { tx.rows(&DUE, &[(*now).into(), (*limit).into()]).await })
        });
        due.await
    }

    /// Moves on from the due time that `due` waited for; false where somebody else has, or the schedule was changed.
    pub async fn advance(&self, due: Due, advance: Advance) -> Result<bool> {
        let moved = self.0.db.write((due, advance), |tx, (due, advance)| {
            Box::pin(async move {
                let key = [due.org_id.into(), (&due.workflow_id).into(), (&due.schedule.name).into()];
                let rest = [
                    due.schedule.next_at.into(),
                    advance.next_at.into(),
                    advance.acted_at.or(due.schedule.last_at).into(),
                    advance.run_id.as_ref().into(),
                    advance.error.as_ref().into(),
                ];
                tx.execute(&ADVANCE, &[&key[..], &rest].concat()).await
            })
        });
        Ok(moved.await? == 1)
    }
}

async fn put(tx: &mut Tx<'_>, org_id: OrgId, workflow_id: &WorkflowId, schedule: &Schedule) -> Result<Put> {
    if !workflows::exists(tx, org_id, workflow_id).await? {
        return Ok(Put::NoWorkflow);
    }
    let key = [org_id.into(), workflow_id.into(), (&schedule.name).into()];
    if tx.optional::<()>(&EXISTS, &key).await?.is_none() {
        let (count,): (u64,) = tx.one(&COUNT, &key[..2]).await?;
        if count >= limits::SCHEDULES_PER_WORKFLOW_MAX {
            return Ok(Put::TooMany);
        }
    }
    let rest = [
        schedule.timetable.cron.as_str().into(),
        schedule.timetable.zone.as_str().into(),
        (&schedule.body).into(),
        schedule.enabled.into(),
        schedule.catch_up.as_str().into(),
        schedule.next_at.into(),
        schedule.updated_at.into(),
    ];
    tx.execute(&PUT, &[&key[..], &rest].concat()).await?;
    Ok(Put::Done(Box::new(tx.one(&GET, &key).await?)))
}

/// With their workflow.
pub(crate) async fn delete_all(tx: &mut Tx<'_>, org_id: OrgId, workflow_id: &WorkflowId) -> Result<()> {
    tx.execute(&DELETE_ALL, &[org_id.into(), workflow_id.into()]).await.map(drop)
}

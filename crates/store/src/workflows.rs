//! Workflows: drafts that people change, and published versions that never change.
//!
//! A version outlives its workflow: a run that began with it reads it by its number to its end. So deleting a workflow
//! only stops new runs, needs no look at the runs, and numbers go on where they were when the id is used again.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::Result,
    idempotency::{self, Idempotency, Once},
    rows::window,
    schedules,
    sql::statements,
    triggers,
};
use domain::{
    id::OrgId,
    limits,
    page::{Direction, PageRequest, Paged, SortBy},
    time::Timestamp,
    workflow::{Workflow, WorkflowId, WorkflowVersion},
};
use std::collections::BTreeMap;

macro_rules! columns {
    () => {
        "id, name, source, published_version, created_at, updated_at"
    };
}

macro_rules! version_columns {
    () => {
        "v.workflow_id, v.version, v.name, v.definition, v.hash, v.created_at"
    };
}

statements! {
    GET = concat!("select ", columns!(), " from workflows where org_id = $1 and id = $2");
    LOCK = concat!("select ", columns!(), " from workflows where org_id = $1 and id = $2"),
        postgres concat!("select ", columns!(), " from workflows where org_id = $1 and id = $2 for update");
    /// Until the end of the transaction nobody deletes it.
    EXISTS = "select 1 from workflows where org_id = $1 and id = $2",
        postgres "select 1 from workflows where org_id = $1 and id = $2 for share";
    COUNT = "select count(*) from workflows where org_id = $1";
    CREATED_DESCENDING = concat!("select ", columns!(), " from workflows where org_id = $1
        order by created_at desc, id desc limit $2 offset $3");
    CREATED_ASCENDING = concat!("select ", columns!(), " from workflows where org_id = $1
        order by created_at, id limit $2 offset $3");
    UPDATED_DESCENDING = concat!("select ", columns!(), " from workflows where org_id = $1
        order by updated_at desc, id desc limit $2 offset $3");
    UPDATED_ASCENDING = concat!("select ", columns!(), " from workflows where org_id = $1
        order by updated_at, id limit $2 offset $3");
    PUT = "insert into workflows (org_id, id, name, source, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)
        on conflict (org_id, id) do update
        set name = excluded.name, source = excluded.source, updated_at = excluded.updated_at";
    POINT = "update workflows set published_version = $3, updated_at = $4 where org_id = $1 and id = $2";
    DELETE = "delete from workflows where org_id = $1 and id = $2";
    LAST = "select max(version) from workflow_versions where org_id = $1 and workflow_id = $2";
    ADD = "insert into workflow_versions (org_id, workflow_id, version, name, source, definition, hash, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    VERSION = concat!("select ", version_columns!(), " from workflow_versions v
        where v.org_id = $1 and v.workflow_id = $2 and v.version = $3");
    PUBLISHED = concat!("select ", version_columns!(), " from workflows w
        join workflow_versions v on v.org_id = w.org_id and v.workflow_id = w.id
        where w.org_id = $1 and w.id = $2 and w.published_version is not null
            and v.version = coalesce($3, w.published_version)");
    VERSIONS_DESCENDING = concat!("select ", version_columns!(), " from workflow_versions v
        where v.org_id = $1 and v.workflow_id = $2 order by v.version desc limit $3 offset $4");
    VERSIONS_ASCENDING = concat!("select ", version_columns!(), " from workflow_versions v
        where v.org_id = $1 and v.workflow_id = $2 order by v.version limit $3 offset $4");
    VERSIONS_COUNT = "select count(*) from workflow_versions where org_id = $1 and workflow_id = $2";
    SOURCE = "select source from workflow_versions where org_id = $1 and workflow_id = $2 and version = $3";
    NEWEST = "select id, published_version from workflows where org_id = $1 and published_version is not null";
}

impl FromRow for Workflow {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            name: row.take()?,
            source: row.take()?,
            published_version: row.take()?,
            created_at: row.take()?,
            updated_at: row.take()?,
        })
    }
}

impl FromRow for WorkflowVersion {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            workflow_id: row.take()?,
            version: row.take()?,
            name: row.take()?,
            definition: row.take()?,
            hash: row.take()?,
            created_at: row.take()?,
        })
    }
}

/// A draft that was compiled.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The text that was compiled, to be published only if it is still the draft.
    pub source: String,
    pub name: String,
    /// Canonical JSON.
    pub definition: Vec<u8>,
    /// SHA-256 of `definition` in hex.
    pub hash: String,
}

/// What became of a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Published {
    New(WorkflowVersion),
    /// The newest version means the same already.
    Same(WorkflowVersion),
    /// Somebody else changed the draft meanwhile.
    Changed,
    NotFound,
    /// The request was made before: its answer, or that it was another one.
    Earlier(Once<()>),
}

/// The idempotency record of a publication, and how its answer is written once the version is known.
pub type Recorded = (Idempotency, fn(&WorkflowVersion) -> Vec<u8>);

pub struct Workflows<'s>(&'s Store);

impl Store {
    pub fn workflows(&self) -> Workflows<'_> {
        Workflows(self)
    }
}

impl Workflows<'_> {
    /// Writes a draft, of a new workflow or of one there is; `None` where the organization has
    /// [`limits::WORKFLOWS_PER_ORG_MAX`] others.
    pub async fn put(
        &self,
        org_id: OrgId,
        id: WorkflowId,
        name: String,
        source: String,
        now: Timestamp,
    ) -> Result<Option<Workflow>> {
        let input = (org_id, id, name, source, now);
        let put = self.0.db.write(input, |tx, (org_id, id, name, source, now)| {
            Box::pin(async move {
                let key = [(*org_id).into(), id.into()];
                if tx.optional::<Workflow>(&GET, &key).await?.is_none() {
                    let (count,): (u64,) = tx.one(&COUNT, &key[..1]).await?;
                    if count >= limits::WORKFLOWS_PER_ORG_MAX {
                        return Ok(None);
                    }
                }
                tx.execute(&PUT, &[&key[..], &[name.into(), source.into(), (*now).into()]].concat()).await?;
                tx.one::<Workflow>(&GET, &key).await.map(Some)
            })
        });
        put.await
    }

    /// Makes the compiled draft the newest version.
    pub async fn publish(
        &self,
        org_id: OrgId,
        id: WorkflowId,
        compiled: Compiled,
        recorded: Option<Recorded>,
        now: Timestamp,
    ) -> Result<Published> {
        let input = (org_id, id, compiled, recorded, now);
        let publish = self.0.db.write(input, |tx, (org_id, id, compiled, recorded, now)| {
            Box::pin(publish(tx, *org_id, id, compiled, recorded.as_ref(), *now))
        });
        publish.await
    }

    pub async fn get(&self, org_id: OrgId, id: WorkflowId) -> Result<Option<Workflow>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), id.into()]).await })
        });
        get.await
    }

    pub async fn list(&self, org_id: OrgId, page: PageRequest) -> Result<Paged<Workflow>> {
        let list = self.0.db.read((org_id, page), |tx, (org_id, page)| {
            Box::pin(async move {
                let sql = match (page.sort_by, page.direction) {
                    (SortBy::UpdatedAt, Direction::Descending) => &UPDATED_DESCENDING,
                    (SortBy::UpdatedAt, Direction::Ascending) => &UPDATED_ASCENDING,
                    (_, Direction::Descending) => &CREATED_DESCENDING,
                    (_, Direction::Ascending) => &CREATED_ASCENDING,
                };
                let org = [(*org_id).into()];
                let found = tx.rows(sql, &[&org[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&COUNT, &org).await?;
                Ok(Paged::new(found, page, total))
            })
        });
        list.await
    }

    /// The version that a new run gets: the newest, or the one that is asked for. `None` where the workflow does not
    /// exist, was never published, or has no such version.
    pub async fn published(
        &self,
        org_id: OrgId,
        id: WorkflowId,
        version: Option<u32>,
    ) -> Result<Option<WorkflowVersion>> {
        let get = self.0.db.read((org_id, id, version), |tx, (org_id, id, version)| {
            Box::pin(published(tx, *org_id, id, *version))
        });
        get.await
    }

    /// The version that a run began with, also of a workflow that was deleted since.
    pub async fn version(
        &self,
        org_id: OrgId,
        id: WorkflowId,
        version: u32,
    ) -> Result<Option<WorkflowVersion>> {
        let get = self.0.db.read((org_id, id, version), |tx, (org_id, id, version)| {
            Box::pin(
                async move { tx.optional(&VERSION, &[(*org_id).into(), id.into(), (*version).into()]).await },
            )
        });
        get.await
    }

    /// All versions that were published under this id.
    pub async fn versions(
        &self,
        org_id: OrgId,
        id: WorkflowId,
        page: PageRequest,
    ) -> Result<Paged<WorkflowVersion>> {
        let list = self.0.db.read((org_id, id, page), |tx, (org_id, id, page)| {
            Box::pin(async move {
                let key = [(*org_id).into(), id.into()];
                let sql = match page.direction {
                    Direction::Descending => &VERSIONS_DESCENDING,
                    Direction::Ascending => &VERSIONS_ASCENDING,
                };
                let found = tx.rows(sql, &[&key[..], &window(page)].concat()).await?;
                let (total,) = tx.one(&VERSIONS_COUNT, &key).await?;
                Ok(Paged::new(found, page, total))
            })
        });
        list.await
    }

    /// The text that a version was compiled from.
    pub async fn source(&self, org_id: OrgId, id: WorkflowId, version: u32) -> Result<Option<String>> {
        let get = self.0.db.read((org_id, id, version), |tx, (org_id, id, version)| {
            Box::pin(async move {
                let params = [(*org_id).into(), id.into(), (*version).into()];
                tx.optional::<(String,)>(&SOURCE, &params).await
            })
        });
        Ok(get.await?.map(|(source,)| source))
    }

    /// The newest version of every workflow that has one.
    pub async fn newest(&self, org_id: OrgId) -> Result<BTreeMap<WorkflowId, u32>> {
        let newest = self.0.db.read(org_id, |tx, org_id| {
            Box::pin(async move { tx.rows::<(WorkflowId, u32)>(&NEWEST, &[(*org_id).into()]).await })
        });
        Ok(newest.await?.into_iter().collect())
    }

    /// Deletes a workflow with what starts its runs; false where there is none. Runs under way end as they would have.
    pub async fn delete(&self, org_id: OrgId, id: WorkflowId) -> Result<bool> {
        let delete = self.0.db.write((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move {
                if tx.execute(&DELETE, &[(*org_id).into(), id.into()]).await? == 0 {
                    return Ok(false);
                }
                schedules::delete_all(tx, *org_id, id).await?;
                triggers::delete(tx, *org_id, id).await?;
                Ok(true)
            })
        });
        delete.await
    }
}

/// Whether there is such a workflow, inside a transaction that adds something to it.
pub(crate) async fn exists(tx: &mut Tx<'_>, org_id: OrgId, id: &WorkflowId) -> Result<bool> {
    Ok(tx.optional::<()>(&EXISTS, &[org_id.into(), id.into()]).await?.is_some())
}

/// What [`Workflows::published`] gives, inside a transaction.
pub(crate) async fn published(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    id: &WorkflowId,
    version: Option<u32>,
) -> Result<Option<WorkflowVersion>> {
    tx.optional(&PUBLISHED, &[org_id.into(), id.into(), version.into()]).await
}

async fn publish(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    id: &WorkflowId,
    compiled: &Compiled,
    recorded: Option<&Recorded>,
    now: Timestamp,
) -> Result<Published> {
    let key = [org_id.into(), id.into()];
    let Some(workflow) = tx.optional::<Workflow>(&LOCK, &key).await? else {
        return Ok(Published::NotFound);
    };
    if workflow.source != compiled.source {
        return Ok(Published::Changed);
    }
    if let Some(newest) = published(tx, org_id, id, None).await?
        && newest.hash == compiled.hash
    {
        let earlier = record(tx, recorded, &newest, now).await?;
        return Ok(earlier.map_or(Published::Same(newest), Published::Earlier));
    }
    let (last,): (Option<u32>,) = tx.one(&LAST, &key).await?;
    let version = WorkflowVersion {
        workflow_id: id.clone(),
        version: last.unwrap_or(0) + 1,
        name: compiled.name.clone(),
        definition: compiled.definition.clone(),
        hash: compiled.hash.clone(),
        created_at: now,
    };
    if let Some(earlier) = record(tx, recorded, &version, now).await? {
        return Ok(Published::Earlier(earlier));
    }
    let rest = [
        version.version.into(),
        (&version.name).into(),
        (&compiled.source).into(),
        (&version.definition).into(),
        (&version.hash).into(),
        now.into(),
    ];
    tx.execute(&ADD, &[&key[..], &rest].concat()).await?;
    tx.execute(&POINT, &[&key[..], &[version.version.into(), now.into()]].concat()).await?;
    Ok(Published::New(version))
}

/// Writes the idempotency record; what was recorded before, if anything.
async fn record(
    tx: &mut Tx<'_>,
    recorded: Option<&Recorded>,
    version: &WorkflowVersion,
    now: Timestamp,
) -> Result<Option<Once<()>>> {
    let Some((request, render)) = recorded else { return Ok(None) };
    let mut request = request.clone();
    request.answer.body = render(version);
    idempotency::begin(tx, Some(&request), now).await
}

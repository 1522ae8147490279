//! Examples: what people confirmed, in the order in which they did.

use super::{
    Learning, SheetKey, claim,
    sheets::{self, NewSheet},
};
use crate::{
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    idempotency::{self, Idempotency, Once},
    rows::{Json, to_json, window},
    sql::statements,
};
use domain::{
    id::{ExampleId, FeedbackId, FileId, HubId, JobId, OrgId},
    learning::{Example, ExampleSource, ExampleStatus, Values},
    page::{Direction, PageRequest, Paged},
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, source, status, error, file_id, job_id, feedback_id, field_values, created_at"
    };
}

statements! {
    HUB = "select id from hubs where org_id = $1 and id = $2";
    /// The first example of a hub makes its row.
    NEXT = "insert into learning (org_id, hub_id, next_sequence, pending, wanted, trained, next_version, active_version,
            forget_before, failures, lease_until, fence)
        values ($1, $2, 2, $3, $4, 0, 1, 0, 0, 0, 0, 0)
        on conflict (org_id, hub_id) do update set next_sequence = learning.next_sequence + 1,
            pending = learning.pending + $3, wanted = learning.wanted + $4, failures = 0, error = null
        returning next_sequence";
    INSERT = "insert into examples (id, org_id, hub_id, sequence, source, status, sheet_id, file_id, job_id, feedback_id,
            field_values, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    GET = concat!("select ", columns!(), " from examples where org_id = $1 and hub_id = $2 and id = $3");
    NEWEST = concat!("select ", columns!(), " from examples where org_id = $1 and hub_id = $2
        order by sequence desc limit $3 offset $4");
    OLDEST = concat!("select ", columns!(), " from examples where org_id = $1 and hub_id = $2
        order by sequence limit $3 offset $4");
    COUNT = "select count(*) from examples where org_id = $1 and hub_id = $2";
    DELETE = "delete from examples where org_id = $1 and hub_id = $2 and id = $3";
    FORGET = "update learning set wanted = wanted + 1, forget_before = next_version, failures = 0, error = null,
            pending = (select count(*) from examples
                where examples.org_id = $1 and examples.hub_id = $2 and examples.status = 'PENDING')
        where org_id = $1 and hub_id = $2";
    PENDING = "select examples.id, examples.file_id, examples.job_id, files.name, files.sha256
        from examples left join files on files.id = examples.file_id and files.org_id = examples.org_id
        where examples.org_id = $1 and examples.hub_id = $2 and examples.status = 'PENDING'
        order by sequence limit 1";
    READ = "update examples set status = $2, sheet_id = $3, error = $4 where id = $1 and status = 'PENDING'";
    MARKED = "update learning set pending = pending - 1, wanted = wanted + $3 where org_id = $1 and hub_id = $2";
    LESSONS = "select sequence, sheet_id, field_values from examples
        where org_id = $1 and hub_id = $2 and status = 'READY' order by sequence";
}

/// An example that is to be added.
#[derive(Debug, Clone)]
pub struct NewExample {
    pub id: ExampleId,
    pub source: ExampleSource,
    pub file_id: Option<FileId>,
    pub job_id: Option<JobId>,
    pub feedback_id: Option<FeedbackId>,
    /// Of the document, where it is known: a sheet that the hub has of the same bytes is used again.
    pub sha256: Option<[u8; 32]>,
    pub values: Values,
}

/// What became of examples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExamplesAdded {
    Done,
    /// There is no such hub any more.
    NoHub,
}

/// A document that an example needs to be read.
#[derive(Debug, Clone)]
pub struct DocumentToRead {
    pub id: ExampleId,
    /// None where the file is gone.
    pub document: Option<(FileId, String, [u8; 32])>,
}

/// One event of a hub, as learning needs it.
#[derive(Debug, Clone)]
pub struct Lesson {
    pub sequence: u64,
    pub sheet: SheetKey,
    pub values: Values,
}

impl FromRow for Example {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let id = row.take()?;
        let (source, status) = (row.take::<String>()?, row.take::<String>()?);
        Ok(Self {
            id,
            source: ExampleSource::parse(&source)
                .ok_or_else(|| Error::corrupt(format!("{source} is no source of examples")))?,
            status: ExampleStatus::parse(&status)
                .ok_or_else(|| Error::corrupt(format!("{status} is no status of an example")))?,
            error: row.take()?,
            file_id: row.take()?,
            job_id: row.take()?,
            feedback_id: row.take()?,
            values: row.take::<Json<Values>>()?.0,
            created_at: row.take()?,
        })
    }
}

impl FromRow for DocumentToRead {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let (id, file_id, _job): (ExampleId, Option<FileId>, Option<JobId>) =
            (row.take()?, row.take()?, row.take()?);
        let (name, sha256): (Option<String>, Option<[u8; 32]>) = (row.take()?, row.take()?);
        let document = file_id.zip(name).zip(sha256).map(|((id, name), sha256)| (id, name, sha256));
        Ok(Self { id, document })
    }
}

impl FromRow for Lesson {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { sequence: row.take()?, sheet: row.take()?, values: row.take::<Json<Values>>()?.0 })
    }
}

/// Appends an example to its hub's; false where there is no such hub.
pub(crate) async fn append(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    hub_id: HubId,
    example: &NewExample,
    now: Timestamp,
) -> Result<bool> {
    let hub_id = hub_id.to_string();
    let key = [org_id.into(), (&hub_id).into()];
    if tx.optional::<(String,)>(&HUB, &key).await?.is_none() {
        return Ok(false);
    }
    let mut sheet = match example.job_id {
        Some(job_id) => sheets::of_job(tx, org_id, &hub_id, job_id).await?,
        None => None,
    };
    if let (None, Some(sha256)) = (sheet, &example.sha256) {
        sheet = sheets::by_content(tx, org_id, &hub_id, sha256).await?;
    }
    let ready = sheet.is_some();
    let counts = [org_id.into(), (&hub_id).into(), (!ready).into(), ready.into()];
    let (next,): (u64,) = tx.one(&NEXT, &counts).await?;
    let status = if ready { ExampleStatus::Ready } else { ExampleStatus::Pending };
    let values = to_json(&example.values)?;
    let params = [
        example.id.into(),
        org_id.into(),
        (&hub_id).into(),
        (next - 1).into(),
        example.source.as_str().into(),
        status.as_str().into(),
        sheet.into(),
        example.file_id.into(),
        example.job_id.into(),
        example.feedback_id.into(),
        (&values).into(),
        now.into(),
    ];
    tx.execute(&INSERT, &params).await?;
    Ok(true)
}

impl Learning<'_> {
    /// Adds examples, all or none. Hint `Topic::Learning` after.
    pub async fn add(
        &self,
        org_id: OrgId,
        hub_id: HubId,
        examples: Vec<NewExample>,
        request: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Once<ExamplesAdded>> {
        let input = (org_id, hub_id, examples, request, now);
        let add = self.0.db.write(input, |tx, (org_id, hub_id, examples, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                for example in examples {
                    if !append(tx, *org_id, *hub_id, example, *now).await? {
                        idempotency::forget(tx, request.as_ref()).await?;
                        return Ok(Once::First(ExamplesAdded::NoHub));
                    }
                }
                Ok(Once::First(ExamplesAdded::Done))
            })
        });
        add.await
    }

    pub async fn example(&self, org_id: OrgId, hub_id: HubId, id: ExampleId) -> Result<Option<Example>> {
        let get = self.0.db.read((org_id, hub_id.to_string(), id), |tx, (org_id, hub_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), hub_id.into(), (*id).into()]).await })
        });
        get.await
    }

    /// A page of a hub's examples in their order, whatever the request sorts by.
    pub async fn examples(&self, org_id: OrgId, hub_id: HubId, page: PageRequest) -> Result<Paged<Example>> {
        let list = self.0.db.read((org_id, hub_id.to_string(), page), |tx, (org_id, hub_id, page)| {
            Box::pin(async move {
                let [limit, offset] = window(page);
                let sql = if page.direction == Direction::Ascending { &OLDEST } else { &NEWEST };
                let data = tx.rows(sql, &[(*org_id).into(), hub_id.into(), limit, offset]).await?;
                let (total,) = tx.one(&COUNT, &[(*org_id).into(), hub_id.into()]).await?;
                Ok(Paged::new(data, page, total))
            })
        });
        list.await
    }

    /// Forgets an example: the hub's next model does not know it, and with that one every model that did is deleted.
    pub async fn delete_example(&self, org_id: OrgId, hub_id: HubId, id: ExampleId) -> Result<bool> {
        let delete = self.0.db.write((org_id, hub_id.to_string(), id), |tx, (org_id, hub_id, id)| {
            Box::pin(async move {
                let deleted = tx.execute(&DELETE, &[(*org_id).into(), hub_id.into(), (*id).into()]).await?;
                if deleted == 1 {
                    tx.execute(&FORGET, &[(*org_id).into(), hub_id.into()]).await?;
                }
                Ok(deleted == 1)
            })
        });
        delete.await
    }

    /// The document that a claimed hub's oldest pending example needs to be read.
    pub async fn next_to_read(&self, org_id: OrgId, hub_id: HubId) -> Result<Option<DocumentToRead>> {
        let next = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.optional(&PENDING, &[(*org_id).into(), hub_id.into()]).await })
        });
        next.await
    }

    /// Notes what came of reading an example's document: its sheet, or why there is none. False where the lease was
    /// lost.
    pub async fn mark_read(
        &self,
        lease: claim::LearnLease,
        id: ExampleId,
        read: std::result::Result<NewSheet, String>,
        now: Timestamp,
    ) -> Result<bool> {
        let mark = self.0.db.write((lease, id, read, now), |tx, (lease, id, read, now)| {
            Box::pin(async move {
                if !claim::hold(tx, lease).await? {
                    return Ok(false);
                }
                let (status, sheet, error) = match read {
                    Ok(sheet) => {
                        sheets::insert(tx, &[(lease.org_id, sheet)], *now).await?;
                        (ExampleStatus::Ready, Some(sheet.key), None)
                    }
                    Err(why) => (ExampleStatus::Failed, None, Some(why)),
                };
                let params =
                    [(*id).into(), status.as_str().into(), sheet.into(), error.map(String::as_str).into()];
                if tx.execute(&READ, &params).await? == 1 {
                    let hub_id = lease.hub_id.to_string();
                    let ready = status == ExampleStatus::Ready;
                    tx.execute(&MARKED, &[lease.org_id.into(), (&hub_id).into(), ready.into()]).await?;
                }
                Ok(true)
            })
        });
        mark.await
    }

    /// Everything that a hub has been taught, in order.
    pub async fn lessons(&self, org_id: OrgId, hub_id: HubId) -> Result<Vec<Lesson>> {
        let list = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.rows(&LESSONS, &[(*org_id).into(), hub_id.into()]).await })
        });
        list.await
    }

    /// How many examples a hub has.
    pub async fn count_examples(&self, org_id: OrgId, hub_id: HubId) -> Result<u64> {
        let count = self.0.db.read((org_id, hub_id.to_string()), |tx, (org_id, hub_id)| {
            Box::pin(async move { tx.one::<(u64,)>(&COUNT, &[(*org_id).into(), hub_id.into()]).await })
        });
        Ok(count.await?.0)
    }
}

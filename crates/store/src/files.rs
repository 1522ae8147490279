//! Files: a row that says what a blob is. The row is the truth; a blob without a row is rubbish and is swept.

use crate::{
    Store,
    blobs::{BlobEntry, BlobKey},
    db::{FromRow, Param, Row, Tx},
    error::Result,
    idempotency::{self, Idempotency, Once},
    rows::window,
    runs,
    sql::statements,
};
use domain::{
    file::File,
    id::{FileId, OrgId},
    page::{Direction, PageRequest, Paged},
    time::Timestamp,
};

macro_rules! columns {
    () => {
        "id, name, mime_type, size_bytes, created_at, sha256"
    };
}

statements! {
    INSERT = "insert into files (id, org_id, name, mime_type, size_bytes, created_at, sha256)
        values ($1, $2, $3, $4, $5, $6, $7)",
        postgres "insert into files (id, org_id, name, mime_type, size_bytes, created_at, sha256)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bytea[])";
    INSERT_IF_NEW = "insert into files (id, org_id, name, mime_type, size_bytes, created_at, sha256)
        values ($1, $2, $3, $4, $5, $6, $7) on conflict (id) do nothing";
    GET = concat!("select ", columns!(), " from files where org_id = $1 and id = $2");
    COUNT = "select count(*) from files where org_id = $1";
    NEWEST = concat!("select ", columns!(), " from files where org_id = $1
        order by created_at desc, id desc limit $2 offset $3");
    OLDEST = concat!("select ", columns!(), " from files where org_id = $1
        order by created_at, id limit $2 offset $3");
    BY_CONTENT = concat!("select ", columns!(), " from files where org_id = $1 and sha256 = $2 order by created_at, id");
    // A job that is being created holds the row, so that it cannot be deleted under it.
    HOLD = "select id from files where org_id = $1 and id = $2",
        postgres "select id from files where org_id = $1 and id = $2 for key share";
    LOCK = "select id from files where org_id = $1 and id = $2",
        postgres "select id from files where org_id = $1 and id = $2 for update";
    IN_USE = "select id from jobs where file_id = $1 and completed_at is null limit 1";
    DELETE = "delete from files where org_id = $1 and id = $2";
}

/// A file with what only the platform needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub file: File,
    pub sha256: [u8; 32],
}

impl FromRow for StoredFile {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        let file = File {
            id: row.take()?,
            name: row.take()?,
            mime_type: row.take()?,
            size_bytes: row.take()?,
            created_at: row.take()?,
        };
        Ok(Self { file, sha256: row.take()? })
    }
}

/// What became of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileDeleted {
    Done,
    NotFound,
    /// A job or a run that is not terminal uses it.
    InUse,
}

pub(crate) async fn insert(tx: &mut Tx<'_>, org_id: OrgId, stored: &StoredFile) -> Result<()> {
    insert_many(tx, &[(org_id, stored)]).await
}

pub(crate) async fn insert_many(tx: &mut Tx<'_>, files: &[(OrgId, &StoredFile)]) -> Result<()> {
    let rows: Vec<_> = files.iter().map(|(org_id, stored)| params(*org_id, stored).to_vec()).collect();
    tx.execute_bulk(&INSERT, &rows).await.map(drop)
}

/// The same, for a file that an earlier worker on the same job may have stored already.
pub(crate) async fn insert_if_new(tx: &mut Tx<'_>, org_id: OrgId, stored: &StoredFile) -> Result<()> {
    tx.execute(&INSERT_IF_NEW, &params(org_id, stored)).await.map(drop)
}

fn params(org_id: OrgId, stored: &StoredFile) -> [Param<'_>; 7] {
    let file = &stored.file;
    [
        file.id.into(),
        org_id.into(),
        (&file.name).into(),
        (&file.mime_type).into(),
        file.size_bytes.into(),
        file.created_at.into(),
        (&stored.sha256).into(),
    ]
}

/// Whether the file exists, which it will until this transaction ends.
pub(crate) async fn hold(tx: &mut Tx<'_>, org_id: OrgId, id: FileId) -> Result<bool> {
    Ok(tx.optional::<(FileId,)>(&HOLD, &[org_id.into(), id.into()]).await?.is_some())
}

pub struct Files<'s>(&'s Store);

impl Store {
    pub fn files(&self) -> Files<'_> {
        Files(self)
    }
}

impl Files<'_> {
    /// Adds the row of a blob that is stored already.
    pub async fn insert(
        &self,
        org_id: OrgId,
        file: StoredFile,
        request: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Once<()>> {
        let insert = self.0.db.write((org_id, file, request, now), |tx, (org_id, file, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                insert(tx, *org_id, file).await.map(Once::First)
            })
        });
        insert.await
    }

    pub async fn get(&self, org_id: OrgId, id: FileId) -> Result<Option<StoredFile>> {
        let get = self.0.db.read((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move { tx.optional(&GET, &[(*org_id).into(), (*id).into()]).await })
        });
        get.await
    }

    /// A page by creation time, whatever the request sorts by: a file never changes.
    pub async fn list(&self, org_id: OrgId, page: PageRequest) -> Result<Paged<StoredFile>> {
        let list = self.0.db.read((org_id, page), |tx, (org_id, page)| {
            Box::pin(async move {
                let [limit, offset] = window(page);
                let sql = if page.direction == Direction::Ascending { &OLDEST } else { &NEWEST };
                let data = tx.rows(sql, &[(*org_id).into(), limit, offset]).await?;
                let (total,) = tx.one(&COUNT, &[(*org_id).into()]).await?;
                Ok(Paged::new(data, page, total))
            })
        });
        list.await
    }

    /// All files of an organization with these bytes, the oldest first.
    pub async fn by_sha256(&self, org_id: OrgId, sha256: [u8; 32]) -> Result<Vec<StoredFile>> {
        let find = self.0.db.read((org_id, sha256), |tx, (org_id, sha256)| {
            Box::pin(async move { tx.rows(&BY_CONTENT, &[(*org_id).into(), sha256.into()]).await })
        });
        find.await
    }

    /// Deletes the row, then the blob. Where the second fails, a blob without a row is left, which the sweep finds.
    pub async fn delete(&self, org_id: OrgId, id: FileId) -> Result<FileDeleted> {
        let delete = self.0.db.write((org_id, id), |tx, (org_id, id)| {
            Box::pin(async move {
                let key = [(*org_id).into(), (*id).into()];
                if tx.optional::<(FileId,)>(&LOCK, &key).await?.is_none() {
                    return Ok(FileDeleted::NotFound);
                }
                // A statement of its own after the lock, so that it sees what was committed while this one waited.
                if tx.optional::<(FileId,)>(&IN_USE, &[(*id).into()]).await?.is_some()
                    || runs::files::in_use(tx, *id).await?
                {
                    return Ok(FileDeleted::InUse);
                }
                tx.execute(&DELETE, &key).await?;
                runs::files::forget(tx, *id).await?;
                Ok(FileDeleted::Done)
            })
        });
        let deleted = delete.await?;
        if deleted == FileDeleted::Done
            && let Err(error) = self.0.blobs.delete(BlobKey { org_id, file_id: id }).await
        {
            tracing::warn!(%error, file_id = %id, "a deleted file's blob is left to the sweep");
        }
        Ok(deleted)
    }

    /// Those of `entries` that no row and no open job knows.
    pub async fn orphans(&self, entries: Vec<BlobEntry>) -> Result<Vec<BlobEntry>> {
        let find = self.0.db.read(entries, |tx, entries| {
            Box::pin(async move {
                let keys: Vec<_> = entries
                    .iter()
                    .map(|entry| vec![entry.key.org_id.into(), entry.key.file_id.into()])
                    .collect();
                let rows: Vec<Vec<StoredFile>> = tx.rows_many(&GET, &keys).await?;
                let ids: Vec<_> = entries.iter().map(|entry| vec![entry.key.file_id.into()]).collect();
                let jobs: Vec<Vec<(FileId,)>> = tx.rows_many(&IN_USE, &ids).await?;
                let known = rows.iter().zip(&jobs).map(|(row, job)| !row.is_empty() || !job.is_empty());
                let orphans = entries.iter().zip(known).filter(|(_, known)| !known);
                Ok(orphans.map(|(entry, _)| *entry).collect())
            })
        });
        find.await
    }
}

//! Sheets: what learning keeps of a document. The rows say which there are; the bytes are blobs of their own kind.

use super::Learning;
use crate::{
    db::{Cell, FromCell, FromRow, Param, Row, Tx},
    error::Result,
    sql::statements,
};
use domain::{
    id::{ExampleId, HubId, JobId, OrgId, UlidId},
    limits,
    time::Timestamp,
};

statements! {
    INSERT = "insert into sheets (id, org_id, hub_id, job_id, sha256, size_bytes, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (id) do nothing";
    OF_JOB = "select id from sheets where org_id = $1 and hub_id = $2 and job_id = $3";
    BY_CONTENT = "select id from sheets where org_id = $1 and hub_id = $2 and sha256 = $3
        order by created_at, id limit 1";
    KNOWN = "select id from sheets where id = $1";
    // Those that no example rests on, beyond the latest so many of their hub.
    SURPLUS = "delete from sheets where id in (
            select id from (
                select id, row_number() over (partition by org_id, hub_id order by created_at desc, id desc) as place
                from sheets
                where not exists (select 1 from examples where examples.sheet_id = sheets.id)
            ) as unused
            where place > $1 limit $2)
        returning org_id, id";
}

/// Which sheet: the bytes of the ULID of the job or of the example whose document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SheetKey(pub [u8; 16]);

impl From<JobId> for SheetKey {
    fn from(id: JobId) -> Self {
        Self(id.to_bytes())
    }
}

impl From<ExampleId> for SheetKey {
    fn from(id: ExampleId) -> Self {
        Self(id.to_bytes())
    }
}

impl SheetKey {
    /// The same document has the same number in whatever model it is part of.
    pub fn number(self) -> u64 {
        u64::from_be_bytes(std::array::from_fn(|index| self.0[index] ^ self.0[index + 8]))
    }
}

impl std::fmt::Display for SheetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl std::str::FromStr for SheetKey {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<SheetKey> for Param<'_> {
    fn from(key: SheetKey) -> Self {
        Param::Id(key.0)
    }
}

impl FromCell for SheetKey {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        <[u8; 16]>::from_cell(cell).map(Self)
    }
}

/// A sheet whose blob is stored.
#[derive(Debug, Clone)]
pub struct NewSheet {
    pub key: SheetKey,
    pub hub_id: HubId,
    pub job_id: Option<JobId>,
    /// Of the document.
    pub sha256: [u8; 32],
    pub size_bytes: u64,
}

pub(crate) struct Owned(pub OrgId, pub SheetKey);

impl FromRow for Owned {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self(row.take()?, row.take()?))
    }
}

/// Notes sheets of any organizations; one that is known already stays.
pub(crate) async fn insert(tx: &mut Tx<'_>, sheets: &[(OrgId, &NewSheet)], now: Timestamp) -> Result<()> {
    let hub_ids: Vec<String> = sheets.iter().map(|(_, sheet)| sheet.hub_id.to_string()).collect();
    let params = sheets.iter().zip(&hub_ids).map(|((org_id, sheet), hub_id)| {
        vec![
            sheet.key.into(),
            (*org_id).into(),
            hub_id.into(),
            sheet.job_id.into(),
            (&sheet.sha256).into(),
            sheet.size_bytes.into(),
            now.into(),
        ]
    });
    tx.execute_many(&INSERT, &params.collect::<Vec<_>>()).await.map(drop)
}

/// The sheet that a job left for a hub.
pub(crate) async fn of_job(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    hub_id: &str,
    job_id: JobId,
) -> Result<Option<SheetKey>> {
    let params = [org_id.into(), hub_id.into(), job_id.into()];
    Ok(tx.optional::<(SheetKey,)>(&OF_JOB, &params).await?.map(|(key,)| key))
}

/// A hub's sheet of a document with these bytes.
pub(crate) async fn by_content(
    tx: &mut Tx<'_>,
    org_id: OrgId,
    hub_id: &str,
    sha256: &[u8; 32],
) -> Result<Option<SheetKey>> {
    let params = [org_id.into(), hub_id.into(), sha256.into()];
    Ok(tx.optional::<(SheetKey,)>(&BY_CONTENT, &params).await?.map(|(key,)| key))
}

impl Learning<'_> {
    /// Deletes the rows of sheets that are kept no longer; whose blobs are to be deleted.
    pub async fn reap_sheets(&self, limit: u32) -> Result<Vec<(OrgId, SheetKey)>> {
        let reap = self.0.db.write(limit, |tx, limit| {
            Box::pin(async move {
                tx.rows::<Owned>(&SURPLUS, &[limits::SHEETS_PER_HUB_MAX.into(), (*limit).into()]).await
            })
        });
        Ok(reap.await?.into_iter().map(|Owned(org_id, key)| (org_id, key)).collect())
    }

    /// Those of `keys` that no row knows.
    pub async fn orphans(&self, keys: Vec<(OrgId, SheetKey)>) -> Result<Vec<(OrgId, SheetKey)>> {
        let find = self.0.db.read(keys, |tx, keys| {
            Box::pin(async move {
                let params: Vec<_> = keys.iter().map(|(_, key)| vec![(*key).into()]).collect();
                let rows: Vec<Vec<(SheetKey,)>> = tx.rows_many(&KNOWN, &params).await?;
                let orphans = keys.iter().zip(&rows).filter(|(_, known)| known.is_empty());
                Ok(orphans.map(|(key, _)| *key).collect())
            })
        });
        find.await
    }
}

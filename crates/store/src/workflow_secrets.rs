//! Secrets that workflows use: written by name, never read back by a client, opened only for the call that needs them.

use crate::{
    Store,
    db::{FromRow, Row},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    id::{OrgId, UlidId},
    limits,
    time::Timestamp,
};
use zeroize::Zeroizing;

/// The table's name inside the associated data of sealed secrets.
const SEALED_IN: &str = "workflow_secrets";

statements! {
    EXISTS = "select 1 from workflow_secrets where org_id = $1 and name = $2";
    COUNT = "select count(*) from workflow_secrets where org_id = $1";
    PUT = "insert into workflow_secrets (org_id, name, secret, created_at, updated_at) values ($1, $2, $3, $4, $4)
        on conflict (org_id, name) do update set secret = excluded.secret, updated_at = excluded.updated_at";
    LIST = "select name, created_at, updated_at from workflow_secrets where org_id = $1 order by name";
    OPEN = "select name, secret from workflow_secrets where org_id = $1 and name = $2";
    DELETE = "delete from workflow_secrets where org_id = $1 and name = $2";
}

/// A secret as clients see it: that it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRecord {
    pub name: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl FromRow for SecretRecord {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self { name: row.take()?, created_at: row.take()?, updated_at: row.take()? })
    }
}

/// Secrets by name, opened. Not `Debug`, so that nothing shows them.
pub type OpenSecrets = Vec<(String, Zeroizing<String>)>;

pub struct WorkflowSecrets<'s>(&'s Store);

impl Store {
    pub fn workflow_secrets(&self) -> WorkflowSecrets<'_> {
        WorkflowSecrets(self)
    }
}

impl WorkflowSecrets<'_> {
    /// Sets a secret; false where the organization has [`limits::WORKFLOW_SECRETS_PER_ORG_MAX`] others.
    pub async fn put(
        &self,
        org_id: OrgId,
        name: String,
        secret: Zeroizing<String>,
        now: Timestamp,
    ) -> Result<bool> {
        let sealed = self.0.sealer.seal(SEALED_IN, &row(org_id, &name), secret.as_bytes())?;
        let put = self.0.db.write((org_id, name, sealed, now), |tx, (org_id, name, sealed, now)| {
            Box::pin(async move {
                let key = [(*org_id).into(), name.into()];
                if tx.optional::<()>(&EXISTS, &key).await?.is_none() {
                    let (count,): (u64,) = tx.one(&COUNT, &key[..1]).await?;
                    if count >= limits::WORKFLOW_SECRETS_PER_ORG_MAX {
                        return Ok(false);
                    }
                }
                tx.execute(&PUT, &[&key[..], &[sealed.into(), (*now).into()]].concat()).await?;
                Ok(true)
            })
        });
        put.await
    }

    /// Which secrets there are, by name.
    pub async fn list(&self, org_id: OrgId) -> Result<Vec<SecretRecord>> {
        let list = self
            .0
            .db
            .read(org_id, |tx, org_id| Box::pin(async move { tx.rows(&LIST, &[(*org_id).into()]).await }));
        list.await
    }

    /// The secrets of these names, opened; those that do not exist are missing.
    pub async fn open(&self, org_id: OrgId, names: &[String]) -> Result<OpenSecrets> {
        let read = self.0.db.read((org_id, names.to_vec()), |tx, (org_id, names)| {
            Box::pin(async move {
                let keys: Vec<_> = names.iter().map(|name| vec![(*org_id).into(), name.into()]).collect();
                tx.rows_many::<(String, Vec<u8>)>(&OPEN, &keys).await
            })
        });
        let open = |(name, sealed): (String, Vec<u8>)| -> Result<_> {
            let mut bytes = self.0.sealer.open(SEALED_IN, &row(org_id, &name), &sealed)?;
            let text = String::from_utf8(std::mem::take(&mut *bytes));
            Ok((name, text.map(Zeroizing::new).map_err(|_| Error::corrupt("a secret"))?))
        };
        read.await?.into_iter().flatten().map(open).collect()
    }

    /// Deletes a secret; false where there is none.
    pub async fn delete(&self, org_id: OrgId, name: String) -> Result<bool> {
        let delete = self.0.db.write((org_id, name), |tx, (org_id, name)| {
            Box::pin(async move { tx.execute(&DELETE, &[(*org_id).into(), name.into()]).await })
        });
        Ok(delete.await? == 1)
    }
}

/// The row's name inside the associated data.
fn row(org_id: OrgId, name: &str) -> Vec<u8> {
    [&org_id.to_bytes()[..], name.as_bytes()].concat()
}

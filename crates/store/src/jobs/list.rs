//! Lists of jobs: filters, sorting, pages.

use super::{
    Jobs,
    row::{Bare, columns},
};
use crate::{
    error::Result,
    rows::{to_json_optional, window},
    sorted::sorted,
};
use domain::{
    id::{HubId, OrgId},
    job::{Job, JobStatus},
    metadata::Metadata,
    page::{PageRequest, Paged},
    time::Timestamp,
};

/// Which jobs a list shows; what is absent does not narrow it.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    pub status: Option<JobStatus>,
    pub hub_id: Option<HubId>,
    /// Later than this.
    pub created_after: Option<Timestamp>,
    /// Earlier than this.
    pub created_before: Option<Timestamp>,
    /// Every pair must be among the job's.
    pub metadata: Metadata,
}

// The comparison stands before the test for null, so that PostgreSQL learns the parameter's type from it.
macro_rules! filtered {
    () => {
        " from jobs where org_id = $1 and (status = $2 or $2 is null) and (hub_id = $3 or $3 is null) \
         and (created_at > $4 or $4 is null) and (created_at < $5 or $5 is null) "
    };
}

macro_rules! with_metadata_sqlite {
    () => {
        concat!(
            filtered!(),
            "and ($6 is null or not exists (select 1 from json_each($6) wanted where not exists \
             (select 1 from json_each(jobs.metadata) given where given.key = wanted.key and given.value = wanted.value)))"
        )
    };
}

macro_rules! with_metadata_postgres {
    () => {
        concat!(filtered!(), "and (metadata @> $6 or $6 is null)")
    };
}

sorted!(columns, with_metadata_sqlite, with_metadata_postgres, " limit $7 offset $8");

impl Jobs<'_> {
    /// A page of an organization's jobs, without outputs. Sorted by completion, open jobs count as the oldest.
    pub async fn list(&self, org_id: OrgId, filter: JobFilter, page: PageRequest) -> Result<Paged<Job>> {
        let list = self.0.db.read((org_id, filter, page), |tx, (org_id, filter, page)| {
            Box::pin(async move {
                let hub_id = filter.hub_id.map(|id| id.to_string());
                let metadata = Some(&filter.metadata).filter(|metadata| !metadata.is_empty());
                let metadata = to_json_optional(metadata)?;
                let filters = [
                    (*org_id).into(),
                    filter.status.into(),
                    hub_id.as_ref().into(),
                    filter.created_after.into(),
                    filter.created_before.into(),
                    metadata.as_ref().into(),
                ];
                let params = [&filters[..], &window(page)].concat();
                let jobs = tx.rows::<Bare>(statement(page), &params).await?;
                let (total,) = tx.one(&COUNT, &filters).await?;
                Ok(Paged::new(jobs.into_iter().map(|Bare(job)| job).collect(), page, total))
            })
        });
        list.await
    }
}

//! Lists of runs: filters, sorting, pages. Nested runs are among them: each is a run of its own workflow.

use super::{
    Runs,
    row::{Bare, columns},
};
use crate::{error::Result, rows::window, sorted::sorted};
use domain::{
    id::{OrgId, RunId},
    page::{PageRequest, Paged},
    run::{Run, RunStatus},
    time::Timestamp,
};

/// Which runs a list shows; what is absent does not narrow it.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub status: Option<RunStatus>,
    pub workflow_id: Option<String>,
    /// Only the runs that this one began.
    pub parent_run_id: Option<RunId>,
    /// Later than this.
    pub created_after: Option<Timestamp>,
    /// Earlier than this.
    pub created_before: Option<Timestamp>,
}

// The comparison stands before the test for null, so that PostgreSQL learns the parameter's type from it.
macro_rules! filtered {
    () => {
        " from runs where org_id = $1 and (status = $2 or $2 is null) and (workflow_id = $3 or $3 is null) \
         and (parent_id = $4 or $4 is null) and (created_at > $5 or $5 is null) and (created_at < $6 or $6 is null) "
    };
}

sorted!(columns, filtered, filtered, " limit $7 offset $8");

impl Runs<'_> {
    /// A page of an organization's runs, as summaries. Sorted by completion, open runs count as the oldest.
    pub async fn list(
        &self,
        org_id: OrgId,
        filter: RunFilter,
        page: PageRequest,
        now: Timestamp,
    ) -> Result<Paged<Run>> {
        let list = self.0.db.read((org_id, filter, page, now), |tx, (org_id, filter, page, now)| {
            Box::pin(async move {
                let filters = [
                    (*org_id).into(),
                    filter.status.into(),
                    filter.workflow_id.as_ref().into(),
                    filter.parent_run_id.into(),
                    filter.created_after.into(),
                    filter.created_before.into(),
                ];
                let params = [&filters[..], &window(page)].concat();
                let runs = tx.rows::<Bare>(statement(page), &params).await?;
                let (total,) = tx.one(&COUNT, &filters).await?;
                Ok(Paged::new(runs.into_iter().map(|bare| bare.at(*now)).collect(), page, total))
            })
        });
        list.await
    }
}

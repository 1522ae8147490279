//! Feedback on jobs.

use crate::{
    Store,
    db::{FromRow, Row, Tx},
    error::{Error, Result},
    idempotency::{self, Idempotency, Once},
    learning::{NewExample, examples},
    rows::{Json, feedback_type, to_json_optional},
    sql::statements,
};
use domain::{
    feedback::{Feedback, FeedbackType},
    id::{HubId, JobId, OrgId},
    time::Timestamp,
};

statements! {
    INSERT = "insert into feedback (id, org_id, job_id, kind, message, field_id, value, placement, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    LIST = "select id, job_id, message, kind, field_id, value, placement, created_at from feedback
        where org_id = $1 and job_id = $2 order by created_at, id";
}

impl FromRow for Feedback {
    fn from_row(row: &mut Row<'_>) -> Result<Self> {
        Ok(Self {
            id: row.take()?,
            job_id: row.take()?,
            message: row.take()?,
            kind: match row.take::<String>()?.as_str() {
                "ERROR" => FeedbackType::Error,
                "INFO" => FeedbackType::Info,
                other => return Err(Error::corrupt(format!("{other} is not a kind of feedback"))),
            },
            field_id: row.take()?,
            value: row.take::<Option<Json<_>>>()?.map(|Json(value)| value),
            placement: row.take::<Option<Json<_>>>()?.map(|Json(placement)| placement),
            created_at: row.take()?,
        })
    }
}

async fn insert(tx: &mut Tx<'_>, org_id: OrgId, feedback: &Feedback) -> Result<()> {
    let value = to_json_optional(feedback.value.as_ref())?;
    let placement = to_json_optional(feedback.placement.as_ref())?;
    let params = [
        feedback.id.into(),
        org_id.into(),
        feedback.job_id.into(),
        feedback_type(feedback.kind).into(),
        (&feedback.message).into(),
        feedback.field_id.as_ref().into(),
        value.as_ref().into(),
        placement.as_ref().into(),
        feedback.created_at.into(),
    ];
    tx.execute(&INSERT, &params).await.map(drop)
}

pub struct Feedbacks<'s>(&'s Store);

impl Store {
    pub fn feedback(&self) -> Feedbacks<'_> {
        Feedbacks(self)
    }
}

impl Feedbacks<'_> {
    /// Keeps a feedback and, where it `teaches` a hub, the example that it is, in one transaction. Hint
    /// `Topic::Learning` after.
    pub async fn insert(
        &self,
        org_id: OrgId,
        feedback: Feedback,
        teaches: Option<(HubId, NewExample)>,
        request: Option<Idempotency>,
        now: Timestamp,
    ) -> Result<Once<()>> {
        let input = (org_id, feedback, teaches, request, now);
        let insert = self.0.db.write(input, |tx, (org_id, feedback, teaches, request, now)| {
            Box::pin(async move {
                if let Some(earlier) = idempotency::begin(tx, request.as_ref(), *now).await? {
                    return Ok(earlier);
                }
                insert(tx, *org_id, feedback).await?;
                if let Some((hub_id, example)) = teaches {
                    // A hub that is gone learns nothing; the feedback is kept all the same.
                    examples::append(tx, *org_id, *hub_id, example, *now).await?;
                }
                Ok(Once::First(()))
            })
        });
        insert.await
    }

    /// All feedback on a job, the oldest first.
    pub async fn list(&self, org_id: OrgId, job_id: JobId) -> Result<Vec<Feedback>> {
        let list = self.0.db.read((org_id, job_id), |tx, (org_id, job_id)| {
            Box::pin(async move { tx.rows(&LIST, &[(*org_id).into(), (*job_id).into()]).await })
        });
        list.await
    }
}

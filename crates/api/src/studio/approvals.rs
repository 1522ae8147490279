//! `GET /approvals`, `GET /approvals/{approvalId}`, `POST /approvals/{approvalId}`

use crate::{
    Api,
    auth::Studio,
    body::Body,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{Json, extract::State};
use domain::{
    fault::Fault,
    id::{ApprovalId, RunId},
    limits,
    page::Paged,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use store::{
    runs::{Approval, ApprovalFilter, ApprovalStatus, Decided},
    wake::Topic,
};
use utoipa::ToSchema;

/// A decision that a run waits for, or that was made.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Approval)]
pub struct ApprovalAnswer {
    id: ApprovalId,
    /// PENDING, APPROVED, REJECTED, or CANCELLED where the run went on without it.
    #[schema(value_type = String)]
    status: ApprovalStatus,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// What the one who decides is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    run_id: RunId,
    workflow_id: String,
    /// The step's place in the run.
    step: String,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decided_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<Value>,
}

impl From<Approval> for ApprovalAnswer {
    fn from(approval: Approval) -> Self {
        Self {
            id: approval.id,
            status: approval.status,
            title: approval.title,
            description: approval.description,
            data: approval.data,
            run_id: approval.run_id,
            workflow_id: approval.workflow_id,
            step: approval.key,
            created_at: approval.created_at,
            decided_at: approval.decided_at,
            decided_by: approval.decided_by,
            decision: approval.decision,
        }
    }
}

/// What was decided.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct DecideApproval {
    #[schema(pattern = "^(approve|reject)$")]
    decision: String,
    /// Who decided, as the step's output says it.
    #[schema(max_length = 256)]
    by: Option<String>,
    /// Any JSON, for the step's output.
    data: Option<Value>,
}

/// All approvals, the newest first.
#[utoipa::path(get, path = "/approvals", operation_id = "listApprovals", tag = "Workflow runs",
    params(
        PageParameters,
        ("status" = Option<String>, Query, description = "PENDING, APPROVED, REJECTED or CANCELLED"),
        ("runId" = Option<RunId>, Query),
    ),
    responses((status = 200, description = "One page of approvals", body = Paged<ApprovalAnswer>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    mut query: Query,
) -> Result<Json<Paged<ApprovalAnswer>>> {
    let page = query.page()?;
    let names = ["PENDING", "APPROVED", "REJECTED", "CANCELLED"];
    let filter = ApprovalFilter {
        status: query.one_of("status", ApprovalStatus::parse, &names)?,
        run_id: query.parsed("runId")?,
    };
    query.finish()?;
    let approvals = api.store.runs().approvals(caller.org_id, filter, page).await?;
    Ok(Json(approvals.map(ApprovalAnswer::from)))
}

/// An approval.
#[utoipa::path(get, path = "/approvals/{approvalId}", operation_id = "getApproval", tag = "Workflow runs",
    params(("approvalId" = ApprovalId, Path)),
    responses((status = 200, description = "The approval", body = ApprovalAnswer)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<ApprovalId>,
) -> Result<Json<ApprovalAnswer>> {
    let found = api.store.runs().approval(caller.org_id, id).await?;
    Ok(Json(found.ok_or_else(missing::<ApprovalId>)?.into()))
}

/// Approve or reject; the first decision counts.
#[utoipa::path(post, path = "/approvals/{approvalId}", operation_id = "decideApproval", tag = "Workflow runs",
    params(("approvalId" = ApprovalId, Path)),
    request_body = DecideApproval,
    responses((status = 200, description = "The approval as it is now", body = ApprovalAnswer)))]
pub async fn decide(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<ApprovalId>,
    body: Body,
) -> Result<Json<ApprovalAnswer>> {
    let mut fields = body.fields()?;
    fields.require("decision");
    let parse = |text: &str| ["approve", "reject"].contains(&text).then(|| text == "approve");
    let approved = fields.one_of("decision", parse, &["approve", "reject"]);
    let by = fields.text("by", 1..=limits::APPROVER_CHARACTERS_MAX);
    let data = fields.take("data");
    fields.finish()?;
    let approved = approved.ok_or_else(|| Fault::field("decision", "is required"))?;
    let decided = api.store.runs().decide((caller.org_id, id), approved, by, data, api.context.now()).await?;
    match decided {
        Decided::Done(approval) => {
            api.store.wake().hint(Topic::Runs);
            Ok(Json((*approval).into()))
        }
        Decided::NotFound => Err(missing::<ApprovalId>()),
        Decided::Already(status) => {
            Err(Fault::conflict(format!("the approval is {} already", status.as_str())).into())
        }
    }
}

//! `POST /workflows/{workflowId}/publish`

use super::{
    compile::{Diagnostic, compile},
    versions::Version,
};
use crate::{
    Api,
    auth::Studio,
    body::Body,
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    path::{Id, missing},
    problem::{Beside, Problem, Result},
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use domain::{
    fault::{Detail, Fault},
    workflow::{WorkflowId, WorkflowVersion},
};
use store::workflows::{Compiled, Published};

/// Make the draft the version that new runs get. Runs under way keep theirs.
///
/// A draft that means the same as the newest version makes no new one. A draft that is wrong is refused with every
/// mistake in `diagnostics`.
#[utoipa::path(post, path = "/workflows/{workflowId}/publish", operation_id = "publishWorkflow", tag = "Workflow definitions",
    params(("workflowId" = WorkflowId, Path), IdempotencyHeader),
    responses((status = 200, description = "The newest version", body = Version)))]
pub async fn publish(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<WorkflowId>,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    body.optional_fields()?.finish()?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    let workflows = api.store.workflows();
    let draft = workflows.get(caller.org_id, id.clone()).await?.ok_or_else(missing::<WorkflowId>)?;
    let (source, outcome) = compile(&api, caller.org_id, Some(&id), draft.source).await?;
    let definition = match outcome {
        Ok(definition) => definition,
        Err(diagnostics) => return Ok(refused(diagnostics)),
    };
    let compiled = Compiled {
        source,
        name: definition.name.clone(),
        definition: definition.canonical_bytes(),
        hash: definition.hash().to_string(),
    };
    // What is answered is known inside the transaction alone, and written into the record there.
    let request = key.record(caller.org_id, &fingerprint, &Reply::new(StatusCode::OK, &())?);
    let recorded = request.map(|request| (request, render as fn(&WorkflowVersion) -> Vec<u8>));
    match workflows.publish(caller.org_id, id, compiled, recorded, api.context.now()).await? {
        Published::New(version) | Published::Same(version) => {
            Ok(Reply::new(StatusCode::OK, &Version::from(version))?.into_response())
        }
        Published::Earlier(once) => Reply::new(StatusCode::OK, &())?.settle(once),
        Published::Changed => {
            let message = "the draft was changed while it was being published; publish again";
            Err(Fault::transient_conflict(message).into())
        }
        Published::NotFound => Err(missing::<WorkflowId>()),
    }
}

fn render(version: &WorkflowVersion) -> Vec<u8> {
    serde_json::to_vec(&Version::from(version.clone())).expect("a version is plain data with string keys")
}

/// The error in its own shape, and the diagnostics beside it.
fn refused(diagnostics: Vec<Diagnostic>) -> Response {
    let details = diagnostics.iter().map(|found| Detail::new("draft", found.issue())).collect();
    let mut response = Problem(Fault::validation(details)).into_response();
    response.extensions_mut().insert(Beside(diagnostics));
    response
}

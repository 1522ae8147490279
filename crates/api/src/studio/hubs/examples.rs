//! `POST /hubs/{hubId}/examples`, and what came of them.

use crate::{
    Api,
    auth::Studio,
    body::{Body, Fields},
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    jobs::field_value,
    path::{Id, missing},
    problem::Result,
    query::{PageParameters, Query},
};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use domain::{
    extraction::ExtractionOutput,
    fault::{Detail, Fault},
    hub::Hub,
    id::{ExampleId, FileId, HubId, OrgId},
    learning::{Example, ExampleSource, ExampleStatus, Values},
    limits,
    page::Paged,
    time::Timestamp,
};
use serde::Serialize;
use store::{
    idempotency::Once,
    learning::{ExamplesAdded, NewExample},
    wake::Topic,
};
use utoipa::ToSchema;

/// A document and what is right about it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct CreateExample {
    /// A stored file.
    file_id: FileId,
    /// Field id to the right value in the field's own encoding; `null` where the document has none. Fields that are left
    /// out are not confirmed.
    #[schema(value_type = std::collections::BTreeMap<String, Option<Object>>)]
    values: Values,
}

/// One, or up to 500 of them.
#[derive(ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "only its schema is used")]
enum CreateExamples {
    One(CreateExample),
    Many(Vec<CreateExample>),
}

/// The answer to a list.
#[derive(Serialize, ToSchema)]
pub struct Examples {
    data: Vec<Example>,
}

struct Given {
    file_id: FileId,
    values: Values,
}

/// Teach a hub from labelled documents. They are read in the background; `status` says how far each is.
#[utoipa::path(post, path = "/hubs/{hubId}/examples", operation_id = "createExamples", tag = "Studio",
    params(("hubId" = HubId, Path), IdempotencyHeader),
    request_body = CreateExamples,
    responses((status = 201, description = "The example; of a list, `{\"data\":[…]}` in its order", body = Example)))]
pub async fn create(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let hub = api.store.hubs().get(caller.org_id, id).await?.ok_or_else(missing::<HubId>)?;
    let (given, is_list) = read(body, &hub)?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    if api.store.learning().count_examples(caller.org_id, id).await? >= limits::EXAMPLES_PER_HUB_MAX {
        let max = limits::EXAMPLES_PER_HUB_MAX;
        return Err(Fault::conflict(format!("a hub has at most {max} examples; delete some first")).into());
    }
    let now = api.context.now();
    let examples = with_files(&api, caller.org_id, given, is_list).await?;
    let mut shown: Vec<Example> = examples.iter().map(|example| as_shown(example, now)).collect();
    let reply = match (is_list, shown.len()) {
        (false, 1) => Reply::new(StatusCode::CREATED, &shown.remove(0))?,
        _ => Reply::new(StatusCode::CREATED, &Examples { data: shown })?,
    };
    let request = key.record(caller.org_id, &fingerprint, &reply);
    let added = api.store.learning().add(caller.org_id, id, examples, request, now).await?;
    if let Once::First(ExamplesAdded::NoHub) = added {
        return Err(missing::<HubId>());
    }
    api.store.wake().hint(Topic::Learning);
    reply.settle(added)
}

/// Every file is looked up; those that are not there are told together.
async fn with_files(api: &Api, org_id: OrgId, given: Vec<Given>, is_list: bool) -> Result<Vec<NewExample>> {
    let mut examples = Vec::with_capacity(given.len());
    let mut details = Vec::new();
    for (index, Given { file_id, values }) in given.into_iter().enumerate() {
        let Some(stored) = api.store.files().get(org_id, file_id).await? else {
            let path = if is_list { format!("[{index}].fileId") } else { "fileId".to_owned() };
            details.push(Detail::new(path, "no such file"));
            continue;
        };
        examples.push(NewExample {
            id: api.context.id(),
            source: ExampleSource::Example,
            file_id: Some(file_id),
            job_id: None,
            feedback_id: None,
            sha256: Some(stored.sha256),
            values,
        });
    }
    if details.is_empty() { Ok(examples) } else { Err(Fault::validation(details).into()) }
}

fn as_shown(example: &NewExample, now: Timestamp) -> Example {
    Example {
        id: example.id,
        source: example.source,
        status: ExampleStatus::Pending,
        error: None,
        file_id: example.file_id,
        job_id: example.job_id,
        feedback_id: example.feedback_id,
        values: example.values.clone(),
        created_at: now,
    }
}

fn read(body: Body, hub: &Hub) -> Result<(Vec<Given>, bool)> {
    let (mut all, is_list) = body.one_or_many(limits::EXAMPLES_PER_REQUEST_MAX)?;
    let mut given = Vec::with_capacity(all.len());
    let mut details = Vec::new();
    for fields in &mut all {
        given.extend(one(fields, hub));
    }
    for fields in all {
        if let Err(problem) = fields.finish() {
            details.extend(problem.0.details);
        }
    }
    if details.is_empty() { Ok((given, is_list)) } else { Err(Fault::validation(details).into()) }
}

fn one(body: &mut Fields, hub: &Hub) -> Option<Given> {
    body.require("fileId");
    body.require("values");
    let file_id = body.parsed::<FileId>("fileId");
    let values = body.values("values")?;
    if values.is_empty() {
        body.wrong("values", "must have at least one field");
    }
    let nothing = ExtractionOutput::new(Vec::new());
    for (id, value) in &values {
        let path = format!("values.{id}");
        match field_value::find(id, Some(hub), &nothing) {
            None => body.wrong(&path, "the hub has no such field"),
            Some(field) => {
                if let Err(detail) = field_value::check_value(&field, value) {
                    body.wrong(&format!("{path}{}", detail.field.trim_start_matches("value")), detail.issue);
                }
            }
        }
    }
    Some(Given { file_id: file_id?, values })
}

/// A hub's examples, feedback with values among them, the newest first.
#[utoipa::path(get, path = "/hubs/{hubId}/examples", operation_id = "listExamples", tag = "Studio",
    params(("hubId" = HubId, Path), PageParameters),
    responses((status = 200, description = "One page of examples", body = Paged<Example>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Studio,
    Id(id): Id<HubId>,
    mut query: Query,
) -> Result<Json<Paged<Example>>> {
    let page = query.page()?;
    query.finish()?;
    api.store.hubs().get(caller.org_id, id).await?.ok_or_else(missing::<HubId>)?;
    Ok(Json(api.store.learning().examples(caller.org_id, id, page).await?))
}

/// An example.
#[utoipa::path(get, path = "/hubs/{hubId}/examples/{exampleId}", operation_id = "getExample", tag = "Studio",
    params(("hubId" = HubId, Path), ("exampleId" = ExampleId, Path)),
    responses((status = 200, description = "The example", body = Example)))]
pub async fn get(
    State(api): State<Api>,
    caller: Studio,
    Path((hub_id, id)): Path<(String, String)>,
) -> Result<Json<Example>> {
    let (hub_id, id) = ids(&hub_id, &id)?;
    let example = api.store.learning().example(caller.org_id, hub_id, id).await?;
    Ok(Json(example.ok_or_else(missing::<ExampleId>)?))
}

/// Take an example back. The hub learns anew without it, and earlier models that knew it are deleted.
#[utoipa::path(delete, path = "/hubs/{hubId}/examples/{exampleId}", operation_id = "deleteExample", tag = "Studio",
    params(("hubId" = HubId, Path), ("exampleId" = ExampleId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(
    State(api): State<Api>,
    caller: Studio,
    Path((hub_id, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let (hub_id, id) = ids(&hub_id, &id)?;
    if !api.store.learning().delete_example(caller.org_id, hub_id, id).await? {
        return Err(missing::<ExampleId>());
    }
    api.store.wake().hint(Topic::Learning);
    Ok(StatusCode::NO_CONTENT)
}

fn ids(hub_id: &str, id: &str) -> Result<(HubId, ExampleId)> {
    match (hub_id.parse(), id.parse()) {
        (Ok(hub_id), Ok(id)) => Ok((hub_id, id)),
        _ => Err(missing::<ExampleId>()),
    }
}

//! `GET /event-listeners/{listenerId}/deliveries`
//!
//! Long polling, as the feed has it. Each delivery is a request as an endpoint would have received it, headers and bytes, signed when it
//! is read.

use crate::{
    Api,
    auth::Caller,
    follow::{Follow, FollowQuery},
    path::Id,
    problem::{Problem, Result},
    query::Query,
    serve::Stopping,
};
use axum::{Json, extract::State};
use domain::{
    context::Context,
    fault::Fault,
    id::{EventId, SubscriptionId},
    limits,
    request::Head,
    signature,
};
use serde::Serialize;
use std::collections::BTreeMap;
use store::listeners::Heard;
use utoipa::ToSchema;
use zeroize::Zeroizing;

#[derive(Debug, Serialize, ToSchema)]
pub struct ListenerDeliveries {
    data: Vec<ListenerDelivery>,
    /// To be given as `after` the next time.
    next: u64,
}

/// A request as an endpoint would have received it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ListenerDelivery {
    sequence: u64,
    event_id: EventId,
    /// Names in lower case.
    headers: BTreeMap<&'static str, String>,
    /// The body's bytes as text: what the signatures in `headers` were made of.
    body: String,
}

/// What happened after a sequence number, in order. Waits for the next event where there is none yet.
///
/// Events whose job was deleted before they were read are left out; their numbers are not given to others.
#[utoipa::path(get, path = "/event-listeners/{listenerId}/deliveries", operation_id = "readEventListener", tag = "Event listeners",
    params(
        ("listenerId" = SubscriptionId, Path),
        FollowQuery,
    ),
    responses((status = 200, description = "What is new", body = ListenerDeliveries)))]
pub async fn deliveries(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    stopping: Stopping,
    query: Query,
) -> Result<Json<ListenerDeliveries>> {
    let follow = Follow::read(query)?;
    if !api.store.listeners().keep(caller.org_id, id, api.context.now()).await? {
        return Err(no_listener());
    }
    let look = || async { api.store.listeners().log(caller.org_id, id, follow.after, follow.limit).await };
    let heard = follow.wait(&api, &stopping, look).await?;
    answer(&api, id, heard, follow.after).await.map(Json)
}

async fn answer(api: &Api, id: SubscriptionId, heard: Vec<Heard>, after: u64) -> Result<ListenerDeliveries> {
    let mut answer = ListenerDeliveries { data: Vec::new(), next: after };
    if heard.is_empty() {
        return Ok(answer);
    }
    let targets = api.store.subscriptions().targets(&[id], api.context.now()).await?;
    let target = targets.into_iter().next().ok_or_else(no_listener)?;
    let mut bytes = 0;
    for heard in heard {
        bytes += heard.body.as_ref().map_or(0, |body| body.len());
        if bytes > limits::LISTENER_ANSWER_BYTES_MAX && !answer.data.is_empty() {
            break;
        }
        answer.next = heard.sequence;
        answer.data.extend(delivery(heard, &target.secrets, &api.context)?);
    }
    Ok(answer)
}

fn delivery(
    heard: Heard,
    secrets: &[Zeroizing<String>],
    context: &Context,
) -> Result<Option<ListenerDelivery>> {
    let Some(body) = heard.body else { return Ok(None) };
    let at = context.now();
    let head = Head {
        delivery_id: context.id(),
        event_id: heard.event_id,
        event_type: heard.event_type,
        occurred_at: heard.occurred_at,
        sequence: Some(heard.sequence),
        at,
    };
    let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
    let standard = signature::sign_standard(&secrets, &heard.event_id.to_string(), at, &body);
    let headers = head.headers(signature::sign(&secrets, at, &body), standard);
    let body = String::from_utf8(body.to_vec()).map_err(|error| {
        tracing::error!(%error, event_id = %heard.event_id, "a stored event cannot be read");
        Problem::internal()
    })?;
    let headers = headers.into_iter().collect();
    Ok(Some(ListenerDelivery { sequence: heard.sequence, event_id: heard.event_id, headers, body }))
}

/// The answer where there is no such listener, or it has ended.
pub fn no_listener() -> Problem {
    Fault::not_found("event listener").into()
}

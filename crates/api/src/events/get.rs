//! `GET /events/{eventId}`

use super::list::EventSummary;
use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use domain::id::EventId;

/// An event, byte for byte as it is sent. Without `data` where its job was deleted.
#[utoipa::path(get, path = "/events/{eventId}", operation_id = "getEvent", tag = "Events",
    params(("eventId" = EventId, Path)),
    responses((status = 200, description = "The event", body = EventSummary)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<EventId>) -> Result<Response> {
    let event = api.store.events().get(caller.org_id, id).await?.ok_or_else(missing::<EventId>)?;
    let summary = EventSummary::of(&event);
    Ok(match event.body {
        Some(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => Json(summary).into_response(),
    })
}

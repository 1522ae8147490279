//! `POST /event-subscriptions`

use super::read;
use crate::{
    Api, Settings,
    auth::Caller,
    body::{Body, Fields},
    idempotency::{IdempotencyHeader, IdempotencyKey, Reply},
    problem::Result,
};
use axum::{extract::State, http::StatusCode, response::Response};
use domain::{
    context::Context,
    event::EventType,
    fault::Fault,
    limits,
    subscription::{Filters, Health, Ordering, RateLimit, Subscription, SubscriptionStatus},
};
use std::collections::BTreeMap;
use store::subscriptions::NewSubscription;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Who is to be told of what, and where.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct CreateSubscription {
    /// An https URL of a public address.
    #[schema(format = "uri", min_length = 1, max_length = 2048)]
    endpoint_url: String,
    #[schema(min_items = 1)]
    event_types: Vec<EventType>,
    /// Chosen by the client, never shown again. A secret of the form `whsec_<base64>` works with every Standard
    /// Webhooks library.
    #[schema(write_only, min_length = 1, max_length = 512)]
    signing_secret: String,
    filters: Option<Filters>,
    #[schema(max_length = 512)]
    description: Option<String>,
    /// Static headers for every delivery, at most 16.
    headers: Option<BTreeMap<String, String>>,
    ordering: Option<Ordering>,
    /// A limit of the subscription's own; without it, as fast as the endpoint answers.
    rate_limit: Option<RateLimit>,
    /// Deliveries are signed with the server's key pair too, whose public half is at `/.well-known/jwks.json`: `v1a` in
    /// `webhook-signature`.
    asymmetric_signature: Option<bool>,
}

/// Subscribe an endpoint to events.
#[utoipa::path(post, path = "/event-subscriptions", operation_id = "createEventSubscription", tag = "Event subscriptions",
    params(IdempotencyHeader),
    request_body = CreateSubscription,
    responses((status = 201, description = "Created", body = Subscription)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body,
) -> Result<Response> {
    let fingerprint = body.fingerprint();
    let (subscription, secret) = read(body.fields()?, &api.settings, &api.context)?;
    caller.may_subscribe(&subscription.event_types)?;
    if let Some(earlier) = key.earlier(&api, caller.org_id, &fingerprint).await? {
        return Ok(earlier);
    }
    if api.store.subscriptions().count(caller.org_id).await? >= limits::SUBSCRIPTIONS_PER_ORG_MAX {
        let max = limits::SUBSCRIPTIONS_PER_ORG_MAX;
        return Err(Fault::conflict(format!("an organization has at most {max} subscriptions")).into());
    }
    let now = subscription.created_at;
    let reply = Reply::new(StatusCode::CREATED, &subscription)?;
    let request = key.record(caller.org_id, &fingerprint, &reply);
    let new = NewSubscription { org_id: caller.org_id, subscription, secret, request };
    reply.settle(api.store.subscriptions().insert(new, now).await?)
}

fn read(
    mut body: Fields,
    settings: &Settings,
    context: &Context,
) -> Result<(Subscription, Zeroizing<String>)> {
    body.require("endpointUrl");
    let endpoint_url = read::endpoint_url(&mut body, settings).unwrap_or_default();
    body.require("eventTypes");
    let event_types = read::event_types(&mut body).unwrap_or_default();
    let secret = body.required_text("signingSecret", 1..=limits::SIGNING_SECRET_CHARACTERS_MAX);
    let filters = read::filters(&mut body);
    let description = read::description(&mut body);
    let headers = read::headers(&mut body).unwrap_or_default();
    let ordering = read::ordering(&mut body);
    let rate_limit = read::rate_limit(&mut body);
    let asymmetric_signature = body.boolean("asymmetricSignature").unwrap_or(false);
    body.finish()?;
    let now = context.now();
    let subscription = Subscription {
        id: context.id(),
        status: SubscriptionStatus::Active,
        endpoint_url,
        event_types,
        filters,
        description,
        headers,
        ordering,
        rate_limit,
        asymmetric_signature,
        disabled_reason: None,
        health: Health::default(),
        created_at: now,
        updated_at: now,
    };
    Ok((subscription, Zeroizing::new(secret)))
}

//! `POST /event-listeners`

use crate::{
    Api,
    auth::Caller,
    body::{Body, Fields},
    problem::Result,
    subscriptions::read,
};
use axum::{Json, extract::State, http::StatusCode};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    context::Context,
    event::EventType,
    fault::Fault,
    id::SubscriptionId,
    limits,
    subscription::{Filters, Health, Subscription, SubscriptionStatus},
    time::Timestamp,
};
use serde::Serialize;
use std::collections::BTreeMap;
use store::listeners::NewListener;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Nothing is ever sent to it; a name that cannot exist (RFC 2606) makes that sure.
const NOWHERE: &str = "https://listener.invalid/";

/// What to listen to; everything where it is left out.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct CreateListener {
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    filters: Option<Filters>,
    /// What deliveries are signed with; one is made where it is left out.
    #[schema(write_only, min_length = 1, max_length = 512)]
    signing_secret: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    id: SubscriptionId,
    event_types: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filters: Option<Filters>,
    /// The secret that was made, shown this once; left out where the request named one.
    #[serde(skip_serializing_if = "Option::is_none")]
    signing_secret: Option<String>,
    created_at: Timestamp,
    /// It ends at this time unless somebody reads from it before.
    listening_until: Timestamp,
}

/// Begin to listen: what happens from now on can be read from the listener, signed as a delivery would be.
///
/// A listener ends two minutes after it was last read from, and an organization has at most ten. There is no idempotency
/// here, because the answer may hold a secret and is therefore not kept.
#[utoipa::path(post, path = "/event-listeners", operation_id = "createEventListener", tag = "Event listeners",
    request_body = CreateListener,
    responses((status = 201, description = "It listens", body = Listener)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Listener>)> {
    let (subscription, given) = read(body.optional_fields()?, &api.context)?;
    caller.may_subscribe(&subscription.event_types)?;
    let made = given.is_none().then(|| format!("whsec_{}", STANDARD.encode(api.context.random::<32>())));
    let secret = given.or_else(|| made.clone()).unwrap_or_default();
    let now = subscription.created_at;
    let listener = Listener {
        id: subscription.id,
        event_types: subscription.event_types.clone(),
        filters: subscription.filters.clone(),
        signing_secret: made,
        created_at: now,
        listening_until: now.plus(limits::LISTENER_KEPT),
    };
    let new = NewListener { org_id: caller.org_id, subscription, secret: Zeroizing::new(secret) };
    if !api.store.listeners().insert(new, now).await? {
        let max = limits::LISTENERS_PER_ORG_MAX;
        let message =
            format!("an organization has at most {max} listeners; delete one, or wait until one ends");
        return Err(Fault::conflict(message).into());
    }
    Ok((StatusCode::CREATED, Json(listener)))
}

fn read(mut body: Fields, context: &Context) -> Result<(Subscription, Option<String>)> {
    let event_types = read::event_types(&mut body).unwrap_or_else(|| EventType::ALL.to_vec());
    let filters = read::filters(&mut body);
    let secret = body.text("signingSecret", 1..=limits::SIGNING_SECRET_CHARACTERS_MAX);
    body.finish()?;
    let now = context.now();
    let subscription = Subscription {
        id: context.id(),
        status: SubscriptionStatus::Paused,
        endpoint_url: NOWHERE.to_owned(),
        event_types,
        filters,
        description: None,
        headers: BTreeMap::new(),
        ordering: None,
        rate_limit: None,
        asymmetric_signature: false,
        disabled_reason: None,
        health: Health::default(),
        created_at: now,
        updated_at: now,
    };
    Ok((subscription, secret))
}

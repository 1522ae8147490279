//! `PATCH /event-subscriptions/{subscriptionId}`

use super::read;
use crate::{
    Api, Settings,
    auth::Caller,
    body::{Body, Fields},
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{
    event::EventType,
    id::SubscriptionId,
    limits,
    subscription::{Filters, Ordering, RateLimit, Subscription, SubscriptionStatus},
};
use std::{collections::BTreeMap, time::Duration};
use store::{
    subscriptions::{Rotation, SubscriptionChange},
    wake::Topic,
};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// What is to change; what is left out stays as it is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "only its schema is used")]
struct ChangeSubscription {
    /// `paused` suppresses, `active` resumes.
    status: Option<SubscriptionStatus>,
    #[schema(format = "uri", min_length = 1, max_length = 2048)]
    endpoint_url: Option<String>,
    /// Replaces the whole list.
    #[schema(min_items = 1)]
    event_types: Option<Vec<EventType>>,
    /// A new secret: what is sent after the answer is signed with it.
    #[schema(write_only, min_length = 1, max_length = 512)]
    signing_secret: Option<String>,
    /// How long the old secret signs too, as a second `v1=`. Needs `signingSecret`; 0 where it is left out.
    #[schema(maximum = 604_800)]
    signing_secret_overlap_seconds: Option<u32>,
    /// `null` clears.
    #[schema(nullable)]
    filters: Option<Filters>,
    /// `null` clears.
    #[schema(nullable, max_length = 512)]
    description: Option<String>,
    /// Replaces all headers; `null` clears.
    #[schema(nullable)]
    headers: Option<BTreeMap<String, String>>,
    /// `null` clears.
    #[schema(nullable)]
    ordering: Option<Ordering>,
    /// `null` clears.
    #[schema(nullable)]
    rate_limit: Option<RateLimit>,
    /// Whether deliveries are signed with the server's key pair too.
    asymmetric_signature: Option<bool>,
}

/// Change a subscription, pause or resume it, rotate its secret.
#[utoipa::path(patch, path = "/event-subscriptions/{subscriptionId}", operation_id = "updateEventSubscription", tag = "Event subscriptions",
    params(("subscriptionId" = SubscriptionId, Path)),
    request_body = ChangeSubscription,
    responses((status = 200, description = "The subscription as it is now", body = Subscription)))]
pub async fn patch(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<SubscriptionId>,
    body: Body,
) -> Result<Json<Subscription>> {
    let change = read(body.fields()?, &api.settings)?;
    caller.may_subscribe(change.event_types.as_deref().unwrap_or_default())?;
    let resumes = change.status == Some(SubscriptionStatus::Active);
    let changed = api.store.subscriptions().update(caller.org_id, id, change, api.context.now()).await?;
    let subscription = changed.ok_or_else(missing::<SubscriptionId>)?;
    if resumes {
        api.store.wake().hint(Topic::Deliveries);
    }
    Ok(Json(subscription))
}

fn read(mut body: Fields, settings: &Settings) -> Result<SubscriptionChange> {
    let mut change = SubscriptionChange {
        status: body.one_of("status", SubscriptionStatus::parse, &["active", "paused"]),
        endpoint_url: read::endpoint_url(&mut body, settings),
        event_types: read::event_types(&mut body),
        asymmetric_signature: body.boolean("asymmetricSignature"),
        ..SubscriptionChange::default()
    };
    if body.has("filters") {
        change.filters =
            Some(if read::clears(&mut body, "filters") { None } else { read::filters(&mut body) });
    }
    if body.has("description") {
        let cleared = read::clears(&mut body, "description");
        change.description = Some(if cleared { None } else { read::description(&mut body) });
    }
    if body.has("headers") {
        let cleared = read::clears(&mut body, "headers");
        change.headers = if cleared { Some(BTreeMap::new()) } else { read::headers(&mut body) };
    }
    if body.has("ordering") {
        let cleared = read::clears(&mut body, "ordering");
        change.ordering = Some(if cleared { None } else { read::ordering(&mut body) });
    }
    if body.has("rateLimit") {
        let cleared = read::clears(&mut body, "rateLimit");
        change.rate_limit = Some(if cleared { None } else { read::rate_limit(&mut body) });
    }
    change.rotation = rotation(&mut body);
    body.finish()?;
    Ok(change)
}

fn rotation(body: &mut Fields) -> Option<Rotation> {
    let has_secret = body.has("signingSecret");
    let secret = body.text("signingSecret", 1..=limits::SIGNING_SECRET_CHARACTERS_MAX).map(Zeroizing::new);
    let name = "signingSecretOverlapSeconds";
    if body.has(name) && !has_secret {
        body.wrong(name, "needs signingSecret");
    }
    let overlap_seconds = body.integer(name, 0..=limits::SIGNING_SECRET_OVERLAP_SECONDS_MAX).unwrap_or(0);
    Some(Rotation { secret: secret?, overlap: Duration::from_secs(overlap_seconds) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    fn change(text: &str) -> Result<SubscriptionChange, Problem> {
        Body::parse(text.as_bytes()).and_then(Body::fields).and_then(|body| read(body, &Settings::default()))
    }

    #[test]
    fn absent_stays_and_null_clears() {
        let nothing = change("{}").unwrap();
        assert!(nothing.filters.is_none() && nothing.description.is_none() && nothing.rotation.is_none());
        let cleared = change(r#"{"filters":null,"description":null,"headers":null}"#).unwrap();
        assert_eq!((cleared.filters, cleared.description), (Some(None), Some(None)));
        assert_eq!(cleared.headers, Some(BTreeMap::new()));
        assert!(change(r#"{"status":null}"#).is_err() && change(r#"{"eventTypes":null}"#).is_err());
    }

    #[test]
    fn an_overlap_belongs_to_a_rotation() {
        let rotated =
            change(r#"{"signingSecret":"x","signingSecretOverlapSeconds":60}"#).unwrap().rotation.unwrap();
        assert_eq!((rotated.secret.as_str(), rotated.overlap), ("x", Duration::from_secs(60)));
        assert!(change(r#"{"signingSecretOverlapSeconds":60}"#).is_err());
        assert!(change(r#"{"signingSecret":""}"#).is_err());
        assert!(change(r#"{"signingSecret":"x","signingSecretOverlapSeconds":-1}"#).is_err());
    }
}

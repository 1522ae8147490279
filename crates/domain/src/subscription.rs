//! Event subscriptions: who is told of what, and where.

mod recent;
pub use recent::Recent;

use crate::{
    event::{EventType, Family},
    fault::Detail,
    id::SubscriptionId,
    job::Operation,
    limits,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum SubscriptionStatus {
    Active,
    Paused,
}

impl SubscriptionStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Paused].into_iter().find(|status| status.as_str() == text)
    }
}

/// Why the platform paused a subscription by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum DisabledReason {
    /// The endpoint answered 410.
    Gone,
    /// Nothing but failures for [`limits::SUBSCRIPTION_FAILING_MAX`].
    Failing,
}

impl DisabledReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "GONE",
            Self::Failing => "FAILING",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Gone, Self::Failing].into_iter().find(|reason| reason.as_str() == text)
    }
}

/// Narrows which events a subscription receives; each filter narrows only the family it speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Filters {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_insights_operation: Option<Operation>,
}

/// What is promised about the order of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum Ordering {
    /// Events of one job or run arrive in their order, and one that fails holds back only those of its own resource.
    /// A job or a run has exactly one event, so this holds for every subscription; the option has it in writing.
    Resource,
}

impl Ordering {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Resource => "resource",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        (text == Self::Resource.as_str()).then_some(Self::Resource)
    }
}

/// How fast an endpoint may be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RateLimit {
    /// Attempts that begin in a second, at most.
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 1000))]
    pub per_second: u32,
}

/// How deliveries have been going.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Health {
    /// Failed attempts since the last success.
    pub consecutive_failures: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_success_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure_at: Option<Timestamp>,
    /// Since when there has been nothing but failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Timestamp>,
    /// Where one subscription is read and there is something to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent: Option<Recent>,
}

/// A subscription as clients see it. The signing secret is not part of it, so that nothing can show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Subscription {
    pub id: SubscriptionId,
    pub status: SubscriptionStatus,
    pub endpoint_url: String,
    pub event_types: Vec<EventType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<Filters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Static headers sent with every delivery.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordering: Option<Ordering>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Deliveries carry a signature of the server's key pair too, `v1a` in `webhook-signature`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asymmetric_signature: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<DisabledReason>,
    pub health: Health,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What of an event decides who receives it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub event_type: EventType,
    /// Of a run's event.
    pub workflow_id: Option<&'a str>,
    /// Of a job's event.
    pub operation: Option<Operation>,
}

/// Whether a subscription with these types and filters receives the event.
pub fn matches(event_types: &[EventType], filters: Option<&Filters>, subject: &Subject<'_>) -> bool {
    if !event_types.contains(&subject.event_type) {
        return false;
    }
    let Some(filters) = filters else { return true };
    match subject.event_type.family() {
        Family::Workflow => {
            filters.workflow_id.as_deref().is_none_or(|wanted| subject.workflow_id == Some(wanted))
        }
        Family::Platform => true,
        Family::DocumentInsights => {
            filters.document_insights_operation.is_none_or(|wanted| subject.operation == Some(wanted))
        }
    }
}

/// What is wrong with an endpoint's URL; `allow_http` is the operator's setting.
pub fn check_endpoint_url(text: &str, allow_http: bool) -> Result<(), Detail> {
    let problem = |issue: &str| Err(Detail::new("endpointUrl", issue));
    if text.chars().count() > limits::ENDPOINT_URL_CHARACTERS_MAX {
        return problem(&format!("at most {} characters", limits::ENDPOINT_URL_CHARACTERS_MAX));
    }
    check_url(text, allow_http).or_else(|issue| problem(&issue))
}

/// What is wrong with a URL that the server is to dial: the scheme, a missing host, user info.
pub fn check_url(text: &str, allow_http: bool) -> Result<(), String> {
    let Ok(url) = url::Url::parse(text) else { return Err("must be an absolute URL".into()) };
    match url.scheme() {
        "https" => {}
        "http" if allow_http => {}
        _ => return Err("must be an https URL".into()),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("must name a host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain user info".into());
    }
    Ok(())
}

/// Header names that a subscription may not set: the platform's own, and those that belong to the connection.
const RESERVED_HEADERS: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "user-agent",
    "accept-encoding",
    "traceparent",
    "tracestate",
];

/// Everything wrong with a subscription's static headers.
pub fn check_headers(headers: &BTreeMap<String, String>) -> Vec<Detail> {
    let mut details = Vec::new();
    if headers.len() > limits::SUBSCRIPTION_HEADERS_MAX {
        details.push(Detail::new("headers", format!("at most {} headers", limits::SUBSCRIPTION_HEADERS_MAX)));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (name, value) in headers {
        let path = format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        // RFC 9110, 5.6.2: token.
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || name.len() > limits::HEADER_NAME_CHARACTERS_MAX || !name.bytes().all(token) {
            details.push(Detail::new(&path, "not a valid header name"));
        } else if lower.starts_with("x-plextera-")
            || lower.starts_with("webhook-")
            || RESERVED_HEADERS.contains(&&*lower)
        {
            details.push(Detail::new(&path, "this header is set by the platform"));
        } else if !seen.insert(lower) {
            details.push(Detail::new(&path, "named twice"));
        }
        let visible = |byte: u8| (0x20..0x7f).contains(&byte) || byte == b'\t';
        if value.len() > limits::HEADER_VALUE_CHARACTERS_MAX || !value.bytes().all(visible) {
            details.push(Detail::new(
                &path,
                format!(
                    "the value must be at most {} visible ASCII characters",
                    limits::HEADER_VALUE_CHARACTERS_MAX
                ),
            ));
        }
    }
    details
}

/// Everything wrong with the wanted event types.
pub fn check_event_types(event_types: &[EventType]) -> Vec<Detail> {
    if event_types.is_empty() {
        return vec![Detail::new("eventTypes", "must name at least one event type")];
    }
    let repeated = |(index, event_type): (usize, &EventType)| {
        event_types[..index]
            .contains(event_type)
            .then(|| Detail::new(format!("eventTypes[{index}]"), "named twice"))
    };
    event_types.iter().enumerate().filter_map(repeated).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(event_type: EventType) -> Subject<'static> {
        Subject { event_type, workflow_id: None, operation: Some(Operation::Extract) }
    }

    fn run(workflow_id: &str) -> Subject<'_> {
        Subject { event_type: EventType::RunCompleted, workflow_id: Some(workflow_id), operation: None }
    }

    #[test]
    fn a_filter_narrows_only_its_own_family() {
        let types = [EventType::JobCompleted, EventType::RunCompleted];
        let filters = Filters { workflow_id: Some("claims".into()), document_insights_operation: None };
        assert!(matches(&types, Some(&filters), &job(EventType::JobCompleted)));
        assert!(matches(&types, Some(&filters), &run("claims")));
        assert!(!matches(&types, Some(&filters), &run("other")));
        assert!(matches(&types, None, &run("other")));
        assert!(!matches(&types, None, &job(EventType::JobFailed)));
    }

    #[test]
    fn endpoints_are_https_without_user_info() {
        assert!(check_endpoint_url("https://example.com/hook", false).is_ok());
        assert!(check_endpoint_url("http://example.com/hook", false).is_err());
        assert!(check_endpoint_url("http://example.com/hook", true).is_ok());
        for bad in [
            "",
            "example.com",
            "ftp://example.com",
            "https://user@example.com",
            "https://user:pw@example.com",
            "https://",
        ] {
            assert!(check_endpoint_url(bad, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn headers_of_ours_and_hop_by_hop_ones_are_refused() {
        let one =
            |name: &str, value: &str| check_headers(&BTreeMap::from([(name.to_owned(), value.to_owned())]));
        assert!(one("X-Tenant", "a").is_empty());
        assert!(one("Authorization", "Bearer abc").is_empty());
        for name in [
            "X-Plextera-Signature",
            "webhook-id",
            "Host",
            "Connection",
            "content-length",
            "bad name",
            "",
            "a\r\nb",
        ] {
            assert!(!one(name, "a").is_empty(), "{name}");
        }
        assert!(!one("X-Tenant", "a\r\nX-Evil: 1").is_empty());
        let twice = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())]);
        assert!(!check_headers(&twice).is_empty());
    }

    #[test]
    fn repeated_types_are_named_by_their_index() {
        let details = check_event_types(&[EventType::JobFailed, EventType::JobFailed]);
        assert_eq!(details[0].field, "eventTypes[1]");
        assert_eq!(check_event_types(&[]).len(), 1);
    }
}

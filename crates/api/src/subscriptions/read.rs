//! The keys of a subscription that creating and changing it have in common.

use crate::{
    Settings,
    body::{Fields, mismatch},
};
use domain::{
    event::EventType,
    fault::Detail,
    job::Operation,
    limits,
    subscription::{Filters, Ordering, RateLimit, check_endpoint_url, check_event_types, check_headers},
};
use serde_json::Value;
use std::{collections::BTreeMap, net::IpAddr};
use url::Host;

pub const WORKFLOW_ID_CHARACTERS_MAX: usize = 128;

pub fn endpoint_url(body: &mut Fields, settings: &Settings) -> Option<String> {
    let url = body.text("endpointUrl", 1..=limits::ENDPOINT_URL_CHARACTERS_MAX)?;
    let checked = check_endpoint_url(&url, settings.allow_http).and_then(|()| check_address(&url, settings));
    match checked {
        Ok(()) => Some(url),
        Err(detail) => {
            body.note([detail]);
            None
        }
    }
}

/// An address that deliveries would be refused is refused here already, where somebody reads the answer. Names are
/// resolved when they are dialled, and checked then.
fn check_address(url: &str, settings: &Settings) -> Result<(), Detail> {
    let address: IpAddr = match url::Url::parse(url).ok().as_ref().and_then(url::Url::host) {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(name)) if is_localhost(name) => std::net::Ipv4Addr::LOCALHOST.into(),
        _ => return Ok(()),
    };
    if (settings.may_dial)(address) {
        return Ok(());
    }
    let issue = "this address is not public, and the operator has not allowed its network";
    Err(Detail::new("endpointUrl", issue))
}

/// RFC 6761, 6.3.
fn is_localhost(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

pub fn event_types(body: &mut Fields) -> Option<Vec<EventType>> {
    let items = body.array("eventTypes")?;
    let known = EventType::ALL.map(EventType::as_str).join(", ");
    let mut event_types = Vec::with_capacity(items.len());
    let mut all_known = true;
    for (index, item) in items.iter().enumerate() {
        match item.as_str().map(EventType::parse) {
            Some(Some(event_type)) => event_types.push(event_type),
            Some(None) => {
                body.wrong(&format!("eventTypes[{index}]"), format!("must be one of {known}"));
                all_known = false;
            }
            None => {
                body.wrong(&format!("eventTypes[{index}]"), mismatch("a string", item));
                all_known = false;
            }
        }
    }
    if all_known {
        body.note(check_event_types(&event_types));
    }
    Some(event_types)
}

/// `null` and a filter without any key say the same: nothing is narrowed.
pub fn filters(body: &mut Fields) -> Option<Filters> {
    let mut object = body.object("filters")?;
    let filters = Filters {
        workflow_id: object.text("workflowId", 1..=WORKFLOW_ID_CHARACTERS_MAX),
        document_insights_operation: object.one_of("documentInsightsOperation", operation, &["extract"]),
    };
    body.absorb(object);
    (filters != Filters::default()).then_some(filters)
}

fn operation(text: &str) -> Option<Operation> {
    (text == "extract").then_some(Operation::Extract)
}

pub fn description(body: &mut Fields) -> Option<String> {
    body.text("description", 0..=limits::DESCRIPTION_CHARACTERS_MAX)
}

pub fn headers(body: &mut Fields) -> Option<BTreeMap<String, String>> {
    let headers = body.texts("headers")?;
    body.note(check_headers(&headers));
    Some(headers)
}

pub fn ordering(body: &mut Fields) -> Option<Ordering> {
    body.one_of("ordering", Ordering::parse, &["resource"])
}

pub fn rate_limit(body: &mut Fields) -> Option<RateLimit> {
    let mut object = body.object("rateLimit")?;
    object.require("perSecond");
    let per_second = object.integer("perSecond", 1..=limits::SUBSCRIPTION_PER_SECOND_MAX.into());
    body.absorb(object);
    Some(RateLimit { per_second: u32::try_from(per_second?).ok()? })
}

/// Takes the key where it is `null`, which clears it.
pub fn clears(body: &mut Fields, name: &str) -> bool {
    if !body.is_null(name) {
        return false;
    }
    body.take(name) == Some(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body;
    use std::sync::Arc;

    fn issues(text: &str, read: impl Fn(&mut Fields)) -> Vec<String> {
        let mut body = Body::parse(text.as_bytes()).and_then(Body::fields).unwrap();
        read(&mut body);
        let Err(problem) = body.finish() else { return Vec::new() };
        problem.0.details.into_iter().map(|detail| detail.field).collect()
    }

    #[test]
    fn literal_addresses_follow_the_operators_rule() {
        let settings =
            Settings { may_dial: Arc::new(|address| !address.is_loopback()), ..Settings::default() };
        let read = |url: &str| {
            issues(&format!(r#"{{"endpointUrl":"{url}"}}"#), |body| {
                endpoint_url(body, &settings);
            })
        };
        for refused in
            ["https://127.0.0.1/x", "https://[::1]:8443/", "https://localhost/x", "https://a.localhost./x"]
        {
            assert_eq!(read(refused), ["endpointUrl"], "{refused}");
        }
        assert!(read("https://203.0.113.7/x").is_empty());
        assert!(read("https://example.com/x").is_empty());
    }

    #[test]
    fn types_are_known_and_named_once() {
        let read = |types: &str| {
            issues(&format!(r#"{{"eventTypes":{types}}}"#), |body| {
                event_types(body);
            })
        };
        assert!(read(r#"["workflow.run.failed"]"#).is_empty());
        assert_eq!(read("[]"), ["eventTypes"]);
        assert_eq!(read(r#"["workflow.run.failed","nope",3]"#), ["eventTypes[1]", "eventTypes[2]"]);
        assert_eq!(read(r#"["workflow.run.failed","workflow.run.failed"]"#), ["eventTypes[1]"]);
        assert_eq!(read(r#""workflow.run.failed""#), ["eventTypes"]);
    }
}

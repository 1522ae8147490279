//! One attempt: the headers, the signatures, the answer.

use super::route::Route;
use crate::client::{self, Client, Failure};
use bytes::Bytes;
use domain::{
    delivery::{Answer, Attempt, Blame},
    id::DeliveryId,
    request::Head,
    retry::parse_retry_after,
    signature,
    time::Timestamp,
};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;
use store::{deliveries::DueDelivery, subscriptions::Target};

/// What an attempt is made of besides the delivery and its target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    /// New on each attempt.
    pub id: DeliveryId,
    pub started_at: Timestamp,
    pub timeout: Duration,
}

/// Sends a delivery and says how it ended.
pub(super) async fn attempt(
    client: &Client,
    due: &DueDelivery,
    route: &Route,
    circumstances: Circumstances,
) -> (Attempt, Answer) {
    let started = tokio::time::Instant::now();
    let sent = send(client, due, route, circumstances).await;
    let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    finish(due, circumstances, duration_ms, sent)
}

async fn send(
    client: &Client,
    due: &DueDelivery,
    route: &Route,
    circumstances: Circumstances,
) -> Result<client::Answer, Failure> {
    let endpoint = route.endpoint.as_ref().map_err(|issue| Failure::Request(issue.clone()))?;
    let headers = headers(due, route, circumstances).map_err(Failure::Request)?;
    client.post(endpoint, headers, due.body.clone(), circumstances.timeout).await
}

/// The record of an attempt that ended with `sent`.
pub(super) fn finish(
    due: &DueDelivery,
    circumstances: Circumstances,
    duration_ms: u64,
    sent: Result<client::Answer, Failure>,
) -> (Attempt, Answer) {
    let started_at = circumstances.started_at;
    let mut attempt = Attempt {
        id: circumstances.id,
        number: due.attempt_count + 1,
        started_at,
        duration_ms,
        status_code: None,
        error: None,
        blame: None,
        response_body: None,
    };
    let answer = match sent {
        Ok(answered) => {
            let retry_after = answered.retry_after.as_deref();
            let retry_after = retry_after.and_then(|header| parse_retry_after(header, started_at));
            let answer = Answer { status_code: Some(answered.status), retry_after };
            if !answer.is_success() {
                attempt.error = Some(refusal(answered.status));
                attempt.blame = Some(Blame::Endpoint);
            }
            attempt.status_code = answer.status_code;
            attempt.response_body = text(&answered.body_start);
            answer
        }
        Err(failure) => {
            attempt.error = Some(failure.to_string().replace('\0', "\u{fffd}"));
            attempt.blame = Some(failure.blame());
            Answer { status_code: None, retry_after: None }
        }
    };
    (attempt, answer)
}

fn refusal(status: u16) -> String {
    match status {
        300..400 => format!("the endpoint answered {status}; redirects are not followed"),
        _ => format!("the endpoint answered {status}"),
    }
}

/// The start of a body as text. PostgreSQL keeps no NUL in a text.
fn text(body_start: &Bytes) -> Option<String> {
    (!body_start.is_empty()).then(|| String::from_utf8_lossy(body_start).replace('\0', "\u{fffd}"))
}

fn headers(due: &DueDelivery, route: &Route, circumstances: Circumstances) -> Result<HeaderMap, String> {
    let mut headers = route.headers.clone()?;
    let target = &route.target;
    let at = circumstances.started_at;
    let head = Head {
        delivery_id: circumstances.id,
        event_id: due.event_id,
        event_type: due.event_type,
        occurred_at: due.occurred_at,
        sequence: due.sequence,
        at,
    };
    let signature = signature::sign(&secrets(target), at, &due.body);
    let event_id = due.event_id.to_string();
    let keys = target.signing_keys.iter();
    let standard = signature::sign_standard_both(&secrets(target), keys, &event_id, at, &due.body);
    // After the subscription's own, so that none of these can be replaced.
    for (name, value) in head.headers(signature, standard) {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_str(&value).map_err(|error| error.to_string())?,
        );
    }
    Ok(headers)
}

fn secrets(target: &Target) -> Vec<&str> {
    target.secrets.iter().map(|secret| secret.as_str()).collect()
}

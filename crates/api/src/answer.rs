//! The outermost layer: what every answer has, whatever happened inside.
//!
//! It gives each request its id, keeps a panicking handler from taking the connection with it, writes the body of every
//! error (see [`crate::problem`]), adds the security headers, and counts and logs the request. It runs for unknown
//! paths and methods too, so there is no answer of this server without a request id.

use crate::{
    Api,
    problem::{self, Problem},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{fault::Fault, limits};
use futures::FutureExt;
use std::{panic::AssertUnwindSafe, time::Instant};
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing of the API is a page: a browser that is tricked into showing an answer shows it without any power.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");

pub async fn finish(State(api): State<Api>, request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers(), &api);
    let method = request.method().clone();
    let path = shown(request.uri().path());
    let started = Instant::now();
    let span = tracing::info_span!("request", request_id = %request_id, %method, path);
    async {
        let response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!("a handler panicked");
            Problem::internal().into_response()
        });
        let route = response.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
        let response = with_error_body(response, &request_id);
        let response = with_headers(response, &request_id);
        let status = response.status().as_u16();
        let elapsed = started.elapsed();
        tracing::debug!(status, elapsed_ms = elapsed.as_secs_f64() * 1000.0, "answered");
        record(&method, route, status, elapsed.as_secs_f64());
        response
    }
    .instrument(span)
    .await
}

/// A path as the log has it: the addresses of triggers are secrets.
fn shown(path: &str) -> String {
    let triggers = format!("{}/triggers/", crate::PUBLIC);
    if path.starts_with(&triggers) { triggers + "…" } else { path.to_owned() }
}

/// The client's own id where it is one, else a new one.
fn request_id(headers: &HeaderMap, api: &Api) -> String {
    let acceptable = |text: &&str| {
        (1..=limits::REQUEST_ID_CHARACTERS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(acceptable) {
        Some(own) => own.to_owned(),
        None => format!("req_{}", hex::encode_upper(api.context.random::<13>())),
    }
}

fn with_error_body(mut response: Response, request_id: &str) -> Response {
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        return problem::render(fault, request_id, response);
    }
    let status = response.status();
    let failed = status.is_client_error() || status.is_server_error();
    // An error that is JSON was written on purpose: the state of a node that is not ready.
    let is_json =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json");
    if failed && !is_json {
        return problem::render(problem::fault_of(status), request_id, response);
    }
    response
}

fn with_headers(mut response: Response, request_id: &str) -> Response {
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// The route, not the path, is the label: ids in it would make a series per resource.
fn record(method: &axum::http::Method, route: Option<String>, status: u16, seconds: f64) {
    let labels = [
        ("method", method.to_string()),
        ("route", route.unwrap_or_else(|| "none".to_owned())),
        ("status", status.to_string()),
    ];
    metrics::counter!("plextera_http_requests_total", &labels).increment(1);
    metrics::histogram!("plextera_http_request_seconds", &labels[..2]).record(seconds);
}

/// Puts the route that was found where [`finish`], which runs outside of the routing, can read it.
pub async fn remember_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

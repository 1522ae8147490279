//! The OpenAPI document, a page that shows it, and the schema of workflows. All are part of the binary: they need no other
//! server.

use crate::{
    Api,
    problem::{Problem, Result},
};
use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use domain::fault::{Code, Fault};
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::Config;

const DOCUMENT: &str = "/api/openapi.json";
/// What a workflow is in its canonical form.
const WORKFLOW_SCHEMA: &str = include_str!("../../../docs/workflow.schema.json");

/// Scripts and requests stay on this server; the viewer writes styles and small images inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
);

pub fn routes(document: OpenApi) -> Router<Api> {
    let text = Bytes::from(document.to_json().unwrap_or_default());
    let config = Arc::new(Config::from(DOCUMENT).validator_url("none").persist_authorization(true));
    let asset = move |Path(path): Path<String>| async move { page(&path, &config) };
    let index = asset.clone();
    Router::new()
        .route(DOCUMENT, get(async move || ([(header::CONTENT_TYPE, "application/json")], text)))
        .route(
            "/api/workflow-schema.json",
            get(async || ([(header::CONTENT_TYPE, "application/schema+json")], WORKFLOW_SCHEMA)),
        )
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async move || index(Path(String::new())).await))
        .route("/docs/{*path}", get(asset))
}

fn page(path: &str, config: &Arc<Config<'static>>) -> Result<Response> {
    let file = utoipa_swagger_ui::serve(path, Arc::clone(config)).map_err(|error| {
        tracing::error!(%error, "the viewer of the API reference cannot be served");
        Problem::internal()
    })?;
    let file = file.ok_or_else(|| Fault::new(Code::NotFound, "there is nothing at this path"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_str(&file.content_type)),
        (header::CONTENT_SECURITY_POLICY, Ok(POLICY)),
        (header::CACHE_CONTROL, Ok(HeaderValue::from_static("public, max-age=3600"))),
    ];
    let mut response = file.bytes.into_owned().into_response();
    for (name, value) in headers {
        if let Ok(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

//! Whether the process lives, whether the node can do its work, and its metrics.

use crate::{Api, Settings};
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

/// Something the node can do, or what it lacks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capability {
    Present,
    /// With what to do about it.
    Missing(String),
}

pub fn routes(settings: &Settings) -> Router<Api> {
    let router = Router::new().route("/healthz", get(alive)).route("/readyz", get(ready));
    if settings.metrics.is_some() { router.route("/metrics", get(metrics)) } else { router }
}

async fn alive() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// 503 while the database or the object store cannot be used. Without OCR the node is ready: it reads everything that
/// has a text layer, and says so here.
async fn ready(State(api): State<Api>) -> Response {
    let (database, storage) = tokio::join!(api.store.db().ping(), api.store.blobs().ping());
    let ready = database.is_ok() && storage.is_ok();
    let state = |name: &str, result: store::Result<()>| match result {
        Ok(()) => json!({"status": "ok"}),
        Err(error) => {
            tracing::warn!(%error, "{name} cannot be used");
            json!({"status": "unavailable", "message": "see the log"})
        }
    };
    let ocr = match (api.settings.ocr)() {
        Capability::Present => json!({"status": "ok"}),
        Capability::Missing(message) => json!({"status": "missing", "message": message}),
    };
    let body = json!({
        "status": if ready { "ready" } else { "unavailable" },
        "database": state("the database", database),
        "storage": state("the object store", storage),
        "ocr": ocr,
    });
    (if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body)).into_response()
}

async fn metrics(State(api): State<Api>) -> Response {
    let text = api.settings.metrics.as_ref().map(|render| render()).unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

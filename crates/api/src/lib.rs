//! HTTP in: the public API, the Studio API, their OpenAPI document and the page that shows it.
//!
//! One endpoint is one file: its request, its answer, its description for OpenAPI, its handler. What all of them share
//! is beside them: who calls ([`auth`]), bodies ([`body`]), queries ([`query`]), idempotency ([`idempotency`]), uploads
//! ([`upload`]), logs that are followed ([`follow`]), errors ([`problem`]) and the outermost layer ([`answer`]).
//!
//! Nothing here works on documents or sends anything: a request is checked, written to the store in one transaction and
//! answered. The engine finds what there is to do in the database.

mod answer;
mod auth;
mod body;
mod deliveries;
mod docs;
mod events;
mod files;
mod follow;
mod health;
mod idempotency;
mod jobs;
mod jwks;
mod listeners;
mod openapi;
mod path;
mod problem;
mod query;
mod rate;
mod replays;
mod runs;
mod serve;
mod studio;
mod subscriptions;
mod upload;

pub use health::Capability;
pub use openapi::document as openapi_document;
pub use rate::RequestRate;
pub use serve::serve;

use axum::{Router, extract::DefaultBodyLimit, middleware};
use domain::{context::Context, fault::Fault, limits};
use std::{net::IpAddr, sync::Arc};
use store::Store;
use utoipa_axum::router::OpenApiRouter;

const PUBLIC: &str = "/api/public/v1";
const STUDIO: &str = "/api/studio/v1";

/// What every handler works with. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub store: Store,
    pub context: Context,
    pub settings: Arc<Settings>,
}

/// What the operator set and what the binary knows.
#[derive(Clone)]
pub struct Settings {
    /// Plain http is allowed for endpoints and document URLs.
    pub allow_http: bool,
    /// Whether the platform would dial this address: the same rule as the one that deliveries follow.
    pub may_dial: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Whether scanned documents can be read.
    pub ocr: Arc<dyn Fn() -> Capability + Send + Sync>,
    /// Renders the metrics; without it there is no `/metrics` here.
    pub metrics: Option<Arc<dyn Fn() -> String + Send + Sync>>,
    /// How often one key may call; without it as often as it likes.
    pub request_rate: Option<Arc<RequestRate>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_http: false,
            may_dial: Arc::new(|_| true),
            ocr: Arc::new(|| Capability::Missing("not known".to_owned())),
            metrics: None,
            request_rate: None,
        }
    }
}

/// Everything that is served.
pub fn router(api: Api) -> Router {
    let (described, document) = described().split_for_parts();
    let body_bytes_max = usize::try_from(limits::UPLOAD_BYTES_MAX + upload::OVERHEAD_BYTES_MAX);
    described
        .merge(docs::routes(openapi::finish(document)))
        .merge(health::routes(&api.settings))
        .merge(jwks::routes())
        .route_layer(middleware::from_fn(answer::remember_route))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(body_bytes_max.unwrap_or(usize::MAX)))
        .layer(middleware::from_fn_with_state(api.clone(), answer::finish))
        .with_state(api)
}

/// What the OpenAPI document describes.
fn described() -> OpenApiRouter<Api> {
    let public = OpenApiRouter::new()
        .merge(files::routes())
        .merge(jobs::routes())
        .merge(runs::routes())
        .merge(subscriptions::routes())
        .merge(deliveries::routes())
        .merge(replays::routes())
        .merge(events::routes())
        .merge(listeners::routes());
    OpenApiRouter::new().nest(PUBLIC, public).nest(STUDIO, studio::routes())
}

async fn nothing_here() -> problem::Problem {
    Fault::new(domain::fault::Code::NotFound, "there is nothing at this path").into()
}

async fn wrong_method() -> problem::Problem {
    Fault::new(domain::fault::Code::MethodNotAllowed, "this path does not take this method").into()
}

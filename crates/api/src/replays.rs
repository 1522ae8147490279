//! Replays that were begun: how far they have come, and their end.

mod cancel;
mod get;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(get::get)).routes(routes!(cancel::cancel))
}

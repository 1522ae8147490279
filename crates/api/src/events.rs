//! Events: what has happened, and sending it again.

mod get;
mod list;
mod redeliver;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(get::get))
        .routes(routes!(redeliver::redeliver))
}

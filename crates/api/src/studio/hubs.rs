//! `/hubs`: which fields a kind of document has. A change counts from the next job on.

mod change;
mod create;
mod delete;
mod examples;
mod exchange;
mod fields;
mod get;
mod model;
mod read;
mod versions;

pub use change::org;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, get::list))
        .routes(routes!(get::get, change::patch, delete::delete))
        .routes(routes!(change::enable))
        .routes(routes!(change::disable))
        .routes(routes!(change::make_default))
        .routes(routes!(versions::list))
        .routes(routes!(versions::get))
        .routes(routes!(exchange::export))
        .routes(routes!(exchange::import))
        .routes(routes!(examples::create, examples::list))
        .routes(routes!(examples::get, examples::delete))
        .routes(routes!(model::get))
        .routes(routes!(model::versions))
        .routes(routes!(model::roll_back))
        .routes(routes!(model::train))
        .routes(routes!(model::evaluate))
}

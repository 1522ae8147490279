//! Files: uploaded once, used by any number of jobs.

mod create;
mod delete;
mod download;
mod get;
mod list;

use crate::Api;
pub use create::stored;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(get::get, delete::delete))
        .routes(routes!(download::download))
}

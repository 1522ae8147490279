//! Document Insights jobs: a document in, its fields out.

mod cancel;
mod create;
mod delete;
mod feedback;
pub mod field_value;
mod get;
mod list;
mod submit;
mod upload;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(upload::upload))
        .routes(routes!(list::list))
        .routes(routes!(get::get, delete::delete))
        .routes(routes!(feedback::create))
        .routes(routes!(cancel::cancel))
}

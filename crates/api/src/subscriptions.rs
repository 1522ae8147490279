//! Event subscriptions: who is told of what, and where; and what became of it.

mod create;
mod delete;
mod deliveries;
mod feed;
mod get;
mod list;
mod patch;
pub mod read;
mod replay;
mod replays;
mod test;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(get::get, patch::patch, delete::delete))
        .routes(routes!(deliveries::deliveries))
        .routes(routes!(feed::feed))
        .routes(routes!(replay::replay))
        .routes(routes!(replays::replays))
        .routes(routes!(test::test))
}

//! Event listeners: deliveries by pull, for a machine that has no address of its own. `plextera listen` is made of them.

mod create;
mod delete;
mod deliveries;

use crate::Api;
use utoipa_axum::{router::OpenApiRouter, routes};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(delete::delete))
        .routes(routes!(deliveries::deliveries))
}

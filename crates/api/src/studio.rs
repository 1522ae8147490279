//! The Studio API: what the organization's own people set up. Needs a key with the scope `studio`.

mod approvals;
mod hubs;
mod keys;
mod org;
mod secrets;
mod tasks;
mod workflows;

use crate::Api;
use domain::page::{Direction, PageRequest, Paged};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use workflows::{Diagnostic, trigger_hash};

pub fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(org::get, org::patch))
        .merge(hubs::routes())
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::delete))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::get, approvals::decide))
        .routes(routes!(tasks::claim))
        .routes(routes!(tasks::renew))
        .routes(routes!(tasks::complete))
        .routes(routes!(tasks::fail))
        .merge(workflows::routes())
}

/// A page of something of which there is never much; `all` stands oldest first.
fn page_of<T>(mut all: Vec<T>, request: &PageRequest) -> Paged<T> {
    let total = all.len() as u64;
    if request.direction == Direction::Descending {
        all.reverse();
    }
    let offset = usize::try_from(request.offset()).unwrap_or(usize::MAX);
    let size = usize::try_from(request.size).unwrap_or(usize::MAX);
    Paged::new(all.into_iter().skip(offset).take(size).collect(), request, total)
}

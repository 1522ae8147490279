//! `DELETE /hubs/{hubId}`

use crate::{
    Api,
    auth::Studio,
    path::{Id, missing},
    problem::Result,
};
use axum::{extract::State, http::StatusCode};
use domain::{fault::Fault, id::HubId};
use store::hubs::HubDeleted;

/// Delete a hub with its versions and everything it has learned. Jobs that it read stay.
///
/// While it is the organization's default hub, or while a job that has not ended names it, the answer is 409.
#[utoipa::path(delete, path = "/hubs/{hubId}", operation_id = "deleteHub", tag = "Studio",
    params(("hubId" = HubId, Path)),
    responses((status = 204, description = "Deleted")))]
pub async fn delete(State(api): State<Api>, caller: Studio, Id(id): Id<HubId>) -> Result<StatusCode> {
    match api.store.hubs().delete(caller.org_id, id).await? {
        HubDeleted::Done => Ok(StatusCode::NO_CONTENT),
        HubDeleted::NotFound => Err(missing::<HubId>()),
        HubDeleted::Default => {
            let message = "it is the organization's default hub; choose another default first";
            Err(Fault::conflict(message).into())
        }
        HubDeleted::InUse => {
            let message = "a job that has not ended names the hub; it can be deleted once the job has ended";
            Err(Fault::transient_conflict(message).into())
        }
    }
}

//! `GET /deliveries/{deliveryId}`

use crate::{
    Api,
    auth::Caller,
    path::{Id, missing},
    problem::Result,
};
use axum::{Json, extract::State};
use domain::{delivery::Delivery, id::DeliveryId};

/// A delivery with every attempt: status, duration, whose fault it was, the first bytes of the answer.
///
/// The id is the delivery's own or that of any of its attempts, as `X-Plextera-Delivery-Id` named it.
#[utoipa::path(get, path = "/deliveries/{deliveryId}", operation_id = "getDelivery", tag = "Deliveries",
    params(("deliveryId" = DeliveryId, Path)),
    responses((status = 200, description = "The delivery", body = Delivery)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<DeliveryId>) -> Result<Json<Delivery>> {
    Ok(Json(api.store.deliveries().get(caller.org_id, id).await?.ok_or_else(missing::<DeliveryId>)?))
}

//! How domain types are written into columns and read back, where more than one noun needs it.

use crate::runs::ApprovalStatus;
use crate::{
    db::{Cell, FromCell, Param},
    error::{Error, Result},
};
use domain::{
    delivery::{Blame, DeliveryStatus},
    event::EventType,
    feedback::FeedbackType,
    job::JobStatus,
    page::PageRequest,
    replay::ReplayStatus,
    run::RunStatus,
    subscription::{DisabledReason, Ordering, SubscriptionStatus},
};
use serde::{Serialize, de::DeserializeOwned};

macro_rules! named_values {
    ($($name:ty: $parse:expr;)*) => {$(
        impl From<$name> for Param<'_> {
            fn from(value: $name) -> Self { Param::Text(value.as_str()) }
        }
        impl FromCell for $name {
            fn from_cell(cell: Cell<'_>) -> Result<Self> {
                let Cell::Text(text) = cell else { return Err(Error::corrupt("expected text")) };
                let parse: fn(&str) -> Option<Self> = $parse;
                parse(text).ok_or_else(|| Error::corrupt(format!("{text} is not a {}", stringify!($name))))
            }
        }
    )*};
}

named_values! {
    JobStatus: JobStatus::parse;
    RunStatus: RunStatus::parse;
    ApprovalStatus: ApprovalStatus::parse;
    EventType: EventType::parse;
    DeliveryStatus: DeliveryStatus::parse;
    SubscriptionStatus: SubscriptionStatus::parse;
    DisabledReason: DisabledReason::parse;
    Ordering: Ordering::parse;
    Blame: Blame::parse;
    ReplayStatus: ReplayStatus::parse;
}

/// As it stands in the column.
pub(crate) const fn feedback_type(kind: FeedbackType) -> &'static str {
    match kind {
        FeedbackType::Error => "ERROR",
        FeedbackType::Info => "INFO",
    }
}

/// A value in a JSON column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned> FromCell for Json<T> {
    fn from_cell(cell: Cell<'_>) -> Result<Self> {
        let Cell::Text(text) = cell else { return Err(Error::corrupt("expected JSON")) };
        serde_json::from_str(text).map(Json).map_err(Error::corrupt)
    }
}

/// The text of a JSON column.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::corrupt)
}

/// The text of a JSON column that may be null.
pub(crate) fn to_json_optional<T: Serialize>(value: Option<&T>) -> Result<Option<String>> {
    value.map(to_json).transpose()
}

/// A page's `limit` and `offset`, in this order.
pub(crate) fn window(page: &PageRequest) -> [Param<'static>; 2] {
    [page.size.into(), page.offset().into()]
}

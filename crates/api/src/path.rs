//! Ids in paths.
//!
//! A text that is no id of the right kind names nothing, so it answers exactly as an id that nobody has: 404.

use crate::problem::{Problem, Result};
use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use domain::{
    fault::Fault,
    id::{
        ApprovalId, DeliveryId, EventId, ExampleId, FileId, HubId, JobId, KeyId, ReplayId, RunId,
        SubscriptionId, TaskId,
    },
    workflow::WorkflowId,
};
use std::str::FromStr;

/// What can be named in a path.
pub trait Named: FromStr + Send {
    /// As people call it.
    const NAME: &'static str;
}

macro_rules! named {
    ($($id:ty = $name:literal;)*) => {$(impl Named for $id { const NAME: &'static str = $name; })*};
}

named! {
    FileId = "file";
    JobId = "job";
    SubscriptionId = "event subscription";
    DeliveryId = "delivery";
    EventId = "event";
    ReplayId = "replay";
    HubId = "hub";
    RunId = "workflow run";
    ApprovalId = "approval";
    TaskId = "task";
    ExampleId = "example";
    KeyId = "API key";
    WorkflowId = "workflow";
    Number = "version";
    Name = "thing of this name";
}

/// A version's number in a path: from 1, in the one spelling that was issued.
#[derive(Debug, Clone, Copy)]
pub struct Number(pub u32);

impl FromStr for Number {
    type Err = ();
    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let number = text.parse().ok().filter(|number| *number > 0).ok_or(())?;
        if text == u32::to_string(&number) { Ok(Self(number)) } else { Err(()) }
    }
}

/// A name that a client chose, as it stands.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl FromStr for Name {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// An id and what is named under it.
#[derive(Debug, Clone)]
pub struct Under<T, U>(pub T, pub U);

impl<S: Send + Sync, T: Named, U: Named> FromRequestParts<S> for Under<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| missing::<T>())?;
        let mut texts = params.iter().map(|(_, text)| text);
        let id = texts.next().and_then(|text| text.parse().ok()).ok_or_else(missing::<T>)?;
        let under = texts.next().and_then(|text| text.parse().ok()).ok_or_else(missing::<U>)?;
        Ok(Self(id, under))
    }
}

/// The one id in a path.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: Named> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let params = RawPathParams::from_request_parts(parts, state).await;
        let params = params.map_err(|_| missing::<T>())?;
        let id = params.iter().next().and_then(|(_, text)| text.parse().ok());
        id.map(Self).ok_or_else(missing::<T>)
    }
}

/// The answer where nothing has this id inside the caller's organization.
pub fn missing<T: Named>() -> Problem {
    Fault::not_found(T::NAME).into()
}

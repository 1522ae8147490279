//! Learning from what people confirmed.
//!
//! A hub's model is a function of its confirmed examples, oldest first, and of the prior that is compiled in; the same
//! examples give the same model, to the bit. Nothing but what a person confirmed teaches it.
//!
//! `score = trust · prior + hashed features + memory`: the prior reads documents nobody has seen; hashed features of a
//! candidate's neighbourhood learn where this hub's documents have their values; the memories know layouts and names.
//! What learning needs of a document is kept in its [`Sheet`], so no page is read twice.

mod calibration;
mod fingerprint;
mod fit;
pub(crate) mod hash;
mod lbfgs;
mod memory;
mod model;
mod names;
mod profile;
mod sheet;
mod train;
pub(crate) mod trigrams;
pub(crate) mod truth;
mod validate;

pub use self::{
    calibration::Calibration,
    fingerprint::Fingerprint,
    lbfgs::minimize,
    model::{MODEL_BYTES_MAX, Model},
    profile::{Profile, likeness},
    sheet::Sheet,
    train::{EXAMPLES_MAX, Example, train, train_only},
    validate::{Decision, FieldReport, Report, Trained},
};
pub(crate) use self::{
    model::Scores,
    sheet::{CandidateRow, FieldRows, OptionRow, Rows, made_for},
};

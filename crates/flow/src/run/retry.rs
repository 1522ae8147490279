//! A new run that takes up where a failed one stopped.

use std::collections::BTreeMap;

use super::RowStatus;
use super::state::{Finished, RunState, RunStatus};
use crate::ir::{Definition, Step};

/// Why a run cannot be retried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryRefused {
    #[error("only a FAILED run can be retried")]
    NotFailed,
    /// A step whose output would be kept is another one in the new definition.
    #[error(
        "step {0} ended in the earlier run, and in this definition it is missing, another type or another loop"
    )]
    Changed(String),
}

/// The state of a run that retries `earlier`: steps that ended well, and items that did, are not done again.
///
/// The new run needs a copy of all the earlier run's rows; those of what is done again are replaced as it ends. Then the
/// first event is [`Event::Start`](super::Event::Start), as for any run. With another definition than the earlier run's, every step whose end is
/// kept must be of the same type at the same place.
pub fn retry(definition: &Definition, earlier: &RunState) -> Result<RunState, RetryRefused> {
    if earlier.status != RunStatus::Failed {
        return Err(RetryRefused::NotFailed);
    }
    let mut resume = BTreeMap::new();
    for (path, finished) in &earlier.finished {
        let ids: Vec<&str> =
            path.split('/').map(|hop| hop.split_once('.').map_or(hop, |(id, _)| id)).collect();
        if definition.finally.iter().any(|step| step.id == ids[0]) {
            continue;
        }
        let keeps = finished.status != RowStatus::Failed || finished.kept.is_some();
        match find(&definition.steps, &ids) {
            Some(step) if fits(step, finished) => {}
            // What failed is done anew anyway.
            _ if !keeps => continue,
            _ => return Err(RetryRefused::Changed(path.clone())),
        }
        resume.insert(path.clone(), finished.clone());
    }
    Ok(RunState {
        resume,
        signals: earlier.signals.clone(),
        signals_seen: earlier.signals_seen,
        ..RunState::new()
    })
}

fn find<'d>(steps: &'d [Step], ids: &[&str]) -> Option<&'d Step> {
    let (first, rest) = ids.split_first()?;
    let step = steps.iter().find(|step| step.id == *first)?;
    match rest {
        [] => Some(step),
        _ => step.action.blocks().into_iter().find_map(|block| find(block, rest)),
    }
}

fn fits(step: &Step, finished: &Finished) -> bool {
    step.action.kind() == finished.kind && (finished.items.is_none() || step.for_each.is_some())
}

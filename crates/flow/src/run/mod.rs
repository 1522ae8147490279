//! The core of the engine: what a run does next.
//!
//! [`advance()`] is a pure function of a definition, a run's state and one event. It answers with the new state, a
//! [`Commit`] (what must be written in one transaction together with the state) and [`Effect`]s (what to do after it).
//!
//! # How an engine drives it
//! 1. A run begins: `RunState::new()`, then [`Event::Start`].
//! 2. The effects that [`Effect::Evaluate`] names are pure; the engine loads what their [`Scope`] names, evaluates,
//!    and feeds the result back as [`Event::Evaluated`] before anything is written. It goes on, joining the commits
//!    ([`Commit::join`]), until only effects on the outside are left. Then one transaction writes the state, the
//!    rows and, where there is one, the terminal state with its event; and only then the other effects are performed.
//! 3. When such an effect ends, its end is an event, and 2 repeats: commits of a run = its effects + 1.
//! 4. After a crash, or on another node, [`pending`] gives again every effect that the stored state waits for. Their
//!    keys and attempts are the same, so the world can tell a repetition: `Idempotency-Key: {run}/{key}`.
//! 5. [`RunState::next_due`] is the only timer of a run. When that time is over: [`Event::Tick`].
//!
//! # What it keeps out
//! Outputs are not in the state. The state says which rows exist ([`Row`]) and an expression's [`Scope`] says which ones
//! it needs, so the state of a run does not grow with its data, nor with the number of items of a `for_each`: items
//! beyond the window of `max_parallel` do not exist yet.
//!
//! # Promises
//! An event for something that is not under way (a duplicate, a late end of an attempt that timed out) changes nothing
//! ([`Advanced::changed`] is false). A terminal state is final. Same state and event, same answer.

mod advance;
mod effect;
mod event;
mod key;
mod retry;
mod state;
mod view;

pub use advance::{Advanced, advance, pending};
pub use effect::{Commit, Effect, ItemRef, Row, RowStatus, Scope, Slot, StepRef, Terminal};
pub use event::{Event, Failure, Output};
pub use key::{Hop, Key, KeyError};
pub use retry::{RetryRefused, retry};
pub use state::{RunState, RunStatus, StepStatus};
pub use view::{Progress, StepView, progress, view};

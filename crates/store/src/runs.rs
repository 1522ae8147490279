//! Workflow runs: the journal of what they did, and who drives them.
//!
//! - `accept`: runs begin, with the engine of this process where there is one (`host`); `retry`: a failed one is taken up.
//!   `claim`: a node takes runs that wait for one.
//! - `commit`: what a node decided about runs, many in one transaction: rows, state, what begins next, the end with its
//!   event (`end`). `begin`: nested runs, jobs, approvals and tasks are made in that same transaction.
//! - `mail`: what happened to a run outside of its node: a job or nested run ended, somebody decided, signalled, closed.
//!   It is written in the transaction of the thing itself, so it cannot be lost, and taken by the node that has the run.
//! - `values`: what expressions read. `files`: which files a run names. `show`, `list`: what clients read. `decisions`: approvals and tasks.
//!
//! Every write of a node names the run's fence. A node that lost a run changes nothing.

mod accept;
mod begin;
mod claim;
mod commit;
mod decisions;
mod end;
pub(crate) mod files;
mod groups;
mod host;
mod list;
mod mail;
mod retry;
mod row;
mod show;
mod values;

pub use accept::{NewRun, WorkflowRef};
pub use begin::{Begin, ChildRun};
pub use claim::{ClaimedRun, RunLease};
pub use commit::{Committed, Decision, Ended, NewRow};
pub use decisions::{
    Approval, ApprovalFilter, ApprovalStatus, ClaimedTask, Decided, Task, TaskEnd, TaskLease, TaskUpdated,
};
pub(crate) use host::Hosts;
pub use host::{Host, Place};
pub use list::RunFilter;
pub(crate) use mail::tell_of_jobs;
pub use mail::{Mail, MailId, Posted};
pub use retry::Retried;
pub use show::Nested;

use crate::Store;

pub struct Runs<'s>(&'s Store);

impl Runs<'_> {
    /// From now on runs that begin in this process are handed to `host`, as long as it is there.
    pub fn host(&self, host: std::sync::Weak<dyn Host>) {
        self.0.hosts.set(host);
    }
}

impl Store {
    pub fn runs(&self) -> Runs<'_> {
        Runs(self)
    }
}

/// The statements of this noun's parts.
pub(crate) fn statements() -> Vec<&'static [&'static crate::sql::Sql]> {
    vec![
        accept::STATEMENTS,
        begin::STATEMENTS,
        claim::STATEMENTS,
        commit::STATEMENTS,
        decisions::STATEMENTS,
        end::STATEMENTS,
        files::STATEMENTS,
        groups::STATEMENTS,
        list::STATEMENTS,
        mail::STATEMENTS,
        retry::STATEMENTS,
        row::STATEMENTS,
        show::STATEMENTS,
        values::STATEMENTS,
    ]
}

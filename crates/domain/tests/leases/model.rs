//! Jobs, deliveries and nodes, as small as they can be.

use crate::{
    design::{Design, Faults},
    subscription::{self, Subscription, Target},
};
use domain::{
    delivery::{Answer, DeliveryStatus, RetryPolicy, record},
    time::Timestamp,
};

const JOBS: usize = 2;
pub const NODES: usize = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Job {
    pub ended: bool,
    pub events: u8,
    lease: Lease,
}

/// A delivery in the table, and what the world knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Row {
    pub exists: bool,
    pub sequence: u8,
    pub delivered: bool,
    attempts: u8,
    lease: Lease,
    /// The endpoint answered 2xx to it.
    pub arrived: bool,
    pub number_used_twice: bool,
    pub regressed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Lease {
    fence: u8,
    /// `None`: free, or run out.
    holder: Option<u8>,
}

/// What a node has in memory. A crash empties it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Node {
    hand: Option<Hand>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Hand {
    /// Of the job and its delivery.
    index: u8,
    fence: u8,
    /// Attempts that were recorded when it was claimed.
    attempts: u8,
    at: At,
    /// What was read of the subscription when it was taken.
    target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum At {
    Job,
    /// The state is committed, its event is not: only in a broken design.
    StateOnly,
    /// The number is taken, the row is not written: only in a broken design.
    NumberOnly(u8),
    Delivery,
    /// The result is written, the request is not sent: only in a broken design.
    Promised,
    Answered(bool),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub jobs: [Job; JOBS],
    pub rows: [Row; JOBS],
    /// The highest sequence number that was taken.
    pub numbers: u8,
    pub subscription: Subscription,
    nodes: [Node; NODES],
    pub faults: Faults,
}

/// What can happen, with the node and the job or delivery it happens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    ClaimJob(usize, usize),
    Settle(usize),
    SecondTransaction(usize),
    ClaimDelivery(usize, usize),
    Send(usize, bool),
    Record(usize),
    /// There is nobody to send it to any more.
    GiveUp(usize),
    RunOut(usize),
    RunOutEarly(usize),
    Crash(usize),
    Redeliver(usize),
    /// By a node.
    DeleteSubscription(usize),
    RemoveDelivery(usize),
    EndRemoval,
    /// With or without a time in which both secrets are valid.
    Rotate(bool),
    EndpointTakesSecret,
    EndOverlap,
}

impl Step {
    pub fn is_fault(self) -> bool {
        matches!(
            self,
            Self::RunOutEarly(_)
                | Self::Crash(_)
                | Self::Redeliver(_)
                | Self::Send(_, false)
                | Self::DeleteSubscription(_)
                | Self::Rotate(_)
        )
    }
}

impl State {
    pub fn new(faults: Faults) -> Self {
        Self {
            jobs: Default::default(),
            rows: Default::default(),
            numbers: 0,
            subscription: Subscription::default(),
            nodes: Default::default(),
            faults,
        }
    }

    fn has_in_hand(&self, holder: u8, index: usize) -> bool {
        self.nodes[usize::from(holder)].hand.is_some_and(|hand| usize::from(hand.index) == index)
    }
}

/// Every step that a state allows, and where it leads.
pub fn steps(state: &State, design: &Design) -> Vec<(Step, State)> {
    let mut steps = Vec::new();
    for node in 0..NODES {
        match state.nodes[node].hand {
            None => (0..JOBS).for_each(|index| claim(state, design, node, index, &mut steps)),
            Some(hand) => go_on(state, design, node, hand, &mut steps),
        }
        let has_something = state.nodes[node].hand.is_some() || state.subscription.is_kept_in_mind_by(node);
        if has_something && state.faults.crashes > 0 {
            let mut next = *state;
            next.faults.crashes -= 1;
            next.nodes[node].hand = None;
            next.subscription.forget(node);
            steps.push((Step::Crash(node), next));
        }
    }
    for index in 0..JOBS {
        run_out(state, design, index, &mut steps);
        let row = state.rows[index];
        let exists = row.exists && state.subscription.exists();
        if exists && state.faults.redeliveries > 0 && (row.delivered || row.lease.holder.is_none()) {
            let mut next = *state;
            next.faults.redeliveries -= 1;
            let row = &mut next.rows[index];
            row.delivered = false;
            row.lease = Lease { fence: row.lease.fence + 1, holder: None };
            steps.push((Step::Redeliver(index), next));
        }
    }
    subscription::steps(state, design, &mut steps);
    steps
}

fn claim(state: &State, design: &Design, node: usize, index: usize, steps: &mut Vec<(Step, State)>) {
    let (job, row) = (state.jobs[index], state.rows[index]);
    let target = state.subscription.kept(design);
    let raise = |lease: &mut Lease| {
        lease.fence += u8::from(design.claim_raises_fence);
        lease.holder = Some(node as u8);
        lease.fence
    };
    if !job.ended && job.lease.holder.is_none() {
        let mut next = *state;
        let fence = raise(&mut next.jobs[index].lease);
        next.nodes[node].hand = Some(Hand { index: index as u8, fence, attempts: 0, at: At::Job, target });
        steps.push((Step::ClaimJob(node, index), next));
    }
    let due = row.exists && state.subscription.exists() && !row.delivered;
    if due && row.lease.holder.is_none() {
        let mut next = *state;
        let fence = raise(&mut next.rows[index].lease);
        let hand = Hand { index: index as u8, fence, attempts: row.attempts, at: At::Delivery, target };
        next.nodes[node].hand = Some(hand);
        steps.push((Step::ClaimDelivery(node, index), next));
    }
}

fn go_on(state: &State, design: &Design, node: usize, hand: Hand, steps: &mut Vec<(Step, State)>) {
    let index = usize::from(hand.index);
    let mut next = *state;
    let step = match hand.at {
        At::Job => {
            settle(&mut next, design, node, hand);
            Step::Settle(node)
        }
        At::StateOnly => {
            event(&mut next, design, node, hand);
            Step::SecondTransaction(node)
        }
        At::NumberOnly(sequence) => {
            insert(&mut next, design, node, hand, Some(sequence));
            Step::SecondTransaction(node)
        }
        At::Delivery if !design.record_after_answer => {
            write_result(&mut next, design, hand, true);
            next.nodes[node].hand = Some(Hand { at: At::Promised, ..hand });
            Step::Record(node)
        }
        At::Delivery if !next.subscription.begin_attempt(design, hand.target) => {
            next.nodes[node].hand = None;
            Step::GiveUp(node)
        }
        At::Delivery | At::Promised => {
            if state.faults.refusals > 0 && hand.at == At::Delivery {
                let mut refused = next;
                refused.faults.refusals -= 1;
                refused.nodes[node].hand = Some(Hand { at: At::Answered(false), ..hand });
                steps.push((Step::Send(node, false), refused));
            }
            next.rows[index].arrived = true;
            let after = Hand { at: At::Answered(true), ..hand };
            next.nodes[node].hand = (hand.at == At::Delivery).then_some(after);
            Step::Send(node, true)
        }
        At::Answered(success) => {
            write_result(&mut next, design, hand, success);
            next.nodes[node].hand = None;
            Step::Record(node)
        }
    };
    steps.push((step, next));
}

/// The terminal state, and in the same transaction the event, the number and the row, as far as the design says so.
fn settle(next: &mut State, design: &Design, node: usize, hand: Hand) {
    let job = &mut next.jobs[usize::from(hand.index)];
    let holds = !job.ended && job.lease.fence == hand.fence;
    next.nodes[node].hand = None;
    if !holds && design.settle_names_fence {
        return;
    }
    job.ended = true;
    job.lease.holder = None;
    if design.event_with_state {
        event(next, design, node, hand);
    } else {
        next.nodes[node].hand = Some(Hand { at: At::StateOnly, ..hand });
    }
}

fn event(next: &mut State, design: &Design, node: usize, hand: Hand) {
    next.jobs[usize::from(hand.index)].events += 1;
    let told = if design.row_under_subscription { next.subscription.exists() } else { hand.target.exists };
    if !told {
        next.nodes[node].hand = None;
        return;
    }
    if !design.row_with_event {
        insert(next, design, node, hand, None);
        return;
    }
    next.numbers += 1;
    if design.number_with_row {
        let sequence = next.numbers;
        insert(next, design, node, hand, Some(sequence));
    } else {
        next.nodes[node].hand = Some(Hand { at: At::NumberOnly(next.numbers), ..hand });
    }
}

/// The delivery's row, leased to the node that settled the job, which goes on with it from memory. Without a number it
/// is in that memory only.
fn insert(next: &mut State, design: &Design, node: usize, hand: Hand, sequence: Option<u8>) {
    let row = &mut next.rows[usize::from(hand.index)];
    let lease = Lease { fence: 1, holder: Some(node as u8) };
    let (exists, sequence) = (sequence.is_some(), sequence.unwrap_or(0));
    *row = Row { exists, sequence, lease, arrived: row.arrived, ..Row::default() };
    let target = next.subscription.kept(design);
    next.nodes[node].hand = Some(Hand { index: hand.index, fence: 1, attempts: 0, at: At::Delivery, target });
}

fn write_result(next: &mut State, design: &Design, hand: Hand, success: bool) {
    // An attempt whose subscription is gone changes nothing.
    if !next.subscription.exists() {
        return;
    }
    let row = &mut next.rows[usize::from(hand.index)];
    let holds = !row.delivered && row.lease.fence == hand.fence;
    if !holds && design.record_names_fence {
        return;
    }
    let answer = Answer { status_code: Some(if success { 204 } else { 500 }), retry_after: None };
    let transition = record(&answer, 1, None, Timestamp::from_ms(0), &RetryPolicy::default(), 0.5);
    if !row.exists {
        next.numbers += 1;
        (row.exists, row.sequence) = (true, next.numbers);
    }
    // Each attempt says which one it is by what its node knew.
    row.number_used_twice |= hand.attempts + 1 != row.attempts + 1;
    row.attempts += 1;
    row.regressed |= row.delivered && transition.status == DeliveryStatus::Pending;
    row.delivered = transition.status == DeliveryStatus::Delivered;
    row.lease.holder = None;
}

/// A lease of a node that no longer has the work in hand runs out in the end; that of one that has may do so, too.
fn run_out(state: &State, design: &Design, index: usize, steps: &mut Vec<(Step, State)>) {
    if !design.leases_run_out {
        return;
    }
    for of_job in [true, false] {
        let lease = if of_job { state.jobs[index].lease } else { state.rows[index].lease };
        let Some(holder) = lease.holder else { continue };
        let mut next = *state;
        let step = match state.has_in_hand(holder, index) {
            true if state.faults.early_expiries == 0 => continue,
            true => {
                next.faults.early_expiries -= 1;
                Step::RunOutEarly(index)
            }
            false => Step::RunOut(index),
        };
        match of_job {
            true => next.jobs[index].lease.holder = None,
            false => next.rows[index].lease.holder = None,
        }
        steps.push((step, next));
    }
}

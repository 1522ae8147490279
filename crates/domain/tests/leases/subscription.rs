//! The one subscription: its deletion, which leaves deliveries to be removed, and its secret, which is rotated.

use crate::{
    design::Design,
    model::{NODES, Row, State, Step},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Subscription {
    life: Life,
    /// How often the secret was rotated.
    secret: u8,
    /// The secret before it is valid too.
    overlap: bool,
    /// The secret by which the endpoint checks.
    endpoint: u8,
    pub sent_after_deletion: bool,
    pub sent_unverifiable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Life {
    #[default]
    Exists,
    /// Deleted, and the table says that its deliveries are still to be removed.
    ToRemove,
    /// The same where only a node knows it: only in a broken design.
    InMind(u8),
    Over,
}

/// What an attempt needs of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Target {
    pub exists: bool,
    secret: u8,
    overlap: bool,
}

impl Subscription {
    pub fn exists(&self) -> bool {
        self.life == Life::Exists
    }

    pub fn is_kept_in_mind_by(&self, node: usize) -> bool {
        self.life == Life::InMind(node as u8)
    }

    /// A node dies.
    pub fn forget(&mut self, node: usize) {
        if self.is_kept_in_mind_by(node) {
            self.life = Life::Over;
        }
    }

    fn target(&self) -> Target {
        Target { exists: self.exists(), secret: self.secret, overlap: self.overlap }
    }

    /// What a node remembers of it with something that it takes, where the design has any use for that.
    pub fn kept(&self, design: &Design) -> Target {
        let is_used = !(design.target_before_attempt && design.row_under_subscription);
        if is_used { self.target() } else { Target::default() }
    }

    /// Whether there is somebody to send to, as far as the node knows. What is sent is judged.
    pub fn begin_attempt(&mut self, design: &Design, kept: Target) -> bool {
        let target = if design.target_before_attempt { self.target() } else { kept };
        if target.exists {
            self.sent_after_deletion |= !self.exists();
            let previous = target.overlap && design.both_sign && target.secret == self.endpoint + 1;
            self.sent_unverifiable |= !(target.secret == self.endpoint || previous);
        }
        target.exists
    }
}

/// What can happen to it.
pub fn steps(state: &State, design: &Design, steps: &mut Vec<(Step, State)>) {
    let subscription = state.subscription;
    match subscription.life {
        Life::Exists if state.faults.deletions > 0 => {
            for node in 0..NODES {
                let mut next = *state;
                next.faults.deletions -= 1;
                let in_mind = Life::InMind(node as u8);
                next.subscription.life = if design.removal_with_deletion { Life::ToRemove } else { in_mind };
                steps.push((Step::DeleteSubscription(node), next));
            }
        }
        Life::ToRemove | Life::InMind(_) => remove(state, steps),
        Life::Exists | Life::Over => {}
    }
    if state.faults.rotations > 0 && subscription.exists() {
        for overlap in [false, true] {
            let mut next = *state;
            next.faults.rotations -= 1;
            next.subscription.secret += 1;
            next.subscription.overlap = overlap;
            // Without an overlap both sides change at once.
            next.subscription.endpoint += u8::from(!overlap);
            steps.push((Step::Rotate(overlap), next));
        }
    }
    if subscription.overlap {
        let mut next = *state;
        let step = match subscription.endpoint < subscription.secret {
            true => {
                next.subscription.endpoint = subscription.secret;
                Step::EndpointTakesSecret
            }
            false => {
                next.subscription.overlap = false;
                Step::EndOverlap
            }
        };
        steps.push((step, next));
    }
}

/// One delivery at a time, and where none is left, the word that there are some.
fn remove(state: &State, steps: &mut Vec<(Step, State)>) {
    let mut is_empty = true;
    for (index, _) in state.rows.iter().enumerate().filter(|(_, row)| row.exists) {
        is_empty = false;
        let mut next = *state;
        next.rows[index] = Row::default();
        steps.push((Step::RemoveDelivery(index), next));
    }
    if is_empty {
        let mut next = *state;
        next.subscription.life = Life::Over;
        steps.push((Step::EndRemoval, next));
    }
}

//! What the product promises itself, and what goes wrong around it.

/// As the product does it.
pub const SOUND: Design = Design {
    settle_names_fence: true,
    event_with_state: true,
    number_with_row: true,
    claim_raises_fence: true,
    record_names_fence: true,
    row_with_event: true,
    leases_run_out: true,
    record_after_answer: true,
    removal_with_deletion: true,
    row_under_subscription: true,
    target_before_attempt: true,
    both_sign: true,
};

/// How often each may happen in one history.
pub const FAULTS: Faults =
    Faults { crashes: 1, early_expiries: 1, refusals: 1, redeliveries: 1, deletions: 0, rotations: 0 };
/// The same where the subscription is deleted, and where its secret is rotated, at any moment of it.
pub const DELETED: Faults = Faults { refusals: 0, redeliveries: 0, deletions: 1, ..FAULTS };
pub const ROTATED: Faults = Faults { early_expiries: 0, redeliveries: 0, rotations: 1, ..FAULTS };

/// Which of the product's rules are kept.
#[derive(Debug, Clone, Copy)]
pub struct Design {
    pub settle_names_fence: bool,
    /// The event is in the transaction of the terminal state.
    pub event_with_state: bool,
    /// The sequence number is taken in the transaction of the delivery's row.
    pub number_with_row: bool,
    pub claim_raises_fence: bool,
    pub record_names_fence: bool,
    /// The delivery's row is in the transaction of the event; else it is written with the first result.
    pub row_with_event: bool,
    pub leases_run_out: bool,
    pub record_after_answer: bool,
    /// The word that a subscription's deliveries are to be removed is in the transaction that deletes it; else a node only
    /// keeps it in mind.
    pub removal_with_deletion: bool,
    /// A delivery's row is inserted under the lock of its subscription's row; else by what was matched before.
    pub row_under_subscription: bool,
    /// What an attempt needs of its subscription is read right before it; else when the delivery was taken.
    pub target_before_attempt: bool,
    /// While both secrets are valid, both sign.
    pub both_sign: bool,
}

/// How many of each are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults {
    pub crashes: u8,
    /// Of leases whose holder still works: it was stopped, or cut off, or slow.
    pub early_expiries: u8,
    /// Answers of the endpoint that are not 2xx.
    pub refusals: u8,
    pub redeliveries: u8,
    /// Deletions of the subscription.
    pub deletions: u8,
    /// Of its secret.
    pub rotations: u8,
}

//! A model of leases, fences and recording, searched to its end.
//!
//! Two nodes work on two jobs whose events go to one subscription. Every order of their steps is tried, with crashes
//! between any two of them, leases that run out while their holder is still at it, endpoints that refuse, and a
//! redelivery, a subscription that is deleted or whose secret is rotated at any moment. What [`rules`] says must hold in each state that can be reached. The proof that the search can find
//! anything at all is the list of broken designs: each leaves one rule out, and each must be caught.
//!
//! The steps are those of `store::jobs::settle`, `store::deliveries::{claim, record, redeliver}` and of the engine
//! around them; what an answer makes of a delivery is decided by the real `domain::delivery::record`.

mod design;
mod model;
mod rules;
mod search;
mod subscription;

use design::{DELETED, Design, FAULTS, Faults, ROTATED, SOUND};
use search::{Found, explore};

fn caught(design: Design) -> &'static str {
    caught_where(design, FAULTS)
}

fn caught_where(design: Design, faults: Faults) -> &'static str {
    match explore(design, faults) {
        Found::Broken { rule, history } => {
            assert!(!history.is_empty(), "{rule} is broken from the start");
            rule
        }
        Found::Sound { states } => panic!("nothing wrong in {states} states: {design:?}"),
    }
}

#[test]
fn no_history_breaks_a_rule() {
    for faults in [FAULTS, DELETED, ROTATED] {
        match explore(SOUND, faults) {
            // Fewer would say that the model has stopped doing anything.
            Found::Sound { states } => assert!(states > 5_000, "only {states} states: {faults:?}"),
            Found::Broken { rule, history } => panic!("{rule}:\n{}", history.join("\n")),
        }
    }
}

#[test]
fn a_settlement_that_does_not_name_its_fence_makes_two_events() {
    assert_eq!(caught(Design { settle_names_fence: false, ..SOUND }), rules::ONE_EVENT);
}

#[test]
fn an_event_in_a_second_transaction_can_be_missing() {
    assert_eq!(caught(Design { event_with_state: false, ..SOUND }), rules::STATE_AND_EVENT);
}

#[test]
fn a_number_taken_in_a_transaction_of_its_own_leaves_gaps() {
    assert_eq!(caught(Design { number_with_row: false, ..SOUND }), rules::GAPLESS);
}

#[test]
fn a_claim_that_leaves_the_fence_lets_two_nodes_record() {
    assert_eq!(caught(Design { claim_raises_fence: false, ..SOUND }), rules::NUMBERED_ONCE);
}

#[test]
fn a_record_that_does_not_name_its_fence_undoes_what_another_node_wrote() {
    let rule = caught(Design { record_names_fence: false, ..SOUND });
    assert!([rules::NUMBERED_ONCE, rules::DELIVERED_STAYS].contains(&rule), "{rule}");
}

#[test]
fn a_delivery_that_is_only_in_memory_is_lost() {
    assert_eq!(caught(Design { row_with_event: false, ..SOUND }), rules::NOTHING_LOST);
}

#[test]
fn a_lease_that_does_not_run_out_holds_a_delivery_for_ever() {
    assert_eq!(caught(Design { leases_run_out: false, ..SOUND }), rules::NOTHING_LOST);
}

#[test]
fn a_result_that_is_written_before_the_answer_is_a_lie() {
    assert_eq!(caught(Design { record_after_answer: false, ..SOUND }), rules::TRUE_RESULTS);
}

#[test]
fn a_removal_that_only_a_node_knows_of_leaves_deliveries_for_ever() {
    let design = Design { removal_with_deletion: false, ..SOUND };
    assert_eq!(caught_where(design, DELETED), rules::NOTHING_LEFT);
}

#[test]
fn a_row_that_does_not_ask_whether_its_subscription_is_there_outlives_its_removal() {
    let design = Design { row_under_subscription: false, ..SOUND };
    assert_eq!(caught_where(design, DELETED), rules::NOTHING_LEFT);
}

#[test]
fn a_target_that_was_read_with_the_delivery_is_sent_to_after_the_deletion() {
    let design = Design { target_before_attempt: false, ..SOUND };
    assert_eq!(caught_where(design, DELETED), rules::NOTHING_AFTER);
}

#[test]
fn a_secret_that_was_read_with_the_delivery_signs_after_the_rotation() {
    let design = Design { target_before_attempt: false, ..SOUND };
    assert_eq!(caught_where(design, ROTATED), rules::VERIFIES);
}

#[test]
fn an_overlap_in_which_only_the_new_secret_signs_is_none() {
    let design = Design { both_sign: false, ..SOUND };
    assert_eq!(caught_where(design, ROTATED), rules::VERIFIES);
}

//! Clocks that jump: a virtual machine that was asleep, a time server that corrects an hour.

use super::world::{Backend, STEP, World, on_both};
use domain::delivery::{Delivery, DeliveryStatus};
use std::{collections::BTreeMap, time::Duration};
use testkit::receiver::{Behavior, Received, Receiver};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Waits until all of a subscription's deliveries, so many of them, are delivered.
async fn all_delivered(world: &World, id: domain::id::SubscriptionId, count: usize) -> Vec<Delivery> {
    let delivered = async {
        loop {
            let all = world.deliveries(id).await;
            if all.len() == count && all.iter().all(|one| one.status == DeliveryStatus::Delivered) {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    world.clock.drive(STEP, delivered).await
}

/// Each event under one id, with one number, in the same bytes, however often it was sent.
fn check(requests: &[Received], events: usize) {
    let mut known: BTreeMap<&str, (&str, &[u8])> = BTreeMap::new();
    for request in requests {
        let told = (request.header("x-plextera-sequence"), &request.body[..]);
        assert_eq!(*known.entry(request.header("x-plextera-event-id")).or_insert(told), told);
    }
    let mut numbers: Vec<usize> = known.values().map(|(number, _)| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(1..=events));
}

on_both! {
    async fn a_clock_that_jumps_ahead_loses_nothing(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        // The first waits for its retry and the second is under way when two days go by in no time.
        receiver.script([Behavior::status(500), Behavior::status(200).after(Duration::from_millis(300))]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        receiver.request(1).await;
        world.event().await;
        receiver.request(2).await;
        world.clock.advance(2 * DAY);
        world.event().await;
        all_delivered(&world, id, 3).await;
        check(&receiver.received(), 3);
    }

    async fn a_clock_that_is_set_back_delays_what_was_planned_and_nothing_else(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        receiver.script([Behavior::status(500)]);
        let id = world.subscribe(&receiver).await;
        world.start();
        world.event().await;
        receiver.request(1).await;
        let waiting = async {
            loop {
                if let Some(at) = world.deliveries(id).await[0].next_attempt_at.filter(|at| *at > world.ctx.now()) {
                    return at;
                }
                tokio::task::yield_now().await;
            }
        };
        let planned = waiting.await;
        world.clock.set_back(DAY);
        // What happens from now on is sent at once, although no time goes by.
        world.event().await;
        receiver.request(2).await;
        let first = world.deliveries(id).await.into_iter().find(|one| one.sequence == Some(1)).unwrap();
        assert_eq!((first.status, first.next_attempt_at), (DeliveryStatus::Pending, Some(planned)), "it is seen to wait");
        world.clock.advance(DAY);
        all_delivered(&world, id, 2).await;
        check(&receiver.received(), 2);
    }
}

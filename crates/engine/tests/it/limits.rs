//! A subscription's own limit, which all nodes keep to together.

use crate::world::{Backend, STEP, World};
use domain::{limits, subscription::RateLimit};
use std::time::Duration;
use store::subscriptions::SubscriptionChange;
use testkit::receiver::Receiver;

const PER_SECOND: u32 = 4;
/// Half of them are as many as one node may begin in ten seconds, with the one at the beginning.
const EVENTS: usize = 41;
/// Of the clock, while nothing but the nodes' signs of life is waited for.
const STRIDE: Duration = Duration::from_millis(200);

/// Waits until both nodes have said that they are alive, at this moment or later.
async fn both_say_that_they_live(world: &World) {
    let renewed = world.ctx.now().plus(limits::JOB_LEASE).minus(Duration::from_millis(1));
    let said = async { while world.store.runs().nodes(renewed).await.unwrap() < 2 {} };
    world.clock.drive(STRIDE, said).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_keep_to_it_together() {
    let mut world = World::new(Backend::Postgres).await;
    let receiver = Receiver::start().await.unwrap();
    world.start();
    world.start();
    // Each has said so, has then counted both, and by the third time has taken its share.
    for _ in 0..3 {
        both_say_that_they_live(&world).await;
    }
    let id = world.subscribe(&receiver).await;
    let rate_limit = Some(Some(RateLimit { per_second: PER_SECOND }));
    world.change(id, SubscriptionChange { rate_limit, ..SubscriptionChange::default() }).await;
    let begun = world.ctx.now();
    for _ in 0..EVENTS * 3 {
        let job_id = world.event().await;
        world.store.jobs().cancel(world.org_id, job_id, world.ctx.now()).await.unwrap();
    }
    world.clock.drive(STEP, receiver.request(EVENTS)).await;
    let took = world.ctx.now().since(begun);
    let least = Duration::from_secs(10) - STEP;
    assert!(took >= least, "{EVENTS} at {PER_SECOND} a second took {took:?}");
}

//! Endpoints by name, where the answers of the name's owner change: what the log of the delivery says then.

use super::{
    client::Names,
    world::{Backend, STEP, World, on_both},
};
use domain::delivery::{Blame, DeliveryStatus};
use testkit::receiver::{Behavior, Receiver};

on_both! {
    async fn a_name_that_turns_private_is_refused_and_blamed_on_nobody_else(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        // Each attempt looks the name up anew, because no connection is kept.
        receiver.always(Behavior::status(500).header("Connection", "close"));
        // 127.0.0.1 stands for a public address here, being the only one that is open.
        world.settings.policy.allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
        world.settings.lookup = Names::answering(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.2", "::1"]]);
        let id = world.subscribe_to(format!("http://rebind.test:{}/", receiver.address().port())).await;
        world.start();
        world.event().await;
        let (_, attempts) = world.delivery(id, DeliveryStatus::Exhausted).await;
        let blames: Vec<Option<Blame>> = attempts.iter().map(|attempt| attempt.blame).collect();
        let platform = Some(Blame::Platform);
        assert_eq!(blames, [Some(Blame::Endpoint), platform, platform, platform]);
        assert!(attempts[1].error.as_deref().unwrap().contains("169.254.169.254"), "{attempts:?}");
        assert_eq!(receiver.received().len(), 1, "nothing reached it after the first");
    }

    async fn a_connection_that_is_kept_stays_with_the_address_that_was_checked(world: World) {
        let mut world = world;
        let receiver = Receiver::start().await.unwrap();
        world.settings.policy.allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
        world.settings.lookup = Names::answering(&[&["127.0.0.1"], &["10.0.0.1"]]);
        world.subscribe_to(format!("http://rebind.test:{}/", receiver.address().port())).await;
        world.start();
        world.event().await;
        receiver.request(1).await;
        world.event().await;
        world.clock.drive(STEP, receiver.request(2)).await;
    }
}

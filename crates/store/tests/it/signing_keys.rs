//! Key pairs that sign deliveries: one signs, one is next, and both are known to whoever asks.

use crate::support::{Fixture, on_both_engines};
use domain::{
    event::EventType,
    id::SubscriptionId,
    signing_key::{PUBLISHED_AFTER, PublicKey, SIGNS_ON},
};
use std::time::Duration;
use store::{signing_keys::Tended, subscriptions::SubscriptionChange};

on_both_engines! {
    there_is_always_one_that_signs_and_one_that_is_next,
    one_follows_another_and_both_sign_for_a_while,
    only_who_asks_for_it_gets_a_second_signature,
}

const PERIOD: Duration = Duration::from_secs(90 * 24 * 3600);

async fn tend(fixture: &Fixture) -> Tended {
    fixture.store.signing_keys().tend(Some(PERIOD), fixture.now()).await.unwrap()
}

/// The one that signs, the next one, and how many there are.
async fn known(fixture: &Fixture) -> (PublicKey, PublicKey, usize) {
    let all = fixture.store.signing_keys().published().await.unwrap();
    let one = |wanted: fn(&domain::signing_key::Stage) -> bool| -> PublicKey {
        let mut found = all.iter().filter(|(_, stage)| wanted(stage)).map(|(key, _)| *key);
        let first = found.next().unwrap();
        assert_eq!(found.next(), None, "one and no more");
        first
    };
    (one(domain::signing_key::Stage::is_active), one(domain::signing_key::Stage::is_next), all.len())
}

async fn subscribe(fixture: &Fixture) -> SubscriptionId {
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let change = SubscriptionChange { asymmetric_signature: Some(true), ..SubscriptionChange::default() };
    let changed = fixture.store.subscriptions().update(fixture.org_id, id, change, fixture.now()).await;
    assert!(changed.unwrap().unwrap().asymmetric_signature);
    id
}

async fn signing(fixture: &Fixture, id: SubscriptionId) -> Vec<PublicKey> {
    let targets = fixture.store.subscriptions().targets(&[id], fixture.now()).await.unwrap();
    targets[0].signing_keys.iter().map(|key| key.public()).collect()
}

async fn there_is_always_one_that_signs_and_one_that_is_next(fixture: Fixture) {
    let keys = fixture.store.signing_keys();
    let now = fixture.now();
    let (one, other) = tokio::join!(keys.tend(Some(PERIOD), now), keys.tend(Some(PERIOD), now));
    assert!(!one.unwrap().rotated && !other.unwrap().rotated);
    let (active, next, count) = known(&fixture).await;
    assert_eq!(count, 2, "however many nodes begin at once");
    assert_eq!(tend(&fixture).await, Tended::default());
    fixture.advance(PERIOD / 2);
    assert_eq!(tend(&fixture).await, Tended::default());
    assert_eq!(known(&fixture).await, (active, next, 2));
}

async fn one_follows_another_and_both_sign_for_a_while(fixture: Fixture) {
    tend(&fixture).await;
    let id = subscribe(&fixture).await;
    let (first, second, _) = known(&fixture).await;
    assert_eq!(signing(&fixture, id).await, [first]);
    fixture.advance(PERIOD);
    assert!(tend(&fixture).await.rotated);
    let (active, third, count) = known(&fixture).await;
    assert_eq!((active, count), (second, 3));
    assert!(third != first && third != second);
    let both = signing(&fixture, id).await;
    assert!(both.len() == 2 && both.contains(&first) && both.contains(&second), "{both:?}");
    fixture.advance(SIGNS_ON);
    assert_eq!(signing(&fixture, id).await, [second]);
    fixture.advance(PUBLISHED_AFTER);
    assert_eq!(tend(&fixture).await, Tended { rotated: false, removed: 1 });
    assert_eq!(known(&fixture).await, (second, third, 2));
    fixture.advance(PERIOD);
    assert_eq!(fixture.store.signing_keys().tend(None, fixture.now()).await.unwrap(), Tended::default());
    assert_eq!(known(&fixture).await.0, second, "without a period it stays");
}

async fn only_who_asks_for_it_gets_a_second_signature(fixture: Fixture) {
    tend(&fixture).await;
    let (asks, does_not) = (subscribe(&fixture).await, fixture.subscribe(&[EventType::JobCompleted]).await);
    assert_eq!(signing(&fixture, asks).await.len(), 1);
    assert_eq!(signing(&fixture, does_not).await, []);
}

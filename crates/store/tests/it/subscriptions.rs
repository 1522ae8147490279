//! Subscriptions: what clients change, and the secrets.

use crate::support::{Fixture, on_both_engines};
use domain::{
    event::EventType,
    id::EventId,
    page::PageRequest,
    subscription::{Filters, SubscriptionStatus},
};
use std::time::Duration;
use store::{
    deliveries::DeliveryFilter,
    events::EventFilter,
    subscriptions::{Rotation, SubscriptionChange, SubscriptionFilter},
};

on_both_engines! {
    a_change_touches_only_what_it_names,
    lists_are_filtered,
    a_secret_comes_out_only_for_signing_and_rotates,
    a_deleted_subscription_takes_its_deliveries_along,
    what_a_deleted_subscription_leaves_is_removed_in_small_steps,
}

async fn a_change_touches_only_what_it_names(fixture: Fixture) {
    let subscriptions = fixture.store.subscriptions();
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let before = subscriptions.get(fixture.org_id, id).await.unwrap().unwrap();
    fixture.advance(Duration::from_secs(1));
    let filters = Filters { workflow_id: Some("claims".into()), document_insights_operation: None };
    let change = SubscriptionChange {
        filters: Some(Some(filters.clone())),
        description: Some(Some("for accounting".into())),
        ..SubscriptionChange::default()
    };
    let changed = subscriptions.update(fixture.org_id, id, change, fixture.now()).await.unwrap().unwrap();
    assert_eq!((changed.filters.clone(), changed.endpoint_url.clone()), (Some(filters), before.endpoint_url));
    assert_eq!(changed.updated_at, fixture.now());
    assert_eq!(subscriptions.get(fixture.org_id, id).await.unwrap(), Some(changed));

    let clear = SubscriptionChange { filters: Some(None), ..SubscriptionChange::default() };
    let cleared =
        subscriptions.update(fixture.org_id, id, clear.clone(), fixture.now()).await.unwrap().unwrap();
    assert_eq!((cleared.filters, cleared.description.as_deref()), (None, Some("for accounting")));
    assert!(subscriptions.update(fixture.ctx.id(), id, clear, fixture.now()).await.unwrap().is_none());
}

async fn lists_are_filtered(fixture: Fixture) {
    let subscriptions = fixture.store.subscriptions();
    let first = fixture.subscribe(&[EventType::JobCompleted]).await;
    fixture.advance(Duration::from_secs(1));
    let second = fixture.subscribe(&[EventType::JobCompleted, EventType::JobFailed]).await;
    let pause =
        SubscriptionChange { status: Some(SubscriptionStatus::Paused), ..SubscriptionChange::default() };
    subscriptions.update(fixture.org_id, first, pause, fixture.now()).await.unwrap();
    let list = async |status, event_type| -> Vec<_> {
        let filter = SubscriptionFilter { status, event_type };
        let page = subscriptions.list(fixture.org_id, filter, PageRequest::default()).await.unwrap();
        page.data.into_iter().map(|subscription| subscription.id).collect()
    };
    assert_eq!(list(None, None).await, [second, first]);
    assert_eq!(list(Some(SubscriptionStatus::Paused), None).await, [first]);
    assert_eq!(list(None, Some(EventType::JobFailed)).await, [second]);
    assert_eq!(list(None, Some(EventType::RunFailed)).await, []);
    assert_eq!(subscriptions.count(fixture.org_id).await.unwrap(), 2);
}

async fn a_secret_comes_out_only_for_signing_and_rotates(fixture: Fixture) {
    let subscriptions = fixture.store.subscriptions();
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    let secrets = async || -> Vec<String> {
        let target = subscriptions.targets(&[id], fixture.now()).await.unwrap().remove(0);
        assert!(!format!("{target:?}").contains("secret\""), "{target:?}");
        target.secrets.iter().map(|secret| secret.to_string()).collect()
    };
    let rotate = async |secret: &str, overlap| {
        let rotation = Rotation { secret: secret.to_owned().into(), overlap };
        let change = SubscriptionChange { rotation: Some(rotation), ..SubscriptionChange::default() };
        subscriptions.update(fixture.org_id, id, change, fixture.now()).await.unwrap().unwrap();
    };
    assert_eq!(secrets().await, ["the secret"]);
    rotate("second", Duration::ZERO).await;
    assert_eq!(secrets().await, ["second"]);
    rotate("third", Duration::from_secs(60)).await;
    assert_eq!(secrets().await, ["third", "second"]);
    fixture.advance(Duration::from_secs(60));
    assert_eq!(secrets().await, ["third"]);
    rotate("fourth", Duration::from_secs(60)).await;
    rotate("fifth", Duration::ZERO).await;
    assert_eq!(secrets().await, ["fifth"], "no overlap ends the earlier overlap too");
}

async fn a_deleted_subscription_takes_its_deliveries_along(fixture: Fixture) {
    let subscriptions = fixture.store.subscriptions();
    let id = fixture.subscribe(&[EventType::JobCompleted]).await;
    fixture.complete(1).await;
    assert_eq!(fixture.store.deliveries().backlog(9).await.unwrap().0, 1);
    let event = only_event(&fixture).await;
    let delivery = fixture.store.deliveries().of_event(fixture.org_id, event).await.unwrap().remove(0).id;
    assert!(!subscriptions.delete(fixture.ctx.id(), id, fixture.now()).await.unwrap());
    assert!(subscriptions.delete(fixture.org_id, id, fixture.now()).await.unwrap());
    assert!(!subscriptions.delete(fixture.org_id, id, fixture.now()).await.unwrap());
    assert!(subscriptions.targets(&[id], fixture.now()).await.unwrap().is_empty());
    // Nobody finds them from now on, whenever they are removed.
    assert_eq!(fixture.store.deliveries().get(fixture.org_id, delivery).await.unwrap(), None);
    assert_eq!(fixture.store.deliveries().of_event(fixture.org_id, event).await.unwrap(), []);
    while fixture.store.removals().step(1).await.unwrap().is_some() {}
    assert_eq!(fixture.store.deliveries().backlog(9).await.unwrap().0, 0);
}

async fn what_a_deleted_subscription_leaves_is_removed_in_small_steps(fixture: Fixture) {
    let kept = fixture.subscribe(&[EventType::JobCompleted]).await;
    let gone = fixture.subscribe(&[EventType::JobCompleted]).await;
    for number in 0..5 {
        fixture.complete(number).await;
    }
    let removals = fixture.store.removals();
    assert_eq!(removals.step(2).await.unwrap(), None, "nothing was deleted");
    assert!(fixture.store.subscriptions().delete(fixture.org_id, gone, fixture.now()).await.unwrap());
    let mut steps = Vec::new();
    while let Some(removed) = removals.step(2).await.unwrap() {
        assert_eq!(removed.subscription_id, gone);
        steps.push((removed.deliveries, removed.completed));
    }
    assert_eq!(steps, [(2, false), (2, false), (1, true)]);
    let page = PageRequest::default();
    let list = fixture.store.deliveries().list(fixture.org_id, kept, DeliveryFilter::default(), page).await;
    assert_eq!(list.unwrap().data.len(), 5, "the other one keeps its own");
}

async fn only_event(fixture: &Fixture) -> EventId {
    let (filter, page) = (EventFilter::default(), PageRequest::default());
    fixture.store.events().list(fixture.org_id, filter, page).await.unwrap().data.remove(0).id
}

//! Organizations, keys, hubs, idempotency.

use crate::support::{Fixture, HUB, on_both_engines};
use domain::{
    hub::{Duplicates, Field, FieldType, Hub},
    id::OrgId,
    key::{KeyRecord, Scope},
    limits,
};
use std::time::Duration;
use store::idempotency::{Answer, Idempotency, Once};

on_both_engines! {
    only_an_empty_database_is_filled,
    a_key_is_found_by_its_hash_until_it_is_revoked,
    a_hub_is_replaced_only_by_who_read_it_last,
    the_same_request_gets_the_first_answer_for_a_day,
    of_two_same_requests_at_once_one_does_the_work,
}

async fn only_an_empty_database_is_filled(fixture: Fixture) {
    let orgs = fixture.store.orgs();
    assert!(!orgs.is_empty().await.unwrap());
    assert!(!orgs.bootstrap(fixture.bootstrap(fixture.ctx.id()), fixture.now()).await.unwrap());
    assert_eq!(orgs.list().await.unwrap().len(), 1);
    let mut org = orgs.get(fixture.org_id).await.unwrap().unwrap();
    assert_eq!((org.smart_classification, org.default_hub_id), (true, Some(HUB)));
    org.smart_classification = false;
    assert!(orgs.update(org.clone()).await.unwrap());
    assert_eq!(orgs.get(fixture.org_id).await.unwrap(), Some(org));
}

async fn a_key_is_found_by_its_hash_until_it_is_revoked(fixture: Fixture) {
    let keys = fixture.store.keys();
    let key = KeyRecord {
        id: fixture.ctx.id(),
        org_id: fixture.org_id,
        name: "second".into(),
        scopes: vec![Scope::Public],
        created_at: fixture.now(),
        revoked_at: None,
    };
    keys.insert(key.clone(), [5; 32]).await.unwrap();
    let found = keys.find_by_hash([5; 32]).await.unwrap().unwrap();
    assert_eq!(found, key);
    assert_eq!(keys.find_by_hash([5; 32]).await.unwrap(), Some(found), "as it was kept");
    assert_eq!(keys.find_by_hash([6; 32]).await.unwrap(), None);

    let other: OrgId = fixture.ctx.id();
    assert!(!keys.revoke(other, key.id, fixture.now()).await.unwrap());
    assert!(keys.revoke(fixture.org_id, key.id, fixture.now()).await.unwrap());
    assert_eq!(keys.find_by_hash([5; 32]).await.unwrap(), None);
    let listed = keys.list(fixture.org_id).await.unwrap();
    assert_eq!((listed.len(), listed.iter().filter(|key| key.revoked_at.is_some()).count()), (2, 1));
}

async fn a_hub_is_replaced_only_by_who_read_it_last(fixture: Fixture) {
    let hubs = fixture.store.hubs();
    let fields = vec![Field::new("total", "Total", FieldType::Money)];
    let hub = Hub {
        languages: vec!["de".into()],
        duplicates: Duplicates::Allow,
        ..Hub::new(HUB, "Invoices", fields)
    };
    hubs.insert(fixture.org_id, hub.clone(), None, fixture.now()).await.unwrap();
    assert_eq!(hubs.get(fixture.org_id, HUB).await.unwrap(), Some(hub.clone()));
    assert_eq!(hubs.get(fixture.ctx.id(), HUB).await.unwrap(), None);

    let renamed = Hub { name: "Bills".into(), ..hub };
    assert!(hubs.update(fixture.org_id, renamed.clone(), fixture.now()).await.unwrap());
    assert!(!hubs.update(fixture.org_id, renamed, fixture.now()).await.unwrap());
    assert!(hubs.set_enabled(fixture.org_id, HUB, false, fixture.now()).await.unwrap());
    assert!(!hubs.set_enabled(fixture.org_id, HUB, false, fixture.now()).await.unwrap());
    let hub = hubs.list(fixture.org_id).await.unwrap().remove(0);
    assert_eq!((hub.name.as_str(), hub.enabled, hub.version), ("Bills", false, 3));
}

fn request(fixture: &Fixture, body: &str) -> Idempotency {
    Idempotency {
        org_id: fixture.org_id,
        key: "order 7".into(),
        request_hash: [body.len() as u8; 32],
        answer: Answer { status: 201, body: body.as_bytes().to_vec() },
    }
}

async fn the_same_request_gets_the_first_answer_for_a_day(fixture: Fixture) {
    let files = fixture.store.files();
    let insert = |request| files.insert(fixture.org_id, fixture.file(1), Some(request), fixture.now());
    let first = request(&fixture, "first");
    assert_eq!(insert(first.clone()).await.unwrap(), Once::First(()));
    assert_eq!(insert(first.clone()).await.unwrap(), Once::Replay(first.answer.clone()));
    assert_eq!(insert(request(&fixture, "another")).await.unwrap(), Once::Mismatch);
    let records = fixture.store.idempotency();
    let known = records.find(fixture.org_id, "order 7", first.request_hash, fixture.now()).await.unwrap();
    assert_eq!(known, Some(Once::Replay(first.answer.clone())));

    fixture.advance(limits::IDEMPOTENCY_KEPT + Duration::from_millis(1));
    assert_eq!(records.find(fixture.org_id, "order 7", [0; 32], fixture.now()).await.unwrap(), None);
    let late =
        files.insert(fixture.org_id, fixture.file(1), Some(request(&fixture, "another")), fixture.now());
    assert_eq!(late.await.unwrap(), Once::First(()));
    assert_eq!(records.reap(fixture.now(), 10).await.unwrap(), 0);
    fixture.advance(limits::IDEMPOTENCY_KEPT);
    assert_eq!(records.reap(fixture.now(), 10).await.unwrap(), 1);
}

async fn of_two_same_requests_at_once_one_does_the_work(fixture: Fixture) {
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (store, org_id, now) = (fixture.store.clone(), fixture.org_id, fixture.now());
            let (file, request) = (fixture.file(1), request(&fixture, "same"));
            tokio::spawn(async move { store.files().insert(org_id, file, Some(request), now).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for task in tasks {
        match task.await.unwrap() {
            Once::First(()) => first += 1,
            Once::Replay(answer) => assert_eq!(answer.body, b"same"),
            Once::Mismatch => panic!("the requests are the same"),
        }
    }
    assert_eq!(first, 1);
    assert_eq!(fixture.store.files().by_sha256(fixture.org_id, [1; 32]).await.unwrap().len(), 1);
}

//! The face over the engines: statements, isolation of operations, group commit, the lock, hints between nodes.

use crate::support::{Fixture, on_both_engines};
use domain::page::PageRequest;
use std::time::Duration;
use store::{
    Database, Store,
    idempotency::Once,
    wake::{Topic, Wake},
};

on_both_engines! {
    every_statement_is_understood,
    many_callers_at_once_each_get_their_own_answer,
    a_refused_operation_leaves_nothing_and_disturbs_nobody,
    opening_again_changes_nothing,
}

async fn every_statement_is_understood(fixture: Fixture) {
    assert!(fixture.store.check_statements().await.unwrap() > 80);
}

async fn many_callers_at_once_each_get_their_own_answer(fixture: Fixture) {
    let inserts = (0..200).map(|_| {
        let (store, org_id, now, file) =
            (fixture.store.clone(), fixture.org_id, fixture.now(), fixture.file(1));
        tokio::spawn(async move { store.files().insert(org_id, file, None, now).await.unwrap() })
    });
    for insert in inserts.collect::<Vec<_>>() {
        assert_eq!(insert.await.unwrap(), Once::First(()));
    }
    let page = fixture.store.files().list(fixture.org_id, PageRequest::default()).await.unwrap();
    assert_eq!((page.page_info.total_items, page.data.len()), (200, 50));
}

async fn a_refused_operation_leaves_nothing_and_disturbs_nobody(fixture: Fixture) {
    let (first, second) = (fixture.file(1), fixture.file(2));
    let files = fixture.store.files();
    files.insert(fixture.org_id, first.clone(), None, fixture.now()).await.unwrap();
    let (again, other) = tokio::join!(
        files.insert(fixture.org_id, first.clone(), None, fixture.now()),
        files.insert(fixture.org_id, second.clone(), None, fixture.now()),
    );
    assert!(matches!(again, Err(store::Error::Conflict { .. })), "{again:?}");
    other.unwrap();
    assert_eq!(files.get(fixture.org_id, second.file.id).await.unwrap(), Some(second));
}

async fn opening_again_changes_nothing(fixture: Fixture) {
    let file = fixture.file(1);
    fixture.store.files().insert(fixture.org_id, file.clone(), None, fixture.now()).await.unwrap();
    let Fixture { store, org_id, ctx, options, folder: _folder, .. } = fixture;
    drop(store);
    let store = Store::open(options, ctx).await.unwrap();
    assert_eq!(store.files().get(org_id, file.file.id).await.unwrap(), Some(file));
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_is_refused() {
    let fixture = Fixture::sqlite().await;
    let refused = Store::open(fixture.options.clone(), fixture.ctx.clone()).await.unwrap_err().to_string();
    assert!(refused.contains("in use by process"), "{refused}");
    assert!(refused.contains(&fixture.options.data_dir.display().to_string()), "{refused}");
}

#[tokio::test]
async fn servers_that_start_at_once_migrate_once() {
    let url = testkit::postgres::empty_database().await;
    let database = Database::Postgres(store::db::PostgresUrl::new(url));
    let starts = (0..4).map(|seed| {
        let folder = tempfile::tempdir().unwrap();
        let options = store::Options {
            data_dir: folder.path().to_owned(),
            database: database.clone(),
            storage: Some(store::blobs::Storage::Memory),
            sealing_keys: Vec::new(),
        };
        let ctx = testkit::clock::FakeClock::new().context(seed);
        async move { Store::open(options, ctx).await.map(|store| (store, folder)) }
    });
    for started in futures::future::join_all(starts).await {
        started.unwrap().0.check_statements().await.unwrap();
    }
}

#[tokio::test]
async fn hints_reach_the_other_nodes() {
    let url = store::db::PostgresUrl::new(testkit::postgres::empty_database().await);
    let (here, there) = (Wake::between_nodes(url.clone()), Wake::between_nodes(url));
    let (mut heard_here, mut heard_there) = (here.waiter(Topic::Jobs), there.waiter(Topic::Jobs));
    // Each hears one hint when its connection is made.
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, heard_here.hinted()).await.unwrap();
    tokio::time::timeout(patience, heard_there.hinted()).await.unwrap();
    here.hint(Topic::Jobs);
    tokio::time::timeout(patience, heard_there.hinted()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_again() {
    let fixture = Fixture::postgres().await;
    for _ in 0..3 {
        testkit::postgres::disconnect_all(&fixture.url).await;
        fixture.store.files().insert(fixture.org_id, fixture.file(1), None, fixture.now()).await.unwrap();
        testkit::postgres::disconnect_all(&fixture.url).await;
        fixture.store.files().list(fixture.org_id, PageRequest::default()).await.unwrap();
    }
    fixture.store.db().ping().await.unwrap();
}

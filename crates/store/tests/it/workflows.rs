//! Workflows: drafts, versions, secrets.

use crate::support::{Fixture, on_both_engines};
use domain::{
    page::PageRequest,
    workflow::{Workflow, WorkflowId, WorkflowVersion},
};
use std::time::Duration;
use store::workflows::{Compiled, Published};

on_both_engines! {
    only_the_draft_that_was_compiled_is_published,
    a_run_reads_its_version_after_the_workflow_is_gone,
    workflows_are_listed_and_belong_to_one_organization,
    a_secret_comes_out_only_by_its_name_and_organization,
}

fn id(text: &str) -> WorkflowId {
    text.parse().unwrap()
}

fn compiled(source: &str) -> Compiled {
    Compiled {
        source: source.into(),
        name: "Claims".into(),
        definition: source.trim().as_bytes().to_vec(),
        hash: format!("hash of {}", source.trim()),
    }
}

async fn put(fixture: &Fixture, name: &str, source: &str) -> Workflow {
    let workflows = fixture.store.workflows();
    let put = workflows.put(fixture.org_id, id(name), "Claims".into(), source.into(), fixture.now());
    put.await.unwrap().unwrap()
}

async fn publish(fixture: &Fixture, name: &str, source: &str) -> Published {
    fixture
        .store
        .workflows()
        .publish(fixture.org_id, id(name), compiled(source), None, fixture.now())
        .await
        .unwrap()
}

fn new(published: Published) -> WorkflowVersion {
    match published {
        Published::New(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn only_the_draft_that_was_compiled_is_published(fixture: Fixture) {
    let workflows = fixture.store.workflows();
    assert_eq!(publish(&fixture, "claims", "one").await, Published::NotFound);
    let draft = put(&fixture, "claims", "one").await;
    assert_eq!(draft.published_version, None);
    assert_eq!(workflows.published(fixture.org_id, id("claims"), None).await.unwrap(), None);

    assert_eq!(publish(&fixture, "claims", "other").await, Published::Changed);
    let first = new(publish(&fixture, "claims", "one").await);
    assert_eq!((first.version, &*first.definition), (1, &b"one"[..]));
    assert_eq!(publish(&fixture, "claims", "one").await, Published::Same(first.clone()));

    fixture.advance(Duration::from_secs(1));
    put(&fixture, "claims", "one\n").await;
    assert_eq!(publish(&fixture, "claims", "one\n").await, Published::Same(first.clone()));
    let draft = put(&fixture, "claims", "two").await;
    assert_eq!((draft.published_version, draft.updated_at), (Some(1), fixture.now()));
    let second = new(publish(&fixture, "claims", "two").await);
    assert_eq!(second.version, 2);

    let published = async |version| workflows.published(fixture.org_id, id("claims"), version).await.unwrap();
    assert_eq!(published(None).await, Some(second.clone()));
    assert_eq!(published(Some(1)).await, Some(first.clone()));
    assert_eq!(published(Some(3)).await, None);
    let versions = workflows.versions(fixture.org_id, id("claims"), PageRequest::default()).await.unwrap();
    assert_eq!((versions.data, versions.page_info.total_items), (vec![second, first], 2));
    assert_eq!(workflows.source(fixture.org_id, id("claims"), 1).await.unwrap().as_deref(), Some("one"));
    assert_eq!(workflows.newest(fixture.org_id).await.unwrap().get("claims"), Some(&2));
}

async fn a_run_reads_its_version_after_the_workflow_is_gone(fixture: Fixture) {
    let workflows = fixture.store.workflows();
    put(&fixture, "claims", "one").await;
    let first = new(publish(&fixture, "claims", "one").await);
    assert!(!workflows.delete(fixture.ctx.id(), id("claims")).await.unwrap());
    assert!(workflows.delete(fixture.org_id, id("claims")).await.unwrap());
    assert!(!workflows.delete(fixture.org_id, id("claims")).await.unwrap());
    assert_eq!(workflows.get(fixture.org_id, id("claims")).await.unwrap(), None);
    assert_eq!(workflows.published(fixture.org_id, id("claims"), Some(1)).await.unwrap(), None);
    assert_eq!(workflows.version(fixture.org_id, id("claims"), 1).await.unwrap(), Some(first));

    assert_eq!(put(&fixture, "claims", "one").await.published_version, None);
    assert_eq!(new(publish(&fixture, "claims", "one").await).version, 2, "a number is never given twice");
}

async fn workflows_are_listed_and_belong_to_one_organization(fixture: Fixture) {
    let workflows = fixture.store.workflows();
    for name in ["a", "b", "c"] {
        put(&fixture, name, "one").await;
        fixture.advance(Duration::from_secs(1));
    }
    let page = PageRequest { size: 2, ..PageRequest::default() };
    let list = workflows.list(fixture.org_id, page).await.unwrap();
    let names: Vec<_> = list.data.iter().map(|workflow| workflow.id.as_str()).collect();
    assert_eq!((names, list.page_info.total_items), (vec!["c", "b"], 3));
    assert_eq!(workflows.list(fixture.ctx.id(), page).await.unwrap().page_info.total_items, 0);
    assert_eq!(workflows.get(fixture.ctx.id(), id("a")).await.unwrap(), None);
}

async fn a_secret_comes_out_only_by_its_name_and_organization(fixture: Fixture) {
    let secrets = fixture.store.workflow_secrets();
    let put = async |name: &str, secret: &str| {
        let secret = secret.to_owned().into();
        assert!(secrets.put(fixture.org_id, name.into(), secret, fixture.now()).await.unwrap());
    };
    put("TOKEN", "first").await;
    put("OTHER", "x").await;
    let created_at = fixture.now();
    fixture.advance(Duration::from_secs(1));
    put("TOKEN", "second").await;

    let listed = secrets.list(fixture.org_id).await.unwrap();
    let names: Vec<_> = listed.iter().map(|record| record.name.as_str()).collect();
    assert_eq!(names, ["OTHER", "TOKEN"]);
    assert_eq!((listed[1].created_at, listed[1].updated_at), (created_at, fixture.now()));
    let names = ["TOKEN".to_owned(), "MISSING".to_owned()];
    let opened = secrets.open(fixture.org_id, &names).await.unwrap();
    assert_eq!(opened.len(), 1);
    assert_eq!((opened[0].0.as_str(), opened[0].1.as_str()), ("TOKEN", "second"));
    assert!(secrets.open(fixture.ctx.id(), &names).await.unwrap().is_empty());
    assert!(secrets.delete(fixture.org_id, "TOKEN".into()).await.unwrap());
    assert!(!secrets.delete(fixture.org_id, "TOKEN".into()).await.unwrap());
    assert!(secrets.open(fixture.org_id, &names).await.unwrap().is_empty());
}

//! What hubs learn: one teacher at a time, and what is deleted is forgotten.

use crate::support::{Fixture, HUB, on_both_engines};
use domain::{
    hub::{Field, FieldType, Hub},
    learning::{Evaluation, ExampleSource, ExampleStatus, Values},
    limits,
    org::Org,
    page::PageRequest,
};
use serde_json::json;
use std::time::Duration;
use store::{
    NodeId,
    hubs::HubDeleted,
    idempotency::Once,
    learning::{ClaimedHub, ExamplesAdded, NewExample, NewModel, NewSheet, RolledBack, SheetKey},
};

on_both_engines! {
    an_example_waits_for_its_document_and_then_teaches,
    a_teacher_that_lost_its_lease_changes_nothing,
    what_was_deleted_is_in_no_model,
    an_earlier_model_can_be_used_again,
    a_hub_that_is_gone_learns_nothing,
}

async fn hub(fixture: &Fixture) {
    let hub = Hub::new(HUB, "Orders", vec![Field::new("number", "Number", FieldType::String)]);
    fixture.store.hubs().insert(fixture.org_id, hub, None, fixture.now()).await.unwrap();
}

fn example(fixture: &Fixture, content: u8) -> NewExample {
    NewExample {
        id: fixture.ctx.id(),
        source: ExampleSource::Example,
        file_id: None,
        job_id: None,
        feedback_id: None,
        sha256: Some([content; 32]),
        values: Values::from([("number".to_owned(), json!(format!("A-{content}")))]),
    }
}

async fn add(fixture: &Fixture, example: &NewExample) {
    let (learning, examples) = (fixture.store.learning(), vec![example.clone()]);
    let added = learning.add(fixture.org_id, HUB, examples, None, fixture.now()).await.unwrap();
    assert_eq!(added, Once::First(ExamplesAdded::Done));
}

async fn claim(fixture: &Fixture, node: &NodeId) -> Option<ClaimedHub> {
    let claimed = fixture.store.learning().claim(node, 10, fixture.now(), limits::JOB_LEASE).await.unwrap();
    assert!(claimed.len() <= 1);
    claimed.into_iter().next()
}

/// Adds an example whose document is read at once.
async fn taught(fixture: &Fixture, content: u8) -> NewExample {
    let example = example(fixture, content);
    add(fixture, &example).await;
    let claimed = claim(fixture, &fixture.node).await.unwrap();
    let sheet = NewSheet {
        key: SheetKey::from(example.id),
        hub_id: HUB,
        job_id: None,
        sha256: [content; 32],
        size_bytes: 100,
    };
    let learning = fixture.store.learning();
    assert!(learning.mark_read(claimed.lease, example.id, Ok(sheet), fixture.now()).await.unwrap());
    assert!(learning.release(claimed.lease).await.unwrap());
    example
}

fn model(content: u8) -> Option<NewModel> {
    Some(NewModel {
        hub_version: 1,
        last_sequence: u64::from(content),
        rolled_back: None,
        evaluation: Evaluation { examples: u32::from(content), ..Evaluation::default() },
        decisions: Vec::new(),
        content: vec![content],
        profile: "{}".to_owned(),
    })
}

async fn an_example_waits_for_its_document_and_then_teaches(fixture: Fixture) {
    hub(&fixture).await;
    let learning = fixture.store.learning();
    let first = example(&fixture, 1);
    add(&fixture, &first).await;
    let shown = learning.example(fixture.org_id, HUB, first.id).await.unwrap().unwrap();
    assert_eq!((shown.status, shown.values), (ExampleStatus::Pending, first.values.clone()));
    let claimed = claim(&fixture, &fixture.node).await.unwrap();
    assert_eq!((claimed.pending, claimed.trained < claimed.wanted), (1, false));
    let to_read = learning.next_to_read(fixture.org_id, HUB).await.unwrap().unwrap();
    assert!(to_read.id == first.id && to_read.document.is_none(), "the file is gone");
    let failed = Err("the file is gone".to_owned());
    assert!(learning.mark_read(claimed.lease, first.id, failed, fixture.now()).await.unwrap());
    assert!(learning.release(claimed.lease).await.unwrap());
    let shown = learning.example(fixture.org_id, HUB, first.id).await.unwrap().unwrap();
    assert_eq!((shown.status, shown.error.as_deref()), (ExampleStatus::Failed, Some("the file is gone")));
    assert_eq!(claim(&fixture, &fixture.node).await, None, "nothing is left to do");

    taught(&fixture, 2).await;
    let again = example(&fixture, 2);
    add(&fixture, &again).await;
    let shown = learning.example(fixture.org_id, HUB, again.id).await.unwrap().unwrap();
    assert_eq!(shown.status, ExampleStatus::Ready, "a document of the same bytes is not read again");
    let lessons = learning.lessons(fixture.org_id, HUB).await.unwrap();
    assert_eq!(lessons.iter().map(|lesson| lesson.sequence).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(lessons[0].sheet, lessons[1].sheet);
    let page = learning.examples(fixture.org_id, HUB, PageRequest::default()).await.unwrap();
    assert_eq!(page.page_info.total_items, 3);
}

async fn a_teacher_that_lost_its_lease_changes_nothing(fixture: Fixture) {
    hub(&fixture).await;
    taught(&fixture, 1).await;
    let learning = fixture.store.learning();
    let slow = claim(&fixture, &NodeId::random(&fixture.ctx)).await.unwrap();
    assert_eq!(claim(&fixture, &fixture.node).await, None, "one teacher at a time");
    fixture.clock.advance(limits::JOB_LEASE + Duration::from_secs(1));
    let quick = claim(&fixture, &fixture.node).await.unwrap();
    assert!(quick.lease.fence > slow.lease.fence);
    assert_eq!(learning.take(slow, model(7), fixture.now()).await.unwrap(), None);
    assert!(!learning.fail(slow, "late".into(), None).await.unwrap());
    assert!(!learning.release(slow.lease).await.unwrap());
    assert_eq!(learning.take(quick, model(8), fixture.now()).await.unwrap(), Some(1));
    assert_eq!(learning.take(quick, model(9), fixture.now()).await.unwrap(), None, "a model is taken once");
    assert_eq!(learning.content(fixture.org_id, HUB, 1).await.unwrap(), Some(vec![8]));
    let state = learning.state(fixture.org_id, HUB).await.unwrap();
    assert_eq!((state.active_version, state.trained), (1, state.wanted));
    assert_eq!(claim(&fixture, &fixture.node).await, None);
}

async fn what_was_deleted_is_in_no_model(fixture: Fixture) {
    hub(&fixture).await;
    let kept = taught(&fixture, 1).await;
    let gone = taught(&fixture, 2).await;
    let learning = fixture.store.learning();
    let claimed = claim(&fixture, &fixture.node).await.unwrap();
    assert_eq!(learning.take(claimed, model(1), fixture.now()).await.unwrap(), Some(1));
    assert!(learning.delete_example(fixture.org_id, HUB, gone.id).await.unwrap());
    assert!(!learning.delete_example(fixture.org_id, HUB, gone.id).await.unwrap());
    let claimed = claim(&fixture, &fixture.node).await.unwrap();
    assert_eq!(claimed.forget_before, 2, "the first model knows of it");
    let lessons = learning.lessons(fixture.org_id, HUB).await.unwrap();
    assert_eq!(lessons.len(), 1);
    assert_eq!(learning.take(claimed, model(2), fixture.now()).await.unwrap(), Some(2));
    let versions = learning.models(fixture.org_id, HUB).await.unwrap();
    assert_eq!(versions.iter().map(|model| (model.version, model.active)).collect::<Vec<_>>(), [(2, true)]);

    assert!(learning.delete_example(fixture.org_id, HUB, kept.id).await.unwrap());
    let claimed = claim(&fixture, &fixture.node).await.unwrap();
    assert_eq!(learning.take(claimed, None, fixture.now()).await.unwrap(), Some(0));
    assert!(learning.models(fixture.org_id, HUB).await.unwrap().is_empty());
    assert!(learning.active(fixture.org_id, HUB).await.unwrap().is_none());
    let reaped = learning.reap_sheets(100).await.unwrap();
    assert!(reaped.is_empty(), "few sheets are kept, whether examples rest on them or not");
    let unknown = SheetKey([9; 16]);
    let keys = vec![(fixture.org_id, unknown), (fixture.org_id, SheetKey::from(kept.id))];
    assert_eq!(learning.orphans(keys).await.unwrap(), [(fixture.org_id, unknown)]);
}

async fn an_earlier_model_can_be_used_again(fixture: Fixture) {
    hub(&fixture).await;
    let learning = fixture.store.learning();
    for content in 1..=2 {
        taught(&fixture, content).await;
        let claimed = claim(&fixture, &fixture.node).await.unwrap();
        learning.take(claimed, model(content), fixture.now()).await.unwrap().unwrap();
    }
    let roll_back = async |version| learning.roll_back(fixture.org_id, HUB, version).await.unwrap();
    assert_eq!(roll_back(1).await, RolledBack::Done);
    assert_eq!(learning.active(fixture.org_id, HUB).await.unwrap().unwrap().version, 1);
    assert_eq!(claim(&fixture, &fixture.node).await, None, "it is not made again by itself");
    assert_eq!(roll_back(0).await, RolledBack::Done);
    assert!(learning.active(fixture.org_id, HUB).await.unwrap().is_none());
    assert_eq!(roll_back(3).await, RolledBack::NotKept);

    taught(&fixture, 3).await;
    let claimed = claim(&fixture, &fixture.node).await.unwrap();
    let worse = NewModel { rolled_back: Some("it does worse".into()), ..model(3).unwrap() };
    assert_eq!(learning.take(claimed, Some(worse), fixture.now()).await.unwrap(), Some(3));
    assert!(learning.active(fixture.org_id, HUB).await.unwrap().is_none(), "the one before stays");
    let kept = learning.model(fixture.org_id, HUB, 3).await.unwrap().unwrap();
    assert_eq!((kept.active, kept.rolled_back.as_deref()), (false, Some("it does worse")));
    assert_eq!(learning.profiles(fixture.org_id).await.unwrap(), []);
}

async fn a_hub_that_is_gone_learns_nothing(fixture: Fixture) {
    let learning = fixture.store.learning();
    let lost = example(&fixture, 1);
    let added = learning.add(fixture.org_id, HUB, vec![lost.clone()], None, fixture.now()).await.unwrap();
    assert_eq!(added, Once::First(ExamplesAdded::NoHub));
    hub(&fixture).await;
    taught(&fixture, 1).await;
    let org = fixture.store.orgs().get(fixture.org_id).await.unwrap().unwrap();
    fixture.store.orgs().update(Org { default_hub_id: None, ..org }).await.unwrap();
    assert_eq!(fixture.store.hubs().delete(fixture.org_id, HUB).await.unwrap(), HubDeleted::Done);
    assert_eq!(learning.state(fixture.org_id, HUB).await.unwrap(), Default::default());
    assert!(learning.lessons(fixture.org_id, HUB).await.unwrap().is_empty());
    assert_eq!(claim(&fixture, &fixture.node).await, None);
}

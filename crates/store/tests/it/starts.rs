//! What starts runs: schedules and triggers.

use crate::support::{Fixture, on_both_engines};
use domain::{
    schedule::{CatchUp, Timetable},
    time::Timestamp,
    workflow::WorkflowId,
};
use std::time::Duration;
use store::schedules::{Advance, Put, Schedule};

on_both_engines! {
    a_schedule_is_due_until_somebody_moves_it_on,
    a_trigger_is_found_by_the_hash_of_its_token_alone,
    what_starts_a_workflow_goes_with_it,
}

fn id(text: &str) -> WorkflowId {
    text.parse().unwrap()
}

fn schedule(fixture: &Fixture, name: &str, next_at: Option<Timestamp>) -> Schedule {
    Schedule {
        name: name.into(),
        timetable: Timetable { cron: "0 2 * * *".parse().unwrap(), zone: "Europe/Berlin".parse().unwrap() },
        body: "{}".into(),
        enabled: next_at.is_some(),
        catch_up: CatchUp::Latest,
        next_at,
        last_at: None,
        last_run_id: None,
        last_error: None,
        created_at: fixture.now(),
        updated_at: fixture.now(),
    }
}

async fn workflow(fixture: &Fixture, name: &str) {
    let workflows = fixture.store.workflows();
    let put = workflows.put(fixture.org_id, id(name), name.into(), "draft".into(), fixture.now());
    put.await.unwrap().unwrap();
}

async fn a_schedule_is_due_until_somebody_moves_it_on(fixture: Fixture) {
    let schedules = fixture.store.schedules();
    let at = |seconds| fixture.now().plus(Duration::from_secs(seconds));
    let put = async |schedule: Schedule| schedules.put(fixture.org_id, id("claims"), schedule).await.unwrap();
    let nightly = schedule(&fixture, "nightly", Some(at(60)));
    assert_eq!(put(nightly.clone()).await, Put::NoWorkflow);
    workflow(&fixture, "claims").await;
    assert_eq!(put(nightly.clone()).await, Put::Done(Box::new(nightly.clone())));
    put(schedule(&fixture, "off", None)).await;
    put(schedule(&fixture, "later", Some(at(120)))).await;

    assert!(schedules.due(at(59), 10).await.unwrap().is_empty());
    let mut due = schedules.due(at(60), 10).await.unwrap();
    assert_eq!((due.len(), due[0].org_id, due[0].schedule.name.as_str()), (1, fixture.org_id, "nightly"));
    let due = due.remove(0);
    let advance = Advance {
        next_at: Some(at(90)),
        acted_at: Some(at(60)),
        run_id: Some("0123456789abcdef01234567".into()),
        error: None,
    };
    assert!(schedules.advance(due.clone(), advance.clone()).await.unwrap());
    assert!(!schedules.advance(due, advance).await.unwrap(), "it was moved on already");
    let moved = schedules.get(fixture.org_id, id("claims"), "nightly".into()).await.unwrap().unwrap();
    assert_eq!((moved.next_at, moved.last_at), (Some(at(90)), Some(at(60))));
    assert_eq!(moved.last_run_id.as_deref(), Some("0123456789abcdef01234567"));

    let names = schedules.list(fixture.org_id, id("claims")).await.unwrap().into_iter().map(|it| it.name);
    assert_eq!(names.collect::<Vec<_>>(), ["later", "nightly", "off"]);
    assert!(schedules.list(fixture.ctx.id(), id("claims")).await.unwrap().is_empty());
    assert!(schedules.delete(fixture.org_id, id("claims"), "nightly".into()).await.unwrap());
    assert!(!schedules.delete(fixture.org_id, id("claims"), "nightly".into()).await.unwrap());
}

async fn a_trigger_is_found_by_the_hash_of_its_token_alone(fixture: Fixture) {
    let triggers = fixture.store.triggers();
    assert!(!triggers.put(fixture.org_id, id("claims"), [1; 32], fixture.now()).await.unwrap());
    workflow(&fixture, "claims").await;
    assert!(triggers.put(fixture.org_id, id("claims"), [1; 32], fixture.now()).await.unwrap());
    assert_eq!(triggers.find([1; 32]).await.unwrap(), Some((fixture.org_id, id("claims"))));
    triggers.used([1; 32], fixture.now()).await.unwrap();
    let trigger = triggers.get(fixture.org_id, id("claims")).await.unwrap().unwrap();
    assert_eq!(trigger.last_used_at, Some(fixture.now()));

    assert!(triggers.put(fixture.org_id, id("claims"), [2; 32], fixture.now()).await.unwrap());
    assert_eq!(triggers.find([1; 32]).await.unwrap(), None, "the old address is no more");
    assert_eq!(triggers.get(fixture.org_id, id("claims")).await.unwrap().unwrap().last_used_at, None);
    assert!(triggers.delete(fixture.org_id, id("claims")).await.unwrap());
    assert!(!triggers.delete(fixture.org_id, id("claims")).await.unwrap());
    assert_eq!(triggers.find([2; 32]).await.unwrap(), None);
}

async fn what_starts_a_workflow_goes_with_it(fixture: Fixture) {
    workflow(&fixture, "claims").await;
    let due_at = fixture.now();
    fixture
        .store
        .schedules()
        .put(fixture.org_id, id("claims"), schedule(&fixture, "nightly", Some(due_at)))
        .await
        .unwrap();
    fixture.store.triggers().put(fixture.org_id, id("claims"), [1; 32], fixture.now()).await.unwrap();
    assert!(fixture.store.workflows().delete(fixture.org_id, id("claims")).await.unwrap());
    assert!(fixture.store.schedules().due(due_at, 10).await.unwrap().is_empty());
    assert_eq!(fixture.store.triggers().find([1; 32]).await.unwrap(), None);
}

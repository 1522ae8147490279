//! How jobs end, and what is born with their end.

use crate::support::{Fixture, completed, on_both_engines};
use domain::{
    delivery::DeliveryStatus,
    event::{EventType, Resource},
    feedback::{Feedback, FeedbackType},
    job::{Failure, JobStatus, Outcome, Rejection},
    page::PageRequest,
    subscription::SubscriptionStatus,
};
use store::{
    deliveries::DeliveryFilter,
    events::EventFilter,
    idempotency::Once,
    jobs::{Cancelled, Settled},
    subscriptions::SubscriptionChange,
};

on_both_engines! {
    a_batch_of_endings_is_one_transaction,
    a_paused_subscription_keeps_its_numbers,
    a_cancelled_job_ends_for_its_worker_too,
    what_a_job_rejected_for_is_kept,
    feedback_is_kept_with_its_value,
}

fn deliveries(settled: &Settled) -> &[store::deliveries::DueDelivery] {
    match settled {
        Settled::Done(deliveries) => deliveries,
        Settled::Stale => panic!("stale"),
    }
}

async fn a_batch_of_endings_is_one_transaction(fixture: Fixture) {
    let all = fixture.subscribe(&[EventType::JobCompleted, EventType::JobFailed]).await;
    let failures = fixture.subscribe(&[EventType::JobFailed]).await;
    for content in 0..3 {
        fixture.queue(content).await;
    }
    let claimed = fixture.claim(3).await;
    let mut settlements = Vec::new();
    for (index, claimed) in claimed.iter().enumerate() {
        let job = fixture.processing(claimed).await;
        let failed = Outcome::Failed(Failure::ProcessingTimeout, "too slow".into());
        settlements.push(fixture.settlement(claimed, job, if index == 1 { failed } else { completed() }));
    }
    let stale = settlements[0].clone();
    settlements.push(stale);
    let settled = fixture.settle(settlements.clone()).await;
    assert!(matches!(settled[3], Settled::Stale));
    let told = |index: usize| -> Vec<_> {
        deliveries(&settled[index]).iter().map(|due| (due.subscription_id, due.sequence)).collect()
    };
    assert_eq!(told(0), [(all, Some(1))]);
    assert_eq!(told(2), [(all, Some(3))]);
    let mut second = told(1);
    second.sort();
    let mut expected = vec![(all, Some(2)), (failures, Some(1))];
    expected.sort();
    assert_eq!(second, expected);
    assert_eq!(deliveries(&settled[0])[0].body, settlements[0].event.body);

    let events = fixture.store.events();
    let listed = events.list(fixture.org_id, EventFilter::default(), PageRequest::default()).await.unwrap();
    assert_eq!(listed.page_info.total_items, 3);
    let failed = EventFilter { event_type: Some(EventType::JobFailed), ..EventFilter::default() };
    let failed = events.list(fixture.org_id, failed, PageRequest::default()).await.unwrap();
    assert_eq!(failed.data[0].resource, Some(Resource::Job(settlements[1].job.id)));
    let event = events.get(fixture.org_id, settlements[1].event.id).await.unwrap().unwrap();
    assert_eq!(event.body, Some(settlements[1].event.body.clone()));
    assert_eq!(Some(event.occurred_at), settlements[1].job.completed_at);
    assert!(events.get(fixture.ctx.id(), event.id).await.unwrap().is_none());
}

async fn a_paused_subscription_keeps_its_numbers(fixture: Fixture) {
    let subscription = fixture.subscribe(&[EventType::JobCompleted]).await;
    let set = async |status| {
        let change = SubscriptionChange { status: Some(status), ..SubscriptionChange::default() };
        fixture
            .store
            .subscriptions()
            .update(fixture.org_id, subscription, change, fixture.now())
            .await
            .unwrap()
    };
    let (_, first) = fixture.complete(1).await;
    set(SubscriptionStatus::Paused).await;
    let (_, second) = fixture.complete(2).await;
    set(SubscriptionStatus::Active).await;
    let (_, third) = fixture.complete(3).await;
    assert_eq!(deliveries(&first)[0].sequence, Some(1));
    assert!(deliveries(&second).is_empty());
    assert_eq!(deliveries(&third)[0].sequence, Some(3));

    let feed = fixture.store.events().feed(fixture.org_id, subscription, 1, 10).await.unwrap();
    assert_eq!(feed.iter().map(|item| item.sequence).collect::<Vec<_>>(), [2, 3]);
    let suppressed = DeliveryFilter { status: Some(DeliveryStatus::Suppressed), ..DeliveryFilter::default() };
    let page = PageRequest::default();
    let listed =
        fixture.store.deliveries().list(fixture.org_id, subscription, suppressed, page).await.unwrap();
    assert_eq!(listed.data.iter().map(|delivery| delivery.sequence).collect::<Vec<_>>(), [Some(2)]);
}

async fn a_cancelled_job_ends_for_its_worker_too(fixture: Fixture) {
    fixture.subscribe(&[EventType::JobFailed]).await;
    let queued = fixture.queue(1).await;
    let claimed = fixture.claim(1).await.remove(0);
    let job = fixture.processing(&claimed).await;
    let jobs = fixture.store.jobs();
    let Cancelled::Done(cancelled) = jobs.cancel(fixture.org_id, queued.id, fixture.now()).await.unwrap()
    else {
        panic!("it is open")
    };
    let code = cancelled.error.as_ref().map(|error| error.code.as_str());
    assert_eq!((cancelled.status, code), (JobStatus::Failed, Some("CANCELLED")));
    let late = fixture.settlement(&claimed, job, completed());
    assert!(matches!(fixture.settle(vec![late]).await[0], Settled::Stale));
    let again = jobs.cancel(fixture.org_id, queued.id, fixture.now()).await.unwrap();
    assert!(matches!(again, Cancelled::AlreadyTerminal(JobStatus::Failed)));
    let stranger = jobs.cancel(fixture.ctx.id(), queued.id, fixture.now()).await.unwrap();
    assert!(matches!(stranger, Cancelled::NotFound));
    let limits = store::deliveries::ClaimLimits { total: 10, per_subscription: 10, room: Default::default() };
    let due = fixture.store.deliveries().claim_due(fixture.hold(), limits, fixture.now()).await.unwrap();
    assert_eq!(due.len(), 1, "free for whoever polls");
}

async fn what_a_job_rejected_for_is_kept(fixture: Fixture) {
    let job = fixture.queue(1).await;
    let claimed = fixture.claim(1).await.remove(0);
    let outcome = Outcome::Rejected(Rejection::EncryptedFile, "the file has a password".into());
    let settlement = fixture.settlement(&claimed, claimed.job.clone(), outcome);
    assert_eq!(settlement.event.event_type, EventType::JobRejected);
    fixture.settle(vec![settlement]).await;
    let read = fixture.store.jobs().get(fixture.org_id, job.id).await.unwrap().unwrap();
    let error = read.error.unwrap();
    assert_eq!((read.status, error.code.as_str()), (JobStatus::Rejected, "ENCRYPTED_FILE"));
    assert_eq!(error.message, "the file has a password");
    assert_eq!((read.started_at, read.completed_at), (None, Some(fixture.now())));
}

async fn feedback_is_kept_with_its_value(fixture: Fixture) {
    let (job, _) = fixture.complete(1).await;
    let feedback = |value| Feedback {
        id: fixture.ctx.id(),
        job_id: job.id,
        message: "wrong".into(),
        kind: FeedbackType::Info,
        field_id: Some("total".into()),
        value,
        placement: None,
        created_at: fixture.now(),
    };
    let all = [
        feedback(None),
        feedback(Some(serde_json::Value::Null)),
        feedback(Some(serde_json::json!({"amount": "1"}))),
    ];
    for feedback in &all {
        let inserted = fixture
            .store
            .feedback()
            .insert(fixture.org_id, feedback.clone(), None, None, fixture.now())
            .await;
        assert_eq!(inserted.unwrap(), Once::First(()));
    }
    let mut listed = fixture.store.feedback().list(fixture.org_id, job.id).await.unwrap();
    listed.sort_by_key(|feedback| all.iter().position(|other| other.id == feedback.id));
    assert_eq!(listed, all);
    assert!(fixture.store.feedback().list(fixture.ctx.id(), job.id).await.unwrap().is_empty());
}

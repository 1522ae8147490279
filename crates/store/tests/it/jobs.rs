//! Jobs as clients and workers see them: lists, claims, leases, duplicates.

use crate::support::{Fixture, HUB, completed, on_both_engines};
use domain::{
    id::{JobId, OrgId},
    job::{Document, Job, JobStatus},
    limits,
    metadata::Metadata,
    page::{Direction, PageRequest, SortBy},
};
use std::time::Duration;
use store::{
    NodeId,
    idempotency::{Answer, Idempotency, Once},
    jobs::{Begin, Begun, JobDeleted, JobDocument, JobFilter, JobLease, NewJob, Settled},
};

on_both_engines! {
    a_job_comes_back_as_it_was_written,
    a_request_that_is_repeated_queues_one_job,
    lists_are_filtered_and_sorted,
    a_claimed_job_is_nobody_elses_until_its_lease_runs_out,
    what_is_given_back_is_not_counted_as_lost,
    a_stale_worker_changes_nothing,
    a_document_given_by_url_is_noted_once,
    of_two_jobs_on_the_same_bytes_one_passes,
    the_earlier_job_wins_though_the_later_is_ready_first,
    a_deleted_job_leaves_numbers_but_no_content,
}

async fn a_job_comes_back_as_it_was_written(fixture: Fixture) {
    let file = fixture.file(1);
    let mut job = fixture.job(&file);
    job.hub_id = Some(HUB);
    job.hub_name = Some("Invoices".into());
    job.metadata = Some(Metadata::from([("customer".into(), "a \"b\" ü".into())]));
    fixture.queue_as(job.clone(), JobDocument::New(file.clone())).await;
    let jobs = fixture.store.jobs();
    assert_eq!(json(&jobs.get(fixture.org_id, job.id).await.unwrap().unwrap()), json(&job));
    assert_eq!(fixture.store.files().get(fixture.org_id, file.file.id).await.unwrap(), Some(file));
    let stranger: OrgId = fixture.ctx.id();
    assert!(jobs.get(stranger, job.id).await.unwrap().is_none());

    let (job, _) = fixture.complete(2).await;
    let read = jobs.get(fixture.org_id, job.id).await.unwrap().unwrap();
    assert_eq!(json(&read), json(&job));
    assert!(read.output.is_some());
    assert!(jobs.get_bare(fixture.org_id, job.id).await.unwrap().unwrap().output.is_none());
}

fn json(job: &Job) -> serde_json::Value {
    serde_json::to_value(job).unwrap()
}

async fn a_request_that_is_repeated_queues_one_job(fixture: Fixture) {
    let new = || {
        let file = fixture.file(1);
        let answer = Answer { status: 202, body: b"first".to_vec() };
        let request = Idempotency { org_id: fixture.org_id, key: "k".into(), request_hash: [1; 32], answer };
        NewJob {
            org_id: fixture.org_id,
            job: fixture.job(&file),
            document: JobDocument::New(file),
            request: Some(request),
        }
    };
    let jobs = fixture.store.jobs();
    assert!(matches!(jobs.insert(new(), fixture.now()).await.unwrap(), Once::First(_)));
    assert!(matches!(jobs.insert(new(), fixture.now()).await.unwrap(), Once::Replay(_)));
    assert_eq!(jobs.backlog().await.unwrap(), 1);
}

async fn lists_are_filtered_and_sorted(fixture: Fixture) {
    let mut ids = Vec::new();
    for (content, color) in [(1, "red"), (2, "red"), (3, "blue")] {
        let file = fixture.file(content);
        let mut job = fixture.job(&file);
        job.metadata =
            Some(Metadata::from([("color".into(), color.into()), ("n".into(), content.to_string())]));
        ids.push(job.id);
        fixture.queue_as(job, JobDocument::New(file)).await;
        fixture.advance(Duration::from_secs(1));
    }
    fixture.store.jobs().cancel(fixture.org_id, ids[1], fixture.now()).await.unwrap();
    let list = async |filter: JobFilter, sort_by, direction| -> Vec<JobId> {
        let page = PageRequest { sort_by, direction, ..PageRequest::default() };
        let page = fixture.store.jobs().list(fixture.org_id, filter, page).await.unwrap();
        assert_eq!(page.page_info.total_items, page.data.len() as u64);
        page.data.into_iter().map(|job| job.id).collect()
    };
    let newest = (SortBy::CreatedAt, Direction::Descending);
    let all = JobFilter::default();
    assert_eq!(list(all.clone(), newest.0, newest.1).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(list(all.clone(), SortBy::CompletedAt, Direction::Descending).await[0], ids[1]);
    assert_eq!(list(all.clone(), SortBy::CompletedAt, Direction::Ascending).await[2], ids[1]);
    assert_eq!(list(all.clone(), SortBy::UpdatedAt, Direction::Descending).await[0], ids[1]);

    let status = JobFilter { status: Some(JobStatus::Queued), ..all.clone() };
    assert_eq!(list(status, newest.0, newest.1).await, [ids[2], ids[0]]);
    let red = JobFilter { metadata: Metadata::from([("color".into(), "red".into())]), ..all.clone() };
    assert_eq!(list(red.clone(), newest.0, newest.1).await, [ids[1], ids[0]]);
    let red_one = JobFilter {
        metadata: Metadata::from([("color".into(), "red".into()), ("n".into(), "1".into())]),
        ..all.clone()
    };
    assert_eq!(list(red_one, newest.0, newest.1).await, [ids[0]]);
    let late = JobFilter { created_after: Some(fixture.now().minus(Duration::from_secs(3))), ..all.clone() };
    assert_eq!(list(late, newest.0, newest.1).await, [ids[2], ids[1]]);
    let hub = JobFilter { hub_id: Some(HUB), ..all };
    assert!(list(hub, newest.0, newest.1).await.is_empty());
}

async fn a_claimed_job_is_nobody_elses_until_its_lease_runs_out(fixture: Fixture) {
    let job = fixture.queue(1).await;
    let claimed = fixture.claim(10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].job.id, claimed[0].crashes, claimed[0].sha256), (job.id, 0, Some([1; 32])));
    assert!(fixture.claim(10).await.is_empty());

    fixture.advance(limits::JOB_LEASE / 2);
    assert_eq!(fixture.store.jobs().renew(&fixture.node, fixture.now(), limits::JOB_LEASE).await.unwrap(), 1);
    fixture.advance(limits::JOB_LEASE / 2);
    assert!(fixture.claim(10).await.is_empty(), "renewed");
    fixture.advance(limits::JOB_LEASE / 2);
    let again = fixture.claim(10).await.remove(0);
    assert_eq!(again.crashes, 1);
    assert!(again.lease.fence > claimed[0].lease.fence);
}

async fn what_is_given_back_is_not_counted_as_lost(fixture: Fixture) {
    fixture.queue(1).await;
    fixture.queue(2).await;
    let claimed = fixture.claim(10).await;
    assert!(fixture.store.jobs().release(claimed[0].lease).await.unwrap());
    assert_eq!(fixture.store.jobs().release_all(&fixture.node).await.unwrap(), 1);
    let again = fixture.claim(10).await;
    assert_eq!(again.iter().map(|claimed| claimed.crashes).collect::<Vec<_>>(), [0, 0]);
    assert!(!fixture.store.jobs().release(claimed[0].lease).await.unwrap(), "an old lease");
}

async fn a_stale_worker_changes_nothing(fixture: Fixture) {
    let job = fixture.queue(1).await;
    let stale = fixture.claim(1).await.remove(0);
    fixture.advance(limits::JOB_LEASE + Duration::from_millis(1));
    let thief = NodeId::random(&fixture.ctx);
    let claim = fixture.store.jobs().claim(&thief, 1, fixture.now(), limits::JOB_LEASE).await.unwrap();
    let begun = fixture.store.jobs().begin_processing(fixture.begin(&stale), fixture.now()).await.unwrap();
    assert!(matches!(begun, Begun::Stale));
    let processing = fixture.processing(&claim[0]).await;
    assert_eq!((processing.status, processing.started_at), (JobStatus::Processing, Some(fixture.now())));
    let late = fixture.settlement(&stale, processing.clone(), completed());
    assert!(matches!(fixture.settle(vec![late]).await[0], Settled::Stale));
    let read = fixture.store.jobs().get(fixture.org_id, job.id).await.unwrap().unwrap();
    assert_eq!(json(&read), json(&processing));
}

async fn a_document_given_by_url_is_noted_once(fixture: Fixture) {
    let file = fixture.file(1);
    let mut job = fixture.job(&file);
    job.document = Document { mime_type: None, size_bytes: None, ..job.document };
    fixture.queue_as(job.clone(), JobDocument::Url("https://example.com/a.pdf".into())).await;
    let claimed = fixture.claim(1).await.remove(0);
    assert_eq!(claimed.source_url.as_deref(), Some("https://example.com/a.pdf"));
    assert_eq!((claimed.sha256, claimed.job.document.size_bytes), (None, None));

    let jobs = fixture.store.jobs();
    let stale = JobLease { fence: 99, ..claimed.lease };
    assert!(!jobs.attach_document(stale, fixture.org_id, file.clone()).await.unwrap());
    for _ in 0..2 {
        assert!(jobs.attach_document(claimed.lease, fixture.org_id, file.clone()).await.unwrap());
    }
    assert_eq!(fixture.store.files().get(fixture.org_id, file.file.id).await.unwrap(), Some(file));
    jobs.release(claimed.lease).await.unwrap();
    let again = fixture.claim(1).await.remove(0);
    assert_eq!((again.sha256, again.job.document.size_bytes), (Some([1; 32]), Some(1000)));
}

async fn of_two_jobs_on_the_same_bytes_one_passes(fixture: Fixture) {
    for _ in 0..4 {
        fixture.queue(1).await;
    }
    let claimed = fixture.claim(10).await;
    let tasks: Vec<_> = claimed
        .iter()
        .map(|claimed| {
            let begin = Begin { reject_duplicates: true, ..fixture.begin(claimed) };
            let (store, now) = (fixture.store.clone(), fixture.now());
            tokio::spawn(async move { store.jobs().begin_processing(begin, now).await.unwrap() })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        match task.await.unwrap() {
            Begun::Processing(_) => passed += 1,
            Begun::Duplicate(_) => {}
            Begun::SameText(_) | Begun::SameKey(_) | Begun::Stale => panic!("nobody else claims here"),
        }
    }
    assert_eq!(passed, 1);

    let other_bytes = fixture.queue(2).await;
    let claimed = fixture.claim(1).await.remove(0);
    let begin = Begin { reject_duplicates: true, ..fixture.begin(&claimed) };
    let begun = fixture.store.jobs().begin_processing(begin, fixture.now()).await.unwrap();
    assert!(matches!(begun, Begun::Processing(job) if job.id == other_bytes.id));
}

async fn the_earlier_job_wins_though_the_later_is_ready_first(fixture: Fixture) {
    let earlier = fixture.queue(1).await;
    fixture.advance(Duration::from_millis(5));
    fixture.queue(1).await;
    let claimed = fixture.claim(10).await;
    let begin = |index: usize| Begin { reject_duplicates: true, ..fixture.begin(&claimed[index]) };
    let begun = fixture.store.jobs().begin_processing(begin(1), fixture.now()).await.unwrap();
    assert!(matches!(begun, Begun::Duplicate(id) if id == earlier.id));
    let begun = fixture.store.jobs().begin_processing(begin(0), fixture.now()).await.unwrap();
    assert!(matches!(begun, Begun::Processing(_)));
}

async fn a_deleted_job_leaves_numbers_but_no_content(fixture: Fixture) {
    let subscription = fixture.subscribe(&[domain::event::EventType::JobCompleted]).await;
    let open = fixture.queue(9).await;
    let jobs = fixture.store.jobs();
    let refused = jobs.delete(fixture.org_id, open.id, fixture.now()).await.unwrap();
    assert_eq!(refused, JobDeleted::NotTerminal(JobStatus::Queued));
    jobs.cancel(fixture.org_id, open.id, fixture.now()).await.unwrap();

    let (job, _) = fixture.complete(1).await;
    assert_eq!(jobs.delete(fixture.org_id, job.id, fixture.now()).await.unwrap(), JobDeleted::Done);
    assert_eq!(jobs.delete(fixture.org_id, job.id, fixture.now()).await.unwrap(), JobDeleted::NotFound);
    assert!(jobs.get(fixture.org_id, job.id).await.unwrap().is_none());
    let feed = fixture.store.events().feed(fixture.org_id, subscription, 0, 10).await.unwrap();
    assert_eq!(
        feed.iter().map(|item| (item.sequence, item.body.is_some())).collect::<Vec<_>>(),
        [(1, false)]
    );
    fixture.advance(Duration::from_secs(3600));
    assert_eq!(fixture.store.deliveries().backlog(9).await.unwrap().0, 0, "nothing is left to send");
}

//! Files and their blobs.

use crate::support::{Fixture, on_both_engines};
use bytes::Bytes;
use domain::page::{Direction, PageRequest};
use futures::TryStreamExt;
use std::time::Duration;
use store::{
    blobs::BlobKey,
    files::FileDeleted,
    idempotency::Once,
    jobs::{JobDocument, JobInserted, NewJob},
};

on_both_engines! {
    a_file_belongs_to_its_organization,
    pages_are_ordered_and_do_not_overlap,
    a_file_in_use_stays_until_its_job_ends,
    blobs_without_a_row_are_found,
}

async fn a_file_belongs_to_its_organization(fixture: Fixture) {
    let (files, file) = (fixture.store.files(), fixture.file(1));
    files.insert(fixture.org_id, file.clone(), None, fixture.now()).await.unwrap();
    assert_eq!(files.get(fixture.org_id, file.file.id).await.unwrap(), Some(file.clone()));
    let stranger = fixture.ctx.id();
    assert_eq!(files.get(stranger, file.file.id).await.unwrap(), None);
    assert_eq!(files.delete(stranger, file.file.id).await.unwrap(), FileDeleted::NotFound);
}

async fn pages_are_ordered_and_do_not_overlap(fixture: Fixture) {
    let files = fixture.store.files();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let file = fixture.file(1);
        ids.push(file.file.id);
        files.insert(fixture.org_id, file, None, fixture.now()).await.unwrap();
        fixture.advance(Duration::from_millis(1));
    }
    let page = |page, direction| PageRequest { page, size: 2, direction, ..PageRequest::default() };
    let mut seen = Vec::new();
    for number in 0..3 {
        let page = files.list(fixture.org_id, page(number, Direction::Ascending)).await.unwrap();
        assert_eq!((page.page_info.total_items, page.page_info.total_pages), (5, 3));
        seen.extend(page.data.into_iter().map(|stored| stored.file.id));
    }
    assert_eq!(seen, ids);
    let newest = files.list(fixture.org_id, page(0, Direction::Descending)).await.unwrap();
    assert_eq!(newest.data[0].file.id, ids[4]);
}

async fn a_file_in_use_stays_until_its_job_ends(fixture: Fixture) {
    let (files, file) = (fixture.store.files(), fixture.file(1));
    let key = BlobKey { org_id: fixture.org_id, file_id: file.file.id };
    fixture.store.blobs().put(key, Bytes::from_static(b"%PDF")).await.unwrap();
    files.insert(fixture.org_id, file.clone(), None, fixture.now()).await.unwrap();
    let job = fixture.job(&file);
    fixture.queue_as(job.clone(), JobDocument::Existing(file.clone())).await;
    assert_eq!(files.delete(fixture.org_id, file.file.id).await.unwrap(), FileDeleted::InUse);

    fixture.store.jobs().cancel(fixture.org_id, job.id, fixture.now()).await.unwrap();
    assert_eq!(files.delete(fixture.org_id, file.file.id).await.unwrap(), FileDeleted::Done);
    assert!(fixture.store.blobs().read(key).await.unwrap().is_none());
    assert_eq!(files.delete(fixture.org_id, file.file.id).await.unwrap(), FileDeleted::NotFound);
    let kept = fixture.store.jobs().get(fixture.org_id, job.id).await.unwrap().unwrap();
    assert_eq!(kept.document, job.document, "a job outlives its file");

    let late = NewJob {
        org_id: fixture.org_id,
        job: fixture.job(&file),
        document: JobDocument::Existing(file),
        request: None,
    };
    let refused = fixture.store.jobs().insert(late, fixture.now()).await.unwrap();
    assert_eq!(refused, Once::First(JobInserted::FileGone));
}

async fn blobs_without_a_row_are_found(fixture: Fixture) {
    let known = fixture.file(1);
    fixture.store.files().insert(fixture.org_id, known.clone(), None, fixture.now()).await.unwrap();
    let orphan = fixture.file(2);
    for file in [&known, &orphan] {
        let key = BlobKey { org_id: fixture.org_id, file_id: file.file.id };
        fixture.store.blobs().put(key, Bytes::from_static(b"x")).await.unwrap();
    }
    let entries: Vec<_> = fixture.store.blobs().list().try_collect().await.unwrap();
    assert_eq!(entries.len(), 2);
    let orphans = fixture.store.files().orphans(entries).await.unwrap();
    assert_eq!(orphans.iter().map(|entry| entry.key.file_id).collect::<Vec<_>>(), [orphan.file.id]);
}

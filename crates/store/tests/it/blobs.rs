//! One suite for every object store: in memory, on disk, behind the S3 protocol.

use bytes::Bytes;
use domain::context::Context;
use futures::TryStreamExt;
use store::blobs::{BlobKey, Blobs, Storage};
use testkit::{clock::FakeClock, s3::S3};

const MIB: usize = 1024 * 1024;

#[tokio::test]
async fn memory() {
    conforms(&Blobs::open(&Storage::Memory).unwrap()).await;
}

#[tokio::test]
async fn disk() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&Blobs::open(&Storage::Disk(folder.path().join("blobs"))).unwrap()).await;
}

#[tokio::test]
async fn s3() {
    let server = S3::start().await;
    conforms(&Blobs::open(&Storage::S3(server.options("some/prefix"))).unwrap()).await;
    let stranger = Blobs::open(&Storage::S3(server.options_with_wrong_secret())).unwrap();
    let refused =
        stranger.put(key(&FakeClock::new().context(9)), Bytes::from_static(b"x")).await.unwrap_err();
    assert!(refused.is_transient(), "{refused}");
    assert!(!refused.to_string().contains("another secret"), "{refused}");
}

fn key(ctx: &Context) -> BlobKey {
    BlobKey { org_id: ctx.id(), file_id: ctx.id() }
}

async fn conforms(blobs: &Blobs) {
    let ctx = FakeClock::new().context(1);
    blobs.ping().await.unwrap();
    small_blobs(blobs, &ctx).await;
    large_blobs_stream_in_and_out(blobs, &ctx).await;
    unfinished_uploads_leave_nothing(blobs, &ctx).await;
    let left: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

async fn small_blobs(blobs: &Blobs, ctx: &Context) {
    let (first, empty) = (key(ctx), key(ctx));
    blobs.put(first, Bytes::from_static(b"0123456789")).await.unwrap();
    assert_eq!(blobs.read(first).await.unwrap().unwrap(), "0123456789");
    let part = blobs.download(first, Some(2..5)).await.unwrap().unwrap();
    assert_eq!((part.size_bytes, part.range.clone()), (10, 2..5));
    assert_eq!(collect(part).await, b"234");
    let tail = blobs.download(first, Some(8..100)).await.unwrap().unwrap();
    assert_eq!(collect(tail).await, b"89", "a range may end beyond the blob");

    assert_eq!(blobs.upload(empty).finish().await.unwrap(), 0);
    assert_eq!(blobs.read(empty).await.unwrap().unwrap(), "");
    let listed: Vec<_> = blobs.list().try_collect().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().any(|entry| entry.key == first));

    for key in [first, empty, first] {
        blobs.delete(key).await.unwrap();
    }
    assert!(blobs.read(first).await.unwrap().is_none());
    assert!(blobs.download(first, None).await.unwrap().is_none());
}

async fn large_blobs_stream_in_and_out(blobs: &Blobs, ctx: &Context) {
    let key = key(ctx);
    let mut upload = blobs.upload(key);
    for number in 0..12u8 {
        upload.write(&vec![number; MIB]).await.unwrap();
    }
    assert!(blobs.read(key).await.unwrap().is_none(), "nothing is visible before it is finished");
    assert_eq!(upload.finish().await.unwrap(), 12 * MIB as u64);
    let whole = collect(blobs.download(key, None).await.unwrap().unwrap()).await;
    assert_eq!(whole.len(), 12 * MIB);
    assert!(whole.chunks(MIB).zip(0u8..).all(|(chunk, number)| chunk.iter().all(|byte| *byte == number)));
    blobs.delete(key).await.unwrap();
}

async fn unfinished_uploads_leave_nothing(blobs: &Blobs, ctx: &Context) {
    for abort in [true, false] {
        let key = key(ctx);
        let mut upload = blobs.upload(key);
        upload.write(&vec![1; 6 * MIB]).await.unwrap();
        if abort {
            upload.abort().await.unwrap();
        } else {
            drop(upload);
        }
        assert!(blobs.read(key).await.unwrap().is_none());
    }
}

async fn collect(download: store::blobs::Download) -> Vec<u8> {
    download
        .stream
        .try_fold(Vec::new(), |mut all, chunk| async move {
            all.extend_from_slice(&chunk);
            Ok(all)
        })
        .await
        .unwrap()
}

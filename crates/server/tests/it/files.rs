//! Section 2: files.

use crate::support::{EXTRACT, PDF, error, on_both_databases};
use bytes::Bytes;
use futures::StreamExt;
use reqwest::{Body, Method};
use serde_json::json;
use testkit::platform::{Backend, Client, Part, Platform, send};

on_both_databases!(a_file_is_kept_as_it_came, a_file_in_use_is_not_deleted);

async fn a_file_is_kept_as_it_came(platform: Platform) {
    let client = platform.client();
    let parts = [Part::File { name: "file", file_name: "Rechnung Ümläut \"7\".pdf", bytes: PDF }];
    let created = client.upload("/files", &parts).await;
    assert_eq!(created.status, 201, "{created:?}");
    let json = created.json();
    assert_eq!(json["name"], "Rechnung Ümläut \"7\".pdf");
    assert_eq!(json["mimeType"], "application/pdf");
    assert_eq!(json["sizeBytes"], PDF.len());
    assert_eq!(json["createdAt"], "2026-03-01T09:30:00Z");
    assert_eq!(json.as_object().map(|file| file.len()), Some(5));
    let id = created.text("id");
    assert_eq!(client.get(&format!("/files/{id}")).await.json(), json);

    let download = client.get(&format!("/files/{id}/download")).await;
    assert_eq!((download.status, &download.body[..]), (200, PDF));
    assert_eq!(download.header("content-type"), "application/pdf");
    assert_eq!(download.header("content-length"), PDF.len().to_string());
    assert_eq!(download.header("accept-ranges"), "bytes");
    assert_eq!(
        download.header("content-disposition"),
        "attachment; filename=\"Rechnung _ml_ut _7_.pdf\"; filename*=UTF-8''Rechnung%20%C3%9Cml%C3%A4ut%20%227%22.pdf"
    );
    assert_eq!(client.delete(&format!("/files/{id}")).await.status, 204);
    assert_eq!(client.get(&format!("/files/{id}")).await.status, 404);
    assert_eq!(client.get(&format!("/files/{id}/download")).await.status, 404);
    assert_eq!(client.delete(&format!("/files/{id}")).await.error(), error(404, "NOT_FOUND"));
}

async fn a_file_in_use_is_not_deleted(platform: Platform) {
    let client = platform.client();
    let id = client.store_file("a.pdf", PDF).await;
    assert_eq!(client.post(EXTRACT, json!({"document": {"fileId": id}})).await.status, 202);
    let answer = client.delete(&format!("/files/{id}")).await;
    assert_eq!(answer.error(), error(409, "CONFLICT"));
    assert_eq!(answer.json()["error"]["retryable"], true);
    platform.complete(&crate::support::output()).await;
    assert_eq!(client.delete(&format!("/files/{id}")).await.status, 204);
}

async fn sqlite() -> Platform {
    Platform::start(Backend::Sqlite).await
}

async fn upload(client: &Client, file_name: &str, bytes: &[u8]) -> testkit::platform::Answer {
    client.upload("/files", &[Part::File { name: "file", file_name, bytes }]).await
}

#[tokio::test]
async fn the_kind_is_what_the_bytes_say() {
    let platform = sqlite().await;
    let client = platform.client();
    for (name, bytes, kind) in [
        ("invoice.png", PDF, "application/pdf"),
        ("photo.pdf", b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        ("a", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        ("notes.txt", b"just a note", "text/plain"),
        ("table.csv", b"a,b\n1,2\n", "text/csv"),
        ("page.html", b"<!DOCTYPE html><html></html>", "text/html"),
        ("a.zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "application/zip"),
    ] {
        let answer = upload(&client, name, bytes).await;
        assert_eq!((answer.status, answer.text("mimeType").as_str()), (201, kind), "{name}");
    }
    assert_eq!(upload(&client, "empty.pdf", b"").await.status, 201, "its job is rejected, not the file");
    for (name, bytes) in [
        ("invoice.pdf", &b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0"[..]),
        ("invoice.pdf", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0"),
        ("run", b"#!/bin/sh\nrm -rf /\n"),
        ("run.ps1", b"Get-Process"),
    ] {
        let answer = upload(&client, name, bytes).await;
        assert_eq!(answer.error(), error(415, "UNSUPPORTED_MEDIA_TYPE"), "{name}");
    }
    assert_eq!(client.get("/files").await.counts().0, 8, "what was refused is not kept");
}

#[tokio::test]
async fn only_a_multipart_body_with_one_file_is_taken() {
    let platform = sqlite().await;
    let client = platform.client();
    assert_eq!(
        client.upload("/files", &[Part::Text { name: "note", text: "x" }]).await.fields(),
        ["note", "file"]
    );
    let twice = [("a.pdf", PDF), ("b.pdf", PDF)].map(|(file_name, bytes)| Part::File {
        name: "file",
        file_name,
        bytes,
    });
    assert_eq!(client.upload("/files", &twice).await.fields(), ["file"]);
    assert_eq!(
        client.post("/files", json!({"file": "x"})).await.error(),
        error(415, "UNSUPPORTED_MEDIA_TYPE")
    );
    let raw = async |content_type: &str, body: &'static str| {
        send(client.request(Method::POST, "/files").header("Content-Type", content_type).body(body))
            .await
            .error()
    };
    assert_eq!(raw("multipart/form-data; boundary=b", "--b--\r\n").await, error(422, "VALIDATION_FAILED"));
    assert_eq!(raw("multipart/form-data", "x").await, error(400, "INVALID_REQUEST"));
    assert_eq!(
        raw("multipart/form-data; boundary=b", "--b\r\nnonsense").await,
        error(400, "INVALID_REQUEST")
    );
    let cut = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7";
    assert_eq!(raw("multipart/form-data; boundary=b", cut).await, error(400, "INVALID_REQUEST"));
    assert_eq!(client.get("/files").await.counts().0, 0);
}

#[tokio::test]
async fn ranges_and_tags_are_honoured() {
    let platform = sqlite().await;
    let client = platform.client();
    let id = client.store_file("page.html", b"<html>0123456789</html>").await;
    let path = format!("/files/{id}/download");
    let with =
        async |name: &str, value: &str| send(client.request(Method::GET, &path).header(name, value)).await;
    let part = with("Range", "bytes=6-9").await;
    assert_eq!(
        (part.status, &part.body[..], part.header("content-range")),
        (206, &b"0123"[..], "bytes 6-9/23")
    );
    assert_eq!(part.header("content-length"), "4");
    assert_eq!(&with("Range", "bytes=-7").await.body[..], b"</html>");
    assert_eq!(&with("Range", "bytes=16-").await.body[..], b"</html>");
    let outside = with("Range", "bytes=23-").await;
    assert_eq!((outside.status, outside.header("content-range")), (416, "bytes */23"));
    assert!(outside.json()["error"]["code"].is_string());
    assert_eq!(with("Range", "pages=1-2").await.status, 200);

    let whole = client.get(&path).await;
    let etag = whole.header("etag").to_owned();
    let known = with("If-None-Match", &etag).await;
    assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, etag.as_str()));
    assert_eq!(with("If-None-Match", "\"other\"").await.status, 200);
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    assert!(
        whole.header("content-disposition").starts_with("attachment"),
        "HTML is never shown by a browser"
    );
    assert!(whole.header("content-security-policy").contains("sandbox"));
    let head = send(client.request(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "23", 0));
    let any = send(client.request(Method::GET, &path).header("Accept", "text/html")).await;
    assert_eq!(any.status, 200, "a download is of the file's own kind");
}

/// The head of a multipart body whose file then follows in pieces.
fn multipart_head() -> Bytes {
    Bytes::from_static(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n")
}

#[tokio::test]
async fn the_limit_is_exact_and_applies_while_streaming() {
    let platform = sqlite().await;
    let client = platform.client();
    const LIMIT: usize = 50_000_000;
    let bytes = Bytes::from(vec![b'a'; LIMIT + 1]);
    assert_eq!(upload(&client, "a.txt", &bytes[..LIMIT]).await.status, 201);
    assert_eq!(upload(&client, "a.txt", &bytes).await.error(), error(413, "PAYLOAD_TOO_LARGE"));
    let announced = upload(&client, "a.txt", &vec![b'a'; LIMIT + 2_000_000]).await;
    assert_eq!(announced.error(), error(413, "PAYLOAD_TOO_LARGE"), "by its Content-Length");

    // A body without an end and without a length: the answer comes all the same.
    let chunk = Bytes::from(vec![b'a'; 1_000_000]);
    let endless = futures::stream::iter([multipart_head()])
        .chain(futures::stream::repeat(chunk))
        .map(Ok::<_, std::io::Error>);
    let request =
        client.request(Method::POST, "/files").header("Content-Type", "multipart/form-data; boundary=b");
    let answered = request.body(Body::wrap_stream(endless)).send().await;
    // The client may notice the closed connection before it reads the answer; what counts is that it ends.
    assert!(answered.is_err() || answered.is_ok_and(|answer| answer.status() == 413));
    assert_eq!(client.get("/files").await.counts().0, 1);
}

#[tokio::test]
async fn a_refused_upload_gets_its_answer_even_if_the_body_is_long() {
    let platform = sqlite().await;
    let body = vec![b'a'; 30_000_000];
    let anonymous = upload(&platform.client_with(None), "a.txt", &body).await;
    assert_eq!(anonymous.error(), error(401, "UNAUTHORIZED"));
    let mut program = body;
    program[..4].copy_from_slice(b"\x7fELF");
    assert_eq!(upload(&platform.client(), "a.pdf", &program).await.status, 415);
}

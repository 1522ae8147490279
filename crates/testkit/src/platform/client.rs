//! A client as a user would write it: paths below the public base, JSON in and out.

use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, HeaderMap},
    multipart::Form,
};
use serde_json::Value;
use std::net::SocketAddr;

const PUBLIC: &str = "/api/public/v1";

/// Cheap to clone.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: SocketAddr,
    key: Option<String>,
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// A part of a multipart body.
pub enum Part<'a> {
    File { name: &'a str, file_name: &'a str, bytes: &'a [u8] },
    Text { name: &'a str, text: &'a str },
}

impl Client {
    pub(super) fn new(address: SocketAddr, key: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { http, address, key }
    }

    /// A request to `path`: below the public base, or absolute where it begins with `//`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let path = match path.strip_prefix("//") {
            Some(absolute) => format!("/{absolute}"),
            None => format!("{PUBLIC}{path}"),
        };
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        match &self.key {
            Some(key) => request.header(AUTHORIZATION, format!("api-key {key}")),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// A POST with an idempotency key.
    pub async fn post_once(&self, path: &str, key: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).header("Idempotency-Key", key).json(&body)).await
    }

    pub async fn upload(&self, path: &str, parts: &[Part<'_>]) -> Answer {
        send(self.request(Method::POST, path).multipart(form(parts))).await
    }

    /// Stores a file; its id.
    pub async fn store_file(&self, file_name: &str, bytes: &[u8]) -> String {
        let answer = self.upload("/files", &[Part::File { name: "file", file_name, bytes }]).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.text("id")
    }

    /// Stores a file and submits it; the job's id.
    pub async fn submit(&self, file_name: &str, bytes: &[u8]) -> String {
        let parts = [Part::File { name: "file", file_name, bytes }];
        let answer = self.upload("/document-insights/jobs/extract/upload", &parts).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.text("id")
    }
}

/// Sends a request and reads the whole answer.
pub async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("an answer");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: response.bytes().await.expect("a whole answer") }
}

pub fn form(parts: &[Part<'_>]) -> Form {
    parts.iter().fold(Form::new(), |form, part| match part {
        Part::Text { name, text } => form.text((*name).to_owned(), (*text).to_owned()),
        Part::File { name, file_name, bytes } => {
            let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name((*file_name).to_owned());
            form.part((*name).to_owned(), part)
        }
    })
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A text of the body by its JSON pointer, without the first slash.
    pub fn text(&self, pointer: &str) -> String {
        let json = self.json();
        let value = json.pointer(&format!("/{pointer}")).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no text at {pointer}: {self:?}")).to_owned()
    }

    /// A header's text; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Status and error code, as tests compare them.
    pub fn error(&self) -> (u16, String) {
        (self.status, self.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The fields at fault of a 422.
    pub fn fields(&self) -> Vec<String> {
        assert_eq!(self.error(), (422, "VALIDATION_FAILED".to_owned()), "{self:?}");
        let json = self.json();
        let details = json["error"]["details"].as_array().cloned().unwrap_or_default();
        details.iter().filter_map(|detail| Some(detail["field"].as_str()?.to_owned())).collect()
    }

    /// How many items a list has, and of how many.
    pub fn counts(&self) -> (usize, u64) {
        let json = self.json();
        let items = json["data"].as_array().map_or(0, Vec::len);
        (items, json["pageInfo"]["totalItems"].as_u64().unwrap_or_default())
    }
}

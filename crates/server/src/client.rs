//! Our own API as its clients see it: for the commands that talk to a server.

use anyhow::Context;
use domain::key::ApiKey;
use reqwest::{Method, RequestBuilder, StatusCode, header::CONTENT_TYPE, multipart::Form};
use serde_json::Value;
use std::time::Duration;
use url::Url;

const TIMEOUT: Duration = Duration::from_secs(30);

/// The server understood and said no. `Display` is the server's own words.
#[derive(Debug, thiserror::Error)]
#[error("the server answered {status}: {message} (request {request_id})")]
pub struct Refused {
    pub status: StatusCode,
    message: String,
    request_id: String,
    /// All that it said.
    pub body: Value,
}

impl Refused {
    fn new(status: StatusCode, body: Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        let error = &body["error"];
        let details = error["details"].as_array().into_iter().flatten();
        let details: String =
            details.map(|it| format!("; {}: {}", text(&it["field"]), text(&it["issue"]))).collect();
        let message = format!("{}{details}", text(&error["message"]));
        let request_id = text(&error["requestId"]);
        Self { status, message, request_id, body }
    }

    /// Whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

/// A server and a key for it.
#[derive(Clone)]
pub struct ApiClient {
    http: reqwest::Client,
    base: Url,
    key: ApiKey,
}

impl ApiClient {
    /// `base` is the server's address, as in `http://127.0.0.1:8080`.
    pub fn new(base: Url, key: ApiKey) -> anyhow::Result<Self> {
        // A server on this machine is not behind the environment's proxy.
        let local = base
            .host_str()
            .is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]");
        let builder = reqwest::Client::builder().timeout(TIMEOUT);
        let builder = if local { builder.no_proxy() } else { builder };
        Ok(Self { http: builder.build().context("the HTTP client could not be built")?, base, key })
    }

    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(Method::GET, path)?).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.send(self.request(Method::POST, path)?.json(body)).await
    }

    pub async fn upload(&self, path: &str, name: String, bytes: Vec<u8>) -> anyhow::Result<Value> {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(name);
        self.post_form(path, Form::new().part("file", part)).await
    }

    pub async fn post_form(&self, path: &str, form: Form) -> anyhow::Result<Value> {
        self.send(self.request(Method::POST, path)?.multipart(form)).await
    }

    pub async fn post_yaml(&self, path: &str, text: &str) -> anyhow::Result<Value> {
        self.send(yaml(self.request(Method::POST, path)?, text)).await
    }

    pub async fn put_yaml(&self, path: &str, text: &str) -> anyhow::Result<Value> {
        self.send(yaml(self.request(Method::PUT, path)?, text)).await
    }

    pub async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.send(self.request(Method::DELETE, path)?).await
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = self.base.join(path).with_context(|| format!("{} is not a server's address", self.base))?;
        let request = self.http.request(method, url);
        Ok(request.header(reqwest::header::AUTHORIZATION, format!("api-key {}", self.key.reveal())))
    }

    /// The answer's body; `null` where it has none. An error answer is an error with the server's own words.
    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Value> {
        let unreachable = || format!("the server at {} could not be asked", self.base);
        let response = request.send().await.with_context(unreachable)?;
        let status = response.status();
        let bytes = response.bytes().await.with_context(unreachable)?;
        if status == StatusCode::NO_CONTENT {
            return Ok(Value::Null);
        }
        let body: Value = serde_json::from_slice(&bytes).with_context(|| {
            format!("the server at {} answered {status} with something that is not JSON", self.base)
        })?;
        if !status.is_success() {
            return Err(Refused::new(status, body).into());
        }
        Ok(body)
    }
}

fn yaml(request: RequestBuilder, text: &str) -> RequestBuilder {
    request.header(CONTENT_TYPE, "application/yaml").body(text.to_owned())
}

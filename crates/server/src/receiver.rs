//! A small HTTP endpoint on this machine that hands each request to whoever owns it and sends back what that says.

use bytes::Bytes;
use domain::limits;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{convert::Infallible, net::SocketAddr, pin::pin, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

/// Requests that wait for their turn; more are answered 503, and the sender tries again.
const WAITING_MAX: usize = 64;
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

/// One request and the way to answer it. Dropped without an answer, it is answered 500.
pub struct Received {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    answer: oneshot::Sender<(StatusCode, Bytes)>,
}

impl Received {
    pub fn answer(self, status: StatusCode, body: impl Into<Bytes>) {
        // A sender that went away needs no answer.
        let _ = self.answer.send((status, body.into()));
    }
}

/// The endpoint. Its listening task ends with it.
pub struct Receiver {
    pub address: SocketAddr,
    requests: mpsc::Receiver<Received>,
    connections: TaskTracker,
    closing: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

impl Receiver {
    pub async fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (sender, requests) = mpsc::channel(WAITING_MAX);
        let (connections, closing) = (TaskTracker::new(), CancellationToken::new());
        let task = tokio::spawn(accept(listener, sender, connections.clone(), closing.clone()));
        Ok(Self { address, requests, connections, closing, _task: AbortOnDropHandle::new(task) })
    }

    /// The next request, in the order of arrival.
    pub async fn next(&mut self) -> Option<Received> {
        self.requests.recv().await
    }

    /// Ends when every answer that was given is on its way.
    pub async fn finish(mut self) {
        self.requests.close();
        self.closing.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

async fn accept(
    listener: TcpListener,
    sender: mpsc::Sender<Received>,
    connections: TaskTracker,
    closing: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = closing.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors: what is open has to be closed first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let sender = sender.clone();
        let service = service_fn(move |request| receive(request, sender.clone()));
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
        let closing = closing.clone();
        connections.spawn(async move {
            let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
            // A connection that breaks is its sender's to repeat, so how it ended does not matter.
            tokio::select! {
                _ = &mut connection => return,
                () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            let _ = connection.await;
        });
    }
}

async fn receive(
    request: Request<Incoming>,
    sender: mpsc::Sender<Received>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, limits::WORKER_ANSWER_BYTES_MAX).collect().await else {
        return Ok(respond(StatusCode::PAYLOAD_TOO_LARGE, Bytes::new()));
    };
    let (answer, answered) = oneshot::channel();
    let path = parts.uri.path().to_owned();
    let received =
        Received { method: parts.method, path, headers: parts.headers, body: body.to_bytes(), answer };
    if sender.try_send(received).is_err() {
        return Ok(respond(StatusCode::SERVICE_UNAVAILABLE, Bytes::new()));
    }
    let (status, body) = answered.await.unwrap_or((StatusCode::INTERNAL_SERVER_ERROR, Bytes::new()));
    Ok(respond(status, body))
}

fn respond(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

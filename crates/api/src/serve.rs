//! Connections: accepted, bounded, and let go gently.
//!
//! - At most [`CONNECTIONS_MAX`] are open; more wait in the kernel's queue.
//! - A client has [`HEADER_TIMEOUT`] to send its head and may pause at most [`BODY_IDLE_TIMEOUT`] in its body, so slow
//!   clients do not hold connections for ever.
//! - A request that is answered before its body was read (a wrong key, a file too large) has the rest of its body read
//!   and thrown away for a while. Without that the kernel resets the connection and many clients lose the answer that
//!   tells them what was wrong.
//! - At shutdown no connection is accepted any more, requests under way are finished within [`SHUTDOWN_GRACE`].

use axum::{Router, body::Body as AxumBody, extract::FromRequestParts, http::request::Parts};
use bytes::Bytes;
use futures::FutureExt;
use http_body_util::BodyExt;
use hyper::{
    Request,
    body::{Body, Frame, Incoming, SizeHint},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore, time::Sleep};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

pub const CONNECTIONS_MAX: usize = 10_000;
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
pub const BODY_IDLE_TIMEOUT: Duration = Duration::from_secs(60);
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(25);
/// How much of an unwanted body is thrown away, and how long.
const DISCARDED_BYTES_MAX: u64 = 64_000_000;
const DISCARDED_FOR: Duration = Duration::from_secs(10);

/// Says when the server stops, to requests that wait for something: they are to be answered then.
#[derive(Debug, Clone, Default)]
pub struct Stopping(CancellationToken);

impl Stopping {
    pub async fn stopping(&self) {
        self.0.cancelled().await;
    }
}

impl<S: Sync> FromRequestParts<S> for Stopping {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Serves `router` on `listener` until `shutdown` is cancelled, then finishes what is under way.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&connections).acquire_owned() => permit,
            () = shutdown.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, or a client that went away: neither ends the server.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Answers are small and whole: waiting to fill packets would only delay them.
        let _ = stream.set_nodelay(true);
        let stopping = Stopping(shutdown.clone());
        let connection = connection(stream, router.clone(), stopping, &graceful);
        tokio::spawn(async move {
            connection.await;
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were still under way when the time to finish was over");
    }
    Ok(())
}

fn connection(
    stream: tokio::net::TcpStream,
    router: Router,
    stopping: Stopping,
    graceful: &GracefulShutdown,
) -> impl Future<Output = ()> + Send + 'static {
    let service = service_fn(move |request: Request<Incoming>| {
        let expects = request.headers().contains_key(hyper::header::EXPECT);
        let mut request = request.map(|body| AxumBody::new(Received::new(body, expects)));
        request.extensions_mut().insert(stopping.clone());
        router.clone().call(request)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADER_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    async move {
        if let Err(error) = connection.await {
            tracing::debug!(error, "a connection ended badly");
        }
    }
    .map(|()| ())
}

/// A request's body: with a limit on pauses, and read to its end for the client's sake when nobody wants it.
struct Received {
    body: Option<Incoming>,
    idle: Pin<Box<Sleep>>,
    /// The client waits for a go-ahead, and nobody has given it: it will not send anything.
    unasked: bool,
}

impl Received {
    fn new(body: Incoming, expects_go_ahead: bool) -> Self {
        let idle = Box::pin(tokio::time::sleep(BODY_IDLE_TIMEOUT));
        Self { body: Some(body), idle, unasked: expects_go_ahead }
    }
}

impl Body for Received {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        ctx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = &mut *self;
        this.unasked = false;
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(ctx);
        match polled {
            Poll::Ready(frame) => {
                this.idle.as_mut().reset(tokio::time::Instant::now() + BODY_IDLE_TIMEOUT);
                if !matches!(frame, Some(Ok(_))) {
                    this.body = None;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
            }
            Poll::Pending if this.idle.as_mut().poll(ctx).is_ready() => {
                this.body = None;
                Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !self.unasked && !body.is_end_stream()) else {
            return;
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(DISCARDED_FOR, discard(body)));
        }
    }
}

async fn discard(mut body: Incoming) {
    let mut left = DISCARDED_BYTES_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}

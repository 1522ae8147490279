//! A webhook endpoint on loopback that behaves as badly as a test wants.
//!
//! It records every request with the exact bytes of its body and answers by a script: one [`Behavior`] per request, then
//! the standing one. Requests are awaited by number, so no test has to sleep.

use bytes::Bytes;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

/// What happens to one request after it has been read and recorded.
#[derive(Debug, Clone)]
pub enum Behavior {
    Answer(Answer),
    /// No answer for as long as the receiver lives.
    Hang,
    /// The connection is reset without an answer.
    Reset,
    /// 200, and then one byte of the body per interval, without end.
    Drip(Duration),
    /// 200, and then as many bytes.
    Huge(u64),
}

/// An answer as it should be.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// Waited before the head is sent.
    pub delay: Duration,
}

impl Behavior {
    /// An immediate answer with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self::Answer(Answer { status, headers: Vec::new(), body: Bytes::new(), delay: Duration::ZERO })
    }

    /// The same with one more header. Only answers have headers.
    pub fn header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Answer(mut answer) => {
                answer.headers.push((name.to_owned(), value.to_owned()));
                Self::Answer(answer)
            }
            other => other,
        }
    }

    /// The same with this body. Only answers have bodies to choose.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        match self {
            Self::Answer(answer) => Self::Answer(Answer { body: body.into(), ..answer }),
            other => other,
        }
    }

    /// The same, later. Only answers can be late.
    pub fn after(self, delay: Duration) -> Self {
        match self {
            Self::Answer(answer) => Self::Answer(Answer { delay, ..answer }),
            other => other,
        }
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub at: Instant,
}

impl Received {
    /// The text of a header; empty where it is absent or not text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON; `null` where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// See the module. Dropping it closes the port.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    count: watch::Sender<usize>,
}

#[derive(Debug)]
struct State {
    received: Vec<Received>,
    script: VecDeque<Behavior>,
    standing: Behavior,
}

type Body = BoxBody<Bytes, Infallible>;

impl Receiver {
    /// A receiver on a free port of 127.0.0.1 that answers 200 to everything.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = State { received: Vec::new(), script: VecDeque::new(), standing: Behavior::status(200) };
        let shared = Arc::new(Shared { state: Mutex::new(state), count: watch::Sender::new(0) });
        let server = tokio::spawn(accept(listener, Arc::clone(&shared))).abort_handle();
        Ok(Self { address, shared, server })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:<port><path>`; `path` begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the next requests meet, one after the other.
    pub fn script(&self, behaviors: impl IntoIterator<Item = Behavior>) {
        self.shared.state().script.extend(behaviors);
    }

    /// What every request meets that the script says nothing of.
    pub fn always(&self, behavior: Behavior) {
        self.shared.state().standing = behavior;
    }

    /// Everything received so far, in order of arrival.
    pub fn received(&self) -> Vec<Received> {
        self.shared.state().received.clone()
    }

    /// What was received after the first `count` requests.
    pub fn received_after(&self, count: usize) -> Vec<Received> {
        self.shared.state().received.get(count..).unwrap_or_default().to_vec()
    }

    /// Waits for the request with this number, from 1.
    pub async fn request(&self, number: usize) -> Received {
        let mut count = self.shared.count.subscribe();
        count.wait_for(|count| *count >= number).await.expect("the receiver holds the sender");
        self.shared.state().received[number - 1].clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, received: Received) -> Behavior {
        let mut state = self.state();
        state.received.push(received);
        let behavior = state.script.pop_front().unwrap_or_else(|| state.standing.clone());
        self.count.send_replace(state.received.len());
        behavior
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, Arc::clone(&shared)));
        while connections.try_join_next().is_some() {}
    }
}

/// One connection. It ends with an error where a request is to be reset; the peer sees that, nobody else needs to.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let reset = Arc::new(AtomicBool::new(false));
    let Ok((stream, twin)) = twin(stream) else { return };
    let asked = Arc::clone(&reset);
    let service = service_fn(move |request| {
        let (shared, asked) = (Arc::clone(&shared), Arc::clone(&asked));
        async move { answer(request, &shared, &asked).await }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    if reset.load(Ordering::SeqCst) {
        // The last handle to the socket, closed without lingering: the kernel sends RST.
        let _ = twin.set_zero_linger();
    }
}

/// Two handles to one socket, so that it can be reset after the server is done with it.
fn twin(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let twin = TcpStream::from_std(stream.try_clone()?)?;
    Ok((TcpStream::from_std(stream)?, twin))
}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    reset: &AtomicBool,
) -> io::Result<Response<Body>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path_and_query().map_or_else(String::new, ToString::to_string);
    let received = Received { method: head.method, path, headers: head.headers, body, at: Instant::now() };
    match shared.record(received) {
        Behavior::Answer(answer) => {
            if !answer.delay.is_zero() {
                tokio::time::sleep(answer.delay).await;
            }
            let mut response = Response::builder().status(answer.status);
            for (name, value) in &answer.headers {
                response = response.header(name, value);
            }
            response.body(Full::new(answer.body).boxed()).map_err(io::Error::other)
        }
        Behavior::Hang => std::future::pending().await,
        Behavior::Reset => {
            reset.store(true, Ordering::SeqCst);
            Err(io::Error::other("reset by the script"))
        }
        Behavior::Drip(interval) => {
            let bytes = stream::repeat(()).then(move |()| async move {
                tokio::time::sleep(interval).await;
                Bytes::from_static(b".")
            });
            Ok(streamed(bytes))
        }
        Behavior::Huge(length) => {
            const CHUNK: &[u8] = &[b'x'; 65_536];
            let chunks = stream::unfold(length, |left| async move {
                let size = usize::try_from(left).unwrap_or(usize::MAX).min(CHUNK.len());
                (size > 0).then(|| (Bytes::from_static(&CHUNK[..size]), left - size as u64))
            });
            Ok(streamed(chunks))
        }
    }
}

fn streamed(bytes: impl futures::Stream<Item = Bytes> + Send + Sync + 'static) -> Response<Body> {
    Response::new(BodyExt::boxed(StreamBody::new(bytes.map(|bytes| Ok(Frame::data(bytes))))))
}

//! Clients that submit until they are told to stop, and repeat each submission until it is answered.

use crate::ledger::{Expected, Ledger};
use reqwest::StatusCode;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::{pdf::text_pages, program::Program};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const CLIENTS: usize = 3;
/// Between two submissions of one client, and between two tries of one submission.
const PAUSE: Duration = Duration::from_millis(60);
/// Clients wait while the ends of so many jobs are not told yet: a server that is killed sooner than it can work
/// would be given more than it can ever do.
const OPEN_MAX: usize = 300;
const BOUNDARY: &str = "plextera-crash-boundary";

/// The running clients.
pub struct Load {
    stop: CancellationToken,
    clients: JoinSet<()>,
}

impl Load {
    /// Clients of these nodes, which are as one to them.
    pub fn start(nodes: &[&Program], ledger: Arc<Ledger>) -> Self {
        let stop = CancellationToken::new();
        let next = Arc::new(AtomicU64::new(0));
        let urls: Vec<String> = nodes.iter().map(|node| node.url()).collect();
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (urls, ledger) = (urls.clone(), Arc::clone(&ledger));
            let client = Client { http: nodes[0].client(), urls, ledger };
            clients.spawn(client.run(Arc::clone(&next), stop.clone()));
        }
        Self { stop, clients }
    }

    /// Lets each client finish its submission.
    pub async fn stop(self) {
        self.stop.cancel();
        self.clients.join_all().await;
    }
}

struct Client {
    http: reqwest::Client,
    urls: Vec<String>,
    ledger: Arc<Ledger>,
}

impl Client {
    async fn run(self, next: Arc<AtomicU64>, stop: CancellationToken) {
        let mut period = tokio::time::interval(PAUSE);
        while !stop.is_cancelled() {
            period.tick().await;
            if self.ledger.open() >= OPEN_MAX {
                continue;
            }
            self.submit(next.fetch_add(1, Ordering::Relaxed)).await;
        }
    }

    /// One submission under one idempotency key, until there is an answer.
    async fn submit(&self, number: u64) {
        let (bytes, expected) = document(number);
        let body = multipart(&bytes);
        // Each try may reach another node, which must know of the others.
        for url in self.urls.iter().cycle().skip(usize::try_from(number).unwrap_or(0) % self.urls.len()) {
            if let Some(job_id) = self.attempt(url, number, body.clone()).await {
                self.ledger.accept(job_id, expected);
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The job's id; `None` where there was no answer, or one that says to try again.
    async fn attempt(&self, url: &str, number: u64, body: Vec<u8>) -> Option<String> {
        let request = self
            .http
            .post(format!("{url}/api/public/v1/document-insights/jobs/extract/upload"))
            .header("Idempotency-Key", format!("crash-{number}"))
            .header("Content-Type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(body);
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let body: serde_json::Value = answer.json().await.ok()?;
        if status == StatusCode::ACCEPTED {
            return Some(body["id"].as_str().expect("an id").to_owned());
        }
        assert_eq!(body["error"]["retryable"], true, "submission {number}: {status} {body}");
        None
    }
}

/// Invoices of their own, and as many empty files, which end sooner.
fn document(number: u64) -> (Vec<u8>, Expected) {
    if number % 2 == 1 {
        return (Vec::new(), Expected::Rejected);
    }
    let text = format!(
        "Northwind Traders Ltd\nInvoice number: INV-{number:06}\nInvoice date: 14 March 2031\n\nNet total 44.70 EUR\n\
         VAT 20% 8.94 EUR\nTotal due 53.64 EUR"
    );
    (text_pages(&[&text]), Expected::Completed)
}

/// The same bytes each time, as the same idempotency key asks.
fn multipart(bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"invoice.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n"
    );
    [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat()
}

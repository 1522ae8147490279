//! A database that commits and whose answer is lost: nobody knows whether it happened.
//!
//! A relay in front of PostgreSQL passes everything on, but of every few commits it lets the database make one and then
//! cuts the connection in place of its answer. Whoever made it has to find out, or to do it again without harm.

use crate::{VARIABLES, Witness, dice, load::Load, workflows};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use testkit::{
    postgres,
    program::Program,
    receiver::{Behavior, Receiver},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// One of so many commits is not answered.
const LOST_OF: u64 = 7;
/// Runs with four nested ones each.
const PARENTS: u64 = 20;
/// Answers that are lost while jobs run. However long the other suites are: each loss costs the server a connection.
const LOST_WANTED: u64 = 100;
/// Requests that endpoints may meet badly meanwhile.
const REFUSALS: u64 = 20;
/// For all runs to end, or all answers to be lost.
const END_TIME_MAX: Duration = Duration::from_secs(180);
const CHUNK_BYTES: usize = 16 * 1024;
/// The text of a simple query, and the tag of its answer.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const QUERY: &[u8] = b"commit\0";
const ANSWER: &[u8] = b"COMMIT\0";

/// What all connections have in common.
struct Relay {
    /// Of PostgreSQL: host and port.
    target: String,
    commits: AtomicU64,
    lost: AtomicU64,
    /// One of so many is lost; none where it is 0.
    lost_of: AtomicU64,
}

impl Relay {
    /// Relays to the database at `url`; by which URL it is reached then.
    async fn start(url: &str) -> (Arc<Self>, String) {
        let (_, place) = url.rsplit_once('@').expect("a URL with a user");
        let (target, _) = place.split_once('/').expect("a URL with a database");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address").to_string();
        let through = url.replace(target, &here);
        let relay = Arc::new(Self {
            target: target.to_owned(),
            commits: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            lost_of: AtomicU64::new(0),
        });
        tokio::spawn(Arc::clone(&relay).accept(listener));
        (relay, through)
    }

    fn lose_one_of(&self, commits: u64) {
        self.lost_of.store(commits, Ordering::SeqCst);
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        while let Ok((client, _)) = listener.accept().await {
            let relay = Arc::clone(&self);
            tokio::spawn(async move {
                let Ok(server) = TcpStream::connect(&relay.target).await else { return };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                let is_lost = AtomicBool::new(false);
                // Whichever way ends first, both are cut.
                tokio::select! {
                    () = relay.ask(from_client, to_server, &is_lost) => (),
                    () = relay.answer(from_server, to_client, &is_lost) => (),
                }
            });
        }
    }

    async fn ask(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_lost: &AtomicBool) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            if has(&chunk[..length], QUERY) {
                let (number, of) =
                    (self.commits.fetch_add(1, Ordering::SeqCst), self.lost_of.load(Ordering::SeqCst));
                if of > 0 && number % of == of - 1 {
                    is_lost.store(true, Ordering::SeqCst);
                }
            }
            if to.write_all(&chunk[..length]).await.is_err() {
                return;
            }
        }
    }

    async fn answer(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, is_lost: &AtomicBool) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = from.read(&mut chunk).await {
            if is_lost.load(Ordering::SeqCst) {
                if has(&chunk[..length], ANSWER) {
                    self.lost.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            } else if to.write_all(&chunk[..length]).await.is_err() {
                return;
            }
        }
    }
}

fn has(chunk: &[u8], text: &[u8]) -> bool {
    chunk.windows(text.len()).any(|window| window == text)
}

async fn node() -> (Arc<Relay>, Program) {
    let (relay, url) = Relay::start(&postgres::empty_database().await).await;
    let mut variables = VARIABLES.to_vec();
    variables.push(("PLEXTERA_DATABASE_URL", &url));
    let binary = Path::new(env!("CARGO_BIN_EXE_plextera"));
    let node = Program::start(binary, &variables).await.expect("the server starts");
    (relay, node)
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_once_though_nobody_hears_of_their_commits() {
    let (relay, node) = node().await;
    let effects = Receiver::start().await.expect("a receiver");
    effects.always(Behavior::status(200));
    workflows::define(&node, &effects).await;
    relay.lose_one_of(LOST_OF);
    let nodes = [node];
    for number in 0..PARENTS {
        workflows::begin(&nodes, number).await;
    }
    let all = PARENTS * (workflows::ITEMS + 1);
    let drained = tokio::time::timeout(END_TIME_MAX, workflows::drain(&nodes[0], all, &|_| ())).await;
    relay.lose_one_of(0);
    assert!(drained.is_ok(), "not all of {all} runs ended\n{}", nodes[0].log());
    workflows::audit(&nodes[0], &effects, PARENTS).await;
    let lost = relay.lost.load(Ordering::SeqCst);
    assert!(lost >= PARENTS / 2, "only {lost} answers were lost");
    eprintln!("{lost} lost answers to commits: {all} runs, each ended once and told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_told_once_though_nobody_hears_of_their_commits() {
    let (relay, node) = node().await;
    let witness = Witness::start(&node, REFUSALS, &mut dice()).await;
    let load = Load::start(&[&node], Arc::clone(&witness.ledger));
    relay.lose_one_of(LOST_OF);
    let losing = async {
        while relay.lost.load(Ordering::SeqCst) < LOST_WANTED {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let lost = tokio::time::timeout(END_TIME_MAX, losing).await;
    relay.lose_one_of(0);
    assert!(lost.is_ok(), "only {} answers were lost\n{}", relay.lost.load(Ordering::SeqCst), node.log());
    load.stop().await;
    witness.conclude(&node, &format!("{} lost answers to commits", relay.lost.load(Ordering::SeqCst))).await;
}

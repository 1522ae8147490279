//! The client against an endpoint that misbehaves, and against names that lie.

use bytes::Bytes;
use domain::{delivery::Blame, limits};
use engine::client::{Client, Endpoint, Failure, FetchFailure, Lookup, Policy, Refused};
use futures::future::BoxFuture;
use reqwest::header::HeaderMap;
use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use testkit::receiver::{Behavior, Receiver};
use url::Url;

const PLENTY: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

fn open() -> Policy {
    Policy { allow_http: true, allowed_networks: vec!["127.0.0.0/8".parse().unwrap()] }
}

fn client() -> Client {
    Client::new(open()).unwrap()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn endpoint(text: &str) -> Endpoint {
    Endpoint::new(url(text)).unwrap()
}

async fn post(client: &Client, to: &str, timeout: Duration) -> Result<u16, Failure> {
    let answer = client.post(&endpoint(to), HeaderMap::new(), Bytes::from_static(b"{}"), timeout).await;
    answer.map(|answer| answer.status)
}

/// Answers each lookup with the next of its lists, the last one for ever.
#[derive(Debug)]
pub struct Names(Mutex<Vec<Vec<IpAddr>>>);

impl Lookup for Names {
    fn lookup(&self, _host: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
        Box::pin(async move { Ok(answer) })
    }
}

impl Names {
    pub fn answering(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |list: &&[&str]| list.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }
}

fn client_with(policy: Policy, answers: &[&[&str]]) -> Client {
    Client::with_lookup(policy, Names::answering(answers)).unwrap()
}

#[tokio::test]
async fn bodies_and_headers_arrive_as_they_are() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Behavior::status(429).header("Retry-After", "7").body("later"));
    let mut headers = HeaderMap::new();
    headers.insert("x-one", "1".parse().unwrap());
    let body = Bytes::from_static(br#"{"a": 1}"#);
    let answer =
        client().post(&endpoint(&receiver.url("/hook?a=b")), headers, body.clone(), PLENTY).await.unwrap();
    assert_eq!((answer.status, answer.retry_after.as_deref()), (429, Some("7")));
    assert_eq!(answer.body_start, "later");
    let request = receiver.request(1).await;
    assert_eq!((request.path.as_str(), request.header("x-one"), &request.body), ("/hook?a=b", "1", &body));
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Behavior::status(302).header("Location", "/elsewhere"));
    assert_eq!(post(&client(), &receiver.url("/"), PLENTY).await, Ok(302));
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test]
async fn a_huge_answer_is_cut_off_and_its_status_stands() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Behavior::Huge(1_000_000_000));
    let started = Instant::now();
    let answer =
        client().post(&endpoint(&receiver.url("/")), HeaderMap::new(), Bytes::new(), PLENTY).await.unwrap();
    assert_eq!((answer.status, answer.body_start.len()), (200, limits::DELIVERY_ANSWER_KEPT_BYTES_MAX));
    assert!(started.elapsed() < Duration::from_secs(5), "no gigabyte was read");
}

#[tokio::test]
async fn the_timeout_counts_to_the_end_of_the_answer() {
    let receiver = Receiver::start().await.unwrap();
    for behavior in [Behavior::Hang, Behavior::Drip(Duration::from_millis(20))] {
        receiver.always(behavior);
        let started = Instant::now();
        let failure = post(&client(), &receiver.url("/"), SHORT).await.unwrap_err();
        assert_eq!((&failure, failure.blame()), (&Failure::Timeout, Blame::Endpoint));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test]
async fn a_reset_after_the_request_went_out_is_not_repeated() {
    let receiver = Receiver::start().await.unwrap();
    let client = client();
    assert_eq!(post(&client, &receiver.url("/"), PLENTY).await, Ok(200), "leaves a pooled connection");
    receiver.always(Behavior::Reset);
    let failure = post(&client, &receiver.url("/"), PLENTY).await.unwrap_err();
    assert!(matches!(failure, Failure::Broken(_)), "{failure}");
    assert_eq!(failure.blame(), Blame::Network);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn nobody_listening_is_the_networks_fault() {
    let receiver = Receiver::start().await.unwrap();
    let gone = receiver.url("/");
    drop(receiver);
    // The port closes with the task that held it.
    let client = client();
    let failure = loop {
        if let Err(failure) = post(&client, &gone, PLENTY).await {
            break failure;
        }
    };
    assert_eq!(failure.blame(), Blame::Network, "{failure}");
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling_and_nothing_is_sent() {
    let receiver = Receiver::start().await.unwrap();
    let closed = Client::new(Policy { allow_http: true, ..Policy::default() }).unwrap();
    let port = receiver.address().port();
    for host in
        ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]"]
    {
        let failure = post(&closed, &format!("http://{host}:{port}/"), PLENTY).await.unwrap_err();
        assert!(matches!(failure, Failure::Refused(Refused::Address(_))), "{host}: {failure}");
        assert_eq!(failure.blame(), Blame::Platform);
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn a_name_that_turns_private_is_refused_at_that_moment() {
    let receiver = Receiver::start().await.unwrap();
    let to = format!("http://rebind.test:{}/", receiver.address().port());
    // 192.0.2.0/24 stands for "public" here: it is opened, and nothing answers there.
    let opened = Policy { allow_http: true, allowed_networks: vec!["192.0.2.0/24".parse().unwrap()] };
    let client = client_with(opened, &[&["192.0.2.1"], &["127.0.0.1"]]);
    let first = post(&client, &to, SHORT).await.unwrap_err();
    assert!(!matches!(first, Failure::Refused(_)), "the first answer was allowed: {first}");
    let second = post(&client, &to, SHORT).await.unwrap_err();
    assert!(matches!(second, Failure::Refused(Refused::Address(_))), "{second}");
    assert!(receiver.received().is_empty());
}

#[tokio::test]
async fn of_a_mixed_answer_only_allowed_addresses_are_dialled() {
    let receiver = Receiver::start().await.unwrap();
    let client = client_with(open(), &[&["10.0.0.1", "127.0.0.1", "::1"]]);
    let to = format!("http://mixed.test:{}/", receiver.address().port());
    assert_eq!(post(&client, &to, PLENTY).await, Ok(200));
}

async fn fetch(client: &Client, from: &str) -> Result<(String, Vec<u8>), FetchFailure> {
    let mut download = client.open_document(&url(from)).await?;
    let mut bytes = Vec::new();
    while let Some(chunk) = download.next().await? {
        bytes.extend_from_slice(&chunk);
    }
    Ok((download.name, bytes))
}

#[tokio::test]
async fn documents_follow_a_few_redirects() {
    let receiver = Receiver::start().await.unwrap();
    let redirect = |status, to: &str| Behavior::status(status).header("Location", to);
    receiver.script([redirect(301, "/b"), redirect(302, "c"), redirect(307, &receiver.url("/d"))]);
    receiver.always(Behavior::status(200).body("%PDF"));
    let (name, bytes) = fetch(&client(), &receiver.url("/inv%20oice.pdf?x=1")).await.unwrap();
    assert_eq!((name.as_str(), bytes.as_slice()), ("inv oice.pdf", b"%PDF".as_slice()));
    let paths: Vec<String> = receiver.received().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/inv%20oice.pdf?x=1", "/b", "/c", "/d"]);

    receiver.always(redirect(302, "/again"));
    assert_eq!(fetch(&client(), &receiver.url("/")).await, Err(FetchFailure::Redirects));
}

#[tokio::test]
async fn each_redirect_is_checked_like_the_first() {
    let receiver = Receiver::start().await.unwrap();
    for to in ["http://169.254.169.254/latest/", "http://[::1]/", "http://10.0.0.1/", "http://u:p@127.0.0.1/"]
    {
        receiver.always(Behavior::status(302).header("Location", to));
        let failure = fetch(&client(), &receiver.url("/")).await.unwrap_err();
        assert!(matches!(failure, FetchFailure::Request(Failure::Refused(_))), "{to}: {failure}");
    }
    receiver.always(Behavior::status(302));
    assert_eq!(fetch(&client(), &receiver.url("/")).await, Err(FetchFailure::BadRedirect));
}

#[tokio::test]
async fn documents_that_are_too_large_or_missing_fail() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(Behavior::Huge(limits::UPLOAD_BYTES_MAX + 1));
    assert_eq!(fetch(&client(), &receiver.url("/")).await, Err(FetchFailure::TooLarge));
    receiver.always(Behavior::status(404));
    assert_eq!(fetch(&client(), &receiver.url("/")).await, Err(FetchFailure::Status(404)));
}

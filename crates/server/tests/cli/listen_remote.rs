//! `plextera listen` through a server: what it hears, what it passes on, and that a lost connection loses nothing.

use crate::plextera;
use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
    sync::Arc,
};
use testkit::{
    program::{KEY, Program},
    receiver::Receiver,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

async fn server() -> Program {
    Program::start(Path::new(env!("CARGO_BIN_EXE_plextera")), &[]).await.unwrap()
}

/// Starts it and waits until it listens.
async fn start(url: &str, more: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut command = plextera(std::env::temp_dir().as_path());
    command.args(["listen", "--api-url", url, "--secret", SECRET]).args(more).env("PLEXTERA_API_KEY", KEY);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let read = move || {
        let mut stderr = BufReader::new(stderr);
        let mut greeting = String::new();
        stderr.read_line(&mut greeting).unwrap();
        assert!(greeting.contains("listening through the server as sub_"), "{greeting}");
        stderr
    };
    (child, tokio::task::spawn_blocking(read).await.unwrap())
}

async fn ended(child: Child) -> String {
    let output = tokio::task::spawn_blocking(|| child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn it_hears_what_happens_and_passes_it_on_as_it_was_signed() {
    let (server, target) = (server().await, Receiver::start().await.unwrap());
    let forward_to = target.url("/mine");
    let (child, _stderr) = start(
        &server.url(),
        &["--count", "2", "--forward-to", &forward_to, "--events", "document-insights.job.rejected"],
    )
    .await;
    for _ in 0..2 {
        server.submit("empty.pdf", Vec::new()).await.unwrap();
    }
    let second = target.request(2).await;
    for received in target.received() {
        assert_eq!(received.verdict(SECRET), Ok(()));
        assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/mine"));
        assert_eq!(received.header("x-plextera-event-type"), "document-insights.job.rejected");
    }
    assert_eq!(second.header("x-plextera-sequence"), "2");
    let shown = ended(child).await;
    assert_eq!(shown.matches("signature verified").count(), 2, "{shown}");
    assert_eq!(shown.matches("200 OK").count(), 2, "{shown}");
    assert!(shown.contains(second.header("x-plextera-event-id")), "{shown}");
}

/// A way to the server that can be cut.
struct Way {
    url: String,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(server: &Program) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target: Arc<str> = server.url().trim_start_matches("http://").into();
        let (open, cut) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut cut, target) = (cut.clone(), Arc::clone(&target));
                tokio::spawn(async move {
                    if !*cut.borrow() {
                        return;
                    }
                    let mut far = TcpStream::connect(&*target).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { url, open }
    }
}

#[tokio::test]
async fn what_happens_while_the_connection_is_gone_arrives_when_it_is_back() {
    let (server, target) = (server().await, Receiver::start().await.unwrap());
    let way = Way::to(&server).await;
    let (child, stderr) = start(&way.url, &["--count", "4", "--forward-to", &target.url("/")]).await;
    server.submit("empty.pdf", Vec::new()).await.unwrap();
    target.request(1).await;
    way.open.send_replace(false);
    for _ in 0..2 {
        server.submit("empty.pdf", Vec::new()).await.unwrap();
    }
    // It has noticed, and says so.
    let notice = move || {
        let mut lines = stderr.lines();
        let line = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("asking again"))).is_some();
        (line, lines)
    };
    let (noticed, _lines) = tokio::task::spawn_blocking(notice).await.unwrap();
    assert!(noticed);
    way.open.send_replace(true);
    server.submit("empty.pdf", Vec::new()).await.unwrap();
    target.request(4).await;
    let sequences: Vec<String> =
        target.received().iter().map(|it| it.header("x-plextera-sequence").to_owned()).collect();
    assert_eq!(sequences, ["1", "2", "3", "4"], "nothing is missed, nothing arrives twice");
    ended(child).await;
}

#[tokio::test]
async fn what_the_server_refuses_is_said() {
    let server = server().await;
    let run = |arguments: &[&str], key: &str| {
        let mut command = plextera(std::env::temp_dir().as_path());
        command.args(["listen", "--api-url", &server.url(), "--api-key", key]).args(arguments);
        tokio::task::spawn_blocking(move || crate::run(&mut command))
    };
    let ended = run(&["--events", "document-insights.job.complete"], KEY).await.unwrap();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("eventTypes[0]: must be one of"), "{}", ended.stderr);
    let ended = run(&[], &KEY.replace('0', "1")).await.unwrap();
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("unknown or revoked"), "{}", ended.stderr);
}

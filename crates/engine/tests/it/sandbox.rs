//! The sandbox with children that are shell scripts: they show each way in which a child can fail.
//!
//! A request here is always the three bytes `ask`; with its length that is seven bytes for the script to read.

use engine::sandbox::{Breach, Lease, Said, Sandbox, SandboxSettings};
use std::time::{Duration, Instant};

const PLENTY: Duration = Duration::from_secs(30);
/// Reads one request and answers `ok!`.
const ANSWER: &str = r"dd bs=1 count=7 2>/dev/null >/dev/null; printf '\003\000\000\000ok!'";

fn settings(script: &str) -> SandboxSettings {
    let arguments = vec!["-c".into(), script.into()];
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let settings = SandboxSettings::new("/bin/sh".into(), 1);
    SandboxSettings { arguments, environment, memory_bytes: 256 << 20, ..settings }
}

fn sandbox(script: &str) -> Sandbox {
    Sandbox::new(settings(script)).unwrap()
}

async fn ask(sandbox: &Sandbox, budget: Duration) -> Result<String, Breach> {
    ask_within(&mut sandbox.lease().await, budget).await
}

async fn ask_within(lease: &mut Lease, budget: Duration) -> Result<String, Breach> {
    let answer = lease.ask(b"\x03\0\0\0ask", budget, Said::Answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_child_is_kept_for_the_next_document() {
    let sandbox = sandbox(&format!("{ANSWER}; {ANSWER}; exit 3"));
    assert_eq!(ask(&sandbox, PLENTY).await.as_deref(), Ok("ok!"));
    assert_eq!(ask(&sandbox, PLENTY).await.as_deref(), Ok("ok!"), "the same child answers");
}

#[tokio::test]
async fn a_child_is_replaced_after_its_documents() {
    let script = format!("{ANSWER}; {ANSWER}; exit 3");
    let sandbox = Sandbox::new(SandboxSettings { documents_per_process: 2, ..settings(&script) }).unwrap();
    for _ in 0..5 {
        assert_eq!(ask(&sandbox, PLENTY).await.as_deref(), Ok("ok!"), "never a third document for one child");
    }
}

#[tokio::test]
async fn one_lease_is_one_child() {
    let sandbox = sandbox(&format!("{ANSWER}; {ANSWER}; exit 3"));
    let mut lease = sandbox.lease().await;
    assert!(!lease.is_alive());
    ask_within(&mut lease, PLENTY).await.unwrap();
    ask_within(&mut lease, PLENTY).await.unwrap();
    assert!(lease.is_alive());
    assert_eq!(ask_within(&mut lease, PLENTY).await, Err(Breach::Crashed));
    assert!(!lease.is_alive());
    assert_eq!(ask_within(&mut lease, PLENTY).await.as_deref(), Ok("ok!"), "a fresh child takes its place");
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_with_what_it_started() {
    let sandbox = sandbox("sleep 1000 & echo $! >&2; sleep 1000");
    let started = Instant::now();
    assert_eq!(ask(&sandbox, Duration::from_millis(100)).await, Err(Breach::Timeout));
    assert!(started.elapsed() < PLENTY);
}

#[tokio::test]
async fn each_step_that_is_announced_gives_more_time() {
    let step = r"printf '\001\000\000\000.'; sleep 0.4; ";
    let sandbox = sandbox(&format!("dd bs=1 count=7 2>/dev/null >/dev/null; {}{ANSWER}", step.repeat(3)));
    let look = |allowance| {
        move |message: Vec<u8>| if message == b"." { Said::Step(allowance) } else { Said::Answer(()) }
    };
    let ask = b"\x03\0\0\0ask\x03\0\0\0ask";
    let short = Duration::from_millis(1000);
    assert_eq!(sandbox.lease().await.ask(ask, short, look(Duration::ZERO)).await, Err(Breach::Timeout));
    assert_eq!(sandbox.lease().await.ask(ask, short, look(PLENTY)).await, Ok(()));
    let nonsense = sandbox.lease().await.ask(ask, short, |_| Said::<()>::Nonsense).await;
    assert_eq!(nonsense, Err(Breach::Crashed));
}

#[tokio::test]
async fn each_kind_of_death_has_its_name() {
    let read = "dd bs=1 count=7 2>/dev/null >/dev/null";
    let deaths = [
        ("exit 0", Breach::Crashed),
        ("exit 101", Breach::Crashed),
        ("kill -SEGV $$", Breach::Crashed),
        ("kill -ABRT $$", Breach::Crashed),
        ("echo 'memory allocation of 99 bytes failed' >&2; kill -ABRT $$", Breach::Memory),
        ("kill -KILL $$", Breach::Memory),
        ("kill -XCPU $$", Breach::Timeout),
        (r"printf '\377\377\377\377'; sleep 1000", Breach::TooLarge),
        (r"printf '\012\000\000\000half'; exit 0", Breach::Crashed),
    ];
    for (death, breach) in deaths {
        assert_eq!(ask(&sandbox(&format!("{read}; {death}")), PLENTY).await, Err(breach), "{death}");
    }
    let missing = Sandbox::new(SandboxSettings::new("/nonexistent/program".into(), 1)).unwrap();
    assert!(matches!(ask(&missing, PLENTY).await, Err(Breach::Unavailable(_))));
}

#[tokio::test]
async fn a_child_has_its_limits_and_nothing_of_our_environment() {
    let report = r#"
        text="$(ulimit -v) $(ulimit -n) $(ulimit -c) $(ulimit -t) $(grep NoNewPrivs /proc/self/status | tr -dc 0-9) $(env | grep -c CARGO)"
        dd bs=1 count=7 2>/dev/null >/dev/null
        printf "\\$(printf %03o ${#text})\\000\\000\\000%s" "$text""#;
    let sandbox = Sandbox::new(SandboxSettings { cpu_time: Duration::from_secs(600), ..settings(report) });
    let answer = ask(&sandbox.unwrap(), PLENTY).await.unwrap();
    assert_eq!(answer, format!("{} 64 0 600 1 0", (256 << 20) / 1024));
}

#[tokio::test]
async fn whoever_comes_when_all_are_taken_waits_in_line() {
    let sandbox = sandbox(ANSWER);
    let lease = sandbox.lease().await;
    let mut waiting = std::pin::pin!(sandbox.lease());
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(lease);
    assert!(futures::poll!(&mut waiting).is_ready());
}

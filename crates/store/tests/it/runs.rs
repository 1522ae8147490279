//! Whatever nodes do with runs, in whatever order, with runs stolen from them at any moment: terminal runs and events
//! belong together one to one, and a node that lost a run changes nothing.

use crate::support::{Fixture, on_both_engines};
use domain::{
    event::EventType,
    id::RunId,
    limits,
    page::PageRequest,
    run::{Progress, RunStatus},
    time::Timestamp,
};
use flow::{
    Known,
    ir::Definition,
    run::{Effect, Event, Failure, Key, Output, Row, RowStatus, RunState, advance},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, Weak},
    time::Duration,
};
use store::{
    NodeId,
    deliveries::Hold,
    events::EventFilter,
    idempotency::Once,
    runs::{
        ClaimedRun, Committed, Decision, Ended, Host, Mail, Nested, NewRow, NewRun, Place, Posted, RunFilter,
        RunLease, WorkflowRef,
    },
};

on_both_engines! {
    terminal_runs_and_events_are_a_bijection,
    mail_is_kept_until_the_decision_it_led_to,
    a_run_is_begun_once_per_id,
    a_node_that_dies_over_what_it_was_to_decide_is_counted,
    a_run_that_begins_here_is_its_hosts_from_the_insertion_on,
    a_loop_is_read_whole_up_to_a_bound,
}

const LEASE: Duration = Duration::from_secs(30);

fn definition() -> Arc<Definition> {
    let source = "version: 1\nname: One call\nsteps:\n  - { id: call, uses: web_function, \
                  with: { method: POST, url: https://example.com } }\n";
    Arc::new(flow::compile(source, &Known::default()).unwrap())
}

fn new_run(fixture: &Fixture, id: RunId) -> NewRun {
    let workflow = WorkflowRef {
        id: "one-call".into(),
        name: "One call".into(),
        hash: definition().hash().to_string(),
        definition: definition(),
    };
    NewRun { org_id: fixture.org_id, id, workflow, body: json!({"a": 1}), files: Vec::new(), request: None }
}

async fn accept(fixture: &Fixture) -> RunId {
    let id = fixture.ctx.run_id();
    let accepted = fixture.store.runs().accept(new_run(fixture, id), fixture.now()).await.unwrap();
    assert!(matches!(accepted, Once::First(())));
    id
}

/// A node's view of a run that it has, or believes to have.
struct Worker {
    node: NodeId,
    lease: RunLease,
    state: RunState,
}

async fn claim(fixture: &Fixture, node: &NodeId) -> Vec<Worker> {
    let claimed = fixture.store.runs().claim(node, 10, fixture.now(), LEASE).await.unwrap().0;
    let worker = |run: ClaimedRun| Worker { node: node.clone(), lease: run.lease, state: run.state };
    claimed.into_iter().map(worker).collect()
}

impl Worker {
    /// Applies an event and commits what follows; false where the run was lost.
    async fn commit(&mut self, fixture: &Fixture, event: Event, taken: Vec<store::runs::MailId>) -> bool {
        let definition = definition();
        let advanced = advance(&definition, self.state.clone(), event);
        let rows = advanced.commit.rows.into_iter().map(|row| NewRow { row, file: None }).collect();
        let ended = advanced.commit.terminal.map(|terminal| Ended {
            status: terminal.status,
            failure: terminal.failure,
            at: Timestamp::from_ms(terminal.at_ms),
        });
        let decision = Decision {
            state: advanced.state.clone(),
            hot: advanced.effects.iter().any(|effect| matches!(effect, Effect::Perform { .. })),
            taken,
            ended,
            ..self.decision(fixture, rows)
        };
        let hold = Hold::new(self.node.clone(), fixture.now());
        let committed = fixture.store.runs().commit(vec![decision], hold, fixture.now()).await.unwrap();
        let done = matches!(committed.as_slice(), [Committed::Done { .. }]);
        if done {
            self.state = advanced.state;
        }
        done
    }

    /// One that only writes rows.
    fn decision(&self, fixture: &Fixture, rows: Vec<NewRow>) -> Decision {
        Decision {
            lease: self.lease,
            org_id: fixture.org_id,
            workflow_id: "one-call".into(),
            definition: definition(),
            state: self.state.clone(),
            progress: Progress { steps_completed: 0, steps_total: 1 },
            computed_ms: 0,
            wake_at: fixture.now(),
            hot: false,
            rows,
            files: Vec::new(),
            taken: Vec::new(),
            begins: Vec::new(),
            cancels: Vec::new(),
            asks: None,
            ended: None,
        }
    }

    fn finished(&self, fixture: &Fixture, succeeds: bool) -> Event {
        let key: Key = "call/0".parse().unwrap();
        let failure = Failure::permanent("CALL_STATUS", "the server answered 400");
        let result = if succeeds { Ok(Output::Inline(json!({"status": 200}))) } else { Err(failure) };
        Event::Finished { at_ms: fixture.now().as_ms(), key, attempt: 1, result }
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Accept,
    Claim(bool),
    /// Every node's lease runs out, though it goes on.
    StealLeases,
    Start(usize),
    Finish(usize, bool),
    Close(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Accept),
        4 => any::<bool>().prop_map(Step::Claim),
        2 => Just(Step::StealLeases),
        6 => (0..8usize).prop_map(Step::Start),
        6 => (0..8usize, any::<bool>()).prop_map(|(worker, succeeds)| Step::Finish(worker, succeeds)),
        1 => (0..8usize).prop_map(Step::Close),
    ]
}

async fn terminal_runs_and_events_are_a_bijection(fixture: Fixture) {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = prop::collection::vec(step(), 40);
    for _ in 0..6 {
        let history = steps.new_tree(&mut runner).unwrap().current();
        play(&fixture, history).await;
        audit(&fixture).await;
    }
}

async fn play(fixture: &Fixture, history: Vec<Step>) {
    let nodes = [NodeId::random(&fixture.ctx), NodeId::random(&fixture.ctx)];
    let mut workers: Vec<Worker> = Vec::new();
    // The fence of whoever really has a run.
    let mut owners: BTreeMap<RunId, u32> = BTreeMap::new();
    for step in history {
        let event = |worker: &Worker| match step {
            Step::Finish(_, succeeds) => worker.finished(fixture, succeeds),
            Step::Close(_) => Event::Close { at_ms: fixture.now().as_ms() },
            _ => Event::Start { at_ms: fixture.now().as_ms() },
        };
        match step {
            Step::Accept => {
                accept(fixture).await;
            }
            Step::Claim(first) => {
                let claimed = claim(fixture, &nodes[usize::from(first)]).await;
                owners.extend(claimed.iter().map(|worker| (worker.lease.run_id, worker.lease.fence)));
                workers.extend(claimed);
            }
            Step::StealLeases => {
                fixture.advance(LEASE * 2);
                fixture.store.runs().reap(fixture.now()).await.unwrap();
                owners.clear();
            }
            Step::Start(at) | Step::Close(at) | Step::Finish(at, _) => {
                let count = workers.len().max(1);
                let Some(worker) = workers.get_mut(at % count) else { continue };
                let lost = owners.get(&worker.lease.run_id) != Some(&worker.lease.fence);
                let ended = worker.state.is_terminal();
                let event = event(worker);
                let done = worker.commit(fixture, event, Vec::new()).await;
                assert_eq!(done, !lost && !ended, "only who has the run writes");
            }
        }
    }
}

async fn audit(fixture: &Fixture) {
    let page = PageRequest { size: 100, ..PageRequest::default() };
    let mut told = BTreeSet::new();
    let mut ended = BTreeSet::new();
    for number in 0..20 {
        let page = PageRequest { page: number, ..page };
        let events = fixture.store.events().list(fixture.org_id, EventFilter::default(), page).await.unwrap();
        for event in events.data {
            let id = event.resource.and_then(domain::event::Resource::run_id).unwrap();
            assert!(told.insert((id, event.event_type)), "two events of {id}");
        }
        let runs = fixture.store.runs().list(fixture.org_id, RunFilter::default(), page, fixture.now()).await;
        for run in runs.unwrap().data {
            match run.status {
                RunStatus::Completed => ended.insert((run.id, EventType::RunCompleted)),
                RunStatus::Failed => ended.insert((run.id, EventType::RunFailed)),
                RunStatus::Processing | RunStatus::Closed => false,
            };
        }
    }
    assert_eq!(told, ended);
}

async fn mail_is_kept_until_the_decision_it_led_to(fixture: Fixture) {
    let id = accept(&fixture).await;
    let node = NodeId::random(&fixture.ctx);
    let mut worker = claim(&fixture, &node).await.remove(0);
    let at_ms = fixture.now().as_ms();
    assert!(worker.commit(&fixture, Event::Start { at_ms }, Vec::new()).await);
    let runs = fixture.store.runs();
    let signal = |name: &str| Mail::Signal { name: name.into(), data: json!(1) };
    assert_eq!(runs.post(fixture.org_id, id, signal("a")).await.unwrap(), Posted::Done);
    assert_eq!(runs.post(fixture.org_id, id, signal("b")).await.unwrap(), Posted::Done);
    assert_eq!(runs.with_mail(&node, 10).await.unwrap(), [id]);
    let mail = runs.mail(id, 10).await.unwrap();
    assert_eq!(mail.iter().map(|(_, mail)| mail.clone()).collect::<Vec<_>>(), [signal("a"), signal("b")]);
    // Given back although there is mail: wanted at once.
    let never = Timestamp::from_ms(i64::MAX / 2);
    // It is told that the mail is there, so that it can say so.
    assert_eq!(runs.release(worker.lease, never).await.unwrap(), Some(Timestamp::from_ms(0)));
    let mut worker = claim(&fixture, &node).await.remove(0);
    let event = worker.finished(&fixture, true);
    assert!(worker.commit(&fixture, event, mail.into_iter().map(|(id, _)| id).collect()).await);
    assert!(runs.mail(id, 10).await.unwrap().is_empty());
    let posted = runs.post(fixture.org_id, id, Mail::Close).await.unwrap();
    assert_eq!(posted, Posted::AlreadyTerminal(RunStatus::Completed));
}

async fn a_run_is_begun_once_per_id(fixture: Fixture) {
    let id = accept(&fixture).await;
    let again = NewRun { body: json!("another"), ..new_run(&fixture, id) };
    fixture.store.runs().accept(again, fixture.now()).await.unwrap();
    assert_eq!(fixture.store.runs().value(id, "body").await.unwrap(), Some(json!({"a": 1})));
}

/// Every node's lease runs out, and their runs are freed.
async fn all_die(fixture: &Fixture) {
    fixture.advance(LEASE * 2);
    fixture.store.runs().reap(fixture.now()).await.unwrap();
}

async fn a_node_that_dies_over_what_it_was_to_decide_is_counted(fixture: Fixture) {
    let runs = fixture.store.runs();
    let node = NodeId::random(&fixture.ctx);
    let ids = [accept(&fixture).await, accept(&fixture).await];
    let claim = async || runs.claim(&node, 10, fixture.now(), LEASE).await.unwrap().0;
    let crashes = async || claim().await.iter().map(|run| run.crashes).collect::<Vec<_>>();
    let last_try = limits::RUN_CRASHES_MAX - 1;
    for deaths in 0..last_try {
        assert_eq!(crashes().await, [deaths, deaths], "neither had begun");
        all_die(&fixture).await;
    }
    // From here on the next death may be a run's last, so each is driven alone.
    let first = claim().await;
    assert_eq!(first.iter().map(|run| run.crashes).collect::<Vec<_>>(), [last_try]);
    assert!(claim().await.is_empty());
    let mut worker = Worker { node: node.clone(), lease: first[0].lease, state: first[0].state.clone() };
    assert!(worker.commit(&fixture, Event::Start { at_ms: fixture.now().as_ms() }, Vec::new()).await);
    let second = claim().await;
    assert_eq!(second.iter().map(|run| run.crashes).collect::<Vec<_>>(), [last_try]);
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&second[0].lease.run_id) && second[0].lease.run_id != worker.lease.run_id);

    // A signal that nobody lived to read counts too, though nothing was under way.
    let mut second = Worker { node: node.clone(), lease: second[0].lease, state: second[0].state.clone() };
    let closed = Event::Close { at_ms: fixture.now().as_ms() };
    assert!(second.commit(&fixture, closed, Vec::new()).await);
    runs.post(fixture.org_id, worker.lease.run_id, Mail::Signal { name: "a".into(), data: json!(1) })
        .await
        .unwrap();
    all_die(&fixture).await;
    assert_eq!(crashes().await, [1]);
}

/// A host that notes what it is given.
struct Noting {
    node: NodeId,
    taken: Mutex<Vec<(RunId, u32)>>,
    itself: Weak<Noting>,
}

struct Noted(Arc<Noting>);

impl Host for Noting {
    fn place(&self) -> Option<Box<dyn Place>> {
        Some(Box::new(Noted(self.itself.upgrade()?)))
    }
}

impl Place for Noted {
    fn node(&self) -> &NodeId {
        &self.0.node
    }

    fn take(self: Box<Self>, run: ClaimedRun) {
        self.0.taken.lock().unwrap().push((run.lease.run_id, run.lease.fence));
    }

    fn free(self: Box<Self>) {}
}

async fn a_run_that_begins_here_is_its_hosts_from_the_insertion_on(fixture: Fixture) {
    let runs = fixture.store.runs();
    let node = NodeId::random(&fixture.ctx);
    let host = Arc::new_cyclic(|itself| Noting {
        node: node.clone(),
        taken: Mutex::default(),
        itself: Weak::clone(itself),
    });
    runs.heartbeat(&node, fixture.now(), LEASE).await.unwrap();
    let weak: Weak<dyn Host> = Arc::<Noting>::downgrade(&host);
    runs.host(weak);
    let id = accept(&fixture).await;
    runs.accept(new_run(&fixture, id), fixture.now()).await.unwrap();
    assert_eq!(*host.taken.lock().unwrap(), [(id, 1)], "once");
    let other = NodeId::random(&fixture.ctx);
    assert!(claim(&fixture, &other).await.is_empty());
    let mut worker = Worker { node, lease: RunLease { run_id: id, fence: 1 }, state: RunState::new() };
    assert!(worker.commit(&fixture, Event::Start { at_ms: fixture.now().as_ms() }, Vec::new()).await);
    // Its host dies: the run is anybody's.
    drop(host);
    all_die(&fixture).await;
    assert_eq!(claim(&fixture, &other).await.len(), 1);
    let next = accept(&fixture).await;
    assert_eq!(claim(&fixture, &other).await[0].lease.run_id, next, "without a host runs wait for a claim");
}

async fn a_loop_is_read_whole_up_to_a_bound(fixture: Fixture) {
    const ITEM_BYTES: usize = 8_000_000;
    let id = accept(&fixture).await;
    let node = NodeId::random(&fixture.ctx);
    let mut worker = claim(&fixture, &node).await.remove(0);
    let fit = limits::RUN_ITEMS_READ_BYTES_MAX / ITEM_BYTES;
    let item = |index: usize| Row {
        name: format!("each/{index}"),
        key: None,
        status: RowStatus::Completed,
        output: Some(Output::Inline(json!("x".repeat(ITEM_BYTES - 2)))),
        failure: None,
        attempts: 1,
        started_at_ms: 0,
        ended_at_ms: 0,
    };
    let read = async |total: usize| {
        let output = Output::Items { key: "each/all".parse().unwrap(), total: total as u32 };
        fixture.store.runs().resolve(id, output).await
    };
    let write = async |worker: &Worker, index: usize| {
        let rows = vec![NewRow { row: item(index), file: None }];
        let hold = Hold::new(node.clone(), fixture.now());
        let decision = worker.decision(&fixture, rows);
        fixture.store.runs().commit(vec![decision], hold, fixture.now()).await.unwrap();
    };
    for index in 0..fit {
        write(&worker, index).await;
    }
    assert_eq!(read(fit).await.unwrap().unwrap().as_array().map(Vec::len), Some(fit));
    write(&worker, fit).await;
    assert!(matches!(read(fit + 1).await, Err(store::Error::TooLarge { .. })), "{fit} items fit");

    // A run that ends with it says that it is left out.
    let at_ms = fixture.now().as_ms();
    assert!(worker.commit(&fixture, Event::Start { at_ms }, Vec::new()).await);
    let result = Ok(Output::Items { key: "each/all".parse().unwrap(), total: fit as u32 + 1 });
    let ended = Event::Finished { at_ms, key: "call/0".parse().unwrap(), attempt: 1, result };
    assert!(worker.commit(&fixture, ended, Vec::new()).await);
    let nested = Nested { page: 0, size: 1 };
    let run = fixture.store.runs().get(fixture.org_id, id, nested, fixture.now()).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Completed);
    let step = &run.steps.as_ref().unwrap()[0];
    assert!(step.output.is_none() && step.output_file.is_none());
    assert!(step.output_omitted.as_ref().is_some_and(|why| why.contains("more than 50 MB")), "{step:?}");
}

//! A model of the run engine's transactions, looked at breadth first: every order of two nodes' steps, with crashes and
//! with leases that run out while their holder lives.
//!
//! A run spawns nested runs, at most two at a time, and ends when all have ended. What is modelled is who holds what
//! under which epoch, and what one transaction changes; what is computed is not. The design holds in every reachable
//! state. Three variants that leave out one thing each must fail, or the model would prove nothing: commits that do not
//! check the epoch, the event in a transaction of its own, the join in a transaction of its own.

use std::collections::{HashSet, VecDeque};

const CHILDREN: usize = 3;
const WINDOW: u8 = 2;
const CRASHES_MAX: u8 = 2;
/// Leases that the reaper finds expired; the holder may be dead, or only slow.
const REAPS_MAX: u8 = 2;

/// The parent's first part, its children, the parent's last part.
const TASKS: usize = CHILDREN + 2;
const FIRST: usize = 0;
const LAST: usize = TASKS - 1;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Task {
    /// Not made yet.
    Absent,
    Ready,
    Held(u8),
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Doing {
    Dead,
    Idle,
    Working(u8),
    /// Its effect is done, its end not committed.
    Done(u8),
    /// A second transaction is still owed: the variants'.
    Owes(u8),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    tasks: [Task; TASKS],
    journal: [u8; TASKS],
    nodes: [Doing; 2],
    /// What each process believes, and what the database says.
    believed: [u8; 2],
    epochs: [u8; 2],
    remaining: i8,
    under_way: i8,
    next_child: u8,
    events: u8,
    crashes: u8,
    reaps: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Design {
    Ours,
    NoFence,
    EventApart,
    JoinApart,
}

impl State {
    fn first() -> Self {
        let mut tasks = [Task::Absent; TASKS];
        tasks[FIRST] = Task::Ready;
        Self {
            tasks,
            journal: [0; TASKS],
            nodes: [Doing::Idle; 2],
            believed: [1; 2],
            epochs: [1; 2],
            remaining: CHILDREN as i8,
            under_way: 0,
            next_child: 0,
            events: 0,
            crashes: 0,
            reaps: 0,
        }
    }

    /// Children from the cursor, while the window has room.
    fn spawn(&mut self) {
        while usize::from(self.next_child) < CHILDREN && self.under_way < WINDOW as i8 {
            self.next_child += 1;
            self.tasks[usize::from(self.next_child)] = Task::Ready;
            self.under_way += 1;
        }
    }

    fn join(&mut self) {
        self.remaining -= 1;
        self.under_way -= 1;
        self.spawn();
        if self.remaining == 0 {
            self.tasks[LAST] = Task::Ready;
        }
    }

    /// The node's epoch moves, and what it held is free.
    fn free(&mut self, node: usize) {
        self.epochs[node] += 1;
        for task in &mut self.tasks {
            if *task == Task::Held(node as u8) {
                *task = Task::Ready;
            }
        }
    }

    fn wrong(&self, is_quiet: bool) -> Option<&'static str> {
        if self.journal.iter().any(|rows| *rows > 1) {
            return Some("a step was journaled twice");
        }
        if self.events > 1 {
            return Some("an event twice");
        }
        if self.remaining < 0 || self.under_way < 0 || self.under_way > WINDOW as i8 {
            return Some("the counters are wrong");
        }
        if is_quiet && self.tasks[LAST] != Task::Ended {
            return Some("stuck");
        }
        (is_quiet && self.events == 0).then_some("the event is lost")
    }

    fn is_quiet(&self) -> bool {
        let waits = |task: &Task| matches!(task, Task::Ready | Task::Held(_));
        !self.tasks.iter().any(waits) && !self.nodes.iter().any(|node| matches!(node, Doing::Owes(_)))
    }

    fn followers(&self, design: Design) -> Vec<State> {
        let mut found = Vec::new();
        for node in 0..2 {
            self.around(node, &mut found);
            self.of_node(node, design, &mut found);
        }
        found
    }

    /// What happens to a node.
    fn around(&self, node: usize, found: &mut Vec<State>) {
        let holds = self.tasks.contains(&Task::Held(node as u8));
        if self.reaps < REAPS_MAX && holds {
            let mut next = self.clone();
            next.reaps += 1;
            next.free(node);
            found.push(next);
        }
        if self.nodes[node] == Doing::Dead {
            let mut next = self.clone();
            next.free(node);
            (next.nodes[node], next.believed[node]) = (Doing::Idle, next.epochs[node]);
            found.push(next);
        } else if self.crashes < CRASHES_MAX {
            let mut next = self.clone();
            next.crashes += 1;
            next.nodes[node] = Doing::Dead;
            found.push(next);
        }
    }

    /// What a node does.
    fn of_node(&self, node: usize, design: Design, found: &mut Vec<State>) {
        let is_fenced = self.believed[node] != self.epochs[node];
        let mut next = self.clone();
        match self.nodes[node] {
            Doing::Dead => return,
            Doing::Idle if is_fenced => {
                next.free(node);
                next.believed[node] = next.epochs[node];
            }
            Doing::Idle => {
                for (task, stands) in self.tasks.iter().enumerate() {
                    if *stands == Task::Ready {
                        let mut next = self.clone();
                        next.tasks[task] = Task::Held(node as u8);
                        next.nodes[node] = Doing::Working(task as u8);
                        found.push(next);
                    }
                }
                return;
            }
            Doing::Working(task) => next.nodes[node] = Doing::Done(task),
            Doing::Done(_) if is_fenced && design != Design::NoFence => {
                next.free(node);
                (next.nodes[node], next.believed[node]) = (Doing::Idle, next.epochs[node]);
            }
            Doing::Done(task) => next.commit(node, task, design),
            Doing::Owes(task) => {
                next.nodes[node] = Doing::Idle;
                if usize::from(task) == LAST {
                    next.events += 1;
                } else {
                    next.join();
                }
            }
        }
        found.push(next);
    }

    /// The transaction of an effect's end.
    fn commit(&mut self, node: usize, task: u8, design: Design) {
        let at = usize::from(task);
        self.tasks[at] = Task::Ended;
        self.journal[at] = (self.journal[at] + 1).min(3);
        self.nodes[node] = Doing::Idle;
        match (at, design) {
            (FIRST, _) => self.spawn(),
            (LAST, Design::EventApart) => self.nodes[node] = Doing::Owes(task),
            (LAST, _) => self.events += 1,
            (_, Design::JoinApart) => self.nodes[node] = Doing::Owes(task),
            _ => self.join(),
        }
    }
}

/// How many states there are, or what goes wrong in one of them and after how many.
fn explore(design: Design) -> Result<usize, (&'static str, usize)> {
    let mut seen = HashSet::from([State::first()]);
    let mut queue = VecDeque::from([State::first()]);
    while let Some(state) = queue.pop_front() {
        if let Some(wrong) = state.wrong(state.is_quiet()) {
            return Err((wrong, seen.len()));
        }
        for next in state.followers(design) {
            if seen.insert(next.clone()) {
                queue.push_back(next);
            }
        }
    }
    Ok(seen.len())
}

#[test]
fn the_design_holds_in_every_state() {
    let states = explore(Design::Ours).expect("nothing goes wrong");
    assert!(states > 20_000, "the model became small: {states} states");
}

#[test]
fn without_the_fence_a_step_is_journaled_twice() {
    assert_eq!(explore(Design::NoFence).map_err(|(wrong, _)| wrong), Err("a step was journaled twice"));
}

#[test]
fn with_its_event_in_a_second_transaction_a_run_loses_it() {
    assert_eq!(explore(Design::EventApart).map_err(|(wrong, _)| wrong), Err("the event is lost"));
}

#[test]
fn with_the_join_in_a_second_transaction_a_run_is_stuck() {
    assert_eq!(explore(Design::JoinApart).map_err(|(wrong, _)| wrong), Err("stuck"));
}

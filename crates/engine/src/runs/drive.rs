//! One run, from where it stands to its end or to a long wait.

use super::{
    Desk,
    call::Call,
    decide::Run,
    files::FileWork,
    ledger::Outcome,
    under_way::{End, UnderWay},
};
use crate::turn::backoff;
use domain::{limits, time::Timestamp};
use flow::run::{Event, Failure, Key, Output};
use futures::FutureExt;
use std::{collections::VecDeque, sync::Arc, time::Duration};
use store::runs::{ClaimedRun, Ended, Mail, MailId, RunLease};
use tokio::sync::Notify;

/// Before a run that could not be given back is tried to be given back again.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// How long a run rests whose decision the database refuses.
const REFUSED_PAUSE: Duration = Duration::from_secs(60);
/// No timer.
const NEVER: Timestamp = Timestamp::from_ms(i64::MAX / 2);

/// Something to be done that the database knows nothing of.
pub(super) enum Outside {
    Call(Box<Call>),
    File(Box<FileWork>),
}

/// Why a run's task ends.
enum Stop {
    /// It has ended, or another node has it.
    Over,
    /// It is to be given back, and wants to be looked at then.
    Back(Timestamp),
}

struct Driver<'d> {
    desk: &'d Arc<Desk>,
    lease: RunLease,
    run: Run,
    under_way: UnderWay,
}

pub(super) async fn drive(desk: &Arc<Desk>, claimed: ClaimedRun, look: &Notify) {
    let lease = claimed.lease;
    let now = || desk.parts.ctx.now();
    let stop = match desk.definition(&claimed.definition_hash).await {
        Ok(definition) => {
            let (begun, crashes, has_mail) = (claimed.begun, claimed.crashes, claimed.has_mail);
            let run = Run::new(claimed, definition);
            let mut driver = Driver { desk, lease, run, under_way: UnderWay::default() };
            driver.run(look, (begun, has_mail), crashes).await
        }
        Err(error) => {
            tracing::error!(%error, run_id = %lease.run_id, "a run cannot be read");
            Stop::Back(now().plus(REFUSED_PAUSE))
        }
    };
    let Stop::Back(wake_at) = stop else { return };
    let mut failures = 0;
    // A run that is not given back would stay with a node that does nothing for it.
    let wake_at = loop {
        match desk.parts.store.runs().release(lease, wake_at).await {
            Ok(wake_at) => break wake_at,
            Err(error) => {
                failures += 1;
                tracing::warn!(%error, failures, run_id = %lease.run_id, "a run could not be given back yet");
                desk.parts.ctx.clock.sleep_until(now().plus(backoff(RETRY_FIRST, failures))).await;
            }
        }
    };
    // Mail may have come while it was given back, and who sleeps until the next run's time knew nothing of this one's.
    if wake_at.is_some_and(|wake_at| wake_at < NEVER) {
        desk.parts.store.wake().hint(store::wake::Topic::Runs);
    }
}

impl Driver<'_> {
    async fn run(&mut self, look: &Notify, (begun, mut has_mail): (bool, bool), crashes: u32) -> Stop {
        let desk = self.desk;
        let at_ms = desk.parts.ctx.now().as_ms();
        let mut events = VecDeque::new();
        if crashes >= limits::RUN_CRASHES_MAX {
            let message = "the servers that drove the run died at this place again and again";
            events.push_back(Event::Abort { at_ms, failure: Failure::permanent("RUN_CRASH_LOOP", message) });
        } else if begun {
            events.extend(self.run.take_over(at_ms));
        } else {
            events.push_back(Event::Start { at_ms });
        }
        loop {
            if let Err(stop) = self.decide(look, &mut events, &mut has_mail).await {
                return stop;
            }
            if let Some(stop) = self.wait(look, &mut events, &mut has_mail).await {
                return stop;
            }
        }
    }

    /// All that follows from what happened, committed and set going.
    async fn decide(
        &mut self,
        look: &Notify,
        events: &mut VecDeque<Event>,
        has_mail: &mut bool,
    ) -> Result<(), Stop> {
        loop {
            *has_mail |= look.notified().now_or_never().is_some();
            if !*has_mail && events.is_empty() && !self.run.has_backlog() {
                return Ok(());
            }
            // Who leaves mail says so, and the claim loop says it again: it is not asked for with every decision.
            let taken = if *has_mail { self.mail(events, has_mail).await? } else { Vec::new() };
            let draft = self.run.decide(self.desk, std::mem::take(events)).await.map_err(|error| {
                tracing::warn!(%error, run_id = %self.lease.run_id, "a run's values cannot be read");
                Stop::Back(self.desk.parts.ctx.now())
            })?;
            if !draft.changed && taken.is_empty() {
                // Taken over: what the state waits for is done again, and the state stays as it is. So the deaths at
                // this place go on being counted.
                self.perform_all(draft.outside());
                continue;
            }
            self.commit(draft, taken).await?;
        }
    }

    async fn commit(&mut self, draft: super::decide::Draft, taken: Vec<MailId>) -> Result<(), Stop> {
        let (decision, outside) = self.run.decision(draft, taken, !self.under_way.is_empty(), NEVER);
        let over = decision.ended.is_some();
        let cancels = decision.cancels.clone();
        match self.desk.ledger.commit(decision).await {
            Outcome::Committed { children, tag } => {
                for child in children {
                    self.desk.start(child, Arc::clone(&tag));
                }
            }
            Outcome::Lost => {
                tracing::info!(run_id = %self.lease.run_id, "a run was taken over");
                return Err(Stop::Over);
            }
            Outcome::Unknown => return Err(Stop::Back(self.desk.parts.ctx.now())),
            Outcome::Refused => return Err(Stop::Back(self.desk.parts.ctx.now().plus(REFUSED_PAUSE))),
        }
        for place in cancels {
            self.under_way.cancel(&place);
        }
        if over {
            return Err(Stop::Over);
        }
        self.perform_all(outside);
        Ok(())
    }

    fn perform_all(&mut self, outside: Vec<(Key, u32, Outside)>) {
        for (key, attempt, work) in outside {
            self.perform(key, attempt, work);
        }
    }

    /// Reads mail into events; what was read is deleted with the decision.
    async fn mail(&mut self, events: &mut VecDeque<Event>, has_mail: &mut bool) -> Result<Vec<MailId>, Stop> {
        let parts = &self.desk.parts;
        let found = parts.store.runs().mail(self.lease.run_id, limits::RUN_MAIL_BATCH_MAX).await;
        let found = found.map_err(|error| {
            tracing::warn!(%error, run_id = %self.lease.run_id, "a run's mail cannot be read");
            Stop::Back(parts.ctx.now())
        })?;
        *has_mail = found.len() == limits::RUN_MAIL_BATCH_MAX as usize;
        let at_ms = parts.ctx.now().as_ms();
        let mut taken = Vec::with_capacity(found.len());
        for (id, mail) in found {
            taken.push(id);
            events.push_back(match mail {
                Mail::Finished { key, attempt, result } => Event::Finished { at_ms, key, attempt, result },
                Mail::Signal { name, data } => Event::Signal { at_ms, name, data: Output::Inline(data) },
                Mail::Acquired => Event::Acquired { at_ms },
                Mail::Close => Event::Close { at_ms },
            });
        }
        Ok(taken)
    }

    /// Until something happens; `Some` where the run is to be left.
    async fn wait(
        &mut self,
        look: &Notify,
        events: &mut VecDeque<Event>,
        has_mail: &mut bool,
    ) -> Option<Stop> {
        let parts = &self.desk.parts;
        let now = parts.ctx.now();
        let due = self.run.next_due().map(Timestamp::from_ms);
        let idle = self.under_way.is_empty();
        if idle && parts.lifetime.is_stopping() {
            return Some(Stop::Back(due.unwrap_or(NEVER)));
        }
        let until = now.plus(limits::RUN_IDLE);
        tokio::select! {
            biased;
            end = self.under_way.next(), if !idle => {
                let at_ms = parts.ctx.now().as_ms();
                events.extend(end.map(|end| finished(end, at_ms)));
                // Whatever else has ended meanwhile is part of the same decision.
                while !self.under_way.is_empty()
                    && let Some(end) = self.under_way.next().now_or_never()
                {
                    events.extend(end.map(|end| finished(end, at_ms)));
                }
            }
            () = look.notified() => *has_mail = true,
            () = parts.ctx.clock.sleep_until(due.unwrap_or(NEVER)), if due.is_some() => {
                events.push_back(Event::Tick { at_ms: parts.ctx.now().as_ms() });
            }
            () = parts.ctx.clock.sleep_until(until), if idle => return Some(Stop::Back(due.unwrap_or(NEVER))),
            () = parts.lifetime.stopping(), if idle => return Some(Stop::Back(due.unwrap_or(NEVER))),
        }
        None
    }

    fn perform(&mut self, key: Key, attempt: u32, work: Outside) {
        let desk = Arc::clone(self.desk);
        self.under_way.begin((key, attempt), async move {
            // Never closed.
            let _permit = desk.outside.acquire().await;
            match work {
                Outside::Call(call) => call.make(&desk.parts.client).await,
                Outside::File(work) => work.perform(&desk.parts).await,
            }
        });
    }
}

fn finished((key, attempt, result): End, at_ms: i64) -> Event {
    Event::Finished { at_ms, key, attempt, result }
}

/// How the core's end is written down.
pub(super) fn ended(terminal: flow::run::Terminal) -> Ended {
    Ended { status: terminal.status, failure: terminal.failure, at: Timestamp::from_ms(terminal.at_ms) }
}

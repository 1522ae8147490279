//! What is asked one by one and answered together: whoever asks while one run is under way is in the next. So what a run
//! costs, a statement or a commit, it costs once for all of them, and nobody waits for a timer.

use crate::error::{Error, Result};
use futures::FutureExt;
use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

/// Questions of one run.
const RUN_MAX: usize = 100;

/// See the module. Cheap to clone.
pub(crate) struct Together<Q, A>(Arc<Mutex<Waiting<Q, A>>>);

type Asked<Q, A> = (Q, oneshot::Sender<Result<A>>);

struct Waiting<Q, A> {
    asked: Vec<Asked<Q, A>>,
    is_running: bool,
}

impl<Q, A> Clone for Together<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q, A> Default for Together<Q, A> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Waiting { asked: Vec::new(), is_running: false })))
    }
}

impl<Q: Clone + Send + 'static, A: Send + 'static> Together<Q, A> {
    /// The answer to `question`. `run` has as many answers as it is given questions, in their order; it goes on where
    /// nobody waits for it any more. Where it fails for a reason that may lie in one question, each is run by itself.
    pub async fn ask<F, R>(&self, question: Q, run: F) -> Result<A>
    where
        F: Fn(Vec<Q>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Vec<A>>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting();
            waiting.asked.push((question, reply));
            !std::mem::replace(&mut waiting.is_running, true)
        };
        if is_first {
            tokio::spawn(self.clone().work(run));
        }
        answer.await.unwrap_or_else(|_| Err(Error::Unavailable("the process is stopping".to_owned())))
    }

    async fn work<F, R>(self, run: F)
    where
        F: Fn(Vec<Q>) -> R,
        R: Future<Output = Result<Vec<A>>>,
    {
        while let Some(asked) = self.next() {
            answer(asked, &run).await;
        }
    }

    /// What is to be run next; with `None` nothing runs any more.
    fn next(&self) -> Option<Vec<Asked<Q, A>>> {
        let mut waiting = self.waiting();
        let count = waiting.asked.len().min(RUN_MAX);
        waiting.is_running = count > 0;
        (count > 0).then(|| waiting.asked.drain(..count).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting<Q, A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn answer<Q: Clone, A, F, R>(asked: Vec<Asked<Q, A>>, run: &F)
where
    F: Fn(Vec<Q>) -> R,
    R: Future<Output = Result<Vec<A>>>,
{
    let run = |questions| async {
        let run = AssertUnwindSafe(async { run(questions).await });
        run.catch_unwind().await.unwrap_or(Err(Error::Panicked))
    };
    let error = match run(asked.iter().map(|(question, _)| question.clone()).collect()).await {
        Ok(answers) => {
            for ((_, reply), answer) in asked.into_iter().zip(answers) {
                // Whoever asked may have gone away.
                drop(reply.send(Ok(answer)));
            }
            return;
        }
        Err(error) => error,
    };
    if asked.len() == 1 || error.is_transient() {
        // Whether it was committed may be unknown: it is not for us to run it again.
        let busy = matches!(error, Error::Busy(_));
        let mut error = Some(error);
        for (_, reply) in asked {
            let copy = || {
                let reason = "so was what it was run with".to_owned();
                if busy { Error::Busy(reason) } else { Error::Unavailable(reason) }
            };
            drop(reply.send(Err(error.take().unwrap_or_else(copy))));
        }
        return;
    }
    tracing::error!(%error, "what was to be run together is run one by one");
    for (question, reply) in asked {
        let alone = run(vec![question]).await;
        let alone = alone.and_then(|answers| {
            answers.into_iter().next().ok_or_else(|| Error::corrupt("a question has no answer"))
        });
        drop(reply.send(alone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn those_who_ask_while_one_runs_are_answered_together() {
        let together: Together<u32, u32> = Together::default();
        let (runs, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
        let ask = |number: u32| {
            let (together, runs, gate) = (together.clone(), Arc::clone(&runs), Arc::clone(&gate));
            tokio::spawn(async move {
                let run = move |questions: Vec<u32>| {
                    let (runs, gate) = (Arc::clone(&runs), Arc::clone(&gate));
                    async move {
                        runs.fetch_add(1, Ordering::Relaxed);
                        gate.acquire().await.unwrap().forget();
                        Ok(questions.into_iter().map(|number| number * 10).collect())
                    }
                };
                together.ask(number, run).await
            })
        };
        let first = ask(0);
        while runs.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (1..=RUN_MAX as u32 + 1).map(ask).collect();
        while together.waiting().asked.len() < others.len() {
            tokio::task::yield_now().await;
        }
        gate.add_permits(9);
        assert_eq!(first.await.unwrap().unwrap(), 0);
        for (number, answered) in (1..).zip(others) {
            assert_eq!(answered.await.unwrap().unwrap(), number * 10);
        }
        assert_eq!(runs.load(Ordering::Relaxed), 3, "one, a full run, and what was left");
        assert!(!together.waiting().is_running);
    }

    /// Odd ones fail and 4 panics, and so does whatever they are run with.
    async fn fussy(questions: Vec<u32>) -> Result<Vec<u32>> {
        tokio::task::yield_now().await;
        assert!(!questions.contains(&4), "four");
        match questions.iter().find(|number| *number % 2 == 1) {
            Some(odd) => Err(Error::Statement(format!("{odd} is odd"))),
            None => Ok(questions),
        }
    }

    #[tokio::test]
    async fn one_that_fails_or_panics_fails_alone() {
        let together: Together<u32, u32> = Together::default();
        let asked = futures::future::join_all((0..6).map(|number| together.ask(number, fussy))).await;
        let right: Vec<bool> = asked.iter().map(Result::is_ok).collect();
        assert_eq!(right, [true, false, true, false, false, false]);
        assert!(matches!(&asked[1], Err(Error::Statement(reason)) if reason.contains("1 is odd")));
        assert!(matches!(&asked[4], Err(Error::Panicked)));
        assert_eq!(together.ask(8, fussy).await.unwrap(), 8, "and it goes on");
    }

    #[tokio::test]
    async fn what_may_have_been_committed_is_not_run_again() {
        let together: Together<u32, u32> = Together::default();
        let runs = Arc::new(AtomicUsize::new(0));
        let asked = (0..3).map(|number| {
            let runs = Arc::clone(&runs);
            together.ask(number, move |_| {
                let number = runs.fetch_add(1, Ordering::Relaxed);
                async move { Err(Error::Unavailable(format!("gone {number}"))) }
            })
        });
        let asked = futures::future::join_all(asked).await;
        assert!(asked.iter().all(|answer| matches!(answer, Err(Error::Unavailable(_)))));
        assert!(runs.load(Ordering::Relaxed) <= 2);
    }
}

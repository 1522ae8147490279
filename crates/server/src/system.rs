//! The one place that asks the operating system for the time and for random bits.

use domain::{
    context::{Clock, Context, Entropy, Sleep},
    time::Timestamp,
};
use rand::{TryRng, rngs::SysRng};
use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

/// The longest single wait, so that a wall clock that was set forward is noticed.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The machine's clock and its source of randomness.
pub fn context() -> Context {
    Context { clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy) }
}

struct SystemClock;

fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let (planned, started) = (deadline.since(now()), Instant::now());
        Box::pin(async move {
            while let Some(wait) = still_to_wait(deadline.since(now()), planned, started.elapsed()) {
                tokio::time::sleep(wait).await;
            }
        })
    }
}

/// How long to sleep before the next look at the clock; `None`: the sleep is over. That it is when the wall clock says
/// so, or when it has lasted as long as it was meant to: a clock that was set back by an hour must not stop for an hour
/// whatever is done once a second.
fn still_to_wait(left: Duration, planned: Duration, slept: Duration) -> Option<Duration> {
    let wait = left.min(planned.saturating_sub(slept)).min(WAIT_MAX);
    (!wait.is_zero()).then_some(wait)
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Keys made without it would be guessable, so there is nothing to go on with.
        SysRng.try_fill_bytes(bytes).expect("the operating system gives random bits");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeping_ends_after_its_deadline() {
        let context = context();
        let deadline = context.now().plus(Duration::from_millis(5));
        context.clock.sleep_until(deadline).await;
        assert!(context.now() >= deadline);
    }

    #[test]
    fn a_clock_that_is_set_ends_a_sleep_early_and_never_late() {
        let seconds = Duration::from_secs;
        assert_eq!(still_to_wait(seconds(5), seconds(5), seconds(0)), Some(seconds(5)));
        assert_eq!(
            still_to_wait(seconds(90), seconds(90), seconds(0)),
            Some(WAIT_MAX),
            "it may be set forward"
        );
        assert_eq!(still_to_wait(seconds(0), seconds(5), seconds(1)), None, "it was");
        assert_eq!(still_to_wait(seconds(3604), seconds(5), seconds(1)), Some(seconds(4)), "it was set back");
        assert_eq!(still_to_wait(seconds(3600), seconds(5), seconds(5)), None);
    }

    #[test]
    fn random_bits_differ() {
        let context = context();
        assert_ne!(context.random::<32>(), context.random::<32>());
    }
}

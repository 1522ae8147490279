//! The one place that asks the operating system for the time and for random bits.

use domain::{
    context::{Clock, Context, Entropy, Sleep},
    time::Timestamp,
};
use rand::{TryRng, rngs::SysRng};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
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
        Box::pin(async move {
            loop {
                let left = deadline.since(now());
                if left.is_zero() {
                    return;
                }
                tokio::time::sleep(left.min(WAIT_MAX)).await;
            }
        })
    }
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
    fn random_bits_differ() {
        let context = context();
        assert_ne!(context.random::<32>(), context.random::<32>());
    }
}

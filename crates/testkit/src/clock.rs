//! A clock that only moves when a test says so, and randomness that repeats.

use domain::{
    context::{Clock, Context, Entropy, Sleep},
    time::Timestamp,
};
use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;

/// 2026-03-01T09:30:00Z, where every fake clock begins.
pub const START: Timestamp = Timestamp::from_ms(1_772_357_400_000);

/// See the module. Clones are the same clock.
#[derive(Clone)]
pub struct FakeClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Timestamp,
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
}

impl Default for FakeClock {
    fn default() -> Self {
        Self { state: Arc::new(Mutex::new(State { now: START, sleepers: Vec::new() })) }
    }
}

impl FakeClock {
    pub fn new() -> Self {
        Self::default()
    }

    /// This clock and a source of randomness that begins at `seed`.
    pub fn context(&self, seed: u64) -> Context {
        Context { clock: Arc::new(self.clone()), entropy: Arc::new(SeededEntropy::new(seed)) }
    }

    /// Moves time forward and wakes whoever slept until then.
    pub fn advance(&self, duration: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.plus(duration);
        let now = state.now;
        let (due, waiting) = std::mem::take(&mut state.sleepers).into_iter().partition(|(at, _)| *at <= now);
        state.sleepers = waiting;
        drop(state);
        let due: Vec<(Timestamp, oneshot::Sender<()>)> = due;
        for (_, sleeper) in due {
            // Whoever slept may have been dropped.
            let _ = sleeper.send(());
        }
    }

    /// Sets the time back, as an operator or a time server does; who sleeps goes on sleeping.
    pub fn set_back(&self, duration: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.minus(duration);
    }

    /// Waits for `future` while time goes by in steps of `step`, as fast as the machine allows: for what needs several
    /// wakings in a row, such as a retry after a poll. The pause between steps lets sockets and databases get on.
    pub async fn drive<T>(&self, step: Duration, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let mut pause = tokio::time::interval(Duration::from_millis(2));
        loop {
            tokio::select! {
                biased;
                value = &mut future => return value,
                _ = pause.tick() => self.advance(step),
            }
        }
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep {
        let (sleeper, woken) = oneshot::channel();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if deadline <= state.now {
            return Box::pin(std::future::ready(()));
        }
        state.sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
        state.sleepers.push((deadline, sleeper));
        Box::pin(async move {
            if woken.await.is_err() {
                // The clock is gone, and with it the time.
                std::future::pending::<()>().await;
            }
        })
    }
}

/// Bits that repeat from run to run (SplitMix64; Steele, Lea, Flood 2014). For tests only.
pub struct SeededEntropy {
    state: AtomicU64,
}

impl SeededEntropy {
    pub fn new(seed: u64) -> Self {
        Self { state: AtomicU64::new(seed) }
    }

    fn next(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.state.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleepers_wake_when_their_time_has_come() {
        let clock = FakeClock::new();
        let mut sleep = clock.sleep_until(START.plus(Duration::from_secs(2)));
        clock.advance(Duration::from_secs(1));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_secs(1));
        sleep.await;
        clock.sleep_until(START).await;
    }

    #[tokio::test]
    async fn driving_passes_any_number_of_sleeps() {
        let clock = FakeClock::new();
        let step = Duration::from_secs(60);
        let three_sleeps = async {
            for _ in 0..3 {
                clock.sleep_until(clock.now().plus(Duration::from_secs(90))).await;
            }
        };
        clock.drive(step, three_sleeps).await;
        assert!(clock.now() >= START.plus(Duration::from_secs(270)));
    }
}

//! How often one API key may call this node: a burst of one second's worth, then a steady rate (GCRA, as `governor`
//! counts it).
//!
//! Only keys that exist are counted, so the memory is bounded by their number. Each node counts for itself: the limit
//! protects a node from a client that loops, it is no billing.

use crate::problem::Problem;
use domain::{
    fault::{Code, Fault},
    id::KeyId,
};
use governor::{
    RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use std::{fmt, num::NonZeroU32};

/// The limiter of all keys.
pub struct RequestRate<C: Clock = DefaultClock> {
    limiter: RateLimiter<KeyId, DefaultKeyedStateStore<KeyId>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    per_second: NonZeroU32,
}

impl RequestRate {
    pub fn new(per_second: NonZeroU32) -> Self {
        Self::with_clock(per_second, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RequestRate<C> {
    fn with_clock(per_second: NonZeroU32, clock: C) -> Self {
        let quota = governor::Quota::per_second(per_second);
        let limiter = RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Self { limiter, clock, per_second }
    }

    /// Counts a request of `key`.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the whole seconds to wait.
    pub fn check(&self, key: KeyId) -> Result<(), Problem> {
        self.limiter.check_key(&key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let message = format!("this API key may make {} requests a second", self.per_second);
            Problem(Fault {
                retry_after_seconds: Some(seconds.max(1)),
                ..Fault::new(Code::RateLimited, message)
            })
        })
    }
}

impl<C: Clock> fmt::Debug for RequestRate<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestRate").field("per_second", &self.per_second).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::UlidId;
    use governor::clock::FakeRelativeClock;
    use std::time::Duration;

    #[test]
    fn a_second_s_worth_at_once_then_the_rate_each_key_alone() {
        let clock = FakeRelativeClock::default();
        let rate = RequestRate::with_clock(NonZeroU32::new(5).unwrap(), clock.clone());
        let (one, other) = (KeyId::from_bytes([1; 16]), KeyId::from_bytes([2; 16]));
        assert!((0..5).all(|_| rate.check(one).is_ok()));
        let Problem(fault) = rate.check(one).unwrap_err();
        assert_eq!((fault.code, fault.retry_after_seconds), (Code::RateLimited, Some(1)));
        assert!(rate.check(other).is_ok());
        clock.advance(Duration::from_millis(200));
        assert!(rate.check(one).is_ok());
        assert!(rate.check(one).is_err());
    }
}

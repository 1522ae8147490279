//! Time and randomness as parameters.
//!
//! Nothing in the product asks the system for the time or for random bits except the two implementations wired in by
//! the binary; tests hand in a clock they advance and a seeded source, so every test is deterministic.

use crate::{
    id::{HubId, RunId, UlidId},
    time::Timestamp,
};
use std::{future::Future, pin::Pin, sync::Arc};

/// A future that is done when a point in time is reached.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;

    /// Waits until `now()` is at least `deadline`; or, where the clock is set back meanwhile, as long as was left.
    fn sleep_until(&self, deadline: Timestamp) -> Sleep;
}

/// Where random bits come from. Keys and secrets are made of these: outside tests it must be the operating system.
pub trait Entropy: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);
}

/// The two together, handed to everything that needs them.
#[derive(Clone)]
pub struct Context {
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

impl Context {
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// `N` random bytes.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }

    /// A random number in `[0, 1)`, with 53 random bits.
    pub fn unit(&self) -> f64 {
        (u64::from_le_bytes(self.random()) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A new id that carries the present time.
    pub fn id<I: UlidId>(&self) -> I {
        let ms = u64::try_from(self.now().as_ms()).unwrap_or(0);
        I::from_parts(ms, u128::from_le_bytes(self.random()) >> 48)
    }

    /// A new hub id.
    pub fn hub_id(&self) -> HubId {
        HubId::from_bytes(self.random())
    }

    /// A new run id: 48 bits of milliseconds, so that runs lie in the order of their age, and 48 random bits.
    pub fn run_id(&self) -> RunId {
        let (ms, random) = (self.now().as_ms().to_be_bytes(), self.random::<6>());
        RunId::from_bytes(std::array::from_fn(|i| if i < 6 { ms[i + 2] } else { random[i - 6] }))
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Context")
    }
}

//! Processor time: what a page costs, whatever else the machine is doing.

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeVal,
};

/// From here on.
#[derive(Debug, Clone, Copy)]
pub struct Spent(f64);

impl Spent {
    pub fn now() -> Spent {
        Spent(own())
    }

    /// Seconds that this process has worked since.
    pub fn seconds(self) -> f64 {
        (own() - self.0).max(0.0)
    }
}

fn own() -> f64 {
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    getrusage(UsageWho::RUSAGE_SELF)
        .map_or(0.0, |usage| seconds(usage.user_time()) + seconds(usage.system_time()))
}

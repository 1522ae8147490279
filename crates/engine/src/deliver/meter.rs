//! What is counted of every attempt. The instruments are looked up once: an attempt only turns them.

use domain::delivery::{Answer, Attempt, Blame};
use metrics::{Counter, Histogram};

pub(super) struct Meter {
    delivered: Counter,
    failed: [(Blame, Counter); 3],
    seconds: Histogram,
}

impl Meter {
    pub(super) fn new() -> Self {
        let counter = |outcome: &'static str, blame: &'static str| metrics::counter!("plextera_delivery_attempts_total", "outcome" => outcome, "blame" => blame);
        let blames = [Blame::Platform, Blame::Endpoint, Blame::Network];
        Self {
            delivered: counter("delivered", "none"),
            failed: blames.map(|blame| (blame, counter("failed", blame.as_str()))),
            seconds: metrics::histogram!("plextera_delivery_attempt_seconds"),
        }
    }

    pub(super) fn note(&self, attempt: &Attempt, answer: &Answer) {
        if answer.is_success() {
            self.delivered.increment(1);
        } else if let Some((_, counter)) = self.failed.iter().find(|(blame, _)| Some(*blame) == attempt.blame)
        {
            counter.increment(1);
        }
        self.seconds.record(attempt.duration_ms as f64 / 1000.0);
    }
}

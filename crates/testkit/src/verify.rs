//! Received requests, checked as receivers check them.

use crate::receiver::Received;
use domain::time::Timestamp;
use plextera_webhooks::{Rejected, Report, Verifier};

impl Received {
    /// A header's value by its name, for [`Verifier`].
    pub fn lookup<'r>(&'r self) -> impl Fn(&str) -> Option<&'r str> {
        |name| self.headers.get(name)?.to_str().ok()
    }

    /// Whether it carries valid signatures of this secret, however old they are.
    pub fn verdict(&self, secret: &str) -> Result<(), Rejected> {
        Verifier::new(secret).any_age().verify(self.lookup(), &self.body)
    }

    /// What each of its signatures is worth at `now`.
    pub fn report(&self, secret: &str, now: Timestamp) -> Report {
        Verifier::new(secret).report_at(self.lookup(), &self.body, now.as_seconds())
    }
}

//! What a run has under way outside: calls and file operations, each a task with the place that waits for its end.

use super::decide::unavailable;
use flow::run::{Failure, Key, Output};
use std::{collections::HashMap, future::Future};
use tokio::task::{AbortHandle, JoinSet};

/// How something outside ended, and which attempt at which step waits for it.
pub(super) type End = (Key, u32, Result<Output, Failure>);

#[derive(Default)]
pub(super) struct UnderWay {
    tasks: JoinSet<End>,
    places: HashMap<(Key, u32), AbortHandle>,
}

impl UnderWay {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn begin(
        &mut self,
        (key, attempt): (Key, u32),
        work: impl Future<Output = Result<Output, Failure>> + Send + 'static,
    ) {
        let place = (key.clone(), attempt);
        let handle = self.tasks.spawn(async move { (key, attempt, work.await) });
        self.places.insert(place, handle);
    }

    /// Nobody waits for its end any more.
    pub(super) fn cancel(&mut self, place: &(Key, u32)) {
        if let Some(handle) = self.places.remove(place) {
            handle.abort();
        }
    }

    /// The next end; of something that was cancelled there is none to speak of, and something that broke its task failed.
    /// Not to be asked while nothing is under way.
    pub(super) async fn next(&mut self) -> Option<End> {
        let (key, attempt, result) = match self.tasks.join_next().await? {
            Ok(end) => end,
            Err(error) => {
                let place = self.places.iter().find(|(_, handle)| handle.id() == error.id());
                let (key, attempt) = place?.0.clone();
                (key, attempt, Err(unavailable("STEP_PANICKED", "the step broke the task that did it")))
            }
        };
        self.places.remove(&(key.clone(), attempt))?;
        Some((key, attempt, result))
    }
}

#[cfg(test)]
mod tests {
    use super::UnderWay;
    use flow::run::{Key, Output};
    use serde_json::json;

    fn place(name: &str) -> (Key, u32) {
        (format!("{name}/0").parse().expect("a key"), 1)
    }

    #[tokio::test]
    async fn what_breaks_its_task_has_failed_and_what_was_cancelled_has_no_end() {
        let mut under_way = UnderWay::default();
        under_way.begin(place("broken"), async { panic!("this is the test's") });
        let (key, attempt, result) = under_way.next().await.expect("an end");
        assert_eq!(
            ((key, attempt), result.map_err(|failure| failure.code)),
            (place("broken"), Err("STEP_PANICKED".into()))
        );
        assert!(under_way.is_empty());

        under_way.begin(place("cancelled"), std::future::pending());
        under_way.cancel(&place("cancelled"));
        under_way.begin(place("done"), async { Ok(Output::Inline(json!(1))) });
        let mut ends = Vec::new();
        while !under_way.is_empty() {
            ends.extend(under_way.next().await);
        }
        assert_eq!(ends, [(place("done").0, 1, Ok(Output::Inline(json!(1))))]);
    }
}

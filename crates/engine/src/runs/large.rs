//! Outputs that answers and events do not hold themselves: each larger than its bound, and where all of a run together are
//! too large for its event, the largest of them. They are stored files there.

use super::{Desk, decide::Draft, decide::Run, files, values::Values};
use domain::limits;
use flow::run::{Key, Output, RunStatus, view};
use std::collections::BTreeMap;
use store::files::StoredFile;

/// Sizes of outputs that are remembered; those forgotten are measured again.
const SIZES_MAX: usize = 10_000;
/// No attempt: the file is made when the run ends, of a row that was shown until then.
const AT_THE_END: u32 = u32::MAX;

/// What the outputs of a run come to, by their rows. One that is a file counts as nothing.
#[derive(Default)]
pub(super) struct Sizes(BTreeMap<String, usize>);

impl Sizes {
    pub(super) fn note(&mut self, row: &str, bytes: usize) {
        if self.0.len() >= SIZES_MAX {
            self.0.clear();
        }
        self.0.insert(row.to_owned(), bytes);
    }
}

impl Run {
    /// Stores as files what this draft's rows have that is too large; and at the run's end, what is too much together.
    pub(super) async fn keep_large(
        &mut self,
        desk: &Desk,
        draft: &mut Draft,
        values: &mut Values,
    ) -> store::Result<()> {
        let mut large = Vec::new();
        for row in &draft.commit.rows {
            let Some(output) = &row.output else { continue };
            let is_shown = match &row.key {
                Some(key) => self.is_shown(key),
                None => row.name == "outputs",
            };
            if !is_shown {
                continue;
            }
            if self.measure(&row.name, output, values).await? > limits::RUN_OUTPUT_SHOWN_BYTES_MAX {
                large.push((row.name.clone(), row.attempts));
            }
        }
        for (name, attempt) in large {
            let file = self.keep(desk, (&name, attempt), values).await?;
            draft.files.extend(file.map(|file| (name, file)));
        }
        if let Some(terminal) = &draft.commit.terminal {
            let with_outputs = terminal.status == RunStatus::Completed;
            self.keep_what_is_too_much(desk, with_outputs, draft, values).await?;
        }
        Ok(())
    }

    /// Whether a row is shown by itself: what is inside a loop is shown by the loop alone.
    fn is_shown(&self, key: &Key) -> bool {
        let is_loop = || {
            let steps = self.definition.all_steps();
            steps.iter().any(|step| step.id == key.step && step.for_each.is_some())
        };
        key.within.iter().all(|hop| hop.index.is_none())
            && (key.index.is_none() || key.index == Some(0) && !is_loop())
    }

    async fn measure(&mut self, name: &str, output: &Output, values: &mut Values) -> store::Result<usize> {
        let bytes = match output {
            Output::Inline(value) => value.to_string().len(),
            Output::Row(other) if self.sizes.0.contains_key(other) => self.sizes.0[other],
            other => length(values.output(other.clone()).await)?,
        };
        self.sizes.note(name, bytes);
        Ok(bytes)
    }

    async fn keep_what_is_too_much(
        &mut self,
        desk: &Desk,
        with_outputs: bool,
        draft: &mut Draft,
        values: &mut Values,
    ) -> store::Result<()> {
        let shown = view(&self.definition, &self.state).into_iter().filter_map(|step| step.row);
        let mut names: Vec<String> = shown.chain(with_outputs.then(|| "outputs".to_owned())).collect();
        if names.len() * limits::RUN_OUTPUT_SHOWN_BYTES_MAX <= limits::RUN_EVENT_OUTPUTS_BYTES_MAX {
            return Ok(());
        }
        names.sort_unstable();
        names.dedup();
        let mut sizes = Vec::with_capacity(names.len());
        for name in names {
            let bytes = match self.sizes.0.get(&name) {
                Some(bytes) => *bytes,
                None => length(values.row(&name).await)?,
            };
            // Such a one is a file already.
            sizes.push((if bytes > limits::RUN_OUTPUT_SHOWN_BYTES_MAX { 0 } else { bytes }, name));
        }
        let mut total: usize = sizes.iter().map(|(bytes, _)| bytes).sum();
        sizes.sort_unstable();
        while total > limits::RUN_EVENT_OUTPUTS_BYTES_MAX
            && let Some((bytes, name)) = sizes.pop()
        {
            total -= bytes;
            if let Some(file) = self.keep(desk, (&name, AT_THE_END), values).await? {
                draft.files.push((name, file));
            }
        }
        Ok(())
    }

    /// The value of a row as a file whose blob is stored; the same file for the same row and attempt.
    async fn keep(
        &self,
        desk: &Desk,
        (name, attempt): (&str, u32),
        values: &mut Values,
    ) -> store::Result<Option<StoredFile>> {
        let value = match values.row(name).await {
            Err(store::Error::TooLarge { .. }) => None,
            value => value?,
        };
        let Some(value) = value else { return Ok(None) };
        let id = files::file_id(self.lease.run_id, name, attempt);
        let shown_as = format!("{}.json", name.replace('/', "-"));
        files::keep(&desk.parts, self.org_id, (id, &shown_as), value.to_string().into_bytes()).await.map(Some)
    }
}

/// Bytes of a value as it is shown. One that is too large to be read is longer than anything, and makes no file either.
fn length(value: store::Result<Option<serde_json::Value>>) -> store::Result<usize> {
    match value {
        Err(store::Error::TooLarge { .. }) => Ok(usize::MAX),
        value => Ok(value?.map_or(0, |value| value.to_string().len())),
    }
}

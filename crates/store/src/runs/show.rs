//! Runs as clients and receivers see them: with the steps that were reached, their outputs and the runs they began.

use super::{
    Runs,
    row::{self, Bare, Whole, columns},
    values,
};
use crate::{
    db::{BoxFuture, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    id::{OrgId, RunId},
    limits,
    run::{FileNode, NestedRuns, Run, RunStatus, Step},
    time::Timestamp,
};
use flow::{
    ir::Definition,
    run::{RunState, StepView, view},
};
use serde_json::value::RawValue;

macro_rules! nested {
    () => {
        " from runs where parent_id = $1 and parent_path >= $2 and parent_path < $3"
    };
}

statements! {
    GET = concat!("select ", columns!(), ", definition_hash, state from runs where id = $1
        and (org_id = $2 or $2 is null)");
    NESTED = concat!("select ", columns!(), ", definition_hash, state", nested!(),
        " order by length(parent_key), parent_key, created_at, id limit $4 offset $5");
    NESTED_COUNT = concat!("select count(*)", nested!());
}

/// Which of a step's nested runs are shown.
#[derive(Debug, Clone, Copy)]
pub struct Nested {
    /// From 0; of the steps of the run that was asked for. Deeper down it is always the first.
    pub page: u32,
    pub size: u32,
}

/// How much is said of nested runs.
#[derive(Clone, Copy, PartialEq)]
enum Say {
    Whole,
    Summary,
}

struct Show {
    nested: Nested,
    say: Say,
    /// Nested runs that may still be shown.
    left: u32,
    now: Timestamp,
}

impl Runs<'_> {
    /// A run with its steps and nested runs, whole and recursively.
    pub async fn get(&self, org_id: OrgId, id: RunId, nested: Nested, now: Timestamp) -> Result<Option<Run>> {
        let get = self.0.db.read((org_id, id, nested, now), |tx, (org_id, id, nested, now)| {
            Box::pin(async move {
                let found: Option<Whole> = tx.optional(&GET, &[(*id).into(), (*org_id).into()]).await?;
                let Some(found) = found else { return Ok(None) };
                let left = limits::RUN_NESTED_SHOWN_MAX;
                let mut show = Show { nested: *nested, say: Say::Whole, left, now: *now };
                show.whole(tx, found, 0).await.map(Some)
            })
        });
        get.await
    }
}

/// A run that ends in this transaction, as its event tells it: nested runs as summaries.
pub(super) async fn told(
    tx: &mut Tx<'_>,
    id: RunId,
    definition: &Definition,
    state: &RunState,
) -> Result<Run> {
    let Whole { bare: Bare(mut run), .. } = tx.one(&GET, &[id.into(), None::<OrgId>.into()]).await?;
    let nested = Nested { page: 0, size: limits::PAGE_SIZE_MAX };
    let left = limits::RUN_NESTED_SHOWN_MAX;
    let mut show = Show { nested, say: Say::Summary, left, now: run.updated_at };
    show.fill(tx, &mut run, definition, state, 0).await?;
    Ok(run)
}

impl Show {
    fn whole<'a>(&'a mut self, tx: &'a mut Tx<'_>, found: Whole, depth: u32) -> BoxFuture<'a, Result<Run>> {
        Box::pin(async move {
            let definition = row::definition(tx, &found.definition_hash).await?;
            let state = row::state(&found.state)?;
            let mut run = found.bare.at(self.now);
            self.fill(tx, &mut run, &definition, &state, depth).await?;
            Ok(run)
        })
    }

    async fn fill(
        &mut self,
        tx: &mut Tx<'_>,
        run: &mut Run,
        definition: &Definition,
        state: &RunState,
        depth: u32,
    ) -> Result<()> {
        if run.status == RunStatus::Completed {
            (run.output, run.output_file) = shown(tx, run.id, "outputs").await?;
        }
        let mut steps = Vec::new();
        for seen in view(definition, state) {
            steps.push(self.step(tx, run.id, seen, depth).await?);
        }
        run.steps = Some(steps);
        Ok(())
    }

    async fn step(&mut self, tx: &mut Tx<'_>, id: RunId, seen: StepView, depth: u32) -> Result<Step> {
        let (output, output_file) = match &seen.row {
            Some(name) => shown(tx, id, name).await?,
            None => (None, None),
        };
        let nested_runs = self.nested(tx, id, &seen, depth).await?;
        let (id, name, kind, status) = (seen.id, seen.name, seen.kind.to_owned(), seen.status);
        Ok(Step { id, name, kind, status, message: seen.message, output, output_file, nested_runs })
    }

    async fn nested(
        &mut self,
        tx: &mut Tx<'_>,
        id: RunId,
        seen: &StepView,
        depth: u32,
    ) -> Result<NestedRuns> {
        // A `for_each` shows what its inner steps began too; `/` and `0` are neighbours in the order of characters.
        let end = format!("{}{}", seen.path, if seen.items.is_some() { '0' } else { '/' });
        let bounds = [id.into(), (&seen.path).into(), (&end).into()];
        let (count,): (u64,) = tx.one(&NESTED_COUNT, &bounds).await?;
        if count == 0 {
            return Ok(NestedRuns::default());
        }
        let page = if depth == 0 { self.nested.page } else { 0 };
        let size = self.nested.size.min(self.left);
        let offset = u64::from(page) * u64::from(self.nested.size);
        let window = [size.into(), offset.into()];
        let found: Vec<Whole> = tx.rows(&NESTED, &[&bounds[..], &window].concat()).await?;
        self.left -= u32::try_from(found.len()).unwrap_or(self.left).min(self.left);
        let mut data = Vec::with_capacity(found.len());
        for found in found {
            data.push(match self.say {
                Say::Summary => found.bare.at(self.now),
                Say::Whole => self.whole(tx, found, depth + 1).await?,
            });
        }
        Ok(NestedRuns { count, data })
    }
}

/// A row's value, or the file that has it.
async fn shown(tx: &mut Tx<'_>, id: RunId, name: &str) -> Result<(Option<Box<RawValue>>, Option<FileNode>)> {
    if let Some(file) = values::file(tx, id, name).await? {
        return Ok((None, Some(file)));
    }
    let value = values::value(tx, id, name, 0).await?;
    let raw = value.map(|value| serde_json::value::to_raw_value(&value).map_err(Error::corrupt));
    Ok((raw.transpose()?, None))
}

//! Runs as clients and receivers see them: with the steps that were reached, their outputs and the runs they began.

use super::{
    Runs,
    row::{self, Bare, Whole, columns},
    values::{self, Shown},
};
use crate::{
    db::{BoxFuture, Tx},
    error::{Error, Result},
    sql::statements,
};
use domain::{
    id::{OrgId, RunId},
    limits,
    run::{NestedRuns, Run, RunStatus, Step},
    time::Timestamp,
};
use flow::{
    ir::{Action, Definition},
    run::{RunState, StepView, view},
};

macro_rules! nested {
    () => {
        " from runs where parent_id = $1 and parent_path >= $2 and parent_path < $3"
    };
}

statements! {
    GET = concat!("select ", columns!(), ", definition_hash, state from runs where id = $1
        and org_id = $2");
    ENDED = concat!("select ", columns!(), " from runs where id = $1"),
        postgres concat!("select new.number, ", columns!(), " from unnest($1::uuid[]) with ordinality as new (run_id, number)
        join runs on runs.id = new.run_id");
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

/// Runs that end in this transaction, as their events tell them: nested runs as summaries.
pub(super) async fn told(tx: &mut Tx<'_>, ended: &[(RunId, &Definition, &RunState)]) -> Result<Vec<Run>> {
    let ids: Vec<_> = ended.iter().map(|(id, ..)| vec![(*id).into()]).collect();
    let found: Vec<Option<Bare>> = tx.optional_bulk(&ENDED, &ids).await?;
    let mut runs = Vec::with_capacity(found.len());
    for (found, (id, definition, state)) in found.into_iter().zip(ended) {
        let Bare(run) = found.ok_or_else(|| Error::corrupt(format!("the run {id} is not there")))?;
        let outline = Outline::new(&run, definition, state);
        runs.push((run, outline));
    }
    let rows: Vec<_> = runs.iter().flat_map(|(run, outline)| outline.rows(run.id)).collect();
    let mut values = values::shown(tx, &rows).await?.into_iter();
    let mut told = Vec::with_capacity(runs.len());
    for (mut run, outline) in runs {
        let nested = Nested { page: 0, size: limits::PAGE_SIZE_MAX };
        let left = limits::RUN_NESTED_SHOWN_MAX;
        let mut show = Show { nested, say: Say::Summary, left, now: run.updated_at };
        show.fill(tx, &mut run, outline, &mut values, 0).await?;
        told.push(run);
    }
    Ok(told)
}

/// What there is to show of a run beside its columns.
struct Outline {
    has_output: bool,
    steps: Vec<StepView>,
    /// Whether any of its steps can begin runs.
    may_nest: bool,
}

impl Outline {
    fn new(run: &Run, definition: &Definition, state: &RunState) -> Self {
        let may_nest =
            definition.all_steps().iter().any(|step| matches!(step.action, Action::Workflow { .. }));
        Self { has_output: run.status == RunStatus::Completed, steps: view(definition, state), may_nest }
    }

    /// The rows whose values are shown, in the order in which [`Show::fill`] takes them.
    fn rows(&self, id: RunId) -> impl Iterator<Item = (RunId, &str)> {
        let output = self.has_output.then_some("outputs");
        output
            .into_iter()
            .chain(self.steps.iter().filter_map(|step| step.row.as_deref()))
            .map(move |name| (id, name))
    }
}

impl Show {
    fn whole<'a>(&'a mut self, tx: &'a mut Tx<'_>, found: Whole, depth: u32) -> BoxFuture<'a, Result<Run>> {
        Box::pin(async move {
            let definition = row::definition(tx, &found.definition_hash).await?;
            let state = row::state(&found.state)?;
            let mut run = found.bare.at(self.now);
            let outline = Outline::new(&run, &definition, &state);
            let rows: Vec<_> = outline.rows(run.id).collect();
            let mut values = values::shown(tx, &rows).await?.into_iter();
            self.fill(tx, &mut run, outline, &mut values, depth).await?;
            Ok(run)
        })
    }

    /// `values` are those of the outline's rows, and perhaps of further runs.
    async fn fill(
        &mut self,
        tx: &mut Tx<'_>,
        run: &mut Run,
        outline: Outline,
        values: &mut impl Iterator<Item = Shown>,
        depth: u32,
    ) -> Result<()> {
        if outline.has_output {
            // What an expression gives is never too large to be stored.
            let shown = values.next().unwrap_or_default();
            (run.output, run.output_file) = (shown.value, shown.file);
        }
        let mut steps = Vec::with_capacity(outline.steps.len());
        for seen in outline.steps {
            let shown = match &seen.row {
                Some(_) => values.next().unwrap_or_default(),
                None => Shown::default(),
            };
            let nested_runs = match outline.may_nest {
                true => self.nested(tx, run.id, &seen, depth).await?,
                false => NestedRuns::default(),
            };
            let (id, name, kind, status) = (seen.id, seen.name, seen.kind.to_owned(), seen.status);
            steps.push(Step {
                id,
                name,
                kind,
                status,
                message: seen.message,
                output: shown.value,
                output_file: shown.file,
                output_omitted: shown.omitted,
                nested_runs,
            });
        }
        run.steps = Some(steps);
        Ok(())
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

//! One training: lessons in, a model out.

use super::{Halt, written};
use crate::{
    jobs::Bench,
    sandbox::{Said, Sandbox},
};
use domain::{
    extraction::round4,
    hub::Hub,
    learning::{Calibration, Decision, Evaluation, FieldScore, Values, reliability, review_threshold, worse},
    limits,
};
use insights::worker::{Answer, Lesson as WorkerLesson, Request, Train, Trained, message::encode};
use std::collections::HashMap;
use store::learning::{ClaimedHub, Lesson, NewModel, SheetKey};

/// Makes a model of a claimed hub's lessons and commits it.
pub(super) async fn train(
    bench: &Bench,
    trainer: &Sandbox,
    claimed: ClaimedHub,
    hub: Hub,
) -> Result<(), Halt> {
    let begun = std::time::Instant::now();
    let learning = bench.store.learning();
    let lessons = learning.lessons(claimed.lease.org_id, hub.id).await?;
    let last_sequence = lessons.last().map_or(0, |lesson| lesson.sequence);
    let documents = documents(lessons);
    let mut keys = Vec::with_capacity(documents.len());
    let mut given = Vec::with_capacity(documents.len());
    for (key, values) in documents {
        match bench.files.sheet(&bench.store, claimed.lease.org_id, key).await? {
            Some(sheet) => {
                keys.push(key);
                given.push(WorkerLesson { sheet, values });
            }
            None => {
                tracing::warn!(hub_id = %hub.id, sheet = %key, "a sheet is gone; the hub learns without it")
            }
        }
    }
    let count = given.len();
    let model = if given.is_empty() {
        None
    } else {
        Some(make(bench, trainer, claimed, &hub, given, &keys, last_sequence).await?)
    };
    let rolled_back = model.as_ref().is_some_and(|model| model.rolled_back.is_some());
    let version = learning.take(claimed, model, bench.ctx.now()).await?.ok_or(Halt::Lost)?;
    metrics::histogram!("plextera_learn_seconds").record(begun.elapsed().as_secs_f64());
    tracing::info!(hub_id = %hub.id, version, documents = count, rolled_back, "a hub has learned");
    if let Err(error) = bench.files.tidy() {
        tracing::warn!(%error, "files of learning could not be cleared away");
    }
    Ok(())
}

/// One set of confirmed values for each document, in the order in which documents were first spoken of: what is said
/// later about a field counts.
fn documents(lessons: Vec<Lesson>) -> Vec<(SheetKey, Values)> {
    let mut places: HashMap<SheetKey, usize> = HashMap::new();
    let mut all: Vec<(SheetKey, Values)> = Vec::new();
    for Lesson { sheet, values, .. } in lessons {
        match places.get(&sheet) {
            Some(&place) => all[place].1.extend(values),
            None => {
                places.insert(sheet, all.len());
                all.push((sheet, values));
            }
        }
    }
    let surplus = all.len().saturating_sub(limits::LEARN_DOCUMENTS_MAX);
    all.drain(..surplus);
    all
}

async fn make(
    bench: &Bench,
    trainer: &Sandbox,
    claimed: ClaimedHub,
    hub: &Hub,
    lessons: Vec<WorkerLesson>,
    keys: &[SheetKey],
    last_sequence: u64,
) -> Result<NewModel, Halt> {
    let file = bench.files.blank().map_err(|error| Halt::Failed(error.to_string()))?;
    let request = Train { hub: hub.clone(), lessons, model: file.path().to_owned() };
    let trained = ask(trainer, request).await?;
    let content = written(&file, limits::MODEL_BYTES_MAX).map_err(|error| Halt::Failed(error.to_string()))?;
    let decisions: Vec<Decision> = trained
        .report
        .decisions
        .iter()
        .filter_map(|decision| {
            Some(Decision {
                document: keys.get(decision.document as usize)?.number(),
                field: decision.field.clone(),
                confidence: round4(decision.confidence),
                right: decision.right,
            })
        })
        .collect();
    // A model that still knows of something deleted is no way back.
    let comparable = claimed.active_version > 0 && claimed.active_version >= claimed.forget_before;
    let rolled_back = if comparable {
        let (org_id, version) = (claimed.lease.org_id, claimed.active_version);
        let before = bench.store.learning().decisions(org_id, hub.id, version).await?;
        worse(&before, &decisions).map(|(before, now)| {
            let percent = |share: f64| (share * 1000.0).round() / 10.0;
            let (before, now) = (percent(before), percent(now));
            format!("on the same decisions it is right in {now} % where version {version} is in {before} %")
        })
    } else {
        None
    };
    let evaluation = evaluation(hub, &trained, &decisions);
    let profile = serde_json::to_string(&trained.profile).map_err(|error| Halt::Failed(error.to_string()))?;
    let hub_version = hub.version;
    Ok(NewModel { hub_version, last_sequence, rolled_back, evaluation, decisions, content, profile })
}

async fn ask(trainer: &Sandbox, request: Train) -> Result<Trained, Halt> {
    let framed =
        encode(&Request::Train(Box::new(request))).map_err(|error| Halt::Failed(error.to_string()))?;
    let look = |message: Vec<u8>| match serde_json::from_slice(&message) {
        Ok(Answer::Progress(step)) => Said::Step(step.allowance()),
        Ok(answer) => Said::Answer(answer),
        Err(_) => Said::Nonsense,
    };
    let mut lease = trainer.lease().await;
    match lease.ask(&framed, limits::LEARN_TIME_MAX, look).await {
        Ok(Answer::Trained(trained)) => Ok(trained),
        Ok(Answer::Failed { message } | Answer::Crashed { message }) => Err(Halt::Failed(message)),
        Ok(_) => Err(Halt::Failed("the worker answered another question".to_owned())),
        Err(breach) => Err(Halt::Failed(breach.to_string())),
    }
}

fn evaluation(hub: &Hub, trained: &Trained, decisions: &[Decision]) -> Evaluation {
    let share = |right: usize, all: usize| (all > 0).then(|| round4(right as f64 / all as f64));
    let of = |id: Option<&str>| {
        let mine = decisions.iter().filter(|decision| id.is_none_or(|id| decision.field == id));
        let (right, all) =
            mine.fold((0, 0), |(right, all), decision| (right + usize::from(decision.right), all + 1));
        share(right, all)
    };
    let fields = trained.report.fields.iter().map(|field| FieldScore {
        id: field.id.clone(),
        confirmed: field.confirmed,
        score: of(Some(&field.id)),
    });
    let (bins, expected_error) = reliability(decisions);
    Evaluation {
        examples: trained.report.examples,
        score: of(None),
        fields: fields.collect(),
        calibration: Calibration {
            decisions: u32::try_from(decisions.len()).unwrap_or(u32::MAX),
            slope: round4(trained.slope),
            shift: round4(trained.shift),
            expected_error,
            bins,
        },
        review_threshold: hub
            .review
            .as_ref()
            .map(|review| review_threshold(decisions, review.max_error_rate)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_said_later_about_a_document_counts() {
        let lesson = |sequence: u64, sheet: u8, field: &str, value: &str| Lesson {
            sequence,
            sheet: SheetKey([sheet; 16]),
            values: Values::from([(field.to_owned(), json!(value))]),
        };
        let folded = documents(vec![
            lesson(1, 7, "a", "x"),
            lesson(2, 3, "a", "y"),
            lesson(3, 7, "a", "z"),
            lesson(4, 7, "b", "w"),
        ]);
        assert_eq!(folded.len(), 2);
        assert_eq!(folded[0].0, SheetKey([7; 16]));
        assert_eq!(folded[0].1, Values::from([("a".into(), json!("z")), ("b".into(), json!("w"))]));
    }
}

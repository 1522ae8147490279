//! `forms`: kinds of forms that are known by nothing but labelled documents.
//!
//! Each folder with `*.labels.json` files is a kind: its labels are the fields of a hub, by name and nothing else. Each
//! document is asked after all others of its kind were confirmed (or N of them, with `--train N`), and once without
//! any. With `--train-data` what is confirmed comes from the folder there that has the same name, else the most labels
//! in common. Boxes to tick are yes or no; everything else is a text.

use crate::{
    cpu::Spent,
    evaluate::{Args, ask, list_mistakes},
    metrics::Report,
    random::Random,
    sample::{Kind, Sample, Truth},
    sets::{self, hub_of, text_field},
};
use anyhow::{Context, Result, ensure};
use domain::hub::{Field, FieldType, Hub};
use insights::{
    learn::{Sheet, train},
    page::Rect,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Instant,
};

const DEPTH_MAX: usize = 6;

/// A kind of form: its labels as a hub, and its documents.
struct Form {
    hub: Hub,
    samples: Vec<Sample>,
}

pub fn evaluate(args: &Args) -> Result<Vec<Report>> {
    let kinds = kinds(&args.data)?;
    let elsewhere = args.train_data.as_deref().map(self::kinds).transpose()?;
    let mut untaught = Report::new(args.set, "without examples", 0, 1);
    let count = args.train.unwrap_or(usize::MAX);
    let name = match (&elsewhere, args.train) {
        (Some(_), _) => "all, after examples",
        (None, Some(_)) => "after examples",
        (None, None) => "each after all others of its kind",
    };
    let mut taught = Report::new(args.set, name, args.train.unwrap_or_default(), args.draws);
    for kind in &kinds {
        let pool = match &elsewhere {
            Some(others) => like(kind, others),
            None => Some(kind),
        };
        let sheets: Vec<Sheet> = pool.map_or(Vec::new(), |pool| {
            pool.samples.iter().map(|sample| Sheet::of(&sample.pages, &kind.hub)).collect()
        });
        for (index, sample) in kind.samples.iter().enumerate() {
            let (outcome, seconds) = ask(sample, &kind.hub, None);
            untaught.add(&outcome, seconds, sample);
            let Some(pool) = pool else { continue };
            for draw in 0..args.draws {
                let own = elsewhere.is_none().then_some(index);
                let mut others: Vec<usize> =
                    (0..pool.samples.len()).filter(|other| Some(*other) != own).collect();
                Random::new(draw as u64 + 1).shuffle(&mut others);
                others.truncate(count);
                if others.is_empty() {
                    continue;
                }
                let examples: Vec<_> =
                    others.iter().map(|&other| pool.samples[other].example(sheets[other].clone())).collect();
                let started = Instant::now();
                let trained = train(&kind.hub, &examples);
                taught.trained(started.elapsed().as_secs_f64(), Some(trained.model.to_bytes().len()));
                let (outcome, seconds) = ask(sample, &kind.hub, Some(&trained.model));
                if args.develop {
                    list_mistakes(sample, &outcome)?;
                }
                taught.add(&outcome, seconds, sample);
            }
        }
    }
    let mut reports = vec![untaught, taught];
    reports.retain(|report| report.documents > 0);
    ensure!(!reports.is_empty(), "no labelled form in {}", args.data.display());
    reports.iter_mut().for_each(Report::finish);
    Ok(reports)
}

fn kinds(data: &Path) -> Result<Vec<Form>> {
    let mut folders = BTreeMap::new();
    find(data, DEPTH_MAX, &mut folders)?;
    let mut kinds = Vec::new();
    for (folder, labels) in &folders {
        kinds.extend(load(folder, labels)?);
    }
    Ok(kinds)
}

/// The same kind of form in another folder.
fn like<'k>(kind: &Form, others: &'k [Form]) -> Option<&'k Form> {
    let name = |kind: &Form| Path::new(&kind.hub.name).file_name().map(std::ffi::OsStr::to_owned);
    let common = |other: &&Form| {
        let known = |field: &&Field| other.hub.fields.iter().any(|own| own.id == field.id);
        kind.hub.fields.iter().filter(known).count()
    };
    let alike = |other: &&Form| 2 * common(other) > kind.hub.fields.len();
    let named = others.iter().find(|other| name(other) == name(kind) && alike(other));
    named.or_else(|| others.iter().filter(alike).max_by_key(common))
}

/// Folders with the label files in them.
fn find(folder: &Path, depth: usize, folders: &mut BTreeMap<PathBuf, Vec<PathBuf>>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no forms in {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && depth > 0 {
            find(&path, depth - 1, folders)?;
        } else if path.to_string_lossy().ends_with(".labels.json") {
            folders.entry(folder.to_owned()).or_default().push(path);
        }
    }
    folders.values_mut().for_each(|labels| labels.sort());
    Ok(())
}

fn load(folder: &Path, labels: &[PathBuf]) -> Result<Option<Form>> {
    let mut documents = Vec::new();
    let mut fields: Vec<Field> = Vec::new();
    for path in labels {
        let label: Value =
            serde_json::from_slice(&std::fs::read(path)?).with_context(|| path.display().to_string())?;
        let document = path.to_string_lossy().trim_end_matches(".labels.json").to_owned();
        if !Path::new(&document).is_file() {
            continue;
        }
        for entry in label["labels"].as_array().into_iter().flatten() {
            let id = entry["label"].as_str().unwrap_or_default();
            let ticked = |text: &str| matches!(text, "selected" | "unselected");
            let kind = if text_of(entry).as_deref().is_some_and(ticked) {
                FieldType::Boolean
            } else {
                FieldType::String
            };
            if !id.is_empty() && fields.iter().all(|field| field.id != id) {
                fields.push(text_field(id, kind));
            }
        }
        documents.push((document, label));
    }
    let hub = hub_of(&folder.to_string_lossy(), fields);
    let mut samples = Vec::new();
    for (document, label) in documents {
        let spent = Spent::now();
        let Some(pages) = sets::readable(&document, sets::read_pages(Path::new(&document))) else { continue };
        let expected =
            label["labels"].as_array().into_iter().flatten().filter_map(|entry| truth(&hub, entry));
        samples.push(Sample {
            name: Path::new(&document)
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            group: hub.name.clone(),
            document: document.clone(),
            pages,
            read_seconds: spent.seconds(),
            expected: expected.collect(),
            items: None,
            kind: Kind::Invoice,
            cells: BTreeMap::new(),
        });
    }
    Ok((!samples.is_empty()).then_some(Form { hub, samples }))
}

fn text_of(entry: &Value) -> Option<String> {
    let words: Vec<&str> =
        entry["value"].as_array()?.iter().filter_map(|word| word["text"].as_str()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn truth(hub: &Hub, entry: &Value) -> Option<Truth> {
    let field = hub.fields.iter().find(|field| Some(field.id.as_str()) == entry["label"].as_str())?;
    let text = text_of(entry)?;
    let text = match (field.kind, text.as_str()) {
        (FieldType::Boolean, "selected") => "true".to_owned(),
        (FieldType::Boolean, _) => "false".to_owned(),
        _ => text,
    };
    let boxes = entry["value"].as_array().into_iter().flatten().flat_map(|word| {
        let page = word["page"].as_u64().unwrap_or(1) as u32;
        word["boundingBoxes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(move |quad| Some((page, around(quad)?)))
    });
    Some(Truth::new(field, &text, vec![boxes.collect()]))
}

/// The box around four corners.
fn around(quad: &Value) -> Option<Rect> {
    let numbers: Vec<f32> =
        quad.as_array()?.iter().filter_map(|number| number.as_f64().map(|number| number as f32)).collect();
    let range = |start: usize| {
        let values = numbers.iter().skip(start).step_by(2);
        values.fold((f32::MAX, f32::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
    };
    let ((left, right), (top, bottom)) = (range(0), range(1));
    (numbers.len() == 8).then_some(Rect { x: left, y: top, width: right - left, height: bottom - top })
}

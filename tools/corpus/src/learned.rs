//! `invoices-learned`: how well a hub reads a seller after a few of his documents were confirmed.
//!
//! For each seller, N documents are drawn and confirmed, and all others of his are asked but those with the invoice number
//! of a confirmed one: several files may be one invoice. Nothing is known of other sellers, as on the first day of a hub.
//!
//! With `--train-data` the documents that are confirmed come from that folder, and every document of `--data` is asked;
//! those of sellers that the folder does not know are reported apart, as what they are: read without examples.

use crate::{
    evaluate::{Args, ask, list_mistakes},
    metrics::Report,
    random::Random,
    sample::Sample,
    sets::{self, Part},
};
use anyhow::Result;
use insights::learn::{Sheet, train};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// How many documents are confirmed, unless `--train` says.
const CONFIRMED: [usize; 4] = [1, 2, 3, 5];

pub fn evaluate(args: &Args) -> Result<Vec<Report>> {
    let part = if args.develop { Part::Develop } else { Part::All };
    let samples = sets::load(args.set, &args.data, part, args.pages.as_deref())?;
    let hub = args.set.hub();
    let sheets: Vec<Sheet> = samples.iter().map(|sample| Sheet::of(&sample.pages, &hub)).collect();
    let mut sellers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, sample) in samples.iter().enumerate() {
        sellers.entry(&sample.group).or_default().push(index);
    }
    let counts = args.train.map_or(CONFIRMED.to_vec(), |count| vec![count]);
    if let Some(folder) = &args.train_data {
        let pool = sets::load(args.set, folder, Part::All, None)?;
        return from_elsewhere(args, &pool, &samples, &counts);
    }
    let mut reports = Vec::new();
    for count in counts {
        let mut report = Report::new(args.set, "other documents of a seller", count, args.draws);
        for documents in sellers.values() {
            for draw in 0..args.draws {
                let Some((shown, asked)) = split(&samples, documents, count, draw as u64) else { continue };
                let examples: Vec<_> =
                    shown.iter().map(|&index| samples[index].example(sheets[index].clone())).collect();
                let started = Instant::now();
                let trained = train(&hub, &examples);
                report.trained(started.elapsed().as_secs_f64(), Some(trained.model.to_bytes().len()));
                for &index in &asked {
                    let (outcome, seconds) = ask(&samples[index], &hub, Some(&trained.model));
                    if args.develop {
                        list_mistakes(&samples[index], &outcome)?;
                    }
                    report.add(&outcome, seconds, &samples[index]);
                }
            }
        }
        report.finish();
        reports.push(report);
    }
    Ok(reports)
}

/// Confirms documents of the pool and asks all of `samples`.
fn from_elsewhere(args: &Args, pool: &[Sample], samples: &[Sample], counts: &[usize]) -> Result<Vec<Report>> {
    let hub = args.set.hub();
    let sheets: Vec<Sheet> = pool.iter().map(|sample| Sheet::of(&sample.pages, &hub)).collect();
    let of_seller = |seller: &str| -> Vec<usize> {
        (0..pool.len()).filter(|&index| pool[index].group == seller).collect()
    };
    let mut reports = Vec::new();
    for &count in counts {
        let mut report = Report::new(args.set, "documents of known sellers", count, args.draws);
        for seller in samples.iter().map(|sample| &sample.group).collect::<BTreeSet<_>>() {
            let documents = of_seller(seller);
            for draw in 0..args.draws {
                let shown = some(pool, &documents, count, draw as u64);
                if shown.is_empty() {
                    continue;
                }
                let examples: Vec<_> =
                    shown.iter().map(|&index| pool[index].example(sheets[index].clone())).collect();
                let started = Instant::now();
                let trained = train(&hub, &examples);
                report.trained(started.elapsed().as_secs_f64(), Some(trained.model.to_bytes().len()));
                for sample in samples.iter().filter(|sample| sample.group == *seller) {
                    let (outcome, seconds) = ask(sample, &hub, Some(&trained.model));
                    report.add(&outcome, seconds, sample);
                }
            }
        }
        reports.push(report);
    }
    let mut unknown = Report::new(args.set, "documents of unknown sellers", 0, 1);
    for sample in samples.iter().filter(|sample| of_seller(&sample.group).is_empty()) {
        let (outcome, seconds) = ask(sample, &hub, None);
        unknown.add(&outcome, seconds, sample);
    }
    reports.push(unknown);
    reports.retain(|report| report.documents > 0);
    reports.iter_mut().for_each(Report::finish);
    Ok(reports)
}

/// Some documents, one file an invoice.
fn some(samples: &[Sample], documents: &[usize], count: usize, draw: u64) -> Vec<usize> {
    let mut order = documents.to_vec();
    Random::new(draw + 1).shuffle(&mut order);
    let mut shown: Vec<usize> = Vec::new();
    for &index in &order {
        let new = shown.iter().all(|&other| samples[other].document != samples[index].document);
        if new && shown.len() < count {
            shown.push(index);
        }
    }
    shown
}

/// What is confirmed, one file an invoice, and what is asked; none where nothing would be asked.
fn split(
    samples: &[Sample],
    documents: &[usize],
    count: usize,
    draw: u64,
) -> Option<(Vec<usize>, Vec<usize>)> {
    let shown = some(samples, documents, count, draw);
    let confirmed =
        |index: &usize| shown.iter().any(|&other| samples[other].document == samples[*index].document);
    let asked: Vec<usize> = documents.iter().copied().filter(|index| !confirmed(index)).collect();
    (shown.len() == count && !asked.is_empty()).then_some((shown, asked))
}

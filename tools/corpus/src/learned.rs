//! `invoices-learned`: how well a hub reads a seller after a few of his documents were confirmed.
//!
//! For each seller, N documents are drawn and confirmed, and all others of his are asked but those with the invoice number
//! of a confirmed one: several files may be one invoice. Nothing is known of other sellers, as on the first day of a hub.

use crate::{
    evaluate::{Args, ask, list_mistakes},
    metrics::Report,
    random::Random,
    sample::Sample,
    sets::{self, Part},
};
use anyhow::Result;
use insights::learn::{Sheet, train};
use std::{collections::BTreeMap, time::Instant};

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
    let counts = if args.train > 0 { vec![args.train] } else { CONFIRMED.to_vec() };
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

/// What is confirmed, one file an invoice, and what is asked; none where nothing would be asked.
fn split(
    samples: &[Sample],
    documents: &[usize],
    count: usize,
    draw: u64,
) -> Option<(Vec<usize>, Vec<usize>)> {
    let mut order = documents.to_vec();
    Random::new(draw + 1).shuffle(&mut order);
    let mut shown: Vec<usize> = Vec::new();
    for &index in &order {
        let new = shown.iter().all(|&other| samples[other].document != samples[index].document);
        if new && shown.len() < count {
            shown.push(index);
        }
    }
    let confirmed =
        |index: &usize| shown.iter().any(|&other| samples[other].document == samples[*index].document);
    let asked: Vec<usize> = documents.iter().copied().filter(|index| !confirmed(index)).collect();
    (shown.len() == count && !asked.is_empty()).then_some((shown, asked))
}

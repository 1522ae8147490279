//! `corpus train-prior`: fits the weights of the linear model that reads documents nobody has seen, and writes what that adds
//! to the weights that were set by hand as a table that is compiled in.
//!
//! The loss of a class of fields is that of a softmax over the options of each document and "it has none", where any option
//! that is the value is right, with a pull (L2) towards the weights set by hand. It is fitted on synthetic documents, and a
//! class is accepted only where its loss is smaller on other synthetic documents and hardly larger on any labelled set that is
//! given (their parts to develop on), and no fewer values are right: of the labelled sets together, and of all of them. Where
//! that is not so, it is pulled harder, so that it moves less, and tried again; what no pull makes acceptable stays as it was
//! set by hand.

use crate::{
    sample::Sample,
    sets::{self, Part, Set},
    synthesis,
};
use anyhow::{Context, Result, ensure};
use insights::{
    extract::training::{ClassByHand, Decision, classes_by_hand, decisions, feature_names},
    learn::minimize,
};
use std::{
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/insights/src/extract/prior.rs");
const FOLDER: &str = "target/corpus/train";
const STEPS_MAX: usize = 300;
/// The synthetic documents that are asked, among the labelled sets.
const SYNTHETIC: &str = "synthetic";
/// Differences smaller than this say nothing and are left out.
const DIFFERENCE_MIN: f64 = 0.02;
/// A labelled set's loss may grow by this factor: confidence is calibrated afterwards, so that what is right counts more.
const LOSS_GROWS_MAX: f64 = 1.02;
/// Every so many documents is not fitted on, but asked.
const ASKED_EVERY: usize = 5;
/// Pulls towards the weights set by hand, in the order in which they are tried.
const PULLS: [f64; 4] = [0.02, 0.1, 0.5, 2.5];

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Synthetic documents to learn from; made if the folder is not there.
    #[arg(long, default_value = FOLDER)]
    synthetic: PathBuf,
    #[arg(long, default_value_t = 1400)]
    count: usize,
    /// Labelled sets that must not lose, as in `invoices=DIR`.
    #[arg(value_parser = crate::set_and_folder)]
    sets: Vec<(Set, PathBuf)>,
    /// Keeps the pages that were read in this folder.
    #[arg(long)]
    pages: Option<PathBuf>,
}

/// A class whose fitted weights were accepted.
struct Fitted {
    class: ClassByHand,
    /// Weights, and last the score of "none".
    weights: Vec<f64>,
}

/// What weights are worth on some decisions.
#[derive(Debug, Clone, Copy, Default)]
struct Worth {
    count: usize,
    right: usize,
    /// Mean negative log-likelihood.
    loss: f64,
}

pub fn run(args: &Args) -> Result<()> {
    synthesis::to_learn_from(&args.synthetic, args.count)?;
    let samples = sets::load(Set::Synthetic, &args.synthetic, Part::Develop, args.pages.as_deref())?;
    ensure!(
        samples.len() >= ASKED_EVERY,
        "no synthetic documents to learn from in {}",
        args.synthetic.display()
    );
    let (mut fitted_on, mut asked) = (Vec::new(), Vec::new());
    for (index, sample) in samples.iter().enumerate() {
        let part = if index % ASKED_EVERY == 0 { &mut asked } else { &mut fitted_on };
        part.extend(decisions_of(sample));
    }
    let mut labelled = Vec::new();
    for (set, folder) in &args.sets {
        let samples = sets::load(*set, folder, Part::Develop, args.pages.as_deref())?;
        labelled.push((*set, samples.iter().flat_map(decisions_of).collect::<Vec<Decision>>()));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{} synthetic documents", samples.len())?;
    let mut all = Vec::new();
    for (index, class) in classes_by_hand().into_iter().enumerate() {
        let of = |decisions: &'_ [Decision]| -> Vec<Decision> {
            decisions.iter().filter(|decision| decision.class == index).cloned().collect()
        };
        let tests: Vec<(String, Vec<Decision>)> = std::iter::once((SYNTHETIC.to_owned(), of(&asked)))
            .chain(labelled.iter().map(|(set, decisions)| (format!("{set:?}"), of(decisions))))
            .filter(|(_, decisions)| !decisions.is_empty())
            .collect();
        let fitted_on = of(&fitted_on);
        let mut accepted = None;
        for pull in PULLS {
            let weights = fit(&class, &fitted_on, pull);
            if is_better(&class, &weights, &tests, pull, &mut out)? {
                accepted = Some(weights);
                break;
            }
        }
        writeln!(
            out,
            "{:<12} {}",
            class.name,
            if accepted.is_some() { "accepted" } else { "stays as set by hand" }
        )?;
        all.extend(accepted.map(|weights| Fitted { class, weights }));
    }
    write(&all, Path::new(TABLE))?;
    writeln!(out, "written: {}", Path::new(TABLE).canonicalize()?.display())?;
    Ok(())
}

/// Whether weights are worth more than those set by hand; prints what they are worth.
fn is_better(
    class: &ClassByHand,
    weights: &[f64],
    tests: &[(String, Vec<Decision>)],
    pull: f64,
    out: &mut impl Write,
) -> Result<bool> {
    let by_hand = start(class);
    let mut better = weights.iter().zip(&by_hand).any(|(a, b)| (a - b).abs() >= DIFFERENCE_MIN);
    let (mut gained, mut gained_labelled) = (0, 0);
    for (name, decisions) in tests {
        let (before, after) = (worth(class, &by_hand, decisions), worth(class, weights, decisions));
        let more = after.right as i64 - before.right as i64;
        gained += more;
        if name == SYNTHETIC {
            better &= after.loss <= before.loss;
        } else {
            better &= after.loss <= LOSS_GROWS_MAX * before.loss;
            gained_labelled += more;
        }
        writeln!(
            out,
            "{:<12} {name:<14} {:>5} decisions, pull {pull}: right {:.3} → {:.3}, loss {:.3} → {:.3}",
            class.name,
            before.count,
            before.share(),
            after.share(),
            before.loss,
            after.loss
        )?;
    }
    Ok(better && gained >= 0 && gained_labelled >= 0)
}

fn decisions_of(sample: &Sample) -> Vec<Decision> {
    decisions(&sample.pages, &sample.kind.hub(), &sample.values())
}

fn start(class: &ClassByHand) -> Vec<f64> {
    class.weights.iter().copied().chain([0.0]).map(f64::from).collect()
}

/// The last weight is what is added to the score of "none".
fn fit(class: &ClassByHand, decisions: &[Decision], pull: f64) -> Vec<f64> {
    let by_hand = start(class);
    let mut weights = by_hand.clone();
    if decisions.is_empty() {
        return weights;
    }
    let share = 1.0 / decisions.len() as f64;
    minimize(&mut weights, STEPS_MAX, |at, gradient| {
        gradient.fill(0.0);
        let mut loss = 0.0;
        for decision in decisions {
            loss += share * add_loss(decision, at, share, gradient);
        }
        for ((slope, at), hand) in gradient.iter_mut().zip(at).zip(&by_hand) {
            *slope += 2.0 * pull * (at - hand);
            loss += pull * (at - hand).powi(2);
        }
        loss
    });
    weights
}

/// Probabilities of the options and, last, of "none".
fn probabilities(decision: &Decision, weights: &[f64]) -> Vec<f64> {
    let score = |options: &Vec<f32>| -> f64 {
        options.iter().zip(weights).map(|(value, weight)| f64::from(*value) * weight).sum()
    };
    let none = f64::from(decision.none) + weights.last().copied().unwrap_or_default();
    let mut scores: Vec<f64> = decision.options.iter().map(score).chain([none]).collect();
    let highest = scores.iter().copied().fold(f64::MIN, f64::max);
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let total: f64 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= total);
    scores
}

/// The negative log-likelihood of a decision; its gradient, times `share`, is added.
fn add_loss(decision: &Decision, weights: &[f64], share: f64, gradient: &mut [f64]) -> f64 {
    let probabilities = probabilities(decision, weights);
    let is_none = !decision.right.contains(&true);
    let is_right = |option: usize| decision.right.get(option).copied().unwrap_or(is_none);
    let right: f64 =
        probabilities.iter().enumerate().filter(|(option, _)| is_right(*option)).map(|(_, p)| p).sum();
    let right = right.max(1e-12);
    for (option, probability) in probabilities.iter().enumerate() {
        let slope = probability - if is_right(option) { probability / right } else { 0.0 };
        if slope.abs() < 1e-9 {
            continue;
        }
        match decision.options.get(option) {
            Some(row) => row
                .iter()
                .zip(gradient.iter_mut())
                .for_each(|(value, sum)| *sum += share * slope * f64::from(*value)),
            None => {
                if let Some(last) = gradient.last_mut() {
                    *last += share * slope;
                }
            }
        }
    }
    -right.ln()
}

impl Worth {
    fn share(self) -> f64 {
        self.right as f64 / self.count.max(1) as f64
    }
}

fn worth(class: &ClassByHand, weights: &[f64], decisions: &[Decision]) -> Worth {
    debug_assert_eq!(weights.len(), class.weights.len() + 1);
    let mut worth = Worth { count: decisions.len(), ..Worth::default() };
    let mut unused = vec![0.0; weights.len()];
    for decision in decisions {
        let probabilities = probabilities(decision, weights);
        let best = probabilities
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(option, _)| option);
        let is_none = !decision.right.contains(&true);
        worth.right += usize::from(decision.right.get(best).copied().unwrap_or(is_none));
        worth.loss += add_loss(decision, weights, 0.0, &mut unused) / decisions.len() as f64;
    }
    worth
}

fn write(all: &[Fitted], path: &Path) -> Result<()> {
    let names = feature_names();
    let mut text = String::from(
        "//! What training on synthetic documents adds to the weights that were set by hand, class by class.\n\
         //!\n\
         //! Generated by `corpus train-prior`, which says what it was trained on and which classes were accepted.\n\n\
         use super::{features::Feature, weights::{Class, Trained}};\n\n\
         pub(super) const TRAINED: &[Trained] = &[\n",
    );
    for fitted in all {
        let none = fitted.weights.last().copied().unwrap_or_default();
        let differences =
            fitted.weights.iter().zip(&fitted.class.weights).map(|(at, hand)| at - f64::from(*hand));
        let differences: Vec<String> = differences
            .zip(&names)
            .filter(|(difference, _)| difference.abs() >= DIFFERENCE_MIN)
            .map(|(difference, name)| format!("(Feature::{name}, {difference:.3})"))
            .collect();
        writeln!(
            text,
            "Trained {{ class: Class::{}, none: {none:.3}, weights: &[{}] }},",
            fitted.class.name,
            differences.join(", ")
        )?;
    }
    text.push_str("];\n");
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    let formatted = Command::new("rustfmt").args(["--edition", "2024"]).arg(path).status();
    ensure!(formatted.context("rustfmt is needed")?.success(), "the table is no Rust");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class() -> ClassByHand {
        ClassByHand { name: "Text".to_owned(), none: 2.0, weights: vec![1.0, 0.0] }
    }

    fn decision(options: &[[f32; 2]], right: &[bool]) -> Decision {
        Decision {
            class: 0,
            options: options.iter().map(|row| row.to_vec()).collect(),
            right: right.to_vec(),
            none: 0.5,
        }
    }

    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let decision = decision(&[[1.0, 0.5], [0.2, 1.0], [0.0, 0.3]], &[false, true, true]);
        let at = [0.7, -0.4, 0.1];
        let mut gradient = [0.0; 3];
        let loss = add_loss(&decision, &at, 1.0, &mut gradient);
        for index in 0..3 {
            let mut moved = at;
            moved[index] += 1e-6;
            let slope = (add_loss(&decision, &moved, 0.0, &mut [0.0; 3]) - loss) / 1e-6;
            assert!((slope - gradient[index]).abs() < 1e-4, "{index}: {slope} {}", gradient[index]);
        }
    }

    #[test]
    fn what_is_right_wins_in_the_end_and_without_evidence_nothing_moves() {
        let decisions: Vec<Decision> =
            (0..20).map(|_| decision(&[[1.0, 0.0], [0.0, 1.0]], &[false, true])).collect();
        let weights = fit(&class(), &decisions, 0.001);
        assert!(weights[1] > weights[0]);
        assert_eq!(worth(&class(), &weights, &decisions).right, 20);
        assert_eq!(worth(&class(), &start(&class()), &decisions).right, 0);
        assert_eq!(fit(&class(), &[], 0.1), start(&class()));
    }
}

//! What a worker does for learning: it keeps the model that it read last, and makes new ones.
//!
//! Sheets and models are made of documents, so they are as little trusted as these, and nobody but a worker reads them.

use std::fs;
use std::path::{Path, PathBuf};

use domain::limits;

use super::message::{Answer, Train, Trained};
use crate::learn::{Example, Model, Profile, Sheet, train as learn};

/// The model that was asked for last: most documents of a worker are for few hubs.
#[derive(Default)]
pub(super) struct Models(Option<(PathBuf, Option<Model>)>);

impl Models {
    /// The model in a file whose content never changes.
    pub(super) fn at(&mut self, path: &Path) -> Option<&Model> {
        if self.0.as_ref().is_none_or(|(known, _)| known != path) {
            let bytes = fs::read(path).ok();
            self.0 = Some((path.to_owned(), bytes.and_then(|bytes| Model::from_bytes(&bytes))));
        }
        self.0.as_ref().and_then(|(_, model)| model.as_ref())
    }
}

/// Makes a model and writes it. A sheet that cannot be read is an error: its document would be unlearned in silence.
pub(super) fn train(request: &Train) -> Answer {
    let mut examples = Vec::with_capacity(request.lessons.len());
    for lesson in &request.lessons {
        let bytes = match fs::metadata(&lesson.sheet) {
            Ok(found) if found.len() <= limits::SHEET_BYTES_MAX => fs::read(&lesson.sheet),
            Ok(_) => return failed("a sheet is larger than allowed"),
            Err(error) => Err(error),
        };
        match bytes.map(|bytes| Sheet::from_bytes(&bytes)) {
            Ok(Some(sheet)) => examples.push(Example { sheet, values: lesson.values.clone() }),
            Ok(None) => return failed("a sheet is not of a format that this version knows"),
            Err(error) => return failed(format!("a sheet cannot be read: {error}")),
        }
    }
    let trained = learn(&request.hub, &examples);
    let profile = Profile::of(examples.iter().map(|example| example.sheet.pages.as_slice()));
    if let Err(error) = fs::write(&request.model, trained.model.to_bytes()) {
        return failed(format!("the model cannot be written: {error}"));
    }
    let (slope, shift) = trained.model.calibration().line();
    Answer::Trained(Trained { report: trained.report, slope, shift, profile })
}

fn failed(message: impl Into<String>) -> Answer {
    Answer::Failed { message: message.into() }
}

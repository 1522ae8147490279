//! Reading pages that are pictures: Tesseract, where it is installed.
//!
//! The library and its language files are looked for when the first scan needs them. What is missing is said with the
//! command that installs it; nothing else of the product depends on it.

mod digits;
mod engine;
mod legible;
mod letters;
mod library;
mod looks;
mod merge;
mod turn;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::GrayImage;

use self::engine::Engine;
use self::library::Tesseract;
pub use self::looks::Look;

/// A page as grey pixels, upright.
#[derive(Debug, Clone)]
pub struct PageImage {
    pub pixels: GrayImage,
    /// Pixels to the inch of paper; guessed where the file does not say.
    pub dots_per_inch: f32,
}

/// Why a page image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OcrError {
    #[error(
        "OCR is not installed: the Tesseract 5 library (libtesseract.so.5) was not found; on Debian or Ubuntu run: \
         apt-get install -y tesseract-ocr"
    )]
    NotInstalled,
    #[error(
        "OCR has no language data: no .traineddata files were found; on Debian or Ubuntu run: \
         apt-get install -y tesseract-ocr-eng, or point TESSDATA_PREFIX to a folder that has them"
    )]
    NoLanguages,
    #[error("OCR failed: {reason}")]
    Failed { reason: String },
}

impl OcrError {
    /// Whether installing something would cure it.
    pub fn is_missing(&self) -> bool {
        matches!(self, OcrError::NotInstalled | OcrError::NoLanguages)
    }
}

/// What OCR there is on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Tesseract's version, as `5.3.0`.
    pub version: String,
    /// Two-letter codes (ISO 639-1) of the installed languages that documents are read in.
    pub languages: Vec<&'static str>,
    /// The folder with the language files.
    pub data_dir: PathBuf,
}

/// Looks what OCR there is; nothing is kept loaded.
///
/// # Errors
/// What is missing, and the command that installs it.
pub fn status() -> Result<Status, OcrError> {
    let version = Tesseract::open()?.version();
    let data_dir = data_dir()?;
    let languages = installed(&data_dir);
    Ok(Status { version, languages, data_dir })
}

/// Two-letter codes and Tesseract's names; the first installed one is the default.
const LANGUAGES: &[(&str, &str)] = &[
    ("en", "eng"),
    ("de", "deu"),
    ("fr", "fra"),
    ("es", "spa"),
    ("it", "ita"),
    ("nl", "nld"),
    ("pt", "por"),
    ("pl", "pol"),
    ("sv", "swe"),
    ("da", "dan"),
    ("nb", "nor"),
    ("fi", "fin"),
    ("cs", "ces"),
    ("sk", "slk"),
    ("sl", "slv"),
    ("hu", "hun"),
    ("ro", "ron"),
    ("hr", "hrv"),
    ("et", "est"),
    ("lv", "lav"),
    ("lt", "lit"),
    ("tr", "tur"),
    ("el", "ell"),
    ("bg", "bul"),
    ("ru", "rus"),
    ("uk", "ukr"),
];

/// Folders in which systems keep the language files, the most particular first.
const DATA_DIRS: &[&str] = &[
    "/usr/share/tesseract-ocr/5/tessdata",
    "/usr/share/tesseract/tessdata",
    "/usr/share/tessdata",
    "/usr/local/share/tessdata",
    "/opt/homebrew/share/tessdata",
];

fn data_dir() -> Result<PathBuf, OcrError> {
    let chosen = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
    let nested = chosen.iter().map(|folder| folder.join("tessdata"));
    chosen
        .iter()
        .cloned()
        .chain(nested)
        .chain(DATA_DIRS.iter().map(PathBuf::from))
        .find(|folder| !installed(folder).is_empty())
        .ok_or(OcrError::NoLanguages)
}

fn installed(data_dir: &Path) -> Vec<&'static str> {
    LANGUAGES
        .iter()
        .filter(|(_, name)| data_dir.join(format!("{name}.traineddata")).is_file())
        .map(|(code, _)| *code)
        .collect()
}

/// How many engines are kept loaded: the default language, and the one of the document at hand.
const ENGINES_KEPT: usize = 2;

/// Reads page images; loads what it needs when it needs it, and keeps it. One to a thread.
#[derive(Default)]
pub struct Recognizer {
    ready: Option<Result<Installation, OcrError>>,
    /// The most recently used last.
    engines: Vec<Engine>,
}

#[derive(Clone)]
struct Installation {
    tesseract: Arc<Tesseract>,
    data_dir: PathBuf,
}

impl Recognizer {
    /// The installed languages among `allowed` (all where it is empty), the default first.
    ///
    /// # Errors
    /// What is missing. None of the allowed ones installed is no error: the result is empty.
    pub fn languages(&mut self, allowed: &[String]) -> Result<Vec<&'static str>, OcrError> {
        let data_dir = self.installation()?.data_dir;
        let mut languages = installed(&data_dir);
        languages.retain(|code| allowed.is_empty() || allowed.iter().any(|language| language == code));
        Ok(languages)
    }

    fn installation(&mut self) -> Result<Installation, OcrError> {
        let ready = self.ready.get_or_insert_with(|| {
            let tesseract = Arc::new(Tesseract::open()?);
            Ok(Installation { tesseract, data_dir: data_dir()? })
        });
        ready.clone()
    }

    fn engine(&mut self, language: &str) -> Result<&mut Engine, OcrError> {
        let Installation { tesseract, data_dir } = self.installation()?;
        let name = LANGUAGES.iter().find(|(code, _)| *code == language).map_or("eng", |(_, name)| *name);
        let engine = match self.engines.iter().position(|engine| engine.languages() == name) {
            Some(index) => self.engines.remove(index),
            None => Engine::new(tesseract, &data_dir, name)?,
        };
        if self.engines.len() >= ENGINES_KEPT {
            self.engines.remove(0);
        }
        self.engines.push(engine);
        Ok(self.engines.last_mut().expect("one was pushed just now"))
    }
}

//! What can go wrong beneath the product: the database, the object store, a sealed secret.
//!
//! Expected outcomes (a missing row, a lost lease, a key that exists already) are values of the operations themselves;
//! an [`Error`] is always something a caller can only report or try again. No variant ever carries a row's data, a
//! credential or a secret.

/// A failure of the infrastructure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A row that must be unique exists already. `constraint` is the engine's own name for the rule.
    #[error("a unique rule is broken: {constraint}")]
    Conflict { constraint: String },
    /// Other transactions were in the way each time; the same operation may succeed later.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The database or object store cannot be reached or cannot write (a full disk, a lost connection).
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// A statement was refused: a defect of this program.
    #[error("the database refused a statement: {0}")]
    Statement(String),
    /// What is stored cannot be understood by this program.
    #[error("stored data is not understood: {0}")]
    Corrupt(String),
    /// An operation panicked; nothing of it was written.
    #[error("a database operation panicked and was rolled back")]
    Panicked,
    /// The database is of a newer version, or its history differs from this program's.
    #[error("{0}")]
    Migration(String),
    /// Another server owns the data directory.
    #[error("{0}")]
    Locked(String),
    /// A setting of the store cannot be used.
    #[error("{0}")]
    Config(String),
    /// The key that sealed a secret is not among the keys of this server, or the secret was tampered with.
    #[error("a sealed secret cannot be opened: {0}")]
    Unsealable(String),
    /// A value that was to be read whole.
    #[error("a value is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("cannot {action} {path}: {source}")]
    File { action: &'static str, path: String, source: std::io::Error },
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self, Error::Busy(_) | Error::Unavailable(_))
    }

    pub(crate) fn corrupt(what: impl std::fmt::Display) -> Self {
        Error::Corrupt(what.to_string())
    }

    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Error::File { action, path: path.display().to_string(), source }
    }
}

//! One server per data directory.
//!
//! An embedded database and a folder of files belong to one process. The operating system's lock on `plextera.lock`
//! goes away with the process that holds it, however it ends, so a crash leaves nothing to clean up.

use crate::error::{Error, Result};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

/// Held for as long as the data directory is in use.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the lock, or says who has it.
    pub fn acquire(directory: &Path) -> Result<Self> {
        let path = directory.join("plextera.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(directory, &mut file)),
            Err(TryLockError::Error(source)) => return Err(Error::file("lock", &path)(source)),
        }
        let note = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            write!(file, "{}", std::process::id())
        };
        note(&mut file).map_err(Error::file("write", &path))?;
        Ok(Self { _file: file })
    }
}

fn held(directory: &Path, file: &mut File) -> Error {
    let mut pid = String::new();
    let by = match file.read_to_string(&mut pid) {
        Ok(_) if !pid.trim().is_empty() => format!("by process {}", pid.trim()),
        _ => "by another process".to_owned(),
    };
    Error::Locked(format!(
        "the data directory {} is in use {by}; stop that server or choose another --data-dir",
        directory.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_and_told_who_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = DirectoryLock::acquire(directory.path()).unwrap();
        let message = DirectoryLock::acquire(directory.path()).unwrap_err().to_string();
        assert!(message.contains(&std::process::id().to_string()), "{message}");
        assert!(message.contains(&directory.path().display().to_string()), "{message}");
        drop(first);
        DirectoryLock::acquire(directory.path()).unwrap();
    }
}

//! ZIP archives, for the office documents that are ones and for archives of documents.
//!
//! An archive says of itself how large it is, and may lie. So what is unpacked is counted while it is unpacked: for each
//! part, for the document as a whole, and against its packed size. Names are never used as paths.

use std::io::{Cursor, Read};

use domain::limits;
use zip::ZipArchive;
use zip::result::ZipError;

use super::Refusal;

/// What may still be unpacked of one document, archives within archives included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub bytes: u64,
    pub documents: usize,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { bytes: limits::ARCHIVE_TOTAL_BYTES_MAX, documents: limits::ARCHIVE_DOCUMENTS_MAX }
    }
}

/// What an archive says of one of its files.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub index: usize,
    pub name: String,
    pub is_encrypted: bool,
    pub size: u64,
}

/// An opened archive.
pub(super) struct Package {
    archive: ZipArchive<Cursor<Vec<u8>>>,
}

impl Package {
    /// Reads the list of its entries.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Package, Refusal> {
        check_entries(&bytes)?;
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| Refusal::Broken {
            reason: format!("its list of parts cannot be read ({error})"),
        })?;
        if archive.len() > limits::ARCHIVE_ENTRIES_MAX {
            return Err(too_many_entries());
        }
        Ok(Package { archive })
    }

    /// Its files, in the order of its list.
    pub(super) fn entries(&mut self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for index in 0..self.archive.len() {
            let Ok(entry) = self.archive.by_index_raw(index) else { continue };
            if entry.is_dir() || entry.is_symlink() {
                continue;
            }
            let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
            entries.push(Entry { index, name, is_encrypted: entry.encrypted(), size: entry.size() });
        }
        entries
    }

    /// One of its files by name; none where it has no such file.
    pub(super) fn file(&mut self, name: &str, budget: &mut Budget) -> Result<Option<Vec<u8>>, Refusal> {
        match self.archive.index_for_name(name) {
            Some(index) => self.unpack(index, budget).map(Some),
            None => Ok(None),
        }
    }

    /// The first bytes of a file; empty where it cannot be unpacked.
    pub(super) fn head(&mut self, index: usize, length: usize) -> Vec<u8> {
        let mut head = Vec::new();
        if let Ok(entry) = self.archive.by_index(index) {
            // Whatever was read before an error is a head too.
            let _ = entry.take(length as u64).read_to_end(&mut head);
        }
        head
    }

    /// Unpacks a file within the budget.
    pub(super) fn unpack(&mut self, index: usize, budget: &mut Budget) -> Result<Vec<u8>, Refusal> {
        let entry = self.archive.by_index(index).map_err(refusal)?;
        let packed = entry.compressed_size();
        let by_ratio = packed.saturating_mul(limits::ARCHIVE_RATIO_MAX).max(limits::ARCHIVE_RATIO_BYTES_MIN);
        let room = limits::ARCHIVE_PART_BYTES_MAX.min(by_ratio).min(budget.bytes);
        let mut bytes = Vec::new();
        entry.take(room + 1).read_to_end(&mut bytes).map_err(|error| Refusal::Broken {
            reason: format!("one of its parts cannot be unpacked ({error})"),
        })?;
        if bytes.len() as u64 > room {
            return Err(Refusal::TooMuch { what: unpacked_too_much(room, by_ratio) });
        }
        budget.bytes -= bytes.len() as u64;
        Ok(bytes)
    }
}

fn unpacked_too_much(room: u64, by_ratio: u64) -> String {
    if room == by_ratio && room > limits::ARCHIVE_RATIO_BYTES_MIN {
        return format!("one of its parts unpacks to more than {} times its size", limits::ARCHIVE_RATIO_MAX);
    }
    format!(
        "its parts unpack to more than is allowed ({} MB a part, {} MB in all)",
        limits::ARCHIVE_PART_BYTES_MAX / 1_000_000,
        limits::ARCHIVE_TOTAL_BYTES_MAX / 1_000_000
    )
}

/// How many entries the end of an archive announces, before room is made for them (APPNOTE.TXT 4.3.16). ZIP64 has its
/// own, larger field; an archive that needs it has too many.
fn check_entries(bytes: &[u8]) -> Result<(), Refusal> {
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06");
    let count = end.and_then(|end| bytes.get(end + 10..end + 12)?.first_chunk());
    let count = count.map_or(0, |count| u16::from_le_bytes(*count));
    if usize::from(count) > limits::ARCHIVE_ENTRIES_MAX { Err(too_many_entries()) } else { Ok(()) }
}

fn too_many_entries() -> Refusal {
    Refusal::TooMuch { what: format!("it lists more than {} parts", limits::ARCHIVE_ENTRIES_MAX) }
}

fn refusal(error: ZipError) -> Refusal {
    match error {
        ZipError::UnsupportedArchive(what) if what.to_ascii_lowercase().contains("password") => {
            Refusal::Encrypted
        }
        ZipError::InvalidPassword => Refusal::Encrypted,
        error => Refusal::Broken { reason: format!("one of its parts cannot be unpacked ({error})") },
    }
}

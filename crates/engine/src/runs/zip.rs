//! ZIP archives (APPNOTE 6.3.3, no ZIP64): what a step puts together is at most as large as a file may be.

use flate2::{Compression, Crc, write::DeflateEncoder};
use std::{
    collections::HashSet,
    io::{self, Write},
};

const UTF8_NAMES: u16 = 1 << 11;
const DEFLATED: u16 = 8;
/// 1980-01-01: an archive of the same files is the same bytes.
const DATE: u16 = 0x21;

#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
    names: HashSet<String>,
}

impl Archive {
    pub(super) fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let name = self.free_name(name);
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content)?;
        let packed = encoder.finish()?;
        let offset = size(self.bytes.len())?;
        let mut entry = Vec::new();
        for half in [20u16, UTF8_NAMES, DEFLATED, 0, DATE] {
            entry.extend_from_slice(&half.to_le_bytes());
        }
        for word in [crc.sum(), size(packed.len())?, size(content.len())?] {
            entry.extend_from_slice(&word.to_le_bytes());
        }
        let length = u16::try_from(name.len()).map_err(|_| io::Error::other("a file's name is too long"))?;
        entry.extend_from_slice(&length.to_le_bytes());
        entry.extend_from_slice(&0u16.to_le_bytes());
        self.bytes.extend_from_slice(b"PK\x03\x04");
        self.bytes.extend_from_slice(&entry);
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(&packed);
        self.directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        self.directory.extend_from_slice(&entry);
        // Comment, disk, attributes: none.
        self.directory.extend_from_slice(&[0; 10]);
        self.directory.extend_from_slice(&offset.to_le_bytes());
        self.directory.extend_from_slice(name.as_bytes());
        self.count += 1;
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() + self.directory.len()
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let (offset, size) = (self.bytes.len() as u32, self.directory.len() as u32);
        self.bytes.extend_from_slice(&self.directory);
        self.bytes.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00");
        for _ in 0..2 {
            self.bytes.extend_from_slice(&self.count.to_le_bytes());
        }
        self.bytes.extend_from_slice(&size.to_le_bytes());
        self.bytes.extend_from_slice(&offset.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes
    }

    /// Two files of one name would be one after unpacking.
    fn free_name(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut number = 1;
        while !self.names.insert(free.clone()) {
            number += 1;
            free = match name.rsplit_once('.') {
                Some((stem, ending)) => format!("{stem} ({number}).{ending}"),
                None => format!("{name} ({number})"),
            };
        }
        free
    }
}

fn size(bytes: usize) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| io::Error::other("the archive is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn other_programs_can_read_it() {
        let mut archive = Archive::default();
        archive.add("a.txt", b"first").expect("room");
        archive.add("a.txt", "zweite ä".as_bytes()).expect("room");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.zip");
        std::fs::write(&path, archive.finish()).expect("it can be written");
        let script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
                      print(z.namelist(), z.read('a (2).txt').decode())";
        let output =
            Command::new("python3").args(["-c", script]).arg(&path).stderr(Stdio::inherit()).output();
        let text = String::from_utf8(output.expect("python runs").stdout).expect("text");
        assert_eq!(text.trim(), "['a.txt', 'a (2).txt'] zweite ä");
    }
}

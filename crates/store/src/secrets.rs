//! Signing secrets at rest: sealed, never stored as they are.
//!
//! XChaCha20-Poly1305 with a random nonce of 192 bits per sealing, so no counter has to survive a restart. The
//! associated data names the table, the row and the key, so a sealed secret that is moved to another row does not open.
//! Layout of what is stored: 8 bytes key id, 24 bytes nonce, the ciphertext with its tag.
//!
//! The key comes from the operator (32 bytes as base64), or from a file of mode 0600 in the data directory that the
//! first start makes. For rotation the operator gives the new key and the old ones: everything is opened with the key
//! whose id it carries and sealed with the newest.

use crate::error::{Error, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use domain::context::Entropy;
use sha2::{Digest, Sha256};
use std::{fmt, fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 8;
const NONCE_BYTES: usize = 24;

/// Seals and opens secrets. Cheap to clone; `Debug` shows key ids only.
#[derive(Clone)]
pub struct Sealer {
    /// The newest first; never empty.
    keys: Arc<[Key]>,
    entropy: Arc<dyn Entropy>,
}

struct Key {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn from_base64(text: &str) -> Result<Self> {
        let malformed = || Error::Config("a sealing key must be 32 bytes in base64".to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
        if bytes.len() != KEY_BYTES {
            return Err(malformed());
        }
        let digest = Sha256::new().chain_update(b"plextera sealing key id").chain_update(&*bytes).finalize();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest[..KEY_ID_BYTES]);
        let cipher = XChaCha20Poly1305::new_from_slice(&bytes).map_err(|_| malformed())?;
        Ok(Self { id, cipher })
    }
}

impl Sealer {
    /// From the operator's keys, the newest first.
    pub fn from_keys(base64_keys: &[Zeroizing<String>], entropy: Arc<dyn Entropy>) -> Result<Self> {
        let keys = base64_keys.iter().map(|text| Key::from_base64(text)).collect::<Result<Arc<[Key]>>>()?;
        if keys.is_empty() {
            return Err(Error::Config("at least one sealing key is needed".to_owned()));
        }
        Ok(Self { keys, entropy })
    }

    /// From `path`, which is made with a new key and mode 0600 where it does not exist.
    pub fn from_file(path: &Path, entropy: Arc<dyn Entropy>) -> Result<Self> {
        if !path.exists() {
            create_key_file(path, &*entropy)?;
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(Error::file("read", path))?);
        Self::from_keys(&[text], entropy)
            .map_err(|_| Error::Config(format!("{} does not hold a sealing key", path.display())))
    }

    /// Seals `secret` for one row of one table.
    pub fn seal(&self, table: &str, row: &[u8], secret: &[u8]) -> Result<Vec<u8>> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE_BYTES];
        self.entropy.fill(&mut nonce);
        let aad = associated_data(table, row, &key.id);
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: &aad });
        let sealed = sealed.map_err(|_| Error::Unsealable("sealing failed".to_owned()))?;
        Ok([&key.id[..], &nonce, &sealed].concat())
    }

    /// Opens what [`Sealer::seal`] made for the same row of the same table.
    pub fn open(&self, table: &str, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || Error::Unsealable(format!("a secret in {table} is damaged"));
        let (id, rest) = sealed.split_first_chunk::<KEY_ID_BYTES>().ok_or_else(damaged)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(damaged)?;
        let key = self.keys.iter().find(|key| key.id == *id).ok_or_else(|| {
            Error::Unsealable(format!(
                "a secret in {table} was sealed with key {}, which is not configured",
                hex::encode(id)
            ))
        })?;
        let aad = associated_data(table, row, id);
        let opened = key.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad });
        opened.map(Zeroizing::new).map_err(|_| damaged())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| hex::encode(key.id))).finish()
    }
}

/// Lengths go in too, so that no two rows share one encoding.
fn associated_data(table: &str, row: &[u8], key_id: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(table.len() + row.len() + key_id.len() + 24);
    for part in [table.as_bytes(), row, key_id] {
        data.extend_from_slice(&(part.len() as u64).to_le_bytes());
        data.extend_from_slice(part);
    }
    data
}

/// Written beside and renamed, so that a crash leaves no half of a key.
fn create_key_file(path: &Path, entropy: &dyn Entropy) -> Result<()> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    entropy.fill(&mut *bytes);
    let text = Zeroizing::new(STANDARD.encode(*bytes));
    let draft = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&draft, path)?;
        if let Some(folder) = path.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU8, Ordering};

    /// Different bytes each time.
    struct Counting(AtomicU8);
    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn entropy() -> Arc<dyn Entropy> {
        Arc::new(Counting(AtomicU8::new(1)))
    }

    fn key(byte: u8) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode([byte; KEY_BYTES]))
    }

    #[test]
    fn a_secret_opens_only_in_its_own_row() {
        let sealer = Sealer::from_keys(&[key(1)], entropy()).unwrap();
        let sealed = sealer.seal("subscriptions", b"row 1", b"whsec_x").unwrap();
        assert!(!sealed.windows(7).any(|part| part == b"whsec_x"));
        assert_eq!(&**sealer.open("subscriptions", b"row 1", &sealed).unwrap(), b"whsec_x");
        assert!(sealer.open("subscriptions", b"row 2", &sealed).is_err());
        assert!(sealer.open("others", b"row 1", &sealed).is_err());
        assert!(sealer.open("subscriptions", b"row 1", &sealed[..20]).is_err());
        let mut tampered = sealed.clone();
        *tampered.last_mut().unwrap() ^= 1;
        assert!(sealer.open("subscriptions", b"row 1", &tampered).is_err());
        assert_ne!(
            sealed,
            sealer.seal("subscriptions", b"row 1", b"whsec_x").unwrap(),
            "a nonce of its own each time"
        );
    }

    #[test]
    fn old_keys_open_and_the_newest_seals() {
        let old = Sealer::from_keys(&[key(1)], entropy()).unwrap();
        let sealed = old.seal("t", b"1", b"x").unwrap();
        let rotated = Sealer::from_keys(&[key(2), key(1)], entropy()).unwrap();
        assert_eq!(&**rotated.open("t", b"1", &sealed).unwrap(), b"x");
        let message = old.open("t", b"1", &rotated.seal("t", b"1", b"x").unwrap()).unwrap_err().to_string();
        assert!(message.contains("not configured"), "{message}");
    }

    #[test]
    fn a_key_file_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sealing.key");
        let sealed = Sealer::from_file(&path, entropy()).unwrap().seal("t", b"1", b"x").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Sealer::from_file(&path, entropy()).unwrap();
        assert_eq!(&**again.open("t", b"1", &sealed).unwrap(), b"x");
        let shown = format!("{again:?}");
        assert!(!shown.contains(std::fs::read_to_string(&path).unwrap().trim()), "{shown}");
    }
}

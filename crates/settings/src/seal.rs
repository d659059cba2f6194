//! The key file, and sealing with it: what must be given back or digested is
//! stored only so. A sealed text opens only in the place it was sealed for.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::SettingsError;

/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Bytes of a nonce: long enough to be drawn at random for ever.
const NONCE_BYTES: usize = 24;
/// Nobody but the owner may read the key.
const KEY_MODE: u32 = 0o600;

/// Seals and opens with the key of one file.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    mac: Hmac<Sha256>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    /// Reads the key, or makes it with mode 0600 where there is no file.
    pub fn open(key_file: &Path) -> Result<Self, SettingsError> {
        let failed =
            |error: std::io::Error| SettingsError::Key(format!("{}: {error}", key_file.display()));
        let key = match fs::File::open(key_file) {
            Ok(file) => {
                let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    tracing::warn!(file = %key_file.display(), mode = format!("{mode:o}"), "the key file was open to others; closed now");
                    fs::set_permissions(key_file, fs::Permissions::from_mode(KEY_MODE))
                        .map_err(failed)?;
                }
                let mut key = Vec::with_capacity(KEY_BYTES);
                file.take(KEY_BYTES as u64 + 1)
                    .read_to_end(&mut key)
                    .map_err(failed)?;
                key
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_key(key_file).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        let length = || {
            SettingsError::Key(format!(
                "{} does not hold {KEY_BYTES} bytes",
                key_file.display()
            ))
        };
        Ok(Self {
            cipher: XChaCha20Poly1305::new_from_slice(&key).map_err(|_| length())?,
            mac: <Hmac<Sha256> as KeyInit>::new_from_slice(&key).map_err(|_| length())?,
        })
    }

    /// A mark by which a text is known again, and which tells nothing of it to
    /// who has not the key: for what must be compared and never read.
    pub fn mark(&self, place: &str, text: &[u8]) -> u64 {
        let mut mac = self.mac.clone();
        mac.update(place.as_bytes());
        mac.update(&[0]);
        mac.update(text);
        let mark = mac.finalize().into_bytes();
        mark.iter()
            .take(8)
            .fold(0, |mark, byte| mark << 8 | u64::from(*byte))
    }

    /// Seals a text for one place, such as `extension:7`.
    pub fn seal(&self, place: &str, text: &[u8]) -> Result<Vec<u8>, SettingsError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|e| SettingsError::Key(e.to_string()))?;
        let sealed = self
            .cipher
            .encrypt(
                &XNonce::from(nonce),
                Payload {
                    msg: text,
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| SettingsError::Key("a text could not be sealed".into()))?;
        let mut out = nonce.to_vec();
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Opens what was sealed for this place.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SettingsError> {
        let wrong = || {
            SettingsError::Key(format!(
                "the secrets of {place} were sealed with another key"
            ))
        };
        let (nonce, text) = sealed
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(wrong)?;
        self.cipher
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: text,
                    aad: place.as_bytes(),
                },
            )
            .map_err(|_| wrong())
    }
}

/// Draws a key and writes it whole, or not at all.
fn make_key(key_file: &Path) -> std::io::Result<Vec<u8>> {
    let mut key = vec![0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(std::io::Error::other)?;
    let unfinished = key_file.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(KEY_MODE)
        .open(&unfinished)?;
    file.write_all(&key)?;
    file.sync_all()?;
    fs::rename(&unfinished, key_file)?;
    Ok(key)
}

//! Secrets in memory: texts that are not printed by accident, and password hashes.

use std::fmt;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};

use tokio::sync::Semaphore;

use crate::error::SettingsError;

/// Passwords that are hashed at once.
const HASHES_AT_ONCE: usize = 2;

/// What is given back in a secret's place. Sent in an update it means "as it is".
pub const MASK: &str = "********";

/// A text that must not be seen. It compares by value and prints as dots.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself: for digests and for who is permitted to read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Argon2id of a password, as a PHC text. Takes milliseconds of CPU: not for
/// an async task's own thread.
pub(crate) fn hash_password(password: &str, memory_kib: u32) -> Result<String, SettingsError> {
    let params =
        Params::new(memory_kib, 1, 1, None).map_err(|e| SettingsError::Key(e.to_string()))?;
    let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map_err(|error| SettingsError::Key(error.to_string()))?;
    Ok(hash.to_string())
}

/// As [`hash_password`], on a thread where it holds up nobody. However many
/// ask at once, only a few are at it: each takes its megabytes, and calls want
/// the cores as well.
pub(crate) async fn hash_aside(password: Secret, memory_kib: u32) -> Result<Secret, SettingsError> {
    static PLACES: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);
    // An error says that the places are closed: they never are.
    let _place = PLACES
        .acquire()
        .await
        .map_err(|_| SettingsError::Stopping)?;
    let hash = tokio::task::spawn_blocking(move || hash_password(password.expose(), memory_kib));
    Ok(Secret::new(
        &hash.await.map_err(|_| SettingsError::Stopping)??,
    ))
}

/// Whether a password is the one of a hash, whatever cost that was made with.
pub(crate) fn password_matches(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(password.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_matches_its_password_only_and_two_hashes_differ() {
        let hash = hash_password("Correct1horse", 64).unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(password_matches("Correct1horse", &hash));
        assert!(!password_matches("correct1horse", &hash));
        assert_ne!(hash, hash_password("Correct1horse", 64).unwrap());
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}

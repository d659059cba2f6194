//! One pair of tokens for all processes that use the same file, so that ten
//! runs of a command line hold one of the application's eight places, not ten.
//! The file is locked from reading to writing: a refresh token can be spent
//! only once. It holds tokens, never the secret, and only its owner may read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::token::Grant;

/// No file of ours is longer; what is longer is none.
const MAX_BYTES: u64 = 64 << 10;

/// Where tokens are kept between runs.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile {
    path: PathBuf,
}

/// What the file holds: tokens, and whose they are.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The PBX and the Client ID; another's tokens are not ours.
    owner: String,
    grant: Grant,
}

/// The file, locked for as long as this lives.
pub(crate) struct Held {
    file: File,
    path: PathBuf,
}

impl TokenFile {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Opens and locks the file; waits while another process refreshes.
    pub async fn hold(&self) -> Result<Held, Error> {
        let path = self.path.clone();
        let opened = tokio::task::spawn_blocking({
            let path = path.clone();
            move || -> io::Result<File> {
                if let Some(folder) = path.parent() {
                    fs::create_dir_all(folder)?;
                }
                let mut options = OpenOptions::new();
                options.read(true).write(true).create(true).truncate(false);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let file = options.open(&path)?;
                file.lock()?;
                Ok(file)
            }
        })
        .await
        .unwrap_or_else(|joined| Err(io::Error::other(joined)));
        match opened {
            Ok(file) => Ok(Held { file, path }),
            Err(error) => Err(Error::TokenFile(path, error)),
        }
    }
}

impl Held {
    /// The tokens of this owner, if the file has them.
    pub fn read(&mut self, owner: &str) -> Option<Grant> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        (&self.file)
            .take(MAX_BYTES)
            .read_to_string(&mut text)
            .ok()?;
        let kept: Kept = serde_json::from_str(&text).ok()?;
        (kept.owner == owner).then_some(kept.grant)
    }

    /// Puts tokens in the place of what was there.
    pub fn write(&mut self, owner: &str, grant: &Grant) -> Result<(), Error> {
        let kept = Kept {
            owner: owner.to_owned(),
            grant: grant.clone(),
        };
        let text = serde_json::to_vec(&kept).map_err(io::Error::from);
        self.replace(text)
    }

    /// Nothing is kept any more.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.replace(Ok(Vec::new()))
    }

    fn replace(&mut self, text: io::Result<Vec<u8>>) -> Result<(), Error> {
        let replaced = text.and_then(|text| {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.file.write_all(&text)
        });
        replaced.map_err(|error| Error::TokenFile(self.path.clone(), error))
    }
}

//! The data directory: one process at a time, and the file that says where it
//! listens.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// The directory, held for as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why the directory can't be had.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another instance holds it.
    #[error("another instance runs on the data directory {}", .0.display())]
    Taken(PathBuf),
    /// The system refused.
    #[error("data directory {}: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
}

/// Where this instance listens: `run.json`.
#[derive(Debug, Clone, Serialize)]
pub struct RunFile {
    /// HTTP, address and port.
    pub http: String,
    /// HTTPS, address and port.
    pub https: String,
    /// SIP over UDP, address and port.
    pub sip_udp: String,
    /// RTP: address and range of ports.
    pub rtp: String,
    /// The process.
    pub pid: u32,
}

impl DataDir {
    /// Makes the directory where it is missing, readable by its owner alone,
    /// and takes it.
    pub fn take(path: &Path) -> Result<Self, DataDirError> {
        let failed = |error| DataDirError::Io(path.to_owned(), error);
        Self::make(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DataDirError::Taken(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let dir = Self {
            path: path.to_owned(),
            _lock: lock,
        };
        // A crash may have left the old one behind.
        dir.forget_run();
        Ok(dir)
    }

    /// Makes the directory where it is missing, for its owner alone.
    pub fn make(path: &Path) -> Result<(), DataDirError> {
        use std::os::unix::fs::DirBuilderExt;
        if path.is_dir() {
            return Ok(());
        }
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| DataDirError::Io(path.to_owned(), error))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `run.json`, whole or not at all.
    pub fn write_run(&self, run: &RunFile) -> Result<(), DataDirError> {
        let failed = |error| DataDirError::Io(self.path.clone(), error);
        let text = serde_json::to_string_pretty(run).map_err(|e| failed(e.into()))?;
        let draft = self.path.join("run.json.new");
        fs::write(&draft, text).map_err(failed)?;
        fs::rename(&draft, self.path.join("run.json")).map_err(failed)
    }

    /// Removes `run.json`: nothing listens any more.
    pub fn forget_run(&self) {
        // Missing is what is wanted.
        let _ = fs::remove_file(self.path.join("run.json"));
    }
}

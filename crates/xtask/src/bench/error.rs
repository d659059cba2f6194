//! What can go wrong while the bench is set up or run. A call that fails is
//! not an error here: it is counted and told in the report.

use std::io;
use std::path::PathBuf;

/// Why a bench could not be run to its end, or did not pass.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What it said.
        source: io::Error,
    },
    /// An option is outside its bounds.
    #[error("--{option} must be {allowed}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is allowed.
        allowed: &'static str,
    },
    /// The server binary could not be built.
    #[error("`cargo build --release -p strowger` failed")]
    Build,
    /// The server left, or was not ready in time.
    #[error("{0}; its log is {1}")]
    Server(String, PathBuf),
    /// The server listens on an address that is not this machine's own.
    #[error("{0} is not a loopback address: the bench loads nothing else")]
    NotLoopback(String),
    /// The API answered something unexpected.
    #[error("{path}: {said}")]
    Api {
        /// Which operation.
        path: String,
        /// What it answered.
        said: String,
    },
    /// A phone was not let in.
    #[error("registration of {number}: {said}")]
    Registration {
        /// Which.
        number: String,
        /// What came back.
        said: String,
    },
    /// The relay process did not do as asked.
    #[error("plain relay: {0}")]
    Relay(String),
    /// The product did not do what the bench asserts.
    #[error("the bench did not pass:\n{0}")]
    Failed(String),
}

/// Says what was tried when the operating system refuses.
pub trait Tried<T> {
    /// Wraps the error.
    fn tried(self, what: impl FnOnce() -> String) -> Result<T, BenchError>;
}

impl<T, E: Into<io::Error>> Tried<T> for Result<T, E> {
    fn tried(self, what: impl FnOnce() -> String) -> Result<T, BenchError> {
        self.map_err(|error| BenchError::Io {
            what: what(),
            source: error.into(),
        })
    }
}

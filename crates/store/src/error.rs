//! What can go wrong, and whose fault it is.

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The URL names a database that is not supported.
    #[error("unsupported database url {0:?}: only sqlite:<path> is supported")]
    Unsupported(String),
    /// A value that must be unique is taken, or a row contradicts another: the
    /// batch was refused whole, and will be again.
    #[error("the batch contradicts what is stored: {0}")]
    Conflict(String),
    /// The database failed: disk, lock, damaged file.
    #[error("database: {0}")]
    Database(String),
    /// A stored row makes no sense.
    #[error("stored row makes no sense: {0}")]
    Corrupt(String),
    /// What was asked for would take more memory than one search may have.
    #[error("too much to be sorted at once")]
    TooMuch,
    /// The journal is full; the write was not taken.
    #[error("the journal is full")]
    Full,
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind::{
            CheckViolation, ForeignKeyViolation, NotNullViolation, UniqueViolation,
        };
        match &error {
            sqlx::Error::Database(db)
                if matches!(
                    db.kind(),
                    UniqueViolation | ForeignKeyViolation | NotNullViolation | CheckViolation
                ) =>
            {
                Self::Conflict(db.message().to_owned())
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Database(error.to_string())
    }
}

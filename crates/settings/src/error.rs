//! Why a settings operation did not do what it was asked, and the one table
//! from that to the wire's codes.

use store::StoreError;
use wire::{DuplicateField, Envelope, ErrCode, InvalidParam};

/// Why a settings operation failed. Nothing was changed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// Members of the request are wrong.
    #[error("{} invalid member(s)", .0.len())]
    Invalid(Vec<InvalidParam>),
    /// Values that must be unique are taken.
    #[error("{} value(s) taken by another object", .0.len())]
    Duplicate(Vec<DuplicateField>),
    /// No such object.
    #[error("no such object")]
    NotFound,
    /// Another object refers to it.
    #[error("another object refers to it")]
    InUse,
    /// The object as it would be is not permitted, for a reason that has a code
    /// of its own.
    #[error("refused: {}", .0.message())]
    Refused(ErrCode),
    /// There are as many objects of the kind as there may be.
    #[error("no more objects of this kind")]
    TooMany,
    /// No such kind, or it lacks the operation.
    #[error("no such kind or operation")]
    UnknownKind,
    /// The database did not keep the change.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key file is unusable, or not the one that sealed what is stored.
    #[error("key file: {0}")]
    Key(String),
    /// A stored object makes no sense.
    #[error("stored {kind} {id}: {reason}")]
    Corrupt {
        /// The object's kind.
        kind: String,
        /// Its id.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// The process is leaving.
    #[error("stopping")]
    Stopping,
}

impl SettingsError {
    /// One wrong member.
    pub(crate) fn member(field: impl Into<String>, value: Option<&str>, rule: &str) -> Self {
        Self::Invalid(vec![invalid(field, value, rule)])
    }

    /// The code that tells it.
    pub fn code(&self) -> ErrCode {
        match self {
            Self::Invalid(_) => ErrCode::ParameterError,
            Self::Duplicate(_) => ErrCode::DuplicateKeyValue,
            Self::NotFound => ErrCode::DataNotFound,
            Self::InUse => ErrCode::ConnectionRelationExisted,
            Self::Refused(code) => *code,
            Self::TooMany => ErrCode::MaxLimitationExceeded,
            Self::UnknownKind => ErrCode::InterfaceNotExisted,
            Self::Stopping | Self::Store(StoreError::Full | StoreError::Closed) => {
                ErrCode::ApiUnavailable
            }
            Self::Store(_) | Self::Key(_) | Self::Corrupt { .. } => ErrCode::InternalServerError,
        }
    }

    /// The answer that tells it. What failed inside is logged, not told.
    pub fn envelope(self) -> Envelope {
        let code = self.code();
        match self {
            Self::Invalid(params) => Envelope::invalid(params),
            Self::Duplicate(fields) => {
                let taken: Vec<&str> = fields.iter().map(|field| field.field.as_str()).collect();
                let sentence = format!("already in use: {}", taken.join(", "));
                Envelope::duplicate(fields, sentence)
            }
            other => {
                if code == ErrCode::InternalServerError {
                    tracing::error!(error = %other, "a settings operation failed");
                }
                Envelope::error(code)
            }
        }
    }
}

/// `validation_type` words beside those of `wire::rule`.
pub(crate) mod word {
    /// Not written as it must be.
    pub const FORMAT: &str = "format";
    /// Taken only with its default, since nothing acts on another value yet.
    pub const UNSUPPORTED: &str = "unsupported";
    /// Names what does not exist.
    pub const NOT_FOUND: &str = "not_found";
    /// Named twice.
    pub const DUPLICATE: &str = "duplicate";
    /// Would be above itself.
    pub const CYCLE: &str = "cycle";
    /// Can't be changed.
    pub const READ_ONLY: &str = "read_only";
}

/// One entry of `invalid_param_list`.
pub(crate) fn invalid(field: impl Into<String>, value: Option<&str>, rule: &str) -> InvalidParam {
    InvalidParam {
        field: field.into(),
        value: value.map(|value| value.chars().take(MAX_ECHO).collect()),
        validation_type: Some(rule.to_owned()),
    }
}

/// Characters of a wrong value that are told back.
const MAX_ECHO: usize = 64;

//! Why an operation did not do what it was asked, and the one table that says
//! which `errcode` tells it. No text of an inner error goes out: it is logged.

use exchange::ExchangeError;
use serde_json::{Map, json};
use settings::SettingsError;
use store::StoreError;
use wire::{Envelope, ErrCode, InvalidParam, rule};

use crate::download::ShelfError;
use crate::token::TokenError;

/// Why an operation failed.
#[derive(Debug)]
pub enum Failure {
    /// A code and nothing to add.
    Code(ErrCode),
    /// Request members that are wrong.
    Invalid(Vec<InvalidParam>),
    /// What came is no JSON object: which part of the request, and why.
    Syntax(&'static str, String),
    /// The address is blocked until then, Unix seconds.
    Blocked(i64),
    /// The operation is of the contract, and this PBX does not have it yet.
    NotBuilt,
    /// It can't be done now: why, for people, and which entries are concerned.
    Cannot(&'static str, Vec<InvalidParam>),
    /// An answer of the settings mechanism.
    Settings(SettingsError),
    /// The database failed.
    Store(StoreError),
    /// Something of ours failed; what, for the log.
    Internal(String),
}

impl Failure {
    /// One member that is wrong, by the rule that it breaks.
    pub fn member(field: &str, value: Option<&str>, rule: &str) -> Self {
        Self::Invalid(vec![InvalidParam {
            field: field.to_owned(),
            value: value.map(|value| value.chars().take(MAX_ECHO).collect()),
            validation_type: Some(rule.to_owned()),
        }])
    }

    /// A member that names something that does not exist.
    pub fn unknown(field: &str, value: &str) -> Self {
        Self::member(field, Some(value), NOT_FOUND)
    }

    /// The answer that tells it.
    pub fn envelope(self) -> Envelope {
        match self {
            Self::Code(code) => Envelope::error(code),
            Self::Invalid(params) => Envelope::invalid(params),
            Self::Syntax(part, why) => Envelope {
                invalid_param_list: vec![InvalidParam {
                    field: part.to_owned(),
                    value: Some(why.chars().take(MAX_ECHO).collect()),
                    validation_type: Some(SYNTAX.to_owned()),
                }],
                ..Envelope::error(ErrCode::ParameterSyntaxError)
            },
            Self::Blocked(until) => {
                let mut members = Map::new();
                members.insert("block_expire_time".into(), json!(until));
                Envelope {
                    payload: members,
                    ..Envelope::error(ErrCode::AccountIpBlocked)
                }
            }
            Self::NotBuilt => Envelope {
                errmsg: NOT_BUILT.into(),
                ..Envelope::error(ErrCode::OperationFailed)
            },
            Self::Cannot(why, params) => Envelope {
                errmsg: format!("{}: {why}", ErrCode::OperationFailed.message()).into(),
                invalid_param_list: params,
                ..Envelope::error(ErrCode::OperationFailed)
            },
            Self::Settings(error) => error.envelope(),
            Self::Store(error) => {
                tracing::error!(%error, "the store failed a request");
                Envelope::error(ErrCode::InternalServerError)
            }
            Self::Internal(reason) => {
                tracing::error!(reason, "a request failed");
                Envelope::error(ErrCode::InternalServerError)
            }
        }
    }
}

/// Characters of a wrong value that are told back.
const MAX_ECHO: usize = 64;
/// `validation_type` of a member that names what does not exist.
const NOT_FOUND: &str = "not_found";
/// `validation_type` of a body that can't be read.
const SYNTAX: &str = "syntax";
/// The contract has no word for it; 10009 is what newer editions say where a
/// feature is off. A client that knows only the number sees a failure.
const NOT_BUILT: &str = "OPERATION FAILED: not available in this version";

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::WrongCredentials => Self::Code(ErrCode::Failure),
            TokenError::Blocked(until) => Self::Blocked(until),
            TokenError::TooMany => Self::Code(ErrCode::MaxLimitationExceeded),
            TokenError::Expired => Self::Code(ErrCode::TokenExpired),
            TokenError::NoRandomness => Self::Internal("no randomness".into()),
            TokenError::Store(error) => Self::Store(error),
        }
    }
}

impl From<ShelfError> for Failure {
    fn from(error: ShelfError) -> Self {
        match error {
            ShelfError::Busy => Self::Code(ErrCode::OverloadTaskRunning),
            ShelfError::Io(error) => Self::Internal(format!("files for download: {error}")),
        }
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::NoSuchChannel => Self::Code(ErrCode::ChannelIdNotFound),
            ExchangeError::NoSuchCaller => Self::member("caller", None, NOT_FOUND),
            ExchangeError::NoSuchPermission => Self::member("dial_permission", None, NOT_FOUND),
            ExchangeError::Congestion => Self::Code(ErrCode::MaxLimitationExceeded),
            ExchangeError::Stopping => Self::Code(ErrCode::ApiUnavailable),
        }
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Two members of which a request must have one, and has none or several.
pub fn exactly_one(fields: &[&str], given: usize) -> Failure {
    let broken = if given == 0 {
        rule::REQUIRED
    } else {
        "conflict"
    };
    Failure::Invalid(
        fields
            .iter()
            .map(|field| InvalidParam {
                field: (*field).to_owned(),
                value: None,
                validation_type: Some(broken.to_owned()),
            })
            .collect(),
    )
}

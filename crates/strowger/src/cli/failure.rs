//! How a command ends when it does not do what it should: the exit code and
//! the sentence. The client's errors are put into plain words here, naming the
//! member and the rule that it broke.

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Error, Map, Refusal, Value};
use wire::contract::{Member, Operation};
use wire::{ErrCode, InvalidParam, rule};

/// The PBX refused, or what was asked could not be done.
const REFUSED: u8 = 1;
/// The command line makes no sense.
const USAGE: u8 = 2;
/// The PBX can't be reached.
pub const UNREACHABLE: u8 = 3;

/// A signal ended it: its number on top, as shells have it.
const SIGNALLED: u8 = 128;

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The PBX said no, or something on this side failed.
    #[error("{0}")]
    Refused(String),
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The PBX can't be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A signal ended it, of this number.
    #[error("stopped by a signal")]
    Stopped(u8),
    /// Who read the output has gone: nothing is wrong.
    #[error("nobody reads the output")]
    NobodyReads,
}

/// What commands give.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A sentence on what failed here.
    pub fn here(what: impl Into<String>) -> Self {
        Self::Refused(what.into())
    }

    /// A sentence on a mistake in the command line.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::Usage(what.into())
    }

    /// Tells it, and gives the exit code.
    pub fn tell(&self) -> ExitCode {
        let code = match self {
            Self::NobodyReads => return ExitCode::SUCCESS,
            Self::Stopped(signal) => return ExitCode::from(SIGNALLED.saturating_add(*signal)),
            Self::Refused(_) => REFUSED,
            Self::Usage(_) => USAGE,
            Self::Unreachable(_) => UNREACHABLE,
        };
        eprintln!("strowger: {}", super::out::harmless(&self.to_string()));
        ExitCode::from(code)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(refusal) => Self::Refused(refused(refusal)),
            Error::Partial(refusal) => {
                Self::Refused(format!("done in part only. {}", refused(refusal)))
            }
            Error::Certificate(fingerprint) => Self::Unreachable(format!(
                "the PBX shows a certificate that nobody known has signed, SHA-256\n  {fingerprint}\n\
                 If that is what the PBX itself shows, `strowger login` with --fingerprint trusts it."
            )),
            Error::Unreachable(cause) => {
                Self::Unreachable(format!("the PBX can't be reached: {}", innermost(&**cause)))
            }
            Error::Socket(_) | Error::Timeout | Error::Status(_) | Error::Broken(_) => {
                Self::Unreachable(error.to_string())
            }
            Error::BaseUrl(_) | Error::NoPem | Error::Request(_) | Error::Link(_) => {
                Self::Usage(error.to_string())
            }
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Refused(error.to_string()),
        }
    }
}

/// The cause at the bottom: "Connection refused" rather than five layers.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// What the PBX said, in plain words.
fn refused(refusal: &Refusal) -> String {
    let mut told = format!("{}: {}", refusal.operation, sentence(refusal));
    for line in faults(refusal) {
        told.push_str("\n  ");
        told.push_str(&line);
    }
    told
}

/// A line for each member that was wrong, or taken.
pub fn faults(refusal: &Refusal) -> Vec<String> {
    let operation = ["v1.0", "v2.0"]
        .iter()
        .find_map(|version| wire::contract::operation(version, &refusal.operation));
    let wrong = refusal
        .invalid_params()
        .into_iter()
        .map(|param| broken(operation, &param));
    let taken = refusal.duplicates().into_iter().map(|taken| {
        format!(
            "{}: {} is taken by {} {}",
            taken.field, taken.value, taken.external_source, taken.external_source_name
        )
    });
    wrong.chain(taken).collect()
}

fn sentence(refusal: &Refusal) -> String {
    let code = refusal.errcode;
    let words = match refusal.code() {
        Some(ErrCode::InterfaceNotExisted) => "this PBX has no such operation".into(),
        Some(ErrCode::TokenExpired) => "the login is no longer valid".into(),
        Some(ErrCode::AccessDenied) => "this application may not do that".into(),
        Some(ErrCode::ParameterError | ErrCode::ParameterSyntaxError)
            if !refusal.invalid_fields().is_empty() =>
        {
            "the PBX does not take these members".into()
        }
        Some(ErrCode::DuplicateKeyValue) => "the value is taken".into(),
        Some(ErrCode::ConnectionRelationExisted)
            if refusal.operation == "company_contact/delete" =>
        {
            "the contact is in a phonebook; `strowger contact set ID phonebook=` takes it out"
                .into()
        }
        Some(ErrCode::ConnectionRelationExisted) => "something else still uses it".into(),
        Some(ErrCode::DataNotFound) => "there is no such thing".into(),
        Some(ErrCode::MaxLimitationExceeded) if refusal.operation == "get_token" => {
            "all eight places of this application are taken: \
             `strowger token revoke` where one is not needed, or wait up to 30 minutes"
                .into()
        }
        Some(ErrCode::AccountIpBlocked) => blocked(&refusal.answer),
        Some(ErrCode::IpForbidden) => "the PBX permits other addresses only".into(),
        Some(ErrCode::Failure) if refusal.operation == "get_token" => {
            "the PBX does not know this Client ID and Client Secret".into()
        }
        _ => return format!("{} ({code})", refusal.errmsg),
    };
    format!("{words} ({code} {})", refusal.errmsg)
}

/// Until when an address is blocked, where the PBX says.
fn blocked(answer: &Map<String, Value>) -> String {
    let words = "too many wrong logins: the PBX has blocked this address";
    let until = answer.get("block_expire_time").and_then(|until| {
        until
            .as_u64()
            .or_else(|| until.as_str()?.parse::<u64>().ok())
    });
    let Some(until) = until else {
        return words.into();
    };
    // A time that the clock here does not reach is as good as none.
    let until = UNIX_EPOCH.checked_add(Duration::from_secs(until));
    let left = until.and_then(|until| until.duration_since(SystemTime::now()).ok());
    match left {
        Some(left) => format!("{words} for {} more seconds", left.as_secs()),
        None => words.into(),
    }
}

/// One entry of `invalid_param_list` as a sentence.
fn broken(operation: Option<&Operation>, param: &InvalidParam) -> String {
    let member = operation.and_then(|operation| operation.member(&param.field));
    let value = param.value.as_deref().unwrap_or_default();
    let words = match param.validation_type.as_deref() {
        Some(rule::REQUIRED) => "is missing".to_owned(),
        Some(rule::TYPE) => format!("{value:?} is of the wrong kind"),
        Some(rule::ENUM) => format!("{value:?} is none of {}", set(member)),
        Some(rule::MIN) => format!("{value} is too small{}", bound(member, |m| m.min)),
        Some(rule::MAX) => format!("{value} is too large{}", bound(member, |m| m.max)),
        Some(rule::MAX_LEN) => format!(
            "{value:?} is too long{}",
            bound(member, |m| m.max_len.map(i64::from))
        ),
        Some(other) if !value.is_empty() => format!("{value:?} breaks the rule {other}"),
        Some(other) => format!("breaks the rule {other}"),
        None if !value.is_empty() => value.to_owned(),
        None => "is not taken".to_owned(),
    };
    format!("{}: {words}", param.field)
}

fn set(member: Option<&Member>) -> String {
    let values = member.map_or(&[][..], |member| member.values);
    match values {
        [] => "the values that are allowed".into(),
        values => super::help::values(values),
    }
}

fn bound(member: Option<&Member>, which: impl Fn(&Member) -> Option<i64>) -> String {
    member
        .and_then(which)
        .map(|bound| format!("; the bound is {bound}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_block_without_end_is_told_without_a_time() {
        let blocked = |until: client::Value| {
            let answer = client::json!({"errcode": 70004, "block_expire_time": until});
            super::blocked(answer.as_object().unwrap())
        };
        assert!(!blocked(u64::MAX.into()).contains("seconds"));
        assert!(!blocked(u64::MAX.to_string().into()).contains("seconds"));
        assert!(!blocked(1.into()).contains("seconds"));
        assert!(blocked(9_999_999_999_u64.into()).contains("more seconds"));
    }
}

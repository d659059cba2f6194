//! The client's hold on one of the application's eight places: what a pair of
//! tokens is, when it is fresh, when it can be refreshed. `http` sends,
//! `token_file` keeps; nothing here does either.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Error;

/// How long before its end a token is refreshed, at most; a short-lived one
/// is refreshed after nine tenths of its life.
const REFRESH_AHEAD: Duration = Duration::from_secs(120);
/// No token lives longer; a larger number is taken as this.
const YEAR_S: u64 = 365 * 86_400;

/// Client ID and Client Secret.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub id: String,
    pub secret: String,
}

/// A pair of tokens. Times are those of the wall clock, so that another
/// process can read them; a clock that jumps costs a refresh, no more.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub access: String,
    pub refresh: String,
    /// When the access token is to be refreshed: some time before its end.
    pub fresh_until: SystemTime,
    /// When the access token ends.
    pub valid_until: SystemTime,
    /// When the refresh token ends.
    pub refresh_until: SystemTime,
}

impl Grant {
    /// From the answer of `get_token` or `refresh_token`; `asked` is when the
    /// request left, so that the life is never thought longer than it is.
    pub fn from_answer(answer: &Map<String, Value>, asked: SystemTime) -> Result<Self, Error> {
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| Error::Malformed {
                    operation: "get_token".into(),
                    reason: format!("no {name}"),
                })
        };
        let seconds = |name: &str| {
            let value = answer.get(name);
            let number = value.and_then(Value::as_u64);
            let number = number.or_else(|| value.and_then(Value::as_str)?.parse().ok());
            Duration::from_secs(number.unwrap_or_default().min(YEAR_S))
        };
        let life = seconds("access_token_expire_time");
        Ok(Self {
            access: text("access_token")?,
            refresh: text("refresh_token")?,
            fresh_until: asked + life.saturating_sub(REFRESH_AHEAD.min(life / 10)),
            valid_until: asked + life,
            refresh_until: asked + seconds("refresh_token_expire_time"),
        })
    }

    /// Whether it can be used without a refresh first.
    pub fn is_fresh(&self, now: SystemTime) -> bool {
        now < self.fresh_until
    }

    /// Whether a new access token can be had for it without a login.
    pub fn can_refresh(&self, now: SystemTime) -> bool {
        now < self.refresh_until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_is_refreshed_before_its_end_and_forgotten_after_the_refresh_tokens() {
        let asked = SystemTime::now();
        let answer = json!({"access_token": "a", "refresh_token": "r",
            "access_token_expire_time": 1800, "refresh_token_expire_time": "86400"});
        let grant = Grant::from_answer(answer.as_object().unwrap(), asked).unwrap();
        let at = |s| asked + Duration::from_secs(s);
        assert!(grant.is_fresh(at(1600)) && !grant.is_fresh(at(1700)));
        assert!(grant.can_refresh(at(86_399)) && !grant.can_refresh(at(86_400)));
    }

    #[test]
    fn an_answer_without_tokens_is_malformed() {
        let answer = json!({"errcode": 0});
        let result = Grant::from_answer(answer.as_object().unwrap(), SystemTime::now());
        assert!(matches!(result, Err(Error::Malformed { .. })));
    }
}

//! The client's hold on one of the application's eight places: when to log
//! in, when to refresh. It decides; `http` sends.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::Error;

/// How long before its end a token is refreshed, at most; a short-lived one
/// is refreshed after nine tenths of its life.
const REFRESH_AHEAD: Duration = Duration::from_secs(120);

/// Client ID and Client Secret.
#[derive(Clone, Default)]
pub(crate) struct Credentials {
    pub id: String,
    pub secret: String,
}

/// The tokens in hand.
#[derive(Clone)]
pub(crate) struct Grant {
    pub access: String,
    pub refresh: String,
    fresh_until: Instant,
    refresh_until: Instant,
}

/// What to do to have a valid token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Use,
    Refresh,
    LogIn,
}

impl Grant {
    /// From the answer of `get_token` or `refresh_token`; `asked` is when the
    /// request left, so that the life is never thought longer than it is.
    pub fn from_answer(answer: &Map<String, Value>, asked: Instant) -> Result<Self, Error> {
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
            refresh_until: asked + seconds("refresh_token_expire_time"),
        })
    }

    fn can_refresh(&self, now: Instant) -> bool {
        now < self.refresh_until
    }
}

/// No token lives longer; a larger number is taken as this.
const YEAR_S: u64 = 365 * 86_400;

/// What to do before a request.
pub(crate) fn before_request(grant: Option<&Grant>, now: Instant) -> Step {
    match grant {
        Some(grant) if now < grant.fresh_until => Step::Use,
        other => after_refusal(other, now),
    }
}

/// What to do when the PBX said that the token is not valid.
pub(crate) fn after_refusal(grant: Option<&Grant>, now: Instant) -> Step {
    match grant {
        Some(grant) if grant.can_refresh(now) => Step::Refresh,
        _ => Step::LogIn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn grant(life: u64, asked: Instant) -> Grant {
        let answer = json!({"access_token": "a", "refresh_token": "r",
            "access_token_expire_time": life, "refresh_token_expire_time": 86400});
        Grant::from_answer(answer.as_object().unwrap(), asked).unwrap()
    }

    #[test]
    fn a_token_is_refreshed_before_its_end_and_forgotten_after_the_refresh_tokens() {
        let asked = Instant::now();
        let grant = grant(1800, asked);
        let at = |s| before_request(Some(&grant), asked + Duration::from_secs(s));
        assert_eq!(at(1600), Step::Use);
        assert_eq!(at(1700), Step::Refresh);
        assert_eq!(at(86_400), Step::LogIn);
        assert_eq!(before_request(None, asked), Step::LogIn);
    }

    #[test]
    fn an_answer_without_tokens_is_malformed() {
        let answer = json!({"errcode": 0});
        let result = Grant::from_answer(answer.as_object().unwrap(), Instant::now());
        assert!(matches!(result, Err(Error::Malformed { .. })));
    }
}

//! `get_token`, `refresh_token`, `del_token`.

use serde_json::{Value, json};
use wire::{Envelope, ErrCode, InvalidParam};

use crate::failure::Failure;
use crate::limits::{ACCESS_TOKEN_LIFE_S, REFRESH_TOKEN_LIFE_S};
use crate::operations::{Answer, Call};
use crate::token::{Pair, TokenError};

/// Client ID and Secret for a pair of tokens.
pub async fn get_token(call: Call) -> Answer {
    // A blank one is wrong, not missing: it is compared like any other.
    let given = |name| {
        call.params
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    match call
        .app
        .tokens
        .log_in(given("username"), given("password"), call.from)
        .await
    {
        Ok(pair) => Ok(tokens(&pair)),
        Err(TokenError::WrongCredentials) => {
            tracing::warn!(from = %call.from, "wrong API credentials");
            Ok(Envelope {
                invalid_param_list: vec![InvalidParam {
                    field: "username or password".into(),
                    value: Some("error".into()),
                    validation_type: None,
                }],
                ..Envelope::error(ErrCode::Failure)
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// The newest refresh token for a new pair.
pub async fn refresh_token(call: Call) -> Answer {
    let given = call
        .params
        .get("refresh_token")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Ok(tokens(&call.app.tokens.refresh(given, call.from).await?))
}

/// Revokes the token that the request came with.
pub async fn del_token(call: Call) -> Answer {
    let grant = call.grant.ok_or(Failure::Code(ErrCode::TokenExpired))?;
    call.app.tokens.revoke(grant).await?;
    Ok(Envelope::default())
}

fn tokens(pair: &Pair) -> Envelope {
    let members = [
        ("access_token_expire_time", json!(ACCESS_TOKEN_LIFE_S)),
        ("access_token", json!(pair.access)),
        ("refresh_token_expire_time", json!(REFRESH_TOKEN_LIFE_S)),
        ("refresh_token", json!(pair.refresh)),
    ];
    Envelope::ok(
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

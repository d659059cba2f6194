//! Access tokens: pairs of access and refresh token, kept as hashes only.
//!
//! Which token is good, and how many may be, is the API's rule; here are rows.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::batch::Batch;
use crate::error::StoreError;
use crate::store::Store;

/// SHA-256 of a token. The token itself is never stored.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    /// The hash of a token as its owner sends it.
    pub fn of(token: &str) -> Self {
        let mut text = String::with_capacity(64);
        for byte in Sha256::digest(token.as_bytes()) {
            // Writing to a String can't fail.
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A pair of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Hash of the access token.
    pub access: TokenHash,
    /// Hash of the refresh token.
    pub refresh: TokenHash,
    /// Whose it is: the Client ID.
    pub owner: String,
    /// When the access token runs out, unix seconds.
    pub access_expires: i64,
    /// When the refresh token runs out, unix seconds.
    pub refresh_expires: i64,
}

/// A change to the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenChange {
    /// Adds a pair.
    Insert(TokenRow),
    /// Removes a pair, by its access token.
    Delete(TokenHash),
    /// Removes all pairs of which neither token is good any more at this unix second.
    Purge(i64),
}

const COLUMNS: &str =
    "SELECT access_hash, refresh_hash, owner, access_expires, refresh_expires FROM token";

fn read(row: &SqliteRow) -> Result<TokenRow, StoreError> {
    Ok(TokenRow {
        access: TokenHash(row.try_get(0)?),
        refresh: TokenHash(row.try_get(1)?),
        owner: row.try_get(2)?,
        access_expires: row.try_get(3)?,
        refresh_expires: row.try_get(4)?,
    })
}

impl Store {
    /// The pair of an access token, run out or not.
    pub async fn token_by_access(
        &self,
        access: &TokenHash,
    ) -> Result<Option<TokenRow>, StoreError> {
        self.token("access_hash", access).await
    }

    /// The pair of a refresh token, run out or not.
    pub async fn token_by_refresh(
        &self,
        refresh: &TokenHash,
    ) -> Result<Option<TokenRow>, StoreError> {
        self.token("refresh_hash", refresh).await
    }

    async fn token(
        &self,
        column: &'static str,
        hash: &TokenHash,
    ) -> Result<Option<TokenRow>, StoreError> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(COLUMNS);
        sql.push(" WHERE ")
            .push(column)
            .push(" = ")
            .push_bind(hash.as_str());
        let row = sql.build().fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// All pairs of which at least one token is good at `now`, unix seconds.
    pub async fn tokens(&self, now: i64) -> Result<Vec<TokenRow>, StoreError> {
        let mut sql = sqlx::QueryBuilder::<sqlx::Sqlite>::new(COLUMNS);
        sql.push(" WHERE access_expires > ").push_bind(now);
        sql.push(" OR refresh_expires > ").push_bind(now);
        let rows = sql.build().fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// How many access tokens of an owner are good at `now`, unix seconds.
    pub async fn token_count(&self, owner: &str, now: i64) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM token WHERE owner = $1 AND access_expires > $2",
        )
        .bind(owner)
        .bind(now)
        .fetch_one(self.readers())
        .await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Adds a pair and waits until it is kept.
    pub async fn token_insert(&self, row: TokenRow) -> Result<(), StoreError> {
        self.change_tokens(vec![TokenChange::Insert(row)]).await
    }

    /// Puts a new pair in an old one's place, in one step.
    pub async fn token_replace(&self, old: TokenHash, row: TokenRow) -> Result<(), StoreError> {
        self.change_tokens(vec![TokenChange::Delete(old), TokenChange::Insert(row)])
            .await
    }

    /// Removes a pair, by its access token.
    pub async fn token_delete(&self, access: TokenHash) -> Result<(), StoreError> {
        self.change_tokens(vec![TokenChange::Delete(access)]).await
    }

    /// Removes what has run out at `now`, unix seconds.
    pub async fn token_purge(&self, now: i64) -> Result<(), StoreError> {
        self.change_tokens(vec![TokenChange::Purge(now)]).await
    }

    async fn change_tokens(&self, tokens: Vec<TokenChange>) -> Result<(), StoreError> {
        self.write(Batch {
            tokens,
            ..Batch::default()
        })
        .await
        .map(|_| ())
    }
}

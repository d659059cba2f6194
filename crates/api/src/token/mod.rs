//! Tokens: who may come in, how long, and how many at once.
//!
//! The valid ones are held in memory as hashes and kept in the store before
//! they are given out, so that a restart loses none. A token pair is a *grant*:
//! it has one of the application's places while its access token is valid. A
//! refresh puts new tokens into the grant and takes no further place; sockets
//! that were opened with it go on. Plain tokens are never stored or logged.

mod blocked;

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use settings::Sealer;
use sha2::{Digest, Sha256};
use store::{Batch, Store, StoreError, TokenChange, TokenHash, TokenRow};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::limits::{
    ACCESS_TOKEN_LIFE_S, KEEP_TIMEOUT, MAX_ACCESS_TOKENS, REFRESH_TOKEN_LIFE_S, REVOKE_TIMEOUT,
};
use blocked::Blocked;
pub use blocked::one_owner;

/// Letters and digits of a token.
const TOKEN_LENGTH: usize = 32;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The name that the blocked addresses are kept by.
const BLOCKED: &str = "api_blocked";

/// Names a grant as long as this process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantId(u64);

/// Why no token is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenError {
    /// Wrong Client ID or Client Secret.
    WrongCredentials,
    /// The address failed too often; until when, Unix seconds.
    Blocked(i64),
    /// All places of the application are taken.
    TooMany,
    /// Not the newest refresh token, or run out.
    Expired,
    /// The operating system has no randomness.
    NoRandomness,
    /// The store did not keep it.
    Store(StoreError),
}

/// A new pair of tokens, as it is given to the application.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

struct Grant {
    id: GrantId,
    row: TokenRow,
}

struct State {
    grants: Vec<Grant>,
    next: u64,
    blocked: Blocked,
}

/// The tokens of the one application that this PBX knows.
pub struct Tokens {
    store: Store,
    id: [u8; 32],
    secret: [u8; 32],
    owner: String,
    // Never held across a wait: every request and every socket looks here.
    state: Mutex<State>,
    // Held across the store's commit, so that no two requests take one place.
    writing: tokio::sync::Mutex<()>,
    changed: watch::Sender<()>,
    blocks: watch::Sender<()>,
    // What the store has of the blocks; held across its commit.
    kept_blocks: tokio::sync::Mutex<String>,
}

impl Tokens {
    /// With the tokens that are still valid from before.
    pub async fn open(
        store: Store,
        sealer: &Sealer,
        client_id: &str,
        secret: &str,
    ) -> Result<Self, StoreError> {
        let owner = owner(sealer, client_id, secret);
        let kept = store.tokens(now()).await?;
        let blocked = store.meta(BLOCKED).await?.unwrap_or_default();
        let mut state = State {
            grants: Vec::new(),
            next: 0,
            blocked: Blocked::restored(&blocked, now()),
        };
        for row in kept.into_iter().filter(|row| row.owner == owner) {
            state.add(row);
        }
        Ok(Self {
            store,
            id: Sha256::digest(client_id).into(),
            secret: Sha256::digest(secret).into(),
            owner,
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::new(()),
            changed: watch::Sender::new(()),
            blocks: watch::Sender::new(()),
            kept_blocks: tokio::sync::Mutex::new(blocked),
        })
    }

    /// A new pair for who knows Client ID and Secret.
    pub async fn log_in(&self, id: &str, secret: &str, from: IpAddr) -> Result<Pair, TokenError> {
        let now = now();
        self.credentials(id, secret, from, now)?;
        let _writing = self.writing.lock().await;
        {
            let mut state = self.state.lock();
            state.forget(now);
            if state.valid(now) >= MAX_ACCESS_TOKENS {
                return Err(TokenError::TooMany);
            }
        }
        let (pair, row) = self.pair(now)?;
        // What has run out is swept out at a moment that is rare anyway.
        self.keep(vec![
            TokenChange::Insert(row.clone()),
            TokenChange::Purge(now),
        ])
        .await?;
        self.state.lock().add(row);
        Ok(pair)
    }

    /// Whether somebody knows Client ID and Secret, and may try.
    fn credentials(
        &self,
        id: &str,
        secret: &str,
        from: IpAddr,
        now: i64,
    ) -> Result<(), TokenError> {
        let mut state = self.state.lock();
        if let Some(until) = state.blocked.until(from, now) {
            return Err(TokenError::Blocked(until));
        }
        let id: [u8; 32] = Sha256::digest(id).into();
        let given: [u8; 32] = Sha256::digest(secret).into();
        if !bool::from(self.id.ct_eq(&id) & self.secret.ct_eq(&given)) {
            if let Some(until) = state.blocked.failed(from, now) {
                tracing::warn!(%from, until, "blocked: too many wrong API credentials in a row");
                metrics::counter!("strowger_api_addresses_blocked_total").increment(1);
                self.blocks.send_replace(());
            }
            return Err(TokenError::WrongCredentials);
        }
        state.blocked.succeeded(from);
        Ok(())
    }

    /// A new pair for the newest refresh token of a grant.
    pub async fn refresh(&self, refresh: &str, from: IpAddr) -> Result<Pair, TokenError> {
        let now = now();
        let hash = TokenHash::of(refresh);
        let _writing = self.writing.lock().await;
        let (id, old) = {
            let mut state = self.state.lock();
            if let Some(until) = state.blocked.until(from, now) {
                return Err(TokenError::Blocked(until));
            }
            state.forget(now);
            let others = state
                .grants
                .iter()
                .filter(|g| g.row.refresh != hash && g.row.access_expires > now);
            let full = others.count() >= MAX_ACCESS_TOKENS;
            let grant = state
                .grants
                .iter()
                .find(|grant| grant.row.refresh == hash && grant.row.refresh_expires > now)
                .ok_or(TokenError::Expired)?;
            // Only where its access token ran out and others took the place.
            if full {
                return Err(TokenError::TooMany);
            }
            (grant.id, grant.row.access.clone())
        };
        let (pair, row) = self.pair(now)?;
        self.keep(vec![
            TokenChange::Delete(old),
            TokenChange::Insert(row.clone()),
        ])
        .await?;
        let revoked = match self.state.lock().grant(id) {
            Some(grant) => {
                grant.row = row;
                None
            }
            None => Some(row.access),
        };
        // It was revoked meanwhile, and what is kept now must not outlive that.
        if let Some(access) = revoked {
            self.forget_kept(access).await?;
            return Err(TokenError::Expired);
        }
        self.changed.send_replace(());
        Ok(pair)
    }

    /// Ends a grant: its tokens are void, its place is free, its sockets close,
    /// whatever comes after. It succeeds when a restart can't bring them back.
    pub async fn revoke(&self, id: GrantId) -> Result<(), TokenError> {
        // It does not wait for who is writing: a refresh that is under way finds
        // its grant gone, and takes back what it has written.
        let Some(access) = self.state.lock().remove(id).map(|row| row.access) else {
            return Ok(());
        };
        self.changed.send_replace(());
        self.forget_kept(access).await
    }

    /// Removes what is kept of a grant that is void already. The journal tries
    /// for longer than is waited for here.
    async fn forget_kept(&self, access: TokenHash) -> Result<(), TokenError> {
        let taken = self.store.journal().submit_lasting(Batch {
            tokens: vec![TokenChange::Delete(access)],
            ..Batch::default()
        });
        let ticket = taken.map_err(|_| TokenError::Store(StoreError::Full))?;
        timeout(REVOKE_TIMEOUT, ticket)
            .await
            .unwrap_or(Err(StoreError::Full))
            .map(|_| ())
            .map_err(TokenError::Store)
    }

    /// The grant of an access token that is valid.
    pub fn check(&self, access: &str) -> Option<GrantId> {
        let now = now();
        let hash = TokenHash::of(access);
        let state = self.state.lock();
        let grant = state.grants.iter().find(|grant| grant.row.access == hash)?;
        (grant.row.access_expires > now).then_some(grant.id)
    }

    /// Seconds for which a grant's access token is still valid, if it is.
    pub fn left(&self, id: GrantId) -> Option<u64> {
        let expires = self.state.lock().grant(id)?.row.access_expires;
        u64::try_from(expires - now()).ok().filter(|left| *left > 0)
    }

    /// Waits until a change is kept, but not for ever: a database that takes
    /// nothing must not hold the next one who logs in.
    async fn keep(&self, tokens: Vec<TokenChange>) -> Result<(), TokenError> {
        let batch = Batch {
            tokens,
            ..Batch::default()
        };
        timeout(KEEP_TIMEOUT, self.store.write(batch))
            .await
            .unwrap_or(Err(StoreError::Full))
            .map(|_| ())
            .map_err(TokenError::Store)
    }

    /// The addresses that are blocked now, and until when, Unix seconds.
    pub fn blocked(&self) -> Vec<(IpAddr, i64)> {
        self.state.lock().blocked.list(now())
    }

    /// Lets an address log in again, or all that are blocked; which ones were.
    pub fn unblock(&self, address: Option<IpAddr>) -> Vec<IpAddr> {
        let lifted = self.state.lock().blocked.lift(address, now());
        self.blocks.send_replace(());
        lifted
    }

    /// Wakes whenever an address was blocked, or its block lifted.
    pub fn block_changes(&self) -> watch::Receiver<()> {
        self.blocks.subscribe()
    }

    /// Keeps the blocks as they are now for the next start. No request waits for
    /// it, and one write has all that changed meanwhile.
    pub async fn keep_blocks(&self) {
        let mut kept = self.kept_blocks.lock().await;
        let text = self.state.lock().blocked.kept(now());
        if *kept == text {
            return;
        }
        let written = timeout(KEEP_TIMEOUT, self.store.set_meta(BLOCKED, &text));
        match written.await.unwrap_or(Err(StoreError::Full)) {
            Ok(()) => *kept = text,
            Err(error) => {
                tracing::warn!(%error, "a restart will not know which addresses are blocked");
            }
        }
    }

    /// Wakes whenever a grant was refreshed or revoked.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    fn pair(&self, now: i64) -> Result<(Pair, TokenRow), TokenError> {
        let pair = Pair {
            access: random_token()?,
            refresh: random_token()?,
        };
        let row = TokenRow {
            access: TokenHash::of(&pair.access),
            refresh: TokenHash::of(&pair.refresh),
            owner: self.owner.clone(),
            access_expires: now + ACCESS_TOKEN_LIFE_S,
            refresh_expires: now + REFRESH_TOKEN_LIFE_S,
        };
        Ok((pair, row))
    }
}

impl State {
    fn grant(&mut self, id: GrantId) -> Option<&mut Grant> {
        self.grants.iter_mut().find(|grant| grant.id == id)
    }

    fn remove(&mut self, id: GrantId) -> Option<TokenRow> {
        let place = self.grants.iter().position(|grant| grant.id == id)?;
        Some(self.grants.swap_remove(place).row)
    }

    fn add(&mut self, row: TokenRow) {
        self.grants.push(Grant {
            id: GrantId(self.next),
            row,
        });
        self.next += 1;
    }

    /// Refresh tokens live a day and at most eight grants are made in half an
    /// hour, so that what is left here is bounded.
    fn forget(&mut self, now: i64) {
        self.grants
            .retain(|grant| grant.row.access_expires > now || grant.row.refresh_expires > now);
    }

    fn valid(&self, now: i64) -> usize {
        self.grants
            .iter()
            .filter(|grant| grant.row.access_expires > now)
            .count()
    }
}

/// Whose tokens these are: a new Client Secret makes the old tokens void. The
/// mark says nothing of the secret to who has not the key file.
fn owner(sealer: &Sealer, client_id: &str, secret: &str) -> String {
    let text = format!("{client_id}\0{secret}");
    format!(
        "{client_id}#{:016x}",
        sealer.mark("api_client", text.as_bytes())
    )
}

/// Letters and digits that nobody can guess.
pub fn random_token() -> Result<String, TokenError> {
    let mut token = String::with_capacity(TOKEN_LENGTH);
    let mut bytes = [0_u8; 64];
    while token.len() < TOKEN_LENGTH {
        getrandom::fill(&mut bytes).map_err(|_| TokenError::NoRandomness)?;
        // 248 is four times 62: each sign is as likely as the others.
        let signs = bytes
            .iter()
            .filter(|byte| **byte < 248)
            .filter_map(|byte| ALPHABET.get(usize::from(byte % 62)))
            .map(|sign| char::from(*sign));
        token.extend(signs.take(TOKEN_LENGTH - token.len()));
    }
    Ok(token)
}

/// Whether a text may have come from [`random_token`].
pub fn is_random_token(text: &str) -> bool {
    text.len() == TOKEN_LENGTH && text.bytes().all(|sign| ALPHABET.contains(&sign))
}

fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_32_letters_and_digits_and_differ() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(one.len(), TOKEN_LENGTH);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert!(is_random_token(&one) && !is_random_token(&one[1..]));
        assert_ne!(one, other);
    }

    #[test]
    fn another_secret_is_another_owner() {
        let key = std::env::temp_dir().join(format!("strowger-owner-{}", std::process::id()));
        let sealer = Sealer::open(&key).unwrap();
        let owner = |secret| owner(&sealer, "id", secret);
        assert_ne!(owner("one"), owner("two"));
        assert_eq!(owner("one"), owner("one"));
        std::fs::remove_file(key).unwrap();
    }
}

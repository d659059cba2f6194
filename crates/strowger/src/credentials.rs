//! The API's Client ID and Client Secret, and the serial number: what is set
//! counts, what is not is made at the first start and kept. The secret is kept
//! sealed by the data directory's key file, never in the clear.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use settings::Sealer;
use store::{Store, StoreOptions};

use crate::config::{Api, Config};
use crate::data_dir::DataDir;
use crate::serve::Result;

const CLIENT_ID: &str = "api_client_id";
const CLIENT_SECRET: &str = "api_client_secret";
const SERIAL: &str = "serial";
/// Length of what is made here, letters and digits.
const LENGTH: usize = 32;
/// Length of a serial number that is made here, upper-case hex.
const SERIAL_LENGTH: usize = 12;

/// What an application logs in with.
#[derive(Clone, Serialize, Deserialize)]
pub struct Credentials {
    /// Client ID.
    pub client_id: String,
    /// Client Secret.
    pub client_secret: String,
}

/// Reads the credentials, making and keeping what is neither set nor kept.
pub async fn load_or_make(store: &Store, key_file: &Path, set: &Api) -> Result<Credentials> {
    let client_id = match (&set.client_id, store.meta(CLIENT_ID).await?) {
        (Some(set), _) => set.clone(),
        (None, Some(kept)) => kept,
        (None, None) => {
            let made = random_text(LENGTH)?;
            store.set_meta(CLIENT_ID, &made).await?;
            made
        }
    };
    let client_secret = match (&set.client_secret, store.meta(CLIENT_SECRET).await?) {
        (Some(set), _) => set.clone(),
        (None, Some(kept)) => {
            let sealed = STANDARD.decode(kept)?;
            String::from_utf8(Sealer::open(key_file)?.unseal(CLIENT_SECRET, &sealed)?)?
        }
        (None, None) => {
            let made = random_text(LENGTH)?;
            let sealed = Sealer::open(key_file)?.seal(CLIENT_SECRET, made.as_bytes())?;
            store
                .set_meta(CLIENT_SECRET, &STANDARD.encode(sealed))
                .await?;
            made
        }
    };
    Ok(Credentials {
        client_id,
        client_secret,
    })
}

/// The serial number, made at the first start where none is set.
pub async fn serial(store: &Store, set: Option<&str>) -> Result<String> {
    if let Some(set) = set {
        return Ok(set.into());
    }
    if let Some(kept) = store.meta(SERIAL).await? {
        return Ok(kept);
    }
    let mut bytes = [0; SERIAL_LENGTH / 2];
    getrandom::fill(&mut bytes)?;
    let made: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
    store.set_meta(SERIAL, &made).await?;
    Ok(made)
}

/// `strowger credentials`: shows them; the exchange may run meanwhile.
pub async fn show(config: &Config) -> Result<()> {
    if !config.data.dir.is_dir() {
        // Somebody stands in the wrong place, or nothing has run yet.
        let dir = config.data.dir.display();
        return Err(format!("no data directory {dir}: `strowger serve` makes it").into());
    }
    DataDir::make(&config.data.dir)?;
    let store = Store::open(&config.database_url(), StoreOptions::default()).await?;
    let credentials =
        load_or_make(&store, &config.data.dir.join("secret.key"), &config.api).await?;
    println!(
        "Client ID      {}\nClient Secret  {}",
        credentials.client_id, credentials.client_secret
    );
    store.close().await;
    Ok(())
}

/// Random letters and digits.
pub fn random_text(length: usize) -> Result<String> {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        // Values over 247 are thrown away, so that all letters are as likely.
        text.extend(
            bytes
                .iter()
                .filter(|b| **b < 248)
                .filter_map(|b| LETTERS.get(usize::from(b % 62)))
                .map(|b| char::from(*b))
                .take(length - text.len()),
        );
    }
    Ok(text)
}

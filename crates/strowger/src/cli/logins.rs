//! The login file: which PBXes this user has logged in to, with what. Its
//! owner alone can read it; tokens lie beside it, a file a login.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::failure::{Failure, Result};

/// One PBX and an application's place on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// Its address.
    pub url: String,
    /// Client ID.
    pub client_id: String,
    /// Client Secret.
    pub client_secret: String,
    /// The certificate that is trusted, by its SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Authorities beside the system's, a PEM file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// All of them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Logins {
    /// The one that counts where none is named: the last logged in to.
    #[serde(default)]
    pub current: Option<String>,
    /// By name.
    #[serde(default)]
    pub logins: BTreeMap<String, Login>,
}

impl Logins {
    /// Reads the file; no file is no logins.
    pub fn load() -> Result<Self> {
        let path = folder()?.join("logins.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(told(&path, &error)),
        };
        serde_json::from_str(&text).map_err(|error| told(&path, &error))
    }

    /// Writes the file, whole or not at all.
    pub fn save(&self) -> Result<()> {
        let folder = folder()?;
        make_private(&folder)?;
        let path = folder.join("logins.json");
        let text = serde_json::to_vec_pretty(self).map_err(|error| told(&path, &error))?;
        write_private(&path, &text)
    }

    /// One by its name.
    pub fn named(&self, name: &str) -> Result<(&str, &Login)> {
        let found = self.logins.get_key_value(name);
        let (name, login) = found.ok_or_else(|| {
            let names = self.logins.keys().map(String::as_str);
            Failure::usage(format!(
                "there is no login {name:?}.{}",
                super::help::did_you_mean(name, names)
            ))
        })?;
        Ok((name, login))
    }

    /// One by the PBX's address; the current one first.
    pub fn of_url(&self, url: &str) -> Option<(&str, &Login)> {
        let same = |login: &Login| trimmed(&login.url) == trimmed(url);
        let current = self.current.as_deref();
        let mut found: Vec<_> = self
            .logins
            .iter()
            .filter(|(_, login)| same(login))
            .collect();
        found.sort_by_key(|(name, _)| Some(name.as_str()) != current);
        found.first().map(|(name, login)| (name.as_str(), *login))
    }
}

fn trimmed(url: &str) -> &str {
    url.trim_end_matches('/')
}

/// Where the tokens of a login are kept.
pub fn token_file(name: &str) -> Result<PathBuf> {
    Ok(folder()?
        .join("tokens")
        .join(format!("{}.json", safe(name))))
}

/// Where those are kept that an application's credentials in the environment
/// have got, in a place that can be written to. Two that share a name for want
/// of signs do not share tokens: the file says whose they are.
pub fn token_file_of(url: &str, client_id: &str) -> Result<PathBuf> {
    const LONGEST: usize = 200;
    let folder = folder()?.join("tokens");
    make_private(&folder)?;
    let place = trimmed(url).split_once("://").map_or(url, |(_, rest)| rest);
    let mut name = safe(&format!("{place}-{client_id}"));
    name.truncate(LONGEST);
    let path = folder.join(format!("environment-{name}.json"));
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| told(&path, &error))?;
    Ok(path)
}

/// A name may have signs that a file's must not.
fn safe(name: &str) -> String {
    name.chars()
        .map(|sign| {
            if sign.is_ascii_alphanumeric() || "-.".contains(sign) {
                sign
            } else {
                '_'
            }
        })
        .collect()
}

/// `$XDG_CONFIG_HOME/strowger`, mostly `~/.config/strowger`.
fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let base = set("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".config")));
    base.map(|base| base.join("strowger")).ok_or_else(|| {
        Failure::here("neither XDG_CONFIG_HOME nor HOME is set: no place for logins")
    })
}

fn make_private(folder: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| told(folder, &error))
}

/// A file that its owner alone can read, whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let write = || -> std::io::Result<()> {
        // One of before may have other permissions.
        let _ = fs::remove_file(&draft);
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&draft, path)
    };
    write().map_err(|error| told(path, &error))
}

fn told(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::here(format!("{}: {error}", path.display()))
}

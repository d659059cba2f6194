//! The configuration: a TOML file and the environment
//! (`STROWGER_<SECTION>__<KEY>`), typed; an unknown key is an error that names
//! file and key.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use exchange::Network;
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Value};
use serde::{Deserialize, Deserializer};
use sip::digest::Algorithm;

/// The whole configuration; what is left out has its default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[data]`
    pub data: Data,
    /// `[database]`
    pub database: Database,
    /// `[http]`
    pub http: Http,
    /// `[https]`
    pub https: Https,
    /// `[sip]`
    pub sip: Sip,
    /// `[rtp]`
    pub rtp: Rtp,
    /// `[net]`
    pub net: Net,
    /// `[api]`
    pub api: Api,
    /// `[pbx]`
    pub pbx: Pbx,
    /// `[organization]`
    pub organization: Organization,
    /// `[smtp]`
    pub smtp: Smtp,
    /// What is logged, as `tracing`'s filters say it (`info`, `sip=debug,info`).
    pub log: String,
}

/// Where data is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// The directory; made where it is missing.
    pub dir: PathBuf,
}

/// Which database.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:<path>`; in the data directory where none is named.
    pub url: Option<String>,
}

/// Where HTTP is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; port 0 picks a free one.
    pub listen: SocketAddr,
}

/// Where HTTPS is taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Https {
    /// Address and port; port 0 picks a free one.
    pub listen: SocketAddr,
}

/// SIP's sockets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sip {
    /// UDP address and port.
    pub udp: SocketAddr,
    /// Digest algorithms that phones are asked for, in this order: `MD5`,
    /// `SHA-256`, `SHA-512-256`. Some phones give up when asked for two.
    #[serde(deserialize_with = "digest")]
    pub digest: Vec<Algorithm>,
}

/// RTP's sockets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rtp {
    /// Address.
    pub listen: IpAddr,
    /// First and last port.
    pub ports: Ports,
}

/// A range of ports, written `20000-29999`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// First.
    pub first: u16,
    /// Last.
    pub last: u16,
}

/// How the PBX is seen from outside.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Net {
    /// Told in Contact, Via and SDP to peers outside of the local networks.
    pub external_address: Option<IpAddr>,
    /// Networks that are inside; the private ranges where none is named.
    pub local_networks: Vec<String>,
}

/// Who may use the API; the credentials are made at the first start where not set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// Client ID.
    #[serde(deserialize_with = "text")]
    pub client_id: Option<String>,
    /// Client Secret.
    #[serde(deserialize_with = "text")]
    pub client_secret: Option<String>,
    /// Addresses and networks that may ask; everybody where none is named.
    #[serde(deserialize_with = "networks")]
    pub permitted: Vec<Network>,
    /// Most requests a second from one address; no bound where there is none.
    pub requests_per_second: Option<NonZeroU32>,
}

/// Who this PBX is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pbx {
    /// Its name.
    #[serde(deserialize_with = "text")]
    pub name: Option<String>,
    /// Its serial number, `sn` in events; made at the first start where not set.
    #[serde(deserialize_with = "text")]
    pub serial: Option<String>,
    /// Its time zone (`Europe/Berlin`); the machine's where none is set.
    pub timezone: Option<String>,
    /// `YYYY/MM/DD`, `MM/DD/YYYY`, `DD/MM/YYYY` and the same with dashes.
    pub date_format: Option<String>,
    /// `HH:mm:ss` or `hh:mm:ss` (with AM and PM).
    pub time_format: Option<String>,
}

/// Organization management, which the API can't switch. A change is told as
/// event 30005 at the next start.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organization {
    /// Off, all of `organization/*` answers 70120 and nobody enters a department.
    pub enabled: bool,
    /// The root is shown to users: told in event 30005.
    pub show_root: bool,
}

/// The server that mail goes through; no mail where no host is named.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// Its name or address.
    pub host: Option<String>,
    /// Its port; 25, 587 or 465 where none is set, by the security.
    pub port: Option<u16>,
    /// `none`, `starttls` or `tls`.
    pub security: Security,
    /// Who we are to it, where it wants to know.
    #[serde(deserialize_with = "text")]
    pub username: Option<String>,
    /// The password of that.
    #[serde(deserialize_with = "text")]
    pub password: Option<String>,
    /// Who letters are from: `pbx@example.org` or `The PBX <pbx@example.org>`.
    pub from: Option<String>,
    /// A PEM file with a certificate that the server's may be signed by.
    pub ca: Option<PathBuf>,
}

/// Without the password.
impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("security", &self.security)
            .field("username", &self.username)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// How the conversation with the mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Not at all.
    None,
    /// TLS after STARTTLS, which must be there.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
}

impl Default for Organization {
    fn default() -> Self {
        Self {
            enabled: true,
            show_root: true,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: Data::default(),
            database: Database::default(),
            http: Http::default(),
            https: Https::default(),
            sip: Sip::default(),
            rtp: Rtp::default(),
            net: Net::default(),
            api: Api::default(),
            pbx: Pbx::default(),
            organization: Organization::default(),
            smtp: Smtp::default(),
            log: "info".into(),
        }
    }
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("strowger-data"),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: everywhere(8080),
        }
    }
}

impl Default for Https {
    fn default() -> Self {
        Self {
            listen: everywhere(8088),
        }
    }
}

fn everywhere(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            udp: everywhere(5060),
            digest: vec![Algorithm::Md5],
        }
    }
}

impl Default for Rtp {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            ports: Ports {
                first: 20000,
                last: 29999,
            },
        }
    }
}

impl Ports {
    /// As a range.
    pub fn range(self) -> RangeInclusive<u16> {
        self.first..=self.last
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no range of ports; write it as 20000-29999");
        let (first, last) = text.split_once('-').ok_or_else(wrong)?;
        let first: u16 = first.trim().parse().map_err(|_| wrong())?;
        let last: u16 = last.trim().parse().map_err(|_| wrong())?;
        if first == 0 || last <= first {
            Err(wrong())
        } else {
            Ok(Self { first, last })
        }
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

fn digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Algorithm>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    if names.is_empty() {
        return Err(serde::de::Error::custom("name at least one algorithm"));
    }
    names
        .iter()
        .map(|name| {
            Algorithm::parse(name)
                .map_err(|_| serde::de::Error::custom(format!("{name:?} is no digest algorithm")))
        })
        .collect()
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parsed = texts.iter().map(|text| text.parse());
    parsed
        .collect::<Result<_, _>>()
        .map_err(serde::de::Error::custom)
}

/// Text that may look like a number: the environment can't tell the two apart.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Number(i64),
    }
    Ok(
        Option::<Either>::deserialize(deserializer)?.map(|either| match either {
            Either::Text(text) => text,
            Either::Number(number) => number.to_string(),
        }),
    )
}

impl Config {
    /// Reads the file, where one is named, and then the environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            if !file.is_file() {
                return Err(ConfigError::Missing(file.to_owned()));
            }
            figment = figment.merge(Toml::file_exact(file));
        }
        let environment = Env::prefixed("STROWGER_")
            .filter(|key| !NOT_CONFIGURATION.contains(&key.as_str().to_ascii_uppercase().as_str()))
            .split("__");
        let texts = texts(std::env::vars_os());
        let config: Self = figment
            .merge(environment)
            .merge(texts)
            .extract()
            .map_err(invalid)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        if let Some(url) = &self.database.url
            && !url.starts_with("sqlite:")
        {
            return Err(ConfigError::Database(url.clone()));
        }
        let texts = [
            ("api.client_id", &self.api.client_id),
            ("api.client_secret", &self.api.client_secret),
            ("pbx.serial", &self.pbx.serial),
        ];
        // Who sets a variable to nothing means no value, not an empty secret.
        for (key, text) in texts {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                return Err(ConfigError::Blank(key));
            }
        }
        Ok(())
    }

    /// The database's URL.
    pub fn database_url(&self) -> String {
        match &self.database.url {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.data.dir.join("strowger.db").display()),
        }
    }
}

/// `STROWGER_` variables that are no keys of the configuration: the command
/// line's and the tests'.
const NOT_CONFIGURATION: [&str; 6] = [
    "BIN",
    "URL",
    "PROFILE",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "FINGERPRINT",
];

/// The keys that are texts.
const TEXTS: [&str; 15] = [
    "api.client_id",
    "api.client_secret",
    "data.dir",
    "database.url",
    "log",
    "pbx.date_format",
    "pbx.name",
    "pbx.serial",
    "pbx.time_format",
    "pbx.timezone",
    "smtp.ca",
    "smtp.from",
    "smtp.host",
    "smtp.password",
    "smtp.username",
];

/// The texts of the environment as they stand there: figment would read
/// `0012` as the number 12.
fn texts(variables: impl Iterator<Item = (OsString, OsString)>) -> Serialized<Dict> {
    let mut texts = Dict::new();
    for (name, value) in variables {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        let name = name.to_ascii_uppercase();
        let Some(key) = name.strip_prefix("STROWGER_") else {
            continue;
        };
        let key = key.to_ascii_lowercase().replace("__", ".");
        if !TEXTS.contains(&key.as_str()) {
            continue;
        }
        let Some((section, key)) = key.split_once('.') else {
            texts.insert(key, Value::from(value));
            continue;
        };
        let section = texts
            .entry(section.to_owned())
            .or_insert_with(|| Value::from(Dict::new()));
        if let Value::Dict(_, keys) = section {
            keys.insert(key.to_owned(), Value::from(value));
        }
    }
    Serialized::defaults(texts)
}

/// Each fault on a line, the key as it stands in the file: `figment` puts its
/// profile before it, which we have only one of.
fn invalid(error: figment::Error) -> ConfigError {
    let faults: Vec<String> = error
        .into_iter()
        .map(|fault| fault.to_string().replace("\"default.", "\""))
        .collect();
    ConfigError::Invalid(faults.join("; "))
}

/// Why the configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file named does not exist.
    #[error("configuration: there is no file {}", .0.display())]
    Missing(PathBuf),
    /// A key is unknown or its value of a wrong kind.
    #[error("configuration: {0}")]
    Invalid(String),
    /// A text that must not be empty is.
    #[error("configuration: {0} is blank; leave it out to have one made")]
    Blank(&'static str),
    /// A database that is not supported.
    #[error("configuration: database.url = {0:?}: only sqlite: is supported so far")]
    Database(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::Jail;
    use std::collections::BTreeSet;

    fn load(text: &str) -> Result<Config, String> {
        Figment::new()
            .merge(Toml::string(text))
            .extract::<Config>()
            .map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_set_is_the_documented_default() {
        let config = load("").unwrap();
        assert_eq!(config.http.listen.port(), 8080);
        assert_eq!(config.https.listen.port(), 8088);
        assert_eq!(config.sip.udp.port(), 5060);
        assert_eq!(
            config.rtp.ports,
            Ports {
                first: 20000,
                last: 29999
            }
        );
        assert_eq!(config.database_url(), "sqlite:strowger-data/strowger.db");
    }

    #[test]
    fn unknown_key_is_an_error_that_names_it() {
        let error = load("[sip]\nupd = \"0.0.0.0:5060\"").unwrap_err();
        assert!(error.contains("upd"), "{error}");
        let error = load("[rtp]\nports = \"29999-20000\"").unwrap_err();
        assert!(error.contains("rtp.ports"), "{error}");
    }

    #[test]
    fn a_text_of_the_environment_stays_as_it_stands_there() {
        let variables = [
            ("STROWGER_API__CLIENT_SECRET", "0012345678"),
            ("STROWGER_PBX__SERIAL", "+49e3"),
            ("STROWGER_SIP__UDP", "127.0.0.1:0"),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let config: Config = Figment::new()
            .merge(texts(variables.into_iter()))
            .extract()
            .unwrap();
        assert_eq!(config.api.client_secret.as_deref(), Some("0012345678"));
        assert_eq!(config.pbx.serial.as_deref(), Some("+49e3"));
        assert_eq!(config.sip.udp, everywhere(5060));
    }

    /// Each key of the README, its value in the environment, and where it is then.
    #[test]
    #[allow(clippy::result_large_err)] // figment's `Jail` wants figment's error.
    fn every_key_of_the_readme_can_be_set_in_the_environment() {
        type Read = fn(&Config) -> String;
        let keys: [(&str, &str, Read); 29] = [
            ("data.dir", "0012", |c| c.data.dir.display().to_string()),
            ("database.url", "sqlite:0012", |c| c.database_url()),
            ("http.listen", "127.0.0.1:1", |c| c.http.listen.to_string()),
            ("https.listen", "[::1]:2", |c| c.https.listen.to_string()),
            ("sip.udp", "[::]:3", |c| c.sip.udp.to_string()),
            ("sip.digest", r#"["SHA-256"]"#, |c| {
                assert!(matches!(c.sip.digest[..], [Algorithm::Sha256]));
                r#"["SHA-256"]"#.into()
            }),
            ("rtp.listen", "::", |c| c.rtp.listen.to_string()),
            ("rtp.ports", "30000-30001", |c| {
                format!("{}-{}", c.rtp.ports.first, c.rtp.ports.last)
            }),
            ("net.external_address", "192.0.2.1", |c| {
                c.net.external_address.unwrap().to_string()
            }),
            ("net.local_networks", r#"["10.0.0.0/8"]"#, |c| {
                format!("{:?}", c.net.local_networks)
            }),
            ("api.client_id", "0012", |c| {
                c.api.client_id.clone().unwrap()
            }),
            ("api.client_secret", "[1]", |c| {
                c.api.client_secret.clone().unwrap()
            }),
            ("api.permitted", r#"["192.0.2.7", "10.0.0.0/8"]"#, |c| {
                assert_eq!(c.api.permitted.len(), 2);
                r#"["192.0.2.7", "10.0.0.0/8"]"#.into()
            }),
            ("api.requests_per_second", "5", |c| {
                c.api.requests_per_second.unwrap().to_string()
            }),
            ("pbx.name", "0012", |c| c.pbx.name.clone().unwrap()),
            ("pbx.serial", "+49e3", |c| c.pbx.serial.clone().unwrap()),
            ("pbx.timezone", "Asia/Bangkok", |c| {
                c.pbx.timezone.clone().unwrap()
            }),
            ("pbx.date_format", "DD/MM/YYYY", |c| {
                c.pbx.date_format.clone().unwrap()
            }),
            ("pbx.time_format", "hh:mm:ss", |c| {
                c.pbx.time_format.clone().unwrap()
            }),
            ("organization.enabled", "false", |c| {
                c.organization.enabled.to_string()
            }),
            ("organization.show_root", "false", |c| {
                c.organization.show_root.to_string()
            }),
            ("smtp.host", "192.0", |c| c.smtp.host.clone().unwrap()),
            ("smtp.port", "26", |c| c.smtp.port.unwrap().to_string()),
            ("smtp.security", "tls", |c| {
                assert_eq!(c.smtp.security, Security::Tls);
                "tls".into()
            }),
            ("smtp.username", "007", |c| c.smtp.username.clone().unwrap()),
            ("smtp.password", "0012", |c| {
                c.smtp.password.clone().unwrap()
            }),
            ("smtp.from", "pbx@example.org", |c| {
                c.smtp.from.clone().unwrap()
            }),
            ("smtp.ca", "1.0", |c| {
                c.smtp.ca.clone().unwrap().display().to_string()
            }),
            ("log", "0", |c| c.log.clone()),
        ];
        let readme = include_str!("../../../README.md");
        let rows = readme.lines().filter(|line| line.starts_with("| `"));
        let named: BTreeSet<&str> = rows
            .flat_map(|row| {
                row.split(" | ")
                    .next()
                    .unwrap()
                    .split('`')
                    .skip(1)
                    .step_by(2)
            })
            .collect();
        assert_eq!(named, keys.iter().map(|(key, _, _)| *key).collect());
        let all = |jail: &mut Jail| {
            for (key, value, _) in keys {
                jail.set_env(
                    format!("STROWGER_{}", key.replace('.', "__").to_uppercase()),
                    value,
                );
            }
            let config = Config::load(None).unwrap();
            for (key, value, read) in keys {
                assert_eq!(read(&config), value, "{key}");
            }
            Ok(())
        };
        Jail::expect_with(all);
    }

    #[test]
    fn a_blank_secret_is_refused() {
        for key in ["client_id", "client_secret"] {
            let text = format!("[api]\n{key} = \" \"");
            let config: Config = Figment::new().merge(Toml::string(&text)).extract().unwrap();
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn who_may_ask_is_named_by_address_or_network() {
        let config = load("[api]\npermitted = [\"10.0.0.0/8\", \"192.0.2.7\"]").unwrap();
        assert_eq!(config.api.permitted.len(), 2);
        assert_eq!(load("").unwrap().api.requests_per_second, None);
        for wrong in ["permitted = [\"10.0.0.0/33\"]", "requests_per_second = 0"] {
            let error = load(&format!("[api]\n{wrong}")).unwrap_err();
            let key = wrong.split(' ').next().unwrap();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_mail_servers_password_is_not_shown() {
        let config =
            load("[smtp]\nhost = \"mx\"\nsecurity = \"starttls\"\npassword = 12345678").unwrap();
        assert_eq!(config.smtp.password.as_deref(), Some("12345678"));
        assert_eq!(config.smtp.security, Security::StartTls);
        assert!(!format!("{config:?}").contains("12345678"));
    }

    #[test]
    fn number_is_taken_where_text_is_wanted() {
        let config = load("[pbx]\nserial = 363123456789").unwrap();
        assert_eq!(config.pbx.serial.as_deref(), Some("363123456789"));
    }
}

//! The certificate of the HTTPS listener: the administrator's where there is
//! one in the data directory, else one of our own making, kept there. What is
//! there is never overwritten.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rcgen::{CertificateParams, DnType, KeyPair, SanType, date_time_ymd};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// The certificate chain, PEM.
pub const CERTIFICATE_FILE: &str = "tls.crt";
/// The private key, PEM, readable by nobody else.
pub const KEY_FILE: &str = "tls.key";
/// For how many years a certificate of our own is good.
const SELF_MADE_YEARS: i32 = 10;
/// Longest chain read.
const MAX_CHAIN: usize = 16;

/// Why HTTPS can't be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file holds no certificate, or no key.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// One of the two files is missing.
    #[error("{} is there without {}", there.display(), missing.display())]
    Half {
        /// The one that is there.
        there: PathBuf,
        /// The one that is not.
        missing: PathBuf,
    },
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Make(#[from] rcgen::Error),
    /// Certificate and key don't belong together, or are of a kind not supported.
    #[error("certificate and key are of no use: {0}")]
    Config(#[from] rustls::Error),
}

/// The TLS configuration of a data directory; makes a certificate where it
/// has none.
pub fn load_or_make(data_dir: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let (certificate, key) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(KEY_FILE));
    match (certificate.exists(), key.exists()) {
        (true, true) => {}
        (false, false) => {
            write(&key, &KeyPair::generate()?.serialize_pem(), 0o600)?;
            make(&certificate, &key)?;
        }
        // A key without a certificate is what a crash, or a full disk, left of
        // our own making; the key stays as it is.
        (false, true) => make(&certificate, &key)?,
        (true, false) => {
            return Err(TlsError::Half {
                there: certificate,
                missing: key,
            });
        }
    }
    load(&certificate, &key)
}

fn load(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, TlsError> {
    let broken = |path: &Path, error: rustls::pki_types::pem::Error| TlsError::Broken {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| broken(certificate, error))?
        .take(MAX_CHAIN)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| broken(certificate, error))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| broken(key, error))?;
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A certificate for the key that is there.
fn make(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let mut params = CertificateParams::new(names())?;
    let addresses = [
        IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    ];
    params
        .subject_alt_names
        .extend(addresses.map(SanType::IpAddress));
    params
        .distinguished_name
        .push(DnType::CommonName, "Strowger");
    let year = i32::from(Timestamp::now().to_zoned_datetime(TimeZone::UTC).year());
    params.not_before = date_time_ymd(year, 1, 1);
    params.not_after = date_time_ymd(year + SELF_MADE_YEARS, 1, 1);
    let text = std::fs::read_to_string(key).map_err(|source| TlsError::File {
        path: key.to_owned(),
        source,
    })?;
    let pair = KeyPair::from_pem(&text).map_err(|error| TlsError::Broken {
        path: key.to_owned(),
        reason: error.to_string(),
    })?;
    let made = params.self_signed(&pair)?;
    write(certificate, &made.pem(), 0o644)
}

/// The names that the machine may be called by.
fn names() -> Vec<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let mut names = vec!["localhost".to_owned()];
    if !host.is_empty() && host != "localhost" && host.chars().all(plain) {
        names.push(host.to_owned());
    }
    names
}

/// Written whole or not at all, and with its mode from the first byte on.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let half = path.with_extension("new");
    let written = || -> io::Result<()> {
        // What a crash left behind may have another mode.
        match std::fs::remove_file(&half) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&half)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&half, path)
    };
    written().map_err(|source| TlsError::File {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("strowger-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn a_certificate_is_made_once_and_its_key_is_private() {
        let data = directory("once");
        load_or_make(&data).unwrap();
        let first = std::fs::read(data.join(CERTIFICATE_FILE)).unwrap();
        let mode = std::fs::metadata(data.join(KEY_FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        load_or_make(&data).unwrap();
        assert_eq!(std::fs::read(data.join(CERTIFICATE_FILE)).unwrap(), first);
        std::fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn a_key_that_a_crash_left_alone_gets_its_certificate() {
        let data = directory("crash");
        load_or_make(&data).unwrap();
        let key = std::fs::read(data.join(KEY_FILE)).unwrap();
        std::fs::remove_file(data.join(CERTIFICATE_FILE)).unwrap();
        load_or_make(&data).unwrap();
        assert_eq!(std::fs::read(data.join(KEY_FILE)).unwrap(), key);
        std::fs::remove_dir_all(data).unwrap();
    }

    #[test]
    fn what_the_administrator_put_there_is_never_overwritten() {
        let data = directory("kept");
        std::fs::write(data.join(CERTIFICATE_FILE), "nonsense").unwrap();
        assert!(matches!(load_or_make(&data), Err(TlsError::Half { .. })));
        std::fs::write(data.join(KEY_FILE), "nonsense").unwrap();
        assert!(load_or_make(&data).is_err());
        assert_eq!(
            std::fs::read(data.join(CERTIFICATE_FILE)).unwrap(),
            b"nonsense"
        );
        std::fs::remove_dir_all(data).unwrap();
    }
}

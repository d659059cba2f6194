//! What a client must be told before it can talk to a PBX.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderValue;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::tls::{self, Fingerprint, Refused, Trust};
use crate::token::Credentials;
use crate::token_file::TokenFile;
use crate::{Client, Error};

/// Time allowed for a request where the builder is told no other.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Time allowed for the TCP and TLS handshakes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept: less than a PBX waits before it
/// closes it, so that no request meets the closing.
const POOL_IDLE: Duration = Duration::from_secs(30);
/// The API refuses requests without one.
const USER_AGENT: &str = concat!("strowger-client/", env!("CARGO_PKG_VERSION"));

/// Collects what a [`Client`] needs; made by [`Client::builder`].
#[derive(Clone)]
pub struct ClientBuilder {
    base_url: String,
    credentials: Credentials,
    token_file: Option<TokenFile>,
    user_agent: String,
    timeout: Duration,
    trust: Trust,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            credentials: Credentials::default(),
            token_file: None,
            user_agent: USER_AGENT.to_owned(),
            timeout: REQUEST_TIMEOUT,
            trust: Trust::default(),
        }
    }

    /// The Client ID and Client Secret of the PBX's API page.
    #[must_use]
    pub fn credentials(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.credentials = Credentials {
            id: id.into(),
            secret: secret.into(),
        };
        self
    }

    /// Keeps the tokens in a file (mode 0600), locked while they are renewed:
    /// all processes that name the same file share one of the application's
    /// eight places, also those that come one after the other. Such a client
    /// is dropped, not [closed](Client::close): closing gives the token back
    /// for all of them.
    #[must_use]
    pub fn token_file(mut self, path: impl AsRef<Path>) -> Self {
        self.token_file = Some(TokenFile::new(path.as_ref()));
        self
    }

    /// The `User-Agent` header of every request; never blank on the wire.
    #[must_use]
    pub fn user_agent(mut self, value: impl Into<String>) -> Self {
        self.user_agent = value.into();
        self
    }

    /// The time allowed for one request, 30 s if not told. A download may take
    /// longer, as long as it does not stand still for so long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Believes any certificate: only where nobody can stand between. Better
    /// is [`Self::fingerprint`].
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.anyone = accept;
        self
    }

    /// Believes this certificate, whoever signed it and whatever name it has,
    /// and no other: for a PBX with a self-made one. Called again, it adds one
    /// (the next, before it is changed).
    ///
    /// A certificate that was refused is named by
    /// [`Error::Certificate`].
    #[must_use]
    pub fn fingerprint(mut self, sha256: Fingerprint) -> Self {
        self.trust.pinned.push(sha256);
        self
    }

    /// Believes what this certificate (DER) has signed, beside the operating
    /// system's authorities.
    #[must_use]
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.trust.roots.push(CertificateDer::from(der.into()));
        self
    }

    /// As [`Self::root_certificate`], for all certificates of a PEM file.
    pub fn root_certificates_pem(mut self, pem: &[u8]) -> Result<Self, Error> {
        let before = self.trust.roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| Error::NoPem)?;
            self.trust.roots.push(certificate);
        }
        match self.trust.roots.len() > before {
            true => Ok(self),
            false => Err(Error::NoPem),
        }
    }

    /// The client. Nothing is sent before the first request.
    pub fn build(self) -> Result<Client, Error> {
        let base = Url::parse(&self.base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| Error::BaseUrl(self.base_url.clone()))?;
        let user_agent = if self.user_agent.trim().is_empty() {
            USER_AGENT.to_owned()
        } else {
            self.user_agent
        };
        if HeaderValue::from_str(&user_agent).is_err() {
            return Err(Error::UserAgent(user_agent));
        }
        let refused = Refused::default();
        let tls = tls::configuration(&self.trust, &refused)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(user_agent.as_str())
            .read_timeout(self.timeout)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            // The API answers where it is asked; a redirect would carry the
            // token to somebody else.
            .redirect(reqwest::redirect::Policy::none())
            // A proxy of the environment would be handed the secret, and the
            // event socket does not go through one.
            .no_proxy()
            .build()
            .map_err(|error| Error::Unreachable(Box::new(error)))?;
        Ok(Client::new(crate::http::Inner {
            http,
            base,
            timeout: self.timeout,
            tls: Arc::new(tls),
            refused,
            user_agent,
            credentials: self.credentials,
            grant: tokio::sync::Mutex::new(None),
            token_file: self.token_file,
            closings: tokio::sync::watch::Sender::new(0),
        }))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

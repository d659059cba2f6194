//! What a client must be told before it can talk to a PBX.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::pki_types::CertificateDer;

use crate::tls::{self, Trust};
use crate::token::Credentials;
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
    user_agent: String,
    timeout: Duration,
    trust: Trust,
}

impl ClientBuilder {
    pub(crate) fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.to_owned(),
            credentials: Credentials::default(),
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

    /// The `User-Agent` header of every request; never blank on the wire.
    #[must_use]
    pub fn user_agent(mut self, value: impl Into<String>) -> Self {
        self.user_agent = value.into();
        self
    }

    /// The time allowed for one request, 30 s if not told.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Believes any certificate: for a PBX with a self-made one, in a network
    /// where nobody can stand between. Better is [`Self::root_certificate`].
    #[must_use]
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.trust.anyone = accept;
        self
    }

    /// Believes what this certificate (DER) has signed, or is, beside the
    /// operating system's authorities.
    #[must_use]
    pub fn root_certificate(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.trust.roots.push(CertificateDer::from(der.into()));
        self
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
        let tls = tls::configuration(&self.trust)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .user_agent(user_agent.as_str())
            .timeout(self.timeout)
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
        Ok(Client::new(
            http,
            base,
            Arc::new(tls),
            user_agent,
            self.credentials,
        ))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

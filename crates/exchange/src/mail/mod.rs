//! Mail, by one SMTP server of the configuration. A letter is sent when that
//! server has accepted it, and only then: nothing is put into a queue of ours,
//! so that who asks hears the truth. It must never log a password, and never
//! let a text that a user wrote become a header.

pub mod password;
mod template;
pub mod welcome;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, PoolConfig};
use lettre::{AsyncTransport, Message, Tokio1Executor};
use settings::Secret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// Conversations with the server at once.
const CONVERSATIONS: u32 = 8;
/// Requests to send letters that may be under way at once.
const ROUNDS: usize = 4;
/// How long a conversation may keep silent.
const SILENCE: Duration = Duration::from_secs(20);
/// How long an idle conversation is kept for the next letter.
const IDLE: Duration = Duration::from_secs(10);

/// How the conversation with the server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MailSecurity {
    /// Not at all: for a server on this machine.
    None,
    /// In plain until STARTTLS, which must be there.
    #[default]
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// The SMTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailConfig {
    /// Its name or address.
    pub host: String,
    /// Its port; the usual one of the security where none is set.
    pub port: Option<u16>,
    /// How the conversation is kept from others.
    pub security: MailSecurity,
    /// Who we are to it, where it wants to know.
    pub login: Option<(String, Secret)>,
    /// Who letters are from: an address, or a name and an address.
    pub from: String,
    /// A certificate in PEM that the server's may be signed by, beside those
    /// that the system trusts.
    pub ca: Option<PathBuf>,
}

/// Why a letter was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// The configuration makes no sense.
    #[error("configuration: smtp: {0}")]
    Configuration(String),
    /// An address is none, or the letter can't be written.
    #[error("the letter: {0}")]
    Letter(String),
    /// The server said that it won't take it.
    #[error("the mail server refused: {0}")]
    Refused(String),
    /// The server can't be had: none of the next letters will fare better.
    #[error("the mail server: {0}")]
    Unreachable(String),
    /// It was not accepted in time.
    #[error("the mail server did not accept it in time")]
    Late,
}

/// A letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Their name.
    pub name: String,
    /// Their address.
    pub address: String,
    /// What it is about.
    pub subject: String,
    /// What it says, as plain text.
    pub text: String,
}

/// The way to the SMTP server. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    conversations: Arc<Semaphore>,
    rounds: Arc<Semaphore>,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailer")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl Mailer {
    /// With the server of the configuration, which is not asked yet.
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let wrong = |reason: String| MailError::Configuration(reason);
        let from = config
            .from
            .parse()
            .map_err(|error| wrong(format!("from {:?}: {error}", config.from)))?;
        let (tls, usual_port) = match config.security {
            MailSecurity::None => (Tls::None, 25),
            MailSecurity::StartTls => (Tls::Required(tls(config)?), 587),
            MailSecurity::Tls => (Tls::Wrapper(tls(config)?), 465),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.clone())
                .port(config.port.unwrap_or(usual_port))
                .tls(tls)
                .timeout(Some(SILENCE))
                .pool_config(PoolConfig::new().max_size(CONVERSATIONS).idle_timeout(IDLE));
        if let Some((name, password)) = &config.login {
            if config.security == MailSecurity::None {
                tracing::warn!(
                    host = config.host,
                    "the password for mail goes over the wire in plain"
                );
            }
            builder =
                builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from,
            conversations: Arc::new(Semaphore::new(CONVERSATIONS as usize)),
            rounds: Arc::new(Semaphore::new(ROUNDS)),
        })
    }

    /// A place for a request that sends letters; none while there are as many
    /// as there may be.
    pub fn round(&self) -> Option<OwnedSemaphorePermit> {
        self.rounds.clone().try_acquire_owned().ok()
    }

    /// Sends a letter: good means that the server has accepted it before the
    /// deadline. One that is late may have been accepted all the same.
    pub async fn send(&self, letter: &Letter, deadline: Instant) -> Result<(), MailError> {
        let message = self.message(letter)?;
        let sent = async {
            // It is never closed.
            let _place = self.conversations.acquire().await;
            self.transport.send(message).await
        };
        match tokio::time::timeout_at(deadline, sent).await {
            Err(_) => Err(MailError::Late),
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() || error.is_transient() => {
                Err(MailError::Refused(error.to_string()))
            }
            Ok(Err(error)) if error.is_timeout() => Err(MailError::Late),
            Ok(Err(error)) => Err(MailError::Unreachable(error.to_string())),
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, MailError> {
        let wrong = |error: &dyn std::fmt::Display| MailError::Letter(error.to_string());
        let address = letter.address.parse().map_err(|error| wrong(&error))?;
        let name = Some(letter.name.clone()).filter(|name| !name.is_empty());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(name, address))
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .map_err(|error| wrong(&error))
    }
}

fn tls(config: &MailConfig) -> Result<TlsParameters, MailError> {
    let wrong = |error: &dyn std::fmt::Display| MailError::Configuration(error.to_string());
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(file) = &config.ca {
        let pem =
            std::fs::read(file).map_err(|error| wrong(&format!("{}: {error}", file.display())))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| wrong(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| wrong(&error))
}

//! A small SMTP server that keeps what it is given: in plain, with STARTTLS or
//! in TLS, with or without a login, and with addresses that it refuses.

#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::Arc;

use exchange::mail::{MailConfig, MailSecurity};
use parking_lot::Mutex;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// A letter as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub from: String,
    pub to: String,
    pub data: String,
    pub encrypted: bool,
    /// The parameter of AUTH, where there was one.
    pub login: Option<String>,
}

/// What the server does with some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    #[default]
    Kind,
    /// Refuses recipients with `nobody` in their address.
    Choosy,
    /// Takes connections and says nothing.
    Silent,
}

pub struct SmtpServer {
    pub port: u16,
    pub got: Arc<Mutex<Vec<Got>>>,
    /// The certificate, in PEM.
    pub ca: PathBuf,
    dir: tempfile::TempDir,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpServer {
    pub async fn open(security: MailSecurity, mood: Mood) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let ca = dir.path().join("ca.pem");
        std::fs::write(&ca, made.cert.pem()).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let got = Arc::new(Mutex::new(Vec::new()));
        let kept = got.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, got) = (acceptor.clone(), kept.clone());
                // A client that goes away ends its conversation only.
                tokio::spawn(async move { talk(stream, security, mood, acceptor, got).await.ok() });
            }
        });
        Self {
            port,
            got,
            ca,
            dir,
            task,
        }
    }

    /// How a PBX finds it.
    pub fn config(&self, security: MailSecurity) -> MailConfig {
        MailConfig {
            host: "localhost".into(),
            port: Some(self.port),
            security,
            login: None,
            from: "The PBX <pbx@example.org>".into(),
            ca: Some(self.ca.clone()),
        }
    }

    pub fn letters(&self) -> Vec<Got> {
        self.got.lock().clone()
    }
}

async fn talk(
    stream: TcpStream,
    security: MailSecurity,
    mood: Mood,
    acceptor: TlsAcceptor,
    got: Arc<Mutex<Vec<Got>>>,
) -> std::io::Result<()> {
    if mood == Mood::Silent {
        std::future::pending::<()>().await;
    }
    let choosy = mood == Mood::Choosy;
    match security {
        MailSecurity::Tls => {
            let stream = acceptor.accept(stream).await?;
            converse(BufStream::new(stream), true, false, choosy, got).await?;
        }
        MailSecurity::None => {
            converse(BufStream::new(stream), false, false, choosy, got).await?;
        }
        MailSecurity::StartTls => {
            let plain = converse(BufStream::new(stream), false, true, choosy, got.clone()).await?;
            if let Some(plain) = plain {
                let stream = acceptor.accept(plain.into_inner()).await?;
                let stream = Greeted(BufStream::new(stream));
                converse_greeted(stream, choosy, got).await?;
            }
        }
    }
    Ok(())
}

/// A conversation that goes on behind STARTTLS: nobody greets again.
struct Greeted<S>(BufStream<S>);

async fn converse_greeted<S: AsyncRead + AsyncWrite + Unpin>(
    stream: Greeted<S>,
    choosy: bool,
    got: Arc<Mutex<Vec<Got>>>,
) -> std::io::Result<()> {
    speak(stream.0, true, false, choosy, got).await.map(|_| ())
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufStream<S>,
    encrypted: bool,
    starttls: bool,
    choosy: bool,
    got: Arc<Mutex<Vec<Got>>>,
) -> std::io::Result<Option<BufStream<S>>> {
    say(&mut stream, "220 mx.example.org").await?;
    speak(stream, encrypted, starttls, choosy, got).await
}

/// Gives the stream back where the client wants TLS on it.
async fn speak<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: BufStream<S>,
    encrypted: bool,
    starttls: bool,
    choosy: bool,
    got: Arc<Mutex<Vec<Got>>>,
) -> std::io::Result<Option<BufStream<S>>> {
    let (mut from, mut to, mut login) = (String::new(), String::new(), None);
    let mut line = String::new();
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let said = line.trim_end().to_owned();
        let word = said.get(..4).unwrap_or(&said).to_ascii_uppercase();
        match word.as_str() {
            "EHLO" if starttls => say(&mut stream, "250-mx\r\n250 STARTTLS").await?,
            "EHLO" => say(&mut stream, "250-mx\r\n250 AUTH PLAIN LOGIN").await?,
            "STAR" => {
                say(&mut stream, "220 go on").await?;
                return Ok(Some(stream));
            }
            "AUTH" => {
                login = said.split(' ').nth(2).map(str::to_owned);
                say(&mut stream, "235 welcome").await?;
            }
            "MAIL" => {
                from = address(&said);
                say(&mut stream, "250 ok").await?;
            }
            "RCPT" if choosy && said.contains("nobody") => {
                say(&mut stream, "550 no such user").await?;
            }
            "RCPT" => {
                to = address(&said);
                say(&mut stream, "250 ok").await?;
            }
            "DATA" => {
                say(&mut stream, "354 go on").await?;
                let mut data = String::new();
                loop {
                    line.clear();
                    if stream.read_line(&mut line).await? == 0 {
                        return Ok(None);
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    data.push_str(&line);
                }
                got.lock().push(Got {
                    from: from.clone(),
                    to: to.clone(),
                    data,
                    encrypted,
                    login: login.clone(),
                });
                say(&mut stream, "250 kept").await?;
            }
            "QUIT" => {
                say(&mut stream, "221 bye").await?;
                return Ok(None);
            }
            _ => say(&mut stream, "250 ok").await?,
        }
    }
}

async fn say<S: AsyncWrite + Unpin>(stream: &mut S, text: &str) -> std::io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}

fn address(line: &str) -> String {
    let inner = line
        .split('<')
        .nth(1)
        .and_then(|rest| rest.split('>').next());
    inner.unwrap_or_default().to_owned()
}

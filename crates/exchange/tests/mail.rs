//! Mail against an SMTP server: accepted means sent, and nothing else does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "common/smtp.rs"]
mod smtp;

use std::time::Duration;

use exchange::mail::{Letter, MailConfig, MailError, MailSecurity, Mailer};
use settings::Secret;
use smtp::{Mood, SmtpServer};
use tokio::time::Instant;

fn letter(address: &str) -> Letter {
    Letter {
        name: "Ada Lovelace".into(),
        address: address.into(),
        subject: "Größe".into(),
        text: "Guten Tag\n.\nein Punkt".into(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

#[tokio::test]
async fn a_letter_arrives_by_each_security_with_the_login() {
    for security in [
        MailSecurity::None,
        MailSecurity::StartTls,
        MailSecurity::Tls,
    ] {
        let server = SmtpServer::open(security, Mood::Kind).await;
        let config = MailConfig {
            login: Some(("pbx".into(), Secret::new("s3cret"))),
            ..server.config(security)
        };
        let mailer = Mailer::new(&config).unwrap();
        mailer
            .send(&letter("ada@example.org"), soon())
            .await
            .unwrap();
        let letters = server.letters();
        let got = &letters[0];
        assert_eq!(
            (got.from.as_str(), got.to.as_str()),
            ("pbx@example.org", "ada@example.org")
        );
        assert_eq!(got.encrypted, security != MailSecurity::None);
        assert_eq!(
            got.login.as_deref(),
            Some("AHBieABzM2NyZXQ="),
            "{security:?}"
        );
        assert!(
            got.data.contains("From: \"The PBX\" <pbx@example.org>"),
            "{}",
            got.data
        );
        assert!(got.data.contains("To: \"Ada Lovelace\" <ada@example.org>"));
        assert!(
            got.data.contains("Subject: =?utf-8?b?R3LDtsOfZQ==?="),
            "{}",
            got.data
        );
        assert!(!format!("{mailer:?} {config:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn a_server_that_is_not_whom_it_should_be_gets_nothing() {
    let server = SmtpServer::open(MailSecurity::Tls, Mood::Kind).await;
    let strange = MailConfig {
        ca: None,
        ..server.config(MailSecurity::Tls)
    };
    let mailer = Mailer::new(&strange).unwrap();
    let error = mailer.send(&letter("ada@example.org"), soon()).await;
    assert!(matches!(error, Err(MailError::Unreachable(_))), "{error:?}");
    // Nor does one that should have STARTTLS and does not.
    let plain = SmtpServer::open(MailSecurity::None, Mood::Kind).await;
    let mailer = Mailer::new(&plain.config(MailSecurity::StartTls)).unwrap();
    assert!(
        mailer
            .send(&letter("ada@example.org"), soon())
            .await
            .is_err()
    );
    assert_eq!((server.letters(), plain.letters()), (vec![], vec![]));
}

#[tokio::test]
async fn what_the_server_does_not_accept_is_not_sent() {
    let server = SmtpServer::open(MailSecurity::None, Mood::Choosy).await;
    let mailer = Mailer::new(&server.config(MailSecurity::None)).unwrap();
    let refused = mailer.send(&letter("nobody@example.org"), soon()).await;
    assert!(matches!(refused, Err(MailError::Refused(_))), "{refused:?}");
    // The next one fares better.
    mailer
        .send(&letter("ada@example.org"), soon())
        .await
        .unwrap();
    let nonsense = mailer.send(&letter("ada@@example.org"), soon()).await;
    assert!(
        matches!(nonsense, Err(MailError::Letter(_))),
        "{nonsense:?}"
    );
    assert_eq!(server.letters().len(), 1);
    let silent = SmtpServer::open(MailSecurity::None, Mood::Silent).await;
    let mailer = Mailer::new(&silent.config(MailSecurity::None)).unwrap();
    let now = Instant::now() + Duration::from_millis(50);
    assert_eq!(
        mailer.send(&letter("ada@example.org"), now).await,
        Err(MailError::Late)
    );
    let port = silent.port;
    drop(silent);
    let gone = MailConfig {
        port: Some(port),
        ..server.config(MailSecurity::None)
    };
    let unreachable = Mailer::new(&gone)
        .unwrap()
        .send(&letter("ada@example.org"), soon())
        .await;
    assert!(
        matches!(unreachable, Err(MailError::Unreachable(_))),
        "{unreachable:?}"
    );
}

#[test]
fn a_configuration_that_makes_no_sense_says_why() {
    let config = MailConfig {
        host: "localhost".into(),
        port: None,
        security: MailSecurity::Tls,
        login: None,
        from: "nobody".into(),
        ca: None,
    };
    let error = Mailer::new(&config).unwrap_err().to_string();
    assert!(error.contains("smtp: from \"nobody\""), "{error}");
    let config = MailConfig {
        from: "pbx@example.org".into(),
        ca: Some("/no/such/file.pem".into()),
        ..config
    };
    let error = Mailer::new(&config).unwrap_err().to_string();
    assert!(error.contains("/no/such/file.pem"), "{error}");
}

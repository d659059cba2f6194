//! One TLS configuration for requests, event socket and downloads alike, so
//! that the one never trusts what the other does not.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use sha2::{Digest, Sha256};

use crate::Error;

/// The SHA-256 of a certificate (of its DER), as browsers show it:
/// `4F:0A:…`, 32 pairs of hex digits. Read with or without colons.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of a certificate in DER.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }
}

/// A text that is no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is the SHA-256 of a certificate: 64 hex digits, with or without colons")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let digits: Vec<u32> = text
            .trim()
            .chars()
            .filter(|sign| *sign != ':')
            .map(|sign| sign.to_digit(16))
            .collect::<Option<_>>()
            .ok_or(NoFingerprint)?;
        let mut bytes = [0; 32];
        if digits.len() != 2 * bytes.len() {
            return Err(NoFingerprint);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair
                .iter()
                .fold(0, |byte, digit| (byte << 4) | (*digit & 0xf) as u8);
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trust {
    /// Any: for a PBX with a self-made certificate whose network is trusted.
    pub anyone: bool,
    /// These and no others, whoever signed them.
    pub pinned: Vec<Fingerprint>,
    /// Authorities beside the operating system's.
    pub roots: Vec<CertificateDer<'static>>,
}

/// The last certificate that was refused: what a person compares with the
/// one that the PBX shows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Refused(Arc<Mutex<Option<Fingerprint>>>);

impl Refused {
    fn set(&self, fingerprint: Fingerprint) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
    }

    /// Takes it out.
    pub fn take(&self) -> Option<Fingerprint> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.take()
    }
}

/// The configuration for a kind of trust.
pub(crate) fn configuration(trust: &Trust, refused: &Refused) -> Result<ClientConfig, Error> {
    let provider = CryptoProvider::get_default()
        .cloned()
        .unwrap_or_else(|| Arc::new(rustls::crypto::ring::default_provider()));
    let rule = if trust.anyone {
        Rule::Anyone
    } else if !trust.pinned.is_empty() {
        Rule::Pinned(trust.pinned.clone())
    } else {
        let roots = trust.roots.iter().cloned();
        let signed = Verifier::new_with_extra_roots(roots, provider.clone());
        Rule::Signed(signed.map_err(Error::Tls)?)
    };
    let verifier = Arc::new(Checked {
        rule,
        refused: refused.clone(),
        provider: provider.clone(),
    });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?;
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

#[derive(Debug)]
enum Rule {
    Anyone,
    Pinned(Vec<Fingerprint>),
    Signed(Verifier),
}

/// Asks the rule about a certificate and remembers what it refused. That the
/// server has the certificate's key is checked whatever the rule.
#[derive(Debug)]
struct Checked {
    rule: Rule,
    refused: Refused,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fingerprint = Fingerprint::of(end_entity);
        let verdict = match &self.rule {
            Rule::Anyone => Ok(ServerCertVerified::assertion()),
            Rule::Pinned(pinned) if pinned.contains(&fingerprint) => {
                Ok(ServerCertVerified::assertion())
            }
            Rule::Pinned(_) => Err(CertificateError::UnknownIssuer.into()),
            Rule::Signed(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
        };
        if verdict.is_err() {
            self.refused.set(fingerprint);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_read_as_it_is_shown_and_as_openssl_prints_it() {
        let shown = Fingerprint::of(b"certificate").to_string();
        assert_eq!(shown.len(), 95);
        let plain = shown.replace(':', "").to_lowercase();
        assert_eq!(shown.parse(), plain.parse::<Fingerprint>());
        assert_eq!(shown.parse::<Fingerprint>().unwrap().to_string(), shown);
        for wrong in ["", "4F", &shown[1..], "zz"] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(NoFingerprint));
        }
    }
}

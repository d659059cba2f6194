//! The proof itself (RFC 7616 3.4.1), the same for both ends.

use super::Credentials;
use super::credentials::Qop;

/// The response that `credentials` must have if the password is right.
///
/// Hashed are the values without quotes and escapes. Credentials that name a
/// quality of protection but no `cnonce` or `nc` have no right response.
pub(super) fn expected(
    credentials: &Credentials,
    method: &str,
    password: &str,
    body: &[u8],
) -> Option<String> {
    let Credentials {
        algorithm,
        username,
        realm,
        nonce,
        uri,
        ..
    } = credentials;
    let a1 = algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()]);
    let a2 = match credentials.qop {
        Some(Qop::AuthInt) => {
            let body = algorithm.hash(&[body]);
            algorithm.hash(&[method.as_bytes(), uri.as_bytes(), body.as_bytes()])
        }
        _ => algorithm.hash(&[method.as_bytes(), uri.as_bytes()]),
    };
    let Some(qop) = credentials.qop else {
        return Some(algorithm.hash(&[a1.as_bytes(), nonce.as_bytes(), a2.as_bytes()]));
    };
    let (nc, cnonce) = (credentials.nc.as_ref()?, credentials.cnonce.as_ref()?);
    Some(algorithm.hash(&[
        a1.as_bytes(),
        nonce.as_bytes(),
        nc.as_bytes(),
        cnonce.as_bytes(),
        qop.as_str().as_bytes(),
        a2.as_bytes(),
    ]))
}

//! Answering 401 and 407 to our own requests.

use crate::digest::{self, Client};
use crate::transaction::Base;
use crate::{ClientAuth, Message, Method};

/// Whether a request that was challenged this often is worth another try: once,
/// and once more where only the nonce was stale. Returns the header for it.
pub(crate) fn answer(
    auth: Option<&ClientAuth>,
    challenges: u8,
    response: &Message,
    method: &Method,
    uri: &str,
    body: &[u8],
    base: &mut Base,
) -> Option<(&'static str, String)> {
    let auth = auth?;
    let status = response.status()?;
    let name = match status {
        401 => "Authorization",
        407 => "Proxy-Authorization",
        _ => return None,
    };
    let wanted = |(header, _): &(crate::HeaderName, _)| header.as_str() == name;
    let (_, challenge) = digest::strongest(digest::challenges(response).filter(wanted))?;
    let worth = challenges == 0 || (challenges == 1 && challenge.stale);
    if !worth {
        return None;
    }
    let client = Client {
        username: &auth.username,
        password: &auth.password,
    };
    let request = digest::Request {
        method: method.as_str(),
        uri,
        body,
    };
    let cnonce = base.identities.cnonce();
    let credentials = client.answer(&challenge, request, &cnonce, 1);
    Some((name, credentials.to_string()))
}

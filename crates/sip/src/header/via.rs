//! Via (RFC 3261 20.42, RFC 3581).

use std::net::IpAddr;

use super::HeaderError;
use super::bytes::ByteSet;
use super::number;
use super::param::Params;
use super::text::TOKEN;

/// One hop: how the message came, and where its responses go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, `TLS`, `WS`, `WSS` or another token, as it stands.
    pub transport: &'a str,
    /// The host of the sent-by; IPv6 with its brackets.
    pub host: &'a str,
    /// The port of the sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Parses one value; a list is split before.
    pub fn parse(value: &'a str) -> Result<Self, HeaderError> {
        // Nearly always there are no blanks around the slashes.
        let rest = match value.strip_prefix("SIP/2.0/") {
            Some(rest) => rest,
            None => protocol(value)?,
        };
        let rest = rest.trim_ascii_start();
        let (transport, rest) = rest
            .split_at_checked(TOKEN.span(rest.as_bytes()))
            .ok_or(HeaderError::Syntax)?;
        if transport.is_empty() || !rest.starts_with([' ', '\t']) {
            return Err(HeaderError::Syntax);
        }
        let end = memchr::memchr(b';', rest.as_bytes()).unwrap_or(rest.len());
        let (sent_by, params) = rest.split_at_checked(end).ok_or(HeaderError::Syntax)?;
        let (host, port) = sent_by_parts(sent_by.trim_ascii())?;
        Ok(Via {
            transport,
            host,
            port,
            params: Params::parse(params)?,
        })
    }

    /// The transaction's name.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch").filter(|b| !b.is_empty())
    }

    /// The address the message really came from, as the next hop noted it.
    pub fn received(&self) -> Option<&'a str> {
        self.params.get("received").filter(|r| !r.is_empty())
    }

    /// The `rport` parameter: None where there is none, `Some(None)` where the
    /// sender asks for it, `Some(Some(port))` once filled in.
    pub fn rport(&self) -> Option<Option<u16>> {
        let param = self.params.find("rport")?;
        Some(param.value.and_then(number))
    }

    /// The `maddr` parameter.
    pub fn maddr(&self) -> Option<&'a str> {
        self.params.get("maddr").filter(|m| !m.is_empty())
    }

    /// The sent-by's host where it is an address and no name.
    pub fn host_ip(&self) -> Option<IpAddr> {
        self.host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse()
            .ok()
    }
}

/// Takes the protocol and its version off, and gives what follows.
fn protocol(value: &str) -> Result<&str, HeaderError> {
    let mut parts = value.splitn(3, '/');
    let name = parts.next().unwrap_or_default().trim_ascii();
    let version = parts.next().unwrap_or_default().trim_ascii();
    if !name.eq_ignore_ascii_case("SIP") || version != "2.0" {
        return Err(HeaderError::Syntax);
    }
    parts.next().ok_or(HeaderError::Syntax)
}

static HOST: ByteSet = ByteSet::none().with_alphanumeric().with(b"-._");
static IPV6: ByteSet = ByteSet::none()
    .with_range(b'0', b'9')
    .with(b"abcdefABCDEF:.");

fn sent_by_parts(sent_by: &str) -> Result<(&str, Option<u16>), HeaderError> {
    let host_end = match sent_by.strip_prefix('[') {
        Some(rest) => rest.find(']').ok_or(HeaderError::Syntax)? + 2,
        None => memchr::memchr(b':', sent_by.as_bytes()).unwrap_or(sent_by.len()),
    };
    let (host, port) = sent_by
        .split_at_checked(host_end)
        .ok_or(HeaderError::Syntax)?;
    let host = host.trim_ascii_end();
    let valid = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) => IPV6.covers(v6.as_bytes()),
        None => HOST.covers(host.as_bytes()),
    };
    if host.is_empty() || !valid {
        return Err(HeaderError::Syntax);
    }
    let port = match port.trim_ascii_start().strip_prefix(':') {
        Some(digits) => Some(number(digits.trim_ascii()).ok_or(HeaderError::Syntax)?),
        None if port.trim_ascii().is_empty() => None,
        None => return Err(HeaderError::Syntax),
    };
    Ok((host, port))
}

//! When two URIs are the same (RFC 3261 19.1.4, RFC 3966 4).

use super::escape::same;
use super::split::VISUAL_SEPARATOR;
use super::{Scheme, Uri};

/// Parameters that decide where a request goes or what it is: one that only one
/// of the URIs has makes them different.
const TELLING_PARAMS: [&str; 5] = ["user", "ttl", "method", "maddr", "transport"];

impl Uri {
    /// Whether both mean the same resource by RFC 3261 19.1.4: the user part
    /// with regard to case, the rest without; an escape is the character it
    /// stands for, unless that is reserved; ports as they stand; parameters in
    /// any order, and most of those that only one has do not count; headers in
    /// any order, all of them. tel URIs by RFC 3966 4.
    pub fn equivalent(&self, other: &Uri) -> bool {
        if self.scheme() != other.scheme() {
            return false;
        }
        if self.scheme() == Scheme::Tel {
            return same_number(self.user(), other.user()) && all_params(self, other);
        }
        same_option(self.user(), other.user())
            && same_option(self.password(), other.password())
            && same_host(self, other)
            && self.port() == other.port()
            && sip_params(self, other)
            && headers(self, other)
            && headers(other, self)
    }
}

fn same_host(a: &Uri, b: &Uri) -> bool {
    match (a.host_ip(), b.host_ip()) {
        (Some(a), Some(b)) => a == b,
        _ => a.host().eq_ignore_ascii_case(b.host()),
    }
}

fn sip_params(a: &Uri, b: &Uri) -> bool {
    let shared = a.params().all(|(name, value)| match b.param(name) {
        Some(other) => same(value.unwrap_or_default(), other, true),
        None => true,
    });
    shared
        && TELLING_PARAMS
            .iter()
            .all(|name| a.param(name).is_some() == b.param(name).is_some())
}

fn all_params(a: &Uri, b: &Uri) -> bool {
    a.params().count() == b.params().count()
        && a.params().all(|(name, value)| {
            b.param(name)
                .is_some_and(|other| same(value.unwrap_or_default(), other, true))
        })
}

/// Whether every header of `a` stands as often in `b`.
fn headers(a: &Uri, b: &Uri) -> bool {
    let count = |uri: &Uri, name: &str, value: &str| {
        uri.headers()
            .filter(|(n, v)| same(n, name, true) && same(v, value, false))
            .count()
    };
    a.headers()
        .all(|(name, value)| count(a, name, value) == count(b, name, value))
}

fn same_number(a: Option<&str>, b: Option<&str>) -> bool {
    let digits = |number: Option<&str>| -> String {
        let number = number.unwrap_or_default();
        number
            .chars()
            .filter(|c| !u8::try_from(*c).is_ok_and(|b| VISUAL_SEPARATOR.has(b)))
            .collect()
    };
    digits(a).eq_ignore_ascii_case(&digits(b))
}

fn same_option(a: Option<&str>, b: Option<&str>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same(a, b, false),
        (a, b) => a.is_none() && b.is_none(),
    }
}

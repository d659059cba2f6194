//! The operations that this PBX has: one table, from which requests are
//! dispatched and the status table is made, so that neither can lie.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use wire::Envelope;

use crate::door::App;
use crate::failure::Failure;
use crate::token::GrantId;
use crate::{auth, call, cdr, extension, extension_status_monitor, system};

/// A request that has come through the door.
pub struct Call {
    /// What the operations work on.
    pub app: Arc<App>,
    /// The parameters, checked against the contract's row.
    pub params: Map<String, Value>,
    /// The grant of the token; none where the operation takes none.
    pub grant: Option<GrantId>,
    /// Who asks.
    pub from: IpAddr,
}

/// What an operation gives.
pub type Answer = Result<Envelope, Failure>;

/// An operation's code.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

macro_rules! operations {
    ($($version:literal $path:literal => $handler:path,)*) => {
        /// Version and path of every operation that works; what the contract
        /// has beyond it answers 10009.
        pub const IMPLEMENTED: &[(&str, &str)] = &[$(($version, $path),)*];

        /// The code of an operation, where it works.
        pub fn handler(version: &str, path: &str) -> Option<Handler> {
            match (version, path) {
                $(($version, $path) => Some(|call| Box::pin($handler(call))),)*
                _ => None,
            }
        }
    };
}

operations! {
    "v1.0" "get_token" => auth::get_token,
    "v1.0" "refresh_token" => auth::refresh_token,
    "v1.0" "del_token" => auth::del_token,
    "v1.0" "system/information" => system::information,
    "v1.0" "extension/list" => extension::list,
    "v1.0" "extension/search" => extension::search,
    "v1.0" "extension/get" => extension::get,
    "v1.0" "extension/query" => extension::query,
    "v1.0" "extension/create" => extension::create,
    "v1.0" "extension/update" => extension::update,
    "v1.0" "extension/delete" => extension::delete,
    "v1.0" "extension_status_monitor/list" => extension_status_monitor::list,
    "v1.0" "extension_status_monitor/update" => extension_status_monitor::update,
    "v1.0" "call/dial" => call::dial,
    "v1.0" "call/query" => call::query,
    "v1.0" "call/hangup" => call::hangup,
    "v1.0" "cdr/list" => cdr::list,
    "v1.0" "cdr/search" => cdr::search,
}

impl Call {
    /// A text parameter; blank says nothing.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.trim().is_empty())
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.params.get(name).and_then(Value::as_i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_implemented_is_of_the_contract_and_has_a_handler() {
        for (version, path) in IMPLEMENTED {
            assert!(
                wire::contract::operation(version, path).is_some(),
                "{version} {path}"
            );
            assert!(handler(version, path).is_some(), "{version} {path}");
        }
    }
}

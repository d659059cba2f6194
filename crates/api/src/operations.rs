//! The operations that this PBX has: one table, from which requests are
//! dispatched and the status table is made, so that neither can lie.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use wire::{Envelope, Operation};

use crate::door::App;
use crate::failure::Failure;
use crate::token::GrantId;
use crate::{auth, call, cdr, extension, extension_status_monitor, menu, objects, system, welcome};

/// A request that has come through the door.
pub struct Call {
    /// What the operations work on.
    pub app: Arc<App>,
    /// The operation that is asked for.
    pub operation: &'static Operation,
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

/// `kinds` have the seven operations of the settings mechanism each; the others
/// are named one by one.
macro_rules! operations {
    (
        kinds: $($kind:literal,)*
        others: $($version:literal $path:literal => $handler:path,)*
    ) => {
        /// Version and path of every operation that works; what the contract
        /// has beyond it answers 10009.
        pub const IMPLEMENTED: &[(&str, &str)] = &[
            $(("v1.0", concat!($kind, "/list")),
            ("v1.0", concat!($kind, "/search")),
            ("v1.0", concat!($kind, "/get")),
            ("v1.0", concat!($kind, "/query")),
            ("v1.0", concat!($kind, "/create")),
            ("v1.0", concat!($kind, "/update")),
            ("v1.0", concat!($kind, "/delete")),)*
            $(($version, $path),)*
        ];

        /// The code of an operation, where it works.
        pub fn handler(version: &str, path: &str) -> Option<Handler> {
            match (version, path) {
                $(("v1.0", concat!($kind, "/list")) => Some(|call| Box::pin(objects::list(call))),
                ("v1.0", concat!($kind, "/search")) => Some(|call| Box::pin(objects::search(call))),
                ("v1.0", concat!($kind, "/get")) => Some(|call| Box::pin(objects::get(call))),
                ("v1.0", concat!($kind, "/query")) => Some(|call| Box::pin(objects::query(call))),
                ("v1.0", concat!($kind, "/create")) => Some(|call| Box::pin(objects::create(call))),
                ("v1.0", concat!($kind, "/update")) => Some(|call| Box::pin(objects::update(call))),
                ("v1.0", concat!($kind, "/delete")) => Some(|call| Box::pin(objects::delete(call))),)*
                $(($version, $path) => Some(|call| Box::pin($handler(call))),)*
                _ => None,
            }
        }
    };
}

operations! {
    kinds:
    "extension",
    "extensiongroup",
    "organization",
    "company_contact",
    "phonebook",
    others:
    "v1.0" "get_token" => auth::get_token,
    "v1.0" "refresh_token" => auth::refresh_token,
    "v1.0" "del_token" => auth::del_token,
    "v1.0" "system/information" => system::information,
    "v1.0" "system/capacity" => system::capacity,
    "v1.0" "system/get_menuoptions" => menu::get_menuoptions,
    "v1.0" "extension/getpassword" => extension::getpassword,
    "v1.0" "extension/send_welcome_email" => welcome::send_welcome_email,
    "v1.0" "extension_status_monitor/list" => extension_status_monitor::list,
    "v1.0" "extension_status_monitor/update" => extension_status_monitor::update,
    "v1.0" "call/dial" => call::dial,
    "v1.0" "call/query" => call::query,
    "v1.0" "call/hangup" => call::hangup,
    "v1.0" "cdr/list" => cdr::list,
    "v1.0" "cdr/search" => cdr::search,
    "v1.0" "cdr/download" => cdr::download,
    "v1.0" "cdr/getoption" => cdr::getoption,
    "v1.0" "cdr/updateoption" => cdr::updateoption,
}

impl Call {
    /// The kind of object that an operation of the settings mechanism is about:
    /// the path's first part.
    pub fn kind(&self) -> &'static str {
        self.operation
            .path
            .split_once('/')
            .map_or(self.operation.path, |(kind, _)| kind)
    }

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

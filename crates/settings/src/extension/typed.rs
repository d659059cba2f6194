//! An extension as the exchange reads it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use switch::ExtensionNumber;

use super::kind::display_name;
use super::presence;
use crate::record::Record;
use crate::secret::Secret;

/// Where the monitor's flags lie in the document: no member of the wire.
pub(crate) const MONITOR: &str = "monitor";
/// The flags, as the wire names them.
pub(crate) const FLAGS: [&str; 3] = [
    "enb_register_status",
    "enb_call_status",
    "enb_presence_status",
];

/// One extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its id in the API.
    pub id: i64,
    /// Its number.
    pub number: ExtensionNumber,
    /// The user's first name.
    pub first_name: String,
    /// The user's last name.
    pub last_name: String,
    /// Both names joined.
    pub name: String,
    /// The caller id it shows in internal calls.
    pub caller_id: String,
    /// The name that its phones authenticate by.
    pub reg_name: String,
    /// The password that they authenticate with.
    pub reg_password: Secret,
    /// How many devices may be registered at once.
    pub concurrent_registrations: u32,
    /// Its presence, as the wire names it.
    pub presence_status: String,
    /// How long it rings.
    pub ring_timeout: Duration,
    /// Which of its states applications are told.
    pub monitor: Monitor,
    /// Its part of the switch's configuration.
    pub switch: Arc<switch::Extension>,
}

impl Extension {
    /// Whether it has no name: its number serves as one then.
    pub fn is_nameless(&self) -> bool {
        self.name.is_empty() || self.name == self.number.as_str()
    }

    /// The number that those see whom it calls.
    pub fn shown_number(&self) -> &str {
        if self.caller_id.is_empty() {
            self.number.as_str()
        } else {
            &self.caller_id
        }
    }

    pub(crate) fn of(record: &Record) -> Result<Self, String> {
        let number =
            ExtensionNumber::new(record.text("number")).map_err(|error| error.to_string())?;
        let presence_status = record.text("presence_status").to_owned();
        let ring_timeout = Duration::from_secs(presence::ring_timeout(record));
        let name = display_name(record);
        let caller_id = record.text("caller_id").to_owned();
        Ok(Self {
            id: record.id,
            first_name: record.text("first_name").into(),
            last_name: record.text("last_name").into(),
            reg_name: record.text("reg_name").into(),
            reg_password: record.secret("reg_password").cloned().unwrap_or_default(),
            concurrent_registrations: record
                .number("concurrent_registrations")
                .and_then(|devices| u32::try_from(devices).ok())
                .unwrap_or(1),
            ring_timeout,
            monitor: Monitor::of(record),
            switch: Arc::new(switch::Extension {
                number: number.clone(),
                name: name.as_str().into(),
                caller_id: caller_id.as_str().into(),
                ring_timeout,
                do_not_disturb: presence_status == presence::DO_NOT_DISTURB,
            }),
            number,
            name,
            caller_id,
            presence_status,
        })
    }
}

/// Which of an extension's states applications are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Monitor {
    /// Registrations: event 30007.
    pub register_status: bool,
    /// Calls: event 30008.
    pub call_status: bool,
    /// Presence: event 30009.
    pub presence_status: bool,
}

impl Monitor {
    pub(crate) fn of(record: &Record) -> Self {
        let flags = record.doc.get(MONITOR);
        let on = |flag: &str| flags.and_then(|f| f.get(flag)).and_then(Value::as_i64) == Some(1);
        let [register, call, presence] = FLAGS;
        Self {
            register_status: on(register),
            call_status: on(call),
            presence_status: on(presence),
        }
    }

    /// Takes the flags that are named.
    pub(crate) fn set(&mut self, flags: &BTreeMap<&'static str, bool>) {
        let [register, call, presence] = FLAGS;
        let slots = [
            (register, &mut self.register_status),
            (call, &mut self.call_status),
            (presence, &mut self.presence_status),
        ];
        for (flag, slot) in slots {
            if let Some(on) = flags.get(flag) {
                *slot = *on;
            }
        }
    }

    /// The flags as the wire writes them.
    pub(crate) fn members(self) -> Map<String, Value> {
        FLAGS
            .into_iter()
            .zip([self.register_status, self.call_status, self.presence_status])
            .map(|(flag, on)| (flag.to_owned(), i64::from(on).into()))
            .collect()
    }

    pub(crate) fn value(self) -> Value {
        Value::Object(self.members())
    }
}

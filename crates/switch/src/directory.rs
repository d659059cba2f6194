//! Who can be reached: the configuration and the registered contacts. Knows
//! no call.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{Configuration, Extension};
use crate::fact::FailReason;
use crate::ids::{ContactId, ExtensionNumber};

/// Most phones of one extension that are invited at once.
pub(crate) const MAX_FORK: usize = 16;

/// Most calls at once, whatever the configuration says.
pub(crate) const MAX_CALLS: usize = 65_536;

/// Configuration and contacts.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    configuration: Configuration,
    contacts: HashMap<ExtensionNumber, Vec<ContactId>>,
}

impl Directory {
    /// Takes a new configuration; who holds an extension of the old keeps it.
    pub(crate) fn configure(&mut self, configuration: Arc<Configuration>) {
        self.configuration = Arc::unwrap_or_clone(configuration);
    }

    /// Takes some extensions anew, or out.
    pub(crate) fn change(&mut self, changes: Vec<(ExtensionNumber, Option<Arc<Extension>>)>) {
        for (number, extension) in changes {
            match extension {
                Some(extension) => self.configuration.extensions.insert(number, extension),
                None => self.configuration.extensions.remove(&number),
            };
        }
    }

    /// Takes an extension's contacts, all of them.
    pub(crate) fn register(&mut self, extension: ExtensionNumber, contacts: Vec<ContactId>) {
        if contacts.is_empty() {
            self.contacts.remove(&extension);
        } else {
            self.contacts.insert(extension, contacts);
        }
    }

    /// The extension with that number.
    pub(crate) fn extension(&self, number: &ExtensionNumber) -> Option<&Arc<Extension>> {
        self.configuration.extensions.get(number)
    }

    /// The contacts to invite, in order of preference.
    pub(crate) fn contacts(&self, extension: &ExtensionNumber) -> Vec<ContactId> {
        let contacts = self.contacts.get(extension).map_or(&[][..], Vec::as_slice);
        contacts.iter().take(MAX_FORK).copied().collect()
    }

    /// Whether a phone is registered for it.
    pub(crate) fn is_registered(&self, extension: &ExtensionNumber) -> bool {
        self.contacts.contains_key(extension)
    }

    /// The extension behind a dialled text, whether or not it takes calls.
    pub(crate) fn dialled(&self, dialled: &str) -> Option<&Arc<Extension>> {
        let number = ExtensionNumber::new(dialled).ok()?;
        self.extension(&number)
    }

    /// Whether the extension takes a call now.
    pub(crate) fn takes_calls(&self, extension: &Extension) -> Result<(), FailReason> {
        if extension.do_not_disturb {
            Err(FailReason::DoNotDisturb)
        } else if self.is_registered(&extension.number) {
            Ok(())
        } else {
            Err(FailReason::NotRegistered)
        }
    }

    /// Whether that many calls leave no room for another.
    pub(crate) fn is_full(&self, calls: usize) -> bool {
        let limit = match self.configuration.max_calls {
            0 => MAX_CALLS,
            limit => limit.min(MAX_CALLS),
        };
        calls >= limit
    }
}

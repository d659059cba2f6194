//! All settings at one moment. A snapshot never changes; a change makes a new
//! one that shares all that stayed the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use switch::{Configuration, ExtensionNumber};

use crate::error::SettingsError;
use crate::extension::Extension;
use crate::kind::Kind;
use crate::record::Record;

/// All objects of one kind, by id and by unique key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    records: RedBlackTreeMapSync<i64, Arc<Record>>,
    keys: BTreeMap<&'static str, RedBlackTreeMapSync<String, i64>>,
}

/// All settings at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    revision: i64,
    tables: BTreeMap<&'static str, Table>,
    extensions: RedBlackTreeMapSync<ExtensionNumber, Arc<Extension>>,
    extensions_by_id: RedBlackTreeMapSync<i64, Arc<Extension>>,
}

impl Snapshot {
    /// How many changes there were before it.
    pub fn revision(&self) -> i64 {
        self.revision
    }

    /// All extensions, by number.
    pub fn extensions(&self) -> impl Iterator<Item = &Arc<Extension>> {
        self.extensions.values()
    }

    /// How many extensions there are.
    pub fn extension_count(&self) -> usize {
        self.extensions.size()
    }

    /// The extension of an id.
    pub fn extension(&self, id: i64) -> Option<Arc<Extension>> {
        self.extensions_by_id.get(&id).cloned()
    }

    /// The extension of a number.
    pub fn extension_by_number(&self, number: &str) -> Option<Arc<Extension>> {
        self.extensions
            .get(&ExtensionNumber::new(number).ok()?)
            .cloned()
    }

    /// The extension that authenticates by this name.
    pub fn extension_by_reg_name(&self, reg_name: &str) -> Option<Arc<Extension>> {
        self.extension(self.table("extension")?.id_of("reg_name", reg_name)?)
    }

    /// What the switch must know.
    pub fn switch_configuration(&self) -> Configuration {
        Configuration {
            extensions: self
                .extensions
                .iter()
                .map(|(number, extension)| (number.clone(), extension.switch.clone()))
                .collect(),
            ..Configuration::default()
        }
    }

    /// One object.
    pub fn record(&self, kind: &str, id: i64) -> Option<Arc<Record>> {
        self.table(kind)?.records.get(&id).cloned()
    }

    /// All objects of a kind, by id.
    pub fn records(&self, kind: &str) -> impl Iterator<Item = &Arc<Record>> {
        self.table(kind)
            .into_iter()
            .flat_map(|table| table.records.values())
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: &str) -> usize {
        self.table(kind).map_or(0, |table| table.records.size())
    }

    /// The object of a kind that has this unique value.
    pub(crate) fn holder(&self, kind: &str, member: &str, value: &str) -> Option<Arc<Record>> {
        let table = self.table(kind)?;
        table.records.get(&table.id_of(member, value)?).cloned()
    }

    /// Puts an object in, in its old state's place.
    pub(crate) fn put(
        &mut self,
        kind: &'static dyn Kind,
        record: Arc<Record>,
    ) -> Result<(), SettingsError> {
        self.remove(kind, record.id);
        kind.project(&record, self)
            .map_err(|reason| SettingsError::Corrupt {
                kind: kind.name().into(),
                id: record.id,
                reason,
            })?;
        self.revision = self.revision.max(record.revision);
        let table = self.tables.entry(kind.name()).or_default();
        for key in kind.unique() {
            if let Some(value) = key.value(&record) {
                table
                    .keys
                    .entry(key.member)
                    .or_default()
                    .insert_mut(value, record.id);
            }
        }
        table.records.insert_mut(record.id, record);
        Ok(())
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, kind: &'static dyn Kind, id: i64) {
        let Some(table) = self.tables.get_mut(kind.name()) else {
            return;
        };
        let Some(record) = table.records.get(&id).cloned() else {
            return;
        };
        for key in kind.unique() {
            if let (Some(value), Some(keys)) = (key.value(&record), table.keys.get_mut(key.member))
            {
                keys.remove_mut(&value);
            }
        }
        table.records.remove_mut(&id);
        kind.withdraw(&record, self);
    }

    pub(crate) fn set_revision(&mut self, revision: i64) {
        self.revision = revision;
    }

    pub(crate) fn put_extension(&mut self, extension: Extension) {
        let extension = Arc::new(extension);
        self.extensions
            .insert_mut(extension.number.clone(), extension.clone());
        self.extensions_by_id.insert_mut(extension.id, extension);
    }

    pub(crate) fn remove_extension(&mut self, id: i64) {
        if let Some(extension) = self.extensions_by_id.get(&id).cloned() {
            self.extensions.remove_mut(&extension.number);
            self.extensions_by_id.remove_mut(&id);
        }
    }

    fn table(&self, kind: &str) -> Option<&Table> {
        self.tables.get(kind)
    }
}

impl Table {
    fn id_of(&self, member: &str, value: &str) -> Option<i64> {
        self.keys.get(member)?.get(value).copied()
    }
}

//! All settings at one moment. A snapshot never changes; a change makes a new
//! one that shares all that stayed the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};
use switch::{Configuration, ExtensionNumber};

use crate::contacts::Phonebook;
use crate::error::SettingsError;
use crate::extension::Extension;
use crate::kind::Kind;
use crate::record::Record;
use crate::reference::{Referrer, Referrers};
use crate::settings::Features;
use crate::table::{Page, Table, Wanted};

/// All settings at one moment.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    revision: i64,
    tables: BTreeMap<&'static str, Table>,
    referrers: Referrers,
    extensions: RedBlackTreeMapSync<ExtensionNumber, Arc<Extension>>,
    extensions_by_id: RedBlackTreeMapSync<i64, Arc<Extension>>,
    /// Extension groups that all extensions are in.
    groups_of_all: RedBlackTreeSetSync<i64>,
    phonebooks: RedBlackTreeMapSync<i64, Arc<Phonebook>>,
    features: Features,
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

    /// All extensions, by id.
    pub(crate) fn extensions_by_id(&self) -> impl Iterator<Item = &Arc<Extension>> {
        self.extensions_by_id.values()
    }

    /// The extension of a number.
    pub fn extension_by_number(&self, number: &str) -> Option<Arc<Extension>> {
        self.extensions
            .get(&ExtensionNumber::new(number).ok()?)
            .cloned()
    }

    /// The extension that authenticates by this name.
    pub fn extension_by_reg_name(&self, reg_name: &str) -> Option<Arc<Extension>> {
        self.extension(self.table("extension")?.holder("reg_name", reg_name)?)
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
        self.table(kind)?.get(id)
    }

    /// Whether there is an object.
    pub(crate) fn has(&self, kind: &str, id: i64) -> bool {
        self.table(kind).is_some_and(|table| table.has(id))
    }

    /// All objects of a kind, by id.
    pub fn records(&self, kind: &str) -> impl Iterator<Item = Arc<Record>> {
        self.table(kind).into_iter().flat_map(Table::records)
    }

    /// Some of a kind's objects.
    pub(crate) fn page(&self, kind: &str, wanted: Wanted<'_>) -> Page {
        self.table(kind)
            .map(|table| table.page(wanted))
            .unwrap_or_default()
    }

    /// As [`Snapshot::page`], sorted by a field that hangs on other objects.
    pub(crate) fn page_joined(&self, kind: &'static dyn Kind, wanted: Wanted<'_>) -> Page {
        let all = Wanted {
            text: wanted.text,
            size: usize::MAX,
            ..Wanted::default()
        };
        let mut page = self.page(kind.name(), all);
        page.rows
            .sort_by_cached_key(|row| kind.joined_sort_key(&row.record(), wanted.sort_by, self));
        if wanted.descending {
            page.rows.reverse();
        }
        let rows = page.rows.into_iter();
        page.rows = rows.skip(wanted.first).take(wanted.size).collect();
        page
    }

    /// How many objects of a kind there are.
    pub fn count(&self, kind: &str) -> usize {
        self.table(kind).map_or(0, Table::count)
    }

    /// Who refers to an object.
    pub(crate) fn referrers(
        &self,
        kind: &'static str,
        id: i64,
    ) -> impl Iterator<Item = Referrer> + '_ {
        self.referrers.of(kind, id)
    }

    /// The ids of the objects of one kind that refer to an object by one
    /// member; `to` and `by` are (kind, id) and (kind, member).
    pub(crate) fn referrer_ids(
        &self,
        to: (&'static str, i64),
        by: (&'static str, &'static str),
    ) -> impl Iterator<Item = i64> + '_ {
        self.referrers.ids(to, by)
    }

    /// The object of a kind that has this unique value.
    pub(crate) fn holder(&self, kind: &str, member: &str, value: &str) -> Option<Arc<Record>> {
        let table = self.table(kind)?;
        table.get(table.holder(member, value)?)
    }

    /// Puts an object in, in its old state's place.
    pub(crate) fn put(
        &mut self,
        kind: &'static dyn Kind,
        record: Arc<Record>,
    ) -> Result<(), SettingsError> {
        let mut before = Vec::new();
        if let Some(old) = self.record(kind.name(), record.id) {
            kind.withdraw(&old, self);
            before = kind.references(&old);
        }
        self.project(kind, &record)?;
        self.referrers
            .change(kind.name(), record.id, &before, &kind.references(&record));
        let table = self.tables.entry(kind.name()).or_default();
        table.put(kind, record);
        Ok(())
    }

    /// Puts in many objects that are not there yet, up to the first that makes
    /// no sense.
    pub(crate) fn fill(
        &mut self,
        kind: &'static dyn Kind,
        records: impl IntoIterator<Item = Result<Record, SettingsError>>,
    ) -> Result<(), SettingsError> {
        let mut table = self.tables.remove(kind.name()).unwrap_or_default();
        let mut result = Ok(());
        let good = records.into_iter().map_while(|record| {
            let taken = record.and_then(|record| {
                self.project(kind, &record)?;
                let references = kind.references(&record);
                self.referrers
                    .change(kind.name(), record.id, &[], &references);
                Ok(Arc::new(record))
            });
            taken.map_err(|error| result = Err(error)).ok()
        });
        table.fill(kind, good);
        self.tables.insert(kind.name(), table);
        result
    }

    /// Takes an object out.
    pub(crate) fn remove(&mut self, kind: &'static dyn Kind, id: i64) {
        let Some(record) = self.record(kind.name(), id) else {
            return;
        };
        if let Some(table) = self.tables.get_mut(kind.name()) {
            table.remove(kind, id);
        }
        self.referrers
            .change(kind.name(), id, &kind.references(&record), &[]);
        kind.withdraw(&record, self);
    }

    fn project(&mut self, kind: &'static dyn Kind, record: &Record) -> Result<(), SettingsError> {
        kind.project(record, self)
            .map_err(|reason| SettingsError::Corrupt {
                kind: kind.name().into(),
                id: record.id,
                reason,
            })?;
        self.revision = self.revision.max(record.revision);
        Ok(())
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

    /// Which features are switched on.
    pub fn features(&self) -> Features {
        self.features
    }

    pub(crate) fn set_features(&mut self, features: Features) {
        self.features = features;
    }

    /// The groups that all extensions are in.
    pub(crate) fn groups_of_all(&self) -> impl Iterator<Item = i64> + '_ {
        self.groups_of_all.iter().copied()
    }

    pub(crate) fn set_group_of_all(&mut self, id: i64, all: bool) {
        if all {
            self.groups_of_all.insert_mut(id);
        } else {
            self.groups_of_all.remove_mut(&id);
        }
    }

    /// A phonebook.
    pub(crate) fn phonebook(&self, id: i64) -> Option<&Arc<Phonebook>> {
        self.phonebooks.get(&id)
    }

    /// The phonebooks that all contacts are in.
    pub(crate) fn phonebooks_of_all(&self) -> impl Iterator<Item = i64> + '_ {
        let phonebooks = self.phonebooks.iter();
        phonebooks
            .filter(|(_, phonebook)| phonebook.all)
            .map(|(id, _)| *id)
    }

    pub(crate) fn put_phonebook(&mut self, id: i64, phonebook: Phonebook) {
        self.phonebooks.insert_mut(id, Arc::new(phonebook));
    }

    pub(crate) fn remove_phonebook(&mut self, id: i64) {
        self.phonebooks.remove_mut(&id);
    }

    pub(crate) fn table(&self, kind: &str) -> Option<&Table> {
        self.tables.get(kind)
    }
}

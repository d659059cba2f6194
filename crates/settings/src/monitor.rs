//! `extension_status_monitor/*`: for which extensions 30007, 30008 and 30009
//! are sent. The flags lie in the extension's document, apart from its members
//! on the wire; changing them is no change of the extension and tells no event.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wire::contract;

use crate::change::detached;
use crate::draft::Draft;
use crate::error::SettingsError;
use crate::extension::{Extension, ExtensionKind, MONITOR, MONITOR_FLAGS, Monitor};
use crate::read::{Window, answer, unknown};
use crate::record::Record;
use crate::settings::{Inner, Settings};
use crate::table::Wanted;

const LIST: &str = "extension_status_monitor/list";
const UPDATE: &str = "extension_status_monitor/update";
/// The request's one member.
const ENTRIES: &str = "ext_monitor_list";
/// Most entries of one update.
const MAX_ENTRIES: usize = 50_000;

/// The flags that an entry sends.
type Flags = BTreeMap<&'static str, bool>;

impl Settings {
    /// `extension_status_monitor/list`: every extension with its flags, by id.
    pub fn monitor_list(
        &self,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let operation = contract::operation("v1.0", LIST).ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let window = Window::read(&params)?;
        let wanted = Wanted {
            first: window.first,
            size: window.size,
            ..Wanted::default()
        };
        let snapshot = self.snapshot();
        let page = snapshot.page("extension", wanted);
        let extensions = page
            .rows
            .iter()
            .filter_map(|row| snapshot.extension(row.id));
        let data = extensions.map(|extension| Value::Object(row(&extension)));
        Ok(answer([
            ("total_number", page.total.into()),
            ("data", Value::Array(data.collect())),
        ]))
    }

    /// `extension_status_monitor/update`: all entries or none. Extensions and
    /// flags that are not named keep what they have.
    pub async fn monitor_update(
        &self,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let operation = contract::operation("v1.0", UPDATE).ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let entries = params
            .get(ENTRIES)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        if entries.len() > MAX_ENTRIES {
            return Err(SettingsError::member(ENTRIES, None, wire::rule::MAX));
        }
        let entries: Vec<(i64, Flags)> = entries.iter().map(entry).collect();
        let inner = self.0.clone();
        detached(async move { inner.monitor(entries).await }).await?;
        Ok(Map::new())
    }
}

impl Inner {
    async fn monitor(&self, entries: Vec<(i64, Flags)>) -> Result<(), SettingsError> {
        let _turn = self.turn.lock().await;
        let mut draft = Draft::new(self.present.snapshot());
        let mut faults = Vec::new();
        let mut changed: BTreeMap<i64, Record> = BTreeMap::new();
        for (place, (id, flags)) in entries.into_iter().enumerate() {
            let record = match changed.remove(&id) {
                Some(record) => Some(record),
                None => draft
                    .now()
                    .record("extension", id)
                    .map(|record| Record::clone(&record)),
            };
            let Some(mut record) = record else {
                if faults.len() < wire::MAX_INVALID_PARAMS {
                    faults.push(unknown(format!("{ENTRIES}[{place}].ext_id"), id));
                }
                continue;
            };
            let mut monitor = Monitor::of(&record);
            monitor.set(&flags);
            record.doc.insert(MONITOR.into(), monitor.value());
            changed.insert(id, record);
        }
        if !faults.is_empty() {
            return Err(SettingsError::Invalid(faults));
        }
        if changed.is_empty() {
            return Ok(());
        }
        for record in changed.into_values() {
            draft.put_untold(&ExtensionKind, record)?;
        }
        self.keep(draft).await
    }
}

fn entry(entry: &Value) -> (i64, Flags) {
    let id = entry.get("ext_id").and_then(Value::as_i64).unwrap_or(0);
    let flags = MONITOR_FLAGS.iter().filter_map(|flag| {
        let value = entry.get(*flag)?.as_i64()?;
        Some((*flag, value == 1))
    });
    (id, flags.collect())
}

fn row(extension: &Extension) -> Map<String, Value> {
    let mut row = answer([
        ("ext_id", extension.id.into()),
        ("number", extension.number.as_str().into()),
        ("name", extension.name.as_str().into()),
    ]);
    row.extend(extension.monitor.members());
    row
}

//! The four operations that read: list, search, get, query. They work on the
//! snapshot and never wait. Live state is joined by the faces.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::error::{SettingsError, invalid, word};
use crate::kind::{Kind, SecretForm, kind};
use crate::listing::{Listing, Live, rows};
use crate::nested::Room;
use crate::secret::{Secret, password_matches};
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::table::Wanted;

/// Most rows of a page, and a page's rows where the request does not say: the
/// guide prints neither, so that who asks plainly gets all there is.
pub(crate) const PAGE_SIZE: usize = 10_000;
/// Most ids of a query.
const MAX_IDS: usize = 10_000;

impl Settings {
    /// `<kind>/list`: `total_number` and a page of brief rows under `data`.
    pub fn list(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        self.listing(name, "list", params, &nothing_live)?.values()
    }

    /// `<kind>/search`: as [`Settings::list`], of the objects that hold the text.
    pub fn search(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        self.listing(name, "search", params, &nothing_live)?
            .values()
    }

    /// `list` or `search`, with rows that are JSON text already; `live` writes
    /// what is live of an object, where the kind's rows show it.
    pub fn listing(
        &self,
        name: &str,
        verb: &str,
        params: Map<String, Value>,
        live: Live<'_>,
    ) -> Result<Listing, SettingsError> {
        let (kind, snapshot) = self.usable(name)?;
        let operation = kind.operation(verb).ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let window = Window::read(&params)?;
        let wanted = Wanted {
            // `list` has no such member: there it is one that nobody knows.
            text: if verb == "search" {
                text(&params, "search_value")
            } else {
                ""
            },
            sort_by: text(&params, "sort_by"),
            descending: text(&params, "order_by") == "desc",
            first: window.first,
            size: window.size,
        };
        let page = if kind.joined().contains(&wanted.sort_by) {
            snapshot.page_joined(kind, wanted)
        } else {
            snapshot.page(kind.name(), wanted)
        };
        if let Some(members) = kind.page(verb, &params, &page, &snapshot) {
            return Ok(Listing {
                members,
                rows: None,
            });
        }
        let rows = rows(&page.rows, live, |row, members| {
            kind.write_row(row, &snapshot, members);
        });
        Ok(Listing {
            members: answer([("total_number", page.total.into())]),
            rows: Some((kind.payload(verb), rows)),
        })
    }

    /// The kind of this name and the settings as they are now, where its
    /// operations can be used.
    pub(crate) fn usable(
        &self,
        name: &str,
    ) -> Result<(&'static dyn Kind, Arc<Snapshot>), SettingsError> {
        let kind = kind(name).ok_or(SettingsError::UnknownKind)?;
        let snapshot = self.snapshot();
        kind.available(&snapshot)?;
        Ok((kind, snapshot))
    }

    /// `<kind>/get`: one object, under `data` for most kinds.
    pub fn get(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let (kind, snapshot) = self.usable(name)?;
        let operation = kind.operation("get").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let record = snapshot
            .record(name, id(&params))
            .ok_or(SettingsError::NotFound)?;
        let detail = kind.detail(&record, &snapshot, Room::new());
        Ok(answer([(kind.payload("get"), Value::Object(detail))]))
    }

    /// `<kind>/query`: the objects of `ids` under `data`, each once, in that
    /// order; ids of no object are passed over. Where they hold more than an
    /// answer may, `ids` names too many.
    pub fn query(
        &self,
        name: &str,
        params: Map<String, Value>,
    ) -> Result<Map<String, Value>, SettingsError> {
        let (kind, snapshot) = self.usable(name)?;
        let operation = kind.operation("query").ok_or(SettingsError::UnknownKind)?;
        let params = wire::validate(operation, &params).map_err(SettingsError::Invalid)?;
        let ids = ids(text(&params, "ids"))?;
        let mut found = Vec::new();
        let mut room = Room::new();
        for id in ids {
            let Some(record) = snapshot.record(name, id) else {
                continue;
            };
            let detail = kind.detail(&record, &snapshot, room);
            // What is asked for alone is answered whole.
            if !room.takes(&detail) && !found.is_empty() {
                return Err(SettingsError::member("ids", None, wire::rule::MAX));
            }
            found.push(Value::Object(detail));
        }
        if found.is_empty() {
            return Err(SettingsError::NotFound);
        }
        Ok(answer([(kind.payload("query"), Value::Array(found))]))
    }
}

/// The ids of a query, each once.
fn ids(text: &str) -> Result<Vec<i64>, SettingsError> {
    let mut ids = Vec::new();
    let mut seen = BTreeSet::new();
    let parts = text.split(',').map(str::trim);
    for part in parts.filter(|part| !part.is_empty()) {
        let id = part
            .parse()
            .map_err(|_| SettingsError::member("ids", Some(part), wire::rule::TYPE))?;
        if seen.insert(id) {
            ids.push(id);
        }
        if ids.len() > MAX_IDS {
            return Err(SettingsError::member("ids", None, wire::rule::MAX));
        }
    }
    if ids.is_empty() {
        return Err(SettingsError::member("ids", None, wire::rule::REQUIRED));
    }
    Ok(ids)
}

impl Settings {
    /// A sealed secret in plain, for who is permitted to read it. Empty where
    /// it is not set. Hashed ones can't be read.
    pub fn reveal(&self, name: &str, id: i64, member: &str) -> Result<Secret, SettingsError> {
        let kind = kind(name).ok_or(SettingsError::UnknownKind)?;
        let sealed = kind
            .members()
            .iter()
            .any(|known| known.name == member && known.rule.secret() == Some(SecretForm::Sealed));
        if !sealed {
            return Err(SettingsError::UnknownKind);
        }
        let record = self
            .snapshot()
            .record(name, id)
            .ok_or(SettingsError::NotFound)?;
        Ok(record.secret(member).cloned().unwrap_or_default())
    }

    /// Whether a hashed secret is this text: milliseconds of CPU, aside.
    pub async fn secret_matches(
        &self,
        name: &str,
        id: i64,
        member: &str,
        text: &str,
    ) -> Result<bool, SettingsError> {
        let record = self
            .snapshot()
            .record(name, id)
            .ok_or(SettingsError::NotFound)?;
        let Some(hash) = record.secret(member).cloned() else {
            return Ok(false);
        };
        let text = Secret::new(text);
        tokio::task::spawn_blocking(move || password_matches(text.expose(), hash.expose()))
            .await
            .map_err(|_| SettingsError::Stopping)
    }
}

/// Which rows of a list a page holds.
pub(crate) struct Window {
    /// Rows before it.
    pub first: usize,
    /// Most rows of it.
    pub size: usize,
}

impl Window {
    pub fn read(params: &Map<String, Value>) -> Result<Self, SettingsError> {
        let mut faults = Vec::new();
        let mut positive = |member: &str| {
            let value = params.get(member).and_then(Value::as_i64)?;
            if value < 1 {
                faults.push(invalid(member, Some(&value.to_string()), wire::rule::MIN));
            }
            usize::try_from(value).ok()
        };
        let page = positive("page").unwrap_or(1);
        let size = positive("page_size").unwrap_or(PAGE_SIZE);
        if size > PAGE_SIZE {
            faults.push(invalid(
                "page_size",
                Some(&size.to_string()),
                wire::rule::MAX,
            ));
        }
        if faults.is_empty() {
            Ok(Self {
                first: page.saturating_sub(1).saturating_mul(size),
                size,
            })
        } else {
            Err(SettingsError::Invalid(faults))
        }
    }
}

/// Where nobody joins what is live.
fn nothing_live(_: &str, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{}");
}

/// A text of the request; empty where it is missing.
pub(crate) fn text<'p>(params: &'p Map<String, Value>, member: &str) -> &'p str {
    params
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The `id` that the contract requires; 0, which no object has, where it is missing.
pub(crate) fn id(params: &Map<String, Value>) -> i64 {
    params.get("id").and_then(Value::as_i64).unwrap_or(0)
}

/// An answer's own members.
pub(crate) fn answer<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// What `invalid_param_list` says of a list entry that names nothing.
pub(crate) fn unknown(field: String, id: i64) -> wire::InvalidParam {
    invalid(field, Some(&id.to_string()), word::NOT_FOUND)
}

//! The kind `organization`: the departments of the company, a tree under the
//! root that exists from the start. Who is in a department is kept with the
//! extension, as the API writes it; here it is only counted and told.
//!
//! The feature can be switched off in the configuration, as it can on the
//! vendor's web page: then all of it answers 70120, and nothing is lost.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use store::NewEvent;
use wire::event::{Action, OrganizationStatusSwitchStateChanged, OrganizationStructureChanged};
use wire::{ErrCode, InvalidParam};

use crate::draft::Draft;
use crate::error::{SettingsError, invalid, word};
use crate::kind::Rule::Acted;
use crate::kind::{Changed, Deed, Kind, MemberRule, SortKey, check_name};
use crate::menu;
use crate::nested::Room;
use crate::read::{answer, text};
use crate::record::Record;
use crate::reference::{Reference, WhenGone};
use crate::settings::Options;
use crate::snapshot::Snapshot;
use crate::table::Page;

/// The kind's name, and its word where lists hold several kinds.
pub(crate) const NAME: &str = "organization";
/// The member of an extension that holds its departments: a list of ids.
pub(crate) const LIST: &str = "organization_list";
/// The root's id.
pub(crate) const ROOT: i64 = 1;
/// Most departments: the vendor's largest edition has as many.
const MAX_ORGANIZATIONS: usize = 1_000;
/// Most layers, the root's own among them: the vendor's bound.
const MAX_DEPTH: usize = 20;
/// The member that makes the tree.
const PARENT: &str = "parent_id";
/// The place among siblings: grows, with gaps; what is told is the rank.
const ORDER: &str = "order";

static RULES: &[MemberRule] = &[
    MemberRule::new("name", Acted),
    MemberRule::new(PARENT, Acted),
];

/// The kind `organization`.
pub(crate) struct OrganizationKind;

impl Kind for OrganizationKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> usize {
        MAX_ORGANIZATIONS
    }

    fn members(&self) -> &'static [MemberRule] {
        RULES
    }

    fn available(&self, snapshot: &Snapshot) -> Result<(), SettingsError> {
        if snapshot.features().organization {
            Ok(())
        } else {
            Err(SettingsError::Refused(ErrCode::OrganizationDisabled))
        }
    }

    fn first(&self, options: &Options) -> Vec<Map<String, Value>> {
        vec![answer([
            ("name", options.company.as_str().into()),
            (PARENT, 0.into()),
            (ORDER, 1.into()),
        ])]
    }

    /// The root is the company.
    fn configured(&self, options: &Options) -> Vec<(i64, &'static str, Value)> {
        vec![(ROOT, "name", options.company.as_str().into())]
    }

    fn sort_key(&self, _: &Record, _: &str) -> Option<SortKey> {
        None
    }

    fn searched<'r>(&self, record: &'r Record) -> Vec<Cow<'r, str>> {
        vec![record.text("name").into()]
    }

    fn check(
        &self,
        record: &Record,
        present: Option<&Record>,
        snapshot: &Snapshot,
        faults: &mut Vec<InvalidParam>,
    ) {
        if record.id == ROOT {
            faults.push(invalid("id", Some("1"), word::READ_ONLY));
            return;
        }
        check_name(record, faults);
        let parent = parent(record);
        // That another parent exists is checked with the references.
        if parent < 1 {
            let none = parent.to_string();
            faults.push(invalid(PARENT, Some(&none), word::NOT_FOUND));
        } else if present.is_some() && lineage(parent, snapshot).contains(&record.id) {
            let below = parent.to_string();
            faults.push(invalid(PARENT, Some(&below), word::CYCLE));
        }
    }

    fn forbid(
        &self,
        record: &Record,
        _present: Option<&Record>,
        _sent: &Map<String, Value>,
        snapshot: &Snapshot,
    ) -> Result<(), SettingsError> {
        let above = lineage(parent(record), snapshot).len();
        // A new one has the id 0, and nobody is below that.
        let own = if record.id == 0 {
            1
        } else {
            height(record.id, snapshot)
        };
        if above + own > MAX_DEPTH {
            Err(SettingsError::TooMany)
        } else {
            Ok(())
        }
    }

    fn may_delete(&self, record: &Record, _: &Snapshot) -> Result<(), SettingsError> {
        if record.id == ROOT {
            Err(SettingsError::member("id", Some("1"), word::READ_ONLY))
        } else {
            Ok(())
        }
    }

    /// Its parent can't go before it. The check names a parent that does not
    /// exist, so that only one that does is a reference.
    fn references(&self, record: &Record) -> Vec<Reference> {
        let parent = parent(record);
        let to_parent = Reference {
            member: PARENT,
            place: None,
            field: None,
            kind: NAME,
            id: parent,
            when_gone: WhenGone::Refuse,
        };
        (parent > 0).then_some(to_parent).into_iter().collect()
    }

    /// A new one, and one that has moved, comes last among its siblings.
    fn carry(&self, record: &mut Record, draft: &mut Draft) -> Result<(), SettingsError> {
        let present = draft.now().record(NAME, record.id);
        let moved = present.is_none_or(|present| parent(&present) != parent(record));
        if moved {
            let siblings = children(parent(record), draft.now());
            let last = siblings.last().map_or(0, |(order, _)| *order);
            record.doc.insert(ORDER.into(), (last + 1).into());
        }
        Ok(())
    }

    fn detail(&self, record: &Record, snapshot: &Snapshot, _room: Room) -> Map<String, Value> {
        row(record, rank(record, snapshot))
    }

    fn label(&self, record: &Record) -> String {
        record.text("name").to_owned()
    }

    fn payload(&self, verb: &str) -> &'static str {
        match verb {
            "list" | "search" => "organization_list",
            "get" => "organization_info",
            _ => "data",
        }
    }

    /// `list` is the tree: one record, the root, so that its first page is the
    /// whole and there is no other. `search` is the departments that match, each
    /// with what is below it.
    fn page(
        &self,
        verb: &str,
        params: &Map<String, Value>,
        page: &Page,
        snapshot: &Snapshot,
    ) -> Option<Map<String, Value>> {
        let mut tree = Tree {
            snapshot,
            extent: Extent::of(params),
            sorted: Sorted::of(params),
            included: BTreeMap::new(),
            room: Room::new(),
        };
        let rows: Vec<Value> = if verb == "search" {
            page.records()
                .map(|record| tree.row(&record, rank(&record, snapshot)))
                .collect()
        } else {
            let first = params.get("page").is_none_or(|page| *page == 1);
            let root = snapshot.record(NAME, ROOT).filter(|_| first);
            root.iter().map(|root| tree.row(root, 1)).collect()
        };
        Some(answer([(self.payload(verb), rows.into())]))
    }

    fn events(&self, changed: &Changed<'_>) -> Vec<NewEvent> {
        let action = match changed.deed() {
            Deed::Created => Action::Create,
            Deed::Updated => Action::Update,
            Deed::Deleted => Action::Delete,
        };
        let ids = changed.object().map(|record| record.id);
        let mut events = vec![structure_changed(
            ids.into_iter().collect(),
            action,
            changed,
        )];
        events.extend(moved_event(changed));
        events
    }
}

/// The event that a department has moved with its extensions: those that it was
/// below and those that it is below now have others.
fn moved_event(changed: &Changed<'_>) -> Option<NewEvent> {
    let (before, after) = (changed.before?, changed.after?);
    let (from, to) = (parent(before), parent(after));
    if from == to || !has_members(after.id, changed.is) {
        return None;
    }
    let above = lineage(from, changed.was).into_iter();
    let above: BTreeSet<i64> = above.chain(lineage(to, changed.is)).collect();
    let ids = above.into_iter().collect();
    Some(structure_changed(ids, Action::UpdateExtension, changed))
}

/// What a list tells of each department.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// With the number of extensions.
    Counts,
    /// With the number and the list of extensions.
    Members,
    /// Alone.
    Plain,
}

impl Extent {
    /// By `is_all`, for which the guide has no default: counts cost little.
    fn of(params: &Map<String, Value>) -> Self {
        match params.get("is_all").and_then(Value::as_i64) {
            Some(1) => Self::Members,
            Some(2) => Self::Plain,
            _ => Self::Counts,
        }
    }
}

/// How siblings stand beside one another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sorted {
    /// In their order.
    AsPlaced,
    /// By id.
    ById,
    /// By id, from the last to the first.
    ByIdDescending,
}

impl Sorted {
    /// By `sort_by` and `order_by`: ids are all that can be sorted on.
    fn of(params: &Map<String, Value>) -> Self {
        let descending = text(params, "order_by") == "desc";
        match (text(params, "sort_by"), text(params, "order_by")) {
            ("", "") => Self::AsPlaced,
            _ if descending => Self::ByIdDescending,
            _ => Self::ById,
        }
    }
}

/// Departments with what is below them, as `list` writes them.
struct Tree<'t> {
    snapshot: &'t Snapshot,
    extent: Extent,
    sorted: Sorted,
    /// The extensions in a department and below it, as far as they were asked for.
    included: BTreeMap<i64, Arc<[i64]>>,
    /// For the lists of extensions: a department that is searched for stands in
    /// the row of each one above it too. `ext_number` counts them all.
    room: Room,
}

impl Tree<'_> {
    /// A department's row. It is as deep as the tree, which has a bound.
    fn row(&mut self, record: &Record, rank: usize) -> Value {
        let mut row = row(record, rank);
        let below = children(record.id, self.snapshot).into_iter().zip(1..);
        let mut below: Vec<(i64, usize)> = below.map(|((_, id), rank)| (id, rank)).collect();
        match self.sorted {
            Sorted::AsPlaced => {}
            Sorted::ById => below.sort_unstable(),
            Sorted::ByIdDescending => below.sort_unstable_by(|a, b| b.cmp(a)),
        }
        let below = below.into_iter().filter_map(|(child, rank)| {
            let child = self.snapshot.record(NAME, child)?;
            Some(self.row(&child, rank))
        });
        let below: Vec<Value> = below.collect();
        if self.extent != Extent::Plain {
            let number = self.included(record.id).len();
            row.insert("ext_number".into(), number.into());
        }
        row.insert("children".into(), below.into());
        if self.extent == Extent::Members {
            let included = self.included(record.id);
            let shown = self.room.take(included.len());
            let list: Vec<i64> = included.iter().copied().take(shown).collect();
            row.insert("ext_list".into(), list.into());
        }
        row.into()
    }

    /// The extensions in a department and below it, each once.
    fn included(&mut self, id: i64) -> Arc<[i64]> {
        if let Some(known) = self.included.get(&id) {
            return known.clone();
        }
        let mut all: Vec<i64> = members(id, self.snapshot).collect();
        for (_, child) in children(id, self.snapshot) {
            all.extend_from_slice(&self.included(child));
        }
        all.sort_unstable();
        all.dedup();
        let all: Arc<[i64]> = all.into();
        self.included.insert(id, all.clone());
        all
    }
}

/// The events that an extension sets off where its departments change: those
/// it has left and those it has entered, with all above them.
pub(crate) fn membership_events(changed: &Changed<'_>) -> Vec<NewEvent> {
    let ids = |record: Option<&Record>| -> BTreeSet<i64> {
        record.map_or_else(BTreeSet::new, |record| {
            record.list(LIST).iter().filter_map(Value::as_i64).collect()
        })
    };
    let (before, after) = (ids(changed.before), ids(changed.after));
    let left = before.difference(&after).map(|id| (id, changed.was));
    let entered = after.difference(&before).map(|id| (id, changed.is));
    let touched: BTreeSet<i64> = left
        .chain(entered)
        .flat_map(|(id, snapshot)| lineage(*id, snapshot))
        .collect();
    if touched.is_empty() {
        Vec::new()
    } else {
        let ids = touched.into_iter().collect();
        vec![structure_changed(ids, Action::UpdateExtension, changed)]
    }
}

/// An extension's departments as its `organization_list` is read.
pub(crate) fn rows(extension: &Record, snapshot: &Snapshot) -> Value {
    let ids = extension.list(LIST).iter().filter_map(Value::as_i64);
    let rows = ids.filter_map(|id| {
        let organization = snapshot.record(NAME, id)?;
        Some(json!({
            "value": id.to_string(),
            "text": organization.text("name"),
            "text2": "",
            "type": NAME,
        }))
    });
    rows.collect()
}

/// The tree as the menu of options has it: `item` holds what is below.
pub(crate) fn menu(snapshot: &Snapshot) -> Vec<Value> {
    fn option(id: i64, snapshot: &Snapshot) -> Option<Value> {
        let record = snapshot.record(NAME, id)?;
        let below: Vec<Value> = children(id, snapshot)
            .into_iter()
            .filter_map(|(_, child)| option(child, snapshot))
            .collect();
        let mut row = menu::option(record.text("name"), id);
        if !below.is_empty() {
            row.insert("item".into(), below.into());
        }
        Some(row.into())
    }
    option(ROOT, snapshot).into_iter().collect()
}

/// The event that tells of the feature's switches as they are now.
pub(crate) fn switched(options: &Options) -> NewEvent {
    let features = options.features;
    let event = OrganizationStatusSwitchStateChanged {
        org_status: Some(i64::from(features.organization)),
        show_root_org: Some(i64::from(features.show_root_organization)),
        sn: Some(options.serial.clone()),
    };
    crate::kind::new_event(&event, &options.serial)
}

fn structure_changed(ids: Vec<i64>, action: Action, changed: &Changed<'_>) -> NewEvent {
    changed.event(&OrganizationStructureChanged {
        id_list: Some(ids),
        action: Some(action),
        sn: Some(changed.serial.to_owned()),
    })
}

fn row(record: &Record, rank: usize) -> Map<String, Value> {
    answer([
        ("id", record.id.into()),
        ("name", record.text("name").into()),
        (PARENT, parent(record).into()),
        (ORDER, rank.into()),
    ])
}

fn parent(record: &Record) -> i64 {
    record.number(PARENT).unwrap_or(0)
}

/// The departments right below one, in their order.
fn children(id: i64, snapshot: &Snapshot) -> Vec<(i64, i64)> {
    let ids = snapshot.referrer_ids((NAME, id), (NAME, PARENT));
    let mut children: Vec<(i64, i64)> = ids
        .filter_map(|id| Some((snapshot.record(NAME, id)?.number(ORDER)?, id)))
        .collect();
    children.sort_unstable();
    children
}

/// From 1, among the siblings.
fn rank(record: &Record, snapshot: &Snapshot) -> usize {
    let siblings = children(parent(record), snapshot);
    let place = siblings.iter().position(|(_, id)| *id == record.id);
    place.unwrap_or(0) + 1
}

/// A department and all above it.
fn lineage(id: i64, snapshot: &Snapshot) -> Vec<i64> {
    let mut line = Vec::new();
    let mut next = snapshot.record(NAME, id);
    while let Some(record) = next {
        // The tree has no cycle; what is stored is still not trusted to end.
        if line.len() > MAX_DEPTH {
            break;
        }
        line.push(record.id);
        next = snapshot.record(NAME, parent(&record));
    }
    line
}

/// Layers of a department: itself and those below.
fn height(id: i64, snapshot: &Snapshot) -> usize {
    let below = children(id, snapshot);
    let highest = below
        .iter()
        .map(|(_, child)| height(*child, snapshot))
        .max();
    1 + highest.unwrap_or(0)
}

/// Whether any extension is in a department or below it.
fn has_members(id: i64, snapshot: &Snapshot) -> bool {
    members(id, snapshot).next().is_some()
        || children(id, snapshot)
            .into_iter()
            .any(|(_, child)| has_members(child, snapshot))
}

/// The extensions that are in a department itself.
fn members(id: i64, snapshot: &Snapshot) -> impl Iterator<Item = i64> + '_ {
    snapshot.referrer_ids((NAME, id), ("extension", LIST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_of_create_has_its_rule_in_the_contracts_order() {
        let create = wire::contract::operation("v1.0", "organization/create").unwrap();
        let theirs: Vec<&str> = create.request.iter().map(|member| member.name).collect();
        let ours: Vec<&str> = RULES.iter().map(|member| member.name).collect();
        assert_eq!(ours, theirs);
    }
}

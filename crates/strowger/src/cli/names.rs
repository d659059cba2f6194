//! Names that people use for what the API calls by an id: departments by their
//! path, roles, phonebooks, extensions by number.

use std::collections::HashMap;

use client::{Client, Value, json};

use super::failure::{Failure, Result};
use super::help;

/// Names of one kind and their ids.
#[derive(Debug, Default)]
pub struct Names {
    /// What a name names, for a sentence.
    kind: &'static str,
    /// As the PBX lists them.
    ids: Vec<(String, i64)>,
    by_name: HashMap<String, i64>,
    by_id: HashMap<i64, usize>,
}

impl Names {
    fn new(kind: &'static str, ids: Vec<(String, i64)>) -> Self {
        Self {
            kind,
            by_name: ids.iter().cloned().collect(),
            by_id: ids
                .iter()
                .enumerate()
                .map(|(place, (_, id))| (*id, place))
                .collect(),
            ids,
        }
    }

    /// The id of a name, if it names something.
    pub fn find(&self, name: &str) -> Option<i64> {
        self.by_name.get(name).copied()
    }

    /// The id of a name, or a sentence with what may have been meant.
    pub fn id(&self, name: &str) -> std::result::Result<i64, String> {
        self.find(name).ok_or_else(|| {
            let names = self.ids.iter().map(|(known, _)| known.as_str());
            format!(
                "there is no {} {name:?}.{}",
                self.kind,
                help::did_you_mean(name, names).replace('\n', " ")
            )
        })
    }

    /// The name of an id.
    pub fn name(&self, id: i64) -> Option<&str> {
        let place = self.by_id.get(&id)?;
        self.ids.get(*place).map(|(name, _)| name.as_str())
    }

    /// The first of them: the root, where they are a tree.
    pub fn first(&self) -> Option<i64> {
        self.ids.first().map(|(_, id)| *id)
    }

    /// Whether a name has this sign in it.
    pub fn any_has(&self, sign: char) -> bool {
        self.ids.iter().any(|(name, _)| name.contains(sign))
    }
}

/// Departments by their full path, `Company/Sales`; the root first.
pub async fn organizations(client: &Client) -> Result<Names> {
    let answer = client
        .ask("v1.0", "organization/list", json!({"is_all": 2}))
        .await?;
    Ok(tree(&answer))
}

/// The same from an answer of `organization/list`.
pub fn tree(answer: &Value) -> Names {
    let mut ids = Vec::new();
    for root in list(answer, "organization_list") {
        walk(root, "", &mut |path, node| {
            ids.extend(id(node).map(|id| (path.to_owned(), id)));
        });
    }
    Names::new("department", ids)
}

/// Every node of a department tree with its full path, parents first.
pub fn walk<'v>(node: &'v Value, above: &str, each: &mut impl FnMut(&str, &'v Value)) {
    // Deeper than this no person's tree is, and no stack is bottomless.
    const DEEPEST: usize = 64;
    if above.matches('/').count() > DEEPEST {
        return;
    }
    let name = node.get("name").and_then(Value::as_str).unwrap_or_default();
    let path = match above {
        "" => name.to_owned(),
        above => format!("{above}/{name}"),
    };
    each(&path, node);
    for child in list(node, "children") {
        walk(child, &path, each);
    }
}

/// User roles. `0` is no role.
pub async fn roles(client: &Client) -> Result<Names> {
    let answer = client
        .ask("v1.0", "system/get_menuoptions", json!({"menu": "role"}))
        .await?;
    let ids = list(&answer, "data")
        .filter_map(|option| {
            let name = option.get("text").and_then(Value::as_str)?;
            Some((name.to_owned(), whole(option.get("value")?)?))
        })
        .collect();
    Ok(Names::new("role", ids))
}

/// Phonebooks.
pub async fn phonebooks(client: &Client) -> Result<Names> {
    let ids = named_rows(client, "phonebook/list", "name").await?;
    Ok(Names::new("phonebook", ids))
}

/// Extensions by number.
pub async fn extensions(client: &Client) -> Result<Names> {
    let ids = named_rows(client, "extension/list", "number").await?;
    Ok(Names::new("extension", ids))
}

async fn named_rows(client: &Client, path: &str, member: &str) -> Result<Vec<(String, i64)>> {
    let mut rows = client.rows::<Value, _>("v1.0", path, &json!({"page_size": 1000}));
    let mut ids = Vec::new();
    while let Some(row) = rows.next().await {
        let row = row?;
        let name = row.get(member).and_then(Value::as_str);
        ids.extend(name.map(str::to_owned).zip(id(&row)));
    }
    Ok(ids)
}

/// For each of these members, the values that rows of a list have in it (small
/// letters), and how who has it is called.
pub async fn taken<const N: usize>(
    client: &Client,
    path: &str,
    called: &str,
    members: &[&str; N],
) -> Result<[HashMap<String, String>; N]> {
    let mut rows = client.rows::<Value, _>("v1.0", path, &json!({"page_size": 1000}));
    let mut taken = [(); N].map(|()| HashMap::new());
    while let Some(row) = rows.next().await {
        let row = row?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        for (member, taken) in members.iter().zip(&mut taken) {
            if !text(member).is_empty() {
                taken.insert(text(member).to_lowercase(), text(called).to_owned());
            }
        }
    }
    Ok(taken)
}

/// The members of a list.
pub fn list<'v>(value: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    let list = value.get(member).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// An object's id.
pub fn id(value: &Value) -> Option<i64> {
    whole(value.get("id")?)
}

/// A number, or a text that is one.
pub fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// A usage fault for a name that names nothing.
pub fn or_usage<T>(found: std::result::Result<T, String>) -> Result<T> {
    found.map_err(Failure::Usage)
}

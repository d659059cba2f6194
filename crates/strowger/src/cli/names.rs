//! Names that people use for what the API calls by an id: departments by their
//! path, roles, phonebooks, extensions by number. Several are joined by `&`, and
//! the steps of a path by `/`: a name that has such a sign in itself is written
//! with `\\` before it, where leaving that out could mean something else.

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
    /// Without any `\\`; `None` where several would be called so.
    by_plain: HashMap<String, Option<i64>>,
    by_id: HashMap<i64, usize>,
}

/// No more parts of a text are tried as one name.
const MOST_PARTS: usize = 8;
/// What stands between names, and between the steps of a path.
const SIGNS: [char; 2] = ['&', '/'];

/// A name with `\\` before the signs that it has in itself.
pub fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for sign in name.chars() {
        if sign == '\\' || SIGNS.contains(&sign) {
            text.push('\\');
        }
        text.push(sign);
    }
    text
}

/// The name as it is.
pub fn unescaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => name.extend(signs.next()),
            sign => name.push(sign),
        }
    }
    name
}

/// The parts between those signs that have no `\\` before them.
pub fn split(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    let mut after_escape = false;
    for (place, sign) in text.char_indices() {
        if after_escape {
            after_escape = false;
        } else if sign == '\\' {
            after_escape = true;
        } else if sign == at {
            parts.push(text.get(from..place).unwrap_or_default());
            from = place + at.len_utf8();
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

/// The path of the department above, if there is one.
pub fn above(path: &str) -> Option<&str> {
    let last = split(path, '/').pop()?;
    let end = path.len().checked_sub(last.len() + 1)?;
    path.get(..end)
}

/// What makes two values one: of mail addresses the case does not count.
pub fn folded(text: &str) -> String {
    match text.contains('@') {
        true => text.to_lowercase(),
        false => text.to_owned(),
    }
}

impl Names {
    fn new(kind: &'static str, ids: Vec<(String, i64)>) -> Self {
        let mut by_plain: HashMap<String, Option<i64>> = HashMap::new();
        for (name, id) in &ids {
            let plain = by_plain.entry(unescaped(name)).or_insert(Some(*id));
            *plain = plain.filter(|other| other == id);
        }
        Self {
            kind,
            by_plain,
            by_name: ids.iter().cloned().collect(),
            by_id: ids
                .iter()
                .enumerate()
                .map(|(place, (_, id))| (*id, place))
                .collect(),
            ids,
        }
    }

    /// The id of a name, if it names something; as it is or with `\\`.
    pub fn find(&self, name: &str) -> Option<i64> {
        let found = self.by_name.get(name).copied();
        found.or_else(|| self.by_plain.get(name).copied().flatten())
    }

    /// The ids of names joined by `&`. Where a name has an `&` that is written
    /// without `\\`, the longest that is known counts.
    pub fn each(&self, text: &str) -> std::result::Result<Vec<i64>, String> {
        let told = split(text, '&');
        let told = told.iter().map(|part| part.trim());
        let exact = told
            .filter(|part| !part.is_empty())
            .map(|part| self.find(part));
        if let Some(ids) = exact.collect() {
            return Ok(ids);
        }
        let parts: Vec<&str> = text.split('&').collect();
        let mut ids = Vec::new();
        let mut rest = parts.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let longest = (1..=rest.len().min(MOST_PARTS)).rev().find_map(|count| {
                let (name, after) = rest.split_at_checked(count)?;
                let id = self.find(name.join("&").trim())?;
                Some((id, after))
            });
            match longest {
                Some((id, after)) => {
                    ids.push(id);
                    rest = after;
                }
                None if first.trim().is_empty() => rest = after,
                None => return self.id(first.trim()).map(|_| ids),
            }
        }
        Ok(ids)
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
    if split(above, '/').len() > DEEPEST {
        return;
    }
    let name = node.get("name").and_then(Value::as_str).unwrap_or_default();
    let name = escaped(name);
    let path = match above {
        "" => name,
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
    let mut ids = named_rows(client, "phonebook/list", "name").await?;
    for (name, _) in &mut ids {
        *name = escaped(name);
    }
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

/// For each of these members, the values that rows of a list have in it
/// ([`folded`]), and how who has it is called.
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
                taken.insert(folded(text(member)), text(called).to_owned());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn known(names: &[&str]) -> Names {
        let ids = names.iter().map(|name| (*name).to_owned()).zip(1..);
        Names::new("department", ids.collect())
    }

    #[test]
    fn names_with_any_sign_are_told_from_those_that_it_joins() {
        for name in ["A/B", "A&B", "\\", "A\\&B", "plain"] {
            assert_eq!(unescaped(&escaped(name)), name);
            assert_eq!(split(&escaped(name), '&').len(), 1, "{name}");
            assert_eq!(split(&escaped(name), '/').len(), 1, "{name}");
        }
        let known = known(&["A", "B", "A\\&B"]);
        assert_eq!(known.each("A&B"), Ok(vec![1, 2]));
        assert_eq!(known.each("A\\&B & B"), Ok(vec![3, 2]));
        assert_eq!(known.each(""), Ok(vec![]));
        assert!(known.each("A&C").is_err());
    }

    #[test]
    fn a_name_without_escapes_is_found_where_it_can_mean_one_thing_only() {
        let known = known(&["Root/R\\&D", "Root/A/B", "Root/A\\/B", "Root/Sales"]);
        assert_eq!(known.each("Root/R&D&Root/Sales"), Ok(vec![1, 4]));
        assert_eq!(known.find("Root/A/B"), Some(2));
        assert_eq!(known.find("Root/A\\/B"), Some(3));
        assert_eq!(above("Root/A\\/B"), Some("Root"));
        assert_eq!(above("Root/A/B"), Some("Root/A"));
        assert_eq!(above("Root"), None);
    }
}

//! What a command says: tables for people, JSON for machines. Colour only where
//! a person looks, and never where NO_COLOR is set.

use std::io::{IsTerminal, Write};

use client::{Map, Value};
use comfy_table::{Attribute, Cell, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::{Failure, Result};

/// The longest object that is shown in a table.
const LONGEST_OBJECT: usize = 100;

/// Where output goes and in which form.
#[derive(Debug, Clone, Copy)]
pub struct Out {
    /// JSON rather than tables.
    pub json: bool,
}

/// A column of a table: its title, and the member that it shows.
pub type Column<'c> = (&'c str, &'c str);

impl Out {
    /// One line on the standard output.
    pub fn line(self, text: &str) -> Result<()> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush())?;
        Ok(())
    }

    /// What was done, for people; machines read the exit code or the value.
    pub fn done(self, text: &str, value: Value) -> Result<()> {
        if self.json {
            self.value(&value)
        } else {
            self.line(text)
        }
    }

    /// A JSON document: on many lines for a person, on one otherwise.
    pub fn value(self, value: &Value) -> Result<()> {
        let text = if std::io::stdout().is_terminal() {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(&text.map_err(|error| Failure::here(error.to_string()))?)
    }

    /// Rows: a table of these columns, or the whole rows as a JSON list.
    pub fn rows(self, columns: &[Column<'_>], rows: &[Value]) -> Result<()> {
        if self.json {
            return self.value(&Value::Array(rows.to_vec()));
        }
        let mut table = plain();
        let header = columns.iter().map(|(title, _)| head(title));
        table.set_header(header);
        for row in rows {
            table.add_row(columns.iter().map(|(_, member)| cell(row, member)));
        }
        self.table(&table)
    }

    /// One object: a line a member, or JSON.
    pub fn object(self, object: &Map<String, Value>) -> Result<()> {
        if self.json {
            return self.value(&Value::Object(object.clone()));
        }
        let mut table = plain();
        for (name, value) in object {
            table.add_row([head(name), Cell::new(shown(value))]);
        }
        self.table(&table)
    }

    fn table(self, table: &Table) -> Result<()> {
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        self.line(&lines.join("\n"))
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // Piped, a row is a line whatever its length.
    table.set_content_arrangement(match std::io::stdout().is_terminal() {
        true => ContentArrangement::Dynamic,
        false => ContentArrangement::Disabled,
    });
    if !coloured() {
        table.force_no_tty();
    }
    table
}

fn head(title: &str) -> Cell {
    match coloured() {
        true => Cell::new(title).add_attribute(Attribute::Bold),
        false => Cell::new(title),
    }
}

fn coloured() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stdout().is_terminal() && !forbidden
}

/// A member of a row in a table; a dot goes into an object.
fn cell(row: &Value, member: &str) -> String {
    let mut value = row;
    for part in member.split('.') {
        value = value.get(part).unwrap_or(&Value::Null);
    }
    match member {
        "online_status" => online(value),
        _ => shown(value),
    }
}

/// A text without what a terminal would take for a command: names and numbers
/// come from callers too.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|sign| match sign {
            '\n' | '\t' => sign,
            sign if sign.is_control() => char::REPLACEMENT_CHARACTER,
            sign => sign,
        })
        .collect()
}

/// A value for the eye; what is too much for it is counted.
pub fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => return harmless(text),
        Value::Array(list) if list.iter().all(|one| !one.is_array()) => {
            let parts: Vec<String> = list.iter().map(named).collect();
            parts.join(", ")
        }
        other => other.to_string(),
    };
    let (count, things) = match value {
        Value::Array(list) => (list.len(), "entries"),
        Value::Object(members) => (members.len(), "members"),
        _ => return text,
    };
    match text.contains('{') && text.len() > LONGEST_OBJECT {
        true => format!("{count} {things} (--json shows them)"),
        false => text,
    }
}

/// An entry of a list: by its name, where it has one.
fn named(value: &Value) -> String {
    let name = ["name", "text", "caller_id_name", "number", "ext_id"]
        .iter()
        .filter_map(|member| value.get(member))
        .find(|name| *name != "");
    match (value, name) {
        (Value::Object(_), Some(name)) => shown(name),
        (Value::Object(_), None) => value.to_string(),
        _ => shown(value),
    }
}

/// Which endpoints of an extension are there.
fn online(status: &Value) -> String {
    let Value::Object(endpoints) = status else {
        return shown(status);
    };
    let there: Vec<&str> = endpoints
        .iter()
        .filter(|(_, endpoint)| {
            let registered = endpoint.get("status_list").and_then(Value::as_array);
            endpoint.get("status") == Some(&Value::from(1))
                || registered.is_some_and(|list| list.iter().any(|one| one["status"] == 1))
        })
        .map(|(name, _)| name.as_str())
        .collect();
    match there.as_slice() {
        [] => "-".into(),
        there => there.join(", "),
    }
}

/// A bar on the standard error for work that takes its time; none where nobody
/// looks.
pub fn progress(what: &str, steps: Option<u64>) -> ProgressBar {
    let bar = match steps {
        Some(steps) => ProgressBar::new(steps),
        None => ProgressBar::no_length(),
    };
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr(),
        false => ProgressDrawTarget::hidden(),
    };
    bar.set_draw_target(target);
    let template = match steps {
        Some(_) => "{msg} {wide_bar} {human_pos}/{human_len} {eta}",
        None => "{msg} {spinner} {human_pos} {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use client::json;

    #[test]
    fn nothing_that_a_pbx_says_steers_the_terminal() {
        let row = json!({"name": "\u{1b}[2Jgone", "list": [{"name": "\u{9b}31m"}]});
        for member in ["name", "list"] {
            let cell = cell(&row, member);
            assert!(!cell.chars().any(char::is_control), "{cell:?}");
        }
    }

    #[test]
    fn an_extension_is_online_where_one_of_its_endpoints_is() {
        let phone = json!({"online_status": {"sip_phone": {"status": 0,
            "status_list": [{"status": 1}]}, "linkus_web": {"status": 0}}});
        assert_eq!(cell(&phone, "online_status"), "sip_phone");
        let none = json!({"online_status": {"sip_phone": {"status": 0}}});
        assert_eq!(cell(&none, "online_status"), "-");
    }
}

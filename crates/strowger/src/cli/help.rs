//! Words made from the contract: what an operation takes, what a path or a
//! member that does not exist may have meant.

use std::fmt::Write;

use wire::contract::{HttpMethod, Kind, Member, OPERATIONS, Operation, Scalar};

/// How alike two words must be for one to be what the other meant.
const ALIKE: f64 = 0.75;
/// How many guesses are told.
const GUESSES: usize = 4;
/// The longest text on a member.
const ABOUT: usize = 160;

/// What an operation is and takes.
pub fn operation(operation: &Operation) -> String {
    let method = match operation.method {
        HttpMethod::Get => "GET",
        HttpMethod::Post => "POST",
    };
    let mut text = format!(
        "{method} {}/{}\n{}\n",
        operation.version, operation.path, operation.summary
    );
    if operation.request.is_empty() {
        text.push_str("\nIt takes no members.\n");
    } else {
        let _ = write!(text, "\n{}", members(operation));
    }
    text
}

/// A line for each member: name, kind, whether it must be there, what it is.
pub fn members(operation: &Operation) -> String {
    let members = operation.request;
    let width = members.iter().map(|member| member.name.len()).max();
    let mut text = String::new();
    for member in members {
        let name = member.name;
        let _ = write!(text, "  {name:<width$}  ", width = width.unwrap_or(0));
        let mut facts = vec![kind(member)];
        if member.required {
            facts.push("required".into());
        }
        if let Some(default) = &member.default {
            facts.push(format!("default {}", scalar(default)));
        }
        let _ = writeln!(text, "{}", facts.join(", "));
        let about = operation.about(name);
        if !about.is_empty() {
            let indent = width.unwrap_or(0) + 4;
            let _ = writeln!(text, "{:indent$}{}", "", shortened(about));
        }
    }
    text
}

fn kind(member: &Member) -> String {
    let kind = match member.kind {
        Kind::String => "text",
        Kind::Integer => "number",
        Kind::NumberOrText => "number or text",
        Kind::Number => "decimal",
        Kind::Boolean => "true or false",
        Kind::File => "file",
        Kind::Object | Kind::Named(_) => "object",
        Kind::Strings => "list of texts",
        Kind::Integers => "list of numbers",
        Kind::Objects | Kind::NamedList(_) => "list of objects",
    };
    let mut kind = match member.values {
        [] => kind.to_owned(),
        set => values(set),
    };
    if let Some(sign) = member.separator {
        let _ = write!(kind, ", several joined by {sign}");
    }
    match (member.min, member.max) {
        (Some(min), Some(max)) => {
            let _ = write!(kind, " {min}-{max}");
        }
        (Some(min), None) => {
            let _ = write!(kind, " from {min}");
        }
        (None, Some(max)) => {
            let _ = write!(kind, " up to {max}");
        }
        (None, None) => {}
    }
    if let Some(most) = member.max_len {
        let _ = write!(kind, " of at most {most} characters");
    }
    kind
}

/// The values of a set.
pub fn values(set: &[Scalar]) -> String {
    let words: Vec<String> = set.iter().map(scalar).collect();
    words.join("|")
}

fn scalar(value: &Scalar) -> String {
    match value {
        Scalar::Text("") => "\"\"".into(),
        Scalar::Text(text) => (*text).to_owned(),
        Scalar::Integer(number) => number.to_string(),
        Scalar::Boolean(flag) => flag.to_string(),
    }
}

/// The first sentences that fit.
fn shortened(about: &str) -> &str {
    if about.chars().count() <= ABOUT {
        return about;
    }
    let end = about
        .char_indices()
        .take(ABOUT)
        .filter(|(_, sign)| matches!(sign, ';' | '.' | ','))
        .last()
        .map(|(at, _)| at)
        .or_else(|| about.char_indices().nth(ABOUT).map(|(at, _)| at));
    end.and_then(|end| about.get(..end)).unwrap_or(about)
}

/// Those of the candidates that a word may have meant, likeliest first.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut near: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (likeness(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    near.dedup_by_key(|(_, candidate)| *candidate);
    near.into_iter()
        .take(GUESSES)
        .map(|(_, candidate)| candidate)
        .collect()
}

fn likeness(word: &str, candidate: &str) -> f64 {
    let word = word.to_lowercase().replace([' ', '-'], "_");
    let other = candidate.to_lowercase().replace([' ', '-'], "_");
    // A path by its second half alone is what people type.
    let half = other.rsplit('/').next() == Some(word.trim_matches('/'));
    if half {
        return 1.0;
    }
    strsim::jaro_winkler(&word, &other).max(strsim::normalized_damerau_levenshtein(&word, &other))
}

/// " Did you mean …?", where there is a guess.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    match near(word, candidates).as_slice() {
        [] => String::new(),
        guesses => format!("\nDid you mean {}?", guesses.join(", ")),
    }
}

/// Every path of the contract, once.
pub fn paths() -> impl Iterator<Item = &'static str> {
    let mut before = "";
    let mut paths: Vec<&str> = OPERATIONS.iter().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.into_iter().filter(move |path| {
        let new = *path != before;
        before = path;
        new
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_path_finds_the_one_that_was_meant() {
        assert_eq!(
            near("extension/lst", paths()).first(),
            Some(&"extension/list")
        );
        assert_eq!(
            near("extensions/list", paths()).first(),
            Some(&"extension/list")
        );
        assert!(near("getpassword", paths()).contains(&"extension/getpassword"));
        assert!(near("zzz", paths()).is_empty());
    }

    #[test]
    fn help_on_an_operation_names_every_member_with_its_rule() {
        let operation_ = wire::contract::operation("v1.0", "extension/create").unwrap();
        let text = operation(operation_);
        for member in operation_.request {
            assert!(text.contains(member.name), "{}", member.name);
        }
        assert!(text.contains("available|away|business_trip"), "{text}");
        assert!(text.contains("number 1-5, required"), "{text}");
    }
}

//! Names of the wire as names of Rust, and prose as doc comments. Names on the wire
//! themselves never change, typos included.

/// Words that no rule turns into a good name.
const ODD_WORDS: &[(&str, &str)] = &[
    ("", "Blank"),
    (".wav", "Wav"),
    (".WAV", "WavUpperCase"),
    ("1_way_paging", "OneWayPaging"),
    ("1_way_multicast_paging", "OneWayMulticastPaging"),
    ("2_way_intercom", "TwoWayIntercom"),
];

/// Error messages that the guide misspells.
const ODD_MESSAGES: &[(&str, &str)] = &[("CAHNNEL ID NOT FOUND", "ChannelIdNotFound")];

fn odd(table: &[(&str, &str)], text: &str) -> Option<String> {
    table
        .iter()
        .find(|(odd, _)| *odd == text)
        .map(|(_, name)| (*name).to_owned())
}

/// `Ext_Basicinfo`, `extension/list`, `NO ANSWER` in camel case.
pub fn camel(text: &str) -> String {
    text.split(|sign: char| !sign.is_ascii_alphanumeric())
        .map(capitalised)
        .collect()
}

fn capitalised(part: &str) -> String {
    let shouted = part.len() > 1 && !part.chars().any(|sign| sign.is_ascii_lowercase());
    let mut signs = part.chars();
    let Some(first) = signs.next() else {
        return String::new();
    };
    let rest = signs.as_str();
    let rest = if shouted {
        rest.to_ascii_lowercase()
    } else {
        rest.to_owned()
    };
    format!("{}{rest}", first.to_ascii_uppercase())
}

/// `Ext_Basicinfo` as the name of a static: `EXT_BASICINFO`.
pub fn shout(text: &str) -> String {
    let mut name = String::new();
    let mut before_is_small = false;
    for sign in camel(text).chars() {
        if sign.is_ascii_uppercase() && before_is_small {
            name.push('_');
        }
        before_is_small = !sign.is_ascii_uppercase();
        name.push(sign.to_ascii_uppercase());
    }
    name
}

/// The variant for a word of a set. A number in front goes to the end.
pub fn variant(word: &str) -> String {
    if let Some(name) = odd(ODD_WORDS, word) {
        return name;
    }
    let name = camel(word);
    let digits: String = name
        .chars()
        .take_while(|sign| sign.is_ascii_digit())
        .collect();
    match name.strip_prefix(&digits) {
        Some("") => format!("Value{digits}"),
        Some(rest) if !digits.is_empty() => format!("{rest}{digits}"),
        _ => name,
    }
}

/// The variant of `ErrCode` for a message.
pub fn error_variant(message: &str) -> String {
    odd(ODD_MESSAGES, message).unwrap_or_else(|| camel(message))
}

/// The name of the request and answer of an operation, less their ending.
pub fn operation(version: &str, path: &str) -> String {
    let newer = if version == "v1.0" { "" } else { "V2" };
    format!("{}{newer}", camel(path))
}

/// The name of an event's type; brackets and signs in its name fall out.
pub fn event(name: &str) -> String {
    camel(name)
}

/// The field for a member: `type` is the only keyword among them.
pub fn field(name: &str) -> String {
    if name == "type" {
        "r#type as \"type\"".into()
    } else {
        name.to_owned()
    }
}

/// Prose as doc comment lines that rustdoc takes without a warning.
pub fn doc(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("/// {}\n", prose(line)))
        .collect()
}

/// Words of the contract, so that rustdoc sees neither links nor tags in them.
pub fn prose(line: &str) -> String {
    let mut made = String::with_capacity(line.len());
    for (place, word) in line.split(' ').enumerate() {
        if place > 0 {
            made.push(' ');
        }
        if word.contains("://") {
            made.push_str(&format!("`{word}`"));
            continue;
        }
        for sign in word.chars() {
            let opens_block =
                place == 0 && made.is_empty() && matches!(sign, '#' | '-' | '+' | '=');
            if opens_block || matches!(sign, '<' | '>' | '[' | ']' | '*' | '`' | '\\') {
                made.push('\\');
            }
            made.push(sign);
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_become_rust_names() {
        assert_eq!(camel("Ext_Basicinfo"), "ExtBasicinfo");
        assert_eq!(camel("CDR_Row_V2"), "CdrRowV2");
        assert_eq!(shout("CallInfo"), "CALL_INFO");
        assert_eq!(variant("NO ANSWER"), "NoAnswer");
        assert_eq!(variant("404 NOT found"), "NotFound404");
        assert_eq!(variant("0"), "Value0");
        assert_eq!(operation("v2.0", "cdr/list"), "CdrListV2");
        assert_eq!(event("uaCSTA Call Report"), "UaCSTACallReport");
    }

    #[test]
    fn prose_cannot_open_a_link_or_a_tag() {
        assert_eq!(
            doc("array<X> of [a], see https://x.y/<z>"),
            "/// array\\<X\\> of \\[a\\], see `https://x.y/<z>`\n"
        );
    }
}

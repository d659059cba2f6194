//! The languages of the spoken prompts, `user_lang` and `vm_lang`: written as a
//! language's name or as the code of its prompts, read as the code.

use serde_json::{Map, Value};
use wire::InvalidParam;

use crate::error::invalid;
use wire::rule;

/// The members that hold one.
pub(super) const MEMBERS: [&str; 2] = ["user_lang", "vm_lang"];
/// The language of the whole PBX.
const SYSTEM: &str = "follow_system";

/// Every language, as its prompts are called and as it is written: what the
/// contract lists at `extension/get` and in `prompts.yaml`.
const LANGUAGES: [(&str, &str); 31] = [
    ("sound-ar", "Arabic"),
    ("sound-bg", "Bulgarian"),
    ("sound-ca", "Catalan"),
    ("sound-cz", "Czech"),
    ("sound-de", "German"),
    ("sound-en", "English"),
    ("sound-en_BR", "English (British)"),
    ("sound-es", "Spanish"),
    ("sound-es_LT", "Spanish (Latin America)"),
    ("sound-fa", "Persian"),
    ("sound-fr", "French"),
    ("sound-gr", "Greek"),
    ("sound-hr", "Croatian"),
    ("sound-id", "Indonesian"),
    ("sound-it", "Italian"),
    ("sound-iw", "Hebrew"),
    ("sound-ja", "Japanese"),
    ("sound-ko", "Korean"),
    ("sound-nl", "Dutch"),
    ("sound-pl", "Polish"),
    ("sound-pt", "Portuguese"),
    ("sound-pt_BR", "Portuguese (Brazil)"),
    ("sound-ro", "Romanian"),
    ("sound-ru", "Russian"),
    ("sound-sk", "Slovak"),
    ("sound-sl", "Slovenian"),
    ("sound-sr", "Serbian"),
    ("sound-sv", "Swedish"),
    ("sound-th", "Thai"),
    ("sound-tr", "Turkish"),
    ("sound-zh", "Chinese"),
];

/// Brings languages that were sent to the form they are kept in. A blank one is
/// the language of the PBX.
pub(super) fn receive(sent: &mut Map<String, Value>, faults: &mut Vec<InvalidParam>) {
    for member in MEMBERS {
        let Some(Value::String(text)) = sent.get_mut(member) else {
            continue;
        };
        match code(text) {
            Some(code) => *text = code.to_owned(),
            None => faults.push(invalid(member, Some(text), rule::ENUM)),
        }
    }
}

/// The code of a language that is written in either form.
pub(super) fn code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case(SYSTEM) {
        return Some(SYSTEM);
    }
    let mut languages = LANGUAGES.iter();
    let known = languages
        .find(|(code, name)| code.eq_ignore_ascii_case(text) || name.eq_ignore_ascii_case(text));
    known.map(|(code, _)| *code)
}

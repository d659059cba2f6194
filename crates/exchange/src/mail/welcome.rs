//! The letter that welcomes a user: what their phone must know, in their
//! language. It must never hold a password.

use std::sync::LazyLock;

use super::template::{Template, templates};
use super::{Letter, MailError};

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::new(templates!("welcome")));

/// Who is welcomed, and what their phone must know.
#[derive(Debug, Clone)]
pub struct Welcome<'w> {
    /// The PBX's name.
    pub pbx: &'w str,
    /// The user's name.
    pub name: &'w str,
    /// Their number.
    pub number: &'w str,
    /// The name that their phone registers by.
    pub reg_name: &'w str,
    /// Address and port that it registers at.
    pub server: &'w str,
}

impl Welcome<'_> {
    /// The letter to an address, in a language as `email_language` names it.
    pub fn letter(&self, address: &str, language: &str) -> Result<Letter, MailError> {
        let words = [
            ("pbx", self.pbx),
            ("number", self.number),
            ("reg_name", self.reg_name),
            ("server", self.server),
        ];
        TEMPLATE.letter((self.name, address), language, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_contract_has_a_letter_with_all_a_phone_must_know() {
        let create = wire::contract::operation("v1.0", "extension/create").unwrap();
        let languages = create.member("email_language").unwrap().values;
        let mut subjects = std::collections::BTreeSet::new();
        for language in languages {
            let wire::contract::Scalar::Text(language) = language else {
                panic!("{language:?}")
            };
            let welcome = Welcome {
                pbx: "Office",
                name: "Ada <b>& Co",
                number: "1000",
                reg_name: "phone1000",
                server: "192.0.2.1:5060",
            };
            let letter = welcome.letter("ada@example.org", language).unwrap();
            assert!(letter.subject.contains("Office"), "{language}");
            for part in ["Ada <b>& Co", "1000", "phone1000", "192.0.2.1:5060"] {
                assert!(letter.text.contains(part), "{language}: {part}");
            }
            assert!(!letter.text.contains("{{"), "{language}");
            subjects.insert(letter.subject);
        }
        // follow_system and en are the same, all others their own.
        assert_eq!(subjects.len(), languages.len() - 1);
    }
}

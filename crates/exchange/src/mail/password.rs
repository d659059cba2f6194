//! The letter that tells a user that their password was changed, in their
//! language. It must never hold the password.

use std::sync::LazyLock;

use super::template::{Template, templates};
use super::{Letter, MailError};

static TEMPLATE: LazyLock<Template> = LazyLock::new(|| Template::new(templates!("password")));

/// Whose password was changed.
#[derive(Debug, Clone)]
pub struct PasswordChanged<'p> {
    /// The PBX's name.
    pub pbx: &'p str,
    /// The user's name.
    pub name: &'p str,
    /// Their number.
    pub number: &'p str,
}

impl PasswordChanged<'_> {
    /// The letter to an address, in a language as `email_language` names it.
    pub fn letter(&self, address: &str, language: &str) -> Result<Letter, MailError> {
        let words = [("pbx", self.pbx), ("number", self.number)];
        TEMPLATE.letter((self.name, address), language, words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_contract_has_a_letter_that_says_whose_it_was() {
        let create = wire::contract::operation("v1.0", "extension/create").unwrap();
        let languages = create.member("email_language").unwrap().values;
        let mut subjects = std::collections::BTreeSet::new();
        for language in languages {
            let wire::contract::Scalar::Text(language) = language else {
                panic!("{language:?}")
            };
            let changed = PasswordChanged {
                pbx: "Office",
                name: "Ada",
                number: "1000",
            };
            let letter = changed.letter("ada@example.org", language).unwrap();
            assert!(letter.subject.contains("Office"), "{language}");
            for part in ["Ada", "1000", "Office"] {
                assert!(letter.text.contains(part), "{language}: {part}");
            }
            assert!(!letter.text.contains("{{"), "{language}");
            subjects.insert(letter.subject);
        }
        // follow_system and en are the same, all others their own.
        assert_eq!(subjects.len(), languages.len() - 1);
    }
}

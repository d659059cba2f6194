//! The letter that welcomes a user: what their phone must know, in their
//! language. It must never hold a password.

use std::sync::LazyLock;

use minijinja::{Environment, Value};

use super::{Letter, MailError};

/// The language where the PBX decides: it speaks English.
const SYSTEM: &str = "en";

/// Subject in the first line, the text behind an empty one.
const TEMPLATES: [(&str, &str); 8] = [
    ("en", include_str!("welcome/en.txt")),
    ("zh-cn", include_str!("welcome/zh-cn.txt")),
    ("de", include_str!("welcome/de.txt")),
    ("ru", include_str!("welcome/ru.txt")),
    ("fr", include_str!("welcome/fr.txt")),
    ("bp", include_str!("welcome/bp.txt")),
    ("it", include_str!("welcome/it.txt")),
    ("tr", include_str!("welcome/tr.txt")),
];

static ENVIRONMENT: LazyLock<Result<Environment<'static>, String>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for (language, text) in TEMPLATES {
        environment
            .add_template(language, text)
            .map_err(|error| format!("{language}: {error}"))?;
    }
    Ok(environment)
});

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
        let wrong = |error: &dyn std::fmt::Display| MailError::Letter(error.to_string());
        let environment = ENVIRONMENT.as_ref().map_err(|error| wrong(error))?;
        let template = environment
            .get_template(language)
            .or_else(|_| environment.get_template(SYSTEM))
            .map_err(|error| wrong(&error))?;
        let context = Value::from_pairs([
            ("pbx", self.pbx),
            ("name", self.name),
            ("number", self.number),
            ("reg_name", self.reg_name),
            ("server", self.server),
        ]);
        let text = template.render(context).map_err(|error| wrong(&error))?;
        let (subject, text) = text.split_once("\n\n").unwrap_or((SYSTEM, &text));
        Ok(Letter {
            name: self.name.to_owned(),
            address: address.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
        })
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

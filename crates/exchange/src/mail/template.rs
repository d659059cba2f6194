//! Letters in the languages of `email_language`: a template each, the subject
//! in its first line, the text behind an empty one.

use minijinja::{Environment, Value};

use super::{Letter, MailError};

/// The language where the PBX decides: it speaks English.
const SYSTEM: &str = "en";

/// A letter's templates, by language.
pub(super) type Templates = [(&'static str, &'static str); 8];

/// The templates in a folder beside the file that asks: one a language.
macro_rules! templates {
    ($folder:literal) => {
        [
            ("en", include_str!(concat!($folder, "/en.txt"))),
            ("zh-cn", include_str!(concat!($folder, "/zh-cn.txt"))),
            ("de", include_str!(concat!($folder, "/de.txt"))),
            ("ru", include_str!(concat!($folder, "/ru.txt"))),
            ("fr", include_str!(concat!($folder, "/fr.txt"))),
            ("bp", include_str!(concat!($folder, "/bp.txt"))),
            ("it", include_str!(concat!($folder, "/it.txt"))),
            ("tr", include_str!(concat!($folder, "/tr.txt"))),
        ]
    };
}
pub(super) use templates;

/// A letter that can be written in every language.
pub(super) struct Template(Result<Environment<'static>, String>);

impl Template {
    /// Of these templates.
    pub fn new(templates: Templates) -> Self {
        let mut environment = Environment::new();
        let added = templates.into_iter().try_for_each(|(language, text)| {
            environment
                .add_template(language, text)
                .map_err(|error| format!("{language}: {error}"))
        });
        Self(added.map(|()| environment))
    }

    /// The letter to somebody, in a language as `email_language` names it, with
    /// these words in their places.
    pub fn letter<const N: usize>(
        &self,
        (name, address): (&str, &str),
        language: &str,
        words: [(&str, &str); N],
    ) -> Result<Letter, MailError> {
        let wrong = |error: &dyn std::fmt::Display| MailError::Letter(error.to_string());
        let environment = self.0.as_ref().map_err(|error| wrong(error))?;
        let template = environment
            .get_template(language)
            .or_else(|_| environment.get_template(SYSTEM))
            .map_err(|error| wrong(&error))?;
        let words = words
            .into_iter()
            .chain([("name", name)])
            .map(|(place, word)| (place, Value::from(word)));
        let text = template
            .render(Value::from_pairs(words))
            .map_err(|error| wrong(&error))?;
        let (subject, text) = text.split_once("\n\n").unwrap_or((SYSTEM, &text));
        Ok(Letter {
            name: name.to_owned(),
            address: address.to_owned(),
            subject: subject.to_owned(),
            text: text.to_owned(),
        })
    }
}

//! The menus of `system/get_menuoptions` that are made of settings: ids and
//! names that a form can choose from. A menu of what does not exist here is not
//! empty but unknown.

use serde_json::{Map, Value};

use crate::error::SettingsError;
use crate::kind::kind;
use crate::organization;
use crate::read::answer;
use crate::role;
use crate::settings::Settings;

/// Menus that are lists of one kind's objects.
const LISTS: [(&str, &str); 3] = [
    ("extension", "extension"),
    ("ext_group", crate::extensiongroup::NAME),
    ("phonebook", "phonebook"),
];

impl Settings {
    /// A menu's options, by id; none where the menu is not one of ours.
    pub fn menu(&self, menu: &str) -> Result<Option<Vec<Value>>, SettingsError> {
        let snapshot = self.snapshot();
        Ok(match menu {
            "role" => Some(
                role::roles()
                    .map(|(id, name)| option(name, id).into())
                    .collect(),
            ),
            "org_list" => {
                self.usable(organization::NAME)?;
                Some(organization::menu(&snapshot))
            }
            menu => {
                let list = LISTS.iter().find(|(name, _)| *name == menu);
                let Some(kind) = list.and_then(|(_, name)| kind(name)) else {
                    return Ok(None);
                };
                let options = kind.captions(&snapshot).into_iter();
                let options = options.map(|(id, caption)| option(&caption, id).into());
                Some(options.collect())
            }
        })
    }
}

/// One option.
pub(crate) fn option(text: &str, id: i64) -> Map<String, Value> {
    answer([("text", text.into()), ("value", id.to_string().into())])
}

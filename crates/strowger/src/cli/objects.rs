//! `strowger extension`, `group`, `contact`, `phonebook`, `organization`: what
//! is configured, with one implementation of list, show, create, set and delete.

use clap::Subcommand;
use client::{Client, Map, Value, json};
use wire::contract::{Kind, Operation};

use super::failure::{Failure, Result};
use super::names::{self, id, list, or_usage};
use super::out::{Column, Out};
use super::target::Session;
use super::{help, pairs, passwords};

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// An extension, named by its number.
    Extension,
    /// An extension group, by its name.
    Group,
    /// A company contact, by its id.
    Contact,
    /// A phonebook, by its name.
    Phonebook,
    /// A department, by its path or its name.
    Organization,
}

/// Kinds of a contact's numbers: written `mobile_number=+66…` here.
const NUMBERS: [&str; 9] = [
    "business_number",
    "business_number2",
    "business_fax",
    "mobile_number",
    "mobile_number2",
    "home_number",
    "home_number2",
    "home_fax",
    "other_number",
];

/// What one can do with all of them.
#[derive(Debug, Subcommand)]
pub enum ObjectVerb {
    /// Lists them, or those that match a text.
    List {
        /// Only those that match.
        search: Option<String>,
        /// Sort by this member.
        #[arg(long, value_name = "MEMBER")]
        sort: Option<String>,
        /// Largest first.
        #[arg(long)]
        desc: bool,
        /// Show these members, joined by commas.
        #[arg(long, value_name = "MEMBERS", value_delimiter = ',')]
        columns: Vec<String>,
    },
    /// Shows all that is known of some.
    Show {
        /// By number, name or path; id:7 by id, and of a contact 7 too.
        #[arg(required = true)]
        which: Vec<String>,
    },
    /// Adds one.
    Create {
        /// Its number or name, then members: key=value, key:=json, @file.
        #[arg(required = true, value_name = "NAME|MEMBER")]
        members: Vec<String>,
        /// Send members that the contract does not know.
        #[arg(long)]
        any: bool,
    },
    /// Changes some members of one; what is not named stays as it is.
    Set {
        /// By number, name or path; id:7 by id.
        which: String,
        /// Members: key=value, key:=json, @file.
        #[arg(required = true, value_name = "MEMBER")]
        members: Vec<String>,
        /// Send members that the contract does not know.
        #[arg(long)]
        any: bool,
    },
    /// Deletes some.
    Delete {
        /// By number, name or path; id:7 by id.
        #[arg(required = true)]
        which: Vec<String>,
    },
}

impl Noun {
    /// All of them, by the word of the command.
    pub const ALL: [(&str, Self); 5] = [
        ("extension", Self::Extension),
        ("group", Self::Group),
        ("contact", Self::Contact),
        ("phonebook", Self::Phonebook),
        ("organization", Self::Organization),
    ];

    /// The first part of its operations' paths.
    pub fn path(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Group => "extensiongroup",
            Self::Contact => "company_contact",
            Self::Phonebook => "phonebook",
            Self::Organization => "organization",
        }
    }

    fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, noun)| *noun == self);
        found.map_or("object", |(word, _)| word)
    }

    /// The member by which people name one.
    fn key(self) -> &'static str {
        match self {
            Self::Extension => "number",
            Self::Contact => "id",
            Self::Group | Self::Phonebook | Self::Organization => "name",
        }
    }

    fn columns(self) -> &'static [Column<'static>] {
        match self {
            Self::Extension => &[
                ("NUMBER", "number"),
                ("NAME", "caller_id_name"),
                ("ONLINE", "online_status"),
                ("PRESENCE", "presence_status"),
                ("EMAIL", "email_addr"),
                ("MOBILE", "mobile_number"),
                ("ROLE", "role_name"),
                ("ID", "id"),
            ],
            Self::Group => &[
                ("NAME", "name"),
                ("MEMBERS", "member_select"),
                ("EXTENSIONS", "total_extensions"),
                ("ID", "id"),
            ],
            Self::Contact => &[
                ("ID", "id"),
                ("NAME", "contact_name"),
                ("COMPANY", "company"),
                ("BUSINESS", "business"),
                ("MOBILE", "mobile"),
                ("EMAIL", "email"),
                ("PHONEBOOKS", "phonebook_list"),
            ],
            Self::Phonebook => &[
                ("NAME", "name"),
                ("MEMBERS", "member_select"),
                ("CONTACTS", "total"),
                ("ID", "id"),
            ],
            Self::Organization => &[
                ("PATH", "path"),
                ("EXTENSIONS", "ext_number"),
                ("ID", "id"),
                ("PARENT", "parent_id"),
            ],
        }
    }

    fn operation(self, verb: &str) -> Option<&'static Operation> {
        wire::contract::operation("v1.0", &format!("{}/{verb}", self.path()))
    }

    /// What `create` and `set` take, from the contract and from here.
    pub fn help(self, verb: &str) -> String {
        let mut text = format!("Members:\n{}\n\n", pairs::GRAMMAR);
        let own = match self {
            Self::Extension => {
                "  organization=Company/Sales     its departments, joined by &\n  \
                   role=Supervisor                its user role by name\n\
                 \nWhat is missing of type, reg_name (the number), reg_password, user_password (made\n\
                 and shown once), concurrent_registrations and presence_status is filled in.\n\n"
            }
            Self::Group => "  members=1000,1001              who is in it, by number\n\n",
            Self::Contact => {
                "  mobile_number=+66…             a number by its kind: business_number,\n                                 \
                 business_number2, business_fax, mobile_number, mobile_number2,\n                                 \
                 home_number, home_number2, home_fax, other_number\n  \
                   phonebook=Customers            its phonebooks by name, joined by &\n\n"
            }
            Self::Phonebook => "",
            Self::Organization => {
                "  parent=Company/Sales           the department above; the root if not told\n\n"
            }
        };
        text.push_str(own);
        if let Some(operation) = self.operation(verb) {
            text.push_str(&format!("Of {}:\n", operation.path));
            text.push_str(&help::members(operation));
        }
        text
    }
}

/// Runs a verb on a kind of object.
pub async fn run(noun: Noun, verb: ObjectVerb, session: &Session, out: Out) -> Result<()> {
    let objects = Objects {
        noun,
        client: &session.client,
        out,
    };
    match verb {
        ObjectVerb::List {
            search,
            sort,
            desc,
            columns,
        } => objects.list(search, sort, desc, &columns).await,
        ObjectVerb::Show { which } => objects.show(&which).await,
        ObjectVerb::Create { members, any } => objects.create(members, any).await,
        ObjectVerb::Set {
            which,
            members,
            any,
        } => objects.set(&which, &members, any).await,
        ObjectVerb::Delete { which } => objects.delete(&which).await,
    }
}

struct Objects<'s> {
    noun: Noun,
    client: &'s Client,
    out: Out,
}

impl Objects<'_> {
    async fn ask(&self, verb: &str, params: Value) -> Result<Value> {
        let path = format!("{}/{verb}", self.noun.path());
        Ok(self.client.ask("v1.0", &path, params).await?)
    }

    async fn list(
        &self,
        search: Option<String>,
        sort: Option<String>,
        desc: bool,
        columns: &[String],
    ) -> Result<()> {
        let verb = if search.is_some() { "search" } else { "list" };
        let order = match (&sort, desc) {
            (_, true) => Some("desc"),
            (Some(_), false) => Some("asc"),
            (None, false) => None,
        };
        let params = json!({"search_value": search, "sort_by": sort, "order_by": order});
        let rows = self.rows(verb, params).await?;
        if columns.is_empty() {
            return self.out.rows(self.noun.columns(), &rows);
        }
        let columns: Vec<Column<'_>> = columns
            .iter()
            .map(|column| (column.as_str(), column.as_str()))
            .collect();
        self.out.rows(&columns, &rows)
    }

    async fn rows(&self, verb: &str, params: Value) -> Result<Vec<Value>> {
        if self.noun == Noun::Organization {
            let answer = self.ask(verb, params).await?;
            let mut rows = Vec::new();
            for root in list(&answer, "organization_list") {
                names::walk(root, "", &mut |path, node| {
                    let mut row = node.clone();
                    if let Some(row) = row.as_object_mut() {
                        row.shift_remove("children");
                        row.insert("path".into(), path.into());
                    }
                    rows.push(row);
                });
            }
            return Ok(rows);
        }
        let path = format!("{}/{verb}", self.noun.path());
        Ok(self.client.rows("v1.0", &path, &params).collect().await?)
    }

    /// The id of what a person names.
    async fn id(&self, which: &str) -> Result<i64> {
        let told = which.strip_prefix("id:").unwrap_or(match self.noun {
            Noun::Contact => which,
            _ => "",
        });
        if let Ok(id) = told.parse() {
            return Ok(id);
        }
        let keys = match self.noun {
            Noun::Organization => &["path", "name"][..],
            // A contact is shown by its name.
            Noun::Contact => &["contact_name"],
            _ => &[self.noun.key()],
        };
        let rows = match self.noun {
            Noun::Organization => self.rows("list", json!({"is_all": 2})).await?,
            _ => self.rows("search", json!({"search_value": which})).await?,
        };
        let named = |row: &&Value| {
            let mut values = keys.iter().filter_map(|key| row.get(*key));
            values.any(|value| value == which)
        };
        let found: Vec<i64> = rows.iter().filter(named).filter_map(id).collect();
        let word = self.noun.word();
        match found.as_slice() {
            [id] => Ok(*id),
            [] => {
                let key = keys.first().copied().unwrap_or_default();
                let near = rows.iter().filter_map(|row| row.get(key)?.as_str());
                Err(Failure::here(format!(
                    "there is no {word} {which}.{}",
                    help::did_you_mean(which, near)
                )))
            }
            several => Err(Failure::usage(format!(
                "{which} names {} of them; name one by id: {}",
                several.len(),
                several
                    .iter()
                    .map(|id| format!("id:{id}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            ))),
        }
    }

    async fn get(&self, id: i64) -> Result<Value> {
        let answer = self.ask("get", json!({"id": id})).await?;
        let operation = self.noun.operation("get");
        let payload = operation.and_then(|operation| {
            let object = |kind| matches!(kind, Kind::Named(_) | Kind::Object);
            operation.response.iter().find(|member| object(member.kind))
        });
        let payload = payload.map_or("data", |member| member.name);
        match answer.get(payload) {
            Some(found) => Ok(found.clone()),
            None => Err(Failure::here(format!("the PBX gave no {payload}"))),
        }
    }

    async fn show(&self, which: &[String]) -> Result<()> {
        let mut found = Vec::new();
        for one in which {
            found.push(self.get(self.id(one).await?).await?);
        }
        if self.out.json {
            return match found.as_slice() {
                [one] => self.out.value(one),
                _ => self.out.value(&Value::Array(found)),
            };
        }
        for (place, one) in found.iter().enumerate() {
            if place > 0 {
                self.out.line("")?;
            }
            if let Value::Object(members) = one {
                self.out.object(members)?;
            }
        }
        Ok(())
    }

    async fn create(&self, mut words: Vec<String>, any: bool) -> Result<()> {
        let mut params = Map::new();
        let bare = words
            .first()
            .is_some_and(|word| !word.contains('=') && !word.starts_with('@'));
        if bare {
            let name = words.remove(0);
            match (self.noun, name.split_once(' ')) {
                (Noun::Contact, Some((first, last))) => {
                    params.insert("first_name".into(), first.into());
                    params.insert("last_name".into(), last.into());
                }
                (Noun::Contact, None) => {
                    params.insert("first_name".into(), name.into());
                }
                _ => {
                    params.insert(self.noun.key().into(), name.into());
                }
            }
        }
        params.append(&mut self.members("create", &words, any).await?);
        let mut secrets = Map::new();
        match self.noun {
            Noun::Extension => secrets = fill_extension(&mut params)?,
            Noun::Group if params.contains_key("members") => {
                let specific = Value::from("sel_specific");
                params.entry("member_select").or_insert(specific);
            }
            Noun::Organization if !params.contains_key("parent_id") => {
                let root = names::organizations(self.client).await?.first();
                params.insert("parent_id".into(), root.into());
            }
            _ => {}
        }
        let answer = self.ask("create", Value::Object(params.clone())).await?;
        let id = id(&answer);
        if self.out.json {
            let mut told = json!({"id": id});
            if let Some(told) = told.as_object_mut() {
                told.append(&mut secrets);
            }
            return self.out.value(&told);
        }
        let name = params
            .get(self.noun.key())
            .or_else(|| params.get("first_name"));
        let name = name.and_then(Value::as_str).unwrap_or_default();
        let id = id.map_or(String::new(), |id| format!(" (id {id})"));
        self.out
            .line(&format!("{} {name} is there{id}", self.noun.word()))?;
        if !secrets.is_empty() {
            self.out.object(&secrets)?;
        }
        Ok(())
    }

    async fn set(&self, which: &str, words: &[String], any: bool) -> Result<()> {
        let mut params = self.members("update", words, any).await?;
        let id = self.id(which).await?;
        params.insert("id".into(), id.into());
        let numbers = |word: &String| {
            let value = word.strip_prefix("members=");
            value.is_some_and(|value| !value.starts_with('['))
        };
        if self.noun == Noun::Group && words.iter().any(numbers) {
            self.keep_user_types(id, &mut params).await?;
        }
        if self.noun == Noun::Contact && params.contains_key("number_list") {
            self.keep_other_numbers(id, &mut params).await?;
        }
        self.ask("update", Value::Object(params)).await?;
        let said = format!("{} {which} is changed", self.noun.word());
        self.out.done(&said, json!({"id": id}))
    }

    async fn delete(&self, which: &[String]) -> Result<()> {
        // All are found before the first goes.
        let mut ids = Vec::new();
        for one in which {
            ids.push(self.id(one).await?);
        }
        for (done, (id, name)) in ids.iter().zip(which).enumerate() {
            if let Err(failure) = self.ask("delete", json!({"id": id})).await {
                let gone = which.get(..done).unwrap_or_default().join(", ");
                return Err(match gone.as_str() {
                    "" => failure,
                    gone => {
                        Failure::here(format!("{name}: {failure}\n  Deleted before it: {gone}"))
                    }
                });
            }
        }
        let said = format!("{} {} is deleted", self.noun.word(), which.join(", "));
        self.out.done(&said, json!({"deleted": ids}))
    }

    /// Members as the API has them: names that people use become ids.
    async fn members(&self, verb: &str, words: &[String], any: bool) -> Result<Map<String, Value>> {
        let mut params = Map::new();
        let mut others = Vec::new();
        let mut numbers = Vec::new();
        for word in words {
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let json = value.starts_with('[');
            match (self.noun, name) {
                (Noun::Extension, "organization") => {
                    let known = names::organizations(self.client).await?;
                    let ids = or_usage(known.each(value))?.into_iter();
                    let list = ids.map(|id| json!({"value": id.to_string()}));
                    params.insert("organization_list".into(), list.collect());
                }
                (Noun::Extension, "role") => {
                    let id = match value {
                        "" | "0" => 0,
                        name => or_usage(names::roles(self.client).await?.id(name))?,
                    };
                    params.insert("role_id".into(), id.into());
                }
                (Noun::Group, "members") if !json => {
                    let known = names::extensions(self.client).await?;
                    let list = parts(value, ',').map(|number| {
                        or_usage(known.id(number))
                            .map(|id| json!({"ext_id": id, "user_type": "user"}))
                    });
                    params.insert("members".into(), list.collect::<Result<_>>()?);
                }
                (Noun::Contact, "phonebook") => {
                    let known = names::phonebooks(self.client).await?;
                    let ids = or_usage(known.each(value))?;
                    params.insert("phonebook_id_list".into(), ids.into());
                }
                (Noun::Contact, kind) if NUMBERS.contains(&kind) => {
                    numbers.push(json!({"num_type": kind, "number": value}));
                }
                (Noun::Organization, "parent") => {
                    let known = names::organizations(self.client).await?;
                    params.insert("parent_id".into(), or_usage(known.id(value))?.into());
                }
                _ => others.push(word.clone()),
            }
        }
        if !numbers.is_empty() {
            params.insert("number_list".into(), numbers.into());
        }
        let mut given = pairs::read(self.noun.operation(verb), &others, any)?;
        params.append(&mut given.params);
        Ok(params)
    }

    /// Who is named by number alone stays what it is in the group: a manager does
    /// not become a plain user.
    async fn keep_user_types(&self, id: i64, params: &mut Map<String, Value>) -> Result<()> {
        let now = self.get(id).await?;
        let Some(Value::Array(named)) = params.get_mut("members") else {
            return Ok(());
        };
        let extension = |member: &Value| names::whole(member.get("ext_id")?);
        for member in named {
            let same = |old: &&Value| extension(old) == extension(member);
            let old = list(&now, "members").find(same);
            let held = old.and_then(|old| old.get("user_type")).cloned();
            if let (Some(held), Some(member)) = (held, member.as_object_mut()) {
                member.insert("user_type".into(), held);
            }
        }
        Ok(())
    }

    /// The API takes a contact's numbers as a whole: those not named stay.
    async fn keep_other_numbers(&self, id: i64, params: &mut Map<String, Value>) -> Result<()> {
        let now = self.get(id).await?;
        let kind = |number: &Value| number.get("num_type").cloned();
        let Some(Value::Array(named)) = params.get_mut("number_list") else {
            return Ok(());
        };
        let others: Vec<Value> = list(&now, "number_list")
            .filter(|old| !named.iter().any(|new| kind(new) == kind(old)))
            .cloned()
            .collect();
        named.extend(others);
        // A blank number is one taken away.
        named.retain(|number| number.get("number").is_none_or(|number| number != ""));
        Ok(())
    }
}

/// What a person need not say of a new extension; the secrets that were made.
fn fill_extension(params: &mut Map<String, Value>) -> Result<Map<String, Value>> {
    let number = params.get("number").cloned().unwrap_or_default();
    let fixed = [
        ("type", Value::from("SIP")),
        ("reg_name", number),
        ("concurrent_registrations", 1.into()),
        ("presence_status", "available".into()),
    ];
    for (name, value) in fixed {
        params.entry(name).or_insert(value);
    }
    let mut made = Map::new();
    for name in ["reg_password", "user_password"] {
        if !params.contains_key(name) {
            let password = Value::from(passwords::made()?);
            params.insert(name.into(), password.clone());
            made.insert(name.into(), password);
        }
    }
    if !made.is_empty() {
        let reg_name = params.get("reg_name").cloned().unwrap_or_default();
        made.shift_insert(0, "reg_name".into(), reg_name);
    }
    Ok(made)
}

fn parts(text: &str, sign: char) -> impl Iterator<Item = &str> {
    text.split(sign)
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

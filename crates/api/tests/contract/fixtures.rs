//! The good calls: one for each operation that works. A kind of the settings
//! needs a row in `KINDS`; any other operation an arm in `good`.

use serde_json::{Map, Value, json};
use wire::Operation;

use crate::common::{CLIENT_ID, CLIENT_SECRET, extension};
use crate::faults::has_body;
use crate::world::World;

/// A kind of configuration object: the seven operations follow from this.
pub struct KindFixture {
    /// Its name: the first part of the paths.
    pub kind: &'static str,
    /// What creates one; `n` differs each time, from 0.
    pub create: fn(n: u32) -> Value,
    /// A member that an update changes, and to what.
    pub change: fn() -> (&'static str, Value),
}

pub const KINDS: &[KindFixture] = &[
    KindFixture {
        kind: "extension",
        create: |n| extension(&(3000 + n).to_string()),
        change: || ("first_name", json!("Ann")),
    },
    KindFixture {
        kind: "extensiongroup",
        create: |n| json!({"name": format!("Group {n}"), "member_select": "sel_all_ext"}),
        change: || ("name", json!("Support")),
    },
    KindFixture {
        kind: "organization",
        create: |n| json!({"name": format!("Department {n}"), "parent_id": 1}),
        change: || ("name", json!("Research")),
    },
    KindFixture {
        kind: "company_contact",
        create: |n| {
            let number = json!({"num_type": "business_number", "number": n.to_string()});
            json!({"first_name": "Ada", "number_list": [number]})
        },
        change: || ("company", json!("Analytical Engines")),
    },
    KindFixture {
        kind: "phonebook",
        create: |n| json!({"name": format!("Phonebook {n}")}),
        change: || ("member_select", json!("sel_all")),
    },
];

/// The parameters of a good call, made anew each time: what it needs is made
/// first. `None` where nobody has said yet.
pub async fn good(world: &World, operation: &Operation) -> Option<Value> {
    let params = match (operation.version, operation.path) {
        (_, "get_token") => json!({"username": CLIENT_ID, "password": CLIENT_SECRET}),
        (_, "refresh_token") => {
            json!({"refresh_token": world.pbx.log_in().await["refresh_token"]})
        }
        (_, "del_token") => json!({"access_token": world.pbx.token().await}),
        (_, "extension_status_monitor/update") => {
            json!({"ext_monitor_list": [{"ext_id": world.extension, "enb_call_status": 1}]})
        }
        (_, "call/dial") => json!({"caller": "1000", "callee": "1001"}),
        (_, "call/query") => json!({"type": "internal"}),
        (_, "call/hangup") => json!({"channel_id": world.live_channel().await}),
        (_, "cdr/updateoption") => json!({"enb_new_cdr_fuzzy_search": 0}),
        (_, "system/get_menuoptions") => json!({"menu": "extension"}),
        (_, "extension/getpassword") => json!({"id": world.extension, "type": "reg_password"}),
        (_, "extension/send_welcome_email") => json!({"id_list": [world.extension]}),
        // What asks and may be asked without any parameter needs none.
        _ if asks_for_nothing(operation) => json!({}),
        (_, path) => return of_a_kind(world, path).await,
    };
    Some(params)
}

fn asks_for_nothing(operation: &Operation) -> bool {
    !has_body(operation) && !operation.request.iter().any(|member| member.required)
}

async fn of_a_kind(world: &World, path: &str) -> Option<Value> {
    let (kind, verb) = path.split_once('/')?;
    let fixture = KINDS.iter().find(|fixture| fixture.kind == kind)?;
    Some(match verb {
        "create" => (fixture.create)(world.number()),
        "get" | "delete" => json!({"id": world.object(fixture).await}),
        "query" => json!({"ids": world.object(fixture).await.to_string()}),
        "update" => {
            let (member, value) = (fixture.change)();
            let mut params = Map::from_iter([(member.to_owned(), value)]);
            params.insert("id".into(), json!(world.object(fixture).await));
            Value::Object(params)
        }
        _ => return None,
    })
}

//! The kind `extension`: what is taken, what is refused, what is given back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use settings::{MASK, SettingsError};
use support::{Dir, ask, create, extension, faults, get, members, told};

#[tokio::test]
async fn what_is_left_out_gets_its_default_and_the_exchange_sees_it() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let id = create(
        &settings,
        "1000",
        json!({"first_name": "", "last_name": ""}),
    )
    .await;
    let detail = get(&settings, id);
    assert_eq!(detail["first_name"], "1000");
    assert_eq!(detail["caller_id"], "1000");
    assert_eq!(detail["email_language"], "follow_system");
    assert_eq!(
        (&detail["transport"], &detail["enb_vm"]),
        (&json!("udp"), &json!(1))
    );
    let rows = detail["presence_list"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(
        (&rows[0]["status"], &rows[0]["ring_timeout"]),
        (&json!("available"), &json!(30))
    );
    assert_eq!(rows[0]["in_busy_forward_dest"], "ext_vm");
    let typed = settings.snapshot().extension_by_number("1000").unwrap();
    assert_eq!(typed.ring_timeout, Duration::from_secs(30));
    assert_eq!(typed.reg_password.expose(), "s3cret-1000");
    assert_eq!(typed.concurrent_registrations, 2);
    assert_eq!(
        settings
            .snapshot()
            .extension_by_reg_name("phone1000")
            .unwrap(),
        typed
    );
    assert!(settings.snapshot().extension_by_reg_name("1000").is_none());
    let configuration = settings.snapshot().switch_configuration();
    assert_eq!(configuration.extensions[&typed.number], typed.switch);
}

#[tokio::test]
async fn presence_decides_ring_time_and_do_not_disturb() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let list = json!([{"status": "lunch", "ring_timeout": "7"}, {"status": "available", "information": "at my desk"}]);
    let id = create(
        &settings,
        "1000",
        json!({"presence_status": "lunch", "presence_list": list}),
    )
    .await;
    let switch = || settings.snapshot().extension(id).unwrap().switch.clone();
    assert_eq!(switch().ring_timeout, Duration::from_secs(7));
    assert!(!switch().do_not_disturb);
    // A row that is sent changes what it names; the others stay.
    let change = json!({"id": id, "presence_status": "do_not_disturb", "presence_list": [{"status": "lunch", "information": "soup"}]});
    settings.update("extension", members(change)).await.unwrap();
    assert!(switch().do_not_disturb);
    let rows = get(&settings, id)["presence_list"].clone();
    assert_eq!(rows[0]["information"], "at my desk");
    assert_eq!(
        (&rows[4]["information"], &rows[4]["ring_timeout"]),
        (&json!("soup"), &json!(7))
    );
    let twice = json!({"id": id, "presence_list": [{"status": "away"}, {"status": "away"}]});
    assert_eq!(
        faults(settings.update("extension", members(twice)).await)[0].1,
        "duplicate"
    );
}

#[tokio::test]
async fn a_taken_number_reg_name_or_address_is_named_with_its_holder() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    create(&settings, "1000", json!({"email_addr": "Ada@Example.org"})).await;
    // Two without an address do not take it from each other.
    create(&settings, "1001", json!({})).await;
    let second = create(&settings, "1002", json!({})).await;
    let wrong = extension(
        "1000",
        json!({"reg_name": "phone1001", "email_addr": "ada@example.ORG"}),
    );
    let error = settings.create("extension", wrong).await.unwrap_err();
    assert_eq!(error.code().code(), 40003);
    let SettingsError::Duplicate(fields) = &error else {
        panic!("{error:?}")
    };
    let told: Vec<_> = fields
        .iter()
        .map(|f| {
            (
                f.field.as_str(),
                f.value.as_str(),
                f.external_source_name.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("number", "1000", "1000"),
            ("reg_name", "phone1001", "1001"),
            ("email_addr", "ada@example.ORG", "1000")
        ]
    );
    assert!(fields.iter().all(|f| f.external_source == "extension"));
    assert_eq!(settings.snapshot().extension_count(), 3);
    let error = settings
        .update(
            "extension",
            members(json!({"id": second, "reg_name": "phone1000"})),
        )
        .await;
    assert!(matches!(error, Err(SettingsError::Duplicate(_))));
    // One's own values are no duplicates, and a deleted one's are free.
    settings
        .update(
            "extension",
            members(json!({"id": second, "reg_name": "phone1002"})),
        )
        .await
        .unwrap();
    settings
        .delete("extension", members(json!({"id": second})))
        .await
        .unwrap();
    assert!(create(&settings, "1002", json!({})).await > second);
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let id = create(
        &settings,
        "1000",
        json!({"title": "Engineer", "vm_pin": "1234", "enb_vm_pin": 1}),
    )
    .await;
    let before = get(&settings, id);
    settings
        .update(
            "extension",
            members(json!({"id": id.to_string(), "mobile_number": 5551234, "unknown": [1]})),
        )
        .await
        .unwrap();
    let after = get(&settings, id);
    for (member, value) in &before {
        let expected = if member == "mobile_number" {
            &json!("5551234")
        } else {
            value
        };
        assert_eq!(&after[member], expected, "{member}");
    }
    // What get answered can be sent back whole: secrets keep their values.
    settings.update("extension", after.clone()).await.unwrap();
    assert_eq!(get(&settings, id), after);
    assert_eq!(
        settings
            .reveal("extension", id, "reg_password")
            .unwrap()
            .expose(),
        "s3cret-1000"
    );
    assert_eq!(
        settings.reveal("extension", id, "vm_pin").unwrap().expose(),
        "1234"
    );
    assert!(
        settings
            .secret_matches("extension", id, "user_password", "Passw0rdAB")
            .await
            .unwrap()
    );
    settings
        .update(
            "extension",
            members(json!({"id": id, "reg_password": "another one"})),
        )
        .await
        .unwrap();
    assert_eq!(
        settings
            .snapshot()
            .extension(id)
            .unwrap()
            .reg_password
            .expose(),
        "another one"
    );
    let renumbered = settings
        .update("extension", members(json!({"id": id, "number": "2000"})))
        .await;
    assert_eq!(faults(renumbered), [("number".into(), "read_only".into())]);
    let missing = settings
        .update("extension", members(json!({"id": 99, "title": "x"})))
        .await;
    assert_eq!(missing.unwrap_err().code().code(), 60001);
}

#[tokio::test]
async fn what_nothing_acts_on_is_refused_where_neglect_would_mislead() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let cases = [
        ("enb_srtp", json!(1)),
        ("transport", json!("tls")),
        ("enb_ip_rstr", json!(1)),
        ("enb_user_agent_ident", json!("1")),
        ("allow_reg_remotely", json!(0)),
        ("disable_outb_call", json!(1)),
        ("max_outb_call_duration", json!(60)),
        ("dtmf_mode", json!("info")),
        ("enb_t38_support", json!(1)),
        ("enb_nat", json!(0)),
        ("enb_ctl_record", json!(1)),
        ("emergency_caller_id", json!("911")),
        // Nothing sends that letter, and no phone is asked by OPTIONS.
        ("enb_email_miss_call", json!(1)),
        ("enb_qualify", json!(0)),
        ("caller_id_rule_list", json!([{"caller_id": "1"}])),
    ];
    for (member, value) in &cases {
        let sent = extension("1000", json!({*member: value}));
        assert_eq!(
            faults(settings.create("extension", sent).await),
            [((*member).into(), "unsupported".into())]
        );
    }
    let rows = [
        ("enb_in_always_forward", json!(1)),
        ("in_busy_forward_dest", json!("extension")),
        ("enb_ring_mobile", json!(1)),
        ("enb_ring1_endpoints", json!(0)),
        ("dynamic_agent_action", json!("log_in")),
    ];
    for (member, value) in rows {
        let sent = extension(
            "1000",
            json!({"presence_list": [{"status": "away", member: value}]}),
        );
        assert_eq!(
            faults(settings.create("extension", sent).await),
            [(format!("presence_list[0].{member}"), "unsupported".into())]
        );
    }
    assert_eq!(settings.snapshot().extension_count(), 0);
    // Their defaults are taken, and a forward that is off may point anywhere.
    let off =
        json!([{"status": "away", "enb_in_busy_forward": 0, "in_busy_forward_dest": "extension"}]);
    let id = create(&settings, "1000", json!({"enb_srtp": "0", "transport": "udp", "role_id": 0, "group_list": [], "presence_list": off})).await;
    for (member, value) in cases {
        assert!(
            settings
                .update("extension", members(json!({"id": id, member: value})))
                .await
                .is_err(),
            "{member}"
        );
    }
    // The table for people says the same.
    let told = settings::unacted();
    assert!(
        told.iter()
            .any(|m| m.member == "enb_srtp" && m.rule.to_string() == "only 0; else 40002")
    );
    assert!(
        told.iter()
            .any(|m| m.member == "title" && m.operation == "extension/create")
    );
    assert!(
        told.iter()
            .all(|m| m.member != "reg_password" && m.member != "number")
    );
}

#[tokio::test]
async fn every_wrong_member_is_named_and_no_secret_is_echoed() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let one = |member: &str, value: Value| {
        let sent = extension("1000", json!({member: value}));
        let settings = settings.clone();
        async move { faults(settings.create("extension", sent).await) }
    };
    for (member, value, rule) in [
        ("number", json!("12a"), "format"),
        ("number", json!("123456789"), "max_len"),
        ("type", json!("FXS"), "enum"),
        ("caller_id", json!("<sip:x>"), "format"),
        ("reg_name", json!("a b"), "format"),
        ("reg_name", json!("a\"b"), "format"),
        ("reg_name", json!(""), "format"),
        ("first_name", json!("a\r\nVia: x"), "format"),
        ("last_name", json!("x".repeat(256)), "max_len"),
        ("email_addr", json!("nobody"), "format"),
        ("concurrent_registrations", json!(6), "max"),
        ("presence_status", json!("asleep"), "enum"),
        ("presence_list", json!([{"ring_timeout": 20}]), "required"),
        (
            "presence_list",
            json!([{"status": "away", "ring_timeout": 4}]),
            "min",
        ),
        ("user_password", json!("short1A"), "format"),
        ("user_password", json!("nouppercase1"), "format"),
        ("reg_password", json!("1234567"), "format"),
        ("reg_password", json!(MASK), "format"),
        ("vm_pin", json!("12"), "format"),
        ("enb_vm_pin", json!(1), "required"),
    ] {
        assert_eq!(
            one(member, value.clone()).await[0].1,
            rule,
            "{member}: {value}"
        );
    }
    let error = settings
        .create("extension", members(json!({"reg_password": "hunter2"})))
        .await
        .unwrap_err();
    let told = serde_json::to_string(&error.envelope()).unwrap();
    assert!(
        told.contains("user_password") && told.contains("required") && !told.contains("hunter2"),
        "{told}"
    );
    assert_eq!(settings.snapshot().extension_count(), 0);
}

#[tokio::test]
async fn lists_page_sort_and_search() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    for (number, name, mail) in [
        ("1002", "Eve", "z@x.org"),
        ("200", "adam", ""),
        ("1001", "Bob", "a@x.org"),
    ] {
        create(
            &settings,
            number,
            json!({"first_name": name, "email_addr": mail}),
        )
        .await;
    }
    let numbers = |verb: &str, params: Value| {
        let answer = match verb {
            "list" => settings.list("extension", members(params)),
            _ => settings.search("extension", members(params)),
        };
        let answer = answer.unwrap();
        let rows = answer["data"].as_array().unwrap();
        let numbers: Vec<String> = rows
            .iter()
            .map(|row| row["number"].as_str().unwrap().to_owned())
            .collect();
        (answer["total_number"].as_i64().unwrap(), numbers.join(" "))
    };
    assert_eq!(numbers("list", json!({})), (3, "1002 200 1001".into()));
    assert_eq!(
        numbers("list", json!({"order_by": "desc"})),
        (3, "1001 200 1002".into())
    );
    assert_eq!(
        numbers("list", json!({"sort_by": "number"})),
        (3, "200 1001 1002".into())
    );
    assert_eq!(
        numbers(
            "list",
            json!({"sort_by": "caller_id_name", "order_by": "desc"})
        ),
        (3, "1002 1001 200".into())
    );
    assert_eq!(
        numbers("list", json!({"sort_by": "email_addr"})),
        (3, "200 1001 1002".into())
    );
    assert_eq!(
        numbers("list", json!({"page": "2", "page_size": "2"})),
        (3, "1001".into())
    );
    assert_eq!(
        numbers("list", json!({"page": 9, "page_size": 2})),
        (3, String::new())
    );
    assert_eq!(
        numbers("search", json!({"search_value": "AD"})),
        (1, "200".into())
    );
    assert_eq!(
        numbers(
            "search",
            json!({"search_value": "x.org", "sort_by": "number"})
        ),
        (2, "1001 1002".into())
    );
    assert_eq!(numbers("search", json!({})).0, 3);
    // A list has no such member.
    assert_eq!(numbers("list", json!({"search_value": "AD"})).0, 3);
    for wrong in [
        json!({"page": 0}),
        json!({"page_size": 10_001}),
        json!({"sort_by": "title"}),
        json!({"page": "x"}),
    ] {
        assert!(!faults(settings.list("extension", members(wrong))).is_empty());
    }
    let query = |ids: &str| settings.query("extension", members(json!({"ids": ids})));
    assert_eq!(query("3, 99,1").unwrap()["data"][1]["number"], "1002");
    assert!(matches!(query("99"), Err(SettingsError::NotFound)));
    assert_eq!(faults(query("1,x"))[0].0, "ids");
    let row = &settings.list("extension", members(json!({}))).unwrap()["data"][0];
    let names: Vec<&String> = row.as_object().unwrap().keys().collect();
    let theirs: Vec<&str> = wire::contract::named_type("Ext_Basicinfo")
        .unwrap()
        .members
        .iter()
        .map(|m| m.name)
        .collect();
    assert_eq!(names, theirs);
    assert!(matches!(
        settings.list("nothing", members(json!({}))),
        Err(SettingsError::UnknownKind)
    ));
}

#[tokio::test]
async fn a_change_of_presence_is_told_where_applications_want_it() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let mut events = store.journal().subscribe();
    let set = async |presence: &str| {
        let change = json!({"id": id, "presence_status": presence});
        ask(&settings, "extension/update", change).await;
    };
    let updated = (30022, json!({"ext_number": "1000", "option": "UPDATE"}));
    set("away").await;
    assert_eq!(told(&mut events), std::slice::from_ref(&updated));
    settings
        .monitor_update(members(
            json!({"ext_monitor_list": [{"ext_id": id, "enb_presence_status": 1}]}),
        ))
        .await
        .unwrap();
    assert_eq!(told(&mut events), []);
    set("lunch").await;
    let presence = (30009, json!({"extension": "1000", "status": "lunch"}));
    assert_eq!(told(&mut events), [updated.clone(), presence]);
    // What stays as it is, is no change of it.
    set("lunch").await;
    assert_eq!(told(&mut events), [updated]);
}

#[tokio::test]
async fn rows_of_presence_are_looked_at_as_they_were_sent() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let update = |rows: Value| {
        let change = members(json!({"id": id, "presence_list": rows}));
        settings.update("extension", change)
    };
    let one = |place: &str, rule: &str| vec![(format!("presence_list{place}"), rule.to_owned())];
    // No more rows than there are statuses, before anything is made of them.
    let many: Vec<Value> = (0..30_000).map(|_| json!({"status": "away"})).collect();
    assert_eq!(faults(update(many.into()).await), one("", "max"));
    let twice = json!([{"status": "lunch"}, {"status": "away"}, {"status": "lunch"}]);
    assert_eq!(faults(update(twice).await), one("[2].status", "duplicate"));
    let always = json!([{"status": "off_work", "enb_in_always_forward": 1}]);
    let wrong = one("[0].enb_in_always_forward", "unsupported");
    assert_eq!(faults(update(always).await), wrong);
    let long = json!([{"status": "off_work"}, {"status": "lunch", "information": "x".repeat(256)}]);
    assert_eq!(
        faults(update(long).await),
        one("[1].information", "max_len")
    );
    // A place that a forward may have while it is off keeps it from being
    // switched on: what is named is what was sent.
    let off = json!([{"status": "lunch", "enb_in_busy_forward": 0, "in_busy_forward_dest": "ivr"}]);
    update(off).await.unwrap();
    let on = json!([{"status": "lunch", "enb_in_busy_forward": 1}]);
    let wrong = one("[0].enb_in_busy_forward", "unsupported");
    assert_eq!(faults(update(on).await), wrong);
    let both =
        json!([{"status": "lunch", "enb_in_busy_forward": 1, "in_busy_forward_dest": "ivr"}]);
    let wrong = one("[0].in_busy_forward_dest", "unsupported");
    assert_eq!(faults(update(both).await), wrong);
}

#[tokio::test]
async fn what_is_as_it_always_is_takes_no_place_and_is_read_all_the_same() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let rows = get(&settings, id)["presence_list"].clone();
    let names = wire::contract::named_type("Presence_Setting")
        .unwrap()
        .members;
    for row in rows.as_array().unwrap() {
        let all = names.len() - usize::from(row["status"] == "do_not_disturb");
        assert_eq!(row.as_object().unwrap().len(), all, "{row}");
    }
    assert_eq!(rows[0]["status"], "available");
    assert_eq!(rows[0]["in_busy_forward_dest"], "ext_vm");
    assert_eq!(rows[0]["ring_timeout"], 30);
    let kept = async || store.objects("extension").await.unwrap()[0].doc.len();
    let bytes = kept().await;
    assert!(bytes < 2_048, "{bytes}");
    // Sent back it takes none either; a change takes what it says.
    let mut back = get(&settings, id);
    back.insert("title".into(), "x".into());
    settings.update("extension", back).await.unwrap();
    assert_eq!(get(&settings, id)["presence_list"], rows);
    assert!(kept().await < bytes + 8);
    let lunch = json!({"id": id, "presence_list": [{"status": "lunch", "ring_timeout": 7}]});
    settings.update("extension", members(lunch)).await.unwrap();
    assert_eq!(get(&settings, id)["presence_list"][4]["ring_timeout"], 7);
    let as_before = json!({"id": id, "presence_list": [{"status": "lunch", "ring_timeout": 30}]});
    settings
        .update("extension", members(as_before))
        .await
        .unwrap();
    assert_eq!(get(&settings, id)["presence_list"], rows);
}

#[tokio::test]
async fn a_language_is_written_by_its_name_or_its_code_and_read_as_the_code() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let read = |member: &str| get(&settings, id)[member].clone();
    assert_eq!(read("user_lang"), "follow_system");
    for member in ["user_lang", "vm_lang"] {
        for (written, code) in [
            ("German", "sound-de"),
            ("sound-de", "sound-de"),
            ("Portuguese (Brazil)", "sound-pt_BR"),
            ("english (british)", "sound-en_BR"),
            ("sound-iw", "sound-iw"),
            ("", "follow_system"),
            ("Thai", "sound-th"),
            ("follow_system", "follow_system"),
        ] {
            let change = members(json!({"id": id, member: written}));
            settings.update("extension", change).await.unwrap();
            assert_eq!(read(member), code, "{written}");
        }
        for unknown in ["klingon", "sound-xx", "de"] {
            let change = members(json!({"id": id, member: unknown}));
            let answer = settings.update("extension", change).await;
            assert_eq!(faults(answer), [(member.into(), "enum".into())]);
        }
        assert_eq!(read(member), "follow_system");
    }
}

//! CSV files with the vendor's columns: taken whole or not at all, and what goes
//! out comes in again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use e2e::{Api, CommandLine, LONG, SOON, Server, hang_up, interrupt, terminate, within};
use serde_json::{Value, json};

/// As a spreadsheet of a German Windows writes it.
const FILE: &str = "\u{feff}First Name;Last name;Extension Number;Email Address;User Password;\
    Registration Name;Registration Password;Enable Voicemail;Hot Desking\r\n\
    Ada;Lovelace;2000;ada@example.com;Portal0Portal1;ada;Secret-2000;1;0\r\n\
    \"Grace; B.\";Hopper;2001;;;;;;\r\n";

#[tokio::test]
async fn a_spreadsheets_file_makes_its_extensions_and_the_passwords_that_it_leaves_blank() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.write("staff.csv", FILE);
    let told = cli
        .json(&["extension", "import", "staff.csv", "--dry-run"])
        .await;
    assert_eq!(told["lines"], 2);
    assert_eq!(
        cli.json(&["extension", "list"]).await,
        serde_json::json!([])
    );

    let told = cli.json(&["extension", "import", "staff.csv"]).await;
    assert_eq!(told["created"], 2);
    let ada = cli.json(&["extension", "show", "2000"]).await;
    assert_eq!(
        (&ada["last_name"], &ada["reg_name"]),
        (&"Lovelace".into(), &"ada".into())
    );
    let grace = cli.json(&["extension", "show", "2001"]).await;
    assert_eq!(grace["first_name"], "Grace; B.");
    let made = cli.read("staff-made.csv");
    assert!(made.contains("2001,") && !made.contains("2000,"), "{made}");
    assert!(made.contains(grace["reg_name"].as_str().unwrap()), "{made}");
    let path = cli.path("staff-made.csv");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it has passwords");
}

#[tokio::test]
async fn an_export_imports_to_the_same() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.write("staff.csv", FILE);
    cli.ok(&["extension", "import", "staff.csv"]).await;
    let words = [
        "extension",
        "set",
        "2001",
        "caller_id=+66-2",
        "mobile_number=+66(8)1",
    ];
    cli.ok(&words).await;
    let first = cli.ok(&["extension", "export"]).await;
    assert!(
        first.starts_with("First Name,Last Name,Email Address,"),
        "{first}"
    );
    assert!(
        !first.contains("Secret-2000"),
        "no passwords unless asked for"
    );
    cli.ok(&["extension", "delete", "2000", "2001"]).await;
    cli.write("again.csv", &first);
    cli.ok(&["extension", "import", "again.csv"]).await;
    assert_eq!(cli.ok(&["extension", "export"]).await, first);
}

#[tokio::test]
async fn with_its_passwords_an_export_keeps_what_phones_register_with() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.write("staff.csv", FILE);
    cli.ok(&["extension", "import", "staff.csv"]).await;
    let words = ["extension", "export", "all.csv", "--with-passwords"];
    cli.ok(&words).await;
    assert!(cli.read("all.csv").contains(",ada,Secret-2000,"));
    let mode = std::fs::metadata(cli.path("all.csv")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&mode.permissions());
    assert_eq!(mode & 0o777, 0o600, "it has passwords");
    cli.ok(&["extension", "delete", "2000", "2001"]).await;
    cli.ok(&["extension", "import", "all.csv"]).await;
    let ada = cli.json(&["extension", "show", "2000"]).await;
    let id = format!("id={}", ada["id"]);
    let words = ["api", "extension/getpassword", &id, "type=reg_password"];
    let told: serde_json::Value = serde_json::from_str(&cli.ok(&words).await).unwrap();
    assert_eq!(told["password"], "U2VjcmV0LTIwMDA=", "Secret-2000");
}

#[tokio::test]
async fn a_bad_line_names_line_and_column_and_nothing_of_the_file_is_taken() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.ok(&["extension", "create", "2005"]).await;
    cli.write(
        "bad.csv",
        "First Name,Extension Number,Email Address,IP Phone Concurrent Registrations,Hot Desking\n\
         Good,2000,,,\n\
         Twice,2000,,,\n\
         Taken,2005,,,\n\
         Many,2002,,many,\n\
         Desk,2003,,,1\n\
         Nothing,,,,\n",
    );
    let ended = cli.run(&["extension", "import", "bad.csv"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    for told in [
        "nothing of it is taken",
        "line 3, column \"Extension Number\": 2000 is in line 2 already",
        "line 4, column \"Extension Number\": 2005 is taken by extension 2005",
        "line 5, column \"IP Phone Concurrent Registrations\"",
        "line 6, column \"Hot Desking\"",
        "line 7, column \"Extension Number\": it is missing",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    let rows = cli.json(&["extension", "list"]).await;
    assert_eq!(rows.as_array().unwrap().len(), 1, "only the one of before");
    // Which values are good the PBX says: by line and column all the same.
    for (title, value) in [
        ("Email Address", "nobody"),
        ("IP Phone Concurrent Registrations", "9"),
        ("Voicemail Access PIN", "1a"),
        ("DTMF Mode", "morse"),
    ] {
        let file = format!("Extension Number,{title}\n2000,\n2001,{value}\n");
        cli.write("judged.csv", file);
        let ended = cli.run(&["extension", "import", "judged.csv"]).await;
        let told = format!("line 3: column {title:?}: ");
        assert!(
            ended
                .err
                .contains(&told.replace(": column", ": the PBX refuses column")),
            "{}",
            ended.err
        );
        let rows = cli.json(&["extension", "list"]).await;
        assert_eq!(rows.as_array().unwrap().len(), 1, "2000 is taken back");
    }
    cli.write("odd.csv", "First Name,Extention Number\nAda,2000\n");
    let ended = cli.run(&["extension", "import", "odd.csv"]).await;
    let told = "line 1, column \"Extention Number\": there is no such column. Did you mean Extension Number";
    assert!(ended.err.contains(told), "{}", ended.err);
}

#[tokio::test]
async fn what_the_pbx_refuses_midway_is_told_by_line_and_column_and_all_is_taken_back() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    // Which names phones register with, no list says: only the PBX knows it.
    cli.ok(&["extension", "create", "1000", "reg_name=taken"])
        .await;
    let mut file = "First Name,Extension Number,Registration Name\n".to_owned();
    for number in 2000..2040 {
        let name = if number == 2030 {
            "taken".into()
        } else {
            format!("r{number}")
        };
        file.push_str(&format!("Ada,{number},{name}\n"));
    }
    cli.write("staff.csv", file);
    let ended = cli.run(&["extension", "import", "staff.csv"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.err.contains("line 32"), "{}", ended.err);
    assert!(
        ended.err.contains("column \"Registration Name\""),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("deleted again"), "{}", ended.err);
    let rows = cli.json(&["extension", "list"]).await;
    assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
    assert!(!cli.path("staff-made.csv").exists(), "nothing was made");
}

#[tokio::test]
async fn groups_and_departments_go_out_and_come_in_again() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    for number in ["2000", "2001", "2002"] {
        cli.ok(&["extension", "create", number]).await;
    }
    cli.write(
        "groups.csv",
        "name,members,managers,mgr_enb_monitor\nSales,2000&2001,2002,0\nSupport,2001,,\n",
    );
    cli.ok(&["group", "import", "groups.csv"]).await;
    // Children before their parents: the order of a file says nothing.
    cli.write(
        "tree.csv",
        "Organization Name,Parent Organization\n\
         Thailand,Strowger/Sales\nSales,Strowger\nBangkok,Strowger/Sales/Thailand\n",
    );
    cli.ok(&["organization", "import", "tree.csv"]).await;
    let words = [
        "extension",
        "set",
        "2000",
        "organization=Strowger/Sales/Thailand",
    ];
    cli.ok(&words).await;
    let exported = cli.ok(&["extension", "export"]).await;
    assert!(exported.contains(",Strowger/Sales/Thailand,"), "{exported}");
    let exported = cli.ok(&["organization", "export"]).await;
    assert!(
        exported.contains("Bangkok,Strowger/Sales/Thailand"),
        "{exported}"
    );

    let groups = cli.ok(&["group", "export"]).await;
    assert!(
        groups.contains("Sales,sel_specific,2000&2001,2002,"),
        "{groups}"
    );
    cli.ok(&["group", "delete", "Sales", "Support"]).await;
    cli.write("again.csv", &groups);
    cli.ok(&["group", "import", "again.csv"]).await;
    assert_eq!(cli.ok(&["group", "export"]).await, groups);

    let again = cli.run(&["group", "import", "again.csv"]).await;
    assert!(
        again
            .err
            .contains("line 2, column \"name\": Sales is taken"),
        "{}",
        again.err
    );
    cli.write("odd.csv", "name,members\nOther,2000&2009\n");
    let odd = cli.run(&["group", "import", "odd.csv"]).await;
    let told = "line 2, column \"members\": there is no extension \"2009\"";
    assert!(odd.err.contains(told), "{}", odd.err);
    cli.write(
        "odd.csv",
        "Organization Name,Parent Organization\nX,Strowger/Nowhere\n",
    );
    let odd = cli.run(&["organization", "import", "odd.csv"]).await;
    let told = "line 2, column \"Parent Organization\": there is no department";
    assert!(odd.err.contains(told), "{}", odd.err);
}

#[tokio::test]
async fn contacts_go_out_and_come_in_again_with_their_phonebooks() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.ok(&["phonebook", "create", "Customers"]).await;
    cli.ok(&["phonebook", "create", "Friends & Co"]).await;
    let header = "First Name,Last Name,Company Name,Email,Business Number,Business Number 2,\
        Business Fax,Mobile,Mobile 2,Home,Home 2,Home Fax,Other,ZIP Code,Street,City,State,\
        Country,Remark,Phonebook\r\n";
    let file = format!(
        "{header}Ada,Lovelace,Engines,ada@example.com,1,2,3,4,5,6,7,8,9,W1,\"1, St\",London,-,UK,\
         \"two\nlines\",Customers&Friends \\& Co\r\nGrace,,,,,,,+66(8)1,,,,,,,,,,,,\r\n"
    );
    cli.write("contacts.csv", &file);
    cli.ok(&["contact", "import", "contacts.csv"]).await;
    let exported = cli.ok(&["contact", "export"]).await;
    assert_eq!(
        exported, file,
        "what came in goes out, with the vendor's header"
    );
    let list = cli.ok(&["contact", "list", "lovelace"]).await;
    assert!(
        list.contains("Engines") && list.contains("Customers"),
        "{list}"
    );

    cli.write(
        "bad.csv",
        "First Name,Mobile,Phonebook\nA,1,Nowhere\nB,2,\n",
    );
    let bad = cli.run(&["contact", "import", "bad.csv"]).await;
    let told = "line 2, column \"Phonebook\": there is no phonebook \"Nowhere\"";
    assert!(bad.err.contains(told), "{}", bad.err);
    cli.write("bad.csv", "First Name,Mobile,Home\nA,1,\nC,2,x!y\n");
    let bad = cli.run(&["contact", "import", "bad.csv"]).await;
    assert!(
        bad.err.contains("line 3: the PBX refuses column \"Home\""),
        "{}",
        bad.err
    );
    cli.write("bad.csv", "First Name,Remark\nA,no number\n");
    let bad = cli.run(&["contact", "import", "bad.csv"]).await;
    assert!(bad.err.contains("line 2: the PBX refuses"), "{}", bad.err);
    assert_eq!(cli.ok(&["contact", "export"]).await, exported);
}

#[tokio::test]
async fn an_interrupted_import_of_contacts_takes_them_out_of_phonebooks_too() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.ok(&["phonebook", "create", "Customers"]).await;
    let mut file = "First Name,Mobile,Phonebook\n".to_owned();
    for number in 0..20_000 {
        file.push_str(&format!("U{number},{number},Customers\n"));
    }
    cli.write("many.csv", file);
    let mut import = cli.start(&["contact", "import", "many.csv"]);
    let api = server.api().await;
    let count = || async {
        let list = api.get("company_contact/list", &[("page_size", "1")]).await;
        list["total_number"].as_u64().unwrap()
    };
    let begun = async { while count().await < 20 {} };
    within(SOON, "first contacts of the import", begun).await;
    interrupt(&import);
    let status = within(LONG, "end of the import", import.wait())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(count().await, 0, "nothing of the file is left");
}

#[tokio::test]
async fn an_interrupted_import_takes_back_what_it_made() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let mut file = "Extension Number\n".to_owned();
    for number in 10_000..15_000 {
        file.push_str(&format!("{number}\n"));
    }
    cli.write("many.csv", file);
    let mut import = cli.start(&["extension", "import", "many.csv"]);
    let api = server.api().await;
    let count = || async {
        let list = api.get("extension/list", &[("page_size", "1")]).await;
        list["total_number"].as_u64().unwrap()
    };
    let begun = async { while count().await < 20 {} };
    within(SOON, "first extensions of the import", begun).await;
    interrupt(&import);
    let status = within(LONG, "end of the import", import.wait())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(count().await, 0, "nothing of the file is left");
}

#[tokio::test]
async fn an_import_that_is_told_to_end_leaves_neither_extensions_nor_passwords() {
    for end in [terminate, hang_up] {
        let server = Server::start().await;
        let cli = CommandLine::at(&server);
        let mut file = "Extension Number\n".to_owned();
        for number in 10_000..15_000 {
            file.push_str(&format!("{number}\n"));
        }
        cli.write("many.csv", file);
        let mut import = cli.start(&["extension", "import", "many.csv"]);
        let api = server.api().await;
        let count = || async {
            let list = api.get("extension/list", &[("page_size", "1")]).await;
            list["total_number"].as_u64().unwrap()
        };
        let begun = async { while count().await < 20 {} };
        within(SOON, "first extensions of the import", begun).await;
        let made = cli.read("many-made.csv");
        assert_eq!(
            made.lines().count(),
            5_001,
            "written before the first request"
        );
        end(&import);
        let status = within(LONG, "end of the import", import.wait())
            .await
            .unwrap();
        assert_eq!(status.code(), Some(1));
        assert_eq!(count().await, 0, "nothing of the file is left");
        assert!(!cli.path("many-made.csv").exists(), "nor its passwords");
    }
}

#[tokio::test]
async fn an_import_of_departments_that_is_interrupted_takes_them_back() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let mut file = "Organization Name,Parent Organization\n".to_owned();
    for number in 0..900 {
        file.push_str(&format!("D{number},Strowger\n"));
    }
    cli.write("tree.csv", file);
    let mut import = cli.start(&["organization", "import", "tree.csv"]);
    let api = server.api().await;
    let count = || async {
        let list = api.get("organization/list", &[("is_all", "2")]).await;
        list.to_string().matches("\"name\":\"D").count()
    };
    let begun = async { while count().await < 5 {} };
    within(SOON, "first departments of the import", begun).await;
    interrupt(&import);
    let status = within(LONG, "end of the import", import.wait())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    assert_eq!(count().await, 0, "nothing of the file is left");
}

#[tokio::test]
async fn passwords_that_can_not_be_kept_are_not_made() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.write("staff.csv", "Extension Number\n2000\n");
    let words = [
        "extension",
        "import",
        "staff.csv",
        "--made",
        "nowhere/made.csv",
    ];
    let ended = cli.run(&words).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    let rows = cli.json(&["extension", "list"]).await;
    assert_eq!(
        rows,
        serde_json::json!([]),
        "nobody would know how to log in"
    );
}

/// Objects as the API gives them, less what differs by nature.
async fn all(api: &Api, kind: &str, less: &[&str]) -> Vec<Value> {
    let list = api
        .get(&format!("{kind}/list"), &[("page_size", "100")])
        .await;
    let mut found = Vec::new();
    for row in list["data"].as_array().unwrap() {
        let id = row["id"].to_string();
        let answer = api.get(&format!("{kind}/get"), &[("id", &id)]).await;
        let mut object = answer["data"].clone();
        for member in less {
            object.as_object_mut().unwrap().remove(*member);
        }
        found.push(object);
    }
    found.sort_by_key(Value::to_string);
    found
}

#[tokio::test]
async fn whatever_the_api_takes_goes_out_and_comes_in_the_same() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let api = server.api().await;
    for name in ["A/B", "R&D", "Sales", "back\\slash"] {
        let root = api.get("organization/list", &[("is_all", "2")]).await;
        let root = &root["organization_list"][0]["id"];
        api.post(
            "organization/create",
            json!({"name": name, "parent_id": root}),
        )
        .await;
    }
    let tree = cli.ok(&["organization", "export"]).await;
    let departments = api.get("organization/list", &[("is_all", "2")]).await;
    let department = |name: &str| {
        let children = departments["organization_list"][0]["children"].as_array();
        let found = children.unwrap().iter().find(|one| one["name"] == name);
        json!({"value": found.unwrap()["id"].to_string()})
    };
    let long = "Ä".repeat(80);
    for (number, more) in [
        (
            "2000",
            json!({"mobile_number": "+66 81 234 5678", "caller_id": "+66 2 123"}),
        ),
        (
            "2001",
            json!({"email_addr": "me@localhost", "first_name": "Ä".repeat(63)}),
        ),
        (
            "2002",
            json!({"email_addr": "jörg@müller.de", "mobile_number": "02/123, ext. \"5\""}),
        ),
        (
            "2003",
            json!({"enb_vm": 1, "enb_vm_pin": 1, "vm_pin": "4711", "title": " = boss "}),
        ),
        (
            "2004",
            json!({"organization_list": [department("A/B"), department("R&D")],
            "presence_status": "do_not_disturb", "agent_id": "77"}),
        ),
    ] {
        let mut extension = json!({"type": "SIP", "number": number, "first_name": number,
            "user_password": "Portal0Portal1", "reg_name": number, "reg_password": "Secret-2000",
            "concurrent_registrations": 1, "presence_status": "available"});
        let members = extension.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        api.post("extension/create", extension).await;
    }
    let ids = api.get("extension/list", &[]).await;
    let id = |place: usize| ids["data"][place]["id"].clone();
    for (name, right) in [("sales", 0), ("Sales", 1), (long.as_str(), 0)] {
        api.post(
            "extensiongroup/create",
            json!({"name": name, "member_select": "sel_specific",
            "members": [{"ext_id": id(0), "user_type": "manager"},
                {"ext_id": id(1), "user_type": "user"}, {"ext_id": id(2), "user_type": "custom"}],
            "mgr_enb_ext_monitor": right, "mgr_enb_monitor": 0, "user_enb_call_park": right}),
        )
        .await;
    }
    api.post(
        "phonebook/create",
        json!({"name": "A & B", "member_select": "sel_specific"}),
    )
    .await;
    let books = api.get("phonebook/list", &[]).await;
    for (name, number) in [("Ada", "+66 (0)2/123 45"), (" Bob", "*97#")] {
        api.post("company_contact/create", json!({"first_name": name, "company": long,
            "email": "jörg@müller", "remark": "one\ntwo", "phonebook_id_list": [books["data"][0]["id"]],
            "number_list": [{"num_type": "home_fax", "number": number}]}))
            .await;
    }

    // By nature other: ids, and those of others; a secret is a mask.
    let extension = ["id", "user_password", "organization_list", "group_list"];
    let group = ["id", "members"];
    let contact = ["id", "phonebook_list", "phonebook_id_list"];
    let mut before = Vec::new();
    before.push(all(&api, "extension", &extension).await);
    before.push(all(&api, "extensiongroup", &group).await);
    before.push(all(&api, "company_contact", &contact).await);
    let words = ["extension", "export", "extensions.csv", "--with-passwords"];
    cli.ok(&words).await;
    cli.ok(&["group", "export", "groups.csv"]).await;
    cli.ok(&["contact", "export", "contacts.csv"]).await;
    cli.ok(&["organization", "export", "tree.csv"]).await;
    for name in ["sales", "Sales", long.as_str()] {
        cli.ok(&["group", "delete", name]).await;
    }
    cli.ok(&[
        "extension",
        "delete",
        "2000",
        "2001",
        "2002",
        "2003",
        "2004",
    ])
    .await;
    for contact in api.get("company_contact/list", &[]).await["data"]
        .as_array()
        .unwrap()
    {
        let id = contact["id"].to_string();
        cli.ok(&["contact", "set", &id, "phonebook="]).await;
        cli.ok(&["contact", "delete", &id]).await;
    }
    for name in ["A\\/B", "R\\&D", "Sales", "back\\\\slash"] {
        cli.ok(&["organization", "delete", &format!("Strowger/{name}")])
            .await;
    }

    cli.ok(&["organization", "import", "tree.csv"]).await;
    assert_eq!(cli.ok(&["organization", "export"]).await, tree);
    cli.ok(&["extension", "import", "extensions.csv"]).await;
    cli.ok(&["group", "import", "groups.csv"]).await;
    cli.ok(&["contact", "import", "contacts.csv"]).await;
    assert_eq!(all(&api, "extension", &extension).await, before[0]);
    assert_eq!(all(&api, "extensiongroup", &group).await, before[1]);
    assert_eq!(all(&api, "company_contact", &contact).await, before[2]);
    for (noun, file) in [("group", "groups.csv"), ("contact", "contacts.csv")] {
        let again = cli.ok(&[noun, "export"]).await;
        assert_eq!(again, cli.read(file), "{noun}: members and phonebooks too");
    }
    let again = cli
        .ok(&["extension", "export", "-", "--with-passwords"])
        .await;
    assert_eq!(again, cli.read("extensions.csv"), "departments too");

    cli.write(
        "pin.csv",
        "Extension Number,Enable Voicemail,Voicemail PIN Authentication\n3000,1,1\n",
    );
    cli.ok(&["extension", "import", "pin.csv"]).await;
    let made = cli.read("pin-made.csv");
    let pin = made.trim_end().rsplit(',').next().unwrap();
    assert!(
        pin.len() >= 4 && pin.bytes().all(|sign| sign.is_ascii_digit()),
        "{made}"
    );
}

#[tokio::test]
async fn an_import_whose_pbx_goes_away_takes_back_when_it_is_there_again() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let mut file = "Extension Number\n".to_owned();
    for number in 10_000..15_000 {
        file.push_str(&format!("{number}\n"));
    }
    cli.write("many.csv", file);
    let mut import = cli.start(&["extension", "import", "many.csv"]);
    let api = server.api().await;
    let count = || async {
        let list = api.get("extension/list", &[("page_size", "1")]).await;
        list["total_number"].as_u64().unwrap()
    };
    let begun = async { while count().await < 20 {} };
    within(SOON, "first extensions of the import", begun).await;
    let server = server.kill().await.start().await;
    let status = within(LONG, "end of the import", import.wait())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1));
    let api = server.api().await;
    let list = api.get("extension/list", &[("page_size", "1")]).await;
    assert_eq!(list["total_number"], 0, "nothing of the file is left");
    assert!(!cli.path("many-made.csv").exists(), "nor its passwords");
}

//! The API's command line: what a person types, what a script reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::time::Duration;

use e2e::{Baresip, CommandLine, SOON, Server, interrupt, until, within};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

fn numbers(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().unwrap();
    rows.iter()
        .map(|row| row["number"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn an_extension_is_made_found_changed_and_deleted() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let made = cli
        .json(&["extension", "create", "2000", "first_name=Ada", "enb_vm=1"])
        .await;
    assert!(made["id"].is_i64(), "{made}");
    assert!(made["reg_password"].as_str().unwrap().len() >= 8, "{made}");
    assert_eq!(made["reg_name"], "2000");
    cli.ok(&["extension", "create", "2001", "first_name=Grace"])
        .await;

    let table = cli.ok(&["extension", "list"]).await;
    assert!(table.contains("NUMBER") && table.contains("Ada"), "{table}");
    assert!(!table.contains('\x1b'), "no colour in a pipe: {table:?}");
    assert_eq!(
        numbers(&cli.json(&["extension", "list", "ada"]).await),
        ["2000"]
    );

    cli.ok(&["extension", "set", "2000", "last_name=Lovelace"])
        .await;
    let shown = cli.json(&["extension", "show", "2000"]).await;
    assert_eq!(shown["last_name"], "Lovelace");
    assert_eq!(shown["first_name"], "Ada", "what is not named stays");

    cli.ok(&["extension", "delete", "2000", "2001"]).await;
    assert_eq!(numbers(&cli.json(&["extension", "list"]).await), [""; 0]);
    let gone = cli.run(&["extension", "show", "2000"]).await;
    assert_eq!(gone.code, 1, "{gone:?}");
}

#[tokio::test]
async fn any_number_of_commands_takes_one_place_of_the_eight() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    for _ in 0..10 {
        cli.ok(&["extension", "list"]).await;
    }
    for _ in 0..7 {
        assert_eq!(server.get_token(None).await["errcode"], 0);
    }
    assert_eq!(server.get_token(None).await["errcode"], 60002);
    cli.ok(&["token", "revoke"]).await;
    assert_eq!(server.get_token(None).await["errcode"], 0);
    let full = cli.run(&["extension", "list"]).await;
    assert_eq!(full.code, 1);
    assert!(full.err.contains("all eight places"), "{full:?}");
}

#[tokio::test]
async fn a_token_is_shown_and_renewed() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let before = cli.json(&["token", "show", "--reveal"]).await;
    let life = cli.json(&["token", "show"]).await;
    assert!(
        life["access_token_seconds"].as_u64().unwrap() > 1700,
        "{life}"
    );
    cli.ok(&["token", "refresh"]).await;
    let after = cli.json(&["token", "show", "--reveal"]).await;
    assert_ne!(before["access_token"], after["access_token"]);
    let kept = server.data().join("command-line-token.json");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_refusal_names_the_member_and_the_rule() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let refused = cli
        .run(&["extension", "create", "2000", "concurrent_registrations=99"])
        .await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let told = "concurrent_registrations: 99 is too large; the bound is 5";
    assert!(refused.err.contains(told), "{refused:?}");
    cli.ok(&["extension", "create", "2000"]).await;
    let refused = cli.run(&["extension", "create", "2000"]).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    let told = "number: 2000 is taken by extension 2000";
    assert!(refused.err.contains(told), "{refused:?}");
}

#[tokio::test]
async fn a_mistyped_word_is_named_with_the_one_that_was_meant() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    for (words, meant) in [
        (&["api", "extension/lst"][..], "extension/list"),
        (
            &["extension", "create", "2000", "frist_name=Ada"],
            "first_name",
        ),
        (&["extnsion", "list"], "extension"),
        (&["events", "call-state-change"], "call-state-changed"),
    ] {
        let ended = cli.run(words).await;
        assert_eq!(ended.code, 2, "{words:?}: {ended:?}");
        assert!(ended.err.contains(meant), "{words:?}: {ended:?}");
    }
}

#[tokio::test]
async fn api_asks_for_any_operation_and_prints_the_envelope() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.write(
        "ada.json",
        r#"{"first_name": "Ada", "user_password": "Portal0Portal1"}"#,
    );
    let words = [
        "api",
        "extension/create",
        "type=SIP",
        "number=2000",
        "reg_name=2000",
        "reg_password=Secret-2000",
        "concurrent_registrations:=1",
        "presence_status=available",
        "@ada.json",
    ];
    let made: Value = serde_json::from_str(&cli.ok(&words).await).unwrap();
    assert_eq!(made["errcode"], 0, "{made}");
    let id = format!("id={}", made["id"]);
    let got: Value = serde_json::from_str(&cli.ok(&["api", "extension/get", &id]).await).unwrap();
    assert_eq!(got["data"]["first_name"], "Ada");
    let refused = cli.run(&["api", "extension/get", "id=99"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.out.contains("60001"),
        "the answer all the same: {refused:?}"
    );
    let rows: Value =
        serde_json::from_str(&cli.ok(&["api", "extension/list", "--all"]).await).unwrap();
    assert_eq!(numbers(&rows), ["2000"]);
    let unheard = cli.run(&["api", "unheard/of", "--method", "GET"]).await;
    assert_eq!(unheard.code, 1);
    assert!(unheard.out.contains("10001"), "{unheard:?}");
}

#[tokio::test]
async fn what_the_contract_says_is_told_without_a_pbx() {
    let cli = CommandLine::elsewhere();
    let told = cli.ok(&["api", "extension/create", "--explain"]).await;
    assert!(
        told.contains("presence_status") && told.contains("required"),
        "{told}"
    );
    assert!(cli.ok(&["api", "--list"]).await.contains("cdr/download"));
    assert!(cli.ok(&["events", "--list"]).await.contains("30011"));
    let help = cli.ok(&["extension", "create", "--help"]).await;
    assert!(help.contains("concurrent_registrations"), "{help}");
    let help = cli.ok(&["extension", "import", "--help"]).await;
    assert!(
        help.contains("  IP Phone Concurrent Registrations\n"),
        "{help}"
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = cli.ok(&["completions", shell]).await;
        assert!(
            script.contains("extension/list"),
            "{shell}: paths are completed"
        );
    }
    std::fs::create_dir(cli.path("man")).unwrap();
    cli.ok(&["man", "man"]).await;
    assert!(
        cli.read("man/strowger-extension-create.1")
            .contains("reg_password")
    );
}

#[tokio::test]
async fn no_pbx_is_an_exit_code_of_its_own() {
    let cli = CommandLine::elsewhere();
    let nowhere = cli.run(&["extension", "list"]).await;
    assert_eq!(nowhere.code, 3, "{nowhere:?}");
    assert!(nowhere.err.contains("strowger serve"), "{nowhere:?}");
    let mut cli = CommandLine::elsewhere();
    cli.set("STROWGER_CLIENT_ID", "id");
    cli.set("STROWGER_CLIENT_SECRET", "secret");
    // A port of this machine on which nobody listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{address}");
    let refused = cli.run(&["extension", "list", "--url", &url]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
}

#[tokio::test]
async fn a_remote_pbx_is_logged_in_to_once_and_out_of_for_good() {
    let server = Server::start().await;
    let url = format!("http://{}", server.http);
    let mut cli = CommandLine::elsewhere();
    let stranger = cli.run(&["extension", "list", "--url", &url]).await;
    assert_eq!(stranger.code, 2, "{stranger:?}");
    cli.write("secret", "wrong\n");
    let login = [
        "login",
        &url,
        "--client-id",
        "e2e",
        "--client-secret-file",
        "secret",
    ];
    let wrong = cli.run(&login).await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(wrong.err.contains("does not know"), "{wrong:?}");
    assert!(!cli.path(".config/strowger/logins.json").exists());

    cli.write("secret", "e2e-secret-0123456789\n");
    cli.ok(&login).await;
    let kept = cli.path(".config/strowger/logins.json");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&kept).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it has the secret");
    cli.ok(&["extension", "list"]).await;
    cli.ok(&["extension", "list", "--url", &url]).await;
    cli.ok(&["--url", &url, "extension", "list"]).await;
    cli.ok(&["extension", "list", "--profile", &server.http])
        .await;
    cli.set("STROWGER_URL", &url);
    cli.ok(&["extension", "list"]).await;
    let logins = cli.json(&["logins"]).await;
    assert_eq!(logins[0]["url"], url.as_str(), "{logins}");
    assert_eq!(logins[0]["current"], true, "{logins}");

    for _ in 0..7 {
        assert_eq!(server.get_token(None).await["errcode"], 0);
    }
    cli.ok(&["logout"]).await;
    assert_eq!(
        server.get_token(None).await["errcode"],
        0,
        "the place is given back"
    );
    assert!(
        !std::fs::read_to_string(&kept)
            .unwrap()
            .contains("e2e-secret")
    );
    assert_eq!(cli.run(&["extension", "list"]).await.code, 2);
}

#[tokio::test]
async fn a_self_made_certificate_is_trusted_by_its_fingerprint_and_no_other() {
    let server = Server::start().await;
    let run: Value =
        serde_json::from_slice(&std::fs::read(server.data().join("run.json")).unwrap()).unwrap();
    let url = format!("https://{}", run["https"].as_str().unwrap());
    let mut cli = CommandLine::elsewhere();
    cli.set("STROWGER_CLIENT_SECRET", "e2e-secret-0123456789");
    let refused = cli.run(&["login", &url, "--client-id", "e2e"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    let fingerprint = refused
        .err
        .split_whitespace()
        .find(|word| word.len() == 95)
        .unwrap_or_else(|| panic!("no fingerprint: {refused:?}"));
    let other = fingerprint.replace(['0', '1'], "2");
    let login = |fingerprint: &str| {
        [
            "login",
            &url,
            "--client-id",
            "e2e",
            "--fingerprint",
            fingerprint,
        ]
        .map(str::to_owned)
    };
    let words = login(&other);
    let refused = cli.run(&words.each_ref().map(String::as_str)).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    let words = login(fingerprint);
    cli.ok(&words.each_ref().map(String::as_str)).await;
    cli.ok(&["extension", "list"]).await;
}

#[tokio::test]
async fn a_call_is_dialled_shown_followed_and_hung_up() {
    let server = Server::start().await;
    let api = server.api().await;
    let alice = api.extension("1000").await;
    let bob = api.extension("1001").await;
    let mut caller = Baresip::registered(&alice, &server.sip, 440.0).await;
    let mut callee = Baresip::registered(&bob, &server.sip, 1000.0).await;
    let cli = CommandLine::at(&server);

    let mut followed = cli.start(&["call", "dial", "1000", "1001", "--follow", "--json"]);
    let mut lines = BufReader::new(followed.stdout.take().unwrap()).lines();
    let first = within(SOON, "call_id", lines.next_line())
        .await
        .unwrap()
        .unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    let call = first["call_id"].as_str().unwrap().to_owned();
    caller.event("CALL_ESTABLISHED").await;
    callee.event("CALL_ESTABLISHED").await;

    let table = cli.ok(&["call", "list"]).await;
    assert!(
        table.contains("1001") && table.contains("ANSWER"),
        "{table}"
    );
    let calls = cli.json(&["call", "list", "--extension", "1001"]).await;
    assert_eq!(calls[0]["call_id"], call.as_str());
    cli.ok(&["call", "hangup", &call]).await;
    callee.event("CALL_CLOSED").await;

    let mut kinds = Vec::new();
    while let Some(line) = within(SOON, "end of the call", lines.next_line())
        .await
        .unwrap()
    {
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["msg"]["call_id"], call.as_str());
        kinds.push(event["type"].as_u64().unwrap());
    }
    assert_eq!(kinds.last(), Some(&30012), "{kinds:?}");
    assert!(
        within(SOON, "end of the command", followed.wait())
            .await
            .unwrap()
            .success()
    );

    let records = cli
        .json(&["cdr", "search", "--from", "1000", "--status", "answered"])
        .await;
    assert_eq!(records[0]["call_id"], call.as_str(), "{records}");
    assert!(cli.ok(&["cdr", "list"]).await.contains(&call));
    cli.ok(&["cdr", "export", "calls.csv", "--from", "1000"])
        .await;
    assert!(
        cli.read("calls.csv").contains("User 1001<1001>"),
        "a line of the file"
    );
    let words = [
        "api",
        "cdr/download",
        "call_from=4711",
        "--save",
        "none.csv",
    ];
    cli.ok(&words).await;
    assert!(!cli.read("none.csv").contains("1001"), "filtered");
    let later = cli.json(&["cdr", "search", "--until", "1h"]).await;
    assert_eq!(
        later,
        serde_json::json!([]),
        "none began more than an hour ago"
    );
}

#[tokio::test]
async fn a_call_that_fails_is_told_by_its_reason_and_the_exit_code() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.ok(&["extension", "create", "1000"]).await;
    cli.ok(&["extension", "create", "1001"]).await;
    let failed = cli.run(&["call", "dial", "1000", "1001", "--follow"]).await;
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("Line Unreachable"), "{failed:?}");
}

#[tokio::test]
async fn events_are_followed_as_lines_of_json() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    let mut follower = cli.start(&[
        "events",
        "extension-information-updated",
        "--count",
        "2",
        "--json",
    ]);
    let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
    // A follower says nothing when it listens: changes are made until it has heard.
    let api = server.api().await;
    let mut number = 2000;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        api.extension(&number.to_string()).await;
        number += 1;
        let wait = tokio::time::timeout(std::time::Duration::from_millis(200), lines.next_line());
        if let Ok(line) = wait.await {
            let event: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
            assert_eq!(event["type"], 30022, "{event}");
            heard.push(event);
        }
        assert!(number < 2200, "nothing is heard");
    }
    let left = until(SOON, "end after the count", || follower.try_wait().unwrap()).await;
    assert!(left.success());
}

#[tokio::test]
async fn a_flag_counts_before_the_environment() {
    let server = Server::start().await;
    let url = format!("http://{}", server.http);
    let mut cli = CommandLine::elsewhere();
    cli.set("STROWGER_PROFILE", "of-another-pbx");
    cli.set("STROWGER_CLIENT_ID", "e2e");
    cli.set("STROWGER_CLIENT_SECRET", "e2e-secret-0123456789");
    cli.ok(&["extension", "list", "--url", &url]).await;
    cli.ok(&["--url", &url, "extension", "list"]).await;
    let environment = cli.run(&["extension", "list"]).await;
    assert_eq!(environment.code, 2, "{environment:?}");
    let both = cli
        .run(&["extension", "list", "--url", &url, "--profile", "one"])
        .await;
    assert_eq!(both.code, 2, "{both:?}");
    assert!(both.err.contains("which one is meant"), "{both:?}");
}

#[tokio::test]
async fn commands_with_credentials_of_the_environment_take_one_place_however_they_end() {
    let server = Server::start().await;
    let url = format!("http://{}", server.http);
    let mut cli = CommandLine::elsewhere();
    cli.set("STROWGER_URL", &url);
    cli.set("STROWGER_CLIENT_ID", "e2e");
    cli.set("STROWGER_CLIENT_SECRET", "e2e-secret-0123456789");
    for _ in 0..3 {
        let mut events = cli.start(&["events", "calls"]);
        let token = cli.path(".config/strowger/tokens");
        let there = async {
            while !kept(&token) {
                tokio::task::yield_now().await;
            }
        };
        within(SOON, "token of the events", there).await;
        interrupt(&events);
        within(SOON, "end of the events", events.wait())
            .await
            .unwrap();
    }
    for _ in 0..7 {
        assert_eq!(server.get_token(None).await["errcode"], 0);
    }
    assert_eq!(server.get_token(None).await["errcode"], 60002);
    cli.ok(&["extension", "list"]).await;
}

/// Whether a folder has a file with something in it.
fn kept(folder: &std::path::Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    let mut lengths = files.filter_map(|file| file.ok()?.metadata().ok());
    lengths.any(|file| file.len() > 0)
}

#[tokio::test]
async fn without_a_home_the_token_is_given_back_at_a_signal() {
    let server = Server::start().await;
    let url = format!("http://{}", server.http);
    let mut cli = CommandLine::elsewhere();
    cli.write("no-folder", "");
    let nowhere = cli.path("no-folder");
    cli.set("XDG_CONFIG_HOME", nowhere.to_str().unwrap());
    cli.set("STROWGER_URL", &url);
    cli.set("STROWGER_CLIENT_ID", "e2e");
    cli.set("STROWGER_CLIENT_SECRET", "e2e-secret-0123456789");
    let api = server.api().await;
    let mut events = cli.start(&["events", "30022"]);
    let mut lines = BufReader::new(events.stdout.take().unwrap()).lines();
    let told = async {
        for number in 2000.. {
            api.extension(&number.to_string()).await;
            let line = tokio::time::timeout(Duration::from_millis(50), lines.next_line());
            if line.await.is_ok() {
                return;
            }
        }
    };
    within(SOON, "an event", told).await;
    interrupt(&events);
    let status = within(SOON, "end of the events", events.wait())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(130));
    for _ in 0..7 {
        assert_eq!(server.get_token(None).await["errcode"], 0, "given back");
    }
}

#[tokio::test]
async fn a_contact_is_found_by_its_name_and_members_by_number_keep_what_they_are() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    cli.ok(&["contact", "create", "Ada Lovelace", "mobile_number=1"])
        .await;
    let shown = cli.json(&["contact", "show", "Ada Lovelace"]).await;
    assert_eq!(shown["last_name"], "Lovelace");
    let nobody = cli.run(&["contact", "show", "Ada Lovelac"]).await;
    assert_eq!(nobody.code, 1, "{nobody:?}");

    for number in ["2000", "2001"] {
        cli.ok(&["extension", "create", number]).await;
    }
    cli.write("sales.csv", "name,members,managers\nSales,2000,2001\n");
    cli.ok(&["group", "import", "sales.csv"]).await;
    cli.ok(&["group", "set", "Sales", "members=2001,2000"])
        .await;
    let sales = cli.json(&["group", "show", "Sales"]).await;
    let types: Vec<&str> = sales["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["user_type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types.iter().filter(|one| **one == "manager").count(),
        1,
        "{sales}"
    );
}

#[tokio::test]
async fn what_is_no_time_is_a_mistake_and_not_an_empty_list() {
    let server = Server::start().await;
    let cli = CommandLine::at(&server);
    for time in ["yesterday", "26.11.2026", "soon"] {
        let ended = cli.run(&["cdr", "search", "--since", time]).await;
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.err.contains("is no time"), "{ended:?}");
    }
    cli.ok(&["cdr", "search", "--since", "2026-11-26", "--until", "1h"])
        .await;
}

#[tokio::test]
async fn commands_without_a_pbx_say_so_and_leave_nothing_behind() {
    let cli = CommandLine::elsewhere();
    let ended = cli.run(&["unblock"]).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    let ended = cli.run(&["credentials"]).await;
    assert_eq!(ended.code, 1, "{ended:?}");
    assert_eq!(std::fs::read_dir(cli.path("")).unwrap().count(), 0);
    cli.ok(&["man", "pages/man1"]).await;
    assert!(cli.path("pages/man1/strowger.1").is_file());
}

#[tokio::test]
async fn a_directory_whose_pbx_does_not_run_gives_way_to_the_login() {
    let server = Server::start().await;
    let mut cli = CommandLine::elsewhere();
    let url = format!("http://{}", server.http);
    cli.set("STROWGER_CLIENT_SECRET", "e2e-secret-0123456789");
    cli.set("STROWGER_URL", "");
    std::fs::create_dir(cli.path("strowger-data")).unwrap();
    std::fs::create_dir(cli.path("data")).unwrap();
    cli.ok(&["login", &url, "--client-id", "e2e"]).await;
    let information = cli.ok(&["api", "system/information"]).await;
    assert!(information.contains("SUCCESS"), "{information}");
}

//! The mechanism: keeping, telling, secrets, many at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use serde_json::json;
use settings::{Settings, SettingsError};
use store::Batch;
use support::{Dir, create, extension, faults, get, members};

const DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_restart_finds_the_same_settings() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let first = create(
        &settings,
        "1000",
        json!({"last_name": "Lovelace", "title": "ü"}),
    )
    .await;
    let second = create(&settings, "1001", json!({})).await;
    let gone = create(&settings, "1002", json!({})).await;
    settings
        .update(
            "extension",
            members(json!({"id": second, "presence_status": "away"})),
        )
        .await
        .unwrap();
    settings
        .monitor_update(members(
            json!({"ext_monitor_list": [{"ext_id": first, "enb_call_status": 1}]}),
        ))
        .await
        .unwrap();
    settings
        .delete("extension", members(json!({"id": gone})))
        .await
        .unwrap();
    let before = settings.snapshot();
    let typed: Vec<_> = before.extensions().cloned().collect();
    let details = [get(&settings, first), get(&settings, second)];
    store.close().await;
    let (_store, settings) = dir.open().await;
    let after = settings.snapshot();
    assert_eq!(after.revision(), before.revision());
    assert_eq!(after.extensions().cloned().collect::<Vec<_>>(), typed);
    assert_eq!(after.switch_configuration(), before.switch_configuration());
    assert_eq!([get(&settings, first), get(&settings, second)], details);
    // The id of a deleted one is not given again.
    assert!(create(&settings, "1002", json!({})).await > gone);
}

#[tokio::test]
async fn each_deed_tells_its_event_once_after_it_is_kept() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let mut told = store.journal().subscribe();
    let id = create(&settings, "1000", json!({})).await;
    settings
        .update("extension", members(json!({"id": id, "title": "x"})))
        .await
        .unwrap();
    assert!(
        settings
            .create("extension", extension("1000", json!({})))
            .await
            .is_err()
    );
    settings
        .monitor_update(members(
            json!({"ext_monitor_list": [{"ext_id": id, "enb_call_status": 1}]}),
        ))
        .await
        .unwrap();
    settings
        .delete("extension", members(json!({"id": id})))
        .await
        .unwrap();
    let again = settings.delete("extension", members(json!({"id": id})));
    assert_eq!(faults(again.await), [("id".into(), "not_found".into())]);
    for option in ["CREATE", "UPDATE", "DELETE"] {
        let event = tokio::time::timeout(DEADLINE, told.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(event.id, 30022);
        let frame: serde_json::Value = serde_json::from_str(&event.frame).unwrap();
        assert_eq!(frame["type"], 30022);
        assert!(frame.get("sn").is_none());
        let msg: serde_json::Value = serde_json::from_str(frame["msg"].as_str().unwrap()).unwrap();
        assert_eq!(msg, json!({"ext_number": "1000", "option": option}));
    }
    assert!(told.try_recv().is_err());
}

#[tokio::test]
async fn the_exchange_has_a_change_before_its_answer_leaves() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    // Nobody listens yet: a change does not wait.
    create(&settings, "1000", json!({})).await;
    let mut changes = settings.changes().unwrap();
    assert!(settings.changes().is_none());
    let asked = settings.clone();
    let mut answer = tokio::spawn(async move { create(&asked, "1001", json!({})).await });
    tokio::time::timeout(DEADLINE, changes.wait())
        .await
        .unwrap();
    let change = changes.latest();
    assert!(change.snapshot.extension_by_number("1001").is_some());
    assert!(!changes.is_behind());
    // However long it takes: an answer that comes all the same would be a lie.
    let early = tokio::time::timeout(Duration::from_millis(2_500), &mut answer).await;
    assert!(early.is_err());
    changes.taken(change.snapshot.revision());
    tokio::time::timeout(DEADLINE, &mut answer)
        .await
        .unwrap()
        .unwrap();
    // A caller that goes away does not stop its change.
    let asked = settings.clone();
    let left = tokio::spawn(async move { create(&asked, "1002", json!({})).await });
    tokio::time::timeout(DEADLINE, changes.wait())
        .await
        .unwrap();
    left.abort();
    let change = changes.latest();
    changes.taken(change.snapshot.revision());
    assert!(settings.snapshot().extension_by_number("1002").is_some());
    // Nor does a listener that is gone.
    drop(changes);
    create(&settings, "1003", json!({})).await;
}

/// Who listens is on a thread of its own and quicker than anybody else.
#[tokio::test]
async fn who_hears_of_a_change_finds_it_made() {
    const UPDATES: usize = 100;
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let mut told = store.journal().subscribe();
    let heard = settings.clone();
    let listener = std::thread::spawn(move || {
        let end = Instant::now() + DEADLINE;
        let mut found = Vec::new();
        while found.len() <= UPDATES {
            match told.try_recv() {
                Ok(_) => {
                    let record = heard.snapshot().record("extension", id);
                    found.push(record.map(|record| record.text("title").to_owned()));
                }
                Err(_) if Instant::now() < end => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
            }
        }
        found
    });
    for n in 0..UPDATES {
        let update = members(json!({"id": id, "title": n.to_string()}));
        settings.update("extension", update).await.unwrap();
    }
    settings
        .delete("extension", members(json!({"id": id})))
        .await
        .unwrap();
    let found = listener.join().unwrap();
    for (n, title) in found.iter().enumerate() {
        // The next change may have come already.
        let title: Option<usize> = title.as_ref().map(|title| title.parse().unwrap());
        assert!(title.is_none_or(|title| title >= n), "{n}: {title:?}");
    }
    assert_eq!(found[UPDATES], None);
}

/// What can go on without the writer has gone on.
async fn turns() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// The check before a change's turn spares a hash and says nothing.
#[tokio::test]
async fn a_change_is_refused_by_what_holds_in_its_turn_and_not_before() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let gone = create(&settings, "1000", json!({})).await;
    // The writer is held up until both changes are under way.
    let go = Arc::new(Barrier::new(2));
    let held = go.clone();
    let meta = vec![("held".to_owned(), String::new())];
    let batch = Batch {
        meta,
        ..Batch::default()
    };
    let hold = move || {
        held.wait();
    };
    let holding = store.journal().submit_then(batch, hold).unwrap();
    let asked = settings.clone();
    let delete = tokio::spawn(async move {
        asked
            .delete("extension", members(json!({"id": gone})))
            .await
    });
    turns().await;
    // The number is taken as yet; its holder is on the way out.
    let asked = settings.clone();
    let wanted = extension("1000", json!({"user_password": "An0therPass"}));
    let create = tokio::spawn(async move { asked.create("extension", wanted).await });
    turns().await;
    go.wait();
    holding.await.unwrap();
    tokio::time::timeout(DEADLINE, delete)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let answer = tokio::time::timeout(DEADLINE, create)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let id = answer["id"].as_i64().unwrap();
    // What the first look found wrong is hashed all the same.
    let kept = settings.snapshot().record("extension", id).unwrap();
    let password = kept.secrets["user_password"].expose();
    assert!(password.starts_with("$argon2id$"), "{password}");
}

#[tokio::test]
async fn secrets_are_in_no_document_no_file_and_no_event() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let mode = std::fs::metadata(dir.key_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let secrets = json!({"user_password": "UserSecret77", "reg_password": "RegSecret77", "vm_pin": "90817263"});
    let id = create(&settings, "1000", secrets).await;
    settings
        .update(
            "extension",
            members(json!({"id": id, "reg_password": "RegSecret88"})),
        )
        .await
        .unwrap();
    let kept = store.objects("extension").await.unwrap();
    assert!(kept[0].secret.is_some() && kept[0].doc.contains("phone1000"));
    assert!(!kept[0].doc.contains("password") && !kept[0].doc.contains("\"vm_pin\""));
    let answers = serde_json::to_string(&get(&settings, id)).unwrap();
    let shown = format!(
        "{answers} {:?} {:?}",
        settings.snapshot(),
        settings.snapshot().extension(id)
    );
    store.close().await;
    let mut found = vec![("answers", shown.into_bytes())];
    for file in std::fs::read_dir(dir.path()).unwrap() {
        found.push(("file", std::fs::read(file.unwrap().path()).unwrap()));
    }
    for secret in ["UserSecret77", "RegSecret77", "RegSecret88", "90817263"] {
        for (place, bytes) in &found {
            assert!(
                !bytes.windows(secret.len()).any(|w| w == secret.as_bytes()),
                "{secret} in {place}"
            );
        }
    }
    // Without its key the database does not open, and says why.
    std::fs::remove_file(dir.key_file()).unwrap();
    let error = Settings::open(dir.store().await, &dir.key_file(), "SN1")
        .await
        .unwrap_err();
    assert!(matches!(error, SettingsError::Key(_)), "{error}");
}

#[tokio::test]
async fn monitor_flags_are_off_until_set_and_change_all_together_or_not_at_all() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let first = create(&settings, "1001", json!({})).await;
    let second = create(&settings, "1000", json!({})).await;
    let list = || settings.monitor_list(members(json!({}))).unwrap();
    assert_eq!(
        list()["data"][0],
        json!({"ext_id": first, "number": "1001", "name": "Ada", "enb_register_status": 0, "enb_call_status": 0, "enb_presence_status": 0})
    );
    let update = |entries| settings.monitor_update(members(json!({"ext_monitor_list": entries})));
    let refused = update(
        json!([{"ext_id": first, "enb_call_status": 1}, {"ext_id": 77, "enb_call_status": 1}]),
    )
    .await;
    assert_eq!(
        faults(refused),
        [("ext_monitor_list[1].ext_id".into(), "not_found".into())]
    );
    assert!(
        !settings
            .snapshot()
            .extension(first)
            .unwrap()
            .monitor
            .call_status
    );
    update(json!([{"ext_id": first, "enb_call_status": 1}, {"ext_id": second, "enb_register_status": "1"}, {"ext_id": first, "enb_presence_status": 1}])).await.unwrap();
    update(json!([{"ext_id": second, "enb_call_status": 0}]))
        .await
        .unwrap();
    let monitor = |id| settings.snapshot().extension(id).unwrap().monitor;
    assert_eq!(
        (
            monitor(first).register_status,
            monitor(first).call_status,
            monitor(first).presence_status
        ),
        (false, true, true)
    );
    assert!(monitor(second).register_status);
    assert_eq!(list()["total_number"], 2);
    // They outlive a change of the extension and are no members of it.
    settings
        .update(
            "extension",
            members(json!({"id": first, "title": "x", "monitor": {"enb_call_status": 0}})),
        )
        .await
        .unwrap();
    assert!(monitor(first).call_status);
    assert!(!get(&settings, first).contains_key("monitor"));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_lose_nothing() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let id = create(&settings, "1000", json!({})).await;
    let names = [
        "title",
        "mobile_number",
        "presence_status_text",
        "presence_mobile_prefix",
        "last_name",
    ];
    let mut tasks = Vec::new();
    for round in 0..20 {
        for name in names {
            let settings = settings.clone();
            let change = members(json!({"id": id, name: format!("{name}{round}")}));
            tasks.push(tokio::spawn(async move {
                settings.update("extension", change).await.unwrap()
            }));
        }
        // Of those who want one number, one gets it.
        for _ in 0..2 {
            let settings = settings.clone();
            let wanted = extension(&(2000 + round).to_string(), json!({}));
            tasks.push(tokio::spawn(async move {
                let _ = settings.create("extension", wanted).await;
                Default::default()
            }));
        }
    }
    for task in tasks {
        tokio::time::timeout(DEADLINE, task).await.unwrap().unwrap();
    }
    let detail = get(&settings, id);
    for name in names {
        assert!(detail[name].as_str().unwrap().starts_with(name), "{name}");
    }
    assert_eq!(settings.snapshot().extension_count(), 21);
    let revision = settings.snapshot().revision();
    // The first is that of what exists from the start.
    assert_eq!(revision, 1 + 1 + 100 + 20);
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(get(&settings, id), detail);
    assert_eq!(settings.snapshot().revision(), revision);
}

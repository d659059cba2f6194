//! The journal: groups, order, atomicity, bounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use store::{
    Batch, CdrFilter, Journal, LiveChange, Object, ObjectChange, ObjectKey, ObjectRef, Page,
    RegistrationChange, RegistrationRow, Sort, Store, StoreError, StoreOptions,
};
use support::{DEADLINE, Dir, call_end, event, record};

fn object(id: i64, number: &str) -> ObjectChange {
    ObjectChange::Put {
        object: Object {
            kind: "extension".into(),
            id,
            revision: 1,
            doc: "{}".into(),
            secret: None,
        },
        keys: vec![ObjectKey {
            name: "number".into(),
            value: number.into(),
        }],
        freed: Vec::new(),
        refs: Vec::new(),
        gone: Vec::new(),
    }
}

#[tokio::test]
async fn a_thousand_batches_are_kept_in_few_transactions_and_told_in_order() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    let mut told = journal.subscribe();
    let held = hold(&store);
    let tickets: Vec<_> = (0..1000)
        .map(|n| {
            let batch = Batch {
                events: vec![
                    event(30011, &format!("{n}a")),
                    event(30008, &format!("{n}b")),
                ],
                ..call_end(&format!("call{n}"))
            };
            journal.submit(batch).unwrap()
        })
        .collect();
    held.wait();
    let mut last = None;
    for ticket in tickets {
        for position in tokio::time::timeout(DEADLINE, ticket)
            .await
            .unwrap()
            .unwrap()
            .positions
        {
            assert!(last.is_none_or(|last| last < position));
            last = Some(position);
        }
    }
    let stats = journal.stats();
    assert_eq!((stats.batches, stats.events), (1001, 2000));
    assert!(stats.transactions <= 3, "{stats:?}");
    for n in 0..1000 {
        for part in ["a", "b"] {
            let event = told.recv().await.unwrap();
            assert_eq!(&*event.frame, format!("{n}{part}"));
        }
    }
    let kept = store.events_after(None, 5000).await.unwrap();
    assert_eq!(kept.len(), 2000);
    assert!(kept.windows(2).all(|w| w[0].position < w[1].position));
    assert_eq!(
        store
            .events_after(Some(kept[1997].position), 10)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(store.last_position().await.unwrap(), last);
    store.close().await;
}

#[tokio::test]
async fn an_event_is_told_only_after_it_can_be_read() {
    let dir = Dir::new();
    let store = dir.open().await;
    let mut told = store.journal().subscribe();
    for n in 0..50 {
        drop(store.journal().submit(call_end(&n.to_string())).unwrap());
        let event = tokio::time::timeout(DEADLINE, told.recv())
            .await
            .unwrap()
            .unwrap();
        let kept = store.events_after(None, 1000).await.unwrap();
        assert_eq!(kept.last().unwrap().position, event.position);
    }
}

#[tokio::test]
async fn a_batch_is_kept_whole_or_not_at_all_and_spoils_no_other() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    let mut told = journal.subscribe();
    store
        .write(Batch {
            objects: vec![object(1, "1000")],
            ..Batch::default()
        })
        .await
        .unwrap();
    // All in one group: the one in the middle takes a number that is taken.
    let before = journal.submit(call_end("before")).unwrap();
    let wrong = Batch {
        objects: vec![object(2, "1001"), object(3, "1000")],
        ..call_end("wrong")
    };
    let wrong = journal.submit(wrong).unwrap();
    let after = journal.submit(call_end("after")).unwrap();
    assert!(before.await.is_ok());
    assert!(matches!(wrong.await, Err(StoreError::Conflict(_))));
    assert!(after.await.is_ok());
    let (total, rows) = store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, 2);
    assert_eq!(
        rows.iter().map(|r| r.call_id.as_str()).collect::<Vec<_>>(),
        ["before", "after"]
    );
    assert_eq!(store.objects("extension").await.unwrap().len(), 1);
    assert_eq!(&*told.recv().await.unwrap().frame, "before");
    assert_eq!(&*told.recv().await.unwrap().frame, "after");
    assert!(journal.headroom());
    // The number is free again when its holder goes, also within one batch.
    let swap = vec![
        ObjectChange::Delete {
            kind: "extension".into(),
            id: 1,
        },
        object(4, "1000"),
    ];
    store
        .write(Batch {
            objects: swap,
            ..Batch::default()
        })
        .await
        .unwrap();
}

/// Holds the writer up, until both have waited for what this gives.
fn hold(store: &Store) -> Arc<Barrier> {
    let barrier = Arc::new(Barrier::new(2));
    let held = barrier.clone();
    let wait = move || {
        held.wait();
        held.wait();
    };
    let batch = Batch {
        meta: vec![("held".into(), String::new())],
        ..Batch::default()
    };
    drop(store.journal().submit_then(batch, wait).unwrap());
    barrier.wait();
    barrier
}

#[tokio::test]
async fn what_is_to_be_done_with_a_batch_is_done_before_it_is_told_and_only_if_it_is_kept() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    let mut told = journal.subscribe();
    let done = Arc::new(AtomicUsize::new(0));
    let held = hold(&store);
    let mut tickets = Vec::new();
    // All in one group; of two that take a number one is kept.
    for (n, number) in ["1000", "1001", "1000", "1002"].into_iter().enumerate() {
        let batch = Batch {
            objects: vec![object(i64::try_from(n).unwrap(), number)],
            events: vec![event(30022, number)],
            ..Batch::default()
        };
        let done = done.clone();
        let count = move || {
            done.fetch_add(1, Ordering::SeqCst);
        };
        tickets.push(journal.submit_then(batch, count).unwrap());
    }
    held.wait();
    for (place, number) in ["1000", "1001", "1002"].into_iter().enumerate() {
        let event = told.recv().await.unwrap();
        assert_eq!(&*event.frame, number);
        assert!(done.load(Ordering::SeqCst) > place);
    }
    let mut kept = 0;
    for ticket in tickets {
        kept += usize::from(ticket.await.is_ok());
    }
    assert_eq!((kept, done.load(Ordering::SeqCst)), (3, 3));
}

/// This test's own runtime is one thread, which it does not let go.
#[tokio::test(flavor = "current_thread")]
async fn no_work_of_others_holds_the_writer_up() {
    let dir = Dir::new();
    let store = dir.open().await;
    let kept = Arc::new(Barrier::new(2));
    let held = kept.clone();
    let tell = move || {
        held.wait();
    };
    let ticket = store.journal().submit_then(call_end("1"), tell).unwrap();
    // Nothing is awaited: the writer gets there all the same.
    kept.wait();
    ticket.await.unwrap();
}

#[tokio::test]
async fn a_full_journal_refuses_and_gives_the_batch_back_and_warns_before() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    assert!(journal.headroom());
    let held = hold(&store);
    let mut taken = 0;
    let mut warned_at = None;
    let refused = loop {
        match journal.submit(call_end(&taken.to_string())) {
            Ok(_) => taken += 1,
            Err(full) => break full,
        }
        if warned_at.is_none() && !journal.headroom() {
            warned_at = Some(taken);
        }
    };
    assert_eq!(taken, store::QUEUE_BATCHES);
    assert!(warned_at.unwrap() < taken * 4 / 5);
    assert_eq!(refused.0.records[0].call_id, taken.to_string());
    held.wait();
    tokio::time::timeout(DEADLINE, journal.flushed())
        .await
        .unwrap();
    assert!(journal.headroom());
    let (total, _) = store
        .cdr_page(&CdrFilter::default(), Page::new(1, 1), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, taken as u64);
}

#[tokio::test]
async fn closing_keeps_what_was_handed_in_and_takes_no_more() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    for n in 0..500 {
        drop(journal.submit(call_end(&n.to_string())).unwrap());
    }
    tokio::time::timeout(DEADLINE, store.close()).await.unwrap();
    assert!(journal.submit(Batch::default()).is_err());
    let store = dir.open().await;
    let (total, _) = store
        .cdr_page(&CdrFilter::default(), Page::new(1, 1), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, 500);
}

#[tokio::test]
async fn while_the_database_takes_no_writes_there_is_no_headroom_and_nothing_is_lost() {
    let dir = Dir::new();
    let store = dir.open_impatient().await;
    let journal = store.journal();
    let lock = Lock::on(&dir).await;
    drop(journal.submit(call_end("nobody waits")).unwrap());
    headroom_is(&journal, false).await;
    assert!(journal.stats().failures > 0);
    lock.release().await;
    let end = journal.submit(call_end("later")).unwrap();
    tokio::time::timeout(DEADLINE, end).await.unwrap().unwrap();
    assert!(journal.headroom());
    assert_eq!(kept(&store).await, ["nobody waits", "later"]);
}

#[tokio::test]
async fn a_change_that_somebody_waits_for_ends_the_wait_for_company() {
    let dir = Dir::new();
    let store = dir.open_lingering(10 * DEADLINE).await;
    let journal = store.journal();
    store.write(call_end("first")).await.unwrap();
    drop(journal.submit(call_end("lingers")).unwrap());
    // The writer has it in hand by now, or will see both at once.
    tokio::task::yield_now().await;
    tokio::time::timeout(DEADLINE, store.set_meta("name", "value"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept(&store).await, ["first", "lingers"]);
    drop(journal.submit(call_end("last")).unwrap());
    tokio::time::timeout(DEADLINE, store.close()).await.unwrap();
    assert_eq!(kept(&dir.open().await).await.len(), 3);
}

#[tokio::test]
async fn a_database_that_takes_writes_again_is_found_though_nothing_is_there_to_write() {
    let dir = Dir::new();
    let store = dir.open_impatient().await;
    let journal = store.journal();
    let lock = Lock::on(&dir).await;
    let refused = tokio::time::timeout(DEADLINE, store.write(call_end("waited for"))).await;
    assert!(matches!(refused.unwrap(), Err(StoreError::Database(_))));
    assert!(!journal.headroom());
    lock.release().await;
    headroom_is(&journal, true).await;
    assert!(kept(&store).await.is_empty());
}

#[tokio::test]
async fn who_waits_behind_a_group_that_can_not_be_written_hears_of_it_too() {
    let dir = Dir::new();
    let store = dir.open_impatient().await;
    let journal = store.journal();
    let lock = Lock::on(&dir).await;
    drop(journal.submit(call_end("nobody waits")).unwrap());
    headroom_is(&journal, false).await;
    let refused = tokio::time::timeout(DEADLINE, store.write(call_end("waited for"))).await;
    assert!(refused.unwrap().is_err());
    let lasting = journal.submit_lasting(call_end("lasting")).unwrap();
    let told = tokio::time::timeout(DEADLINE, lasting).await.unwrap();
    assert!(told.is_err(), "it can't be kept by now");
    lock.release().await;
    headroom_is(&journal, true).await;
    assert_eq!(kept(&store).await, ["nobody waits", "lasting"]);
}

#[tokio::test]
async fn closing_ends_though_the_database_takes_no_writes() {
    let dir = Dir::new();
    let store = dir.open_impatient().await;
    let journal = store.journal();
    let lock = Lock::on(&dir).await;
    for n in 0..3_000 {
        drop(journal.submit(call_end(&n.to_string())).unwrap());
    }
    headroom_is(&journal, false).await;
    tokio::time::timeout(DEADLINE, store.close()).await.unwrap();
    assert!(journal.submit(Batch::default()).is_err());
    lock.release().await;
}

#[tokio::test]
async fn closing_keeps_what_is_there_when_the_database_takes_writes_again_in_time() {
    let dir = Dir::new();
    let store = dir.open_impatient().await;
    let journal = store.journal();
    let lock = Lock::on(&dir).await;
    drop(journal.submit(call_end("late")).unwrap());
    headroom_is(&journal, false).await;
    let closed = tokio::time::timeout(DEADLINE, store.close());
    let (closed, ()) = tokio::join!(closed, lock.release());
    closed.unwrap();
    assert_eq!(kept(&dir.open().await).await, ["late"]);
}

/// Another program that has the database's lock.
struct Lock(sqlx::SqliteConnection);

impl Lock {
    async fn on(dir: &Dir) -> Self {
        use sqlx::{ConnectOptions, Executor};
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(dir.path().join("pbx.db"))
            .connect()
            .await
            .unwrap();
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        Self(connection)
    }

    async fn release(mut self) {
        use sqlx::Executor;
        self.0.execute("ROLLBACK").await.unwrap();
    }
}

async fn headroom_is(journal: &Journal, wanted: bool) {
    let is = async {
        while journal.headroom() != wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, is).await.unwrap();
}

/// The events that are kept, in order.
async fn kept(store: &Store) -> Vec<String> {
    let events = store.events_after(None, 10).await.unwrap();
    events.iter().map(|e| e.frame.to_string()).collect()
}

/// Rows of the tables of keys and references, each as one text.
async fn keys_and_refs(dir: &Dir) -> (Vec<String>, Vec<String>) {
    use sqlx::ConnectOptions;
    let mut connection = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(dir.path().join("pbx.db"))
        .connect()
        .await
        .unwrap();
    let mut read = Vec::new();
    for sql in [
        "SELECT kind || id || ':' || name || '=' || value FROM object_key ORDER BY kind, id, name",
        "SELECT from_kind || from_id || ':' || member || '=' || to_kind || to_id FROM object_ref \
         ORDER BY from_kind, from_id, member, to_id",
    ] {
        let rows: Vec<String> = sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap();
        read.push(rows);
    }
    let refs = read.remove(1);
    (read.remove(0), refs)
}

#[tokio::test]
async fn ten_thousand_objects_of_one_batch_leave_their_rows_and_no_others() {
    const MANY: i64 = 10_000;
    let dir = Dir::new();
    let store = dir.open().await;
    let key = |value: &str| ObjectKey {
        name: "number".into(),
        value: value.into(),
    };
    let to = |member: &str, kind: &str, id| ObjectRef {
        member: member.into(),
        kind: kind.into(),
        id,
    };
    let change = |kind: &str, id, keys, freed, refs, gone| ObjectChange::Put {
        object: Object {
            kind: kind.into(),
            id,
            revision: 1,
            doc: "{}".into(),
            secret: None,
        },
        keys,
        freed,
        refs,
        gone,
    };
    let write = async |objects| {
        let batch = Batch {
            objects,
            ..Batch::default()
        };
        store.write(batch).await.unwrap();
    };
    let mut objects: Vec<_> = (0..MANY)
        .map(|n| {
            let refs = vec![to("department", "organization", 1), to("group", "g", n % 2)];
            let keys = vec![key(&n.to_string())];
            change("extension", n, keys, Vec::new(), refs, Vec::new())
        })
        .collect();
    let all = (0..MANY).map(|n| to("entry", "extension", n)).collect();
    let book = change("book", 1, Vec::new(), Vec::new(), all, Vec::new());
    objects.push(book);
    write(objects).await;
    let (keys, refs) = keys_and_refs(&dir).await;
    assert_eq!((keys.len(), refs.len()), (10_000, 30_000));
    assert_eq!(keys[7], "extension7:number=7");

    // The department goes; the first two change numbers; the book forgets all
    // but one; those from 6,000 on go.
    let mut objects: Vec<_> = (0..6_000)
        .map(|n| {
            let gone = vec![to("department", "organization", 1)];
            let (keys, freed) = match n {
                0 => (vec![key("1")], vec![key("0")]),
                1 => (vec![key("0")], vec![key("1")]),
                _ => (Vec::new(), Vec::new()),
            };
            change("extension", n, keys, freed, Vec::new(), gone)
        })
        .collect();
    let forgotten = (1..MANY).map(|n| to("entry", "extension", n)).collect();
    objects.push(change(
        "book",
        1,
        Vec::new(),
        Vec::new(),
        vec![to("entry", "extension", MANY)],
        forgotten,
    ));
    objects.extend((6_000..MANY).map(|id| ObjectChange::Delete {
        kind: "extension".into(),
        id,
    }));
    write(objects).await;
    let (keys, refs) = keys_and_refs(&dir).await;
    assert_eq!(keys.len(), 6_000);
    assert_eq!(
        keys[..3],
        [
            "extension0:number=1",
            "extension1:number=0",
            "extension2:number=2"
        ]
    );
    assert_eq!(refs.len(), 6_002);
    assert_eq!(
        refs[..4],
        [
            "book1:entry=extension0",
            "book1:entry=extension10000",
            "extension0:group=g0",
            "extension1:group=g1"
        ]
    );
    assert_eq!(store.objects("extension").await.unwrap().len(), 6_000);
}

#[tokio::test]
async fn of_changes_to_one_row_the_last_one_counts_and_counters_only_grow() {
    let dir = Dir::new();
    let store = dir.open().await;
    let journal = store.journal();
    let live = |id: &str, doc: Option<&str>| Batch {
        live: vec![LiveChange {
            call_id: id.into(),
            doc: doc.map(Into::into),
        }],
        ..Batch::default()
    };
    let put = |contact: &str, expires_at| {
        RegistrationChange::Put(RegistrationRow {
            extension: "1000".into(),
            contact_uri: contact.into(),
            expires_at,
            instance: Some("urn:x".into()),
            ..RegistrationRow::default()
        })
    };
    let remove = |contact: &str, instance: &str| RegistrationChange::Remove {
        extension: "1000".into(),
        contact_uri: contact.into(),
        instance: Some(instance.into()),
    };
    for batch in [
        live("1.1", Some("a")),
        live("1.1", Some("b")),
        live("1.2", Some("c")),
        live("1.2", None),
        live("1.3", None),
        live("1.3", Some("d")),
        Batch {
            counters: vec![("call".into(), 7), ("call".into(), 5)],
            ..Batch::default()
        },
        Batch {
            registrations: vec![
                put("sip:a", 1),
                put("sip:a", 2),
                put("sip:b", 3),
                remove("sip:a", "urn:y"),
                remove("sip:b", "urn:x"),
            ],
            ..Batch::default()
        },
    ] {
        drop(journal.submit(batch).unwrap());
    }
    journal.flushed().await;
    store
        .write(Batch {
            counters: vec![("call".into(), 6)],
            ..Batch::default()
        })
        .await
        .unwrap();
    let calls = store.live_calls().await.unwrap();
    assert_eq!(
        calls,
        [("1.1".into(), "b".into()), ("1.3".into(), "d".into())]
    );
    assert_eq!(store.counter("call").await.unwrap(), 7);
    assert_eq!(store.counter("none").await.unwrap(), 0);
    let registrations = store.registrations().await.unwrap();
    assert_eq!(registrations.len(), 1);
    assert_eq!(
        (
            registrations[0].expires_at,
            registrations[0].instance.as_deref()
        ),
        (2, Some("urn:x"))
    );
    store.set_meta("serial", "S1").await.unwrap();
    store.set_meta("serial", "S2").await.unwrap();
    assert_eq!(store.meta("serial").await.unwrap().as_deref(), Some("S2"));
}

#[tokio::test]
async fn the_event_log_keeps_the_newest_and_stays_bounded() {
    let dir = Dir::new();
    let store = dir.open().await;
    let many = usize::try_from(store::EVENTS_KEPT).unwrap() + 5_000;
    for chunk in 0..many / 1000 {
        let events = (0..1000)
            .map(|n| event(30011, &(chunk * 1000 + n).to_string()))
            .collect();
        store
            .write(Batch {
                events,
                ..Batch::default()
            })
            .await
            .unwrap();
    }
    let oldest = store.events_after(None, 1).await.unwrap();
    let oldest: usize = oldest[0].frame.parse().unwrap();
    assert!((4_000..=5_000).contains(&oldest), "{oldest}");
    let newest = store.last_position().await.unwrap().unwrap();
    assert!(
        store
            .events_after(Some(newest), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_second_start_goes_on_where_the_first_one_ended() {
    let dir = Dir::new();
    let store = dir.open().await;
    let first = store.write(call_end("1")).await.unwrap();
    store.close().await;
    let store = dir.open().await;
    let second = store.write(call_end("2")).await.unwrap();
    assert!(second.positions[0] > first.positions[0]);
    let (_, rows) = store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert!(rows[0].seq < rows[1].seq);
    assert_eq!(store.events_after(None, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_url_of_another_database_is_refused_without_its_password() {
    for url in [
        "postgres://pbx:hunter2@db/pbx",
        "sqlite:",
        "sqlite::memory:",
        "pbx.db",
    ] {
        let error = Store::open(url, StoreOptions::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unsupported(_)), "{url}");
        assert!(!error.to_string().contains("hunter2"));
    }
}

#[tokio::test]
async fn records_of_one_group_keep_their_order() {
    let dir = Dir::new();
    let store = dir.open().await;
    let rows = (0..1200).map(|n| record(&n.to_string())).collect();
    store
        .write(Batch {
            records: rows,
            ..Batch::default()
        })
        .await
        .unwrap();
    let (_, rows) = store
        .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
        .await
        .unwrap();
    assert!(
        rows.iter()
            .enumerate()
            .all(|(n, row)| row.call_id == n.to_string())
    );
}

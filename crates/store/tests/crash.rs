//! What a ticket answered for is there after the process was killed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use store::{Batch, CdrFilter, LiveChange, Page, Sort, Store, StoreOptions};
use support::{Dir, call_end};

/// Tells the child, which is this test again, where the database is.
const URL: &str = "STORE_CRASH_TEST_URL";
/// Calls whose end is answered before the child is killed.
const CALLS: usize = 300;

#[test]
fn what_a_ticket_answered_for_survives_a_kill_and_every_call_is_whole() {
    if let Ok(url) = std::env::var(URL) {
        child(&url);
    }
    let dir = Dir::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "what_a_ticket_answered_for_survives_a_kill_and_every_call_is_whole",
            "--nocapture",
        ])
        .env(URL, dir.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut promised = HashSet::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        if let Some(call) = line.unwrap().strip_prefix("kept ") {
            promised.insert(call.to_owned());
        }
        if promised.len() >= CALLS {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(promised.len(), CALLS);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = dir.open().await;
        let (total, rows) = store
            .cdr_page(&CdrFilter::default(), Page::default(), Sort::default())
            .await
            .unwrap();
        let kept: HashSet<String> = rows.iter().map(|row| row.call_id.clone()).collect();
        assert_eq!(kept.len() as u64, total, "no call has two records");
        assert!(promised.is_subset(&kept));
        let told: Vec<String> = store
            .events_after(None, 10_000)
            .await
            .unwrap()
            .iter()
            .map(|e| e.frame.to_string())
            .collect();
        assert_eq!(told.len(), kept.len());
        assert!(told.iter().all(|call| kept.contains(call)));
        // A call is live or has its record, never both and never neither.
        for (call, _) in store.live_calls().await.unwrap() {
            assert!(!kept.contains(&call), "{call}");
        }
    });
}

/// Makes calls for ever, and says which are kept.
fn child(url: &str) -> ! {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = Store::open(url, StoreOptions::default()).await.unwrap();
        let journal = store.journal();
        let (kept, mut said) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            for n in 0_u64.. {
                let call = format!("{n}.1");
                let live = LiveChange {
                    call_id: call.clone(),
                    doc: Some("{}".into()),
                };
                let start = journal.submit(Batch {
                    live: vec![live],
                    ..Batch::default()
                });
                let end = journal.submit(call_end(&call));
                let (Ok(start), Ok(end)) = (start, end) else {
                    continue;
                };
                drop(start);
                if kept.send((call, end)).await.is_err() {
                    break;
                }
            }
        });
        while let Some((call, end)) = said.recv().await {
            end.await.unwrap();
            println!("kept {call}");
        }
    });
    std::process::exit(1)
}

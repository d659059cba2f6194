//! kill -9 under a hundred calls: each call that was over keeps the one record
//! and the one event it had, each that was live gets its own at the next start.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::HashMap;
use std::time::Duration;

use e2e::{Account, Events, Server, Sipp, Stopped, User, register};
use serde_json::Value;
use store::{Store, StoreOptions};

/// Ten callers times ten callees: each pair of numbers is one call.
const SIDE: usize = 10;
/// The rule: what was answered longer ago than this is never lost.
const GRACE: Duration = Duration::from_millis(50);
const EVENTS_MAX: u32 = 10_000;

/// Caller's and callee's number.
type Pair = (String, String);

#[tokio::test]
async fn after_kill_9_every_call_has_exactly_one_record_and_one_30012() {
    let server = Server::start().await;
    let api = server.api().await;
    let callers = extensions(&api, 1000).await;
    let callees = extensions(&api, 2000).await;
    let mut events = Events::subscribe(&api, &[30011, 30012]).await;
    let at = register(&callees.iter().collect::<Vec<_>>(), &server.sip).await;
    let _phones = Sipp::scenario("answer.xml", &server.sip)
        .at(&at)
        .endless()
        .start()
        .await;

    let (short, long): (Vec<_>, Vec<_>) = pairs(&callers, &callees)
        .into_iter()
        .partition(|user| user.account.number.ends_with(['0', '2', '4', '6', '8']));
    let live = Sipp::scenario("call_until_bye.xml", &server.sip)
        .users(long.clone())
        .start()
        .await;
    let over = Sipp::scenario("call.xml", &server.sip)
        .users(short.clone())
        .hold(Duration::from_millis(200))
        .start()
        .await;
    let half = SIDE * SIDE / 2;
    // Fifty that stand are fifty that are answered and not over.
    events
        .wait("all calls answered", |seen| {
            let answered = seen.iter().filter(|event| {
                let leg = &event.msg["members"][0]["extension"];
                event.id == 30011 && leg["member_status"] == "ANSWERED"
            });
            let mut calls: Vec<_> = answered.map(|event| event.call_id()).collect();
            calls.sort_unstable();
            calls.dedup();
            calls.len() == 2 * half
        })
        .await;
    over.succeeds().await;
    // Every BYE was answered before SIPp left. The 50 ms are the promise's own.
    tokio::time::sleep(GRACE).await;
    let stopped = server.kill().await;
    drop(live);
    events.drain().await;

    // What was over is kept as it ended, not made up at the next start.
    let ends = ends_in_log(&stopped).await;
    assert_eq!(ends.len(), half, "{ends:?}");
    for user in &short {
        assert_eq!(ends.get(&pair(user)), Some(&1), "{user:?}");
    }
    let server = stopped.start().await;
    let api = server.api().await;
    let records = api.records().await;
    let by_pair = count(&records);
    for user in short.iter().chain(&long) {
        let rows = by_pair.get(&pair(user)).map_or(&[][..], Vec::as_slice);
        assert_eq!(rows.len(), 1, "records of {user:?}: {rows:#?}");
        assert_eq!(rows[0]["disposition"], "ANSWERED", "{}", rows[0]);
    }
    assert_eq!(records.len(), 2 * half);
    for event in events.seen().iter().filter(|event| event.id == 30012) {
        let of_call = |row: &&Value| row["call_id"] == event.msg["call_id"];
        assert_eq!(records.iter().filter(of_call).count(), 1, "{event:?}");
    }
    let live = api.get("call/query", &[("type", "internal")]).await;
    assert!(live["data"].as_array().is_none_or(Vec::is_empty), "{live}");

    let (_, stopped) = server.terminate().await;
    let ends = ends_in_log(&stopped).await;
    for user in short.iter().chain(&long) {
        assert_eq!(ends.get(&pair(user)), Some(&1), "30012 of {user:?}");
    }
    assert_eq!(ends.len(), records.len());
}

fn pair(user: &User) -> Pair {
    (user.account.number.clone(), user.callee.clone())
}

async fn extensions(api: &e2e::Api, first: usize) -> Vec<Account> {
    let mut accounts = Vec::new();
    for number in first..first + SIDE {
        accounts.push(api.extension(&number.to_string()).await);
    }
    accounts
}

fn pairs(callers: &[Account], callees: &[Account]) -> Vec<User> {
    callers
        .iter()
        .flat_map(|caller| {
            callees
                .iter()
                .map(|callee| User::calls(caller, &callee.number))
        })
        .collect()
}

fn count(records: &[Value]) -> HashMap<Pair, Vec<Value>> {
    let mut by_pair: HashMap<_, Vec<Value>> = HashMap::new();
    for row in records {
        let text = |name: &str| row[name].as_str().unwrap_or("").to_owned();
        by_pair
            .entry((text("call_from_number"), text("call_to_number")))
            .or_default()
            .push(row.clone());
    }
    by_pair
}

/// How many 30012 the event log holds for each pair's call.
async fn ends_in_log(stopped: &Stopped) -> HashMap<Pair, usize> {
    let url = format!("sqlite:{}", stopped.data().join("strowger.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let mut ends = HashMap::new();
    for event in store.events_after(None, EVENTS_MAX).await.unwrap() {
        if event.id != 30012 {
            continue;
        }
        let frame: Value = serde_json::from_str(&event.frame).unwrap();
        let msg: Value = serde_json::from_str(frame["msg"].as_str().unwrap()).unwrap();
        let text = |name: &str| msg[name].as_str().unwrap().to_owned();
        let pair = (text("call_from"), text("call_to"));
        *ends.entry(pair).or_default() += 1;
    }
    store.close().await;
    ends
}

//! What one change costs that touches many objects, and how long the journal's
//! writer is held by it: `cargo run --release -p settings --example many_at_once
//! [count]`. For growing counts it prints the time, the CPU of the process, how
//! much of that was the journal's writer and its database, and the longest that a
//! registration waited for its commit meanwhile. All should grow with the count,
//! not faster.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use settings::{HashCost, Options, Settings};
use store::{Batch, RegistrationChange, RegistrationRow, Store, StoreOptions};

// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Between two registrations.
const PAUSE: Duration = Duration::from_millis(10);
/// The kernel's ticks in a second.
const TICKS: f64 = 100.0;

#[tokio::main]
async fn main() {
    let most = std::env::args()
        .nth(1)
        .map_or(10_000, |count| count.parse().expect("a number"));
    for count in [most / 8, most / 4, most / 2, most] {
        run(count).await;
    }
}

async fn run(count: usize) {
    let dir = std::env::temp_dir().join(format!("many-at-once-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let url = format!("sqlite:{}", dir.join("pbx.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let options = Options {
        hash_cost: HashCost { memory_kib: 64 },
        ..Options::default()
    };
    let settings = Settings::open_with(store.clone(), &dir.join("key"), options)
        .await
        .unwrap();
    let department = json!({"name": "Everybody", "parent_id": 1});
    let department = id(&settings
        .create("organization", members(department))
        .await
        .unwrap());
    let mut extensions = Vec::new();
    let mut contacts = Vec::new();
    for n in 0..count {
        let request = extension(100_000 + n, department);
        extensions.push(id(&settings.create("extension", request).await.unwrap()));
        let number = json!({"num_type": "mobile_number", "number": format!("08{n:07}")});
        let contact = members(json!({"first_name": format!("C{n}"), "number_list": [number]}));
        contacts.push(id(&settings
            .create("company_contact", contact)
            .await
            .unwrap()));
    }

    let entries: Vec<_> = extensions
        .iter()
        .map(|id| json!({"ext_id": id, "enb_register_status": 1}))
        .collect();
    measure(&store, count, "extension_status_monitor/update", async {
        let request = members(json!({ "ext_monitor_list": entries }));
        settings.monitor_update(request).await.unwrap();
    })
    .await;
    measure(&store, count, "extensiongroup/create", async {
        let members_of: Vec<_> = extensions.iter().map(|id| json!({"ext_id": id})).collect();
        let request = json!({"name": "G", "member_select": "sel_specific", "members": members_of});
        let request = members(request);
        settings.create("extensiongroup", request).await.unwrap();
    })
    .await;
    measure(&store, count, "phonebook/create", async {
        let request = members(json!({"name": "PB", "add_contacts_id_list": contacts}));
        settings.create("phonebook", request).await.unwrap();
    })
    .await;
    measure(&store, count, "organization/delete", async {
        let request = members(json!({ "id": department }));
        settings.delete("organization", request).await.unwrap();
    })
    .await;
    store.close().await;
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn measure(store: &Store, count: usize, what: &str, change: impl Future<Output = ()>) {
    let over = Arc::new(AtomicBool::new(false));
    let waiting = tokio::spawn(register(store.clone(), over.clone()));
    tokio::time::sleep(PAUSE * 5).await;
    let (start, used, written) = (Instant::now(), cpu(), writer_ticks());
    change.await;
    let (took, used) = (start.elapsed(), cpu().saturating_sub(used));
    let written = writer_ticks().saturating_sub(written);
    over.store(true, Ordering::Relaxed);
    let longest = waiting.await.unwrap();
    println!(
        "{what} of {count}: {:.2} s, CPU {:.2} s, the writer's {:.2} s; a registration waited at most {:.0} ms",
        took.as_secs_f64(),
        used.as_secs_f64(),
        written as f64 / TICKS,
        longest.as_secs_f64() * 1000.0,
    );
}

/// Registers again and again; the longest that it took.
async fn register(store: Store, over: Arc<AtomicBool>) -> Duration {
    let mut longest = Duration::ZERO;
    while !over.load(Ordering::Relaxed) {
        let row = RegistrationRow {
            extension: "1000".into(),
            contact_uri: "sip:1000@192.0.2.1".into(),
            ..RegistrationRow::default()
        };
        let batch = Batch {
            registrations: vec![RegistrationChange::Put(row)],
            ..Batch::default()
        };
        let start = Instant::now();
        store.write(batch).await.unwrap();
        longest = longest.max(start.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    longest
}

fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime)
        .try_into()
        .unwrap_or_default()
}

/// User and system time of the journal's thread and the database's, in ticks.
fn writer_ticks() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let stats =
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("stat")).ok());
    stats
        .filter_map(|stat| {
            let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            let ours = name == "journal" || name.starts_with("sqlx-sqlite");
            let times = rest.split_whitespace().skip(11).take(2);
            ours.then(|| {
                times
                    .filter_map(|time| time.parse::<u64>().ok())
                    .sum::<u64>()
            })
        })
        .sum()
}

fn id(answer: &Map<String, Value>) -> i64 {
    answer["id"].as_i64().unwrap()
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is no object"),
    }
}

fn extension(number: usize, department: i64) -> Map<String, Value> {
    members(json!({
        "type": "SIP",
        "number": number.to_string(),
        "first_name": "Ada",
        "last_name": format!("Lovelace {number}"),
        "email_addr": format!("ada{number}@example.org"),
        "user_password": "Passw0rdAB",
        "reg_name": format!("phone{number}"),
        "reg_password": format!("s3cret-{number}"),
        "concurrent_registrations": 2,
        "presence_status": "available",
        "organization_list": [{"value": department.to_string()}],
    }))
}

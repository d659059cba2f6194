//! What the settings cost where there is much of them: `cargo run --release
//! --example scale -p settings [extensions [contacts]]`. It makes its data in a
//! temporary directory and prints figures. A figure of a read is the median of
//! many, by the clock and as CPU of its thread: the second holds on a busy
//! machine too. Contacts are read by a process of their own, whose memory is
//! theirs alone.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use settings::{CallerMatch, HashCost, Listing, Options, Settings, SettingsError};
use store::{Batch, Object, ObjectChange, Store, StoreOptions};

// As in the binary, so that memory is the binary's too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reads that a figure is the median of.
const READS: usize = 21;
/// Contacts in one transaction, where they are made.
const BATCH: usize = 2_000;
/// Most contacts that are made.
const MOST_CONTACTS: usize = 500_000;
/// Says that the process is to read the contacts of a directory.
const READ_CONTACTS: &str = "--read-contacts";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, dir] = arguments.as_slice()
        && flag == READ_CONTACTS
    {
        return read_contacts(Path::new(dir)).await;
    }
    let mut counts = arguments.iter().map(|count| count.parse());
    let extensions: usize = counts.next().transpose()?.unwrap_or(10_000);
    let contacts: usize = counts.next().transpose()?.unwrap_or(500_000);
    let contacts = contacts.min(MOST_CONTACTS);
    let dir = Dir::new()?;
    let (_store, settings) = open(&dir.0).await?;
    create_extensions(&settings, extensions).await?;
    println!("memory with {extensions} extensions {}", memory()?);
    list_extensions(&settings, extensions)?;
    drop(settings);
    make_contacts(&dir.0, contacts).await?;
    if let Some(kept) = std::env::var_os("SCALE_KEEP") {
        let _ = std::process::Command::new("cp")
            .arg("-r")
            .arg(&dir.0)
            .arg(kept)
            .status();
    }
    let read = Command::new(std::env::current_exe()?)
        .args([READ_CONTACTS.as_ref(), dir.0.as_os_str()])
        .status()?;
    if read.success() {
        Ok(())
    } else {
        Err("the contacts could not be read".into())
    }
}

async fn create_extensions(settings: &Settings, count: usize) -> Result<(), Box<dyn Error>> {
    let mut took = Vec::with_capacity(count);
    for n in 0..count {
        let start = Instant::now();
        settings.create("extension", extension(n)).await?;
        took.push(start.elapsed());
    }
    let part = (count / 10).max(1);
    let sum = |part: &[Duration]| part.iter().sum::<Duration>();
    let first: Duration = took.iter().take(part).sum();
    let last: Duration = took.iter().rev().take(part).sum();
    println!(
        "{count} extensions one by one (password hash at 64 KiB): {:.1} s; first {part}: {:.0} ms, last {part}: {:.0} ms, ratio {:.2}",
        sum(&took).as_secs_f64(),
        millis(first),
        millis(last),
        last.as_secs_f64() / first.as_secs_f64(),
    );
    Ok(())
}

fn list_extensions(settings: &Settings, count: usize) -> Result<(), Box<dyn Error>> {
    for size in [20, 100, 1000, 10_000] {
        let last = count.div_ceil(size);
        for (what, sort_by, order_by) in [
            ("by id", "id", "asc"),
            ("by name", "caller_id_name", "asc"),
            ("by mail, from the end", "email_addr", "desc"),
        ] {
            for page in [1, last] {
                let params = json!({"page": page, "page_size": size, "sort_by": sort_by, "order_by": order_by});
                let median = read(|| page_of(settings, "extension/list", &params))?;
                println!("list {size} extensions {what}, page {page}: {median}");
            }
        }
    }
    for text in ["Lovelace 77", "example", "nowhere"] {
        let params = json!({"search_value": text, "page_size": 100, "sort_by": "number"});
        let median = read(|| page_of(settings, "extension/search", &params))?;
        println!("search extensions for {text:?}: {median}");
    }
    Ok(())
}

/// A page as the API answers it: rows as JSON text, with a live state as long as
/// that of an extension that is off line.
fn page_of(settings: &Settings, path: &str, params: &Value) -> Result<Listing, SettingsError> {
    let (kind, verb) = path.split_once('/').unwrap_or((path, "list"));
    let live = |_: &str, text: &mut Vec<u8>| text.extend_from_slice(&[b' '; 214]);
    settings.listing(kind, verb, members(params), &live)
}

/// A read's median time.
struct Took {
    clock: Duration,
    cpu: Duration,
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (clock, cpu) = (millis(self.clock), millis(self.cpu));
        write!(f, "{clock:.3} ms (CPU {cpu:.3})")
    }
}

fn read<T, E>(mut work: impl FnMut() -> Result<T, E>) -> Result<Took, E> {
    let (mut clock, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..READS {
        let (start, used) = (Instant::now(), thread_cpu());
        std::hint::black_box(work()?);
        clock.push(start.elapsed());
        cpu.push(thread_cpu().saturating_sub(used));
    }
    let median = |mut took: Vec<Duration>| {
        took.sort();
        took.get(READS / 2).copied().unwrap_or_default()
    };
    Ok(Took {
        clock: median(clock),
        cpu: median(cpu),
    })
}

fn thread_cpu() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime)
        .try_into()
        .unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn extension(n: usize) -> Map<String, Value> {
    let number = 100_000 + n * 7919 % 899_999;
    members(&json!({
        "type": "SIP",
        "number": number.to_string(),
        "first_name": "Ada",
        "last_name": format!("Lovelace {n}"),
        "email_addr": format!("ada{n}@example.org"),
        "mobile_number": format!("+6681{n:07}"),
        "user_password": "Passw0rdAB",
        "reg_name": format!("phone{number}"),
        "reg_password": format!("s3cret-{number}"),
        "concurrent_registrations": 2,
        "presence_status": "available",
    }))
}

/// Contacts as rows, past the mechanism: making them is not what is measured.
async fn make_contacts(dir: &Path, count: usize) -> Result<(), Box<dyn Error>> {
    let (store, settings) = open(dir).await?;
    let start = Instant::now();
    for first in (1..=count).step_by(BATCH) {
        let rows = first..(first + BATCH).min(count + 1);
        let last = u64::try_from(rows.end)?.saturating_sub(1);
        let batch = Batch {
            objects: rows.map(row).collect::<Result<_, serde_json::Error>>()?,
            counters: vec![("object.company_contact".into(), last)],
            ..Batch::default()
        };
        store.write(batch).await?;
    }
    println!(
        "{count} contacts written as rows: {:.1} s",
        start.elapsed().as_secs_f64()
    );
    for request in [
        json!({"name": "every tenth"}),
        json!({"name": "all", "member_select": "sel_all"}),
    ] {
        settings.create("phonebook", members(&request)).await?;
    }
    store.close().await;
    Ok(())
}

fn row(n: usize) -> Result<ObjectChange, serde_json::Error> {
    const FIRST: [&str; 10] = [
        "Ada",
        "Somchai",
        "สมชาย",
        "Jürgen",
        "Chantal",
        "İpek",
        "Wei",
        "Olga",
        "Nina",
        "Kofi",
    ];
    const LAST: [&str; 10] = [
        "Lovelace",
        "ใจดี",
        "Großmann",
        "Yılmaz",
        "Srisuk",
        "Ivanova",
        "Mensah",
        "Chen",
        "Tanaka",
        "Berg",
    ];
    let pick = |names: &[&'static str; 10], n: usize| names.get(n % 10).copied().unwrap_or("");
    let mut doc = json!({
        "first_name": pick(&FIRST, n),
        "last_name": format!("{} {n}", pick(&LAST, n / 10)),
        "company": format!("Company {} Ltd.", n * 7919 % 20_000),
        "email": format!("contact.{n}@company{}.example", n * 7919 % 20_000),
        "number_list": [
            {"num_type": "business_number", "number": format!("02-{:03}-{:04}", n / 10_000 % 1000, n % 10_000)},
            {"num_type": "mobile_number", "number": format!("+668{n:08}")},
        ],
        "city": "Bangkok",
        "country": "Thailand",
    });
    if n.is_multiple_of(10)
        && let Some(doc) = doc.as_object_mut()
    {
        doc.insert("phonebook_id_list".into(), json!([1]));
    }
    Ok(ObjectChange::Put {
        object: Object {
            kind: "company_contact".into(),
            id: i64::try_from(n).unwrap_or(i64::MAX),
            revision: 1,
            doc: serde_json::to_string(&doc)?,
            secret: None,
        },
        keys: Vec::new(),
        freed: Vec::new(),
        refs: Vec::new(),
        gone: Vec::new(),
    })
}

async fn read_contacts(dir: &Path) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (store, settings) = open(dir).await?;
    let took = start.elapsed().as_secs_f64();
    let count = settings.snapshot().count("company_contact");
    let cpu: Duration = clock_gettime(ClockId::ProcessCPUTime)
        .try_into()
        .unwrap_or_default();
    println!(
        "open with {count} contacts: {took:.1} s (CPU {:.1}); memory {}",
        cpu.as_secs_f64(),
        memory()?
    );
    for (what, text) in [
        ("one", "lovelace 400006"),
        ("none", "nobody at all"),
        ("few, Thai", "ใจดี 1234"),
        ("many", "berg"),
        ("all but none", "company"),
        ("one letter", "a"),
        ("a number", "0812345"),
    ] {
        for (sort_by, order_by, page, page_size) in [
            ("id", "asc", 1, 100),
            ("contact_name", "asc", 1, 100),
            ("company", "desc", 100, 100),
        ] {
            let params = json!({"search_value": text, "sort_by": sort_by, "order_by": order_by, "page": page, "page_size": page_size});
            let answer = page_of(&settings, "company_contact/search", &params)?;
            let total = answer
                .members
                .get("total_number")
                .cloned()
                .unwrap_or_default();
            let took = read(|| page_of(&settings, "company_contact/search", &params))?;
            println!(
                "search {what} ({text:?}, {total}), by {sort_by} {order_by}, page {page} of {page_size}: {took}"
            );
        }
    }
    for (page, page_size) in [(1, 100), (5000, 100), (1, 10_000)] {
        let params = json!({"sort_by": "contact_name", "page": page, "page_size": page_size});
        let took = read(|| page_of(&settings, "company_contact/list", &params))?;
        println!("list by name, page {page} of {page_size}: {took}");
    }
    let snapshot = settings.snapshot();
    for matching in [CallerMatch::Exact, CallerMatch::LastDigits(7)] {
        let took = read(|| {
            for n in 0..1000 {
                let number = format!("08{:08}", n * 499);
                std::hint::black_box(snapshot.contact_by_number(&number, matching));
            }
            Ok::<_, std::convert::Infallible>(())
        })?;
        println!("1000 numbers to names, {matching:?}: {took}");
    }
    drop(snapshot);
    for id in [1, 2] {
        let params = json!({ "id": id });
        let took = read(|| settings.get("phonebook", members(&params)))?;
        println!("phonebook/get {id}: {took}");
    }
    let took = read(|| settings.list("phonebook", members(&json!({"sort_by": "total"}))))?;
    println!("phonebook/list by total: {took}");
    let (mut updates, mut creates, mut deletes) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..READS * 10 {
        let start = Instant::now();
        let change = json!({"id": count - n, "first_name": format!("New {n}"), "company": "Moved"});
        settings.update("company_contact", members(&change)).await?;
        updates.push(start.elapsed());
        // None of the phonebook's.
        let gone = json!({"id": n * 10 + 1});
        let start = Instant::now();
        settings.delete("company_contact", members(&gone)).await?;
        deletes.push(start.elapsed());
        let start = Instant::now();
        let number = json!({"num_type": "home_number", "number": n.to_string()});
        let new = json!({"first_name": "Late", "number_list": [number]});
        settings.create("company_contact", members(&new)).await?;
        creates.push(start.elapsed());
    }
    for (what, mut took) in [
        ("update", updates),
        ("create", creates),
        ("delete", deletes),
    ] {
        took.sort();
        let median = took.get(took.len() / 2).copied().unwrap_or_default();
        println!(
            "{what} one contact, kept by the database: {:.3} ms",
            millis(median)
        );
    }
    println!("memory at the end {}", memory()?);
    store.close().await;
    Ok(())
}

/// What the process holds, and the most that it ever held.
fn memory() -> Result<String, std::io::Error> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.and_then(|kib| kib.parse().ok()).unwrap_or(0_u64) / 1024
    };
    Ok(format!(
        "{} MiB, at most {} MiB",
        line("VmRSS"),
        line("VmHWM")
    ))
}

async fn open(dir: &Path) -> Result<(Store, Settings), Box<dyn Error>> {
    let url = format!("sqlite:{}", dir.join("pbx.db").display());
    let store = Store::open(&url, StoreOptions::default()).await?;
    let options = Options {
        serial: "scale".into(),
        hash_cost: HashCost { memory_kib: 64 },
        ..Options::default()
    };
    let settings = Settings::open_with(store.clone(), &dir.join("secret.key"), options).await?;
    Ok((store, settings))
}

/// A directory that goes with the value.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Result<Self, Box<dyn Error>> {
        let path = std::env::temp_dir().join(format!("strowger-scale-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

//! What the settings cost where there is much of them: `cargo run --release
//! --example scale -p settings [extensions [contacts]]`. It makes its data in a
//! temporary directory and prints figures; a figure of a read is the median of
//! many.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use settings::{HashCost, Options, Settings};
use store::{Store, StoreOptions};

// As in the binary, so that memory is the binary's too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Reads that a figure is the median of.
const READS: usize = 21;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut counts = std::env::args().skip(1).map(|count| count.parse());
    let extensions: usize = counts.next().transpose()?.unwrap_or(10_000);
    let dir = Dir::new()?;
    let settings = open(&dir.0).await?;
    create_extensions(&settings, extensions).await?;
    list_extensions(&settings, extensions)?;
    Ok(())
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
                let median = read(|| settings.list("extension", members(&params)))?;
                println!("list {size} extensions {what}, page {page}: {median:.2} ms");
            }
        }
    }
    for text in ["Lovelace 77", "example", "nowhere"] {
        let params = json!({"search_value": text, "page_size": 100, "sort_by": "number"});
        let median = read(|| settings.search("extension", members(&params)))?;
        println!("search extensions for {text:?}: {median:.2} ms");
    }
    Ok(())
}

/// A read's median time, milliseconds.
fn read<T, E>(mut work: impl FnMut() -> Result<T, E>) -> Result<f64, E> {
    let mut took = Vec::with_capacity(READS);
    for _ in 0..READS {
        let start = Instant::now();
        std::hint::black_box(work()?);
        took.push(start.elapsed());
    }
    took.sort();
    Ok(took.get(READS / 2).map_or(0.0, |median| millis(*median)))
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

async fn open(dir: &Path) -> Result<Settings, Box<dyn Error>> {
    let url = format!("sqlite:{}", dir.join("pbx.db").display());
    let store = Store::open(&url, StoreOptions::default()).await?;
    let options = Options {
        serial: "scale".into(),
        hash_cost: HashCost { memory_kib: 64 },
        ..Options::default()
    };
    Ok(Settings::open_with(store, &dir.join("secret.key"), options).await?)
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

//! What a search of call records costs at ten million of them.
//!
//!     cargo run --release -p store --example cdr_scale -- [DIRECTORY] [ROWS] [SEARCHES]
//!
//! With a directory the records are made there once and used again; without
//! one they go when it ends. With SEARCHES only those whose names hold it are
//! carried out, and nothing is written. Prints, for each search, the milliseconds of the
//! first run (columns read from the disk cache), the median and worst of seven
//! more and the processor time of one, for a page of 20, 100, 1,000 and 10,000 records; then what a
//! record's writing costs with and without the B-trees there were before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, Executor};
use store::{Batch, CdrField, CdrFilter, CdrRow, Did, NewEvent, Page, Sort, Store, StoreOptions};

/// Rows made in one transaction.
const MADE_AT_ONCE: i64 = 500_000;
/// Seconds from one call's end to the next: three years for ten million.
const SECONDS_A_CALL: f64 = 9.46;
/// 2024-01-01 00:00:00 UTC.
const BEGIN: i64 = 1_704_067_200;
const RUNS: usize = 7;
/// What a PBX has run before the first search.
const WARM: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let kept = arguments.next().map(PathBuf::from);
    let rows: i64 = arguments
        .next()
        .map_or(10_000_000, |text| text.parse().unwrap());
    let dir = kept
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("cdr-scale-{}", std::process::id())));
    let only = arguments.next();
    std::fs::create_dir_all(&dir).unwrap();
    let url = format!("sqlite:{}", dir.join("scale.db").display());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    let (there, _) = store
        .cdr_page(&CdrFilter::default(), Page::new(1, 1), Sort::default())
        .await
        .unwrap();
    store.close().await;
    if (there as i64) < rows {
        make(&dir, there as i64, rows).await;
    }
    let (begun, used) = (Instant::now(), process_cpu());
    let store = Store::open(&url, StoreOptions::default()).await.unwrap();
    println!(
        "opened in {:.1} s, {:.1} s of CPU (with all blocks that were not sealed)",
        begun.elapsed().as_secs_f64(),
        (process_cpu() - used).as_secs_f64()
    );
    // The columns that searches read are brought in meanwhile.
    tokio::time::sleep(WARM).await;
    searches(&store, rows, only.as_deref()).await;
    store.close().await;
    println!("resident: {} MiB", resident_kib() / 1024);
    if only.is_none() {
        writing(&dir).await;
    }
    let size = std::fs::metadata(dir.join("scale.db")).unwrap().len();
    println!("database: {} MiB", size >> 20);
    if kept.is_none() {
        std::fs::remove_dir_all(&dir).unwrap();
    }
}

/// Makes the rows from `there` up to `rows`, in SQL.
async fn make(dir: &Path, there: i64, rows: i64) {
    let mut connection = connect(&dir.join("scale.db")).await;
    let begun = Instant::now();
    for first in (there..rows).step_by(MADE_AT_ONCE as usize) {
        let last = (first + MADE_AT_ONCE).min(rows);
        connection
            .execute(sqlx::AssertSqlSafe(generator(first, last)))
            .await
            .unwrap();
        println!("{last} records in {:.0} s", begun.elapsed().as_secs_f64());
    }
    connection.close().await.unwrap();
}

/// A busy PBX: a thousand extensions, ten trunks, fifty DIDs, two million
/// numbers outside, of which some call often.
fn generator(first: i64, last: i64) -> String {
    format!(
        "INSERT INTO cdr
         WITH RECURSIVE n(i) AS (SELECT {first} + 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last}),
         r AS MATERIALIZED (SELECT i, abs(random()) AS a, abs(random()) AS b, abs(random()) AS c FROM n),
         k AS (SELECT i, a, b, c,
                 CASE WHEN a % 100 < 45 THEN 'Inbound' WHEN a % 100 < 80 THEN 'Outbound' ELSE 'Internal' END AS kind,
                 1000 + (b % 1000) * (b / 1000 % 1000) / 1000 AS ext,
                 1000 + c % 1000 AS ext2,
                 '08' || printf('%08d', CASE WHEN b / 7 % 4 = 0 THEN c % 3000 ELSE c % 2000000 END * 37 % 100000000) AS outside,
                 CASE WHEN a / 128 % 100 < 63 THEN 'ANSWERED' WHEN a / 128 % 100 < 88 THEN 'NO ANSWER'
                      WHEN a / 128 % 100 < 93 THEN 'BUSY' WHEN a / 128 % 100 < 96 THEN 'FAILED' ELSE 'VOICEMAIL' END AS disposition,
                 a / 65536 % 46 AS ring,
                 (b / 65536 % 60 + 1) * (b / 131072 % 60 + 1) AS talk,
                 'trunk-' || (c / 4096 % 10) AS trunk,
                 '0255501' || printf('%02d', c / 65536 % 50) AS did
               FROM r),
         t AS (SELECT *, CASE disposition WHEN 'ANSWERED' THEN talk WHEN 'VOICEMAIL' THEN talk % 90 + 1 ELSE 0 END AS talked FROM k),
         e AS (SELECT *, {BEGIN} + CAST(i * {SECONDS_A_CALL} AS INTEGER) - ring - talked AS started FROM t)
         SELECT i, printf('%08x-%08x', started, i), strftime('%Y%m%d%H%M%S', started, 'unixepoch') || printf('%05X', i % 1048576),
           started || '.' || i, started,
           CASE kind WHEN 'Inbound' THEN outside ELSE CAST(ext AS TEXT) END,
           CASE kind WHEN 'Inbound' THEN '' ELSE 'Extension ' || ext END,
           CASE kind WHEN 'Outbound' THEN outside WHEN 'Inbound' THEN CASE WHEN a / 7 % 3 = 0 THEN '64' || printf('%02d', a / 11 % 8) ELSE CAST(ext AS TEXT) END ELSE CAST(ext2 AS TEXT) END,
           CASE kind WHEN 'Outbound' THEN '' ELSE 'Extension' END,
           CASE kind WHEN 'Inbound' THEN '198.51.100.' || (c / 4096 % 10) || ':5060' ELSE '10.0.' || (ext / 256) || '.' || (ext % 256) || ':' || (20000 + (ext * 7 + i / 50000) % 30000) END,
           CASE kind WHEN 'Inbound' THEN trunk ELSE '' END,
           CASE kind WHEN 'Outbound' THEN trunk ELSE '' END,
           ring + talked, ring, talked, disposition, kind,
           CASE kind WHEN 'Inbound' THEN did ELSE '' END,
           CASE kind WHEN 'Inbound' THEN CASE WHEN c / 65536 % 50 < 5 THEN 'Sales ' || (c / 65536 % 50) ELSE '' END ELSE '' END,
           CASE kind WHEN 'Outbound' THEN did ELSE '' END,
           '', CASE WHEN a / 3 % 2 = 0 THEN 'src hangup' ELSE 'dst hangup' END, '', 0,
           CASE WHEN kind = 'Outbound' AND a / 5 % 10 = 0 THEN printf('%04d', a / 50 % 20 * 111) ELSE '' END
         FROM e"
    )
}

async fn searches(store: &Store, rows: i64, only: Option<&str>) {
    let time = |field, descending| Sort { field, descending };
    let oldest = Sort::default();
    let newest = time(CdrField::Time, true);
    let all = CdrFilter::default();
    let at = |part: f64| BEGIN + (part * rows as f64 * SECONDS_A_CALL) as i64;
    let some = |text: &str| Some(text.to_owned());
    let within = |from: f64, to: f64| CdrFilter {
        start: Some(at(from)),
        end: Some(at(to)),
        ..CdrFilter::default()
    };
    let from = |number: &str| CdrFilter {
        call_from: some(number),
        ..CdrFilter::default()
    };
    let mut cases: Vec<(String, CdrFilter, Sort)> = vec![
        ("list, oldest first".into(), all.clone(), oldest),
        ("list, newest first".into(), all.clone(), newest),
        (
            "an hour".into(),
            CdrFilter {
                start: Some(at(0.5)),
                end: Some(at(0.5) + 3600),
                ..all.clone()
            },
            oldest,
        ),
        ("a month".into(), within(0.5, 0.53), oldest),
        ("two years".into(), within(0.1, 0.77), newest),
        ("caller, an extension".into(), from("1234"), oldest),
        ("caller, outside".into(), from("0800000037"), newest),
        (
            "callee, a queue".into(),
            CdrFilter {
                call_to: some("6403"),
                ..all.clone()
            },
            oldest,
        ),
        (
            "callee, outside".into(),
            CdrFilter {
                call_to: some("0800074037"),
                ..all.clone()
            },
            oldest,
        ),
        (
            "status ANSWERED".into(),
            CdrFilter {
                status: some("ANSWERED"),
                ..all.clone()
            },
            oldest,
        ),
        (
            "status FAILED, newest".into(),
            CdrFilter {
                status: some("FAILED"),
                ..all.clone()
            },
            newest,
        ),
        (
            "did with trunk".into(),
            CdrFilter {
                did: Some(vec![Did {
                    number_or_name: "025550107".into(),
                    trunk: some("trunk-7"),
                }]),
                ..all.clone()
            },
            oldest,
        ),
        (
            "three dids by name".into(),
            CdrFilter {
                did: Some(
                    (1..4)
                        .map(|n| Did {
                            number_or_name: format!("Sales {n}"),
                            trunk: some(&format!("trunk-{n}")),
                        })
                        .collect(),
                ),
                ..all.clone()
            },
            oldest,
        ),
        (
            "pin_code".into(),
            CdrFilter {
                pin_code: some("0777"),
                ..all.clone()
            },
            oldest,
        ),
        (
            "group of 50 extensions".into(),
            CdrFilter {
                members: Some((1000..1050).map(|n| n.to_string()).collect()),
                ..all.clone()
            },
            newest,
        ),
        (
            "group of 1,000 extensions".into(),
            CdrFilter {
                members: Some((1000..2000).map(|n| n.to_string()).collect()),
                ..all.clone()
            },
            newest,
        ),
        (
            "a year, caller, ANSWERED".into(),
            CdrFilter {
                status: some("ANSWERED"),
                call_from: some("1234"),
                ..within(0.2, 0.55)
            },
            newest,
        ),
        (
            "caller and callee, NO ANSWER".into(),
            CdrFilter {
                status: some("NO ANSWER"),
                call_from: some("1001"),
                call_to: some("1002"),
                ..all.clone()
            },
            newest,
        ),
        (
            "fuzzy caller 1234".into(),
            CdrFilter {
                fuzzy: true,
                ..from("1234")
            },
            oldest,
        ),
        (
            "fuzzy caller 8".into(),
            CdrFilter {
                fuzzy: true,
                ..from("8")
            },
            oldest,
        ),
        (
            "fuzzy caller 12".into(),
            CdrFilter {
                fuzzy: true,
                ..from("12")
            },
            oldest,
        ),
        (
            "fuzzy callee 003, a year".into(),
            CdrFilter {
                fuzzy: true,
                call_to: some("003"),
                ..within(0.2, 0.55)
            },
            newest,
        ),
        ("no such caller".into(), from("5551234"), oldest),
        (
            "no such text (fuzzy)".into(),
            CdrFilter {
                fuzzy: true,
                ..from("99999999")
            },
            oldest,
        ),
        (
            "before all".into(),
            CdrFilter {
                end: Some(1),
                ..all.clone()
            },
            oldest,
        ),
    ];
    for name in [
        "id",
        "uid",
        "duration",
        "ring_duration",
        "talk_duration",
        "disposition",
        "src_trunk",
        "dst_trunk",
        "call_type",
        "did_number",
        "dod_number",
        "src_addr",
    ] {
        let field = CdrField::from_wire(name).unwrap();
        cases.push((format!("sort by {name}"), all.clone(), time(field, false)));
        let answered = CdrFilter {
            status: some("ANSWERED"),
            ..all.clone()
        };
        cases.push((
            format!("ANSWERED, sort by {name}, desc"),
            answered,
            time(field, true),
        ));
    }
    cases.retain(|(name, ..)| only.is_none_or(|only| name.contains(only)));
    println!(
        "| search | of | page | total | CPU, ms | median, ms | worst, ms | first run, ms | its CPU, ms |"
    );
    println!("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    let (mut worst_of_all, mut dearest) = (Duration::ZERO, Duration::ZERO);
    for (name, filter, sort) in &cases {
        for (place, size) in [
            ("first", 20),
            ("middle", 20),
            ("last", 20),
            ("middle", 100),
            ("middle", 1000),
            ("middle", 10_000),
        ] {
            let selection = store.cdr_select(filter, *sort).await.unwrap();
            let pages = selection.total().div_ceil(u64::from(size)).max(1);
            let number = match place {
                "first" => 1,
                "middle" => pages / 2 + 1,
                _ => pages,
            };
            let page = Page::new(u32::try_from(number).unwrap(), size);
            drop(selection);
            let mut took = Vec::new();
            let mut total = 0;
            let mut used = Vec::new();
            for _ in 0..=RUNS {
                let (before, begun) = (cpu(), Instant::now());
                let (count, _) = store.cdr_page(filter, page, *sort).await.unwrap();
                took.push(begun.elapsed());
                used.push(cpu().saturating_sub(before));
                total = count;
            }
            let first = took.remove(0);
            took.sort_unstable();
            let first_used = used.remove(0);
            used.sort_unstable();
            let cpu = used[RUNS / 2];
            let (median, worst) = (took[RUNS / 2], took[RUNS - 1]);
            if size <= 1000 {
                worst_of_all = worst_of_all.max(median);
                dearest = dearest.max(cpu);
            }
            let ms = |took: Duration| took.as_secs_f64() * 1000.0;
            println!(
                "| {name} | {place} | {size} | {total} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
                ms(cpu),
                ms(median),
                ms(worst),
                ms(first),
                ms(first_used)
            );
        }
    }
    println!(
        "of pages up to 1,000: worst median {:.1} ms, most CPU {:.1} ms",
        worst_of_all.as_secs_f64() * 1000.0,
        dearest.as_secs_f64() * 1000.0
    );
}

/// What writing a call's end costs, as the exchange hands it in: groups of
/// eight calls, each with its record and an event.
async fn writing(dir: &Path) {
    const CALLS: i64 = 20_000;
    for (name, sql) in [
        ("blocks of columns", ""),
        (
            "the B-trees that were there before",
            "CREATE INDEX cdr_by_time ON cdr (time_start, seq);
             CREATE INDEX cdr_by_caller ON cdr (call_from_number, time_start);
             CREATE INDEX cdr_by_callee ON cdr (call_to_number, time_start);",
        ),
    ] {
        let mut connection = connect(&dir.join("scale.db")).await;
        if !sql.is_empty() {
            connection.execute(sql).await.unwrap();
        }
        connection.close().await.unwrap();
        let url = format!("sqlite:{}", dir.join("scale.db").display());
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let (used, begun) = (process_cpu(), Instant::now());
        for group in 0..CALLS / 8 {
            let tickets: Vec<_> = (0..8)
                .map(|n| store.journal().submit(call_end(group * 8 + n)).unwrap())
                .collect();
            for ticket in tickets {
                ticket.await.unwrap();
            }
        }
        let (used, took) = (process_cpu() - used, begun.elapsed());
        store.close().await;
        println!(
            "writing, {name}: {:.1} µs of CPU a record, {:.1} µs of time",
            used.as_secs_f64() * 1e6 / CALLS as f64,
            took.as_secs_f64() * 1e6 / CALLS as f64,
        );
    }
    let mut connection = connect(&dir.join("scale.db")).await;
    connection
        .execute("DROP INDEX cdr_by_time; DROP INDEX cdr_by_caller; DROP INDEX cdr_by_callee")
        .await
        .unwrap();
    connection.close().await.unwrap();
}

fn call_end(number: i64) -> Batch {
    let outside = format!("08{:08}", number * 7_919_993 % 74_000_000);
    let record = CdrRow {
        new_id: format!("{number:08x}-{number:08x}"),
        uid: format!("20270101000000{number:05X}"),
        call_id: format!("1798761600.{number}"),
        time_start: 1_798_761_600 + number,
        call_from_number: outside,
        call_to_number: format!("{}", 1000 + number * 37 % 1000),
        call_to_name: "Extension".into(),
        src_addr: "198.51.100.1:5060".into(),
        src_trunk: "trunk-1".into(),
        duration: number % 400,
        ring_duration: number % 40,
        talk_duration: number % 400 - number % 40,
        disposition: "ANSWERED".into(),
        call_type: "Inbound".into(),
        did_number: "025550107".into(),
        reason: "src hangup".into(),
        ..CdrRow::default()
    };
    Batch {
        records: vec![record],
        events: vec![NewEvent {
            id: 30012,
            frame: "x".repeat(400),
        }],
        ..Batch::default()
    }
}

async fn connect(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .pragma("cache_size", "-200000")
        .disable_statement_logging()
        .connect()
        .await
        .unwrap()
}

/// Time on a processor of all threads of this process: what remains where
/// others use the machine too.
fn cpu() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.filter_map(|task| {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// User and system time of this process, threads that are gone included, to a
/// hundredth of a second.
fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .map(|n| n.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

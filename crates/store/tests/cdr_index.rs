//! The record index against the plain truth: whatever is asked for, the same
//! records in the same order as from a list that is filtered and sorted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use std::cmp::Ordering;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use store::{Batch, CdrField, CdrFilter, CdrRow, Did, Page, Sort, Store, StoreOptions};
use support::Dir;

const FIELDS: [&str; 13] = [
    "id",
    "uid",
    "time",
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
];

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }

    fn of(&mut self, texts: &[&str]) -> String {
        texts[self.below(texts.len() as u64) as usize].to_owned()
    }
}

fn record(random: &mut Random, number: i64) -> CdrRow {
    let time_start = 1_000_000 + number * 3 - random.below(40) as i64;
    CdrRow {
        new_id: format!("row{number}"),
        uid: format!("{time_start}-{:X}", random.below(99)),
        time_start,
        call_from_number: format!("{}", 1000 + random.below(30)),
        call_from_name: random.of(&[
            "",
            "",
            "Ann",
            "\"Q\" \\ /",
            "tab\tnew\r\nline",
            "nul\0end",
            "\u{1}\u{1f}\u{7f}\u{2028}",
            "ชื่อ 😀",
        ]),
        enb_call_note: [0, 1, i64::MAX, i64::MIN][random.below(4) as usize],
        call_to_number: random.of(&["1000", "1001", "0812345678", "", "6400", "เบอร์"]),
        src_addr: format!("192.0.2.{}:5060", random.below(200)),
        src_trunk: random.of(&["", "", "telco", "mobile"]),
        dst_trunk: random.of(&["", "telco"]),
        duration: random.below(300) as i64 - 5,
        ring_duration: random.below(6) as i64,
        talk_duration: random.below(1000) as i64,
        disposition: random.of(&["ANSWERED", "ANSWERED", "NO ANSWER", "BUSY"]),
        call_type: random.of(&["Internal", "Inbound"]),
        did_number: random.of(&["", "5550100", "5550101"]),
        did_name: random.of(&["", "Sales"]),
        dod_number: random.of(&["", "5550100"]),
        pin_code: random.of(&["", "", "", "4711"]),
        ..CdrRow::default()
    }
}

/// Small blocks, so that there are many of them, some recent runs and a rest.
async fn open(dir: &Dir) -> Store {
    let options = StoreOptions {
        record_block: 640,
        ..StoreOptions::default()
    };
    Store::open(&dir.url(), options).await.unwrap()
}

async fn write(store: &Store, records: Vec<CdrRow>) {
    let batch = Batch {
        records,
        ..Batch::default()
    };
    store.write(batch).await.unwrap();
}

fn matches(filter: &CdrFilter, row: &CdrRow) -> bool {
    let number = |asked: &Option<String>, number: &str| match asked {
        None => true,
        Some(asked) if filter.fuzzy => number.contains(asked.as_str()),
        Some(asked) => number == asked,
    };
    let text = |asked: &Option<String>, text: &str| asked.as_ref().is_none_or(|a| a == text);
    filter.start.is_none_or(|start| row.time_start >= start)
        && filter.end.is_none_or(|end| row.time_start <= end)
        && number(&filter.call_from, &row.call_from_number)
        && number(&filter.call_to, &row.call_to_number)
        && text(&filter.status, &row.disposition)
        && text(&filter.call_type, &row.call_type)
        && text(&filter.pin_code, &row.pin_code)
        && filter.members.as_ref().is_none_or(|members| {
            members.contains(&row.call_from_number) || members.contains(&row.call_to_number)
        })
        && filter.did.as_ref().is_none_or(|dids| {
            dids.iter().any(|did| {
                (did.number_or_name == row.did_number || did.number_or_name == row.did_name)
                    && did
                        .trunk
                        .as_ref()
                        .is_none_or(|trunk| *trunk == row.src_trunk)
            })
        })
}

fn compare(field: &str, a: &CdrRow, b: &CdrRow) -> Ordering {
    match field {
        "id" => Ordering::Equal,
        "uid" => a.uid.cmp(&b.uid),
        "time" => a.time_start.cmp(&b.time_start),
        "duration" => a.duration.cmp(&b.duration),
        "ring_duration" => a.ring_duration.cmp(&b.ring_duration),
        "talk_duration" => a.talk_duration.cmp(&b.talk_duration),
        "disposition" => a.disposition.cmp(&b.disposition),
        "src_trunk" => a.src_trunk.cmp(&b.src_trunk),
        "dst_trunk" => a.dst_trunk.cmp(&b.dst_trunk),
        "call_type" => a.call_type.cmp(&b.call_type),
        "did_number" => a.did_number.cmp(&b.did_number),
        "dod_number" => a.dod_number.cmp(&b.dod_number),
        "src_addr" => a.src_addr.cmp(&b.src_addr),
        _ => panic!("{field}"),
    }
    .then(a.seq.cmp(&b.seq))
}

fn filter(random: &mut Random, rows: i64) -> CdrFilter {
    let mut filter = CdrFilter::default();
    let some = |text: String| Some(text);
    if random.below(2) == 0 {
        let start = 1_000_000 + random.below(rows as u64 * 3) as i64;
        filter.start = Some(start);
        if random.below(2) == 0 {
            filter.end = Some(start + random.below(3000) as i64);
        }
    }
    match random.below(8) {
        0 => {
            let numbers = ["1000", "1007", "100", "999", "1", "2", "02", "102"];
            filter.call_from = some(random.of(&numbers));
        }
        1 => filter.call_to = some(random.of(&["0812345678", "6400", "", "เบอร์", "เ", "12"])),
        2 => filter.members = Some(vec!["1001".into(), "1002".into(), "1029".into()]),
        3 => filter.members = Some(Vec::new()),
        _ => {}
    }
    filter.fuzzy = random.below(3) == 0 && filter.call_to.as_deref() != Some("");
    match random.below(8) {
        0 => filter.status = some(random.of(&["ANSWERED", "BUSY", "FAILED"])),
        1 => filter.pin_code = some("4711".into()),
        2 => filter.call_type = some("Inbound".into()),
        3 => {
            let did = |number: &str, trunk: Option<&str>| Did {
                number_or_name: number.into(),
                trunk: trunk.map(Into::into),
            };
            filter.did = Some(vec![
                did("5550100", Some("telco")),
                did("Sales", Some("mobile")),
            ]);
            if random.below(2) == 0 {
                filter.did = Some(vec![did("Sales", None)]);
            }
        }
        _ => {}
    }
    filter
}

#[tokio::test]
async fn every_search_finds_what_a_plain_list_has() {
    let dir = Dir::new();
    let mut random = Random(1);
    let mut store = open(&dir).await;
    let mut rows: Vec<CdrRow> = Vec::new();
    for round in 0..12_i64 {
        let batch: Vec<CdrRow> = (0..231)
            .map(|n| record(&mut random, round * 231 + n))
            .collect();
        for row in &batch {
            rows.push(CdrRow {
                seq: rows.len() as i64 + 1,
                ..row.clone()
            });
        }
        write(&store, batch).await;
        if round % 4 == 3 {
            store.close().await;
            store = open(&dir).await;
        }
        for _ in 0..60 {
            let filter = filter(&mut random, rows.len() as i64);
            let name = FIELDS[random.below(FIELDS.len() as u64) as usize];
            let sort = Sort {
                field: CdrField::from_wire(name).unwrap(),
                descending: random.below(2) == 0,
            };
            let mut expected: Vec<&CdrRow> =
                rows.iter().filter(|row| matches(&filter, row)).collect();
            expected.sort_by(|a, b| compare(name, a, b));
            if sort.descending {
                expected.reverse();
            }
            let size = [1, 7, 100, 10_000][random.below(4) as usize];
            let pages = expected.len() as u64 / u64::from(size) + 2;
            let page = Page::new(random.below(pages) as u32 + 1, size);
            let (total, found) = store.cdr_page(&filter, page, sort).await.unwrap();
            let expected_page: Vec<&CdrRow> = expected
                .iter()
                .skip(page.offset() as usize)
                .take(size as usize)
                .copied()
                .collect();
            assert_eq!(total, expected.len() as u64, "{filter:?}");
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                expected_page,
                "{filter:?} {sort:?} {page:?}"
            );
        }
    }
    store.close().await;
}

#[tokio::test]
async fn totals_and_pages_are_exact_while_records_come() {
    let dir = Dir::new();
    let store = open(&dir).await;
    let done = std::sync::Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (store, done) = (store.clone(), done.clone());
        async move {
            for batch in 0..300_i64 {
                let records = (0..10).map(|n| CdrRow {
                    time_start: batch * 10 + n,
                    disposition: "ANSWERED".into(),
                    ..CdrRow::default()
                });
                write(&store, records.collect()).await;
            }
            done.store(true, SeqCst);
        }
    });
    let filter = CdrFilter {
        status: Some("ANSWERED".into()),
        ..CdrFilter::default()
    };
    let mut least = 0;
    while !done.load(SeqCst) {
        let newest = Sort {
            field: CdrField::Time,
            descending: true,
        };
        let (total, rows) = store
            .cdr_page(&filter, Page::new(1, 10), newest)
            .await
            .unwrap();
        // A batch is there whole or not at all, and nothing goes again.
        assert!(total >= least && total % 10 == 0, "{total} after {least}");
        least = total;
        let times: Vec<i64> = rows.iter().map(|row| row.time_start).collect();
        let expected: Vec<i64> = (0..total as i64).rev().take(10).collect();
        assert_eq!(times, expected);
    }
    writer.await.unwrap();
    let (total, _) = store
        .cdr_page(&filter, Page::new(1, 1), Sort::default())
        .await
        .unwrap();
    assert_eq!(total, 3000);
    store.close().await;
}

#[tokio::test]
async fn a_selection_keeps_its_records_whatever_comes() {
    let dir = Dir::new();
    let store = open(&dir).await;
    let mut random = Random(3);
    write(&store, (0..1000).map(|n| record(&mut random, n)).collect()).await;
    let selection = store
        .cdr_select(&CdrFilter::default(), Sort::default())
        .await
        .unwrap();
    let mut seen = 0;
    let mut last = (0, 0);
    loop {
        write(&store, (0..100).map(|n| record(&mut random, n)).collect()).await;
        let rows = selection.rows(seen, 300).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            assert!((row.time_start, row.seq) > last && row.seq <= 1000);
            last = (row.time_start, row.seq);
        }
        seen += rows.len() as u64;
    }
    assert_eq!((seen, selection.total()), (1000, 1000));
    store.close().await;
}

//! Pages of call records, filters, order; tokens.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use store::{
    Batch, CdrField, CdrFilter, CdrRow, MAX_PAGE_SIZE, Page, Sort, Store, TokenHash, TokenRow,
};
use support::Dir;

async fn filled(dir: &Dir) -> Store {
    let store = dir.open().await;
    // Written in the order of their ends; started in another one.
    let row = |n: i64, start, from: &str, to: &str, talk, disposition: &str| CdrRow {
        new_id: format!("row{n}"),
        call_id: format!("call{n}"),
        time_start: start,
        call_from_number: from.into(),
        call_to_number: to.into(),
        duration: talk + 5,
        ring_duration: 5,
        talk_duration: talk,
        disposition: disposition.into(),
        call_type: "Internal".into(),
        ..CdrRow::default()
    };
    let records = vec![
        row(0, 300, "1000", "1001", 10, "ANSWERED"),
        row(1, 100, "1001", "1000", 0, "NO ANSWER"),
        row(2, 200, "1000", "1002", 0, "BUSY"),
        row(3, 200, "1003", "10_1", 40, "ANSWERED"),
    ];
    store
        .write(Batch {
            records,
            ..Batch::default()
        })
        .await
        .unwrap();
    store
}

async fn ids(store: &Store, filter: CdrFilter, page: Page, sort: Sort) -> (u64, Vec<String>) {
    let (total, rows) = store.cdr_page(&filter, page, sort).await.unwrap();
    (total, rows.into_iter().map(|row| row.new_id).collect())
}

#[tokio::test]
async fn unsorted_is_oldest_first_and_pages_add_up() {
    let dir = Dir::new();
    let store = filled(&dir).await;
    let all = ids(
        &store,
        CdrFilter::default(),
        Page::default(),
        Sort::default(),
    )
    .await;
    assert_eq!(
        all,
        (
            4,
            vec!["row1".into(), "row2".into(), "row3".into(), "row0".into()]
        )
    );
    let mut seen = Vec::new();
    for number in 1..=3 {
        let (total, page) = ids(
            &store,
            CdrFilter::default(),
            Page::new(number, 3),
            Sort::default(),
        )
        .await;
        assert_eq!(total, 4);
        seen.extend(page);
    }
    assert_eq!(seen, all.1);
    assert_eq!(Page::new(0, 0), Page::new(1, 1));
    assert_eq!(Page::new(1, u32::MAX).size(), MAX_PAGE_SIZE);
    assert_eq!(
        ids(
            &store,
            CdrFilter::default(),
            Page::new(u32::MAX, 10_000),
            Sort::default()
        )
        .await
        .1
        .len(),
        0
    );
}

#[tokio::test]
async fn every_sort_field_of_the_contract_sorts_both_ways() {
    let dir = Dir::new();
    let store = filled(&dir).await;
    let list = wire::contract::operation("v1.0", "cdr/list").unwrap();
    for name in list.member("sort_by").unwrap().values {
        let wire::contract::Scalar::Text(name) = name else {
            panic!()
        };
        let field = CdrField::from_wire(name).unwrap();
        let up = ids(
            &store,
            CdrFilter::default(),
            Page::default(),
            Sort {
                field,
                descending: false,
            },
        )
        .await
        .1;
        let mut down = ids(
            &store,
            CdrFilter::default(),
            Page::default(),
            Sort {
                field,
                descending: true,
            },
        )
        .await
        .1;
        down.reverse();
        assert_eq!(up, down, "{name}");
    }
    let by_talk = Sort {
        field: CdrField::TalkDuration,
        descending: true,
    };
    assert_eq!(
        ids(&store, CdrFilter::default(), Page::default(), by_talk)
            .await
            .1[0],
        "row3"
    );
    let by_id = Sort {
        field: CdrField::Id,
        descending: false,
    };
    assert_eq!(
        ids(&store, CdrFilter::default(), Page::default(), by_id)
            .await
            .1,
        ["row0", "row1", "row2", "row3"]
    );
}

#[tokio::test]
async fn filters_narrow_and_a_fuzzy_number_is_taken_literally() {
    let dir = Dir::new();
    let store = filled(&dir).await;
    let some = |text: &str| Some(text.to_owned());
    let cases: Vec<(CdrFilter, &[&str])> = vec![
        (
            CdrFilter {
                start: Some(200),
                ..CdrFilter::default()
            },
            &["row2", "row3", "row0"],
        ),
        (
            CdrFilter {
                start: Some(101),
                end: Some(200),
                ..CdrFilter::default()
            },
            &["row2", "row3"],
        ),
        (
            CdrFilter {
                call_from: some("1000"),
                ..CdrFilter::default()
            },
            &["row2", "row0"],
        ),
        (
            CdrFilter {
                call_from: some("100"),
                ..CdrFilter::default()
            },
            &[],
        ),
        (
            CdrFilter {
                call_from: some("100"),
                fuzzy: true,
                ..CdrFilter::default()
            },
            &["row1", "row2", "row3", "row0"],
        ),
        (
            CdrFilter {
                call_to: some("0_1"),
                fuzzy: true,
                ..CdrFilter::default()
            },
            &["row3"],
        ),
        (
            CdrFilter {
                call_to: some("%"),
                fuzzy: true,
                ..CdrFilter::default()
            },
            &[],
        ),
        (
            CdrFilter {
                call_to: some("'; DROP TABLE cdr; --"),
                ..CdrFilter::default()
            },
            &[],
        ),
        (
            CdrFilter {
                status: some("ANSWERED"),
                ..CdrFilter::default()
            },
            &["row3", "row0"],
        ),
        (
            CdrFilter {
                status: some("BUSY"),
                call_from: some("1000"),
                ..CdrFilter::default()
            },
            &["row2"],
        ),
        (
            CdrFilter {
                call_type: some("Inbound"),
                ..CdrFilter::default()
            },
            &[],
        ),
    ];
    for (filter, expected) in cases {
        let (total, found) = ids(&store, filter.clone(), Page::default(), Sort::default()).await;
        assert_eq!(found, expected, "{filter:?}");
        assert_eq!(total, expected.len() as u64);
    }
}

#[tokio::test]
async fn tokens_are_kept_as_hashes_over_a_restart_until_they_run_out() {
    let dir = Dir::new();
    let store = dir.open().await;
    let row = |access: &str, refresh: &str, expires| TokenRow {
        access: TokenHash::of(access),
        refresh: TokenHash::of(refresh),
        owner: "client".into(),
        access_expires: expires,
        refresh_expires: expires + 100,
    };
    store
        .token_insert(row("access-one", "refresh-one", 50))
        .await
        .unwrap();
    store
        .token_insert(row("access-two", "refresh-two", 10))
        .await
        .unwrap();
    store.close().await;
    let store = dir.open().await;
    assert_eq!(store.token_count("client", 49).await.unwrap(), 1);
    assert_eq!(store.token_count("other", 0).await.unwrap(), 0);
    let found = store
        .token_by_refresh(&TokenHash::of("refresh-one"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.token_by_access(&found.access).await.unwrap().unwrap(),
        found
    );
    store
        .token_replace(found.access, row("access-three", "refresh-three", 70))
        .await
        .unwrap();
    assert!(
        store
            .token_by_refresh(&TokenHash::of("refresh-one"))
            .await
            .unwrap()
            .is_none()
    );
    store.token_purge(110).await.unwrap();
    assert_eq!(store.tokens(0).await.unwrap().len(), 1);
    store
        .token_delete(TokenHash::of("access-three"))
        .await
        .unwrap();
    assert!(store.tokens(0).await.unwrap().is_empty());
    store
        .token_insert(row("access-four", "refresh-four", 70))
        .await
        .unwrap();
    store.close().await;
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|w| w == b"access-four"));
    }
}

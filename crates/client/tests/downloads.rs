//! Downloads: the bytes of the file and nothing else, also when the connection
//! breaks, and never a refusal taken for a file.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod pbx;

use std::sync::atomic::{AtomicUsize, Ordering};

use pbx::{Asked, Pbx, Reply};
use strowger_client::wire::cdr::CdrDownloadRequest;
use strowger_client::{Error, Value, json};

const LINK: &str = "/api/download/cdr.csv";
const LENGTH: usize = 200_000;

fn file() -> Vec<u8> {
    (0..LENGTH).map(|at| (at % 251) as u8).collect()
}

/// The file from where it is asked for; the connection breaks after `most`.
fn part(asked: &Asked, most: usize, version: usize) -> Reply {
    let first: usize = asked.headers.get("range").map_or(0, |range| {
        let range = range.trim_start_matches("bytes=").trim_end_matches('-');
        range.parse().unwrap()
    });
    let wanted = asked.headers.get("if-range").map(String::as_str);
    let tag = format!("\"v{version}\"");
    let whole = wanted.is_some_and(|wanted| wanted != tag);
    let first = if whole { 0 } else { first };
    let rest = LENGTH - first;
    let mut head = match first {
        0 => "HTTP/1.1 200 OK\r\n".to_owned(),
        _ => format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {first}-{}/{LENGTH}\r\n",
            LENGTH - 1
        ),
    };
    head.push_str(&format!(
        "Content-Type: text/csv\r\nETag: {tag}\r\nContent-Length: {rest}\r\nConnection: close\r\n\r\n"
    ));
    let mut bytes = head.into_bytes();
    bytes.extend(file().into_iter().skip(first).take(most));
    Reply::Raw(bytes)
}

fn other(asked: &Asked) -> Reply {
    match &*asked.path {
        "cdr/download" => Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS",
            "file": "cdr.csv", "download_resource_url": LINK})),
        _ => Reply::Json(Value::Null),
    }
}

#[tokio::test]
async fn an_operations_link_gives_the_file() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK => part(asked, LENGTH, 1),
        _ => other(asked),
    })
    .await;
    let client = pbx.client();
    let request = CdrDownloadRequest::default();
    let made = client.cdr().download(&request);
    let link = made.await.unwrap().download_resource_url.unwrap();
    let mut download = client.download(&link).await.unwrap();
    assert_eq!(download.length(), Some(LENGTH as u64));
    let mut bytes = Vec::new();
    download.write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, file());
    let asked = pbx.asked(LINK);
    assert_eq!(asked[0].query("access_token"), "access-1");
}

#[tokio::test]
async fn a_broken_download_goes_on_where_it_broke() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK => part(asked, 70_000, 1),
        _ => other(asked),
    })
    .await;
    let path = std::env::temp_dir().join(format!("strowger-client-{}.csv", std::process::id()));
    let mut download = pbx.client().download(LINK).await.unwrap();
    assert_eq!(download.save(&path).await.unwrap(), LENGTH as u64);
    assert_eq!(std::fs::read(&path).unwrap(), file());
    std::fs::remove_file(&path).unwrap();
    let ranges: Vec<_> = pbx
        .asked(LINK)
        .iter()
        .map(|asked| asked.headers.get("range").cloned())
        .collect();
    assert_eq!(ranges.len(), 3);
    assert_eq!(ranges[0], None);
    assert!(ranges[1].is_some() && ranges[2].is_some(), "{ranges:?}");
}

#[tokio::test]
async fn parts_of_two_versions_are_never_put_together() {
    let version = AtomicUsize::new(0);
    let pbx = Pbx::start(move |asked: &Asked| match &*asked.path {
        LINK => part(asked, 70_000, version.fetch_add(1, Ordering::Relaxed)),
        _ => other(asked),
    })
    .await;
    let mut download = pbx.client().download(LINK).await.unwrap();
    let error = download.write_to(&mut Vec::new()).await.unwrap_err();
    assert!(matches!(error, Error::Broken(_)), "{error}");
}

#[tokio::test]
async fn a_download_that_never_goes_on_is_given_up() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK => part(asked, 0, 1),
        _ => other(asked),
    })
    .await;
    let mut download = pbx.client().download(LINK).await.unwrap();
    assert!(download.write_to(&mut Vec::new()).await.is_err());
    assert!(pbx.asked(LINK).len() < 10);
}

#[tokio::test]
async fn a_file_of_unknown_length_that_broke_at_its_very_end_is_whole() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK if asked.headers.contains_key("range") => Reply::Raw(
            format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{LENGTH}\r\n\
                 Content-Length: 0\r\nConnection: close\r\n\r\n"
            )
            .into_bytes(),
        ),
        LINK => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\
                Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
            let mut bytes = head.as_bytes().to_vec();
            bytes.extend(format!("{LENGTH:x}\r\n").into_bytes());
            bytes.extend(file());
            // And no last chunk.
            bytes.extend(b"\r\n");
            Reply::Raw(bytes)
        }
        _ => other(asked),
    })
    .await;
    let mut bytes = Vec::new();
    let mut download = pbx.client().download(LINK).await.unwrap();
    assert_eq!(download.length(), None);
    download.write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, file());
}

#[tokio::test]
async fn a_refusal_is_no_file_whatever_its_status() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK => {
            let body = r#"{"errcode":60001,"errmsg":"DATA NOT FOUND"}"#;
            Reply::Raw(
                format!(
                    "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\
                     Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                )
                .into_bytes(),
            )
        }
        _ => other(asked),
    })
    .await;
    let error = pbx.client().download(LINK).await.unwrap_err();
    assert_eq!(error.errcode(), Some(60001), "{error}");
}

#[tokio::test]
async fn a_refusal_is_no_file() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK => Reply::refused(60001, "DATA NOT FOUND"),
        _ => other(asked),
    })
    .await;
    let error = pbx.client().download(LINK).await.unwrap_err();
    assert_eq!(error.errcode(), Some(60001));
}

#[tokio::test]
async fn a_token_that_expired_meanwhile_is_replaced() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        LINK if asked.query("access_token") == "access-1" => Reply::refused(10004, "TOKEN EXPIRED"),
        LINK => part(asked, LENGTH, 1),
        _ => other(asked),
    })
    .await;
    let mut bytes = Vec::new();
    let mut download = pbx.client().download(LINK).await.unwrap();
    download.write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, file());
}

/// `503`, to be asked again in no time.
fn busy() -> Reply {
    let body = r#"{"errcode":70082,"errmsg":"OVERLOAD_TASK_RUNNING"}"#;
    Reply::Raw(
        format!(
            "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

#[tokio::test]
async fn a_pbx_that_is_busy_when_a_download_goes_on_is_asked_again() {
    let turn = AtomicUsize::new(0);
    let pbx = Pbx::start(move |asked: &Asked| match &*asked.path {
        LINK => match turn.fetch_add(1, Ordering::Relaxed) {
            1 | 2 => busy(),
            _ => part(asked, 120_000, 1),
        },
        _ => other(asked),
    })
    .await;
    let mut bytes = Vec::new();
    let mut download = pbx.client().download(LINK).await.unwrap();
    download.write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, file());
}

/// The whole file in chunks, without a length and without an end.
fn endless(most: usize) -> Reply {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\
        Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let mut bytes = head.as_bytes().to_vec();
    bytes.extend(format!("{most:x}\r\n").into_bytes());
    bytes.extend(&file()[..most]);
    bytes.extend(b"\r\n");
    Reply::Raw(bytes)
}

#[tokio::test]
async fn a_download_that_could_not_go_on_never_looks_like_one_that_ended() {
    let turn = AtomicUsize::new(0);
    let pbx = Pbx::start(move |asked: &Asked| match &*asked.path {
        LINK => match turn.fetch_add(1, Ordering::Relaxed) {
            0 => endless(70_000),
            1 => Reply::refused(10005, "ACCESS DENIED"),
            _ => part(asked, LENGTH, 1),
        },
        _ => other(asked),
    })
    .await;
    let mut bytes = Vec::new();
    let mut download = pbx.client().download(LINK).await.unwrap();
    let refused = download.write_to(&mut bytes).await.unwrap_err();
    assert_eq!(refused.errcode(), Some(10005), "{refused}");
    assert_eq!(bytes.len(), 70_000);
    // Asked again, it goes on where it broke.
    download.write_to(&mut bytes).await.unwrap();
    assert_eq!(bytes, file());
}

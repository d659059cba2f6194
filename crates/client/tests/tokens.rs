//! Tokens: one place of the application's eight, however many clients share it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod pbx;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use pbx::{Asked, Pbx, Reply};
use strowger_client::{Error, Value, json};

/// Takes `access-<first>` and later tokens; says of others that they expired.
fn from(first: u32) -> impl Fn(&Asked) -> Reply {
    move |asked| {
        if matches!(&*asked.path, "get_token" | "refresh_token") {
            return Reply::Json(Value::Null);
        }
        let token = asked.query("access_token");
        let number: u32 = token.trim_start_matches("access-").parse().unwrap_or(0);
        match number >= first {
            true => Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS"})),
            false => Reply::refused(10004, "TOKEN EXPIRED"),
        }
    }
}

struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let name = format!("strowger-client-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name).join("tokens.json"))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

#[tokio::test]
async fn one_login_serves_all_requests_and_clones() {
    let pbx = Pbx::start(from(1)).await;
    let client = pbx.client();
    for _ in 0..3 {
        client.system().information().await.unwrap();
        client.clone().system().information().await.unwrap();
    }
    assert_eq!(pbx.asked("get_token").len(), 1);
}

#[tokio::test]
async fn an_expired_token_is_refreshed_and_the_request_made_again_once() {
    let pbx = Pbx::start(from(2)).await;
    pbx.client().system().information().await.unwrap();
    let expected = [
        "get_token",
        "system/information",
        "refresh_token",
        "system/information",
    ];
    assert_eq!(pbx.paths(), expected);
}

#[tokio::test]
async fn a_spent_refresh_token_means_a_login() {
    let pbx = Pbx::start(|asked: &Asked| match &*asked.path {
        "refresh_token" => Reply::refused(10004, "TOKEN EXPIRED"),
        _ => from(3)(asked),
    })
    .await;
    pbx.client().system().information().await.unwrap();
    assert_eq!(pbx.asked("get_token").len(), 2);
}

#[tokio::test]
async fn a_request_that_is_refused_again_is_not_made_a_third_time() {
    let pbx = Pbx::start(from(u32::MAX)).await;
    let error = pbx.client().system().information().await.unwrap_err();
    assert_eq!(error.errcode(), Some(10004));
    assert_eq!(pbx.asked("system/information").len(), 2);
}

#[tokio::test]
async fn clients_with_one_token_file_take_one_place_together() {
    let pbx = Pbx::start(from(1)).await;
    let file = File::new("shared");
    for _ in 0..5 {
        let client = pbx.builder().token_file(&file.0).build().unwrap();
        client.system().information().await.unwrap();
    }
    assert_eq!(pbx.asked("get_token").len(), 1);
    let kept = std::fs::read_to_string(&file.0).unwrap();
    assert!(!kept.contains("secret"), "{kept}");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_a_token_file() {
    use std::os::unix::fs::PermissionsExt;
    let pbx = Pbx::start(from(1)).await;
    let file = File::new("mode");
    let client = pbx.builder().token_file(&file.0).build().unwrap();
    client.token().await.unwrap();
    let mode = std::fs::metadata(&file.0).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_expired_token_in_a_file_is_refreshed_by_one_of_those_who_share_it() {
    let pbx = Pbx::start(from(2)).await;
    let file = File::new("race");
    let clients: Vec<_> = (0..4)
        .map(|_| pbx.builder().token_file(&file.0).build().unwrap())
        .collect();
    let asked: Vec<_> = clients
        .into_iter()
        .map(|client| tokio::spawn(async move { client.system().information().await.map(|_| ()) }))
        .collect();
    for one in asked {
        one.await.unwrap().unwrap();
    }
    assert_eq!(pbx.asked("get_token").len(), 1);
    assert_eq!(pbx.asked("refresh_token").len(), 1);
}

#[tokio::test]
async fn another_applications_tokens_in_the_file_are_not_used() {
    let pbx = Pbx::start(from(1)).await;
    let file = File::new("owner");
    for id in ["one", "two"] {
        let builder = strowger_client::Client::builder(&pbx.url).credentials(id, "secret");
        let client = builder.token_file(&file.0).build().unwrap();
        client.token().await.unwrap();
    }
    assert_eq!(pbx.asked("get_token").len(), 2);
}

#[tokio::test]
async fn closing_gives_the_place_back_and_empties_the_file() {
    let pbx = Pbx::start(from(1)).await;
    let file = File::new("close");
    let first = pbx.builder().token_file(&file.0).build().unwrap();
    first.token().await.unwrap();
    // Another process, which has asked for nothing yet.
    let second = pbx.builder().token_file(&file.0).build().unwrap();
    second.close().await.unwrap();
    let gone = pbx.asked("del_token");
    assert_eq!(gone.len(), 1);
    assert_eq!(gone[0].query("access_token"), "access-1");
    assert_eq!(std::fs::read(&file.0).unwrap(), b"");
}

#[tokio::test]
async fn wrong_credentials_are_said_so_and_not_tried_again() {
    let pbx = Pbx::start(|_: &Asked| {
        Reply::Json(json!({"errcode": -1, "errmsg": "FAILURE",
            "invalid_param_list": [{"field": "username or password", "value": "error"}]}))
    })
    .await;
    let Err(Error::Refused(refusal)) = pbx.client().system().information().await else {
        panic!()
    };
    assert_eq!(refusal.operation, "get_token");
    assert_eq!(refusal.invalid_fields(), ["username or password"]);
    assert_eq!(pbx.paths(), ["get_token"]);
}

#[tokio::test]
async fn a_token_that_was_not_given_back_is_kept_until_it_is() {
    let tries = AtomicU32::new(0);
    let pbx = Pbx::start(move |asked| match &*asked.path {
        "del_token" if tries.fetch_add(1, Ordering::Relaxed) == 0 => {
            Reply::Raw(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".to_vec())
        }
        "del_token" | "extension/list" => {
            Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS", "data": []}))
        }
        _ => Reply::Json(Value::Null),
    })
    .await;
    let file = File::new("kept");
    let client = pbx.builder().token_file(&file.0).build().unwrap();
    client.token().await.unwrap();
    assert!(client.close().await.is_err());
    client.close().await.unwrap();
    let given_back = pbx.asked("del_token");
    assert_eq!(given_back.len(), 2, "the same token, tried again");
    assert_eq!(given_back[1].query("access_token"), "access-1");
    assert_eq!(pbx.asked("get_token").len(), 1);
    assert_eq!(client.token_life().await.unwrap(), None);
}

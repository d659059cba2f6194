//! The limits on tokens and on guessing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use e2e::Server;
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::test]
async fn ninth_token_is_refused_until_one_is_given_back() {
    let server = Server::start().await;
    let first = server.api().await;
    for _ in 1..8 {
        assert_eq!(server.get_token(None).await["errcode"], 0);
    }
    assert_eq!(server.get_token(None).await["errcode"], 60002);
    first.get("del_token", &[]).await;
    assert_eq!(server.get_token(None).await["errcode"], 0);
    let gone = first.try_get("extension/list", &[]).await;
    assert_eq!(gone["errcode"], 10004, "{gone}");
}

#[tokio::test]
async fn fifth_wrong_secret_in_a_row_blocks_the_address() {
    let server = Server::start().await;
    for _ in 0..5 {
        let answer = server.get_token(Some("wrong")).await;
        assert_eq!(answer["errcode"], -1, "{answer}");
        let told = json!([{"field": "username or password", "value": "error"}]);
        assert_eq!(answer["invalid_param_list"], told);
    }
    let answer = server.get_token(None).await;
    assert_eq!(answer["errcode"], 70004, "{answer}");
}

#[tokio::test]
async fn refresh_token_is_spent_once() {
    let server = Server::start().await;
    let api = server.api().await;
    let tokens = server.get_token(None).await;
    let body = json!({"refresh_token": tokens["refresh_token"]});
    let fresh = api.try_post("refresh_token", body.clone()).await;
    assert_eq!(fresh["errcode"], 0, "{fresh}");
    assert_ne!(fresh["refresh_token"], tokens["refresh_token"]);
    let again = api.try_post("refresh_token", body).await;
    assert_ne!(again["errcode"], Value::from(0), "{again}");
}

/// What the binary says to a command, and whether it succeeded.
async fn command(server: &Server, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(e2e::binary())
        .arg("--config")
        .arg(server.config())
        .args(arguments)
        .output();
    let output = output.await.unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[tokio::test]
async fn the_command_line_lifts_a_block_and_nobody_else_may() {
    let server = Server::start().await;
    let nothing = command(&server, &["unblock"]).await;
    assert_eq!(nothing, (true, "no address was blocked\n".into()));
    for _ in 0..5 {
        server.get_token(Some("wrong")).await;
    }
    assert_eq!(server.get_token(None).await["errcode"], 70004);
    let other = command(&server, &["unblock", "192.0.2.7"]).await;
    assert_eq!(other, (true, "192.0.2.7 was not blocked\n".into()));
    assert_eq!(server.get_token(None).await["errcode"], 70004);
    let lifted = command(&server, &["unblock", "127.0.0.1"]).await;
    assert_eq!(lifted, (true, "127.0.0.1 may log in again\n".into()));
    assert_eq!(server.get_token(None).await["errcode"], 0);

    let socket = server.data().join("control.sock");
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A line that is no command is told so, and the next one is heard.
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream.write_all(b"{\"command\":\"dance\"}\n").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("{\"failed\":"), "{answer}");
    assert!(command(&server, &["unblock"]).await.0);

    // After a crash the socket is there and nobody behind it; a start mends it.
    let stopped = server.kill().await;
    assert!(socket.exists());
    let server = stopped.start().await;
    assert!(command(&server, &["unblock"]).await.0);
    let config = server.config();
    let (_, _stopped) = server.terminate().await;
    assert!(!socket.exists());
    let mut gone = Command::new(e2e::binary());
    let gone = gone
        .arg("--config")
        .arg(config)
        .arg("unblock")
        .output()
        .await;
    let gone = gone.unwrap();
    assert!(!gone.status.success());
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(
        said.contains("no exchange runs on the data directory"),
        "{said}"
    );
}

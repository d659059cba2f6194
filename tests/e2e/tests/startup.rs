//! Starting where one must not, or with a configuration that means nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::process::Output;

use e2e::{SOON, Server, TempDir, binary, within};
use tokio::process::Command;

async fn run(command: &mut Command) -> Output {
    let output = command.kill_on_drop(true).output();
    within(SOON, "end of the process", output).await.unwrap()
}

#[tokio::test]
async fn second_instance_on_one_data_directory_is_refused() {
    let server = Server::start().await;
    let mut second = Command::new(binary());
    second.arg("serve").arg("--config").arg(server.config());
    let output = run(&mut second).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    let data = server.data();
    assert!(said.contains(&*data.to_string_lossy()), "{said}");
    assert_eq!(
        server.get_token(None).await["errcode"],
        0,
        "the first goes on"
    );
    assert!(data.join("run.json").exists(), "and so does its run.json");
}

#[tokio::test]
async fn unknown_key_is_an_error_that_names_file_and_key() {
    let dir = TempDir::new("config");
    let file = dir.join("mistaken.toml");
    std::fs::write(&file, "[sip]\nupd = \"127.0.0.1:0\"\n").unwrap();
    let mut command = Command::new(binary());
    command
        .arg("serve")
        .arg("--config")
        .arg(&file)
        .current_dir(&*dir);
    let output = run(&mut command).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("mistaken.toml"), "{said}");
    assert!(said.contains("upd"), "{said}");
}

#[tokio::test]
async fn unknown_key_in_the_environment_is_an_error_that_names_it() {
    let dir = TempDir::new("environment");
    let mut command = Command::new(binary());
    command
        .arg("serve")
        .current_dir(&*dir)
        .env("STROWGER_SIP__UPD", "127.0.0.1:0");
    let output = run(&mut command).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    assert!(said.contains("upd"), "{said}");
}

#[tokio::test]
async fn database_that_is_not_sqlite_is_refused_by_name() {
    let dir = TempDir::new("database");
    let mut command = Command::new(binary());
    command
        .arg("serve")
        .current_dir(&*dir)
        .env("STROWGER_DATABASE__URL", "postgres://localhost/pbx");
    let output = run(&mut command).await;
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("database.url"), "{said}");
}

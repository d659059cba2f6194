//! Uploads: the file and the members beside it, as parts of one body.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod pbx;

use pbx::{Asked, Pbx, Reply};
use strowger_client::wire::prompts::{CustomPromptUploadRequest, IsCheck};
use strowger_client::{Error, Upload, json};

fn take(asked: &Asked) -> Reply {
    match &*asked.path {
        "custom_prompt/upload" if asked.query("access_token") == "access-1" => {
            Reply::refused(10004, "TOKEN EXPIRED")
        }
        "custom_prompt/upload" => Reply::Json(json!({"errcode": 0, "errmsg": "SUCCESS"})),
        "phonebook/delete" => Reply::Json(json!({"errcode": 1, "errmsg": "PARTIAL SUCCESS"})),
        _ => Reply::Json(strowger_client::Value::Null),
    }
}

#[tokio::test]
async fn a_file_is_sent_with_its_members_and_again_whole_after_an_expired_token() {
    let pbx = Pbx::start(take).await;
    let client = pbx.client();
    let request = CustomPromptUploadRequest {
        is_check: Some(IsCheck::Force),
    };
    let file = Upload::new("hello.wav", &b"RIFF of a kind"[..]);
    let prompts = client.custom_prompt();
    prompts.upload(&request, file).await.unwrap();
    let asked = pbx.asked("custom_prompt/upload");
    assert_eq!(asked.len(), 2);
    for one in asked {
        let kind = &one.headers["content-type"];
        assert!(kind.starts_with("multipart/form-data; boundary="), "{kind}");
        assert!(
            one.body.contains("name=\"is_check\"\r\n\r\nforce"),
            "{}",
            one.body
        );
        assert!(
            one.body.contains("name=\"file\"; filename=\"hello.wav\""),
            "{}",
            one.body
        );
        assert!(one.body.contains("RIFF of a kind"), "{}", one.body);
    }
}

#[tokio::test]
async fn success_in_part_is_an_error_of_its_own() {
    let pbx = Pbx::start(take).await;
    let client = pbx.client();
    let request = strowger_client::wire::contacts::PhonebookDeleteRequest { id: Some(1) };
    let phonebooks = client.phonebook();
    let error = phonebooks.delete(&request).await.unwrap_err();
    assert!(matches!(error, Error::Partial(_)), "{error}");
    let answer = client
        .ask("v1.0", "phonebook/delete", json!({"id": 1}))
        .await;
    assert_eq!(answer.unwrap()["errcode"], 1);
}

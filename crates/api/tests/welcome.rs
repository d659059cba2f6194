//! `extension/send_welcome_email` from the request to the letter in the server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;
#[path = "../../exchange/tests/common/smtp.rs"]
mod smtp;

use common::Pbx;
use exchange::mail::{MailSecurity, Mailer};
use serde_json::{Value, json};
use smtp::{Mood, SmtpServer};

const SEND: &str = "extension/send_welcome_email";

async fn extension(pbx: &Pbx, token: &str, number: &str, more: Value) -> i64 {
    let mut request = common::extension(number);
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    let answer = pbx.post("extension/create", token, request).await;
    answer["id"].as_i64().unwrap_or_else(|| panic!("{answer}"))
}

async fn server(mood: Mood) -> (SmtpServer, Pbx) {
    let server = SmtpServer::open(MailSecurity::None, mood).await;
    let mailer = Mailer::new(&server.config(MailSecurity::None)).unwrap();
    (server, Pbx::start_mailing(mailer).await)
}

#[tokio::test]
async fn success_means_that_the_server_has_every_letter() {
    let (server, pbx) = server(Mood::Kind).await;
    let token = &pbx.token().await;
    let ada = json!({"email_addr": "ada@example.org"});
    let ada = extension(&pbx, token, "1000", ada).await;
    let bob = json!({"email_addr": "bob@example.org", "email_language": "de"});
    let bob = extension(&pbx, token, "1001", bob).await;
    let answer = pbx
        .post(SEND, token, json!({"id_list": [ada, bob, ada]}))
        .await;
    assert_eq!(
        (&answer["errcode"], &answer["errmsg"]),
        (&json!(0), &json!("SUCCESS"))
    );
    let mut letters = server.letters();
    letters.sort_by(|a, b| a.to.cmp(&b.to));
    let to: Vec<&str> = letters.iter().map(|letter| letter.to.as_str()).collect();
    assert_eq!(to, ["ada@example.org", "bob@example.org"]);
    assert!(letters[0].data.contains("Your extension on Test PBX"));
    assert!(letters[0].data.contains("Number:    1000") && letters[0].data.contains("reg1000"));
    assert!(letters[1].data.contains("Ihre Nebenstelle an Test PBX"));
    let server_line = format!("Server:    {} (SIP over UDP)", pbx.handle.sip_address());
    assert!(
        letters[0].data.contains(&server_line),
        "{}",
        letters[0].data
    );
    for letter in letters {
        assert!(!letter.data.contains("Abcdefgh17"));
    }
    pbx.stop().await;
}

#[tokio::test]
async fn those_left_out_are_named_and_the_others_have_theirs() {
    let (server, pbx) = server(Mood::Choosy).await;
    let token = &pbx.token().await;
    let ada = json!({"email_addr": "ada@example.org"});
    let ada = extension(&pbx, token, "1000", ada).await;
    let bare = extension(&pbx, token, "1001", json!({})).await;
    let refused = json!({"email_addr": "nobody@example.org"});
    let refused = extension(&pbx, token, "1002", refused).await;
    let answer = pbx
        .post(SEND, token, json!({"id_list": [bare, refused, ada]}))
        .await;
    assert_eq!(answer["errcode"], 1, "{answer}");
    let why = |place: usize, id: i64, why: &str| json!({"field": format!("id_list[{place}]"), "value": id.to_string(), "validation_type": why});
    assert_eq!(
        answer["invalid_param_list"],
        json!([why(0, bare, "no_address"), why(1, refused, "not_sent")])
    );
    assert_eq!(server.letters().len(), 1);
    // None at all is no part of a success.
    let none = pbx.post(SEND, token, json!({"id_list": [refused]})).await;
    assert_eq!(none["errcode"], 10009, "{none}");
    assert_eq!(
        none["invalid_param_list"],
        json!([why(0, refused, "not_sent")])
    );
    let none = pbx.post(SEND, token, json!({"id_list": [bare]})).await;
    assert_eq!(none["errcode"], 40002, "{none}");
    // Nothing is sent where one of them does not exist.
    let strange = pbx.post(SEND, token, json!({"id_list": [ada, 99]})).await;
    assert_eq!(
        strange["invalid_param_list"],
        json!([why(1, 99, "not_found")])
    );
    for wrong in [json!([]), json!(vec![ada; 201]), json!("1"), json!(["x"])] {
        let answer = pbx.post(SEND, token, json!({"id_list": wrong})).await;
        assert_eq!(answer["errcode"], 40002, "{answer}");
    }
    assert_eq!(server.letters().len(), 1);
    pbx.stop().await;
}

#[tokio::test]
async fn without_a_server_it_says_so() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let ada = json!({"email_addr": "ada@example.org"});
    let ada = extension(&pbx, token, "1000", ada).await;
    let answer = pbx.post(SEND, token, json!({"id_list": [ada]})).await;
    assert_eq!(answer["errcode"], 10009);
    assert_eq!(
        answer["errmsg"],
        "OPERATION FAILED: no mail server is configured"
    );
    pbx.stop().await;
}

#[tokio::test]
async fn who_has_a_new_password_is_told_by_mail_unless_they_are_not_to_be() {
    let (server, pbx) = server(Mood::Kind).await;
    let token = &pbx.token().await;
    let ada = json!({"email_addr": "ada@example.org"});
    let ada = extension(&pbx, token, "1000", ada).await;
    let bob = json!({"email_addr": "bob@example.org", "enb_email_pwd_chg": 0});
    let bob = extension(&pbx, token, "1001", bob).await;
    let change = async |id: i64, password: &str| {
        let request = json!({"id": id.to_string(), "user_password": password});
        pbx.post("extension/update", token, request).await["errcode"].clone()
    };
    // What is no new password tells nobody.
    assert_eq!(change(bob, "Changed-pass-1").await, 0);
    assert_eq!(change(ada, "********").await, 0);
    assert_eq!(change(ada, "short").await, 40002);
    assert_eq!(change(99, "Changed-pass-1").await, 60001);
    assert_eq!(change(ada, "Changed-pass-1").await, 0);
    let told = async {
        while server.letters().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), told)
        .await
        .unwrap();
    let letters = server.letters();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].to, "ada@example.org");
    assert!(
        letters[0]
            .data
            .contains("Your password on Test PBX was changed")
    );
    assert!(!letters[0].data.contains("Changed-pass-1"));
    pbx.stop().await;
}

//! Who has proved nothing yet: one answer for each request, and nothing is
//! kept of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::House;
use common::wire::WirePhone;
use exchange::Load;
use serde_json::json;
use sip::digest::{self, Algorithm, Client};
use sip::{HeaderName, Message, Method};

async fn load(house: &House) -> Load {
    house.running.handle.load().await.unwrap()
}

fn credentials(method: Method, challenge: &digest::Challenge, user: &str) -> (HeaderName, String) {
    let client = Client {
        username: user,
        password: "secret-1000",
    };
    let request = digest::Request {
        method: method.as_str(),
        uri: "sip:127.0.0.1",
        body: &[],
    };
    let credentials = client.answer(challenge, request, "c0ffee", 1);
    (HeaderName::Authorization, credentials.to_string())
}

fn challenge(response: &Message) -> digest::Challenge {
    let (_, challenge) = digest::strongest(digest::challenges(response)).unwrap();
    challenge
}

#[tokio::test]
async fn who_has_proved_nothing_gets_one_answer_and_leaves_nothing() {
    let house = House::open().await;
    house.extension("1000", json!({})).await;
    let mut phone = WirePhone::new(&house, "1000").await;
    for (method, status) in [
        (Method::Invite, 401),
        (Method::Register, 401),
        (Method::Options, 200),
    ] {
        let mut asked = phone.uninvited("1001");
        let contact = [(HeaderName::Contact, phone.contact())];
        phone.send(method.clone(), &mut asked, &contact, None).await;
        // Not even a 100 is sent before it.
        let answer = phone.next().await;
        assert_eq!(answer.status(), Some(status), "{method}");
        let load = load(&house).await;
        assert_eq!((load.sip_sessions, load.sip_transactions), (0, 0));
        if status == 200 {
            continue;
        }
        let mut headers = contact.to_vec();
        headers.push(credentials(method.clone(), &challenge(&answer), "nobody"));
        phone.send(method.clone(), &mut asked, &headers, None).await;
        assert_eq!(phone.next().await.status(), Some(403), "{method}");
    }
    let load = load(&house).await;
    assert_eq!((load.sip_sessions, load.sip_transactions), (0, 0));
}

#[tokio::test]
async fn rfc4475_3_3_7_authorization_of_an_unknown_scheme_is_none() {
    let house = House::open().await;
    let mut phone = WirePhone::new(&house, "1000").await;
    let mut asked = phone.uninvited("1000");
    let strange = [(
        HeaderName::Authorization,
        "NoOneKnowsThisScheme opaque-data=here".into(),
    )];
    phone
        .send(Method::Register, &mut asked, &strange, None)
        .await;
    let answer = phone.response(&asked, 200..700).await;
    assert_eq!(answer.status(), Some(401));
    assert_eq!(challenge(&answer).realm, "strowger");
}

#[tokio::test]
async fn digest_algorithm_that_was_not_asked_for_is_not_taken() {
    let house = House::open_by(
        tempfile::tempdir().unwrap(),
        |mut config, store, settings| {
            config.digest = vec![Algorithm::Sha256];
            exchange::start(config, store, settings)
        },
    )
    .await;
    house.extension("1000", json!({})).await;
    let mut phone = WirePhone::new(&house, "1000").await;
    let mut asked = phone.uninvited("1000");
    for (algorithm, status) in [(Algorithm::Md5, 401), (Algorithm::Sha256, 200)] {
        phone.send(Method::Register, &mut asked, &[], None).await;
        let mut challenge = challenge(&phone.response(&asked, 200..700).await);
        assert_eq!(challenge.algorithm, Algorithm::Sha256);
        challenge.algorithm = algorithm;
        let proof = credentials(Method::Register, &challenge, "auth1000");
        phone
            .send(Method::Register, &mut asked, &[proof], None)
            .await;
        let answer = phone.response(&asked, 200..700).await;
        assert_eq!(answer.status(), Some(status), "{algorithm}");
    }
}

//! A PBX with two extensions, their phones and a mail server, and how the walk speaks to it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use exchange::mail::{MailSecurity, Mailer};
use serde_json::{Map, Value, json};
use softphone::{Answer, Softphone, SoftphoneConfig};
use wire::Operation;
use wire::contract::HttpMethod;

use crate::common::{PATIENCE, Pbx};
use crate::fixtures::{self, KindFixture};
use crate::smtp::{Mood, SmtpServer};

pub struct World {
    pub pbx: Pbx,
    /// The token of all requests that need one.
    pub token: String,
    /// The id of extension 1000.
    pub extension: i64,
    number: AtomicU32,
    _mail: SmtpServer,
    _phones: Vec<Softphone>,
}

impl World {
    pub async fn open() -> Self {
        let mail = SmtpServer::open(MailSecurity::None, Mood::Kind).await;
        let mailer = Mailer::new(&mail.config(MailSecurity::None)).unwrap();
        let pbx = Pbx::start_mailing(mailer).await;
        let token = pbx.token().await;
        let extension = pbx.extension(&token, "1000").await;
        let address = json!({"id": extension, "email_addr": "ada@example.org"});
        pbx.post("extension/update", &token, address).await;
        pbx.extension(&token, "1001").await;
        let mut phones = Vec::new();
        for number in ["1000", "1001"] {
            phones.push(phone(&pbx, number).await);
        }
        Self {
            pbx,
            token,
            extension,
            number: AtomicU32::new(0),
            _mail: mail,
            _phones: phones,
        }
    }

    pub async fn close(self) {
        self.pbx.stop().await;
    }

    /// A number that was not given before.
    pub fn number(&self) -> u32 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes an object of a kind; its id.
    pub async fn object(&self, fixture: &KindFixture) -> i64 {
        let path = format!("{}/create", fixture.kind);
        let create = wire::contract::operation("v1.0", &path).unwrap();
        let Value::Object(body) = (fixture.create)(self.number()) else {
            panic!("what creates {} is an object", fixture.kind);
        };
        let answer = self.send(create, &body).await;
        assert_eq!(answer["errcode"], 0, "{path} {answer}");
        answer["id"].as_i64().unwrap()
    }

    /// A channel of a call that stands.
    pub async fn live_channel(&self) -> String {
        let asked = Instant::now();
        loop {
            // Each phone has one call: one that stands is as good as a new one.
            let query = [("type", "internal")];
            let answer = self.pbx.get("call/query", &self.token, &query).await;
            let calls = answer["data"].as_array().unwrap();
            let members = calls
                .iter()
                .filter_map(|call| call["members"].as_array())
                .flatten();
            for member in members {
                let leg = &member["extension"];
                if leg["member_status"] == "ANSWER" || leg["member_status"] == "ANSWERED" {
                    return leg["channel_id"].as_str().unwrap().to_owned();
                }
            }
            if calls.is_empty() {
                let dial = json!({"caller": "1000", "callee": "1001"});
                self.pbx.post("call/dial", &self.token, dial).await;
            }
            assert!(asked.elapsed() < PATIENCE, "nobody answers: {answer}");
        }
    }

    /// Registers a phone of an extension, and has it say goodbye.
    pub async fn phone_comes_and_goes(&self, number: &str) {
        let phone = phone(&self.pbx, number).await;
        phone.unregister().await.unwrap();
    }

    /// The parameters of a good call.
    pub async fn good(&self, operation: &Operation) -> Map<String, Value> {
        let (version, path) = (operation.version, operation.path);
        match fixtures::good(self, operation).await {
            Some(Value::Object(params)) => params,
            Some(other) => panic!("the good call of {version}/{path} is no object: {other}"),
            None => panic!(
                "{version}/{path} is in api::IMPLEMENTED and has no good call: give its kind a \
                 row in KINDS, or it an arm in good(), in crates/api/tests/contract/fixtures.rs"
            ),
        }
    }

    /// Calls an operation as it should be called, but for what `change` does.
    pub async fn good_call(
        &self,
        operation: &Operation,
        change: impl FnOnce(&mut Map<String, Value>),
    ) -> Value {
        let mut params = self.good(operation).await;
        change(&mut params);
        let answer = self.send(operation, &params).await;
        self.settle(&answer).await;
        answer
    }

    /// Gives back the place of tokens that an answer brought: there are eight.
    pub async fn settle(&self, answer: &Value) {
        if let Some(token) = answer["access_token"].as_str() {
            self.pbx.get("del_token", token, &[]).await;
        }
    }

    /// Gives back what was made for a good call that was never called.
    pub async fn forget(&self, operation: &Operation, good: &Map<String, Value>) {
        match operation.path {
            "refresh_token" => {
                let answer = self.send(operation, good).await;
                self.settle(&answer).await;
            }
            "del_token" => {
                self.send(operation, good).await;
            }
            _ => {}
        }
    }

    pub async fn send(&self, operation: &Operation, params: &Map<String, Value>) -> Value {
        let pairs: Vec<_> = params
            .iter()
            .map(|(name, value)| (name.as_str(), value))
            .collect();
        self.send_pairs(operation, &pairs).await
    }

    /// Sends what no map can hold: a name that comes twice.
    pub async fn send_pairs(&self, operation: &Operation, pairs: &[(&str, &Value)]) -> Value {
        let url = format!(
            "{}/openapi/{}/{}",
            self.pbx.url, operation.version, operation.path
        );
        let own_token = pairs.iter().any(|(name, _)| *name == "access_token");
        let request = match operation.method {
            HttpMethod::Get => {
                let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
                let pairs: Vec<_> = pairs
                    .iter()
                    .map(|(name, value)| (*name, text(value)))
                    .collect();
                self.pbx.http.get(url).query(&pairs)
            }
            HttpMethod::Post => {
                let members: Vec<_> = pairs
                    .iter()
                    .map(|(name, value)| format!("{}:{value}", json!(name)))
                    .collect();
                self.pbx
                    .http
                    .post(url)
                    .body(format!("{{{}}}", members.join(",")))
            }
        };
        Pbx::answer(if own_token {
            request
        } else {
            request.query(&[("access_token", &self.token)])
        })
        .await
    }
}

async fn phone(pbx: &Pbx, number: &str) -> Softphone {
    let phone = Softphone::start(SoftphoneConfig {
        registrar: pbx.sip_udp(),
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        number: number.into(),
        reg_name: format!("reg{number}"),
        password: "Abcdefgh17".into(),
        tone: None,
        codecs: vec![media::Codec::Pcmu],
        answer: Answer::After(Duration::ZERO),
    });
    let phone = phone.await.unwrap();
    phone.register().await.unwrap();
    phone
}

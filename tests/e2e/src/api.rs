//! The P-Series API as an application uses it.

use serde_json::{Value, json};

use crate::http::{encoded, request};

/// An extension's phone login.
#[derive(Debug, Clone)]
pub struct Account {
    /// The object's id.
    pub id: i64,
    /// Extension number.
    pub number: String,
    /// Digest user: not the number, so that a mix-up shows.
    pub username: String,
    /// Digest password.
    pub password: String,
}

/// The API with a token.
#[derive(Debug, Clone)]
pub struct Api {
    /// Host and port of HTTP.
    pub address: String,
    /// The access token.
    pub token: String,
}

impl Api {
    /// Asks for a token and returns the whole answer.
    pub async fn get_token(address: &str, id: &str, secret: &str) -> Value {
        let body = json!({"username": id, "password": secret});
        request(address, "POST", "/openapi/v1.0/get_token", Some(&body)).await
    }

    /// Logs in.
    pub async fn login(address: &str, id: &str, secret: &str) -> Self {
        let answer = Self::get_token(address, id, secret).await;
        assert_eq!(answer["errcode"], 0, "get_token: {answer}");
        Self {
            address: address.to_owned(),
            token: answer["access_token"].as_str().unwrap().to_owned(),
        }
    }

    /// GET, whatever the errcode.
    pub async fn try_get(&self, operation: &str, query: &[(&str, &str)]) -> Value {
        let mut path = format!("/openapi/v1.0/{operation}?access_token={}", self.token);
        for (name, value) in query {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
        request(&self.address, "GET", &path, None).await
    }

    /// POST, whatever the errcode.
    pub async fn try_post(&self, operation: &str, body: Value) -> Value {
        let path = format!("/openapi/v1.0/{operation}?access_token={}", self.token);
        request(&self.address, "POST", &path, Some(&body)).await
    }

    /// GET that must succeed.
    pub async fn get(&self, operation: &str, query: &[(&str, &str)]) -> Value {
        let answer = self.try_get(operation, query).await;
        assert_eq!(answer["errcode"], 0, "{operation}: {answer}");
        answer
    }

    /// POST that must succeed.
    pub async fn post(&self, operation: &str, body: Value) -> Value {
        let answer = self.try_post(operation, body).await;
        assert_eq!(answer["errcode"], 0, "{operation}: {answer}");
        answer
    }

    /// Creates an extension.
    pub async fn extension(&self, number: &str) -> Account {
        let username = format!("reg{number}");
        let password = format!("Secret{number}x");
        let answer = self
            .post(
                "extension/create",
                json!({
                    "type": "SIP",
                    "number": number,
                    "first_name": format!("User {number}"),
                    "user_password": "Portal0Portal1",
                    "reg_name": username,
                    "reg_password": password,
                    "concurrent_registrations": 1,
                    "presence_status": "available",
                }),
            )
            .await;
        Account {
            id: answer["id"].as_i64().expect("the new extension's id"),
            number: number.to_owned(),
            username,
            password,
        }
    }

    /// Switches the monitors of registration and call state on.
    pub async fn monitor(&self, accounts: &[&Account]) {
        let list: Vec<_> = accounts
            .iter()
            .map(|account| {
                json!({"ext_id": account.id, "enb_register_status": 1, "enb_call_status": 1})
            })
            .collect();
        self.post(
            "extension_status_monitor/update",
            json!({"ext_monitor_list": list}),
        )
        .await;
    }

    /// All call records, oldest first.
    pub async fn records(&self) -> Vec<Value> {
        let answer = self.get("cdr/search", &[]).await;
        answer["data"].as_array().cloned().unwrap_or_default()
    }
}

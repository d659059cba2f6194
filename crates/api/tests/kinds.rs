//! Kinds of configuration objects as an application sees them over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::Pbx;
use serde_json::{Value, json};

#[tokio::test]
async fn a_secret_is_read_in_base64_and_nowhere_else() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let id = &pbx.extension(token, "1000").await.to_string();
    let secret = async |which: &str| {
        pbx.get(
            "extension/getpassword",
            token,
            &[("id", id), ("type", which)],
        )
        .await
    };
    assert_eq!(secret("reg_password").await["password"], "QWJjZGVmZ2gxNw==");
    assert_eq!(secret("vm_pin").await["password"], "");
    assert_eq!(secret("user_password").await["errcode"], 40002);
    let nobody = [("id", "99"), ("type", "vm_pin")];
    let nobody = pbx.get("extension/getpassword", token, &nobody).await;
    assert_eq!(nobody["errcode"], 60001);
    let read = pbx.get("extension/get", token, &[("id", id)]).await;
    assert!(!read.to_string().contains("Abcdefgh17"));
    pbx.stop().await;
}

#[tokio::test]
async fn capacity_is_what_the_ports_hold_and_what_there_is() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    pbx.extension(token, "1000").await;
    let answer = pbx.get("system/capacity", token, &[]).await;
    // A thousand ports are five hundred pairs, of which a call takes two.
    assert_eq!(
        answer["data"],
        json!({"extension_capacity": 50_000, "extension_used": 1, "cc_capacity": 250, "cc_used": 0})
    );
    pbx.stop().await;
}

#[tokio::test]
async fn menus_hold_what_exists_and_the_rest_is_told_not_to() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let id = pbx.extension(token, "1000").await;
    let sales = json!({"name": "Sales", "parent_id": 1});
    let sales = pbx.post("organization/create", token, sales).await["id"].clone();
    let menu = async |menu: &str| {
        pbx.get("system/get_menuoptions", token, &[("menu", menu)])
            .await
    };
    assert_eq!(
        menu("extension").await["data"],
        json!([{"text": "1000-Extension 1000", "value": id.to_string()}])
    );
    assert_eq!(
        menu("ext_group").await["data"],
        json!([{"text": "Default_All_Extensions", "value": "1"}])
    );
    assert_eq!(
        menu("org_list").await["data"],
        json!([{"text": "Strowger", "value": "1",
                "item": [{"text": "Sales", "value": sales.to_string()}]}])
    );
    let roles = menu("role").await["data"].clone();
    assert_eq!(roles[4], json!({"text": "Human Resource", "value": "5"}));
    let zones = menu("timezone").await["data"].clone();
    assert!(
        zones
            .as_array()
            .unwrap()
            .iter()
            .any(|zone| zone["value"] == "Asia/Bangkok")
    );
    for other in ["ivr", "trunk", "queue_agent", "fxs"] {
        assert_eq!(menu(other).await["errcode"], 10009, "{other}");
    }
    assert_eq!(menu("rôle").await["errcode"], 40002);
    pbx.stop().await;
}

#[tokio::test]
async fn a_role_is_one_of_the_built_in_ones_and_named_in_the_list() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let id = pbx.extension(token, "1000").await;
    let give = async |role: Value| {
        let request = json!({"id": id, "role_id": role});
        pbx.post("extension/update", token, request).await["errcode"].clone()
    };
    assert_eq!(give(json!(3)).await, 0);
    let row = pbx.get("extension/list", token, &[]).await["data"][0].clone();
    assert_eq!(row["role_name"], "Operator");
    assert_eq!(give(json!(7)).await, 60101);
    assert_eq!(give(json!("0")).await, 0);
    let row = pbx.get("extension/list", token, &[]).await["data"][0].clone();
    assert_eq!(row["role_name"], "");
    pbx.stop().await;
}

#[tokio::test]
async fn payloads_and_the_alias_are_the_contracts() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let tree = pbx.get("organization/list", token, &[]).await;
    assert_eq!(tree["organization_list"][0]["id"], 1);
    assert!(tree.get("data").is_none() && tree.get("total_number").is_none());
    let one = pbx.get("organization/get", token, &[("id", "1")]).await;
    assert_eq!(one["organization_info"]["name"], "Strowger");
    let alias = pbx.get("organization/query", token, &[("id", "1")]).await;
    assert_eq!(alias["data"][0]["parent_id"], 0, "{alias}");
    let neither = pbx.get("organization/query", token, &[]).await;
    assert_eq!(neither["invalid_param_list"][0]["field"], "ids");
    // Elsewhere `id` is no name for it.
    let other = pbx.get("extensiongroup/query", token, &[("id", "1")]).await;
    assert_eq!(other["errcode"], 40002);
    let groups = pbx.get("extensiongroup/list", token, &[]).await;
    assert_eq!(groups["total_number"], 1);
    pbx.stop().await;
}

//! Company contacts and phonebooks over HTTP, as a CRM keeps them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::Pbx;
use serde_json::{Value, json};

fn contact(name: &str, number: &str) -> Value {
    json!({
        "first_name": name,
        "company": "Siam Trading",
        "number_list": [{"num_type": "mobile_number", "number": number}],
    })
}

#[tokio::test]
async fn a_crm_keeps_its_contacts_in_a_phonebook() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let post = |path: &'static str, body: Value| pbx.post(path, &token, body);
    let book = post("phonebook/create", json!({"name": "Customers"})).await;
    assert_eq!((&book["errcode"], &book["id"]), (&json!(0), &json!(1)));
    let mut ids = Vec::new();
    for (name, number) in [("สมชาย ใจดี", "+66 81 234 5678"), ("Ada", "02-123-4567")]
    {
        let made = post("company_contact/create", contact(name, number)).await;
        assert_eq!(made["errcode"], 0, "{made}");
        ids.push(made["id"].clone());
    }
    let put = json!({"id": 1, "add_contacts_id_list": ids});
    assert_eq!(post("phonebook/update", put).await["errcode"], 0);
    // Found by a part of the name and by the number without its signs.
    for text in ["ใจดี", "66812345"] {
        let query = [
            ("search_value", text),
            ("sort_by", "company"),
            ("page_size", "10"),
        ];
        let found = pbx.get("company_contact/search", &token, &query).await;
        assert_eq!(found["total_number"], 1, "{text}: {found}");
        assert_eq!(found["data"][0]["contact_name"], "สมชาย ใจดี");
        assert_eq!(found["data"][0]["mobile"], "+66 81 234 5678");
        assert_eq!(
            found["data"][0]["phonebook_list"],
            json!([{"id": 1, "name": "Customers"}])
        );
    }
    let list = pbx
        .get("phonebook/list", &token, &[("sort_by", "total")])
        .await;
    assert_eq!(
        list["data"],
        json!([{"id": 1, "name": "Customers", "total": 2, "member_select": "sel_specific"}])
    );
    // The guide's table says ids, its example id.
    for name in ["ids", "id"] {
        let several = pbx
            .get("company_contact/query", &token, &[(name, "2,1")])
            .await;
        assert_eq!(several["data"][0]["first_name"], "Ada", "{several}");
        assert_eq!(
            several["data"][1]["number_list"][0]["number"],
            "+66 81 234 5678"
        );
    }
    pbx.stop().await;
}

#[tokio::test]
async fn what_can_not_be_done_with_a_contact_is_told_by_its_code() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    let post = |path: &'static str, body: Value| pbx.post(path, &token, body);
    post("phonebook/create", json!({"name": "Customers"})).await;
    post("company_contact/create", contact("Ada", "1")).await;
    let mut lost = contact("Bob", "2");
    lost["phonebook_id_list"] = json!([1, 9]);
    for (path, body, code) in [
        ("company_contact/create", lost, 70093),
        (
            "phonebook/update",
            json!({"id": 1, "add_contacts_id_list": [1, 9]}),
            70128,
        ),
        ("phonebook/create", json!({"name": "Customers"}), 40003),
        (
            "company_contact/update",
            json!({"id": 9, "company": "x"}),
            60001,
        ),
    ] {
        let answer = post(path, body.clone()).await;
        assert_eq!(answer["errcode"], code, "{path} {body}: {answer}");
    }
    let mut twice = contact("Bob", "2");
    twice["number_list"] = json!([
        {"num_type": "mobile_number", "number": "2"},
        {"num_type": "mobile_number", "number": "3"},
    ]);
    let refused = post("company_contact/create", twice).await;
    assert_eq!(refused["errcode"], 40002);
    assert_eq!(
        refused["invalid_param_list"][0]["field"],
        "number_list[1].num_type"
    );
    // In a phonebook it stays; the phonebook goes, and the contact may.
    post(
        "phonebook/update",
        json!({"id": 1, "add_contacts_id_list": [1]}),
    )
    .await;
    let delete = |path: &'static str| pbx.get(path, &token, &[("id", "1")]);
    assert_eq!(delete("company_contact/delete").await["errcode"], 70091);
    assert_eq!(delete("phonebook/delete").await["errcode"], 0);
    assert_eq!(
        delete("company_contact/get").await["data"]["phonebook_list"],
        json!([])
    );
    assert_eq!(delete("company_contact/delete").await["errcode"], 0);
    assert_eq!(delete("company_contact/get").await["errcode"], 60001);
    pbx.stop().await;
}

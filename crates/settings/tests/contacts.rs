//! The kinds `company_contact` and `phonebook`, that who is in a phonebook is
//! one truth from both sides, and the name that a number is known by.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod support;

use serde_json::{Value, json};
use settings::{CallerMatch, Settings};
use support::{Dir, ask, faults, members, try_ask};

const BUSINESS: &str = "business_number";

/// A contact with a business number; its id.
async fn contact(settings: &Settings, name: &str, number: &str, more: Value) -> i64 {
    let mut request = members(json!({
        "first_name": name,
        "number_list": [{"num_type": BUSINESS, "number": number}],
    }));
    request.extend(members(more));
    made(settings, "company_contact", request.into()).await
}

async fn phonebook(settings: &Settings, name: &str, more: Value) -> i64 {
    let mut request = members(json!({ "name": name }));
    request.extend(members(more));
    made(settings, "phonebook", request.into()).await
}

async fn made(settings: &Settings, kind: &str, request: Value) -> i64 {
    let answer = ask(settings, &format!("{kind}/create"), request).await;
    answer["id"].as_i64().unwrap()
}

async fn detail(settings: &Settings, kind: &str, id: i64) -> Value {
    ask(settings, &format!("{kind}/get"), json!({ "id": id })).await["data"].clone()
}

/// A member of the rows of a list or search, and how many there are in all.
async fn rows(settings: &Settings, path: &str, member: &str, params: Value) -> (i64, Vec<Value>) {
    let answer = ask(settings, path, params).await;
    let rows = answer["data"].as_array().unwrap();
    let values = rows.iter().map(|row| row[member].clone()).collect();
    (answer["total_number"].as_i64().unwrap(), values)
}

/// The contacts of a phonebook, as it is read.
async fn contacts_of(settings: &Settings, phonebook: i64) -> Vec<i64> {
    let detail = detail(settings, "phonebook", phonebook).await;
    let list = detail["contacts_list"].as_array().unwrap();
    assert_eq!(detail["total"].as_u64().unwrap(), list.len() as u64);
    list.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// The phonebooks of a contact, as it is read.
async fn phonebooks_of(settings: &Settings, contact: i64) -> Vec<i64> {
    let detail = detail(settings, "company_contact", contact).await;
    let list = detail["phonebook_list"].as_array().unwrap();
    list.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

async fn code(settings: &Settings, path: &str, params: Value) -> i64 {
    let error = try_ask(settings, path, params).await.unwrap_err();
    i64::from(error.code().code())
}

#[tokio::test]
async fn a_contact_is_read_in_its_two_forms_and_after_a_restart() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let friends = phonebook(&settings, "Friends", json!({})).await;
    let request = json!({
        "first_name": "Nina", "last_name": "Müller", "company": "Straße & Co", "email": "nina@example.org",
        "phonebook_id_list": [friends], "remark": "likes\nlines", "job_title": "unknown here",
        "number_list": [
            {"num_type": "business_number", "number": " 02-123 4567 "},
            {"num_type": "mobile_number", "number": "+66 81 234 5678"},
            {"num_type": "home_number", "number": ""},
            {"num_type": "home_fax", "number": "99"},
        ],
        "zip_code": "10110", "street": "Sukhumvit", "city": "Bangkok", "country": "Thailand",
    });
    let id = made(&settings, "company_contact", request).await;
    let row = json!({
        "id": id, "contact_name": "Nina Müller", "company": "Straße & Co", "email": "nina@example.org",
        "phonebook_list": [{"id": friends, "name": "Friends"}], "remark": "likes\nlines",
        "business": "02-123 4567", "business2": "", "mobile": "+66 81 234 5678", "mobile2": "",
        "home": "", "home2": "", "business_fax": "", "home_fax": "99", "other": "",
    });
    let whole = json!({
        "id": id, "first_name": "Nina", "last_name": "Müller", "company": "Straße & Co",
        "email": "nina@example.org", "phonebook_list": [{"id": friends, "name": "Friends"}],
        "remark": "likes\nlines",
        "number_list": [
            {"num_type": "business_number", "number": "02-123 4567"},
            {"num_type": "mobile_number", "number": "+66 81 234 5678"},
            {"num_type": "home_fax", "number": "99"},
        ],
        "zip_code": "10110", "street": "Sukhumvit", "city": "Bangkok", "state": "", "country": "Thailand",
    });
    let list = ask(&settings, "company_contact/list", json!({})).await;
    assert_eq!(list["data"], json!([row]));
    // The row of a phonebook has all but the phonebooks.
    let book = detail(&settings, "phonebook", friends).await;
    let mut short = row.clone();
    short
        .as_object_mut()
        .unwrap()
        .shift_remove("phonebook_list");
    assert_eq!(book["contacts_list"], json!([short]));
    assert_eq!(detail(&settings, "company_contact", id).await, whole);
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(detail(&settings, "company_contact", id).await, whole);
    let query = ask(
        &settings,
        "company_contact/query",
        json!({"id": format!("{id},77")}),
    )
    .await;
    assert_eq!(query["data"], json!([whole]));
}

#[tokio::test]
async fn an_update_replaces_what_it_names_and_clears_what_it_sends_empty() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let id = contact(
        &settings,
        "Nina",
        "1",
        json!({"company": "Siam", "remark": "x"}),
    )
    .await;
    let change = json!({"id": id, "company": "", "number_list": [{"num_type": "other_number", "number": "22"}]});
    ask(&settings, "company_contact/update", change).await;
    let now = detail(&settings, "company_contact", id).await;
    assert_eq!(
        now["number_list"],
        json!([{"num_type": "other_number", "number": "22"}])
    );
    assert_eq!((&now["company"], &now["remark"]), (&json!(""), &json!("x")));
    assert_eq!(
        settings
            .snapshot()
            .contact_by_number("1", CallerMatch::Exact),
        None
    );
}

#[tokio::test]
async fn wrong_members_of_a_contact_are_named() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let two = |a: Value, b: Value| json!([{"num_type": BUSINESS, "number": "1"}, {"num_type": a, "number": b}]);
    for (member, value, field, rule) in [
        ("first_name", json!(" "), "first_name", "required"),
        ("first_name", json!("a\nb"), "first_name", "format"),
        ("company", json!("x".repeat(256)), "company", "max_len"),
        ("remark", json!("x".repeat(1025)), "remark", "max_len"),
        ("email", json!("nobody"), "email", "format"),
        ("number_list", json!([]), "number_list", "required"),
        (
            "number_list",
            json!([{"num_type": BUSINESS, "number": " "}]),
            "number_list",
            "required",
        ),
        (
            "number_list",
            two(json!("pager"), json!("1")),
            "number_list[1].num_type",
            "enum",
        ),
        (
            "number_list",
            two(json!(BUSINESS), json!("2")),
            "number_list[1].num_type",
            "duplicate",
        ),
        (
            "number_list",
            two(json!("home_number"), json!("1;2")),
            "number_list[1].number",
            "format",
        ),
        (
            "number_list",
            two(json!("home_number"), json!("()")),
            "number_list[1].number",
            "format",
        ),
        (
            "number_list",
            two(json!("home_number"), json!("1".repeat(32))),
            "number_list[1].number",
            "max_len",
        ),
        (
            "number_list",
            json!([{"number": "1"}]),
            "number_list[0].num_type",
            "required",
        ),
    ] {
        let mut request = members(json!({
            "first_name": "Nina",
            "number_list": [{"num_type": BUSINESS, "number": "1"}],
        }));
        request.insert(member.into(), value.clone());
        let refused = try_ask(&settings, "company_contact/create", request.into()).await;
        assert_eq!(
            faults(refused)[0],
            (field.into(), rule.into()),
            "{member}: {value}"
        );
    }
    // A last name is a name too, and numbers may be written as people write them.
    let odd = json!({"first_name": "", "last_name": "Li", "number_list": [{"num_type": BUSINESS, "number": "1-800-FLOWERS"}]});
    ask(&settings, "company_contact/create", odd).await;
    assert_eq!(settings.snapshot().count("company_contact"), 1);
}

#[tokio::test]
async fn contacts_are_found_by_every_number_and_in_every_case() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    for (name, number, more) in [
        ("Jörg GROßMANN", "02-123 4567", json!({"company": "Zeta"})),
        (
            "สมชาย ใจดี",
            "+66812345678",
            json!({"email": "somchai@example.org"}),
        ),
        (
            "Işıl",
            "5",
            json!({"company": "alpha", "last_name": "İnce"}),
        ),
    ] {
        contact(&settings, name, number, more).await;
    }
    let search = |text: &str| {
        let params = json!({"search_value": text, "sort_by": "contact_name"});
        let settings = settings.clone();
        async move { rows(&settings, "company_contact/search", "id", params).await }
    };
    for (text, ids) in [
        ("grossmann", json!([1])),
        ("JÖRG", json!([1])),
        ("ใจดี", json!([2])),
        ("SOMCHAI", json!([2])),
        ("ince", json!([3])),
        ("021234567", json!([1])),
        ("123 45", json!([1])),
        ("812345678", json!([2])),
        ("ALPHA", json!([3])),
        ("zeta1", json!([])),
        // Nothing reaches from one member into the next.
        ("example.org+66", json!([])),
    ] {
        assert_eq!(json!(search(text).await.1), ids, "{text}");
    }
    for (sort_by, order_by, ids) in [
        ("contact_name", "asc", json!([3, 1, 2])),
        ("company", "asc", json!([2, 3, 1])),
        ("company", "desc", json!([1, 3, 2])),
        ("business", "asc", json!([2, 1, 3])),
        ("id", "desc", json!([3, 2, 1])),
    ] {
        let params = json!({"sort_by": sort_by, "order_by": order_by});
        let found = rows(&settings, "company_contact/list", "id", params).await;
        assert_eq!((found.0, json!(found.1)), (3, ids), "{sort_by}");
    }
}

#[tokio::test]
async fn who_is_in_a_phonebook_is_one_truth_from_both_sides() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let friends = phonebook(&settings, "Friends", json!({})).await;
    let vendors = phonebook(&settings, "Vendors", json!({})).await;
    let nina = contact(
        &settings,
        "Nina",
        "1",
        json!({"phonebook_id_list": [friends, "2"]}),
    )
    .await;
    let omar = contact(&settings, "Omar", "2", json!({})).await;
    assert_eq!(phonebooks_of(&settings, nina).await, [friends, vendors]);
    assert_eq!(contacts_of(&settings, friends).await, [nina]);
    // From the phonebook's side, by differences.
    let change = json!({"id": friends, "add_contacts_id_list": [omar, omar], "del_contacts_id_list": [nina]});
    ask(&settings, "phonebook/update", change).await;
    assert_eq!(contacts_of(&settings, friends).await, [omar]);
    assert_eq!(phonebooks_of(&settings, nina).await, [vendors]);
    assert_eq!(phonebooks_of(&settings, omar).await, [friends]);
    let family = phonebook(
        &settings,
        "Family",
        json!({"member_select": "sel_specific", "add_contacts_id_list": [nina, omar]}),
    )
    .await;
    assert_eq!(contacts_of(&settings, family).await, [nina, omar]);
    // From the contact's side, as a whole list; not sent, it stays.
    ask(
        &settings,
        "company_contact/update",
        json!({"id": omar, "company": "x"}),
    )
    .await;
    assert_eq!(phonebooks_of(&settings, omar).await, [friends, family]);
    ask(
        &settings,
        "company_contact/update",
        json!({"id": omar, "phonebook_id_list": []}),
    )
    .await;
    assert_eq!(phonebooks_of(&settings, omar).await, Vec::<i64>::new());
    assert_eq!(contacts_of(&settings, family).await, [nina]);
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(contacts_of(&settings, family).await, [nina]);
    assert_eq!(phonebooks_of(&settings, nina).await, [vendors, family]);
}

#[tokio::test]
async fn a_phonebook_of_all_has_all_contacts_and_nobody_leaves_it() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let nina = contact(&settings, "Nina", "1", json!({})).await;
    let all = phonebook(&settings, "All", json!({"member_select": "sel_all"})).await;
    let omar = contact(&settings, "Omar", "2", json!({})).await;
    assert_eq!(contacts_of(&settings, all).await, [nina, omar]);
    assert_eq!(phonebooks_of(&settings, omar).await, [all]);
    let take = try_ask(
        &settings,
        "phonebook/update",
        json!({"id": all, "del_contacts_id_list": [nina]}),
    )
    .await;
    assert_eq!(faults(take)[0].0, "del_contacts_id_list");
    // It is not what holds a contact back.
    ask(&settings, "company_contact/delete", json!({"id": nina})).await;
    assert_eq!(contacts_of(&settings, all).await, [omar]);
    // Those that were put in are there again when it is one of some.
    ask(
        &settings,
        "phonebook/update",
        json!({"id": all, "add_contacts_id_list": [omar]}),
    )
    .await;
    let third = contact(&settings, "Third", "3", json!({})).await;
    assert_eq!(contacts_of(&settings, all).await, [omar, third]);
    ask(
        &settings,
        "phonebook/update",
        json!({"id": all, "member_select": "sel_specific"}),
    )
    .await;
    assert_eq!(contacts_of(&settings, all).await, [omar]);
    assert_eq!(phonebooks_of(&settings, third).await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_deleted_phonebook_leaves_its_contacts_and_a_chosen_contact_stays() {
    let dir = Dir::new();
    let (store, settings) = dir.open().await;
    let friends = phonebook(&settings, "Friends", json!({})).await;
    let vendors = phonebook(&settings, "Vendors", json!({})).await;
    let nina = contact(
        &settings,
        "Nina",
        "1",
        json!({"phonebook_id_list": [friends, vendors]}),
    )
    .await;
    assert_eq!(
        code(&settings, "company_contact/delete", json!({"id": nina})).await,
        70091
    );
    ask(&settings, "phonebook/delete", json!({"id": friends})).await;
    assert_eq!(phonebooks_of(&settings, nina).await, [vendors]);
    // One that is written again in its old words goes on without the phonebook.
    ask(
        &settings,
        "company_contact/update",
        json!({"id": nina, "company": "x"}),
    )
    .await;
    assert_eq!(
        code(&settings, "company_contact/delete", json!({"id": nina})).await,
        70091
    );
    ask(&settings, "phonebook/delete", json!({"id": vendors})).await;
    // A phonebook made later is another one, also where the name is the same.
    let again = phonebook(&settings, "Friends", json!({})).await;
    assert!(again > vendors);
    assert_eq!(contacts_of(&settings, again).await, Vec::<i64>::new());
    store.close().await;
    let (_store, settings) = dir.open().await;
    assert_eq!(phonebooks_of(&settings, nina).await, Vec::<i64>::new());
    ask(&settings, "company_contact/delete", json!({"id": nina})).await;
    assert_eq!(settings.snapshot().count("company_contact"), 0);
}

#[tokio::test]
async fn what_names_nothing_is_told_by_its_own_code_and_changes_nothing() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let nina = contact(&settings, "Nina", "1", json!({})).await;
    let book = phonebook(&settings, "Friends", json!({})).await;
    for (path, params, expected) in [
        (
            "company_contact/update",
            json!({"id": nina, "company": "x", "phonebook_id_list": [book, 77]}),
            70093,
        ),
        ("company_contact/get", json!({"id": 77}), 60001),
        (
            "phonebook/create",
            json!({"name": "New", "add_contacts_id_list": [nina, 77]}),
            70128,
        ),
        (
            "phonebook/update",
            json!({"id": book, "add_contacts_id_list": [nina], "del_contacts_id_list": [77]}),
            70128,
        ),
        ("phonebook/update", json!({"id": 77, "name": "x"}), 60001),
        ("phonebook/create", json!({"name": "Friends"}), 40003),
        ("phonebook/create", json!({"name": " "}), 40002),
        (
            "phonebook/create",
            json!({"name": "x", "member_select": "some"}),
            40002,
        ),
    ] {
        assert_eq!(
            code(&settings, path, params.clone()).await,
            expected,
            "{path} {params}"
        );
    }
    assert_eq!(contacts_of(&settings, book).await, Vec::<i64>::new());
    assert_eq!(
        detail(&settings, "company_contact", nina).await["company"],
        ""
    );
    assert_eq!(settings.snapshot().count("phonebook"), 1);
}

#[tokio::test]
async fn phonebooks_are_sorted_by_name_and_by_how_many_are_in_them() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let (a, b) = (
        contact(&settings, "A", "1", json!({})).await,
        contact(&settings, "B", "2", json!({})).await,
    );
    phonebook(&settings, "two", json!({"add_contacts_id_list": [a, b]})).await;
    phonebook(&settings, "None", json!({})).await;
    phonebook(&settings, "one", json!({"add_contacts_id_list": [b]})).await;
    for (params, names) in [
        (json!({"sort_by": "name"}), json!(["None", "one", "two"])),
        (json!({"sort_by": "total"}), json!(["None", "one", "two"])),
        (
            json!({"sort_by": "total", "order_by": "desc", "page_size": 2}),
            json!(["two", "one"]),
        ),
        (
            json!({"sort_by": "total", "page": 2, "page_size": 2}),
            json!(["two"]),
        ),
        (json!({"sort_by": "id"}), json!(["two", "None", "one"])),
    ] {
        let (total, found) = rows(&settings, "phonebook/list", "name", params.clone()).await;
        assert_eq!((total, json!(found)), (3, names), "{params}");
    }
    let (total, found) = rows(
        &settings,
        "phonebook/search",
        "total",
        json!({"search_value": "ON"}),
    )
    .await;
    assert_eq!((total, found), (2, vec![json!(0), json!(1)]));
}

#[tokio::test]
async fn a_caller_is_known_by_the_contact_that_has_the_number() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let dora = contact(
        &settings,
        "Dora",
        "+66 (81) 234-5678",
        json!({"company": "Siam", "last_name": "D"}),
    )
    .await;
    contact(&settings, "Late", "66812345678", json!({})).await;
    let short = contact(&settings, "Short", "5678", json!({})).await;
    let other = contact(&settings, "Other", "0899 234 5678", json!({})).await;
    let known = |number: &str, matching| {
        let caller = settings.snapshot().contact_by_number(number, matching);
        caller.map(|caller| caller.id)
    };
    let exact = |number: &str| known(number, CallerMatch::Exact);
    // Signs don't count, and of two contacts the first one is told.
    assert_eq!(exact("66812345678"), Some(dora));
    assert_eq!(exact("+66812345678"), Some(dora));
    assert_eq!(exact("0812345678"), None);
    assert_eq!(exact("5678"), Some(short));
    assert_eq!(exact(""), None);
    assert_eq!(exact("anonymous"), None);
    let last = |number: &str, digits| known(number, CallerMatch::LastDigits(digits));
    // The one that is alike over the longest end.
    assert_eq!(last("0812345678", 7), Some(dora));
    assert_eq!(last("0992345678", 7), Some(other));
    assert_eq!(last("0812345678", 9), Some(dora));
    assert_eq!(last("0712345678", 9), None);
    // A number that is not longer than what is compared must be the same.
    assert_eq!(last("2345678", 7), None);
    assert_eq!(last("5678", 7), Some(short));
    assert_eq!(known("66812345678", CallerMatch::Off), None);
    let caller = settings
        .snapshot()
        .contact_by_number("66812345678", CallerMatch::Exact)
        .unwrap();
    assert_eq!(
        (caller.name.as_str(), caller.company.as_str()),
        ("Dora D", "Siam")
    );
    // What a number was is no name any more.
    let moved = json!({"id": dora, "number_list": [{"num_type": "home_number", "number": "42"}]});
    ask(&settings, "company_contact/update", moved).await;
    assert_ne!(exact("66812345678"), Some(dora));
    ask(&settings, "company_contact/delete", json!({"id": short})).await;
    assert_eq!(exact("5678"), None);
}

#[tokio::test]
async fn a_phonebook_that_is_gone_is_refused_as_often_as_it_is_sent() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    let nina = contact(&settings, "Nina", "1", json!({})).await;
    let kept = phonebook(&settings, "Kept", json!({"add_contacts_id_list": [nina]})).await;
    let gone = phonebook(&settings, "Gone", json!({"add_contacts_id_list": [nina]})).await;
    ask(&settings, "phonebook/delete", json!({"id": gone})).await;
    for ids in [json!([gone]), json!([kept, gone]), json!([gone])] {
        let change = json!({"id": nina, "phonebook_id_list": ids});
        assert_eq!(
            code(&settings, "company_contact/update", change).await,
            70093
        );
    }
    // Who does not speak of phonebooks is not held up by it.
    let change = json!({"id": nina, "remark": "x"});
    ask(&settings, "company_contact/update", change).await;
    assert_eq!(phonebooks_of(&settings, nina).await, [kept]);
}

#[tokio::test]
async fn of_very_many_numbers_that_end_alike_the_most_alike_is_told() {
    let dir = Dir::new();
    let (_store, settings) = dir.open().await;
    // In the order of their ends these stand before the one that is looked for.
    for n in 0..300 {
        contact(
            &settings,
            "Far",
            &format!("{n:03}{}", "02345678"),
            json!({}),
        )
        .await;
    }
    let near = contact(&settings, "Near", "+66 92345678", json!({})).await;
    let later = contact(&settings, "Later", "+49 92345678", json!({})).await;
    let known = |number: &str| {
        let matching = CallerMatch::LastDigits(7);
        let caller = settings.snapshot().contact_by_number(number, matching);
        caller.map(|caller| caller.id)
    };
    assert_eq!(known("092345678"), Some(near));
    assert_eq!(known("92345678"), Some(near));
    assert_eq!(known("0692345678"), Some(near));
    assert_eq!(known("999992345678"), Some(later));
    assert_eq!(known("00012345678"), Some(1));
    assert_eq!(known("00012345679"), None);
}

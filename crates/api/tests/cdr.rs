//! Call records: both time dialects, every filter, the options, files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::{Pbx, Rules};
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use serde_json::{Value, json};
use store::{Batch, CdrRow};

async fn keep(pbx: &Pbx, records: Vec<CdrRow>) {
    let batch = Batch {
        records,
        ..Batch::default()
    };
    pbx.store.write(batch).await.unwrap();
}

/// 2026-09-21 14:13:20 UTC and so many seconds, in the order of their ends.
fn leg(number: i64, from: &str, to: &str) -> CdrRow {
    CdrRow {
        new_id: format!("0000abcd-{number:08x}"),
        uid: format!("2026092121132{number:06X}"),
        call_id: format!("1790000000.{number}"),
        time_start: 1_790_000_000 + number,
        call_from_number: from.into(),
        call_to_number: to.into(),
        duration: 9,
        ring_duration: 4,
        talk_duration: 5,
        disposition: "ANSWERED".into(),
        call_type: "Internal".into(),
        ..CdrRow::default()
    }
}

fn total(answer: &Value) -> i64 {
    assert_eq!(answer["errcode"], 0, "{answer}");
    answer["total_number"].as_i64().unwrap()
}

/// What is asked, with which parameters, and which records answer.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [i64]);

#[tokio::test]
async fn times_are_taken_and_given_in_the_pbxs_zone_and_format() {
    let pbx = Pbx::start_with(Rules {
        clock: Some(("Asia/Bangkok", "DD/MM/YYYY", "hh:mm:ss")),
        ..Rules::default()
    })
    .await;
    let token = &pbx.token().await;
    let day = 86_400;
    keep(&pbx, (0..3).map(|n| leg(n * day, "1000", "1001")).collect()).await;
    let found = async |start: &str, end: &str| {
        let query = [("start_time", start), ("end_time", end)];
        let answer = pbx.get("cdr/search", token, &query).await;
        total(&answer);
        let rows = answer["data"].as_array().unwrap().iter();
        rows.map(|row| row["time"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let second = ["22/09/2026 09:13:20 PM"];
    assert_eq!(
        found("22/09/2026 09:13:20 PM", "22/09/2026 09:13:20 PM").await,
        second
    );
    assert_eq!(
        found("22/09/2026 12:00:00 AM", "22/09/2026 11:59:59 PM").await,
        second
    );
    assert_eq!(found("1790086400", "1790086400").await, second);
    // The same clock time of the other half of the day is another time.
    assert!(
        found("22/09/2026 09:13:20 AM", "22/09/2026 12:00:00 PM")
            .await
            .is_empty()
    );
    // Each end in its own dialect; a border is within.
    assert_eq!(found("22/09/2026 09:13:20 PM", "1790172800").await.len(), 2);
    // Another format finds nothing, and is no error.
    for other in [
        "2026/09/22 21:13:20",
        "22/09/2026 21:13:20",
        "2026-09-22T14:13:20Z",
        "soon",
    ] {
        assert!(found(other, "1790172800").await.is_empty(), "{other}");
        assert!(found("1790000000", other).await.is_empty(), "{other}");
    }
    pbx.stop().await;
}

#[tokio::test]
async fn the_legs_of_a_call_are_rows_that_share_its_ids() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let mut queue = leg(1, "0812345678", "6400");
    let mut agent = leg(2, "0812345678", "1001");
    agent.uid.clone_from(&queue.uid);
    agent.call_id.clone_from(&queue.call_id);
    queue.call_to_name = "Queue Support".into();
    agent.ring_duration = 0;
    keep(&pbx, vec![agent.clone(), queue.clone()]).await;
    let answer = pbx
        .get("cdr/search", token, &[("call_from", "0812345678")])
        .await;
    assert_eq!(total(&answer), 2);
    let rows = &answer["data"];
    assert_eq!(rows[0]["call_to"], "Queue Support<6400>");
    assert_eq!(rows[1]["call_to"], "1001");
    assert_eq!(rows[0]["uid"], rows[1]["uid"]);
    assert_eq!(rows[0]["call_id"], rows[1]["call_id"]);
    assert_ne!(rows[0]["new_id"], rows[1]["new_id"]);
    assert_eq!(rows[0]["ring_duration"], 4);
    assert_eq!(rows[1].get("ring_duration"), None);
    pbx.stop().await;
}

#[tokio::test]
async fn every_filter_keeps_what_it_says() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let mut records = vec![
        leg(0, "1000", "1001"),
        leg(1, "0812345678", "6400"),
        leg(2, "1001", "0899999999"),
        leg(3, "1002", "1000"),
    ];
    records[1].call_type = "Inbound".into();
    records[1].src_trunk = "telco".into();
    records[1].did_number = "025550100".into();
    records[1].did_name = "Sales: day".into();
    records[2].call_type = "Outbound".into();
    records[2].dst_trunk = "telco".into();
    records[2].pin_code = "4711".into();
    records[3].disposition = "NO ANSWER".into();
    keep(&pbx, records).await;
    let ids = async |path: &str, query: &[(&str, &str)]| {
        let answer = pbx.get(path, token, query).await;
        let rows = answer["data"].as_array().unwrap().clone();
        assert_eq!(total(&answer), rows.len() as i64, "{answer}");
        rows.iter()
            .map(|row| row["timestamp"].as_i64().unwrap() - 1_790_000_000)
            .collect::<Vec<_>>()
    };
    let cases: [Case<'_>; 22] = [
        ("cdr/list", &[], &[0, 1, 2, 3]),
        ("cdr/list", &[("from", "new")], &[0, 1, 2, 3]),
        ("cdr/list", &[("from", "legacy")], &[]),
        ("cdr/list", &[("pin_code", "4711")], &[2]),
        (
            "cdr/list",
            &[("sort_by", "disposition"), ("order_by", "desc")],
            &[3, 2, 1, 0],
        ),
        ("cdr/list", &[("call_note_remark", "late")], &[]),
        ("cdr/list", &[("disposition_code_list", "1,2")], &[]),
        ("cdr/search", &[], &[0, 1, 2, 3]),
        ("cdr/search", &[("call_from", "1000")], &[0]),
        ("cdr/search", &[("call_from", "100")], &[]),
        (
            "cdr/search",
            &[("call_from", "100"), ("enable_fuzzy_search", "1")],
            &[0, 2, 3],
        ),
        (
            "cdr/search",
            &[("call_to", "1000"), ("status", "NO ANSWER")],
            &[3],
        ),
        ("cdr/search", &[("pin_code", "4711")], &[2]),
        ("cdr/search", &[("pin_code", "471")], &[]),
        ("cdr/search", &[("did", "025550100:telco")], &[1]),
        (
            "cdr/search",
            &[("did", "025550199:telco,Sales: day:telco")],
            &[1],
        ),
        ("cdr/search", &[("did", "025550100:other")], &[]),
        ("cdr/search", &[("call_note_remark", "late")], &[]),
        ("cdr/search", &[("disposition_code_list", "7")], &[]),
        (
            "cdr/search",
            &[("sort_by", "time"), ("order_by", "desc")],
            &[3, 2, 1, 0],
        ),
        ("cdr/search", &[("page", "2"), ("page_size", "3")], &[3]),
        ("cdr/search", &[("extension_group", "99")], &[]),
    ];
    for (path, query, expected) in cases {
        if query.contains(&("page", "2")) {
            let answer = pbx.get(path, token, query).await;
            assert_eq!(
                (total(&answer), answer["data"].as_array().unwrap().len()),
                (4, 1)
            );
            continue;
        }
        assert_eq!(ids(path, query).await, expected, "{path} {query:?}");
    }
    let wrong = pbx
        .get("cdr/search", token, &[("status", "answered")])
        .await;
    assert_eq!(wrong["errcode"], 40002);
    pbx.stop().await;
}

#[tokio::test]
async fn a_group_has_the_calls_of_its_members_as_they_are_now() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let first = pbx.extension(token, "1000").await;
    let second = pbx.extension(token, "1001").await;
    pbx.extension(token, "1002").await;
    let calls = [
        ("1000", "0812345678"),
        ("0812345678", "1001"),
        ("1002", "1000"),
        ("1002", "6400"),
    ];
    let records = calls.iter().zip(0..);
    keep(
        &pbx,
        records.map(|((from, to), n)| leg(n, from, to)).collect(),
    )
    .await;
    let group = json!({
        "name": "Desk", "member_select": "sel_specific",
        "members": [{"ext_id": first}, {"ext_id": second}],
    });
    let group = pbx.post("extensiongroup/create", token, group).await;
    let id = group["id"].to_string();
    let count = async || {
        let query = [("extension_group", id.as_str())];
        total(&pbx.get("cdr/search", token, &query).await)
    };
    assert_eq!(count().await, 3);
    let change = json!({"id": group["id"], "members": [{"ext_id": second}]});
    let changed = pbx.post("extensiongroup/update", token, change).await;
    assert_eq!(changed["errcode"], 0, "{changed}");
    assert_eq!(count().await, 1);
    let change = json!({"id": group["id"], "member_select": "sel_all_ext"});
    let changed = pbx.post("extensiongroup/update", token, change).await;
    assert_eq!(changed["errcode"], 0, "{changed}");
    assert_eq!(count().await, 4);
    pbx.stop().await;
}

#[tokio::test]
async fn the_options_are_changed_in_part_acted_on_and_kept() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    keep(
        &pbx,
        vec![leg(0, "0812345678", "1000"), leg(1, "1000", "1001")],
    )
    .await;
    let search = async |pbx: &Pbx, query: &[(&str, &str)]| {
        total(&pbx.get("cdr/search", &token, query).await)
    };
    let options = pbx.get("cdr/getoption", &token, &[]).await;
    assert_eq!(
        options,
        json!({"errcode": 0, "errmsg": "SUCCESS",
            "data": {"enb_fuzzy_search": 0, "enb_new_cdr_fuzzy_search": 0}})
    );
    assert_eq!(search(&pbx, &[("call_from", "2345")]).await, 0);
    let on = pbx
        .post(
            "cdr/updateoption",
            &token,
            json!({"enb_new_cdr_fuzzy_search": 1}),
        )
        .await;
    assert_eq!(on["errcode"], 0, "{on}");
    assert_eq!(search(&pbx, &[("call_from", "2345")]).await, 1);
    assert_eq!(search(&pbx, &[("call_to", "100")]).await, 2);
    // Who says so himself decides for himself.
    let exact = [("call_from", "2345"), ("enable_fuzzy_search", "0")];
    assert_eq!(search(&pbx, &exact).await, 0);
    // The other option keeps its value, and changes nothing here.
    let old = pbx
        .post("cdr/updateoption", &token, json!({"enb_fuzzy_search": 1}))
        .await;
    assert_eq!(old["errcode"], 0, "{old}");
    let wrong = json!({"enb_new_cdr_fuzzy_search": 2, "enb_fuzzy_search": 0});
    let wrong = pbx.post("cdr/updateoption", &token, wrong).await;
    assert_eq!(wrong["errcode"], 40002);
    assert_eq!(
        wrong["invalid_param_list"][0]["field"],
        "enb_new_cdr_fuzzy_search"
    );
    let pbx = pbx.restart().await;
    let options = pbx.get("cdr/getoption", &token, &[]).await;
    assert_eq!(
        options["data"],
        json!({"enb_fuzzy_search": 1, "enb_new_cdr_fuzzy_search": 1})
    );
    assert_eq!(search(&pbx, &[("call_from", "2345")]).await, 1);
    pbx.stop().await;
}

/// Asks for a file; its name and its link.
async fn made(pbx: &Pbx, token: &str, query: &[(&str, &str)]) -> (String, String) {
    let answer = pbx.get("cdr/download", token, query).await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    let url = answer["download_resource_url"].as_str().unwrap();
    (
        answer["file"].as_str().unwrap().to_owned(),
        format!("{}{url}?access_token={token}", pbx.url),
    )
}

#[tokio::test]
async fn a_file_holds_the_records_that_match_as_csv() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    let mut odd = leg(1, "0812345678", "1001");
    odd.call_from_name = "=HYPERLINK(\"http://x\"), \"Ann\"".into();
    odd.call_to_name = "เบอร์".into();
    odd.src_trunk = "telco".into();
    odd.reason = "src hangup".into();
    keep(
        &pbx,
        vec![odd, leg(0, "1000", "+66812345678"), leg(2, "1002", "1003")],
    )
    .await;
    let (file, url) = made(&pbx, token, &[("end_time", "1790000001")]).await;
    assert!(file.starts_with("CDR-") && file.ends_with(".csv"), "{file}");
    let response = pbx.http.get(&url).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        header(CONTENT_TYPE),
        "text/csv; charset=utf-8; header=present"
    );
    assert!(header(CONTENT_DISPOSITION).starts_with("attachment; filename=\"CDR-2"));
    assert_eq!(header(ACCEPT_RANGES), "bytes");
    let length: usize = header(CONTENT_LENGTH).parse().unwrap();
    let text = response.text().await.unwrap();
    assert_eq!(text.len(), length);
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "ID,Time,Call From,Call To,Call Duration,Ring Duration,Talk Duration,Status,Reason,\
         Source Trunk,Destination Trunk,Communication Type,DID/DDI,Outbound Caller ID,\
         Caller IP Address,PIN Code,Recording File"
    );
    assert_eq!(
        lines[1],
        "2026092121132000000,2026/09/21 14:13:20,1000,+66812345678,9,4,5,ANSWERED,,,,Internal,,,,,"
    );
    assert_eq!(
        lines[2],
        "2026092121132000001,2026/09/21 14:13:21,\
         \"'=HYPERLINK(\"\"http://x\"\"), \"\"Ann\"\"<0812345678>\",เบอร์<1001>,\
         9,4,5,ANSWERED,src hangup,telco,,Internal,,,,,"
    );
    assert_eq!(lines[3..], [""]);
    // Of nothing there is a file too.
    for query in [[("call_note_remark", "late")], [("start_time", "never")]] {
        let (_, url) = made(&pbx, token, &query).await;
        let text = pbx
            .http
            .get(&url)
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        assert_eq!(text, format!("{}\r\n", lines[0]));
    }
    pbx.stop().await;
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_off() {
    let pbx = Pbx::start().await;
    let token = &pbx.token().await;
    keep(&pbx, (0..20_000).map(|n| leg(n, "1000", "1001")).collect()).await;
    let (_, url) = made(&pbx, token, &[]).await;
    let get = |range: &str| pbx.http.get(&url).header(RANGE, range.to_owned());
    let whole = pbx.http.get(&url).send().await.unwrap();
    let etag = whole.headers()[ETAG].clone();
    let modified = whole.headers()[LAST_MODIFIED].clone();
    let whole = whole.bytes().await.unwrap();
    assert_eq!(whole.iter().filter(|byte| **byte == b'\n').count(), 20_001);
    let first = get("bytes=0-99999").send().await.unwrap();
    assert_eq!(first.status(), StatusCode::PARTIAL_CONTENT);
    let range = format!("bytes 0-99999/{}", whole.len());
    assert_eq!(first.headers()[CONTENT_RANGE], range.as_str());
    let mut joined = first.bytes().await.unwrap().to_vec();
    let rest = get("bytes=100000-")
        .header(IF_RANGE, &etag)
        .send()
        .await
        .unwrap();
    assert_eq!(rest.status(), StatusCode::PARTIAL_CONTENT);
    joined.extend(rest.bytes().await.unwrap());
    assert_eq!(joined, whole);
    let tail = get("bytes=-7")
        .header(IF_RANGE, &modified)
        .send()
        .await
        .unwrap();
    assert_eq!(tail.bytes().await.unwrap(), whole[whole.len() - 7..]);
    // Of another file there is no rest: it comes whole.
    let other = get("bytes=100000-")
        .header(IF_RANGE, "\"other\"")
        .send()
        .await
        .unwrap();
    assert_eq!(other.status(), 200);
    assert_eq!(other.bytes().await.unwrap(), whole);
    let behind = get(&format!("bytes={}-", whole.len()))
        .send()
        .await
        .unwrap();
    assert_eq!(behind.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(
        behind.headers()[CONTENT_RANGE],
        format!("bytes */{}", whole.len()).as_str()
    );
    let head = pbx.http.head(&url).send().await.unwrap();
    assert_eq!(
        head.headers()[CONTENT_LENGTH],
        whole.len().to_string().as_str()
    );
    assert!(head.bytes().await.unwrap().is_empty());
    pbx.stop().await;
}

#[tokio::test]
async fn a_file_is_given_only_for_a_valid_token_and_goes_with_the_process() {
    let pbx = Pbx::start().await;
    let token = pbx.token().await;
    keep(&pbx, vec![leg(0, "1000", "1001")]).await;
    let (file, url) = made(&pbx, &token, &[]).await;
    let bare = url.split('?').next().unwrap().to_owned();
    for url in [bare.clone(), format!("{bare}?access_token=wrong")] {
        let refused = Pbx::answer(pbx.http.get(&url)).await;
        assert_eq!(refused["errcode"], 10004, "{refused}");
    }
    // Who has no token does not learn either which names there are.
    let unknown = format!("{}/api/download/CDR-1.csv", pbx.url);
    assert_eq!(Pbx::answer(pbx.http.get(&unknown)).await["errcode"], 10004);
    let bearer = pbx
        .http
        .get(&bare)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert!(
        bearer.headers()[CONTENT_DISPOSITION]
            .to_str()
            .unwrap()
            .len()
            < 60
    );
    assert!(bearer.text().await.unwrap().starts_with("ID,"));
    let gone = async |pbx: &Pbx, name: &str| {
        let url = format!("{}/api/download/{name}?access_token={token}", pbx.url);
        let response = pbx.http.get(&url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{name}");
        assert_eq!(response.json::<Value>().await.unwrap()["errcode"], 60001);
    };
    for name in [
        "",
        "CDR-1.csv",
        "..%2Fstrowger.db",
        "x%2F..%2Fstrowger.db",
        &file.to_lowercase(),
    ] {
        gone(&pbx, name).await;
    }
    let posted = Pbx::answer(pbx.http.post(&url)).await;
    assert_eq!(posted["errcode"], 10001);
    let downloads = pbx.dir.0.join("downloads");
    assert_eq!(std::fs::read_dir(&downloads).unwrap().count(), 1);
    let pbx = pbx.restart().await;
    assert_eq!(std::fs::read_dir(&downloads).unwrap().count(), 0);
    gone(&pbx, &file).await;
    pbx.stop().await;
}

//! `strowger demo`: a first call, from the phone to the application, on a real
//! exchange: two built-in phones talk by SIP and RTP while an application
//! watches and steers by the API.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use client::Client;
use serde_json::{Value, json};
use softphone::{Answer, Softphone, SoftphoneConfig};
use tokio::time::timeout;

use crate::cli::reachable;
use crate::config::Config;
use crate::credentials::random_text;
use crate::serve::{Pbx, Result, stop_signal};

/// Extensions that the demo makes where they are missing.
const EXTENSIONS: [(&str, &str); 4] = [
    ("1000", "Ada"),
    ("1001", "Grace"),
    ("1002", "Edith"),
    ("1003", "Hedy"),
];
/// What the caller's phone sends, Hz; what the callee's sends.
const TONES: [u32; 2] = [697, 1209];
/// How long they talk once each has heard the other.
const TALK: Duration = Duration::from_secs(2);
/// Longest the demo waits for any one thing.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the demo; stays up afterwards unless `once`.
pub async fn demo(config: Config, once: bool) -> Result<()> {
    let stop = stop_signal()?;
    let pbx = Pbx::start(config).await?;
    let shown = show(&pbx).await;
    if shown.is_ok() && !once {
        stay(&pbx);
        stop.await;
    }
    pbx.stop().await;
    shown
}

async fn show(pbx: &Pbx) -> Result<()> {
    let base = format!("http://{}", reachable(pbx.http));
    println!("\n== An application logs in at {base} (get_token)");
    let application = Client::builder(&base)
        .credentials(&pbx.credentials.client_id, &pbx.credentials.client_secret)
        .build()?;
    let shown = first_call(pbx, &application).await;
    // Also after a failure: the application has eight places, not more.
    application.close().await?;
    shown
}

async fn first_call(pbx: &Pbx, application: &Client) -> Result<()> {
    make_extensions(pbx, application).await?;
    watch(application).await?;

    println!(
        "\n== Two phones register over SIP at {}",
        reachable(pbx.sip_udp)
    );
    let [from, to] = ["1000", "1001"];
    let caller = phone(pbx, from, TONES[0]).await?;
    let callee = phone(pbx, to, TONES[1]).await?;

    println!("\n== The application subscribes to events and dials {from} → {to} (call/dial)");
    let mut events = application
        .events(&[30007, 30008, 30011, 30012, 30015])
        .await?;
    let call_id = application.dial(from, to).await?;
    println!("call_id {call_id}");

    let mut channel = None;
    let mut answered = false;
    while !answered {
        let event = timeout(PATIENCE, events.next_event())
            .await?
            .ok_or("the event stream ended")??;
        print_event(event.id, &event.msg);
        let members = member(&event.msg, "members")
            .as_array()
            .cloned()
            .unwrap_or_default();
        let legs: Vec<&Value> = members.iter().filter_map(|m| m.get("extension")).collect();
        if event.id == 30015 {
            return Err(format!("the call failed: {}", member(&event.msg, "reason")).into());
        }
        answered = event.id == 30011
            && legs
                .iter()
                .any(|leg| member(leg, "member_status") == "ANSWERED")
            && legs
                .iter()
                .any(|leg| member(leg, "member_status") == "ANSWER");
        if let Some(leg) = legs.first() {
            channel = member(leg, "channel_id").as_str().map(str::to_owned);
        }
    }

    println!("\n== What each end hears, recognised by its content");
    listen(from, &caller, to, TONES[1]).await?;
    listen(to, &callee, from, TONES[0]).await?;

    // They talk for a moment, so that the record has something to tell.
    tokio::time::sleep(TALK).await;
    let channel = channel.ok_or("no channel was told")?;
    println!("\n== The application hangs up {channel} (call/hangup)");
    application.hangup(&channel).await?;
    loop {
        let event = timeout(PATIENCE, events.next_event())
            .await?
            .ok_or("the event stream ended")??;
        print_event(event.id, &event.msg);
        if event.id == 30012 && member(&event.msg, "call_id") == call_id.as_str() {
            break;
        }
    }

    println!("\n== Its record (cdr/search)");
    let found = application
        .ask(
            "v1.0",
            "cdr/search",
            json!({"call_from": from, "call_to": to}),
        )
        .await?;
    let row = member(&found, "data").as_array().and_then(|rows| {
        rows.iter()
            .find(|r| r["call_id"] == call_id.as_str())
            .cloned()
    });
    println!(
        "{}",
        serde_json::to_string_pretty(&row.ok_or("the record is not there")?)?
    );
    // Switched off without a goodbye they would be rung for minutes yet.
    caller.unregister().await?;
    callee.unregister().await?;
    Ok(())
}

/// Makes the demo's extensions where they are missing and prints their accounts.
async fn make_extensions(pbx: &Pbx, application: &Client) -> Result<()> {
    let listed = application
        .ask("v1.0", "extension/list", json!({"page_size": 10000}))
        .await?;
    let rows = member(&listed, "data")
        .as_array()
        .cloned()
        .unwrap_or_default();
    println!("\n== Extensions");
    for (number, name) in EXTENSIONS {
        if rows.iter().any(|row| member(row, "number") == number) {
            let snapshot = pbx.handle.settings().snapshot();
            if let Some(there) = snapshot.extension_by_number(number) {
                println!(
                    "{number}  {:<6}  reg_name {}  password {}  (is there already)",
                    there.name,
                    there.reg_name,
                    there.reg_password.expose()
                );
            }
            continue;
        }
        let password = random_text(16)?;
        application
            .ask(
                "v1.0",
                "extension/create",
                json!({
                    "type": "SIP", "number": number, "first_name": name,
                    "user_password": format!("{}Aa1", random_text(16)?),
                    "reg_name": number, "reg_password": password,
                    "concurrent_registrations": 3, "presence_status": "available",
                }),
            )
            .await?;
        println!("{number}  {name:<6}  reg_name {number}  password {password}");
    }
    Ok(())
}

/// Switches monitoring on, as an application must before it gets 30007 and 30008.
async fn watch(application: &Client) -> Result<()> {
    let listed = application
        .ask(
            "v1.0",
            "extension_status_monitor/list",
            json!({"page_size": 10000}),
        )
        .await?;
    let all: Vec<Value> = member(&listed, "data")
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| json!({"ext_id": member(row, "ext_id"), "enb_register_status": 1, "enb_call_status": 1}))
        .collect();
    application
        .ask(
            "v1.0",
            "extension_status_monitor/update",
            json!({"ext_monitor_list": all}),
        )
        .await?;
    Ok(())
}

async fn phone(pbx: &Pbx, number: &str, tone: u32) -> Result<Softphone> {
    let snapshot = pbx.handle.settings().snapshot();
    let extension = snapshot
        .extension_by_number(number)
        .ok_or("the extension is not there")?;
    let phone = Softphone::start(SoftphoneConfig {
        registrar: reachable(pbx.sip_udp),
        listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
        number: number.into(),
        reg_name: extension.reg_name.to_string(),
        password: extension.reg_password.expose().to_owned(),
        tone: Some(tone),
        codecs: vec![media::Codec::Pcmu, media::Codec::Pcma],
        answer: Answer::After(Duration::from_millis(800)),
    })
    .await?;
    timeout(PATIENCE, phone.register()).await??;
    println!(
        "{number} is registered from {} and will send {tone} Hz",
        phone.address()
    );
    Ok(phone)
}

/// Waits until a phone hears the tone that the other sends.
async fn listen(who: &str, phone: &Softphone, whom: &str, hz: u32) -> Result<()> {
    let hears = async {
        loop {
            if phone.hears(&TONES) == Some(hz) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, hears)
        .await
        .map_err(|_| format!("{who} does not hear {whom}"))?;
    println!("{who} hears {hz} Hz: that is {whom}");
    Ok(())
}

/// A member of a JSON object; null where it is not there.
fn member<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

fn print_event(id: u32, msg: &Value) {
    println!("event {id}  {msg}");
}

fn stay(pbx: &Pbx) {
    let sip = reachable(pbx.sip_udp);
    println!(
        "\n== The PBX stays up (Ctrl-C ends it)\n\
         Register a phone: domain {sip} (or this machine's address), user 1002, password as printed above;\n\
         then dial 1003 from it, or call/dial from an application.\n\
         API: http://{} and https://{} under /openapi/v1.0\n\
         Client ID {}  Client Secret {}",
        reachable(pbx.http),
        reachable(pbx.https),
        pbx.credentials.client_id,
        pbx.credentials.client_secret,
    );
}

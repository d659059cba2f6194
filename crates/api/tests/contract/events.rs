//! What sets off each event that is sent, and how their frames are looked at.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::common::{PATIENCE, Pbx, Rules, extension};
use crate::conforms;
use crate::world::World;

/// Does what sets off every event that is sent.
async fn set_off(world: &World) {
    let post = async |path: &str, body: Value| {
        let answer = world.pbx.post(path, &world.token, body).await;
        assert_eq!(answer["errcode"], 0, "{path} {answer}");
        answer
    };
    // 30006.
    let department = json!({"name": "Sales", "parent_id": 1});
    post("organization/create", department).await;
    // 30022 with each of these; the extensions are watched.
    let made = post("extension/create", extension("2000")).await;
    for id in [&json!(world.extension), &made["id"]] {
        let flags = json!({"ext_id": id, "enb_call_status": 1, "enb_register_status": 1,
            "enb_presence_status": 1});
        let flags = json!({"ext_monitor_list": [flags]});
        post("extension_status_monitor/update", flags).await;
    }
    let presence = json!({"id": made["id"], "presence_status": "away"});
    post("extension/update", presence).await;
    // 30008, 30011, 30012: a call that is answered and hung up.
    let channel = world.live_channel().await;
    post("call/hangup", json!({"channel_id": channel})).await;
    // 30015: the caller has no phone.
    post("call/dial", json!({"caller": "2000", "callee": "1001"})).await;
    // 30007: a phone that goes.
    world.phone_comes_and_goes("2000").await;
}

/// Events that only a start sets off: told before a socket opens.
const AT_A_START: [u32; 1] = [30005];

/// Sees such events in the log from which sockets are told.
pub async fn at_a_start() {
    let pbx = Pbx::start().await;
    let changed = Rules {
        root_hidden: true,
        ..Rules::default()
    };
    let pbx = pbx.restart_with(changed).await;
    let kept = pbx.store.events_after(None, 100).await.unwrap();
    for id in AT_A_START {
        let event = kept.iter().find(|event| event.id == id);
        let event = event.unwrap_or_else(|| panic!("no start sets off {id}: {kept:?}"));
        let frame = serde_json::from_str(&event.frame).unwrap();
        let faults = conforms::frame(wire::contract::event(id).unwrap(), &frame);
        assert!(faults.is_empty(), "{id} {faults:?}: {frame}");
    }
    pbx.stop().await;
}

/// Sees one frame of each other event that is sent, and looks at every frame.
pub async fn on_a_socket(world: &World) {
    let sent: BTreeSet<u32> = exchange::EVENTS_SENT
        .iter()
        .chain(settings::EVENTS_SENT)
        .filter(|id| !AT_A_START.contains(id))
        .copied()
        .collect();
    let url = world
        .pbx
        .path(&format!("subscribe?access_token={}", world.token));
    let mut request = url.replace("http:", "ws:").into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert("user-agent", "OpenAPI".parse().unwrap());
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let topics = json!({"topic_list": sent}).to_string();
    socket.send(Message::text(topics)).await.unwrap();
    let subscribed = timeout(PATIENCE, socket.next())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    assert_eq!(
        subscribed.to_text().unwrap(),
        r#"{"errcode":0,"errmsg":"SUCCESS"}"#
    );

    set_off(world).await;
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    while !sent.iter().all(|id| seen.contains_key(id)) {
        let Ok(message) = timeout(PATIENCE, socket.next()).await else {
            let missing: Vec<_> = sent.iter().filter(|id| !seen.contains_key(id)).collect();
            panic!(
                "{missing:?} are told to be sent, but nothing in crates/api/tests/contract/events.rs \
                 sets them off: add it to set_off()"
            );
        };
        let message = message.unwrap().unwrap();
        let Ok(text) = message.to_text() else {
            continue;
        };
        if !message.is_text() {
            continue;
        }
        let frame: Value = serde_json::from_str(text).unwrap();
        let id = frame["type"]
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .unwrap();
        let event = wire::contract::event(id).unwrap();
        for fault in conforms::frame(event, &frame) {
            faults.push(format!("{id} {fault}: {frame}"));
        }
        *seen.entry(id).or_default() += 1;
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

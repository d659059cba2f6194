//! Phones of another's making: rsipstack, whose reading of the RFCs owes
//! nothing to ours.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rsipstack::EndpointBuilder;
use rsipstack::dialog::authenticate::Credential;
use rsipstack::dialog::dialog::{Dialog, DialogState, DialogStateReceiver, DialogStateSender};
use rsipstack::dialog::dialog_layer::DialogLayer;
use rsipstack::dialog::invitation::InviteOption;
use rsipstack::dialog::registration::Registration;
use rsipstack::sip::prelude::HeadersExt;
use rsipstack::sip::{Method, StatusCode, Uri};
use rsipstack::transport::TransportLayer;
use rsipstack::transport::udp::UdpConnection;
use serde_json::json;
use softphone::{Answer, PhoneEvent};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{nothing_left, open, quick};
use crate::common::wire::sdp;
use crate::common::{House, PATIENCE, TONES, wait_for};
use crate::start::Tuning;

/// A phone that runs on rsipstack; answers what calls it.
struct Stranger {
    dialogs: Arc<DialogLayer>,
    states: DialogStateReceiver,
    to_states: DialogStateSender,
    registration: Registration,
    credential: Credential,
    number: String,
    address: SocketAddr,
    server: SocketAddr,
    token: CancellationToken,
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

fn uri(text: String) -> Uri {
    text.as_str().try_into().unwrap()
}

impl Stranger {
    async fn new(house: &House, number: &str) -> Self {
        let token = CancellationToken::new();
        let localhost = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        let socket = UdpConnection::create_connection(localhost, None, Some(token.clone()));
        let socket = socket.await.unwrap();
        let address = socket.get_addr().get_socketaddr().unwrap();
        let transport = TransportLayer::new(token.clone());
        transport.add_transport(socket.into());
        let endpoint = EndpointBuilder::new()
            .with_transport_layer(transport)
            .with_cancel_token(token.clone())
            .build();
        let dialogs = Arc::new(DialogLayer::new(endpoint.inner.clone()));
        let (to_states, states) = dialogs.new_dialog_state_channel();
        let mut incoming = endpoint.incoming_transactions().unwrap();
        let serving = endpoint.inner.clone();
        tokio::spawn(async move {
            // Ends with the token.
            let _ = serving.serve().await;
        });
        let (layer, states_of_called) = (dialogs.clone(), to_states.clone());
        tokio::spawn(async move {
            while let Some(mut tx) = incoming.recv().await {
                let known = tx.original.to_header().unwrap().tag().unwrap().is_some();
                let dialog = if known {
                    layer.match_dialog(&tx)
                } else if tx.original.method == Method::Invite {
                    let states = states_of_called.clone();
                    let called = layer.get_or_create_server_invite(&tx, states, None, None);
                    let called = called.unwrap();
                    called.ringing(None, None).unwrap();
                    let answer = sdp(9, "sendrecv").into_bytes();
                    let answering = called.clone();
                    tokio::spawn(async move {
                        answering.accept(None, Some(answer)).unwrap();
                    });
                    Some(Dialog::Invite(called))
                } else {
                    None
                };
                if let Some(mut dialog) = dialog {
                    tokio::spawn(async move {
                        let _ = dialog.handle(&mut tx).await;
                    });
                }
            }
        });
        let credential = Credential {
            username: number.into(),
            password: format!("secret-{number}"),
            realm: None,
            auth_username: Some(format!("auth{number}")),
        };
        Self {
            registration: Registration::new(endpoint.inner.clone(), Some(credential.clone())),
            dialogs,
            states,
            to_states,
            credential,
            number: number.into(),
            address,
            server: house.running.sip_udp,
            token,
        }
    }

    async fn register(&mut self, expires: Option<u32>) -> StatusCode {
        let server = uri(format!("sip:{}", self.server));
        let answer = self.registration.register(server, expires);
        timeout(PATIENCE, answer)
            .await
            .unwrap()
            .unwrap()
            .status_code
    }

    fn invitation(&self, number: &str) -> InviteOption {
        InviteOption {
            callee: uri(format!("sip:{number}@{}", self.server)),
            caller: uri(format!("sip:{}@{}", self.number, self.server)),
            contact: uri(format!("sip:{}@{}", self.number, self.address)),
            content_type: Some("application/sdp".into()),
            offer: Some(sdp(9, "sendrecv").into_bytes()),
            credential: Some(self.credential.clone()),
            ..Default::default()
        }
    }

    /// The next state that is wanted; what asks for an answer meanwhile gets it.
    async fn state(&mut self, wanted: impl Fn(&DialogState) -> bool) -> DialogState {
        let waiting = async {
            loop {
                let state = self.states.recv().await.expect("the phone is off");
                if let DialogState::Options(_, _, handle) | DialogState::Updated(_, _, handle) =
                    &state
                {
                    handle.respond(StatusCode::OK, None, None).await.unwrap();
                }
                if wanted(&state) {
                    return state;
                }
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .expect("it did not come to that")
    }
}

async fn house(refresh_every: Duration) -> House {
    let house = open(Tuning {
        sip_timers: quick(),
        refresh_every,
        ..Tuning::default()
    })
    .await;
    house.extension("1000", json!({})).await;
    house.extension("1001", json!({})).await;
    house
}

#[tokio::test]
async fn it_registers_refreshes_and_leaves() {
    let house = house(PATIENCE * 10).await;
    let mut stranger = Stranger::new(&house, "1000").await;
    for _ in 0..3 {
        assert_eq!(stranger.register(Some(600)).await, StatusCode::OK);
        assert_eq!(stranger.registration.expires(), 600);
    }
    let load = house.running.handle.load().await.unwrap();
    assert_eq!(load.registrations, 1);
    assert_eq!(stranger.register(Some(0)).await, StatusCode::OK);
    let load = house.running.handle.load().await.unwrap();
    assert_eq!(load.registrations, 0);
}

#[tokio::test]
async fn it_calls_holds_and_hangs_up() {
    let house = house(PATIENCE * 10).await;
    let stranger = Stranger::new(&house, "1000").await;
    let mut phone = house
        .phone("1001", TONES[0], Answer::After(Duration::ZERO))
        .await;
    let calling = stranger
        .dialogs
        .do_invite(stranger.invitation("1001"), stranger.to_states.clone());
    let (dialog, answer) = timeout(PATIENCE, calling).await.unwrap().unwrap();
    let answer = answer.unwrap();
    assert_eq!(answer.status_code, StatusCode::OK);
    assert!(String::from_utf8_lossy(&answer.body).contains("m=audio"));
    wait_for(&mut phone, PhoneEvent::Answered).await;
    let hold = dialog.reinvite(None, Some(sdp(9, "sendonly").into_bytes()));
    let held = timeout(PATIENCE, hold).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&held.body).contains("a=recvonly"));
    timeout(PATIENCE, dialog.bye()).await.unwrap().unwrap();
    wait_for(&mut phone, PhoneEvent::Ended(None)).await;
    nothing_left(&house).await;
}

#[tokio::test]
async fn it_is_called_answers_is_asked_whether_it_is_there_and_hung_up() {
    let house = house(Duration::from_millis(200)).await;
    let mut stranger = Stranger::new(&house, "1000").await;
    assert_eq!(stranger.register(Some(600)).await, StatusCode::OK);
    let mut phone = house
        .phone("1001", TONES[0], Answer::After(Duration::ZERO))
        .await;
    phone.dial("1000").await.unwrap();
    wait_for(&mut phone, PhoneEvent::Ringing).await;
    wait_for(&mut phone, PhoneEvent::Answered).await;
    for _ in 0..3 {
        stranger
            .state(|s| matches!(s, DialogState::Options(..) | DialogState::Updated(..)))
            .await;
    }
    assert_eq!(house.running.handle.load().await.unwrap().calls, 1);
    phone.hangup().await.unwrap();
    stranger
        .state(|s| matches!(s, DialogState::Terminated(..)))
        .await;
    nothing_left(&house).await;
}

#[tokio::test]
async fn its_wrong_password_is_refused_and_its_call_to_nobody_told() {
    let house = house(PATIENCE * 10).await;
    let mut stranger = Stranger::new(&house, "1000").await;
    let calling = stranger
        .dialogs
        .do_invite(stranger.invitation("4711"), stranger.to_states.clone());
    let (_, answer) = timeout(PATIENCE, calling).await.unwrap().unwrap();
    assert_eq!(answer.unwrap().status_code, StatusCode::NotFound);
    let mut wrong = stranger.credential.clone();
    wrong.password = "guessed".into();
    stranger.registration.credential = Some(wrong);
    assert_eq!(stranger.register(None).await, StatusCode::Forbidden);
    nothing_left(&house).await;
}

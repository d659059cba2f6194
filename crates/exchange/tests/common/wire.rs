//! A phone of bare datagrams: it does what it is told to and nothing by
//! itself, so that a test can say what crosses what on the wire.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

use bytes::Bytes;
use sip::digest::{self, Client};
use sip::{HeaderName, Message, MessageBuilder, Method};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{House, PATIENCE};

const SDP: &str = "application/sdp";

pub struct WirePhone {
    socket: UdpSocket,
    /// Its audio.
    pub rtp: UdpSocket,
    server: SocketAddr,
    pub number: String,
    /// What its requests say of how far they may go.
    pub max_forwards: &'static str,
    /// What its INVITEs take in answer; nothing said where none.
    pub accept: Option<&'static str>,
    waiting: VecDeque<Message>,
    seen: HashSet<String>,
    count: u32,
}

/// A dialog from the phone's side.
#[derive(Debug, Clone)]
pub struct Dialog {
    pub call_id: String,
    local: String,
    remote: String,
    target: String,
    pub cseq: u32,
    branch: String,
}

/// An SDP with one stream of PCMU at that port.
pub fn sdp(port: u16, direction: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0\r\na={direction}\r\n"
    )
}

/// The port of the stream in a message's SDP.
pub fn audio_port(message: &Message) -> u16 {
    let body = String::from_utf8(message.body().to_vec()).unwrap();
    let line = body.lines().find(|l| l.starts_with("m=audio ")).unwrap();
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

impl WirePhone {
    /// Switched on, not registered.
    pub async fn new(house: &House, number: &str) -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            rtp: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            server: house.running.sip_udp,
            number: number.into(),
            max_forwards: "70",
            accept: None,
            waiting: VecDeque::new(),
            seen: HashSet::new(),
            count: 0,
        }
    }

    pub async fn registered(house: &House, number: &str) -> Self {
        let mut phone = Self::new(house, number).await;
        let answer = phone.register(&phone.contact(), &[]).await;
        assert_eq!(answer.status(), Some(200), "{answer}");
        phone
    }

    /// The exchange came up again elsewhere.
    pub fn follow(&mut self, house: &House) {
        self.server = house.running.sip_udp;
    }

    pub fn contact(&self) -> String {
        format!(
            "<sip:{}@{}>",
            self.number,
            self.socket.local_addr().unwrap()
        )
    }

    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The SDP of this phone.
    pub fn sdp(&self) -> String {
        sdp(self.rtp.local_addr().unwrap().port(), "sendrecv")
    }

    /// REGISTER with a contact, through its challenge to its answer.
    pub async fn register(&mut self, contact: &str, headers: &[(HeaderName, String)]) -> Message {
        let mut dialog = self.dialog(&self.number.clone());
        dialog.call_id = format!("reg-{}", self.number);
        dialog.target = format!("sip:{}", self.server);
        dialog.cseq = self.count * 10;
        let mut headers = headers.to_vec();
        headers.push((HeaderName::Contact, contact.to_owned()));
        self.authenticated(Method::Register, &mut dialog, &headers, None)
            .await;
        self.response(&dialog, 200..700).await
    }

    /// INVITE, sent again with credentials; its answers are to be waited for.
    pub async fn call(&mut self, number: &str, body: Option<&str>) -> Dialog {
        self.call_with(number, body.map(|body| (SDP, body))).await
    }

    pub async fn call_with(&mut self, number: &str, body: Option<(&str, &str)>) -> Dialog {
        let mut dialog = self.dialog(number);
        let mut headers = vec![(HeaderName::Contact, self.contact())];
        headers.extend(
            self.accept
                .map(|accept| (HeaderName::Accept, accept.into())),
        );
        self.authenticated(Method::Invite, &mut dialog, &headers, body)
            .await;
        dialog
    }

    /// For a request that is sent as it is, without credentials.
    pub fn uninvited(&mut self, number: &str) -> Dialog {
        self.dialog(number)
    }

    fn dialog(&mut self, number: &str) -> Dialog {
        self.count += 1;
        Dialog {
            call_id: format!("call-{}-{}", self.address(), self.count),
            local: format!("<sip:{}@{}>;tag=t{}", self.number, self.server, self.count),
            remote: format!("<sip:{number}@{}>", self.server),
            target: format!("sip:{number}@{}", self.server),
            cseq: 0,
            branch: String::new(),
        }
    }

    async fn authenticated(
        &mut self,
        method: Method,
        dialog: &mut Dialog,
        headers: &[(HeaderName, String)],
        body: Option<(&str, &str)>,
    ) {
        self.send(method.clone(), dialog, headers, body).await;
        let challenged = self.response(dialog, 200..700).await;
        assert_eq!(challenged.status(), Some(401), "{challenged}");
        if method == Method::Invite {
            self.ack(dialog, &challenged, None).await;
        }
        let (_, challenge) = digest::strongest(digest::challenges(&challenged)).unwrap();
        let client = Client {
            username: &format!("auth{}", self.number),
            password: &format!("secret-{}", self.number),
        };
        let request = digest::Request {
            method: method.as_str(),
            uri: &dialog.target,
            body: &[],
        };
        let credentials = client.answer(&challenge, request, "c0ffee", 1).to_string();
        let mut headers = headers.to_vec();
        headers.push((HeaderName::Authorization, credentials));
        self.send(method, dialog, &headers, body).await;
    }

    /// A request of a dialog, with the next CSeq number.
    pub async fn send(
        &mut self,
        method: Method,
        dialog: &mut Dialog,
        headers: &[(HeaderName, String)],
        body: Option<(&str, &str)>,
    ) {
        dialog.cseq += 1;
        self.count += 1;
        dialog.branch = format!("z9hG4bK{}x{}", self.address().port(), self.count);
        self.write(method, dialog, dialog.cseq, headers, body).await;
    }

    /// A request within the dialog.
    pub async fn within(&mut self, method: Method, dialog: &mut Dialog, body: Option<&str>) {
        let headers = match method {
            Method::Invite => vec![(HeaderName::Contact, self.contact())],
            _ => Vec::new(),
        };
        self.send(method, dialog, &headers, body.map(|body| (SDP, body)))
            .await;
    }

    /// CANCEL of the dialog's INVITE.
    pub async fn cancel(&mut self, dialog: &Dialog) {
        self.write(Method::Cancel, dialog, dialog.cseq, &[], None)
            .await;
    }

    /// ACK to a final response; to a 2xx with a branch of its own. The dialog
    /// is with who answered.
    pub async fn ack(&mut self, dialog: &mut Dialog, response: &Message, body: Option<&str>) {
        let to = response.header(HeaderName::To).unwrap().to_owned();
        if response.status().unwrap() >= 300 {
            let dialog = Dialog {
                remote: to,
                ..dialog.clone()
            };
            return self
                .write(Method::Ack, &dialog, dialog.cseq, &[], None)
                .await;
        }
        dialog.remote = to;
        dialog.target = response.contacts().next().unwrap().unwrap().uri.to_owned();
        self.count += 1;
        dialog.branch = format!("z9hG4bK{}x{}", self.address().port(), self.count);
        self.write(
            Method::Ack,
            dialog,
            dialog.cseq,
            &[],
            body.map(|body| (SDP, body)),
        )
        .await;
    }

    async fn write(
        &self,
        method: Method,
        dialog: &Dialog,
        cseq: u32,
        headers: &[(HeaderName, String)],
        body: Option<(&str, &str)>,
    ) {
        let via = format!(
            "SIP/2.0/UDP {};branch={};rport",
            self.address(),
            dialog.branch
        );
        let mut builder = MessageBuilder::request(method.clone(), &dialog.target)
            .header(HeaderName::Via, via)
            .header(HeaderName::MaxForwards, self.max_forwards)
            .header(HeaderName::From, &dialog.local)
            .header(HeaderName::To, &dialog.remote)
            .header(HeaderName::CallId, &dialog.call_id)
            .header(HeaderName::CSeq, format!("{cseq} {}", method.as_str()));
        for (name, value) in headers {
            builder = builder.header(name.clone(), value);
        }
        if let Some((content_type, body)) = body {
            builder = builder.body(content_type, body.as_bytes().to_vec());
        }
        self.put(&builder.build().unwrap()).await;
    }

    /// Answers a request.
    pub async fn reply(&self, request: &Message, status: u16, body: Option<&str>) {
        let mut builder =
            MessageBuilder::response_to(request, status, Some(&format!("u{}", self.number)))
                .header(HeaderName::Contact, self.contact());
        if let Some(body) = body {
            builder = builder.body(SDP, body.as_bytes().to_vec());
        }
        self.put(&builder.build().unwrap()).await;
    }

    /// The dialog that an answered INVITE made, from the side of who was called.
    pub fn dialog_of(&self, invite: &Message) -> Dialog {
        let to = invite.header(HeaderName::To).unwrap();
        Dialog {
            call_id: invite.call_id().unwrap().into(),
            local: format!("{to};tag=u{}", self.number),
            remote: invite.header(HeaderName::From).unwrap().into(),
            target: invite.contacts().next().unwrap().unwrap().uri.into(),
            cseq: 0,
            branch: String::new(),
        }
    }

    async fn put(&self, message: &Message) {
        self.socket
            .send_to(message.as_bytes(), self.server)
            .await
            .unwrap();
    }

    /// The next new request of that method.
    pub async fn request(&mut self, method: Method) -> Message {
        self.wait(method.as_str(), |m| m.method() == Some(method.clone()))
            .await
    }

    /// The next response to the dialog's last request with such a status.
    pub async fn response(&mut self, dialog: &Dialog, statuses: std::ops::Range<u16>) -> Message {
        let what = format!("{statuses:?} to {} {}", dialog.call_id, dialog.cseq);
        self.wait(&what, |m| {
            m.status().is_some_and(|s| statuses.contains(&s))
                && m.call_id() == Some(&dialog.call_id)
                && m.cseq().unwrap().number == dialog.cseq
        })
        .await
    }

    /// The same where several requests have that number (CANCEL).
    pub async fn response_to(
        &mut self,
        dialog: &Dialog,
        method: Method,
        statuses: std::ops::Range<u16>,
    ) -> Message {
        self.wait(method.as_str(), |m| {
            m.status().is_some_and(|s| statuses.contains(&s))
                && m.call_id() == Some(&dialog.call_id)
                && m.cseq().unwrap().method == method
                && m.cseq().unwrap().number == dialog.cseq
        })
        .await
    }

    /// The next message that is wanted; others wait. What comes again is dropped.
    async fn wait(&mut self, what: &str, wanted: impl Fn(&Message) -> bool) -> Message {
        if let Some(at) = self.waiting.iter().position(&wanted) {
            return self.waiting.remove(at).unwrap();
        }
        let waiting = async {
            loop {
                let message = self.next().await;
                if wanted(&message) {
                    return message;
                }
                self.waiting.push_back(message);
            }
        };
        match timeout(PATIENCE, waiting).await {
            Ok(message) => message,
            Err(_) => panic!("{} got no {what}, but {:?}", self.number, self.waiting),
        }
    }

    /// The next new message.
    pub async fn next(&mut self) -> Message {
        let mut buffer = [0; 4096];
        loop {
            let (length, _) = self.socket.recv_from(&mut buffer).await.unwrap();
            let message = Message::parse(Bytes::copy_from_slice(&buffer[..length])).unwrap();
            let branch = message.header(HeaderName::Via).unwrap();
            let start = message.to_string().lines().next().unwrap().to_owned();
            if self.seen.insert(format!("{branch} {start}")) {
                return message;
            }
        }
    }
}

//! The exchange as its faces see it: requests go into the loop, answers come
//! back; events come from the journal, after they are kept.

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use settings::Settings;
use store::{CommittedEvent, Store};
use switch::{CallId, ExtensionNumber};
use tokio::sync::{broadcast, mpsc, oneshot};
use wire::call::CallInfo;

use crate::calls::Selector;
use crate::identity::Identity;
use crate::mail::Mailer;

/// Why the exchange did not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// No such channel, or it has ended.
    #[error("no such channel")]
    NoSuchChannel,
    /// The caller named is no extension of ours.
    #[error("the caller is no extension")]
    NoSuchCaller,
    /// The extension lent for its rights does not exist.
    #[error("dial_permission names no extension")]
    NoSuchPermission,
    /// The exchange is full or overloaded.
    #[error("too many calls")]
    Congestion,
    /// The exchange is going down.
    #[error("the exchange is stopping")]
    Stopping,
}

/// What `call/dial` asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialRequest {
    /// Whose phone rings first: an extension.
    pub caller: String,
    /// Who is called then.
    pub callee: String,
    /// An extension whose rights are used instead of the caller's.
    pub dial_permission: Option<String>,
    /// Ask the caller's phone to answer by itself.
    pub auto_answer: bool,
}

/// One registered device of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its address, without port.
    pub ip: String,
    /// Its port.
    pub port: u16,
    /// What it says it is.
    pub user_agent: String,
}

/// The registered devices by extension. Persistent: a change costs the same
/// whatever their number.
pub(crate) type OnlineMap = rpds::HashTrieMapSync<ExtensionNumber, Arc<[Registered]>>;
/// The same, as the loop shows it to the faces.
pub(crate) type Online = ArcSwap<OnlineMap>;

/// A request to the loop.
#[derive(Debug)]
pub(crate) enum Request {
    /// `call/dial`.
    Dial(DialRequest, oneshot::Sender<Result<CallId, ExchangeError>>),
    /// `call/hangup`, by the channel's name.
    Hangup(String, oneshot::Sender<Result<CallId, ExchangeError>>),
    /// `call/query`.
    Calls(Selector, oneshot::Sender<Vec<CallInfo>>),
    /// How much is going on.
    Load(oneshot::Sender<Load>),
    /// End all calls and stop.
    Stop(oneshot::Sender<()>),
}

/// How much an exchange has going on. All of it comes back to nothing when the
/// last call is over, but for the timers of registrations and one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Live calls.
    pub calls: usize,
    /// Legs on the wires.
    pub legs: usize,
    /// The switch holds a call or a leg.
    pub switching: bool,
    /// SIP sessions, those included that have ended and may have something to repeat.
    pub sip_sessions: usize,
    /// SIP transactions, those included that only wait for repetitions.
    pub sip_transactions: usize,
    /// Pairs of RTP ports.
    pub media_ports: usize,
    /// Registered contacts.
    pub registrations: usize,
    /// Timers of calls, registrations and the house.
    pub timers: usize,
    /// Requests of applications that wait for the switch.
    pub waiting: usize,
}

/// The registered devices of one moment.
pub struct OnlineNow(Arc<OnlineMap>);

impl OnlineNow {
    /// The devices of an extension by its number.
    pub fn devices(&self, extension: &str) -> &[Registered] {
        self.0.get(extension).map_or(&[], |devices| devices)
    }
}

/// The running exchange, for its faces. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    pub(crate) fresh: mpsc::Sender<Request>,
    pub(crate) urgent: mpsc::Sender<Request>,
    pub(crate) online: Arc<Online>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) call_capacity: usize,
    pub(crate) mail: Option<Mailer>,
    pub(crate) sip_address: SocketAddr,
}

impl Handle {
    /// Rings the caller's phone and then calls the callee. The call can be
    /// queried as soon as this returns; how it goes on is told by events.
    pub async fn dial(&self, request: DialRequest) -> Result<CallId, ExchangeError> {
        let (answer, result) = oneshot::channel();
        self.fresh
            .try_send(Request::Dial(request, answer))
            .map_err(refused)?;
        result.await.map_err(|_| ExchangeError::Stopping)?
    }

    /// Hangs up one leg, by the channel's name (`PJSIP/1000-0000002a`).
    /// Answers the call it was in.
    pub async fn hangup(&self, channel_id: &str) -> Result<CallId, ExchangeError> {
        let (answer, result) = oneshot::channel();
        // A hang-up is never shed: it waits for its place.
        self.urgent
            .send(Request::Hangup(channel_id.into(), answer))
            .await
            .map_err(|_| ExchangeError::Stopping)?;
        result.await.map_err(|_| ExchangeError::Stopping)?
    }

    /// The live calls that the selector names.
    pub async fn calls(&self, selector: Selector) -> Result<Vec<CallInfo>, ExchangeError> {
        let (answer, result) = oneshot::channel();
        self.fresh
            .try_send(Request::Calls(selector, answer))
            .map_err(refused)?;
        result.await.map_err(|_| ExchangeError::Stopping)
    }

    /// How much is going on.
    pub async fn load(&self) -> Result<Load, ExchangeError> {
        let (answer, result) = oneshot::channel();
        self.urgent
            .send(Request::Load(answer))
            .await
            .map_err(|_| ExchangeError::Stopping)?;
        result.await.map_err(|_| ExchangeError::Stopping)
    }

    /// How many calls there can be at once: what ports and sessions allow. The
    /// machine may be slower than that.
    pub fn call_capacity(&self) -> usize {
        self.call_capacity
    }

    /// The way to the SMTP server, where the configuration has one.
    pub fn mail(&self) -> Option<&Mailer> {
        self.mail.as_ref()
    }

    /// Where phones register, as it is told to people: the external address
    /// where there is one.
    pub fn sip_address(&self) -> SocketAddr {
        self.sip_address
    }

    /// The devices that are registered for an extension now.
    pub fn registrations(&self, extension: &ExtensionNumber) -> Vec<Registered> {
        self.online
            .load()
            .get(extension)
            .map(|devices| devices.to_vec())
            .unwrap_or_default()
    }

    /// All registered devices as they are now, for who looks up many.
    pub fn online(&self) -> OnlineNow {
        OnlineNow(self.online.load_full())
    }

    /// The settings mechanism.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Events from now on, in order, each after it is kept.
    pub fn events(&self) -> broadcast::Receiver<Arc<CommittedEvent>> {
        self.store.journal().subscribe()
    }

    /// Who this PBX is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Ends all calls, lets their records be kept, and stops the loop.
    pub async fn stop(&self) {
        let (answer, result) = oneshot::channel();
        if self.urgent.send(Request::Stop(answer)).await.is_ok() {
            // The loop answers when it has left; an error says that it has.
            let _ = result.await;
        }
    }
}

fn refused(error: mpsc::error::TrySendError<Request>) -> ExchangeError {
    match error {
        mpsc::error::TrySendError::Full(_) => ExchangeError::Congestion,
        mpsc::error::TrySendError::Closed(_) => ExchangeError::Stopping,
    }
}

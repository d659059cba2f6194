//! Starting the exchange, and its loop.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use media::{Media, MediaConfig};
use settings::{Change, Settings};
use sip::{Endpoint, EndpointConfig, Timers as SipTimers};
use sip_net::{Lanes, Received, UdpTransport};
use store::{Batch, Store};
use switch::Input;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::address::{Addresses, Network};
use crate::auth::Auth;
use crate::calls::LiveCalls;
use crate::core::{Core, Returned};
use crate::handle::{Handle, Request};
use crate::identity::Identity;
use crate::legs::Legs;
use crate::numbering::Numbering;
use crate::registrar::{Registrar, until};
use crate::timers::{Alarm, Timers};
use crate::tones;

/// Most messages that wait in the lane of what is under way.
const URGENT_MESSAGES: usize = 16_384;
/// Most messages that wait in the lane of what is new; more are answered 503.
const FRESH_MESSAGES: usize = 2_048;
/// Most requests of applications that wait.
const REQUESTS: usize = 1_024;
/// Most returns from elsewhere that wait.
const RETURNS: usize = 16_384;
/// The realm phones are asked for.
const REALM: &str = "strowger";
/// How long a shutdown waits for phones to say goodbye.
const GOODBYE: Duration = Duration::from_secs(3);
/// Most transactions and sessions at once.
const MAX_TRANSACTIONS: usize = 262_144;
const MAX_SESSIONS: usize = 65_536;

/// What the exchange must know to start.
#[derive(Debug)]
pub struct ExchangeConfig {
    /// Where SIP over UDP is taken.
    pub sip_udp: SocketAddr,
    /// Where RTP is taken.
    pub rtp_listen: IpAddr,
    /// RTP's ports.
    pub rtp_ports: RangeInclusive<u16>,
    /// Told to peers that are outside of the local networks.
    pub external_address: Option<IpAddr>,
    /// Networks whose peers are inside.
    pub local_networks: Vec<Network>,
    /// Who this PBX is.
    pub identity: Identity,
}

/// Why the exchange could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// SIP's socket.
    #[error("SIP over UDP: {0}")]
    Sip(#[from] sip_net::NetError),
    /// Audio.
    #[error("RTP: {0}")]
    Media(#[from] media::MediaError),
    /// The machine gives no randomness.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// The settings have a listener already.
    #[error("the settings are taken")]
    SettingsTaken,
}

/// A running exchange: its handle, where it listens, its tasks.
pub struct Running {
    /// For the faces.
    pub handle: Handle,
    /// Where SIP over UDP is taken, the port found if it was 0.
    pub sip_udp: SocketAddr,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Ends all calls, keeps their records, and stops.
    pub async fn stop(self) {
        self.handle.stop().await;
        for task in self.tasks {
            task.abort();
        }
    }
}

/// Starts the exchange: recovers what a crash left, then opens the sockets.
pub async fn start(
    config: ExchangeConfig,
    store: Store,
    settings: Settings,
) -> Result<Running, StartError> {
    let identity = Arc::new(config.identity);
    let recovered = crate::recovery::recover(&store, &identity).await?;
    if recovered > 0 {
        tracing::warn!(
            recovered,
            "calls were live when the exchange died; they have their records now"
        );
    }
    let (call_counter, leg_counter) = Numbering::names();
    let mut batch = Batch::default();
    let numbering = Numbering::new(
        identity.node,
        store.counter(call_counter).await?,
        store.counter(leg_counter).await?,
        &mut batch,
    );
    let journal = store.journal();
    if let Ok(ticket) = journal.submit(batch) {
        ticket.await?;
    }
    // Nobody waits for it: a tone that is asked for earlier is made then.
    tokio::task::spawn_blocking(tones::warm_up);
    let (returned, returns) = mpsc::channel(RETURNS);
    let media = {
        let back = returned.clone();
        Media::start(
            MediaConfig {
                listen: config.rtp_listen,
                ports: config.rtp_ports,
                workers: std::thread::available_parallelism().map_or(1, usize::from),
            },
            move |report| {
                // What finds no place is offered again.
                back.try_send(Returned::Media(report)).is_ok()
            },
        )?
    };
    let transport = UdpTransport::bind(config.sip_udp).await?;
    let local = transport.local_addr();
    let mut registrar = Registrar::default();
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.as_secs()),
    )
    .unwrap_or(i64::MAX);
    registrar.restore(store.registrations().await?, local, now);
    let changes = settings.changes().ok_or(StartError::SettingsTaken)?;
    let snapshot = settings.snapshot();
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let online = Arc::new(ArcSwap::from_pointee(registrar.online()));
    let (fresh, fresh_requests) = mpsc::channel(REQUESTS);
    let (urgent, urgent_requests) = mpsc::channel(REQUESTS);
    let handle = Handle {
        fresh,
        urgent,
        online: online.clone(),
        identity: identity.clone(),
        settings: settings.clone(),
        store: store.clone(),
    };
    let mut core = Core {
        switch: switch::Exchange::new(),
        sip: Endpoint::new(EndpointConfig {
            seed,
            user_agent: format!("Strowger/{}", env!("CARGO_PKG_VERSION")),
            timers: SipTimers::default(),
            max_transactions: MAX_TRANSACTIONS,
            max_sessions: MAX_SESSIONS,
        }),
        transport: transport.clone(),
        local,
        media,
        rtp_listen: config.rtp_listen,
        journal,
        snapshot: snapshot.clone(),
        identity,
        addresses: Addresses::new(config.external_address, config.local_networks),
        auth: Auth::new(REALM, secret),
        registrar,
        online,
        legs: Legs::default(),
        calls: LiveCalls::default(),
        timers: Timers::default(),
        numbering,
        returned,
        waiting: HashMap::new(),
        next_request: 0,
        pending: VecDeque::new(),
        draining: false,
        current: None,
        output: switch::Output::default(),
        started: Instant::now(),
        stopping: false,
    };
    core.configure(snapshot);
    for (contact, expires_at) in core.registrar.expiries() {
        core.timers
            .set(Alarm::Registration(contact), until(expires_at, now));
    }
    for extension in core.registrar.extensions() {
        let contacts = core.registrar.contacts(&extension);
        core.feed(Input::Contacts {
            extension,
            contacts,
        });
    }
    core.timers
        .set(Alarm::Housekeeping, crate::recovery::HEARTBEAT);

    let (urgent_lane, urgent_messages) = mpsc::channel(URGENT_MESSAGES);
    let (fresh_lane, fresh_messages) = mpsc::channel(FRESH_MESSAGES);
    let lanes = Lanes {
        urgent: urgent_lane,
        fresh: fresh_lane,
    };
    let receiver = tokio::spawn(transport.receive(lanes));
    let exchange = Loop {
        core,
        urgent_messages,
        fresh_messages,
        returns,
        urgent_requests,
        fresh_requests,
        changes,
    };
    let looping = tokio::spawn(exchange.run());
    Ok(Running {
        handle,
        sip_udp: local,
        tasks: vec![receiver, looping],
    })
}

/// The loop and its lanes.
struct Loop {
    core: Core,
    urgent_messages: mpsc::Receiver<Received>,
    fresh_messages: mpsc::Receiver<Received>,
    returns: mpsc::Receiver<Returned>,
    urgent_requests: mpsc::Receiver<Request>,
    fresh_requests: mpsc::Receiver<Request>,
    changes: mpsc::Receiver<Change>,
}

impl Loop {
    async fn run(mut self) {
        loop {
            if let Some(answer) = self.turn().await {
                self.leave().await;
                // Who asked may have gone.
                let _ = answer.send(());
                return;
            }
        }
    }

    /// One input. What is under way goes before what is new, always.
    async fn turn(&mut self) -> Option<oneshot::Sender<()>> {
        let timeout = self.core.sip.poll_timeout();
        let base = tokio::time::Instant::from_std(self.core.started);
        tokio::select! {
            biased;
            () = sleep_until(timeout.map(|at| base + at.0)) => self.core.sip_timeout(),
            Some(received) = self.urgent_messages.recv() => self.core.receive(received),
            alarm = self.core.timers.next() => self.core.alarm(alarm),
            Some(returned) = self.returns.recv() => self.core.back(returned),
            Some(request) = self.urgent_requests.recv() => match request {
                Request::Stop(answer) => return Some(answer),
                request => self.core.request(request),
            },
            Some(change) = self.changes.recv() => {
                self.core.configure(change.snapshot);
                // The settings may have stopped waiting.
                let _ = change.done.send(());
            }
            Some(received) = self.fresh_messages.recv() => self.core.receive(received),
            Some(request) = self.fresh_requests.recv() => self.core.request(request),
        }
        None
    }

    /// Ends all calls and gives the phones a moment to answer the BYEs.
    async fn leave(&mut self) {
        self.core.hang_up_all();
        let deadline = tokio::time::Instant::now() + GOODBYE;
        while self.core.legs.len() > 0 {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => break,
                _ = self.turn() => {}
            }
        }
        self.core.journal.flushed().await;
    }
}

async fn sleep_until(at: Option<tokio::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

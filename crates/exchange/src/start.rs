//! Starting the exchange: the parts are made, what was kept is taken up, and
//! only then sockets are heard.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use media::{Media, MediaConfig};
use settings::Settings;
use sip::{Endpoint, EndpointConfig, Timers as SipTimers};
use sip_net::Lanes;
use store::{Batch, Store};
use tokio::sync::mpsc;

use crate::address::{Addresses, Network};
use crate::auth::Auth;
use crate::calls::LiveCalls;
use crate::core::{Core, Returned};
use crate::guard::Work;
use crate::handle::Handle;
use crate::home::{Home, Lease};
use crate::identity::Identity;
use crate::legs::Legs;
use crate::mail::Mailer;
use crate::numbering::Numbering;
use crate::outbox::Outbox;
use crate::registrar::Registrar;
use crate::timers::Timers;
use crate::tones;
use crate::turn::Loop;

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
/// Nobody's address (RFC 5737), for what anybody outside is told.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
/// Most transactions and sessions at once.
const MAX_TRANSACTIONS: usize = 262_144;
const MAX_SESSIONS: usize = 65_536;

/// After so long without a word a phone in a call is asked whether it is still
/// there: one that is not holds its call no longer than this and half a minute.
const DIALOG_REFRESH: Duration = Duration::from_secs(15 * 60);

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
    /// Digest algorithms that phones are asked for, in this order. More than
    /// one makes some phones give up (baresip 1.0 among them) instead of
    /// choosing as RFC 8760 §2.4 has it.
    pub digest: Vec<sip::digest::Algorithm>,
    /// Who this PBX is.
    pub identity: Identity,
    /// The way to the SMTP server, where there is one.
    pub mail: Option<Mailer>,
}

/// Why the exchange could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Phones could register that could not be spoken with.
    #[error(
        "sip.udp {sip} takes phones that rtp.listen {rtp} has no audio for: both must be of one \
         family, and rtp.listen must be :: where sip.udp is [::]"
    )]
    Families {
        /// Where SIP is to be taken.
        sip: SocketAddr,
        /// Where RTP is to be taken.
        rtp: IpAddr,
    },
    /// SIP's socket.
    #[error("SIP over UDP: {0}")]
    Sip(#[from] sip_net::NetError),
    /// Audio.
    #[error("RTP: {0}")]
    Media(#[from] media::MediaError),
    /// The machine gives no randomness.
    #[error("no randomness: {0}")]
    Random(#[from] getrandom::Error),
    /// The loop's thread.
    #[error("the exchange's thread: {0}")]
    Thread(std::io::Error),
    /// The settings have a listener already.
    #[error("the settings are taken")]
    SettingsTaken,
}

/// A running exchange: its handle and where it listens. Dropped without
/// [`Running::stop`], it stops where it stands, as in a crash.
pub struct Running {
    /// For the faces.
    pub handle: Handle,
    /// Where SIP over UDP is taken, the port found if it was 0.
    pub sip_udp: SocketAddr,
    _lease: Lease,
}

impl Running {
    /// Ends all calls, keeps their records, and stops.
    pub async fn stop(self) {
        self.handle.stop().await;
    }
}

/// Starts the exchange: recovers what a crash left, then opens the sockets.
pub async fn start(
    config: ExchangeConfig,
    store: Store,
    settings: Settings,
) -> Result<Running, StartError> {
    start_with(config, store, settings, Tuning::default()).await
}

/// What only tests change.
pub(crate) struct Tuning {
    pub sip_timers: SipTimers,
    pub refresh_every: Duration,
    #[cfg(test)]
    pub trip: crate::trip::Trip,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            sip_timers: SipTimers::default(),
            refresh_every: DIALOG_REFRESH,
            #[cfg(test)]
            trip: crate::trip::Trip::default(),
        }
    }
}

/// As [`start`], tuned.
pub(crate) async fn start_with(
    config: ExchangeConfig,
    store: Store,
    settings: Settings,
    tuning: Tuning,
) -> Result<Running, StartError> {
    let (sip, rtp) = (config.sip_udp, config.rtp_listen);
    if !crate::address::audio_fits(sip.ip(), rtp) {
        return Err(StartError::Families { sip, rtp });
    }
    let identity = Arc::new(config.identity);
    let recovered = crate::recovery::recover(&store, &identity).await?;
    if recovered > 0 {
        tracing::warn!(
            recovered,
            "calls were live when the exchange died; they have their records now"
        );
    }
    let journal = Outbox::new(store.journal());
    let numbering = number(&store, identity.node).await?;
    // Nobody waits for it: a tone that is asked for earlier is made then.
    tokio::task::spawn_blocking(tones::warm_up);
    let (returned, returns) = mpsc::channel(RETURNS);
    let media = start_media(config.rtp_listen, config.rtp_ports, returned.clone())?;
    let home = Home::open(config.sip_udp).await?;
    let local = home.transport.local_addr();
    let mut registrar = Registrar::default();
    let nonsense = registrar.restore(store.registrations().await?, local);
    let mut changes = settings.changes().ok_or(StartError::SettingsTaken)?;
    let snapshot = changes.latest().snapshot.clone();
    let online = Arc::new(ArcSwap::from_pointee(registrar.online()));
    let (fresh, fresh_requests) = mpsc::channel(REQUESTS);
    let (urgent, urgent_requests) = mpsc::channel(REQUESTS);
    let addresses = Addresses::new(config.external_address, config.local_networks);
    let handle = Handle {
        fresh,
        urgent,
        online: online.clone(),
        identity: identity.clone(),
        settings: settings.clone(),
        store: store.clone(),
        // A call is two legs, each with a pair of ports and a session.
        call_capacity: media.ports().min(MAX_SESSIONS) / 2,
        mail: config.mail,
        sip_address: addresses.told_socket(local, OUTSIDE),
    };
    let mut core = Core {
        switch: switch::Exchange::new(),
        sip: Endpoint::new(EndpointConfig {
            seed: random()?,
            user_agent: format!("Strowger/{}", env!("CARGO_PKG_VERSION")),
            timers: tuning.sip_timers,
            refresh_every: Some(tuning.refresh_every),
            max_transactions: MAX_TRANSACTIONS,
            max_sessions: MAX_SESSIONS,
        }),
        transport: home.transport.clone(),
        local,
        media,
        rtp_listen: config.rtp_listen,
        journal,
        snapshot: snapshot.clone(),
        changes,
        sealer: settings.sealer().clone(),
        identity,
        addresses,
        auth: Auth::new(REALM, random()?, random()?, config.digest),
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
        actions: VecDeque::new(),
        output: switch::Output::default(),
        draining: false,
        work: Work::default(),
        started: Instant::now(),
        run: run_number()?,
        stopping: false,
        #[cfg(test)]
        trip: tuning.trip,
    };
    core.submit(Batch {
        registrations: nonsense,
        ..Batch::default()
    });
    let configuration = Arc::new(snapshot.switch_configuration());

    let (urgent_lane, urgent_messages) = mpsc::channel(URGENT_MESSAGES);
    let (fresh_lane, fresh_messages) = mpsc::channel(FRESH_MESSAGES);
    let lanes = Lanes {
        urgent: urgent_lane,
        fresh: fresh_lane,
    };
    let looping = Loop {
        core,
        urgent_messages,
        fresh_messages,
        returns,
        urgent_requests,
        fresh_requests,
    };
    let lease = home.run(looping, configuration, lanes).await?;
    Ok(Running {
        handle,
        sip_udp: local,
        _lease: lease,
    })
}

/// Fresh ids behind all that were ever reserved; the first block is kept
/// before the first id is used.
async fn number(store: &Store, node: u8) -> Result<Numbering, StartError> {
    let (calls, legs) = Numbering::names();
    let mut batch = Batch::default();
    let numbering = Numbering::new(
        node,
        store.counter(calls).await?,
        store.counter(legs).await?,
        &mut batch,
    );
    store.write(batch).await?;
    Ok(numbering)
}

fn start_media(
    listen: IpAddr,
    ports: RangeInclusive<u16>,
    back: mpsc::Sender<Returned>,
) -> Result<Media, StartError> {
    let config = MediaConfig {
        listen,
        ports,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    };
    // What finds no place is offered again.
    let report = move |report| back.try_send(Returned::Media(report)).is_ok();
    Ok(Media::start(config, report)?)
}

/// Tells this run from all others.
fn run_number() -> Result<u64, getrandom::Error> {
    let [a, b, c, d, e, f, g, h, ..] = random()?;
    Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

fn random() -> Result<[u8; 32], getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

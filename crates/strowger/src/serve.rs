//! `strowger serve`: the parts wired together, from the configuration to a
//! clean end.

use std::net::{SocketAddr, TcpListener};

use std::time::Instant;

use exchange::clock::{DateFormat, DisplayClock, TimeFormat};
use exchange::mail::{MailConfig, MailSecurity, Mailer};
use exchange::{ExchangeConfig, FIRMWARE, Handle, Identity, Network, Running};
use jiff::tz::TimeZone;
use settings::Settings;
use store::{Store, StoreOptions};

use crate::config::{Config, Security, Smtp};
use crate::control::{Control, Reach};
use crate::credentials::{self, Credentials};
use crate::data_dir::{DataDir, RunFile};

/// Errors end the process with a sentence; nothing compares them.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A PBX that runs in this process.
pub struct Pbx {
    /// The exchange.
    pub handle: Handle,
    /// The API's credentials.
    pub credentials: Credentials,
    /// Where HTTP is taken.
    pub http: SocketAddr,
    /// Where HTTPS is taken.
    pub https: SocketAddr,
    /// Where SIP over UDP is taken.
    pub sip_udp: SocketAddr,
    running: Running,
    api: api::Serving,
    control: Option<Control>,
    store: Store,
    dir: DataDir,
}

impl Pbx {
    /// Starts everything. When this returns, all listen and `run.json` says where.
    pub async fn start(config: Config) -> Result<Self> {
        let dir = DataDir::take(&config.data.dir)?;
        let store = Store::open(&config.database_url(), StoreOptions::default()).await?;
        let key_file = dir.path().join("secret.key");
        let serial = credentials::serial(&store, config.pbx.serial.as_deref()).await?;
        let options = settings_options(&config, &serial);
        let settings = Settings::open_with(store.clone(), &key_file, options).await?;
        let credentials = credentials::load_or_make(&store, &key_file, &config.api).await?;
        // Before anything counts: sip-net keeps its counters from the start.
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder()?;
        // All that can fail on a machine's own account comes before a phone can
        // register: who connects here waits until the door opens.
        let http = TcpListener::bind(config.http.listen)
            .map_err(|e| format!("http {}: {e}", config.http.listen))?;
        let https = TcpListener::bind(config.https.listen)
            .map_err(|e| format!("https {}: {e}", config.https.listen))?;
        let (http_addr, https_addr) = (http.local_addr()?, https.local_addr()?);
        let tls = api::tls::load_or_make(dir.path())?;
        let running =
            exchange::start(exchange_config(&config, serial)?, store.clone(), settings).await?;
        let metrics = axum::Router::new().route(
            "/metrics",
            axum::routing::get(move || std::future::ready(recorder.render())),
        );
        let api = api::serve(
            api::ApiConfig {
                http: Some(http),
                https: Some((https, tls)),
                client_id: credentials.client_id.clone(),
                client_secret: credentials.client_secret.clone(),
                permitted: config.api.permitted.clone(),
                requests_per_second: config.api.requests_per_second,
                downloads: Some(dir.path().join("downloads")),
                extra: Some(metrics),
            },
            running.handle.clone(),
        )
        .await?;
        let reach = Reach {
            blocklist: api.blocklist(),
            credentials: credentials.clone(),
        };
        let control = Control::open(dir.path(), reach)
            .inspect_err(|error| {
                tracing::warn!(%error, "no control socket: `strowger unblock` will not reach this exchange");
            })
            .ok();
        let pbx = Self {
            handle: running.handle.clone(),
            credentials,
            http: http_addr,
            https: https_addr,
            sip_udp: running.sip_udp,
            running,
            api,
            control,
            store,
            dir,
        };
        let ports = config.rtp.ports;
        let rtp = format!("{}:{}-{}", config.rtp.listen, ports.first, ports.last);
        pbx.dir.write_run(&RunFile {
            http: http_addr.to_string(),
            https: https_addr.to_string(),
            sip_udp: pbx.sip_udp.to_string(),
            rtp: rtp.clone(),
            pid: std::process::id(),
        })?;
        println!(
            "ready: http {http_addr}, https {https_addr}, sip udp {}, rtp {rtp}",
            pbx.sip_udp
        );
        Ok(pbx)
    }

    /// Ends calls, lets their records be kept, and leaves nothing behind.
    pub async fn stop(self) {
        self.dir.forget_run();
        if let Some(control) = self.control {
            control.close();
        }
        self.running.stop().await;
        self.api.stop().await;
        self.store.close().await;
    }
}

/// Runs until SIGTERM or SIGINT.
pub async fn serve(config: Config) -> Result<()> {
    let stop = stop_signal()?;
    let pbx = Pbx::start(config).await?;
    stop.await;
    tracing::info!("stopping");
    pbx.stop().await;
    Ok(())
}

/// Ready when the process is asked to end.
pub fn stop_signal() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn settings_options(config: &Config, serial: &str) -> settings::Options {
    settings::Options {
        serial: serial.to_owned(),
        company: name(config),
        features: settings::Features {
            organization: config.organization.enabled,
            show_root_organization: config.organization.show_root,
        },
        ..settings::Options::default()
    }
}

/// The way to the mail server, where one is named.
fn mailer(smtp: &Smtp) -> Result<Option<Mailer>> {
    let Some(host) = &smtp.host else {
        return Ok(None);
    };
    let login = match (&smtp.username, &smtp.password) {
        (Some(name), Some(password)) => Some((name.clone(), settings::Secret::new(password))),
        (None, None) => None,
        _ => return Err("configuration: smtp: username and password go together".into()),
    };
    let from = smtp
        .from
        .clone()
        .ok_or("configuration: smtp.from is missing: an address that letters are from")?;
    let config = MailConfig {
        host: host.clone(),
        port: smtp.port,
        security: match smtp.security {
            Security::None => MailSecurity::None,
            Security::StartTls => MailSecurity::StartTls,
            Security::Tls => MailSecurity::Tls,
        },
        login,
        from,
        ca: smtp.ca.clone(),
    };
    Ok(Some(Mailer::new(&config)?))
}

fn name(config: &Config) -> String {
    config.pbx.name.clone().unwrap_or_else(|| "Strowger".into())
}

fn exchange_config(config: &Config, serial: String) -> Result<ExchangeConfig> {
    let local_networks = config
        .net
        .local_networks
        .iter()
        .map(|n| n.parse())
        .collect::<std::result::Result<Vec<Network>, _>>()?;
    let zone = match &config.pbx.timezone {
        Some(name) => {
            TimeZone::get(name).map_err(|e| format!("configuration: pbx.timezone: {e}"))?
        }
        None => TimeZone::system(),
    };
    let date = config.pbx.date_format.as_deref().unwrap_or("YYYY/MM/DD");
    let time = config.pbx.time_format.as_deref().unwrap_or("HH:mm:ss");
    Ok(ExchangeConfig {
        sip_udp: config.sip.udp,
        rtp_listen: config.rtp.listen,
        rtp_ports: config.rtp.ports.range(),
        external_address: config.net.external_address,
        local_networks,
        digest: config.sip.digest.clone(),
        mail: mailer(&config.smtp)?,
        identity: Identity {
            name: name(config),
            serial,
            firmware: FIRMWARE,
            clock: DisplayClock {
                zone,
                date: DateFormat::from_name(date)
                    .map_err(|e| format!("configuration: pbx.date_format: {e}"))?,
                time: TimeFormat::from_name(time)
                    .map_err(|e| format!("configuration: pbx.time_format: {e}"))?,
            },
            node: 1,
            started: Instant::now(),
        },
    })
}

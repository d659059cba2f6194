//! The listeners: connections in, bounded and timed, to one router.

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle as Listener, Server};
use exchange::{Handle, Network};
use rustls::ServerConfig;
use store::StoreError;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admit::{Admission, named, permit};
use crate::blocklist::Blocklist;
use crate::connections::Places;
use crate::door::{App, enter};
use crate::download::Shelf;
use crate::limits::{
    DOWNLOAD_SWEEP, FIRST_REQUEST_TIMEOUT, HANDSHAKE_TIMEOUT, HEADER_TIMEOUT, HTTP2_KEEP_ALIVE,
    IDLE_TIMEOUT, MAX_HEADER_BYTES, MAX_STREAMS, SHUTDOWN_GRACE,
};
use crate::token::Tokens;
use crate::turn::turn;

/// What the door needs to open.
#[derive(Default)]
pub struct ApiConfig {
    /// Where plain HTTP comes in.
    pub http: Option<std::net::TcpListener>,
    /// Where HTTPS comes in, and with which certificate; see
    /// [`crate::tls::load_or_make`].
    pub https: Option<(std::net::TcpListener, Arc<ServerConfig>)>,
    /// The application's Client ID.
    pub client_id: String,
    /// The application's Client Secret.
    pub client_secret: String,
    /// Who may ask; everybody where no network is named.
    pub permitted: Vec<Network>,
    /// Most requests a second from one address; no bound where there is none.
    pub requests_per_second: Option<NonZeroU32>,
    /// Where files lie that are made to be fetched. It is emptied; without it
    /// none can be made.
    pub downloads: Option<PathBuf>,
    /// Pages beside the API, such as `/metrics`. They are asked first, and
    /// need neither token nor User-Agent.
    pub extra: Option<Router>,
}

/// Why the door does not open.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The kept tokens can't be read.
    #[error("the kept tokens can't be read: {0}")]
    Store(#[from] StoreError),
    /// A listener is of no use.
    #[error("listener: {0}")]
    Listener(#[from] io::Error),
    /// The directory for downloads is of no use.
    #[error("the directory for downloads: {0}")]
    Downloads(#[source] io::Error),
}

/// The open door.
pub struct Serving {
    /// Where plain HTTP is, if it is.
    pub http: Option<SocketAddr>,
    /// Where HTTPS is, if it is.
    pub https: Option<SocketAddr>,
    listeners: Vec<Listener<SocketAddr>>,
    tasks: JoinSet<io::Result<()>>,
    app: Arc<App>,
    stopping: watch::Sender<bool>,
}

/// Opens the door of a running exchange. It must be called within a tokio
/// runtime; it returns when the listeners take connections.
pub async fn serve(config: ApiConfig, handle: Handle) -> Result<Serving, ApiError> {
    let ApiConfig {
        http,
        https,
        client_id,
        client_secret,
        permitted,
        requests_per_second,
        downloads,
        extra,
    } = config;
    let sealer = handle.settings().sealer().clone();
    let tokens = Tokens::open(handle.store().clone(), &sealer, &client_id, &client_secret).await?;
    let stopping = watch::Sender::new(false);
    let shelf = Shelf::open(downloads).map_err(ApiError::Downloads)?;
    let app = App::new(handle, tokens, shelf, stopping.subscribe());
    tokio::spawn(tidy(Arc::downgrade(&app)));
    let changes = app.tokens.block_changes();
    tokio::spawn(keep_blocks(Arc::downgrade(&app), changes));
    let admission = Arc::new(Admission::new(permitted, requests_per_second));
    let router = Router::new()
        .fallback(enter)
        .with_state(app.clone())
        .layer(from_fn(named))
        .merge(extra.unwrap_or_default())
        .layer(from_fn_with_state(admission.clone(), permit))
        .layer(from_fn(turn));
    let places = || Places::new(admission.clone(), IDLE_TIMEOUT);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut serving = Serving {
        http: None,
        https: None,
        listeners: Vec::new(),
        tasks: JoinSet::new(),
        app,
        stopping,
    };
    if let Some(listener) = http {
        serving.http = Some(listener.local_addr()?);
        let server = axum_server::from_tcp(listener)?.acceptor(places());
        let server = serving.tuned(server);
        serving.tasks.spawn(server.serve(service.clone()));
    }
    if let Some((listener, tls)) = https {
        serving.https = Some(listener.local_addr()?);
        let tls = RustlsAcceptor::new(RustlsConfig::from_config(tls))
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .acceptor(places());
        let server = axum_server::from_tcp(listener)?.acceptor(tls);
        let server = serving.tuned(server);
        serving.tasks.spawn(server.serve(service));
    }
    Ok(serving)
}

/// Removes files whose time is over, as long as the door is open.
async fn tidy(app: Weak<App>) {
    loop {
        tokio::time::sleep(DOWNLOAD_SWEEP).await;
        let Some(app) = app.upgrade() else {
            return;
        };
        app.shelf.forget_old();
    }
}

/// Keeps the blocks whenever there are others, as long as the door is open.
async fn keep_blocks(app: Weak<App>, mut changes: watch::Receiver<()>) {
    while changes.changed().await.is_ok() {
        let Some(app) = app.upgrade() else {
            return;
        };
        app.tokens.keep_blocks().await;
    }
}

impl Serving {
    /// The addresses that failed logins have blocked, for who runs this PBX.
    pub fn blocklist(&self) -> Blocklist {
        Blocklist::new(self.app.clone())
    }

    /// Closes the door: takes no more connections, closes the event sockets,
    /// and gives requests under way a moment to finish.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        for listener in &self.listeners {
            listener.graceful_shutdown(Some(SHUTDOWN_GRACE));
        }
        while let Some(ended) = self.tasks.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "a listener ended badly"),
                Err(error) => tracing::warn!(%error, "a listener was lost"),
            }
        }
        // The last one may not have been kept yet.
        self.app.tokens.keep_blocks().await;
    }

    fn tuned<A>(&mut self, server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
        let listener = Listener::new();
        self.listeners.push(listener.clone());
        let mut server = server
            .handle(listener)
            .first_request_timeout(FIRST_REQUEST_TIMEOUT)
            .accept_error_handler(|from, error| tracing::debug!(?from, %error, "no connection"));
        let builder = server.http_builder();
        builder
            .http1()
            .half_close(true)
            .header_read_timeout(HEADER_TIMEOUT)
            .max_buf_size(MAX_HEADER_BYTES as usize);
        builder
            .http2()
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEADER_BYTES)
            .keep_alive_interval(HTTP2_KEEP_ALIVE);
        server
    }
}

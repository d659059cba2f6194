//! The thread that SIP's socket and the loop live on. Reading a datagram and
//! handling it are two tasks that wake each other for every message; on one
//! thread of their own that costs a queue's push, not a wake-up of another core.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use sip_net::{Lanes, UdpTransport};
use tokio::sync::oneshot;

use crate::start::StartError;
use crate::turn::{Beginning, Loop};

/// The thread, its socket bound, waiting for the loop to be moved in.
pub(crate) struct Home {
    pub transport: Arc<UdpTransport>,
    go: oneshot::Sender<(Loop, Beginning, Lanes)>,
    lease: Lease,
}

/// While this is held the loop runs. Dropping it stops the loop where it stands,
/// as a crash would; a clean end is [`crate::Handle::stop`].
pub(crate) struct Lease {
    _held: oneshot::Sender<()>,
}

impl Home {
    /// Starts the thread and binds the socket on it.
    pub async fn open(address: SocketAddr) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(StartError::Thread)?;
        let (bound, transport) = oneshot::channel();
        let (go, moved_in) = oneshot::channel::<(Loop, Beginning, Lanes)>();
        let (held, mut given_up) = oneshot::channel();
        let live = async move {
            let transport = match UdpTransport::bind(address).await {
                Ok(transport) => transport,
                Err(error) => {
                    // Who asked may have gone.
                    let _ = bound.send(Err(error));
                    return;
                }
            };
            if bound.send(Ok(transport.clone())).is_err() {
                return;
            }
            let Ok((looping, beginning, lanes)) = moved_in.await else {
                return;
            };
            let receiver = tokio::spawn(transport.receive(lanes));
            tokio::select! {
                () = looping.run(beginning) => {}
                _ = &mut given_up => {}
            }
            receiver.abort();
        };
        thread::Builder::new()
            .name("exchange".into())
            .spawn(move || runtime.block_on(live))
            .map_err(StartError::Thread)?;
        let gone = || StartError::Thread(io::Error::other("the thread ended early"));
        let transport = transport.await.map_err(|_| gone())??;
        Ok(Self {
            transport,
            go,
            lease: Lease { _held: held },
        })
    }

    /// Moves the loop in; it has begun when this returns.
    pub async fn run(
        self,
        looping: Loop,
        configuration: Arc<switch::Configuration>,
        lanes: Lanes,
    ) -> Result<Lease, StartError> {
        let (begun, beginning) = oneshot::channel();
        let gone = || StartError::Thread(io::Error::other("the thread ended early"));
        let begin = Beginning {
            configuration,
            begun,
        };
        self.go.send((looping, begin, lanes)).map_err(|_| gone())?;
        beginning.await.map_err(|_| gone())?;
        Ok(self.lease)
    }
}

//! Connections: a place for each, as long as it lives, and an end to those
//! that do nothing.
//!
//! Who is not permitted gets to read that, on a few places that are nobody
//! else's; one address never has all places. An event socket keeps its place.

use std::collections::HashMap;
use std::future::{Future, Ready, ready};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Request;
use axum_server::accept::Accept;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use crate::activity::Activity;
use crate::admit::Admission;
use crate::limits::{
    FORBIDDEN_IDLE, FORBIDDEN_LIFE, MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS,
    MAX_FORBIDDEN_CONNECTIONS,
};
use crate::token::one_owner;

/// Takes connections as long as there are places for them.
#[derive(Clone)]
pub struct Places {
    admission: Arc<Admission>,
    idle: Duration,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    permitted: usize,
    forbidden: usize,
    /// Of the permitted ones; an address with none is not in it.
    by_owner: HashMap<IpAddr, usize>,
}

/// Whose place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Permitted(IpAddr),
    Forbidden,
}

impl Taken {
    fn take(&mut self, owner: Owner) -> Result<(), &'static str> {
        match owner {
            Owner::Forbidden if self.forbidden >= MAX_FORBIDDEN_CONNECTIONS => {
                return Err("too many connections of addresses that are not permitted");
            }
            Owner::Forbidden => self.forbidden += 1,
            Owner::Permitted(_) if self.permitted >= MAX_CONNECTIONS => {
                return Err("too many connections");
            }
            Owner::Permitted(address) => {
                let of_owner = self.by_owner.entry(address).or_default();
                if *of_owner >= MAX_CONNECTIONS_PER_ADDRESS {
                    return Err("too many connections of one address");
                }
                *of_owner += 1;
                self.permitted += 1;
            }
        }
        Ok(())
    }

    fn leave(&mut self, owner: Owner) {
        match owner {
            Owner::Forbidden => self.forbidden = self.forbidden.saturating_sub(1),
            Owner::Permitted(address) => {
                self.permitted = self.permitted.saturating_sub(1);
                if let Some(of_owner) = self.by_owner.get_mut(&address) {
                    *of_owner = of_owner.saturating_sub(1);
                    if *of_owner == 0 {
                        self.by_owner.remove(&address);
                    }
                }
            }
        }
    }
}

/// One connection's place, free again when it goes.
#[derive(Debug)]
struct Place {
    owner: Owner,
    taken: Arc<Mutex<Taken>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.lock().leave(self.owner);
    }
}

impl Places {
    /// All of one listener; a connection may do nothing for so long.
    pub fn new(admission: Arc<Admission>, idle: Duration) -> Self {
        Self {
            admission,
            idle,
            taken: Arc::default(),
        }
    }

    fn take(&self, from: IpAddr) -> io::Result<(Place, Arc<Activity>)> {
        let (owner, activity) = if self.admission.permits(from.to_canonical()) {
            let activity = Activity::new(self.idle, None);
            (Owner::Permitted(one_owner(from)), activity)
        } else {
            let activity = Activity::new(FORBIDDEN_IDLE, Some(FORBIDDEN_LIFE));
            (Owner::Forbidden, activity)
        };
        self.taken.lock().take(owner).map_err(|why| {
            metrics::counter!("strowger_api_connections_refused_total").increment(1);
            io::Error::other(why)
        })?;
        let taken = self.taken.clone();
        Ok((Place { owner, taken }, activity))
    }

    fn watched<S>(&self, stream: TcpStream, service: S) -> io::Result<(Watched, Held<S>)> {
        let (place, activity) = self.take(stream.peer_addr()?.ip())?;
        stream.set_nodelay(true)?;
        let held = Held {
            service,
            activity: activity.clone(),
        };
        Ok((Watched::new(stream, activity, place), held))
    }
}

impl<S> Accept<TcpStream, S> for Places {
    type Stream = Watched;
    type Service = Held<S>;
    type Future = Ready<io::Result<(Watched, Held<S>)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        ready(self.watched(stream, service))
    }
}

/// A connection's service: its requests know their connection's [`Activity`].
#[derive(Clone)]
pub struct Held<S> {
    service: S,
    activity: Arc<Activity>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Held<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.activity.moved();
        request.extensions_mut().insert(self.activity.clone());
        self.service.call(request)
    }
}

/// A connection's bytes, with an end when it does nothing.
pub struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
    look: Pin<Box<Sleep>>,
    _place: Place,
}

impl Watched {
    fn new(stream: TcpStream, activity: Arc<Activity>, place: Place) -> Self {
        let now = Instant::now();
        let look = activity.next_look(now).unwrap_or(now);
        Self {
            stream,
            activity,
            look: Box::pin(sleep_until(look)),
            _place: place,
        }
    }

    /// An error where it has done nothing for too long. Else whoever waits for
    /// its bytes is woken to look again.
    fn alive(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while self.look.as_mut().poll(cx).is_ready() {
            let Some(next) = self.activity.next_look(Instant::now()) else {
                metrics::counter!("strowger_api_connections_idle_total").increment(1);
                return Err(io::ErrorKind::TimedOut.into());
            };
            self.look.as_mut().reset(next);
        }
        Ok(())
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.alive(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::turn;
    use axum::Router;
    use axum::body::{Body, Bytes};
    use axum::middleware::from_fn;
    use axum::routing::get;
    use futures_util::stream::unfold;
    use std::net::SocketAddr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    const IDLE: Duration = Duration::from_millis(400);
    const PATIENCE: Duration = Duration::from_secs(20);
    /// More than the kernels' buffers take.
    const MUCH: usize = 64 << 20;

    async fn listen() -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let slowly = || async {
            // Longer than a connection may be idle, and it is we who wait.
            tokio::time::sleep(IDLE * 3).await;
            "late"
        };
        let much = || async {
            let pieces = unfold(0, |sent| async move {
                let piece = Bytes::from_static(&[b'x'; 64 << 10]);
                (sent < MUCH).then(|| (Ok::<_, io::Error>(piece.clone()), sent + piece.len()))
            });
            Body::from_stream(pieces)
        };
        let router = Router::new()
            .route("/slowly", get(slowly))
            .route("/much", get(much))
            .route("/large", get(|| async { Bytes::from(vec![b'x'; 1 << 20]) }))
            .layer(from_fn(turn));
        let admission = Arc::new(Admission::new(Vec::new(), None));
        let server = axum_server::from_tcp(listener).unwrap();
        let server = server.acceptor(Places::new(admission, IDLE));
        tokio::spawn(server.serve(router.into_make_service()));
        address
    }

    async fn ask(stream: &mut TcpStream, target: &str) {
        let request = format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }

    /// Reads until the other end closes or gives up.
    async fn to_the_end(stream: &mut TcpStream) -> usize {
        let mut buffer = vec![0; 1 << 20];
        let mut total = 0;
        loop {
            match timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap() {
                Ok(0) | Err(_) => return total,
                Ok(read) => total += read,
            }
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_of_an_answer_loses_the_connection() {
        let mut stream = TcpStream::connect(listen().await).await.unwrap();
        ask(&mut stream, "/much").await;
        // Never read, until the server has given up: writing fails then.
        let gone = async {
            while stream.write_all(b"\r\n").await.is_ok() {
                tokio::time::sleep(IDLE / 8).await;
            }
        };
        timeout(PATIENCE, gone).await.unwrap();
        assert!(to_the_end(&mut stream).await < MUCH);
    }

    #[tokio::test]
    async fn who_takes_an_answer_slowly_gets_all_of_it_and_who_waits_for_us_too() {
        let address = listen().await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream, "/much").await;
        let started = Instant::now();
        let mut buffer = vec![0; MUCH / 16];
        let mut total = 0;
        while total < MUCH / 2 {
            tokio::time::sleep(IDLE / 4).await;
            total += timeout(PATIENCE, stream.read(&mut buffer))
                .await
                .unwrap()
                .unwrap();
        }
        assert!(started.elapsed() > IDLE);
        assert!(total + to_the_end(&mut stream).await > MUCH);
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream, "/slowly").await;
        let mut answer = String::new();
        timeout(PATIENCE, stream.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("late"),
            "{answer}"
        );
    }

    /// A frame of HTTP/2.
    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
    }

    /// Begins HTTP/2, lets `streams` requests have nothing of their answers, and
    /// pings until the server closes.
    async fn pinged_to_the_end(streams: u32) {
        let mut stream = TcpStream::connect(listen().await).await.unwrap();
        let no_window = frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]);
        let mut begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &no_window].concat();
        for number in 0..streams {
            // `GET`, `http`, and the path as a literal.
            let head = [&[0x82, 0x86, 0x04, 6][..], b"/large", &[0x41, 1, b'x']].concat();
            begin.extend(frame(1, 0x05, 2 * number + 1, &head));
        }
        stream.write_all(&begin).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let pings = async {
            while writer.write_all(&frame(6, 0, 0, &[7; 8])).await.is_ok() {
                tokio::time::sleep(IDLE / 8).await;
            }
        };
        let mut seen = 0;
        let mut buffer = [0; 4096];
        let closed = async {
            while let Ok(read @ 1..) = reader.read(&mut buffer).await {
                seen += read;
            }
        };
        let _ = timeout(PATIENCE, async { tokio::join!(pings, closed) })
            .await
            .unwrap();
        // Settings, the answers' heads, pongs: it was HTTP/2 that was spoken.
        assert!(seen > 100, "{seen}");
    }

    #[tokio::test]
    async fn pings_do_not_keep_a_connection_on_which_nothing_is_asked_or_taken() {
        tokio::join!(
            pinged_to_the_end(0),
            pinged_to_the_end(1),
            pinged_to_the_end(20)
        );
    }
}

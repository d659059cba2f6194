//! A request's turn on its connection: the outermost layer of all.
//!
//! An answer that is ready before the request's body has come is lost to many
//! clients: HTTP/1.1 closes with a reset under their hands, HTTP/2 resets the
//! stream. So a body that nobody wants is read to its end, or to a bound, and
//! answered then. It never looks into a request, and never keeps what it reads.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::{Stream, StreamExt};
use http_body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use wire::{Envelope, ErrCode};

use crate::activity::{Activity, Busy};
use crate::door::respond;
use crate::limits::{BODY_TIMEOUT, MAX_DRAINED_BYTES, PIECE_BYTES};

/// Has a request answered, once it is heard to its end.
pub async fn turn(mut request: Request, next: Next) -> Response {
    let activity = request.extensions_mut().remove::<Arc<Activity>>();
    let busy = activity.as_ref().map(Busy::new);
    let connect = request.method() == Method::CONNECT;
    merge_slashes(request.uri_mut());
    let mut response = hear_out(request, next).await;
    // A success would say that there is a tunnel, and have no body (RFC 9110).
    if connect {
        response = respond(&Envelope::error(ErrCode::InterfaceNotExisted));
        *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    }
    drop(busy);
    let Some(activity) = activity else {
        return response;
    };
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        activity.upgraded();
        return response;
    }
    response.map(|inner| Body::new(Pieces::new(inner, activity)))
}

/// Makes one of the slashes that stand in a row in a path: clients that join a
/// base address and a path so are answered by other boxes too.
fn merge_slashes(uri: &mut Uri) {
    let path = uri.path();
    if !path.contains("//") {
        return;
    }
    let mut merged = String::with_capacity(path.len());
    for sign in path.chars() {
        if sign != '/' || !merged.ends_with('/') {
            merged.push(sign);
        }
    }
    if let Some(query) = uri.query() {
        merged.push('?');
        merged.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = merged.parse().ok();
    if let Ok(with) = Uri::from_parts(parts) {
        *uri = with;
    }
}

async fn hear_out(request: Request, next: Next) -> Response {
    let until = Instant::now() + BODY_TIMEOUT;
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = Shared::new(body);
    let lent = Body::from_stream(body.clone());
    let response = next.run(Request::from_parts(parts, lent)).await;
    // Later than that, its sender has to do without.
    let _ = timeout_at(until, body.drain()).await;
    response
}

/// A request's body, read by who answers it and then by us.
#[derive(Clone)]
struct Shared(Arc<Mutex<Incoming>>);

struct Incoming {
    stream: BodyDataStream,
    read: usize,
    ended: bool,
}

impl Shared {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(Incoming {
            stream: body.into_data_stream(),
            read: 0,
            ended: false,
        })))
    }

    async fn drain(mut self) {
        while self.0.lock().read <= MAX_DRAINED_BYTES {
            if !matches!(self.next().await, Some(Ok(_))) {
                return;
            }
        }
    }
}

impl Stream for Shared {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut incoming = self.0.lock();
        if incoming.ended {
            return Poll::Ready(None);
        }
        let chunk = ready!(incoming.stream.poll_next_unpin(cx));
        match &chunk {
            Some(Ok(bytes)) => incoming.read = incoming.read.saturating_add(bytes.len()),
            Some(Err(_)) | None => incoming.ended = true,
        }
        Poll::Ready(chunk)
    }
}

/// An answer's body, given out piece by piece: each that is taken is progress.
/// Whole, it would lie in HTTP/2's buffers, and say nothing of who takes it.
struct Pieces {
    inner: Body,
    rest: Bytes,
    activity: Arc<Activity>,
    /// As long as it is we who have no more.
    busy: Option<Busy>,
}

impl Pieces {
    fn new(inner: Body, activity: Arc<Activity>) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            activity,
            busy: None,
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let pieces = &mut *self;
        if pieces.rest.is_empty() {
            let Poll::Ready(frame) = Pin::new(&mut pieces.inner).poll_frame(cx) else {
                let activity = &pieces.activity;
                pieces.busy.get_or_insert_with(|| Busy::new(activity));
                return Poll::Pending;
            };
            pieces.busy = None;
            pieces.activity.moved();
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                Some(Ok(Err(trailers))) => return Poll::Ready(Some(Ok(trailers))),
                Some(Ok(Ok(data))) => pieces.rest = data,
            }
        }
        pieces.activity.moved();
        let length = pieces.rest.len().min(PIECE_BYTES);
        let piece = pieces.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.inner.size_hint();
        let rest = self.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(hint.lower().saturating_add(rest));
        hint
    }
}

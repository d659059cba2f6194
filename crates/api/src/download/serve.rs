//! The answer to a `GET` or `HEAD` of a file. What a token's lack or end is
//! answered by is the API's envelope, as everywhere; the rest is HTTP's own
//! (RFC 9110): 200 or 206, 404 where there is no such file, 416 where a range
//! lies behind its end. So a tool that goes on with a broken download never
//! takes an error for the rest of its file.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::response::Builder;
use axum::http::{HeaderMap, HeaderName, Method, Response, StatusCode, header};
use futures_util::stream::try_unfold;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio::sync::watch;
use tokio::time::timeout;
use wire::{Envelope, ErrCode};

use super::PREFIX;
use super::shelf::{Access, Item, Progress};
use crate::door::{App, granted, respond};
use crate::failure::Failure;
use crate::limits::{DOWNLOAD_RANGE_WAIT, DOWNLOAD_READ_BYTES};
use crate::request;

/// Answers a request for a file.
pub async fn serve(app: &App, parts: &Parts) -> Response<Body> {
    match find(app, parts).await {
        Ok(Some(item)) => match file(&item, parts).await {
            Ok(response) => response,
            Err(error) => respond(&Failure::Internal(error.to_string()).envelope()),
        },
        Ok(None) => {
            let mut response = respond(&Envelope::error(ErrCode::DataNotFound));
            *response.status_mut() = StatusCode::NOT_FOUND;
            response
        }
        Err(failure) => respond(&failure.envelope()),
    }
}

/// The file that a request may have, if there is one.
async fn find(app: &App, parts: &Parts) -> Result<Option<Arc<Item>>, Failure> {
    if parts.method != Method::GET && parts.method != Method::HEAD {
        return Err(Failure::Code(ErrCode::InterfaceNotExisted));
    }
    let mut query = request::query(&parts.uri)?;
    let name = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let item = app.shelf.get(name);
    // Whether a name is known is nobody's business who has no token.
    if !item
        .as_ref()
        .is_some_and(|item| item.access == Access::Open)
    {
        let token = request::token(&mut query, &parts.headers);
        granted(app, token.as_deref())?;
    }
    Ok(item)
}

async fn file(item: &Item, parts: &Parts) -> io::Result<Response<Body>> {
    let mut asked = range(&parts.headers);
    let now = *item.progress().borrow();
    let progress = match now {
        // A part of what is not there yet can't be told; it may be soon.
        Progress::Growing(_) if asked.is_some() => {
            match timeout(DOWNLOAD_RANGE_WAIT, item.settled()).await {
                Ok(progress) => progress,
                Err(_) => return Ok(later()),
            }
        }
        progress => progress,
    };
    let etag = format!("\"{}\"", item.name);
    let made = httpdate::fmt_http_date(item.made);
    let unchanged = |name: HeaderName| {
        let value = parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok());
        value.is_none_or(|value| value == etag || value == made)
    };
    if !unchanged(header::IF_RANGE) {
        asked = None;
    }
    let head = Response::builder()
        .header(header::CONTENT_TYPE, item.content_type)
        .header(header::CONTENT_DISPOSITION, disposition(&item.saved_as))
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, &etag)
        .header(header::LAST_MODIFIED, &made)
        .header(header::CACHE_CONTROL, "private, no-store")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let whole = match progress {
        Progress::Done(whole) => whole,
        Progress::Growing(_) => {
            let body = body(item, parts, 0, None).await?;
            return built(head, body);
        }
        Progress::Failed => return Ok(later()),
    };
    let Some(asked) = asked else {
        let head = head.header(header::CONTENT_LENGTH, whole);
        return built(head, body(item, parts, 0, Some(whole)).await?);
    };
    match asked.within(whole) {
        Some((start, end)) => {
            let head = head
                .status(StatusCode::PARTIAL_CONTENT)
                .header(
                    header::CONTENT_RANGE,
                    format!("bytes {start}-{}/{whole}", end - 1),
                )
                .header(header::CONTENT_LENGTH, end - start);
            built(head, body(item, parts, start, Some(end)).await?)
        }
        None => {
            let head = Response::builder()
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{whole}"));
            built(head, Body::empty())
        }
    }
}

fn built(head: Builder, body: Body) -> io::Result<Response<Body>> {
    head.body(body).map_err(io::Error::other)
}

/// It is not there yet, or will not be: asked again, it may.
fn later() -> Response<Body> {
    let mut response = respond(&Envelope::error(ErrCode::Processing));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, DOWNLOAD_RANGE_WAIT.as_secs().into());
    response
}

/// The bytes from `start` to `end`, or to wherever the file will end.
async fn body(item: &Item, parts: &Parts, start: u64, end: Option<u64>) -> io::Result<Body> {
    if parts.method == Method::HEAD {
        return Ok(Body::empty());
    }
    let mut file = File::open(&item.path).await?;
    file.seek(io::SeekFrom::Start(start)).await?;
    let reader = Reader {
        file,
        at: start,
        end,
        progress: item.progress(),
    };
    Ok(Body::from_stream(try_unfold(reader, |mut reader| async {
        let chunk = reader.next().await?;
        Ok::<_, io::Error>((!chunk.is_empty()).then_some((chunk, reader)))
    })))
}

struct Reader {
    file: File,
    at: u64,
    end: Option<u64>,
    progress: watch::Receiver<Progress>,
}

impl Reader {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> io::Result<Bytes> {
        let there = match self.end {
            Some(end) => end,
            None => self.grown().await?,
        };
        let length = there.saturating_sub(self.at).min(DOWNLOAD_READ_BYTES);
        let mut chunk = vec![0; usize::try_from(length).unwrap_or(0)];
        self.file.read_exact(&mut chunk).await?;
        self.at += length;
        Ok(chunk.into())
    }

    /// Waits until there is more than was read, or no more to come.
    async fn grown(&mut self) -> io::Result<u64> {
        let at = self.at;
        let more = self.progress.wait_for(|progress| match progress {
            Progress::Growing(size) => *size > at,
            Progress::Done(_) | Progress::Failed => true,
        });
        // An error says that the writer is gone.
        let progress = more.await.map_or(Progress::Failed, |progress| *progress);
        match progress {
            Progress::Growing(size) => Ok(size),
            Progress::Done(size) => {
                self.end = Some(size);
                Ok(size)
            }
            Progress::Failed => Err(io::Error::other("the file was not finished")),
        }
    }
}

/// One range of bytes as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// From here, to there or to the end.
    From(u64, Option<u64>),
    /// The last so many.
    Last(u64),
}

impl Asked {
    /// First byte and the one behind the last, if the file has any of them.
    fn within(self, whole: u64) -> Option<(u64, u64)> {
        let (start, end) = match self {
            Self::From(start, last) => {
                let end = last.map_or(whole, |last| last.saturating_add(1).min(whole));
                (start, end)
            }
            Self::Last(length) => (whole.saturating_sub(length), whole),
        };
        (start < end).then_some((start, end))
    }
}

/// The range that a request asks for. What asks for several, or is no range,
/// gets the whole file, as RFC 9110 has it.
fn range(headers: &HeaderMap) -> Option<Asked> {
    let value = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = value.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    match (first, last) {
        ("", last) => number(last).map(Asked::Last),
        (first, "") => Some(Asked::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Asked::From(first, Some(last)))
        }
    }
}

/// `attachment` with a name that needs no escapes: others are left out.
fn disposition(name: &str) -> String {
    let mut text = String::from("attachment; filename=\"");
    for sign in name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_. ".contains(*c))
    {
        let _ = text.write_char(sign);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: &str) -> Option<Asked> {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, value.parse().unwrap());
        range(&headers)
    }

    #[test]
    fn a_range_is_read_as_rfc_9110_has_it() {
        let within = |value: &str| asked(value).and_then(|asked| asked.within(10));
        assert_eq!(within("bytes=0-3"), Some((0, 4)));
        assert_eq!(within("bytes=4-"), Some((4, 10)));
        assert_eq!(within("bytes=4-99"), Some((4, 10)));
        assert_eq!(within("bytes=-3"), Some((7, 10)));
        assert_eq!(within("bytes=-99"), Some((0, 10)));
        // There, but not to be had.
        for value in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert!(asked(value).is_some() && within(value).is_none(), "{value}");
        }
        // Not to be understood: the whole file.
        for value in [
            "bytes=0-1,3-4",
            "bytes=3-1",
            "items=0-1",
            "bytes=",
            "bytes=-",
            "bytes=+1-2",
            "bytes=a-b",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(asked(value), None, "{value}");
        }
    }
}

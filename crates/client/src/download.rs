//! The second step of a download: the bytes behind a link that an operation
//! gave. One chunk is in memory at a time; a connection that breaks is taken
//! up where it broke.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{
    CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, LAST_MODIFIED, RANGE, RETRY_AFTER,
};
use reqwest::{Response, StatusCode, Url};
use tokio::fs::{File, rename};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::Error;
use crate::client::Client;
use crate::http::{TOKEN_EXPIRED, opened};

/// How often one download is taken up again before it is given up.
const MAX_RESUMES: u32 = 5;
/// The wait after the first vain try to take it up; each further is longer.
const RESUME_WAIT: Duration = Duration::from_millis(500);
/// However long the PBX says, it is asked again after this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The longest answer that may be an error in an envelope.
const MAX_ENVELOPE: usize = 64 << 10;

/// A file that the PBX sends; made by [`Client::download`].
#[derive(Debug)]
pub struct Download {
    client: Client,
    url: Url,
    with_token: bool,
    state: State,
    /// Bytes of the file that were handed out, and those skipped before.
    position: u64,
    /// Of the whole file, where the PBX says.
    length: Option<u64>,
    /// Which version of the file this is.
    version: Option<String>,
    resumes: u32,
}

/// What the next chunk is taken from.
#[derive(Debug)]
enum State {
    Open(Answer),
    /// Nothing is left to come.
    Ended,
    /// The connection broke and the rest is not yet asked for again: this is no
    /// end, whoever asks next.
    Broken,
}

/// What the PBX says to a GET of the link.
enum Got {
    Answer(Answer),
    /// Everything is there already.
    All,
    /// Too much to do: again after this time.
    Later(Duration, Error),
}

/// What came, less what was looked at to see that it is no refusal.
#[derive(Debug)]
struct Answer {
    response: Response,
    first: Option<Bytes>,
}

impl Client {
    /// Opens the link that an operation answered with: its
    /// `download_resource_url`, or the one of an event. Good for 30 minutes,
    /// and asked for with the access token.
    ///
    /// ```no_run
    /// # async fn example(pbx: strowger_client::Client) -> Result<(), strowger_client::Error> {
    /// use strowger_client::wire::cdr::CdrDownloadRequest;
    /// let made = pbx.cdr().download(&CdrDownloadRequest::default()).await?;
    /// let link = made.download_resource_url.unwrap_or_default();
    /// pbx.download(&link).await?.save("cdr.csv").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn download(&self, link: &str) -> Result<Download, Error> {
        self.download_from(link, 0).await
    }

    /// As [`Self::download`], from this byte on: what came before is there
    /// already.
    pub async fn download_from(&self, link: &str, position: u64) -> Result<Download, Error> {
        Download::open(self, link, true, position).await
    }

    /// Opens a link that takes no token: a `play_resource_url`.
    pub async fn download_without_token(&self, link: &str) -> Result<Download, Error> {
        Download::open(self, link, false, 0).await
    }
}

impl Download {
    async fn open(
        client: &Client,
        link: &str,
        with_token: bool,
        position: u64,
    ) -> Result<Self, Error> {
        let url = resolved(&client.inner.base, link)?;
        let (version, length, state) =
            match answered(client, &url, with_token, position, None).await? {
                Got::Answer(answer) => (
                    version(answer.response.headers()),
                    length(&answer.response, position),
                    State::Open(answer),
                ),
                Got::All => (None, Some(position), State::Ended),
                Got::Later(_, error) => return Err(error),
            };
        Ok(Self {
            client: client.clone(),
            version,
            length,
            url,
            with_token,
            position,
            resumes: 0,
            state,
        })
    }

    /// Bytes of the whole file, where the PBX says.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Where the next chunk begins in the file.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next bytes; `None` at the end. Where the connection breaks, the
    /// rest is asked for again.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let answer = match &mut self.state {
                State::Open(answer) => answer,
                State::Ended => return Ok(None),
                State::Broken => {
                    self.resume().await?;
                    continue;
                }
            };
            let read = match answer.first.take() {
                Some(first) => Ok(Some(first)),
                None => answer.response.chunk().await,
            };
            let short = self.length.is_some_and(|length| self.position < length);
            match read {
                Ok(Some(chunk)) => {
                    self.position += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                Ok(None) if !short => {
                    self.state = State::Ended;
                    return Ok(None);
                }
                Ok(None) => self.state = State::Broken,
                Err(error) => {
                    self.state = State::Broken;
                    if self.resumes >= MAX_RESUMES {
                        return Err(error.into());
                    }
                }
            }
        }
    }

    /// Everything to a writer; the bytes that were written.
    pub async fn write_to<W: AsyncWrite + Unpin>(&mut self, writer: &mut W) -> Result<u64, Error> {
        let mut written = 0;
        while let Some(chunk) = self.chunk().await? {
            writer.write_all(&chunk).await.map_err(Error::Write)?;
            written += chunk.len() as u64;
        }
        writer.flush().await.map_err(Error::Write)?;
        Ok(written)
    }

    /// Everything to a file; the bytes that were written. What is not yet
    /// whole lies beside it, its name ending in `.part`.
    pub async fn save(&mut self, path: impl AsRef<Path>) -> Result<u64, Error> {
        self.save_with(path, |_| ()).await
    }

    /// As [`Self::save`], and says after each chunk how far it is.
    pub async fn save_with(
        &mut self,
        path: impl AsRef<Path>,
        mut progress: impl FnMut(u64),
    ) -> Result<u64, Error> {
        let path = path.as_ref();
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let mut file = File::create(&draft).await.map_err(Error::Write)?;
        let mut written = 0;
        while let Some(chunk) = self.chunk().await? {
            file.write_all(&chunk).await.map_err(Error::Write)?;
            written += chunk.len() as u64;
            progress(self.position);
        }
        file.sync_all().await.map_err(Error::Write)?;
        rename(&draft, path).await.map_err(Error::Write)?;
        Ok(written)
    }

    /// Asks for the rest, of the same version of the file.
    async fn resume(&mut self) -> Result<(), Error> {
        let version = self.version.as_deref();
        let (client, url) = (&self.client, &self.url);
        while self.resumes < MAX_RESUMES {
            self.resumes += 1;
            match answered(client, url, self.with_token, self.position, version).await {
                Ok(Got::Answer(answer)) => {
                    self.state = State::Open(answer);
                    return Ok(());
                }
                Ok(Got::All) => {
                    self.state = State::Ended;
                    return Ok(());
                }
                Ok(Got::Later(wait, _)) => tokio::time::sleep(wait).await,
                Err(Error::Unreachable(_) | Error::Timeout) => {
                    tokio::time::sleep(RESUME_WAIT * self.resumes).await;
                }
                Err(error) => return Err(error),
            }
        }
        Err(Error::Broken(self.position))
    }
}

/// The answer to a GET of the link, from a byte on. A token that the PBX
/// refuses is replaced once.
async fn answered(
    client: &Client,
    url: &Url,
    with_token: bool,
    position: u64,
    version: Option<&str>,
) -> Result<Got, Error> {
    if !with_token {
        return got(client, url.clone(), position, version).await;
    }
    let token = client.token().await?;
    let first = got(client, tokened(url, &token), position, version).await;
    match first {
        Err(error) if error.errcode() == Some(TOKEN_EXPIRED) => {
            let token = client.token_instead_of(&token).await?;
            got(client, tokened(url, &token), position, version).await
        }
        other => other,
    }
}

fn tokened(url: &Url, token: &str) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("access_token", token);
    url
}

async fn got(
    client: &Client,
    url: Url,
    position: u64,
    version: Option<&str>,
) -> Result<Got, Error> {
    let mut request = client.inner.http.get(url);
    if position > 0 {
        request = request.header(RANGE, format!("bytes={position}-"));
        if let Some(version) = version {
            request = request.header(IF_RANGE, version);
        }
    }
    let response = request.send().await.map_err(|error| client.fault(error))?;
    let status = response.status();
    if status == StatusCode::RANGE_NOT_SATISFIABLE && whole(response.headers()) == Some(position) {
        return Ok(Got::All);
    }
    let later = (status == StatusCode::SERVICE_UNAVAILABLE).then(|| wait(response.headers()));
    if let Some(wait) = later.flatten() {
        let error = unrefused(response).await.err();
        let error = error.unwrap_or(Error::Status(status.as_u16()));
        return Ok(Got::Later(wait, error));
    }
    let answer = unrefused(response).await?;
    let begins = match status {
        StatusCode::PARTIAL_CONTENT => range_start(answer.response.headers()),
        status if status.is_success() => Some(0),
        status => return Err(Error::Status(status.as_u16())),
    };
    match begins == Some(position) {
        true => Ok(Got::Answer(answer)),
        false => Err(Error::Broken(position)),
    }
}

/// A refusal comes as an envelope, mostly with HTTP 200, as everywhere.
async fn unrefused(mut response: Response) -> Result<Answer, Error> {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Ok(Answer {
            response,
            first: None,
        });
    }
    let mut start = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        start.extend_from_slice(&chunk);
        if start.len() > MAX_ENVELOPE {
            break;
        }
    }
    match opened(response.url().path(), &start) {
        Err(error @ Error::Refused(_)) => Err(error),
        _ => Ok(Answer {
            response,
            first: Some(start.into()),
        }),
    }
}

/// The link on the PBX. One that leads elsewhere would carry the token there.
fn resolved(base: &Url, link: &str) -> Result<Url, Error> {
    let wrong = || Error::Link(link.to_owned());
    // Beside `openapi`, below whatever path the PBX is behind.
    let url = match Url::parse(link) {
        Ok(absolute) => absolute,
        Err(_) => {
            let mut root = base.clone();
            root.set_query(None);
            let path = format!(
                "{}/{}",
                base.path().trim_end_matches('/'),
                link.trim_start_matches('/')
            );
            root.join(&path).map_err(|_| wrong())?
        }
    };
    let ours = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    if ours && !link.is_empty() {
        Ok(url)
    } else {
        Err(wrong())
    }
}

/// How long the PBX asks to be left alone for; a date is too fine for that.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let told = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let seconds = told.trim().parse().map(Duration::from_secs);
    Some(seconds.unwrap_or(RESUME_WAIT).min(LONGEST_WAIT))
}

/// Bytes of the whole file.
fn length(response: &Response, position: u64) -> Option<u64> {
    response.content_length().map(|rest| rest + position)
}

fn version(headers: &HeaderMap) -> Option<String> {
    let strong = headers
        .get(ETAG)
        .filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    let value = strong.or_else(|| headers.get(LAST_MODIFIED))?;
    value.to_str().ok().map(str::to_owned)
}

/// `bytes */200` is 200 bytes long.
fn whole(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes */")?.trim().parse().ok()
}

/// `bytes 100-199/200` begins at 100.
fn range_start(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    let (first, _) = range.strip_prefix("bytes ")?.split_once('-')?;
    first.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_the_pbx_or_nowhere() {
        let base = Url::parse("https://pbx.example:8088").unwrap();
        let at = |link: &str| resolved(&base, link).map(|url| url.to_string()).ok();
        let expected = Some("https://pbx.example:8088/api/download/a.csv".to_owned());
        assert_eq!(at("/api/download/a.csv"), expected);
        assert_eq!(at("https://pbx.example:8088/api/download/a.csv"), expected);
        for elsewhere in ["https://evil.example/a", "http://pbx.example:8088/a", ""] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
        assert!(at("//evil.example/a").is_some_and(|url| url.starts_with("https://pbx.example")));
        let behind = Url::parse("https://proxy.example/pbx/").unwrap();
        let url = resolved(&behind, "/api/download/a").unwrap();
        assert_eq!(url.as_str(), "https://proxy.example/pbx/api/download/a");
    }

    #[test]
    fn a_range_begins_where_it_says() {
        let mut headers = HeaderMap::new();
        assert_eq!(range_start(&headers), None);
        headers.insert(CONTENT_RANGE, "bytes 100-199/200".parse().unwrap());
        assert_eq!(range_start(&headers), Some(100));
    }
}

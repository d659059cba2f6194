//! Every bound of the door, by name. Meeting one is an answer, never growth.

use std::time::Duration;

/// Connections open at once, on each listener. One more is closed unanswered.
pub const MAX_CONNECTIONS: usize = 1024;
/// Connections of one address (or one /64 of IPv6) among them: all event
/// sockets there may be, and half as many beside.
pub const MAX_CONNECTIONS_PER_ADDRESS: usize = 384;
/// Connections besides, on each listener, of all addresses that are not
/// permitted, which are told so.
pub const MAX_FORBIDDEN_CONNECTIONS: usize = 16;
/// How long a connection lives of an address that is not permitted.
pub const FORBIDDEN_LIFE: Duration = Duration::from_secs(10);
/// How long such a connection may do nothing.
pub const FORBIDDEN_IDLE: Duration = Duration::from_secs(3);
/// Event sockets open at once. One more is answered `MAX LIMITATION EXCEEDED`.
pub const MAX_SOCKETS: usize = 256;
/// The longest request body taken; a longer one is answered `FILE SIZE EXCEEDED`.
pub const MAX_BODY_BYTES: usize = 1 << 20;
/// The longest body of a request without a token.
pub const MAX_LOGIN_BODY_BYTES: usize = 4 << 10;
/// How much of a body that nobody wants (it is too long, or the request is
/// refused anyway) is still read, so that its sender gets to read the answer.
pub const MAX_DRAINED_BYTES: usize = 8 << 20;
/// Parameters in one query string; more are answered `PARAMETER ERROR`.
pub const MAX_QUERY_PARAMS: usize = 256;
/// Time allowed for the header of a request.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long nothing may be asked on a connection, and nothing taken of an
/// answer; event sockets have [`SOCKET_IDLE`] and [`SOCKET_SEND_TIMEOUT`].
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// The pieces of an answer that are seen to be taken.
pub const PIECE_BYTES: usize = 16 << 10;
/// Time allowed for the first request of a connection to arrive.
pub const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
/// Time allowed for the TLS handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time allowed for a request's body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// Header bytes of one request.
pub const MAX_HEADER_BYTES: u32 = 64 << 10;
/// HTTP/2 requests under way on one connection: what a client takes for granted
/// before it is told.
pub const MAX_STREAMS: u32 = 100;
/// How often an HTTP/2 connection is probed.
pub const HTTP2_KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Time that requests under way have when the exchange goes down.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// Addresses whose request rate is known at once, where there is a bound on it.
pub const MAX_RATED_ADDRESSES: usize = 65_536;

/// Life of an access token.
pub const ACCESS_TOKEN_LIFE_S: i64 = 1800;
/// Life of a refresh token.
pub const REFRESH_TOKEN_LIFE_S: i64 = 86_400;
/// Access tokens valid at once for an application.
pub const MAX_ACCESS_TOKENS: usize = 8;
/// Failed logins in a row from one address before it is blocked.
pub const MAX_FAILED_LOGINS: u32 = 5;
/// How long an address is blocked, and how long a failure is remembered.
pub const BLOCK_LIFE_S: i64 = 600;
/// Addresses whose failures are remembered; the oldest is forgotten for a new one.
pub const MAX_WATCHED_ADDRESSES: usize = 4096;

/// A silent event socket is closed after this.
pub const SOCKET_IDLE: Duration = Duration::from_secs(60);
/// Time allowed for one frame to leave; a reader who takes longer is gone.
pub const SOCKET_SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest frame an application may send.
pub const MAX_FRAME_BYTES: usize = 64 << 10;
/// Event ids in one subscription.
pub const MAX_TOPICS: usize = 256;
/// Events read from the log at once, for a reader who fell behind.
pub const CATCH_UP_PAGE: u32 = 500;
/// How far a reader may fall behind; farther, and the socket is closed.
pub const MAX_CATCH_UP: usize = 100_000;

/// How long a file that is made for download can be fetched.
pub const DOWNLOAD_LIFE: Duration = Duration::from_secs(30 * 60);
/// How often files are removed whose time is over.
pub const DOWNLOAD_SWEEP: Duration = Duration::from_secs(60);
/// Files made for download that there are at once.
pub const MAX_DOWNLOADS: usize = 128;
/// Files for download that are being made at once.
pub const MAX_DOWNLOADS_IN_MAKING: usize = 4;
/// Bytes of all files made for download. Ten million call records are some two
/// thousand million bytes.
pub const MAX_DOWNLOAD_BYTES: u64 = 16 << 30;
/// How long the answer that names a file waits for it to be whole.
pub const DOWNLOAD_WAIT: Duration = Duration::from_secs(2);
/// How long who asks for a part of a file waits for it to be whole.
pub const DOWNLOAD_RANGE_WAIT: Duration = Duration::from_secs(20);
/// Bytes of a file that are read at once.
pub const DOWNLOAD_READ_BYTES: u64 = 128 << 10;
/// Call records that are read and written to a file at once.
pub const CSV_ROWS_AT_ONCE: u32 = 5_000;
/// Numbers that calls came in by, in one search.
pub const MAX_DIDS: usize = 256;

/// Most call records on a page, and as many where none are asked for.
pub const MAX_PAGE_SIZE: i64 = 10_000;
/// How long `del_token` waits for the database to let go of the token.
pub const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a login waits for the database to keep its tokens.
pub const KEEP_TIMEOUT: Duration = Duration::from_secs(10);

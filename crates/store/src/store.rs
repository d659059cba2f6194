//! The database as its users hold it: opening, closing, single values.

use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Row};
use tokio::sync::watch;

use crate::batch::Batch;
use crate::cdr::{BLOCK_ROWS, RecordIndex};
use crate::error::StoreError;
use crate::journal::{Committed, Journal};
use crate::writer::{Follower, Writer};

/// Connections that only read.
const READERS: u32 = 4;
/// Pages of write-ahead log at which the writer itself checkpoints, should the
/// task that does it aside not get there.
const CHECKPOINT_PAGES: &str = "32768";

/// How the database is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Wait for the disk at each commit: nothing is lost with the machine's
    /// power either. Without it nothing is lost with the process.
    pub synchronous_full: bool,
    /// While writes come one after another, a commit waits this long for more;
    /// but never for the sake of a change whose answer somebody waits for.
    pub group_linger: Duration,
    /// How long a statement waits for another program's lock before it fails.
    pub busy: Duration,
    /// This node's number, a part of every event's position.
    pub node: u8,
    /// Call records of a block of the record index, at most 65,536. Fewer are
    /// for tests: a search then has more blocks to look at.
    pub record_block: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            synchronous_full: false,
            // At 200 calls a second a call costs 0.15 ms less than with 5, and all is
            // kept within 25 ms: half of what a killed process may lose.
            group_linger: Duration::from_millis(15),
            busy: Duration::from_secs(5),
            node: 1,
            record_block: BLOCK_ROWS,
        }
    }
}

/// The open database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    readers: SqlitePool,
    journal: Journal,
    records: Arc<RecordIndex>,
    node: u8,
}

impl Store {
    /// Opens the database at `sqlite:<path>`, made where it is missing,
    /// migrates it and starts the writer, on a thread of its own.
    pub async fn open(url: &str, options: StoreOptions) -> Result<Self, StoreError> {
        let connect = connect_options(url, options)?;
        let mut writer = connect.connect().await?;
        sqlx::migrate!("./migrations").run(&mut writer).await?;
        let aside = connect
            .clone()
            .pragma("wal_autocheckpoint", "0")
            .connect()
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(
                connect
                    .pragma("wal_autocheckpoint", "0")
                    .pragma("query_only", "ON"),
            )
            .await?;
        let (journal, orders) = Journal::new();
        let records = Arc::new(RecordIndex::open(readers.clone(), options.record_block).await?);
        let (wake, written) = watch::channel(());
        let follower = Follower {
            wake,
            every: records.part_rows(),
            since: 0,
        };
        Writer::start(writer, aside, orders, &journal, options, follower).await?;
        // What an older version, or a process that was killed, left unsealed.
        records.seal(&journal).await?;
        let warm = records.clone().warm();
        tokio::spawn(async move {
            if let Err(error) = warm.await {
                tracing::debug!(%error, "columns of call records are read when they are asked for");
            }
        });
        tokio::spawn(records.clone().keep(journal.downgrade(), written));
        Ok(Self(Arc::new(Inner {
            readers,
            journal,
            records,
            node: options.node,
        })))
    }

    /// The way in.
    pub fn journal(&self) -> Journal {
        self.0.journal.clone()
    }

    /// Writes what was handed in and closes the database. Later writes are refused.
    /// A database that takes no writes doesn't hold it up for long.
    pub async fn close(&self) {
        self.0.journal.close().await;
        self.0.readers.close().await;
    }

    /// Hands in a batch and waits until it is kept.
    pub async fn write(&self, batch: Batch) -> Result<Committed, StoreError> {
        self.0
            .journal
            .submit(batch)
            .map_err(|_| StoreError::Full)?
            .await
    }

    /// As [`Store::write`], with what is to be done before the events are told:
    /// see [`Journal::submit_then`].
    pub async fn write_then(
        &self,
        batch: Batch,
        kept: impl FnOnce() + Send + 'static,
    ) -> Result<Committed, StoreError> {
        self.0
            .journal
            .submit_then(batch, kept)
            .map_err(|_| StoreError::Full)?
            .await
    }

    /// All live-call rows, as call id and JSON: calls whose record is not written.
    pub async fn live_calls(&self) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query("SELECT call_id, doc FROM live_call ORDER BY call_id")
            .fetch_all(self.readers())
            .await?;
        rows.into_iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }

    /// A high-water mark; 0 where there is none.
    pub async fn counter(&self, name: &str) -> Result<u64, StoreError> {
        let value: Option<i64> = sqlx::query_scalar("SELECT value FROM counter WHERE name = $1")
            .bind(name)
            .fetch_optional(self.readers())
            .await?;
        Ok(value.map_or(0, |value| u64::try_from(value).unwrap_or(0)))
    }

    /// A single value.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(sqlx::query_scalar("SELECT value FROM meta WHERE name = $1")
            .bind(name)
            .fetch_optional(self.readers())
            .await?)
    }

    /// Sets a single value and waits until it is kept.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let meta = vec![(name.to_owned(), value.to_owned())];
        self.write(Batch {
            meta,
            ..Batch::default()
        })
        .await
        .map(|_| ())
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    pub(crate) fn records(&self) -> &Arc<RecordIndex> {
        &self.0.records
    }

    pub(crate) fn node(&self) -> u8 {
        self.0.node
    }
}

fn connect_options(url: &str, options: StoreOptions) -> Result<SqliteConnectOptions, StoreError> {
    let path = url
        .strip_prefix("sqlite:")
        .map(|rest| rest.strip_prefix("//").unwrap_or(rest))
        .filter(|path| !path.is_empty() && !path.contains(":memory:") && !path.contains('?'))
        .ok_or_else(|| StoreError::Unsupported(without_password(url)))?;
    let synchronous = if options.synchronous_full {
        SqliteSynchronous::Full
    } else {
        SqliteSynchronous::Normal
    };
    Ok(SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(options.busy)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        .disable_statement_logging())
}

/// An URL as it may stand in a message: what is before an `@` may be a password.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        _ => url.to_owned(),
    }
}

/// Lets a connection go in order; an error here has no consequence.
pub(crate) async fn let_go(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing a database connection");
    }
}

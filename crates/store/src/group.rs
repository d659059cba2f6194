//! The SQL of one group: all its batches in one transaction, rows of one table
//! in one statement, statements one after another in a script. What costs at this
//! size is not SQL but the way to the database and back, so that it is gone once.

mod objects;

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Executor, QueryBuilder, Sqlite, SqliteConnection};

use crate::batch::{Batch, NewEvent};
use crate::cdr::{self, CdrRow, NewBlock};
use crate::error::StoreError;
use crate::event::{EVENTS_KEPT, Position};
use crate::registration::{RegistrationChange, RegistrationRow};
use crate::token::TokenChange;

/// Rows in one statement: the widest table has 25 columns, and a statement
/// takes 32,766 values.
const CHUNK_ROWS: usize = 500;
/// So many events beyond [`EVENTS_KEPT`] are let grow, and then trimmed at once.
const TRIM_CHUNK: i64 = 1_000;
/// Bytes of a script from which the next statement begins another: the database
/// copies what is left of a script for each statement in it.
const SCRIPT_BYTES: usize = 16 * 1024;

/// Where the next rows go. The writer is the only one that writes, so that it
/// need not ask the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor {
    /// The next event's position.
    event: Position,
    /// No event is older than this.
    oldest: i64,
    /// The next record's `seq`.
    record: i64,
}

impl Cursor {
    pub async fn read(connection: &mut SqliteConnection, node: u8) -> Result<Self, StoreError> {
        let start = Position::start(node);
        let end = Position::end(node);
        let (oldest, newest): (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT MIN(position), MAX(position) FROM event WHERE position > $1 AND position < $2",
        )
        .bind(start.raw())
        .bind(end.raw())
        .fetch_one(&mut *connection)
        .await?;
        let record: Option<i64> = sqlx::query_scalar("SELECT MAX(seq) FROM cdr")
            .fetch_one(&mut *connection)
            .await?;
        let event = newest.map_or(start, Position::from_raw).next();
        Ok(Self {
            event,
            oldest: oldest.unwrap_or(event.raw()),
            record: record.unwrap_or(0) + 1,
        })
    }

    pub fn event(self) -> Position {
        self.event
    }
}

/// Writes the batches in one transaction. Gives the cursor behind them.
pub(crate) async fn write_group<'b>(
    connection: &mut SqliteConnection,
    mut cursor: Cursor,
    batches: impl Iterator<Item = &'b Batch> + Clone,
    blocks: impl Iterator<Item = &'b NewBlock>,
) -> Result<Cursor, StoreError> {
    let mut script = Script::new("BEGIN");
    script.live_calls(batches.clone());
    script.records(&mut cursor, batches.clone());
    script.events(&mut cursor, batches.clone());
    script.registrations(batches.clone());
    script.values(batches.clone());
    for batch in batches {
        script.objects(&batch.objects);
        for change in &batch.tokens {
            script.token(change);
        }
    }
    for block in blocks {
        script.block(block);
    }
    script.next("COMMIT");
    for mut part in script.parts() {
        // The text is another one each time: not worth keeping prepared.
        let done = part.build().persistent(false).execute(&mut *connection);
        if let Err(error) = done.await {
            // Fails where the database has rolled back by itself.
            let _ = connection.execute("ROLLBACK").await;
            return Err(error.into());
        }
    }
    Ok(cursor)
}

/// Statements of one transaction, one after another.
struct Script {
    full: Vec<QueryBuilder<Sqlite>>,
    last: QueryBuilder<Sqlite>,
}

impl Script {
    fn new(first: &str) -> Self {
        Self {
            full: Vec::new(),
            last: QueryBuilder::new(first),
        }
    }

    /// Begins the next statement.
    fn next(&mut self, sql: &str) -> &mut QueryBuilder<Sqlite> {
        if self.last.sql().as_str().len() < SCRIPT_BYTES {
            return self.last.push("; ").push(sql);
        }
        let full = std::mem::replace(&mut self.last, QueryBuilder::new(sql));
        self.full.push(full);
        &mut self.last
    }

    /// The statement that was begun last.
    fn sql(&mut self) -> &mut QueryBuilder<Sqlite> {
        &mut self.last
    }

    /// What is to be sent, in order.
    fn parts(self) -> impl Iterator<Item = QueryBuilder<Sqlite>> {
        self.full.into_iter().chain(std::iter::once(self.last))
    }

    /// Of several changes to one row in a group only the last one is written.
    fn live_calls<'b>(&mut self, batches: impl Iterator<Item = &'b Batch>) {
        let mut last: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for change in batches.flat_map(|batch| &batch.live) {
            last.insert(&change.call_id, change.doc.as_deref());
        }
        let put: Vec<_> = last
            .iter()
            .filter_map(|(id, doc)| doc.map(|doc| (*id, doc)))
            .collect();
        let gone: Vec<_> = last
            .iter()
            .filter(|(_, doc)| doc.is_none())
            .map(|(id, _)| *id)
            .collect();
        for rows in put.chunks(CHUNK_ROWS) {
            self.next("INSERT INTO live_call (call_id, doc) ")
                .push_values(rows, |mut row, (id, doc)| {
                    row.push_bind(*id).push_bind(*doc);
                })
                .push(" ON CONFLICT (call_id) DO UPDATE SET doc = excluded.doc");
        }
        for ids in gone.chunks(CHUNK_ROWS) {
            let mut list = self
                .next("DELETE FROM live_call WHERE call_id IN (")
                .separated(", ");
            for id in ids {
                list.push_bind(*id);
            }
            list.push_unseparated(")");
        }
    }

    fn records<'b>(&mut self, cursor: &mut Cursor, batches: impl Iterator<Item = &'b Batch>) {
        let rows: Vec<&CdrRow> = batches.flat_map(|batch| &batch.records).collect();
        for rows in rows.chunks(CHUNK_ROWS) {
            let sql = self.next("INSERT INTO cdr (").push(cdr::COLUMNS).push(") ");
            sql.push_values(rows, |mut row, r| {
                row.push_bind(cursor.record)
                    .push_bind(r.new_id.as_str())
                    .push_bind(r.uid.as_str())
                    .push_bind(r.call_id.as_str())
                    .push_bind(r.time_start)
                    .push_bind(r.call_from_number.as_str())
                    .push_bind(r.call_from_name.as_str())
                    .push_bind(r.call_to_number.as_str())
                    .push_bind(r.call_to_name.as_str())
                    .push_bind(r.src_addr.as_str())
                    .push_bind(r.src_trunk.as_str())
                    .push_bind(r.dst_trunk.as_str())
                    .push_bind(r.duration)
                    .push_bind(r.ring_duration)
                    .push_bind(r.talk_duration)
                    .push_bind(r.disposition.as_str())
                    .push_bind(r.call_type.as_str())
                    .push_bind(r.did_number.as_str())
                    .push_bind(r.did_name.as_str())
                    .push_bind(r.dod_number.as_str())
                    .push_bind(r.record_file.as_str())
                    .push_bind(r.reason.as_str())
                    .push_bind(r.call_note_id.as_str())
                    .push_bind(r.enb_call_note)
                    .push_bind(r.pin_code.as_str());
                cursor.record += 1;
            });
        }
    }

    fn block(&mut self, block: &NewBlock) {
        self.next("INSERT INTO cdr_block (block, first_seq, last_seq, row_count) VALUES (")
            .push_bind(block.number);
        self.sql()
            .push(", ")
            .push_bind(block.first)
            .push(", ")
            .push_bind(block.last)
            .push(", ")
            .push_bind(i64::try_from(block.rows).unwrap_or(i64::MAX))
            .push(")");
        self.next("INSERT INTO cdr_column (block, field, low, high, data) ")
            .push_values(block.columns(), |mut row, (field, column)| {
                let (low, high) = column.bounds();
                row.push_bind(block.number)
                    .push_bind(field)
                    .push_bind(low.into_owned())
                    .push_bind(high.into_owned())
                    .push_bind(column.bytes().to_vec());
            });
    }

    fn events<'b>(&mut self, cursor: &mut Cursor, batches: impl Iterator<Item = &'b Batch>) {
        let rows: Vec<&NewEvent> = batches.flat_map(|batch| &batch.events).collect();
        if rows.is_empty() {
            return;
        }
        let created = unix_now();
        for rows in rows.chunks(CHUNK_ROWS) {
            let sql = self.next("INSERT INTO event (position, id, frame, created) ");
            sql.push_values(rows, |mut row, event| {
                row.push_bind(cursor.event.raw())
                    .push_bind(i64::from(event.id))
                    .push_bind(event.frame.as_str())
                    .push_bind(created);
                cursor.event = cursor.event.next();
            });
        }
        let keep_from = cursor.event.raw() - EVENTS_KEPT;
        if cursor.oldest + TRIM_CHUNK <= keep_from {
            self.next("DELETE FROM event WHERE position >= ")
                .push_bind(cursor.oldest);
            self.sql().push(" AND position < ").push_bind(keep_from);
            cursor.oldest = keep_from;
        }
    }

    fn registrations<'b>(&mut self, batches: impl Iterator<Item = &'b Batch>) {
        let mut last: BTreeMap<[&str; 3], Option<&RegistrationRow>> = BTreeMap::new();
        for change in batches.flat_map(|batch| &batch.registrations) {
            let row = match change {
                RegistrationChange::Put(row) => Some(row),
                RegistrationChange::Remove { .. } => None,
            };
            last.insert(change.key(), row);
        }
        let put: Vec<&RegistrationRow> = last.values().filter_map(|row| *row).collect();
        for rows in put.chunks(CHUNK_ROWS) {
            self.next(
                "INSERT INTO registration (extension, contact_uri, flow_local, flow_remote, \
                 transport, expires_at, call_id, cseq, user_agent, instance, path, q, \
                 credentials) ",
            )
            .push_values(rows, |mut row, r| {
                row.push_bind(r.extension.as_str())
                    .push_bind(r.contact_uri.as_str())
                    .push_bind(r.flow_local.as_str())
                    .push_bind(r.flow_remote.as_str())
                    .push_bind(r.transport.as_str())
                    .push_bind(r.expires_at)
                    .push_bind(r.call_id.as_str())
                    .push_bind(r.cseq)
                    .push_bind(r.user_agent.as_str())
                    .push_bind(r.instance.as_deref().unwrap_or_default())
                    .push_bind(r.path.as_deref())
                    .push_bind(r.q.as_deref())
                    .push_bind(r.credentials);
            })
            .push(
                " ON CONFLICT (extension, contact_uri, instance) DO UPDATE SET \
                 flow_local = excluded.flow_local, flow_remote = excluded.flow_remote, \
                 transport = excluded.transport, expires_at = excluded.expires_at, \
                 call_id = excluded.call_id, cseq = excluded.cseq, \
                 user_agent = excluded.user_agent, \
                 path = excluded.path, q = excluded.q, \
                 credentials = excluded.credentials",
            );
        }
        let gone = last.iter().filter(|(_, row)| row.is_none());
        for ([extension, contact_uri, instance], _) in gone {
            self.next("DELETE FROM registration WHERE extension = ")
                .push_bind(*extension);
            self.sql()
                .push(" AND contact_uri = ")
                .push_bind(*contact_uri);
            self.sql().push(" AND instance = ").push_bind(*instance);
        }
    }

    /// Counters, which only grow, and single values.
    fn values<'b>(&mut self, batches: impl Iterator<Item = &'b Batch> + Clone) {
        let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, value) in batches.clone().flat_map(|batch| &batch.counters) {
            let mark = highest.entry(name).or_default();
            *mark = (*mark).max(*value);
        }
        for (name, value) in highest {
            self.next("INSERT INTO counter (name, value) VALUES (")
                .push_bind(name);
            self.sql()
                .push(", ")
                .push_bind(i64::try_from(value).unwrap_or(i64::MAX));
            self.sql().push(
                ") ON CONFLICT (name) DO UPDATE SET value = excluded.value \
                 WHERE excluded.value > counter.value",
            );
        }
        for (name, value) in batches.flat_map(|batch| &batch.meta) {
            self.next("INSERT INTO meta (name, value) VALUES (")
                .push_bind(name.as_str());
            self.sql().push(", ").push_bind(value.as_str());
            self.sql()
                .push(") ON CONFLICT (name) DO UPDATE SET value = excluded.value");
        }
    }

    fn token(&mut self, change: &TokenChange) {
        match change {
            TokenChange::Insert(row) => {
                self.next(
                    "INSERT INTO token \
                     (access_hash, refresh_hash, owner, access_expires, refresh_expires) ",
                )
                .push_values([row], |mut values, row| {
                    values
                        .push_bind(row.access.as_str())
                        .push_bind(row.refresh.as_str())
                        .push_bind(row.owner.as_str())
                        .push_bind(row.access_expires)
                        .push_bind(row.refresh_expires);
                });
            }
            TokenChange::Delete(access) => {
                self.next("DELETE FROM token WHERE access_hash = ")
                    .push_bind(access.as_str());
            }
            TokenChange::Purge(now) => {
                self.next("DELETE FROM token WHERE access_expires <= ")
                    .push_bind(*now);
                self.sql().push(" AND refresh_expires <= ").push_bind(*now);
            }
        }
    }
}

/// The wall clock, unix seconds.
pub(crate) fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

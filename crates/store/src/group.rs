//! The SQL of one group: all its batches in one transaction, rows of one table
//! in one statement, so that a call costs few steps of the database.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use sqlx::{Connection, QueryBuilder, Sqlite, SqliteConnection};

use crate::batch::{Batch, NewEvent};
use crate::cdr::{self, CdrRow};
use crate::error::StoreError;
use crate::event::{EVENTS_KEPT, Position};
use crate::object::ObjectChange;
use crate::registration::{RegistrationChange, RegistrationRow};
use crate::token::TokenChange;

/// Rows in one statement: the widest table has 25 columns, and a statement
/// takes 32,766 values.
const CHUNK_ROWS: usize = 500;
/// So many events beyond [`EVENTS_KEPT`] are let grow, and then trimmed at once.
const TRIM_CHUNK: i64 = 1_000;

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
        let end = Position::start(node.saturating_add(1));
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
) -> Result<Cursor, StoreError> {
    let mut transaction = connection.begin().await?;
    let db = &mut *transaction;
    live_calls(db, batches.clone()).await?;
    records(db, &mut cursor, batches.clone()).await?;
    events(db, &mut cursor, batches.clone()).await?;
    registrations(db, batches.clone()).await?;
    values(db, batches.clone()).await?;
    for batch in batches {
        for change in &batch.objects {
            object(db, change).await?;
        }
        for change in &batch.tokens {
            token(db, change).await?;
        }
    }
    transaction.commit().await?;
    Ok(cursor)
}

/// Of several changes to one row in a group only the last one is written.
async fn live_calls<'b>(
    db: &mut SqliteConnection,
    batches: impl Iterator<Item = &'b Batch>,
) -> Result<(), StoreError> {
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
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO live_call (call_id, doc) ");
        sql.push_values(rows, |mut row, (id, doc)| {
            row.push_bind(*id).push_bind(*doc);
        });
        sql.push(" ON CONFLICT (call_id) DO UPDATE SET doc = excluded.doc");
        sql.build().execute(&mut *db).await?;
    }
    for ids in gone.chunks(CHUNK_ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new("DELETE FROM live_call WHERE call_id IN (");
        let mut list = sql.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        sql.push(")");
        sql.build().execute(&mut *db).await?;
    }
    Ok(())
}

async fn records<'b>(
    db: &mut SqliteConnection,
    cursor: &mut Cursor,
    batches: impl Iterator<Item = &'b Batch>,
) -> Result<(), StoreError> {
    let rows: Vec<&CdrRow> = batches.flat_map(|batch| &batch.records).collect();
    for rows in rows.chunks(CHUNK_ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new("INSERT INTO cdr (");
        sql.push(cdr::COLUMNS).push(") ");
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
        sql.build().execute(&mut *db).await?;
    }
    Ok(())
}

async fn events<'b>(
    db: &mut SqliteConnection,
    cursor: &mut Cursor,
    batches: impl Iterator<Item = &'b Batch>,
) -> Result<(), StoreError> {
    let rows: Vec<&NewEvent> = batches.flat_map(|batch| &batch.events).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let created = unix_now();
    for rows in rows.chunks(CHUNK_ROWS) {
        let mut sql =
            QueryBuilder::<Sqlite>::new("INSERT INTO event (position, id, frame, created) ");
        sql.push_values(rows, |mut row, event| {
            row.push_bind(cursor.event.raw())
                .push_bind(i64::from(event.id))
                .push_bind(event.frame.as_str())
                .push_bind(created);
            cursor.event = cursor.event.next();
        });
        sql.build().execute(&mut *db).await?;
    }
    let keep_from = cursor.event.raw() - EVENTS_KEPT;
    if cursor.oldest + TRIM_CHUNK <= keep_from {
        sqlx::query("DELETE FROM event WHERE position >= $1 AND position < $2")
            .bind(cursor.oldest)
            .bind(keep_from)
            .execute(&mut *db)
            .await?;
        cursor.oldest = keep_from;
    }
    Ok(())
}

async fn registrations<'b>(
    db: &mut SqliteConnection,
    batches: impl Iterator<Item = &'b Batch>,
) -> Result<(), StoreError> {
    let mut last: BTreeMap<(&str, &str), Option<&RegistrationRow>> = BTreeMap::new();
    for change in batches.flat_map(|batch| &batch.registrations) {
        let row = match change {
            RegistrationChange::Put(row) => Some(row),
            RegistrationChange::Remove { .. } => None,
        };
        last.insert(change.key(), row);
    }
    let put: Vec<&RegistrationRow> = last.values().filter_map(|row| *row).collect();
    for rows in put.chunks(CHUNK_ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO registration (extension, contact_uri, flow_local, flow_remote, \
             transport, expires_at, call_id, cseq, user_agent, instance, path, q) ",
        );
        sql.push_values(rows, |mut row, r| {
            row.push_bind(r.extension.as_str())
                .push_bind(r.contact_uri.as_str())
                .push_bind(r.flow_local.as_str())
                .push_bind(r.flow_remote.as_str())
                .push_bind(r.transport.as_str())
                .push_bind(r.expires_at)
                .push_bind(r.call_id.as_str())
                .push_bind(r.cseq)
                .push_bind(r.user_agent.as_str())
                .push_bind(r.instance.as_deref())
                .push_bind(r.path.as_deref())
                .push_bind(r.q.as_deref());
        });
        sql.push(
            " ON CONFLICT (extension, contact_uri) DO UPDATE SET flow_local = excluded.flow_local, \
             flow_remote = excluded.flow_remote, transport = excluded.transport, \
             expires_at = excluded.expires_at, call_id = excluded.call_id, cseq = excluded.cseq, \
             user_agent = excluded.user_agent, instance = excluded.instance, \
             path = excluded.path, q = excluded.q",
        );
        sql.build().execute(&mut *db).await?;
    }
    for ((extension, contact_uri), _) in last.iter().filter(|(_, row)| row.is_none()) {
        sqlx::query("DELETE FROM registration WHERE extension = $1 AND contact_uri = $2")
            .bind(*extension)
            .bind(*contact_uri)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// Counters, which only grow, and single values.
async fn values<'b>(
    db: &mut SqliteConnection,
    batches: impl Iterator<Item = &'b Batch> + Clone,
) -> Result<(), StoreError> {
    let mut highest: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, value) in batches.clone().flat_map(|batch| &batch.counters) {
        let mark = highest.entry(name).or_default();
        *mark = (*mark).max(*value);
    }
    for (name, value) in highest {
        sqlx::query(
            "INSERT INTO counter (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value \
             WHERE excluded.value > counter.value",
        )
        .bind(name)
        .bind(i64::try_from(value).unwrap_or(i64::MAX))
        .execute(&mut *db)
        .await?;
    }
    for (name, value) in batches.flat_map(|batch| &batch.meta) {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name.as_str())
        .bind(value.as_str())
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}

async fn object(db: &mut SqliteConnection, change: &ObjectChange) -> Result<(), StoreError> {
    let (kind, id) = match change {
        ObjectChange::Put { object, .. } => (object.kind.as_str(), object.id),
        ObjectChange::Delete { kind, id } => (kind.as_str(), *id),
    };
    for delete in [
        "DELETE FROM object_key WHERE kind = $1 AND id = $2",
        "DELETE FROM object_ref WHERE from_kind = $1 AND from_id = $2",
    ] {
        sqlx::query(delete)
            .bind(kind)
            .bind(id)
            .execute(&mut *db)
            .await?;
    }
    let ObjectChange::Put { object, keys, refs } = change else {
        let delete = sqlx::query("DELETE FROM object WHERE kind = $1 AND id = $2");
        delete.bind(kind).bind(id).execute(&mut *db).await?;
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO object (kind, id, revision, doc, secret) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, \
         doc = excluded.doc, secret = excluded.secret",
    )
    .bind(kind)
    .bind(id)
    .bind(object.revision)
    .bind(object.doc.as_str())
    .bind(object.secret.as_deref())
    .execute(&mut *db)
    .await?;
    for keys in keys.chunks(CHUNK_ROWS) {
        let mut sql =
            QueryBuilder::<Sqlite>::new("INSERT INTO object_key (kind, name, value, id) ");
        sql.push_values(keys, |mut row, key| {
            row.push_bind(kind)
                .push_bind(key.name.as_str())
                .push_bind(key.value.as_str())
                .push_bind(id);
        });
        sql.build().execute(&mut *db).await?;
    }
    for refs in refs.chunks(CHUNK_ROWS) {
        let mut sql = QueryBuilder::<Sqlite>::new(
            "INSERT INTO object_ref (from_kind, from_id, member, to_kind, to_id) ",
        );
        sql.push_values(refs, |mut row, r| {
            row.push_bind(kind)
                .push_bind(id)
                .push_bind(r.member.as_str())
                .push_bind(r.kind.as_str())
                .push_bind(r.id);
        });
        sql.build().execute(&mut *db).await?;
    }
    Ok(())
}

async fn token(db: &mut SqliteConnection, change: &TokenChange) -> Result<(), StoreError> {
    match change {
        TokenChange::Insert(row) => {
            sqlx::query(
                "INSERT INTO token (access_hash, refresh_hash, owner, access_expires, refresh_expires) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(row.access.as_str())
            .bind(row.refresh.as_str())
            .bind(row.owner.as_str())
            .bind(row.access_expires)
            .bind(row.refresh_expires)
            .execute(&mut *db)
            .await?;
        }
        TokenChange::Delete(access) => {
            let delete = sqlx::query("DELETE FROM token WHERE access_hash = $1");
            delete.bind(access.as_str()).execute(&mut *db).await?;
        }
        TokenChange::Purge(now) => {
            let purge = sqlx::query(
                "DELETE FROM token WHERE access_expires <= $1 AND refresh_expires <= $1",
            );
            purge.bind(*now).execute(&mut *db).await?;
        }
    }
    Ok(())
}

fn unix_now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

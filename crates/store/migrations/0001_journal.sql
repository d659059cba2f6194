-- One schema for every database. What is INTEGER here is 64 bits wide
-- (BIGINT on PostgreSQL), times are unix seconds, texts are UTF-8.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

-- High-water marks of ids: they only grow.
CREATE TABLE counter (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
);

-- Configuration objects. `secret` is sealed by `settings`; nothing secret is in `doc`.
CREATE TABLE object (
    kind     TEXT NOT NULL,
    id       INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    doc      TEXT NOT NULL,
    secret   BLOB,
    PRIMARY KEY (kind, id)
);

CREATE TABLE object_key (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (kind, name, value)
);
CREATE INDEX object_key_by_object ON object_key (kind, id);

CREATE TABLE object_ref (
    from_kind TEXT NOT NULL,
    from_id   INTEGER NOT NULL,
    member    TEXT NOT NULL,
    to_kind   TEXT NOT NULL,
    to_id     INTEGER NOT NULL,
    PRIMARY KEY (from_kind, from_id, member, to_kind, to_id)
);
CREATE INDEX object_ref_by_target ON object_ref (to_kind, to_id);

-- A row for each call that has no record yet: what a record needs should the process die.
CREATE TABLE live_call (
    call_id TEXT NOT NULL PRIMARY KEY,
    doc     TEXT NOT NULL
);

CREATE TABLE cdr (
    seq              INTEGER PRIMARY KEY,
    new_id           TEXT NOT NULL,
    uid              TEXT NOT NULL,
    call_id          TEXT NOT NULL,
    time_start       INTEGER NOT NULL,
    call_from_number TEXT NOT NULL,
    call_from_name   TEXT NOT NULL,
    call_to_number   TEXT NOT NULL,
    call_to_name     TEXT NOT NULL,
    src_addr         TEXT NOT NULL,
    src_trunk        TEXT NOT NULL,
    dst_trunk        TEXT NOT NULL,
    duration         INTEGER NOT NULL,
    ring_duration    INTEGER NOT NULL,
    talk_duration    INTEGER NOT NULL,
    disposition      TEXT NOT NULL,
    call_type        TEXT NOT NULL,
    did_number       TEXT NOT NULL,
    did_name         TEXT NOT NULL,
    dod_number       TEXT NOT NULL,
    record_file      TEXT NOT NULL,
    reason           TEXT NOT NULL,
    call_note_id     TEXT NOT NULL,
    enb_call_note    INTEGER NOT NULL,
    pin_code         TEXT NOT NULL
);
CREATE INDEX cdr_by_time ON cdr (time_start, seq);
CREATE INDEX cdr_by_caller ON cdr (call_from_number, time_start);
CREATE INDEX cdr_by_callee ON cdr (call_to_number, time_start);

-- The upper bits of `position` are the node's number, the lower ones count.
CREATE TABLE event (
    position INTEGER PRIMARY KEY,
    id       INTEGER NOT NULL,
    frame    TEXT NOT NULL,
    created  INTEGER NOT NULL
);

CREATE TABLE registration (
    extension   TEXT NOT NULL,
    contact_uri TEXT NOT NULL,
    flow_local  TEXT NOT NULL,
    flow_remote TEXT NOT NULL,
    transport   TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    call_id     TEXT NOT NULL,
    cseq        INTEGER NOT NULL,
    user_agent  TEXT NOT NULL,
    instance    TEXT,
    path        TEXT,
    q           TEXT,
    PRIMARY KEY (extension, contact_uri)
);

-- A pair of tokens a row, as hashes only.
CREATE TABLE token (
    access_hash     TEXT NOT NULL PRIMARY KEY,
    refresh_hash    TEXT NOT NULL UNIQUE,
    owner           TEXT NOT NULL,
    access_expires  INTEGER NOT NULL,
    refresh_expires INTEGER NOT NULL
);

-- Records are found by columns, a block of 65,536 records at a time, and no
-- longer by B-trees that every call's end had to grow. What is in `cdr` already
-- is brought in when the database is opened.

DROP INDEX cdr_by_time;
DROP INDEX cdr_by_caller;
DROP INDEX cdr_by_callee;

CREATE TABLE cdr_block (
    block     INTEGER NOT NULL PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    row_count INTEGER NOT NULL
);

-- `data` is written and read by crates/store/src/cdr/column.rs; `low` and
-- `high` are its least and greatest value. BLOB is BYTEA on PostgreSQL.
CREATE TABLE cdr_column (
    block INTEGER NOT NULL,
    field TEXT NOT NULL,
    low   BLOB NOT NULL,
    high  BLOB NOT NULL,
    data  BLOB NOT NULL,
    PRIMARY KEY (block, field)
);

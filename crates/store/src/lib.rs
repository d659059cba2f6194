//! The database: journal, objects, records, event log.

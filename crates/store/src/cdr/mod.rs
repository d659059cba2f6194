//! Call records: the table `cdr`, and how they are found in it.
//!
//! The table is the truth and has no index but the order of being written, so
//! that a call's end costs one row. Beside it lies the record index: each
//! 65,536 records that follow each other are a *block*, of which every member
//! that is found or sorted by is kept as one column (`cdr_block`,
//! `cdr_column`): its distinct values, sorted, and a number of one or two bytes
//! a record. The records behind the last block are kept the same way in memory.
//! A search reads the columns it needs, counts exactly, and reads the rows of
//! its page alone; what it costs depends on the number of records by one or two
//! bytes each, whatever is asked for. The least and greatest value of each
//! column are in memory: blocks that can't match, or can't be on the page, are
//! not looked at.
//!
//! Nothing here knows what a record means; and a block is never changed.

mod aside;
mod block;
mod column;
mod field;
mod index;
mod mask;
mod narrow;
mod order;
mod query;
mod row;
mod select;
mod test;

pub(crate) use block::NewBlock;
pub(crate) use index::{BLOCK_ROWS, RecordIndex};
pub use query::{CdrField, CdrFilter, Did, MAX_PAGE_SIZE, Page, Sort};
pub(crate) use row::COLUMNS;
pub use row::CdrRow;
pub use select::CdrSelection;

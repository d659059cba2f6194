//! A CSV file as rows of cells under known columns, whatever program wrote it:
//! with or without a byte order mark, commas or semicolons or tabs, any line
//! ends. Faults name line and column.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::columns::{Column, titled};
use crate::cli::failure::{Failure, Result};
use crate::cli::help;

/// The vendor takes no larger file.
const MAX_BYTES: usize = 50 << 20;
/// The most rows: as many contacts as a PBX has at most.
pub const MAX_ROWS: usize = 500_000;
/// So many faults are no slip: the rest of the file is not looked at.
const MANY: usize = 1_000;
/// The most faults that are told.
const MAX_TOLD: usize = 20;

/// A row: where it stands and what its cells say, in the columns' order.
#[derive(Debug)]
pub struct Row {
    /// Its line in the file.
    pub line: u64,
    /// Blank cells are left out.
    pub cells: Vec<(&'static Column, String)>,
}

impl Row {
    /// The cell of a title.
    pub fn cell(&self, title: &str) -> Option<&str> {
        let found = self.cells.iter().find(|(column, _)| column.title == title);
        found.map(|(_, text)| text.as_str())
    }
}

/// What is wrong in a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line.
    pub line: u64,
    /// The column's title; blank where it is the line.
    pub column: String,
    /// A sentence.
    pub what: String,
}

/// The faults found so far.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// One more.
    pub fn add(&mut self, line: u64, column: &str, what: impl Into<String>) {
        self.0.push(Fault {
            line,
            column: column.to_owned(),
            what: what.into(),
        });
    }

    /// So many that the rest of the file is not looked at.
    pub fn are_many(&self) -> bool {
        self.0.len() >= MANY
    }

    /// Nothing, or the failure that names them all.
    pub fn none_or(mut self, file: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by_key(|fault| fault.line);
        let mut told = format!("{file}: nothing of it is taken.");
        for fault in self.0.iter().take(MAX_TOLD) {
            let column = match fault.column.as_str() {
                "" => String::new(),
                title => format!(", column {title:?}"),
            };
            told.push_str(&format!("\n  line {}{column}: {}", fault.line, fault.what));
        }
        if self.0.len() > MAX_TOLD {
            let more = self.0.len() - MAX_TOLD;
            let or_more = if self.are_many() { " or more" } else { "" };
            told.push_str(&format!("\n  and {more}{or_more} others"));
        }
        Err(Failure::here(told))
    }
}

/// Reads a file's bytes into rows.
pub fn read(file: &str, bytes: &[u8], columns: &'static [Column]) -> Result<Vec<Row>> {
    if bytes.len() > MAX_BYTES {
        let most = MAX_BYTES >> 20;
        return Err(Failure::here(format!("{file}: larger than {most} MiB")));
    }
    let text = decoded(file, bytes)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut faults = Faults::default();
    let header = reader
        .headers()
        .map_err(|error| Failure::here(format!("{file}: {error}")))?
        .clone();
    let places = header_columns(&header, columns, &mut faults);
    let mut rows = Vec::new();
    let mut lines = Lines::of(text);
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = lines.at(record.position());
                if let Some(row) = row(&record, line, &places, &mut faults) {
                    rows.push(row);
                }
            }
            Err(error) => {
                let line = lines.at(error.position());
                faults.add(line, "", "it can't be read as CSV");
            }
        }
        if rows.len() > MAX_ROWS {
            return Err(Failure::here(format!("{file}: more than {MAX_ROWS} lines")));
        }
    }
    faults.none_or(file)?;
    Ok(rows)
}

/// UTF-8, less the mark that spreadsheets put before it.
fn decoded<'b>(file: &str, bytes: &'b [u8]) -> Result<&'b str> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Failure::here(format!(
            "{file}: nothing of it is taken.\n  line {line}: it is not UTF-8; \
             save it as \"CSV UTF-8\""
        ))
    })
}

/// The sign that the first line has most of, outside of quotes.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |sign: char| {
        let mut quoted = false;
        first
            .chars()
            .filter(|one| {
                quoted ^= *one == '"';
                !quoted && *one == sign
            })
            .count()
    };
    [(',', b','), (';', b';'), ('\t', b'\t')]
        .into_iter()
        .rev()
        .max_by_key(|(sign, _)| count(*sign))
        .map_or(b',', |(_, byte)| byte)
}

/// The column of each place; a title that is none, or twice, is a fault.
fn header_columns(
    header: &StringRecord,
    columns: &'static [Column],
    faults: &mut Faults,
) -> Vec<Option<&'static Column>> {
    let mut places: Vec<Option<&'static Column>> = Vec::new();
    for title in header {
        let found = titled(columns, title);
        let twice = found.is_some_and(|found| {
            places
                .iter()
                .flatten()
                .any(|other| other.title == found.title)
        });
        if twice {
            faults.add(1, title, "the column is there twice");
        } else if found.is_none() && !title.is_empty() {
            let titles = columns.iter().map(|column| column.title);
            let guess = help::did_you_mean(title, titles).replace('\n', " ");
            faults.add(1, title, format!("there is no such column.{guess}"));
        }
        places.push(found);
    }
    places
}

/// Lines by their place in the text, asked for in order: the reader's own count
/// begins a record before the line end of the one before.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u64,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
        }
    }

    fn at(&mut self, position: Option<&csv::Position>) -> u64 {
        let start = position.map_or(self.at, |position| {
            usize::try_from(position.byte()).unwrap_or(usize::MAX)
        });
        let rest = self.text.get(start..).unwrap_or_default();
        let ends = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
        let to = start + ends;
        let between = self.text.get(self.at..to).unwrap_or_default();
        self.line += between.bytes().filter(|byte| *byte == b'\n').count() as u64;
        self.at = self.at.max(to);
        self.line
    }
}

/// A row of cells; `None` for one in which nothing is written.
fn row(
    record: &StringRecord,
    line: u64,
    places: &[Option<&'static Column>],
    faults: &mut Faults,
) -> Option<Row> {
    if record.iter().all(str::is_empty) {
        return None;
    }
    if record.len() > places.len()
        && record
            .iter()
            .skip(places.len())
            .any(|cell| !cell.is_empty())
    {
        let (cells, titles) = (record.len(), places.len());
        faults.add(line, "", format!("{cells} cells under {titles} columns"));
    }
    let cells = record
        .iter()
        .zip(places)
        .filter(|(cell, _)| !cell.is_empty())
        .filter_map(|(cell, column)| Some(((*column)?, cell.to_owned())))
        .collect();
    Some(Row { line, cells })
}

#[cfg(test)]
mod tests {
    use super::super::columns::CONTACT;
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Row> {
        read("a.csv", bytes, CONTACT).unwrap()
    }

    fn told(bytes: &[u8]) -> String {
        read("a.csv", bytes, CONTACT).unwrap_err().to_string()
    }

    #[test]
    fn what_any_spreadsheet_writes_is_read_the_same() {
        let files: [&[u8]; 4] = [
            b"First Name,Mobile\nAda,100\n",
            b"\xEF\xBB\xBFFirst Name,Mobile\r\nAda,100\r\n\r\n,\r\n",
            b"\"First Name\";\"Mobile\"\r\n\"Ada\";\"100\"\r\n",
            b"first name\tMOBILE\nAda\t 100 ",
        ];
        for file in files {
            let rows = rows(file);
            assert_eq!(rows.len(), 1, "{file:?}");
            assert_eq!(rows[0].line, 2);
            assert_eq!(rows[0].cell("First Name"), Some("Ada"));
            assert_eq!(rows[0].cell("Mobile"), Some("100"));
        }
    }

    #[test]
    fn quoted_cells_may_hold_signs_and_line_ends_and_lines_are_counted_on() {
        let rows = rows(b"First Name,Remark,Mobile\n\"A, B\",\"one\ntwo\",1\nC,,2\n");
        assert_eq!(rows[0].cell("First Name"), Some("A, B"));
        assert_eq!(rows[0].cell("Remark"), Some("one\ntwo"));
        assert_eq!((rows[0].line, rows[1].line), (2, 4));
        let rows = self::rows(b"First Name,Mobile\r\n\r\nA,1\r\n,\r\nB,2");
        assert_eq!((rows[0].line, rows[1].line), (3, 5));
    }

    #[test]
    fn faults_name_line_and_column() {
        let text = told(b"First Name,Mobil,Mobile,mobile\nAda,1\n");
        assert!(text.contains("line 1, column \"Mobil\""), "{text}");
        assert!(text.contains("Did you mean Mobile"), "{text}");
        assert!(
            text.contains("column \"mobile\": the column is there twice"),
            "{text}"
        );
        assert!(text.contains("nothing of it is taken"), "{text}");
        let text = told(b"First Name,Mobile\nAda,1,2\n");
        assert!(text.contains("line 2: 3 cells under 2 columns"), "{text}");
        let text = told(b"First Name,Mobile\nAda,1\n\xE9,1\n");
        assert!(text.contains("line 3: it is not UTF-8"), "{text}");
    }
}

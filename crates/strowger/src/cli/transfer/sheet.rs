//! A CSV file as rows of cells under known columns, whatever program wrote it:
//! with or without a byte order mark, commas or semicolons or tabs, any line
//! ends. Faults name line and column.

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use super::columns::{Column, How, titled};
use super::quotes::{Shape, Shapes};
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
    let delimiter = delimiter(text);
    let mut faults = Faults::default();
    // Before anything is read: a reader takes quotes that are not closed as they
    // come, and whole lines with them.
    if let Some(Err(stray)) = Shapes::of(text, delimiter).find(|shape| shape.is_err()) {
        faults.add(stray.line, "", stray.what);
        faults.none_or(file)?;
        faults = Faults::default();
    }
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| Failure::here(format!("{file}: {error}")))?
        .clone();
    let places = header_columns(&header, columns, &mut faults);
    let mut rows = Vec::new();
    let mut shapes = Shapes::of(text, delimiter).flatten().skip(1);
    for record in reader.records() {
        let shape = shapes.next().unwrap_or_default();
        match record {
            Ok(record) => rows.extend(row(&record, &shape, &places, &mut faults)),
            Err(_) => faults.add(shape.line, "", "it can't be read as CSV"),
        }
        if rows.len() > MAX_ROWS {
            return Err(Failure::here(format!("{file}: more than {MAX_ROWS} lines")));
        }
    }
    faults.none_or(file)?;
    Ok(rows)
}

/// A record as the reader here takes it back: cells that begin or end with
/// blanks are quoted, so that the blanks count.
pub fn record<S: AsRef<str>>(cells: impl IntoIterator<Item = S>) -> Result<Vec<u8>> {
    let cells: Vec<S> = cells.into_iter().collect();
    let blank = |cell: &S| cell.as_ref().trim() != cell.as_ref();
    let style = match cells.iter().any(blank) {
        true => QuoteStyle::Always,
        false => QuoteStyle::Necessary,
    };
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(style)
        .from_writer(Vec::new());
    writer
        .write_record(cells.iter().map(|cell| cell.as_ref().as_bytes()))
        .map_err(|error| Failure::here(error.to_string()))?;
    writer
        .into_inner()
        .map_err(|error| Failure::here(error.to_string()))
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

/// What stands above a cell.
enum Place {
    /// One of the columns.
    Column(&'static Column),
    /// A title that is none, which is a fault already.
    Unknown,
    /// Nothing: so must be what is below it.
    Untitled,
}

/// The column of each place; a title that is none, or twice, is a fault.
fn header_columns(
    header: &StringRecord,
    columns: &'static [Column],
    faults: &mut Faults,
) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for title in header {
        let title = title.trim();
        let found = titled(columns, title);
        let twice = found.is_some_and(|found| {
            places
                .iter()
                .any(|place| matches!(place, Place::Column(other) if other.title == found.title))
        });
        if twice {
            faults.add(1, title, "the column is there twice");
        } else if found.is_none() && !title.is_empty() {
            let titles = columns.iter().map(|column| column.title);
            let guess = help::did_you_mean(title, titles).replace('\n', " ");
            faults.add(1, title, format!("there is no such column.{guess}"));
        }
        places.push(match found {
            Some(column) => Place::Column(column),
            None if title.is_empty() => Place::Untitled,
            None => Place::Unknown,
        });
    }
    places
}

/// A row of cells; `None` for one in which nothing is written.
fn row(record: &StringRecord, shape: &Shape, places: &[Place], faults: &mut Faults) -> Option<Row> {
    let line = shape.line;
    if record.iter().all(|cell| cell.trim().is_empty()) {
        return None;
    }
    let (count, titles) = (record.len(), places.len());
    let beyond = record.iter().skip(titles);
    if beyond.into_iter().any(|cell| !cell.trim().is_empty()) {
        faults.add(line, "", format!("{count} cells under {titles} columns"));
    }
    let mut cells = Vec::new();
    for (nth, (cell, place)) in record.iter().zip(places).enumerate() {
        match place {
            Place::Column(column) => {
                // Blanks around a cell are nobody's words, unless quoted; of a
                // password every sign counts.
                let quoted = shape.quoted.get(nth).copied().unwrap_or_default();
                let text = match quoted || column.how == How::Password {
                    true => cell,
                    false => cell.trim(),
                };
                if !text.is_empty() {
                    cells.push((*column, text.to_owned()));
                }
            }
            Place::Untitled if !cell.trim().is_empty() => {
                let nth = nth + 1;
                faults.add(line, "", format!("cell {nth} stands under no title"));
            }
            Place::Untitled | Place::Unknown => {}
        }
    }
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

    #[test]
    fn a_quote_that_is_not_closed_takes_no_line_with_it() {
        for (file, line) in [
            ("First Name,Mobile,Remark\nAda,100,\"hello\nBob,200,x\n", 2),
            ("First Name,Mobile,Remark\nAda,100,\"hello\"junk\n", 2),
            (
                "First Name,Mobile,Remark\nAda,1,x\nBob,2,\"say \"hi\" now\"\n",
                3,
            ),
        ] {
            let text = told(file.as_bytes());
            assert!(text.contains("nothing of it is taken"), "{text}");
            assert!(text.contains(&format!("line {line}: ")), "{text}");
        }
    }

    #[test]
    fn blanks_count_where_they_are_quoted_and_in_passwords() {
        use super::super::columns::EXTENSION;
        let file = b"First Name,Last Name,User Password\n  Ada ,\" L \", Secret 1 \n";
        let rows = read("a.csv", file, EXTENSION).unwrap();
        assert_eq!(rows[0].cell("First Name"), Some("Ada"));
        assert_eq!(rows[0].cell("Last Name"), Some(" L "));
        assert_eq!(rows[0].cell("User Password"), Some(" Secret 1 "));
    }

    #[test]
    fn what_is_written_is_read_to_the_letter() {
        let cells = ["  Ada", "one\r\ntwo, \"three\"", " secret\t", "=1"];
        let mut file = record(["First Name", "Last Name", "User Password", "Job Title"]).unwrap();
        file.extend(record(cells).unwrap());
        use super::super::columns::EXTENSION;
        let rows = read("a.csv", &file, EXTENSION).unwrap();
        let read: Vec<&str> = rows[0]
            .cells
            .iter()
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(read, cells);
    }

    #[test]
    fn a_cell_under_no_title_is_a_fault() {
        let text = told(b"First Name,,Mobile\nAda,Lovelace,1\n");
        assert!(
            text.contains("line 2: cell 2 stands under no title"),
            "{text}"
        );
        assert_eq!(rows(b"First Name,,Mobile,\nAda,,1, \n").len(), 1);
    }
}

//! Where quotes open and close in a CSV file, which its reader does not tell: a
//! quote that is never closed would swallow the lines after it without a word.
//! Also which cells are quoted: what is written with quotes counts to the letter.

/// A quote that stands where none may.
#[derive(Debug, PartialEq, Eq)]
pub struct Stray {
    /// The line at which the reader can't go on.
    pub line: u64,
    /// A sentence.
    pub what: String,
}

/// One record as it stands in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The line it begins at.
    pub line: u64,
    /// Which of its cells are quoted.
    pub quoted: Vec<bool>,
}

/// The records of a file one after the other, as its reader finds them: lines
/// with nothing in them are none.
pub struct Shapes<'t> {
    rest: &'t [u8],
    line: u64,
    delimiter: u8,
}

/// What a cell ends with.
enum End {
    Cell,
    Record,
}

impl<'t> Shapes<'t> {
    /// The records of a text.
    pub fn of(text: &'t str, delimiter: u8) -> Self {
        Self {
            rest: text.as_bytes(),
            line: 1,
            delimiter,
        }
    }

    /// The next byte; lines are counted, however they end.
    fn take(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        if *byte == b'\n' || (*byte == b'\r' && rest.first() != Some(&b'\n')) {
            self.line += 1;
        }
        Some(*byte)
    }

    /// The rest of a cell without quotes; a quote within it is a sign like
    /// others, but for blanks that hide one that was meant to open.
    fn plain(&mut self) -> Result<End, Stray> {
        let mut blank = true;
        loop {
            match self.take() {
                None | Some(b'\r' | b'\n') => return Ok(End::Record),
                Some(byte) if byte == self.delimiter => return Ok(End::Cell),
                Some(b'"') if blank => {
                    return Err(Stray {
                        line: self.line,
                        what: "there are blanks before a quote that opens a cell".into(),
                    });
                }
                Some(byte) => blank &= byte == b' ' || byte == b'\t',
            }
        }
    }

    /// The rest of a cell whose quote has been opened.
    fn quoted(&mut self) -> Result<End, Stray> {
        let opened = self.line;
        loop {
            match self.take() {
                None => {
                    return Err(Stray {
                        line: opened,
                        what: "a quote is opened here and not closed before the end of the file"
                            .into(),
                    });
                }
                Some(b'"') if self.rest.first() == Some(&b'"') => {
                    self.take();
                }
                Some(b'"') => break,
                Some(_) => {}
            }
        }
        let line = self.line;
        match self.take() {
            None | Some(b'\r' | b'\n') => Ok(End::Record),
            Some(byte) if byte == self.delimiter => Ok(End::Cell),
            Some(_) => {
                let from = match opened == line {
                    true => String::new(),
                    false => format!(" (opened in line {opened})"),
                };
                Err(Stray {
                    line,
                    what: format!(
                        "something stands after a closing quote{from}; \
                         within quotes a quote is written twice"
                    ),
                })
            }
        }
    }
}

impl Iterator for Shapes<'_> {
    type Item = Result<Shape, Stray>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(b'\r' | b'\n') = self.rest.first() {
            self.take();
        }
        if self.rest.is_empty() {
            return None;
        }
        let mut shape = Shape {
            line: self.line,
            quoted: Vec::new(),
        };
        loop {
            let quoted = self.rest.first() == Some(&b'"');
            shape.quoted.push(quoted);
            let end = match quoted {
                true => {
                    self.take();
                    self.quoted()
                }
                false => self.plain(),
            };
            match end {
                Ok(End::Cell) => {}
                Ok(End::Record) => return Some(Ok(shape)),
                Err(stray) => {
                    // What comes after it is anybody's guess.
                    self.rest = &[];
                    return Some(Err(stray));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Vec<Result<Shape, Stray>> {
        Shapes::of(text, b',').collect()
    }

    #[test]
    fn records_begin_where_they_stand_and_quoted_cells_are_known() {
        let found = shapes("a,\"b\"\r\n\r\n\"x\ny\",\"say \"\"hi\"\"\",5\" pipe\r,\"\"");
        let expected = [
            (1, vec![false, true]),
            (3, vec![true, true, false]),
            (5, vec![false, true]),
        ];
        let expected = expected.map(|(line, quoted)| Ok(Shape { line, quoted }));
        assert_eq!(found, expected);
    }

    #[test]
    fn every_record_of_the_reader_has_a_shape() {
        let text = "a,b\r\n,\n\n\"\"\r\r\n \n1,2,3\n\"\r\n\"";
        let reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let cells: Vec<usize> = reader
            .into_records()
            .map(|record| record.unwrap().len())
            .collect();
        let shapes: Vec<usize> = shapes(text)
            .into_iter()
            .map(|shape| shape.unwrap().quoted.len())
            .collect();
        assert_eq!(shapes, cells);
    }

    #[test]
    fn a_stray_quote_is_told_with_its_line() {
        for (text, line, word) in [
            ("a,b\nAda,\"hello\nBob,200\n", 2, "not closed"),
            ("a,b\nAda,\"hello\"junk\n", 2, "after a closing quote"),
            ("a,b\nAda,\"say \"hi\" now\"\n", 2, "after a closing quote"),
            ("a,b\nAda,\"hello\nBob,\"x\"\n", 3, "opened in line 2"),
            ("a,b\nAda,\"hello\" \n", 2, "after a closing quote"),
            ("a,b\nAda, \"hello, x\"\n", 2, "blanks before"),
            ("a,b\n\"", 2, "not closed"),
        ] {
            let Some(Err(stray)) = shapes(text).pop() else {
                panic!("{text:?}")
            };
            assert_eq!(stray.line, line, "{text:?}");
            assert!(stray.what.contains(word), "{text:?}: {}", stray.what);
        }
    }
}

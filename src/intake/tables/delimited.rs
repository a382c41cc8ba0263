//! Tables in text files: csv with comma, semicolon or tab. Quotes are read strictly and line by line, so that one quote
//! that is never closed costs its own line and not the rest of the file.

use super::encoding::{Decoded, sniff};
use super::lines::{LONGEST_LINE, Line, LineFault, MOST_COLUMNS, read_line};
use super::{About, Row, Run};
use crate::intake::cell::Cell;
use crate::intake::commands::row::Cells;
use crate::intake::export::plain_cell;
use crate::intake::item::{Form, Sink};
use crate::intake::profile::{How, Profiles};
use crate::intake::sheet::{SheetKind, recognised};
use encoding_rs::{Encoding, GB18030, UTF_8};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;

/// Lines that one quoted cell may span; refund plans have a few, an unclosed quote has all the rest.
const MOST_LINES_PER_ROW: usize = 64;

/// Characters shown of a row that is too long to be one.
const SHOWN_OF_LONG: usize = 200;

/// Lines looked at to find the separator; the header is among them.
const LINES_LOOKED_AT: usize = 20;

/// Reads a csv file.
///
/// # Errors
/// Only before anything was handed over: the file cannot be opened or its beginning not be read.
pub(in crate::intake) fn read(
    mut file: File,
    mut about: About,
    how: &How,
    sink: Sink<'_>,
) -> io::Result<ControlFlow<()>> {
    let encoding = sniff(&file)?;
    file.rewind()?;
    // In UTF-8 and GB18030 a line break is a byte of its own: those texts are decoded line by line, so that a line in
    // another encoding than the rest is seen for what it is.
    let by_line = encoding == UTF_8 || encoding == GB18030;
    let input: Box<dyn Read> = if by_line { Box::new(file) } else { Box::new(Decoded::new(file, encoding)) };
    let mut input = BufReader::with_capacity(256 * 1024, input);
    let (sent_in, encoding) = (encoding, if by_line { encoding } else { UTF_8 });
    let separator = separator(&encoding.decode_without_bom_handling(input.fill_buf()?).0, &how.profiles);
    about.form = Form::Text { encoding: sent_in, separator };
    let mut rows = Rows { encoding, ..Rows::new(input, separator) };
    let mut run = Run::new(about, how, sink);
    let mut number = 0;
    loop {
        let outcome = match rows.next() {
            Ok(Next::End) => return Ok(run.finish()),
            Ok(next) => {
                number += 1;
                match next {
                    Next::Broken(line, fault) => run.broken(number, &line, fault),
                    _ => run.row(&Row { number, cells: &rows.row, hidden: false, notes: &[] }),
                }
            }
            Err(error) => return Ok(run.damaged(&error.to_string())),
        };
        if outcome.is_break() {
            return Ok(outcome);
        }
    }
}

/// Returns the separator under which the beginning of a file shows the most known headers in one line.
fn separator(beginning: &str, profiles: &Profiles) -> char {
    let known = |separator: char| {
        let in_line = |line: &str| {
            let mut row = CsvRow::default();
            row.split(line, separator);
            let headers: Vec<String> = row.cells().map(str::to_owned).collect();
            let own = SheetKind::ALL.into_iter().map(|kind| recognised(kind, &headers)).max().unwrap_or_default();
            own.max(profiles.known(&headers))
        };
        beginning.lines().take(LINES_LOOKED_AT).map(in_line).max().unwrap_or_default()
    };
    // `max_by_key` keeps the last of equals: the comma.
    ['\t', ';', ','].into_iter().max_by_key(|separator| known(*separator)).unwrap_or(',')
}

/// One row, its cells one after the other in one buffer.
#[derive(Default)]
struct CsvRow {
    text: String,
    ends: Vec<usize>,
}

/// How reading a text as one row went.
#[derive(Debug, PartialEq, Eq)]
enum Split {
    Whole,
    /// The text ends within quotes.
    Open,
    /// Something follows a closing quote.
    Broken,
}

impl CsvRow {
    fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.text.get(start..end)
    }

    fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map_while(|index| self.get(index))
    }

    fn end_cell(&mut self) {
        self.ends.push(self.text.len());
    }

    fn split(&mut self, line: &str, separator: char) -> Split {
        self.text.clear();
        self.ends.clear();
        if !line.contains('"') {
            for cell in line.split(separator) {
                self.text.push_str(cell);
                self.end_cell();
            }
            return Split::Whole;
        }
        let mut rest = line;
        loop {
            let Some(quoted) = rest.strip_prefix('"') else {
                // A quote in the middle of an unquoted cell is a quote: `5"屏`.
                let (cell, after) = rest.split_once(separator).map_or((rest, None), |(cell, rest)| (cell, Some(rest)));
                self.text.push_str(cell);
                self.end_cell();
                match after {
                    Some(after) => rest = after,
                    None => return Split::Whole,
                }
                continue;
            };
            rest = quoted;
            loop {
                let Some((inside, after)) = rest.split_once('"') else { return Split::Open };
                self.text.push_str(inside);
                match after.strip_prefix('"') {
                    Some(after) => {
                        self.text.push('"');
                        rest = after;
                    }
                    None => {
                        rest = after;
                        break;
                    }
                }
            }
            self.end_cell();
            if rest.is_empty() {
                return Split::Whole;
            }
            match rest.strip_prefix(separator) {
                Some(after) => rest = after,
                None => return Split::Broken,
            }
        }
    }
}

impl Cells for CsvRow {
    fn width(&self) -> usize {
        self.ends.len()
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        self.get(index).map_or(Cell::Blank, |text| Cell::Text(plain_cell(text)))
    }
}

enum Next {
    /// A row is in `Rows::row`.
    Row,
    /// A line that is no row.
    Broken(String, LineFault),
    End,
}

struct Rows<R> {
    input: R,
    encoding: &'static Encoding,
    separator: char,
    /// Lines read ahead for a quote that did not close.
    waiting: VecDeque<String>,
    line: Vec<u8>,
    row: CsvRow,
}

/// Returns a line as text; an error with what can be shown of it, if it is in another encoding than its file.
fn decoded<'l>(line: &'l [u8], encoding: &'static Encoding) -> Result<Cow<'l, str>, String> {
    // Files put behind each other leave a byte order mark in the middle.
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    if encoding != GB18030 {
        return Ok(String::from_utf8_lossy(line));
    }
    // Three bytes to a Chinese character are UTF-8, and two to one are GB18030: a line of the former in a file of the latter would
    // be read as other characters, all of them sound.
    match std::str::from_utf8(line) {
        Ok(text) if text.chars().filter(|letter| ('\u{2E80}'..='\u{FFEF}').contains(letter)).count() >= 2 => {
            Err(text.to_owned())
        }
        _ => Ok(encoding.decode_without_bom_handling(line).0),
    }
}

impl<R: BufRead> Rows<R> {
    fn new(input: R, separator: char) -> Self {
        let (waiting, line, row) = (VecDeque::new(), Vec::new(), CsvRow::default());
        Self { input, encoding: UTF_8, separator, waiting, line, row }
    }

    fn next(&mut self) -> io::Result<Next> {
        if self.waiting.is_empty() {
            // The usual case, without a copy of the line.
            let line = read_line(&mut self.input, &mut self.line)?;
            if line == Line::End {
                return Ok(Next::End);
            }
            let text = match decoded(&self.line, self.encoding) {
                Ok(text) => text,
                Err(text) => return Ok(Next::Broken(text, LineFault::MixedEncoding)),
            };
            match line {
                Line::TooLong => return Ok(Next::Broken(text.into_owned(), LineFault::TooLong)),
                Line::Whole | Line::End => {}
            }
            match self.row.split(&text, self.separator) {
                Split::Whole if self.row.ends.len() > MOST_COLUMNS => {
                    let beginning = text.chars().take(SHOWN_OF_LONG).collect();
                    return Ok(Next::Broken(beginning, LineFault::TooManyCells));
                }
                Split::Whole => return Ok(Next::Row),
                Split::Broken => return Ok(Next::Broken(text.into_owned(), LineFault::Quotes)),
                Split::Open => {
                    let text = text.into_owned();
                    self.waiting.push_back(text);
                }
            }
        }
        self.next_across_lines()
    }

    /// Reads a row that may go over several lines; if it does not close, only its first line is given up.
    fn next_across_lines(&mut self) -> io::Result<Next> {
        let mut text = self.waiting.front().cloned().unwrap_or_default();
        let mut lines = 1;
        loop {
            match self.row.split(&text, self.separator) {
                Split::Whole => {
                    self.waiting.drain(..lines);
                    return Ok(Next::Row);
                }
                // Together the lines are no longer than one may be: each try splits all of them anew.
                Split::Open if lines < MOST_LINES_PER_ROW && text.len() <= LONGEST_LINE && self.has_line(lines)? => {
                    text.push('\n');
                    text.push_str(self.waiting.get(lines).map(String::as_str).unwrap_or_default());
                    lines += 1;
                }
                Split::Open | Split::Broken => {
                    let line = self.waiting.pop_front().unwrap_or_default();
                    return Ok(Next::Broken(line, LineFault::Quotes));
                }
            }
        }
    }

    /// Makes sure that the line at `index` is waiting; false if the file ends before it or it is too long to be one.
    fn has_line(&mut self, index: usize) -> io::Result<bool> {
        while self.waiting.len() <= index {
            match read_line(&mut self.input, &mut self.line)? {
                Line::End => return Ok(false),
                // An over-long line within quotes is kept as its beginning; it will be refused as broken.
                Line::Whole | Line::TooLong => {
                    let text = decoded(&self.line, self.encoding).map_or_else(|text| text, Cow::into_owned);
                    self.waiting.push_back(text);
                }
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Result<Vec<String>, String>> {
        let mut rows = Rows::new(text.as_bytes(), ',');
        let mut all = Vec::new();
        loop {
            match rows.next().unwrap() {
                Next::End => return all,
                Next::Row => all.push(Ok(rows.row.cells().map(str::to_owned).collect())),
                Next::Broken(line, _) => all.push(Err(line)),
            }
        }
    }

    fn ok(cells: &[&str]) -> Result<Vec<String>, String> {
        Ok(cells.iter().map(|cell| (*cell).to_owned()).collect())
    }

    #[test]
    fn quotes_hold_separators_quotes_and_line_breaks() {
        assert_eq!(
            rows("a,\"北京\"\"锐动\"\", 教育\",c\r\n\"x\ny\",,\"\"\n5\"屏,b"),
            [ok(&["a", "北京\"锐动\", 教育", "c"]), ok(&["x\ny", "", ""]), ok(&["5\"屏", "b"])]
        );
    }

    #[test]
    fn a_quote_that_never_closes_costs_one_line() {
        let tail = "e,f\n".repeat(200);
        let all = rows(&format!("a,b\nc,\"d\n{tail}"));
        assert_eq!(all[..3], [ok(&["a", "b"]), Err("c,\"d".to_owned()), ok(&["e", "f"])]);
        assert_eq!(all.len(), 202);
    }

    #[test]
    fn a_quote_closed_by_another_rows_quote_costs_one_line() {
        assert_eq!(
            rows("a,\"b\nc,\"d\",e\nf,\"g\"h\ni,j\n"),
            [Err("a,\"b".to_owned()), ok(&["c", "d", "e"]), Err("f,\"g\"h".to_owned()), ok(&["i", "j"])]
        );
    }

    #[test]
    fn a_quote_open_at_the_end_of_the_file_costs_one_line() {
        assert_eq!(rows("a,\"b\nc,d"), [Err("a,\"b".to_owned()), ok(&["c", "d"])]);
    }

    #[test]
    fn the_separator_is_the_one_that_shows_headers() {
        assert_eq!(separator("2025年,商户,表\n统一社会信用代码;商户名称;街道\n", &Profiles::built_in()), ';');
        assert_eq!(separator("credit_code\tdate\theld\n", &Profiles::built_in()), '\t');
        assert_eq!(separator("\"统一社会信用代码\",\"日期\"\n", &Profiles::built_in()), ',');
        assert_eq!(separator("", &Profiles::built_in()), ',');
    }
}

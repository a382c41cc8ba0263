//! Lines of a text file, none of them endless.

use std::io::{self, BufRead, Read};

/// A longer line is no row of a sheet: 500 characters in each of many cells fit well.
pub(super) const LONGEST_LINE: usize = 1024 * 1024;

/// Cells a row can have: those of a spreadsheet, less the four that a refusal sheet puts behind them.
pub(super) const MOST_COLUMNS: usize = 16_384 - 4;

/// What came of reading a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The file has ended.
    End,
    /// A line, its line break cut off.
    Whole,
    /// A line that is too long; its beginning was read, the rest passed over.
    TooLong,
}

/// Why a line is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineFault {
    #[error("a quote in this line is not closed, or stands in the middle of a cell; the line was left out")]
    Quotes,
    #[error("the row is longer than a mebibyte; it was left out, shorten its cells")]
    TooLong,
    #[error("the row has more than {MOST_COLUMNS} cells; it was left out, separators may have gone wrong")]
    TooManyCells,
}

impl LineFault {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Quotes => "broken_quotes",
            Self::TooLong => "line_too_long",
            Self::TooManyCells => "too_many_cells",
        }
    }

    pub(super) fn zh(self) -> String {
        match self {
            Self::Quotes => "本行的引号没有成对，或出现在单元格中间；本行未读取".to_owned(),
            Self::TooLong => "本行超过 1 MiB；本行未读取，请缩短单元格".to_owned(),
            Self::TooManyCells => format!("本行单元格超过 {MOST_COLUMNS} 个；本行未读取，分隔符可能有误"),
        }
    }
}

/// Reads the next line into `line`.
pub(super) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let limit = LONGEST_LINE as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(Line::End);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    } else if line.len() > LONGEST_LINE {
        line.truncate(200);
        while !ended(input)? {}
        return Ok(Line::TooLong);
    }
    Ok(Line::Whole)
}

/// Passes over what is buffered up to the end of the line; says whether that end was reached.
fn ended(input: &mut impl BufRead) -> io::Result<bool> {
    let buffered = input.fill_buf()?;
    let end = buffered.iter().position(|byte| *byte == b'\n');
    let (passed, ended) = match end {
        Some(at) => (at + 1, true),
        None => (buffered.len(), buffered.is_empty()),
    };
    input.consume(passed);
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_line_is_passed_over_and_the_next_is_whole() {
        let text = format!("a\r\n{}\nb", "x".repeat(3 * LONGEST_LINE));
        let mut input = io::BufReader::new(text.as_bytes());
        let mut line = Vec::new();
        assert_eq!((read_line(&mut input, &mut line).unwrap(), line.as_slice()), (Line::Whole, b"a".as_slice()));
        assert_eq!(read_line(&mut input, &mut line).unwrap(), Line::TooLong);
        assert_eq!((read_line(&mut input, &mut line).unwrap(), line.as_slice()), (Line::Whole, b"b".as_slice()));
        assert_eq!(read_line(&mut input, &mut line).unwrap(), Line::End);
    }

    #[test]
    fn a_line_of_exactly_the_longest_length_is_whole() {
        let text = format!("{}\n", "x".repeat(LONGEST_LINE));
        let mut line = Vec::new();
        assert_eq!(read_line(&mut text.as_bytes(), &mut line).unwrap(), Line::Whole);
        assert_eq!(line.len(), LONGEST_LINE);
    }
}

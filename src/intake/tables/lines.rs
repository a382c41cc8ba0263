//! Lines of a text file, none of them endless.

use std::io::{self, BufRead};

/// A longer line is no row of a sheet: 500 characters in each of many cells fit well.
pub(in crate::intake) const LONGEST_LINE: usize = 1024 * 1024;

/// Cells a row can have: those of a spreadsheet, less the four that a refusal sheet puts behind them.
pub(in crate::intake) const MOST_COLUMNS: usize = 16_384 - 4;

/// What came of reading a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Line {
    /// The file has ended.
    End,
    /// A line, its line break cut off.
    Whole,
    /// A line that is too long; its beginning was read, the rest passed over.
    TooLong,
}

/// Why a line is no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::intake) enum LineFault {
    #[error("a quote in this line is not closed, or stands in the middle of a cell; the line was left out")]
    Quotes,
    #[error("the row is longer than a mebibyte; it was left out, shorten its cells")]
    TooLong,
    #[error("the line is in another encoding than the file; it was left out, save all of it as UTF-8")]
    MixedEncoding,
    #[error("the row has more than {MOST_COLUMNS} cells; it was left out, separators may have gone wrong")]
    TooManyCells,
}

impl LineFault {
    pub(in crate::intake) const fn code(self) -> &'static str {
        match self {
            Self::Quotes => "broken_quotes",
            Self::TooLong => "line_too_long",
            Self::MixedEncoding => "mixed_encoding",
            Self::TooManyCells => "too_many_cells",
        }
    }

    pub(in crate::intake) fn zh(self) -> String {
        match self {
            Self::Quotes => "本行的引号没有成对，或出现在单元格中间；本行未读取".to_owned(),
            Self::TooLong => "本行超过 1 MiB；本行未读取，请缩短单元格".to_owned(),
            Self::MixedEncoding => "本行的编码与文件其余部分不同；本行未读取，请将全部内容存为 UTF-8".to_owned(),
            Self::TooManyCells => format!("本行单元格超过 {MOST_COLUMNS} 个；本行未读取，分隔符可能有误"),
        }
    }
}

/// Reads the next line into `line`. A line ends with LF, CRLF, or the CR alone that old Macintosh programs write.
pub(in crate::intake) fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let (mut seen, mut too_long) = (false, false);
    loop {
        let buffered = match input.fill_buf() {
            Ok(buffered) => buffered,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffered.is_empty() {
            return Ok(if too_long {
                Line::TooLong
            } else if seen {
                Line::Whole
            } else {
                Line::End
            });
        }
        seen = true;
        let end = buffered.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (part, returned) = match end {
            Some(at) => (buffered.get(..at).unwrap_or_default(), buffered.get(at) == Some(&b'\r')),
            None => (buffered, false),
        };
        if !too_long {
            line.extend_from_slice(part);
        }
        let consumed = part.len() + usize::from(end.is_some());
        input.consume(consumed);
        if line.len() > LONGEST_LINE {
            line.truncate(200);
            too_long = true;
        }
        if end.is_none() {
            continue;
        }
        if returned && input.fill_buf()?.first() == Some(&b'\n') {
            input.consume(1);
        }
        return Ok(if too_long { Line::TooLong } else { Line::Whole });
    }
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
    fn lines_end_with_lf_crlf_or_cr_alone() {
        for text in ["a\nb\nc", "a\r\nb\r\nc\r\n", "a\rb\rc\r", "a\rb\r\nc\n"] {
            // A buffer of one byte parts CR and LF.
            for size in [1, 64] {
                let mut input = io::BufReader::with_capacity(size, text.as_bytes());
                let (mut line, mut lines) = (Vec::new(), Vec::new());
                while read_line(&mut input, &mut line).unwrap() != Line::End {
                    lines.push(String::from_utf8(line.clone()).unwrap());
                }
                assert_eq!(lines, ["a", "b", "c"], "{text:?}");
            }
        }
    }

    #[test]
    fn a_line_of_exactly_the_longest_length_is_whole() {
        let text = format!("{}\n", "x".repeat(LONGEST_LINE));
        let mut line = Vec::new();
        assert_eq!(read_line(&mut text.as_bytes(), &mut line).unwrap(), Line::Whole);
        assert_eq!(line.len(), LONGEST_LINE);
    }
}

//! The one way a command speaks: results on stdout, everything else on stderr.

use super::exit::{CliError, Exit};
use super::said::{Said, Text};
use super::texts;
use crate::http::Language;
use clap::ValueEnum;
use serde::Serialize;
use std::fmt::{self, Display};
use std::io::{self, BufWriter, ErrorKind, Write};

/// Shape of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    #[default]
    Table,
    /// JSON for programs; the same in every language.
    Json,
}

/// Where results and remarks go.
pub struct Out {
    format: Format,
    language: Language,
    results: Box<dyn Write>,
    remarks: Box<dyn Write>,
}

impl fmt::Debug for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Out").field("format", &self.format).finish_non_exhaustive()
    }
}

impl Out {
    /// Returns the output of this process.
    #[must_use]
    pub fn standard(format: Format, language: Language) -> Self {
        Self::new(format, language, Box::new(BufWriter::new(io::stdout())), Box::new(io::stderr()))
    }

    /// Returns an output into two writers.
    #[must_use]
    pub fn new(format: Format, language: Language, results: Box<dyn Write>, remarks: Box<dyn Write>) -> Self {
        Self { format, language, results, remarks }
    }

    /// Returns the shape asked for.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Returns the language people are spoken to in.
    #[must_use]
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Returns a text in the language of the output.
    #[must_use]
    pub const fn text(&self, text: Text) -> &'static str {
        text.in_language(self.language)
    }

    /// Writes something said as a line of the result.
    ///
    /// # Errors
    /// As for [`Out::line`].
    pub fn say(&mut self, said: impl Into<Said>) -> Result<(), CliError> {
        let said = said.into();
        self.line(said.heard_in(self.language))
    }

    /// Says something to the person at the terminal, as [`Out::remark`] does.
    pub fn tell(&mut self, said: impl Into<Said>) {
        let said = said.into();
        self.remark(said.heard_in(self.language));
    }

    /// Writes a line of the result.
    ///
    /// # Errors
    /// When nobody reads the output any more, or it cannot be written.
    pub fn line(&mut self, line: impl Display) -> Result<(), CliError> {
        writeln!(self.results, "{line}").map_err(write_error)
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    /// As for [`Out::line`].
    pub fn json(&mut self, value: &impl Serialize) -> Result<(), CliError> {
        let text = serde_json::to_string(value).map_err(CliError::failed)?;
        self.line(text)
    }

    /// Writes rows in aligned columns under a heading; nothing at all if there are no rows.
    ///
    /// # Errors
    /// As for [`Out::line`].
    pub fn table<const N: usize>(&mut self, heading: [&str; N], rows: &[[String; N]]) -> Result<(), CliError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut widths = heading.map(width);
        for row in rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let heading = heading.map(str::to_owned);
        for row in std::iter::once(&heading).chain(rows) {
            let mut line = String::new();
            for (cell, widest) in row.iter().zip(widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(widest.saturating_sub(width(cell)) + 2));
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// Says something to the person at the terminal that is not part of the result. Failing to say it fails nothing.
    pub fn remark(&mut self, remark: impl Display) {
        let _ = writeln!(self.remarks, "{remark}");
    }

    /// Sends what is still held back.
    ///
    /// # Errors
    /// As for [`Out::line`].
    pub fn flush(&mut self) -> Result<(), CliError> {
        self.results.flush().map_err(write_error)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "its only use is as a function of map_err")]
fn write_error(error: io::Error) -> CliError {
    if error.kind() == ErrorKind::BrokenPipe {
        CliError::OutputClosed
    } else {
        CliError::told(Exit::Failed, texts::OUTPUT_UNWRITABLE.with(&[&error]))
    }
}

/// Returns the columns a text takes in a terminal: Chinese characters and full-width forms take two.
fn width(text: &str) -> usize {
    let wide = |letter: char| {
        matches!(u32::from(letter), 0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF
            | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x20000..=0x3FFFD)
    };
    text.chars().map(|letter| if wide(letter) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::rc::Rc;

    #[derive(Clone, Default)]
    struct Sheet(Rc<RefCell<Vec<u8>>>);

    impl Write for Sheet {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn columns_line_up_under_chinese_characters() {
        let sheet = Sheet::default();
        let mut out = Out::new(Format::Table, Language::En, Box::new(sheet.clone()), Box::new(io::sink()));
        out.table(["name", "n"], &[["健身房".into(), "1".into()], ["gym".into(), "22".into()]]).unwrap();
        assert_eq!(String::from_utf8(sheet.0.take()).unwrap(), "name    n\n健身房  1\ngym     22\n");
    }

    #[test]
    fn a_closed_pipe_is_told_apart_from_a_full_disk() {
        struct Broken(ErrorKind);
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out =
            Out::new(Format::Table, Language::En, Box::new(Broken(ErrorKind::BrokenPipe)), Box::new(io::sink()));
        assert!(matches!(out.line("x"), Err(CliError::OutputClosed)));
        let mut out =
            Out::new(Format::Table, Language::En, Box::new(Broken(ErrorKind::StorageFull)), Box::new(io::sink()));
        assert!(matches!(out.line("x"), Err(CliError::Failed { .. })));
    }
}

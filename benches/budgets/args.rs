//! What the command line asks for.

use super::run::Outcome;
use std::path::PathBuf;

/// How large the data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// Seconds in all; for a look while working.
    Small,
    /// The sizes of the budgets, minutes; for the record.
    Full,
}

/// The command line.
#[derive(Debug)]
pub(super) struct Args {
    /// Rows to measure, by number.
    pub(super) rows: Vec<u32>,
    /// Size of the data.
    pub(super) size: Size,
    /// Write the results into `docs/PERFORMANCE.md`.
    pub(super) write: bool,
    /// This process is a child that starts a desk on the log in this folder, and tells its size.
    pub(super) child: Option<PathBuf>,
}

impl Args {
    pub(super) fn parse(words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut args =
            Self { rows: (1..=11).chain([17, 18, 20, 21]).collect(), size: Size::Small, write: false, child: None };
        let mut words = words.skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
            match word.as_str() {
                "--rows" => args.rows = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--size" => {
                    args.size = match value()?.as_str() {
                        "small" => Size::Small,
                        "full" => Size::Full,
                        other => return Err(format!("`--size {other}`: use small or full").into()),
                    }
                }
                "--write" => args.write = true,
                "--child" => args.child = Some(value()?.into()),
                // Cargo says so to every benchmark.
                "--bench" => {}
                other => return Err(format!("`{other}` is not known; use --rows 1,2 --size small|full --write").into()),
            }
        }
        Ok(args)
    }

    /// Returns one of two values, by size.
    pub(super) fn of_size<T>(&self, small: T, full: T) -> T {
        match self.size {
            Size::Small => small,
            Size::Full => full,
        }
    }
}

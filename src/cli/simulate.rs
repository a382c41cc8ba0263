//! `warnlight simulate`: writes a made-up district to try things out with.

use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::{texts, values};
use crate::domain::time::Day;
use crate::sim::sheets::SheetError;
use crate::sim::{MOST_MERCHANTS, Plan, SaveError, Shape, save};
use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::PathBuf;

/// Write a made-up district: merchants, balances, exits, complaints, as sheets or as commands.
///
/// Places are real, merchants and people are invented. The same seed gives the same district on every machine.
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// How many registered merchants; a few unregistered ones come on top.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = values::number::<1, MOST_MERCHANTS>)]
    merchants: u64,
    /// Other seeds give other districts.
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::number::<0, { u64::MAX }>)]
    seed: u64,
    /// First day anything is known.
    #[arg(long, value_name = "DAY", default_value = "2024-07-01", value_parser = values::day)]
    from: Day,
    /// Last day anything is known.
    #[arg(long, value_name = "DAY", default_value = "2025-12-31", value_parser = values::day)]
    until: Day,
    /// What to write.
    #[arg(long = "as", value_enum, value_name = "SHAPE", default_value_t = As::Csv)]
    shape: As,
    /// Where to: a folder for csv and gb18030, else a file. It must not be there yet; an empty folder may.
    #[arg(value_name = "OUT")]
    to: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum As {
    /// A folder of ten csv files in UTF-8.
    Csv,
    /// A folder of ten csv files in GB18030.
    Gb18030,
    /// One workbook with ten sheets.
    Xlsx,
    /// One file with a command on each line.
    Ndjson,
    /// One file with an event (CloudEvents) on each line.
    Events,
}

/// What was written, for programs.
#[derive(serde::Serialize)]
struct Written<'a> {
    path: &'a str,
    merchants: u64,
    rows: u64,
}

pub(super) fn run(args: &SimulateArgs, out: &mut Out) -> Result<Exit, CliError> {
    if args.until < args.from {
        return Err(CliError::told(Exit::Usage, texts::DAYS_IN_WRONG_ORDER.with(&[&args.until, &args.from])));
    }
    let plan = Plan { seed: args.seed, merchants: args.merchants, from: args.from, until: args.until };
    let shape = match args.shape {
        As::Csv => Shape::Csv,
        As::Gb18030 => Shape::Gb18030,
        As::Xlsx => Shape::Xlsx,
        As::Ndjson => Shape::Ndjson,
        As::Events => Shape::Events,
    };
    // Drawn on stderr, and only if that is a terminal.
    let bar = ProgressBar::new(plan.merchants);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} merchants, {eta} left") {
        bar.set_style(style);
    }
    let saved = save(&plan, shape, &args.to, |done| bar.set_position(done));
    bar.finish_and_clear();
    let saved = saved.map_err(|error| {
        let exit = match &error {
            SaveError::Exists(_) | SaveError::Sheet(SheetError::TooManyRows { .. }) => Exit::Usage,
            _ => Exit::Failed,
        };
        CliError::new(exit, error)
    })?;
    let path = args.to.display().to_string();
    match out.format() {
        Format::Json => out.json(&Written { path: &path, merchants: saved.merchants, rows: saved.rows })?,
        Format::Table => out.say(texts::WRITTEN.with(&[&path, &saved.merchants, &saved.rows]))?,
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::{fs, io};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: SimulateArgs,
    }

    fn ended(words: &[&str]) -> Result<Exit, CliError> {
        let line = Line::try_parse_from([&["simulate"], words].concat()).unwrap();
        run(
            &line.args,
            &mut Out::new(Format::Table, crate::http::Language::En, Box::new(io::sink()), Box::new(io::sink())),
        )
    }

    fn code(result: Result<Exit, CliError>) -> Exit {
        match result {
            Ok(exit) | Err(CliError::Failed { exit, .. }) => exit,
            Err(CliError::OutputClosed) => panic!("nothing was closed"),
        }
    }

    #[test]
    fn a_district_is_written_once_and_not_over_another() {
        let room = tempfile::tempdir().unwrap();
        let to = room.path().join("district");
        let words = ["--merchants", "3", "--seed", "9", "--as", "gb18030", to.to_str().unwrap()];
        assert_eq!(code(ended(&words)), Exit::Done);
        assert_eq!(fs::read_dir(&to).unwrap().count(), 10);
        assert_eq!(code(ended(&words)), Exit::Usage);
    }

    #[test]
    fn days_in_the_wrong_order_and_too_many_merchants_are_refused() {
        assert_eq!(code(ended(&["--from", "2025-01-02", "--until", "2025-01-01", "nowhere"])), Exit::Usage);
        assert!(Line::try_parse_from(["simulate", "--merchants", "1000001", "nowhere"]).is_err());
        assert!(Line::try_parse_from(["simulate", "--from", "2025-02-30", "nowhere"]).is_err());
    }
}

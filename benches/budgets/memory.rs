//! Row 8: resident memory, measured in a process of its own.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, megabytes, number};
use super::{grading, machine, raw};
use std::io::Write;
use std::process::Command;

/// Builds a state of so many merchants with their lights, and tells its size.
pub(super) fn child(merchants: u64) -> Outcome<()> {
    let empty = machine::resident();
    let state = grading::district(merchants)?;
    let full = machine::resident();
    writeln!(std::io::stdout(), "{} {empty} {full}", state.position)?;
    Ok(())
}

/// Row 8, with its curve.
pub(super) fn resident(args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let told = Command::new(std::env::current_exe()?).args(["--child", &merchants.to_string()]).output()?;
        let told = String::from_utf8(told.stdout)?;
        let numbers: Vec<f64> = told.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [events, empty, full] = numbers.as_slice() else { return Err("the child said nothing".into()) };
        let whole = *merchants == 1_000_000;
        report.add(Line {
            row: 8,
            part,
            what: format!("resident memory, {} merchants, {} events", number(*merchants as f64), number(*events)),
            goal: if whole { "≤ 1.2 GB with 20,000,000 events" } else { "" }.to_owned(),
            figure: megabytes(*full),
            raw: format!("copy in memory {}/s", megabytes(raw::copy())),
            met: whole.then_some(*full <= 1.2e9),
            why: format!(
                "{} bytes per merchant, {} per event; {} before the first",
                number((full - empty) / *merchants as f64),
                number((full - empty) / events),
                megabytes(*empty)
            ),
        })?;
    }
    Ok(())
}

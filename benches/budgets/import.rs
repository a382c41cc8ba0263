//! Row 4: import of sheets, by the command itself.

use super::args::Args;
use super::machine;
use super::report::{Line, Report};
use super::run::{Outcome, f, number};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant as Clock;
use warnlight::sim::{Shape, save};

/// Row 4.
pub(super) fn sheets(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let merchants = args.of_size(4_000, 40_000);
    let folder = room.join("row-4-sheets");
    let saved = save(&super::crowd::plan(merchants)?, Shape::Csv, &folder, |_| {})?;
    let data = room.join("row-4");
    let (_, used) = machine::processor_time();
    let begun = Clock::now();
    let done = Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .args(["--data", &data.display().to_string(), "import", &folder.display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()?;
    let took = begun.elapsed().as_secs_f64();
    let cost = machine::processor_time().1 - used;
    if !matches!(done.status.code(), Some(0 | 3)) {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    let rate = saved.rows as f64 / took;
    report.add(Line {
        row: 4,
        part: 0,
        what: format!("import of {} csv rows, every row decided and on disk", number(saved.rows as f64)),
        goal: "≥ 40,000 rows/s".to_owned(),
        figure: format!("{} rows/s", number(rate)),
        raw: format!("F = {}/s", number(f(room)?)),
        met: Some(rate >= 40_000.0),
        why: format!(
            "the whole command, {} s: reading, deciding, receipts and refusals, then every light graded and recorded; {} s \
             of processor time",
            number(took),
            number(cost)
        ),
    })
}

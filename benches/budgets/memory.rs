//! Row 8: resident memory, measured in a process of its own that does nothing but run the desk.

use super::args::Args;
use super::rebuild::district;
use super::report::{Line, Report};
use super::run::{Outcome, megabytes, number};
use super::{crowd, machine, raw};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use warnlight::clock::ManualClock;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::service::start_desk;
use warnlight::settings::Settings;

/// Starts the desk on the log in `dir`, tells its size, and stops it, which leaves a snapshot.
pub(super) fn child(dir: &Path) -> Outcome<()> {
    let empty = machine::resident();
    let log = Arc::new(EmbeddedLog::open(dir, &Options::default())?);
    let desk = start_desk(&Settings::load(None)?, log.clone(), Arc::new(ManualClock::new(crowd::after()?)))?;
    while !desk.is_ready() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Until the allocator has given back what the start alone needed.
    std::thread::sleep(Duration::from_secs(1));
    writeln!(std::io::stdout(), "{} {empty} {}", log.head(), machine::resident())?;
    desk.stop();
    Ok(())
}

/// Row 8, with its curve.
pub(super) fn resident(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let dir = district(room, *merchants)?;
        let start = || -> Outcome<(f64, f64, f64)> {
            let told = Command::new(std::env::current_exe()?).arg("--child").arg(&dir).output()?;
            let told = String::from_utf8(told.stdout)?;
            let numbers: Vec<f64> = told.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
            match numbers.as_slice() {
                [events, empty, full] => Ok((*events, *empty, *full)),
                _ => Err("the child said nothing".into()),
            }
        };
        let _ = std::fs::remove_file(dir.join("snapshot.bin"));
        let (events, empty, folded) = start()?;
        let (_, _, loaded) = start()?;
        let whole = *merchants == 1_000_000;
        report.add(Line {
            row: 8,
            part,
            what: format!("resident memory, {} merchants, {} events", number(*merchants as f64), number(events)),
            goal: if whole { "≤ 1.2 GB with 20,000,000 events" } else { "" }.to_owned(),
            figure: format!("{} from a snapshot, {} after folding the log", megabytes(loaded), megabytes(folded)),
            raw: format!("copy in memory {}/s", megabytes(raw::copy())),
            met: whole.then_some(loaded.max(folded) <= 1.2e9),
            why: format!(
                "from a snapshot {} bytes per merchant, {} per event; {} before the first",
                number((loaded - empty) / *merchants as f64),
                number((loaded - empty) / events),
                megabytes(empty)
            ),
        })?;
    }
    Ok(())
}

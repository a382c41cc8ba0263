//! Row 11: building from nothing, and the size of what comes out.

use super::args::{Args, Size};
use super::report::{Line, Report};
use super::run::{Outcome, megabytes, number, target};
use std::process::{Command, Stdio};
use std::time::Instant as Clock;

/// Row 11. The build itself is only run at full size: it takes minutes and both cores.
pub(super) fn release(args: &Args, report: &mut Report) -> Outcome<()> {
    let (minutes, binary) = if args.size == Size::Full {
        let place = tempfile::Builder::new().prefix("cold-build-").tempdir_in(target())?;
        let begun = Clock::now();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let built = Command::new(cargo)
            .args([
                "build",
                "--release",
                "--locked",
                "--manifest-path",
                concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            ])
            .arg("--target-dir")
            .arg(place.path())
            .stderr(Stdio::null())
            .status()?;
        if !built.success() {
            return Err("the cold build failed".into());
        }
        let took = begun.elapsed().as_secs_f64() / 60.0;
        (Some(took), std::fs::metadata(place.path().join("release/warnlight"))?.len())
    } else {
        (None, std::fs::metadata(env!("CARGO_BIN_EXE_warnlight"))?.len())
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    report.add(Line {
        row: 11,
        part: 0,
        what: "cold release build; binary".to_owned(),
        goal: "≤ 6 min on two cores; ≤ 40 MB".to_owned(),
        figure: match minutes {
            Some(minutes) => format!("{} min; {}", number(minutes), megabytes(binary as f64)),
            None => megabytes(binary as f64),
        },
        raw: format!("{cores} cores"),
        met: minutes.map(|minutes| minutes <= 6.0 && binary <= 40_000_000),
        why: if minutes.is_none() { "the build is only timed at full size" } else { "" }.to_owned(),
    })
}

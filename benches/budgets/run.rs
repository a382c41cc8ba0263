//! One run over the rows asked for.

use super::args::Args;
use super::report::Report;
use super::{
    append, board, build, desk, grading, http, import, machine, memory, near, postgres, raw, readers, rebuild,
};
use std::io::Write;
use std::path::Path;

/// What a benchmark does when something other than a figure goes wrong: it says so and ends.
pub(super) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Measures; a fault is told on stderr and ends the run with success all the same, for a benchmark never fails a build.
pub(crate) fn main() {
    if let Err(error) = run() {
        let _ = writeln!(std::io::stderr(), "not measured: {error}");
    }
}

fn run() -> Outcome<()> {
    let args = Args::parse(std::env::args())?;
    if let Some(dir) = &args.child {
        return memory::child(dir);
    }
    let room = tempfile::Builder::new().prefix("warnlight-budgets-").tempdir_in(target())?;
    writeln!(std::io::stdout(), "{}; load {}\n", machine::describe(), machine::load())?;
    let mut report = Report::default();
    for row in &args.rows {
        match row {
            1 => append::one_caller(room.path(), &mut report)?,
            2 => append::many_callers(room.path(), &args, &mut report)?,
            3 => {
                http::commands(room.path(), &args, &mut report)?;
                desk::commands(room.path(), &args, &mut report)?;
            }
            4 => import::sheets(room.path(), &args, &mut report)?,
            5 => rebuild::views(room.path(), &args, &mut report)?,
            6 => grading::facts_in_memory(&mut report)?,
            7 => desk::light_after_event(room.path(), &args, &mut report)?,
            8 => memory::resident(room.path(), &args, &mut report)?,
            9 => rebuild::start(room.path(), &args, &mut report)?,
            10 => rebuild::disk(room.path(), &args, &mut report)?,
            11 => build::release(&args, &mut report)?,
            17 => board::lists(room.path(), &args, &mut report)?,
            18 => board::files(room.path(), &args, &mut report)?,
            20 => readers::beside_readers(room.path(), &args, &mut report)?,
            21 => rebuild::read_at_start(room.path(), &args, &mut report)?,
            19 => {
                #[cfg(feature = "cluster-double")]
                {
                    super::cluster::overhead(room.path(), &mut report)?;
                }
                #[cfg(not(feature = "cluster-double"))]
                writeln!(std::io::stderr(), "row 19 takes `--features cluster-double` for KurrentDB")?;
                postgres::overhead(room.path(), &mut report)?;
            }
            23 => near::candidates(&args, &mut report)?,
            24 => postgres::beside_pgbench(room.path(), &mut report)?,
            #[cfg(feature = "cluster-double")]
            25 => super::cluster::far_away(room.path(), &mut report)?,
            #[cfg(not(feature = "cluster-double"))]
            25 => writeln!(std::io::stderr(), "row 25 takes `--features cluster-double`")?,
            other => writeln!(std::io::stderr(), "row {other} is not measured here")?,
        }
    }
    if args.write {
        report.write(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PERFORMANCE.md"))?;
    }
    Ok(())
}

/// Returns the folder for large files: beside the build, on a disk and not in memory.
pub(super) fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Returns F of this moment.
pub(super) fn f(room: &Path) -> Outcome<f64> {
    raw::durable_appends(room)
}

/// Returns the middle value.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Returns the value below which `share` of the values lie.
pub(super) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * share).ceil() as usize;
    values.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

/// Returns a number with separators, without decimals from ten on.
pub(super) fn number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number of bytes in MB.
pub(super) fn megabytes(bytes: f64) -> String {
    format!("{} MB", number(bytes / 1e6))
}

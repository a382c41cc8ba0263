//! Rows 5, 9, 10 and 21: what a log of some size costs to fold, to start on, to keep.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, median, megabytes, number, target};
use super::service::Service;
use super::{crowd, machine, raw};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant as Clock;
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::picture::Picture;
use warnlight::policy::Policies;

/// Returns a folder with the log of a district, made at first use in this run.
pub(super) fn district(room: &Path, merchants: u64) -> Outcome<PathBuf> {
    let dir = room.join(format!("district-{merchants}"));
    if !dir.exists() {
        let log = EmbeddedLog::open(&dir, &Options::default())?;
        crowd::fill(&log, &crowd::plan(merchants)?)?;
    }
    Ok(dir)
}

/// Row 5, with its curve.
pub(super) fn views(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let decoding = raw::decoding(&crowd::payloads(2_000)?);
    let sizes: &[u64] = args.of_size(&[10_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let dir = district(room, *merchants)?;
        let log = EmbeddedLog::open_read_only(&dir)?;
        let policies = Arc::new(Policies::built_in()?);
        let mut events = 0;
        let runs = if *merchants > 100_000 { 1 } else { 9 };
        let mut rates = Vec::new();
        let (used, _) = machine::processor_time();
        for _ in 0..runs {
            let begun = Clock::now();
            let state = Picture::replay(&log, policies.clone())?;
            events = state.position;
            rates.push(events as f64 / begun.elapsed().as_secs_f64());
        }
        let cost = (machine::processor_time().0 - used) / (events * runs) as f64;
        let begun = Clock::now();
        let mut bytes = 0;
        log.scan(0, &mut |event| {
            bytes += event.data.len();
            std::ops::ControlFlow::Continue(())
        })?;
        let scan = events as f64 / begun.elapsed().as_secs_f64();
        let rate = median(rates);
        report.add(Line {
            row: 5,
            part,
            what: format!(
                "rebuild of all views, {} merchants, {} events",
                number(*merchants as f64),
                number(events as f64)
            ),
            goal: "≥ 1,000,000 events/s on two cores".to_owned(),
            figure: format!("{} events/s", number(rate)),
            raw: format!(
                "`serde_json` alone {}/s per core; reading the file alone {}/s",
                number(decoding),
                number(scan)
            ),
            met: Some(rate >= 1e6),
            why: format!(
                "{} µs of processor time for each event, which is {}/s on two cores with nothing else to do; payloads of \
                 {} bytes on average",
                number(cost * 1e6),
                number(2.0 / cost),
                number(bytes as f64 / events as f64)
            ),
        })?;
    }
    Ok(())
}

/// Row 10.
pub(super) fn disk(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let merchants = args.of_size(10_000, 100_000);
    let dir = district(room, merchants)?;
    let file = std::fs::metadata(dir.join("log.db"))?.len() as f64;
    let log = EmbeddedLog::open_read_only(&dir)?;
    let (mut payload, mut events, mut after) = (0.0, 0.0, 0);
    loop {
        let some = log.read_all(after, 4_096)?;
        let Some(last) = some.last() else { break };
        after = last.position;
        for recorded in &some {
            payload += serde_json::to_vec(&recorded.to_cloud_event())?.len() as f64;
            events += 1.0;
        }
    }
    let ratio = file / payload;
    report.add(Line {
        row: 10,
        part: 0,
        what: format!("size on disk, {} events", number(events)),
        goal: "≤ 1.5 × payload".to_owned(),
        figure: format!("{} × ({} for {})", number(ratio), megabytes(file), megabytes(payload)),
        raw: format!("sequential write {}/s", megabytes(raw::sequential_write(target())?)),
        met: Some(ratio <= 1.5),
        why: format!(
            "payload is the event as CloudEvents JSON, {} bytes on average; the file holds {} for each",
            number(payload / events),
            number(file / events)
        ),
    })
}

/// Two starts of the service on a district: the first folds the log and leaves a snapshot, the second uses it.
struct Starts {
    merchants: u64,
    cold: f64,
    warm: Service,
    /// Bytes.
    snapshot: f64,
}

fn starts(room: &Path, args: &Args) -> Outcome<Starts> {
    let merchants = args.of_size(100_000, 1_000_000);
    let dir = district(room, merchants)?;
    let snapshot = dir.join("snapshot.bin");
    let _ = std::fs::remove_file(&snapshot);
    let cold = Service::start(&dir)?.took;
    let warm = Service::start(&dir)?;
    Ok(Starts { merchants, cold, warm, snapshot: std::fs::metadata(snapshot)?.len() as f64 })
}

/// Row 9: the service on a log with a snapshot, until it is ready.
pub(super) fn start(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let Starts { merchants, cold, warm, snapshot } = starts(room, args)?;
    report.add(Line {
        row: 9,
        part: 0,
        what: format!(
            "start of the service to ready from a snapshot, {} merchants, {} events",
            number(merchants as f64),
            number(warm.events as f64)
        ),
        goal: "≤ 5 s with 1,000,000 merchants and 20,000,000 events".to_owned(),
        figure: format!("{} s", number(warm.took)),
        raw: format!("sequential write {}/s", megabytes(raw::sequential_write(target())?)),
        met: (merchants == 1_000_000).then_some(warm.took <= 5.0),
        why: format!(
            "log, keys, desk, mail and network; {} s without a snapshot, which has {}",
            number(cold),
            megabytes(snapshot)
        ),
    })
}

/// Row 21: what the service reads of the log when there is a snapshot.
pub(super) fn read_at_start(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let Starts { merchants, warm, snapshot, .. } = starts(room, args)?;
    let log = std::fs::metadata(district(room, merchants)?.join("log.db"))?.len() as f64;
    // Everything read that is not the snapshot counts as the log.
    let read = (warm.read - snapshot).max(0.0);
    report.add(Line {
        row: 21,
        part: 0,
        what: format!("read from the log at a start from a snapshot, {} merchants", number(merchants as f64)),
        goal: "≤ 2 % of it; ready ≤ 5 s with 1,000,000 merchants".to_owned(),
        figure: format!(
            "{} % ({} of {}), ready after {} s",
            number(100.0 * read / log),
            megabytes(read),
            megabytes(log),
            number(warm.took)
        ),
        raw: format!("copy in memory {}/s", megabytes(raw::copy())),
        met: Some(read <= 0.02 * log && (merchants < 1_000_000 || warm.took <= 5.0)),
        why: format!(
            "all that the process read from files until it was ready, less the snapshot's {}",
            megabytes(snapshot)
        ),
    })
}

//! Rows 1 and 2: durable appends through the log API.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, f, median, number};
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Clock};
use uuid::Uuid;
use warnlight::domain::envelope::{NewEvent, Origin};
use warnlight::domain::event::{Event, PrepaidReported};
use warnlight::domain::money::Yuan;
use warnlight::domain::time::Instant;
use warnlight::log::contract::{Append, EventLog, Expected, Pending};
use warnlight::log::embedded::{EmbeddedLog, Options};

/// Returns an append of one event to the stream with this number.
pub(super) fn one(stream: u64) -> Outcome<Append> {
    let report = PrepaidReported {
        credit_code: "91110000101623741K".parse()?,
        date: "2025-03-31".parse()?,
        outstanding: Yuan::from_fen(123_456_789),
        revenue_last_year: Some(Yuan::from_fen(987_654_321)),
        sold: Some(Yuan::from_fen(10_000_000)),
        redeemed: Some(Yuan::from_fen(9_000_000)),
        refunded: Some(Yuan::from_fen(100_000)),
    };
    let now = Instant::now();
    Ok(Append {
        stream: format!("merchant-{stream:018}").into(),
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(Uuid::now_v7(), now, &Origin::of("bench"), &Event::PrepaidReported(report))],
    })
}

/// Puts one event into each of `streams` streams.
fn prepare(log: &EmbeddedLog, streams: u64) -> Outcome<()> {
    let mut waiting: Vec<Pending> = Vec::new();
    for stream in 0..streams {
        waiting.push(log.submit(one(stream)?));
        if waiting.len() == 4_096 {
            for pending in waiting.drain(..) {
                pending.wait()?;
            }
        }
    }
    for pending in waiting {
        pending.wait()?;
    }
    Ok(())
}

/// Returns appends per second of `callers` who each wait for their answer, over streams taken in a scattered order.
pub(super) fn rate<L: EventLog>(log: &Arc<L>, callers: u64, streams: u64, period: Duration) -> f64 {
    let counted = Arc::new(AtomicU64::new(0));
    let begun = Clock::now();
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (log, counted) = (log.clone(), counted.clone());
            scope.spawn(move || {
                let mut stream = caller.wrapping_mul(7_919);
                while begun.elapsed() < period {
                    stream = stream.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let Ok(append) = one((stream >> 20) % streams) else { return };
                    if log.append(append).is_err() {
                        return;
                    }
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    counted.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// The same where callers share threads: each thread asks for as many as it stands for, then waits for the oldest answer and asks
/// again.
pub(super) fn rate_on<L: EventLog>(log: &L, callers: u64, threads: u64, streams: u64, period: Duration) -> f64 {
    let counted = AtomicU64::new(0);
    let begun = Clock::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let counted = &counted;
            scope.spawn(move || {
                let mut stream = thread.wrapping_mul(7_919);
                let mut under_way: VecDeque<Pending> = VecDeque::new();
                while begun.elapsed() < period {
                    stream = stream.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let Ok(append) = one((stream >> 20) % streams) else { return };
                    under_way.push_back(log.submit(append));
                    if under_way.len() as u64 >= callers / threads
                        && let Some(oldest) = under_way.pop_front()
                    {
                        if oldest.wait().is_err() {
                            return;
                        }
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                }
                let rest = under_way.into_iter().filter_map(|pending| pending.wait().ok());
                counted.fetch_add(rest.count() as u64, Ordering::Relaxed);
            });
        }
    });
    counted.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn repeated(log: &Arc<EmbeddedLog>, callers: u64, streams: u64) -> f64 {
    median((0..3).map(|_| rate(log, callers, streams, Duration::from_millis(1_200))).collect())
}

/// Row 1.
pub(super) fn one_caller(room: &Path, report: &mut Report) -> Outcome<()> {
    let log = Arc::new(EmbeddedLog::open(&room.join("row-1"), &Options::default())?);
    prepare(&log, 10_000)?;
    let before = f(room)?;
    let rate = repeated(&log, 1, 10_000);
    let f = (before + f(room)?) / 2.0;
    report.add(Line {
        row: 1,
        part: 0,
        what: "durable append, 1 caller".to_owned(),
        goal: "≥ 0.6 F".to_owned(),
        figure: format!("{}/s = {} F", number(rate), number(rate / f)),
        raw: format!("F = {}/s", number(f)),
        met: Some(rate >= 0.6 * f),
        why: "one SQLite transaction (three pages and more) and one `fdatasync` for each".to_owned(),
    })
}

/// Row 2, with its curve.
pub(super) fn many_callers(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    for (part, streams) in (0..).zip(sizes) {
        let dir = room.join(format!("row-2-{streams}"));
        let log = Arc::new(EmbeddedLog::open(&dir, &Options::default())?);
        prepare(&log, *streams)?;
        let before = f(room)?;
        let rate = repeated(&log, 64, *streams);
        let f = (before + f(room)?) / 2.0;
        report.add(Line {
            row: 2,
            part,
            what: format!("durable append, 64 callers, {} streams", number(*streams as f64)),
            goal: "≥ 5 F".to_owned(),
            figure: format!("{}/s = {} F", number(rate), number(rate / f)),
            raw: format!("F = {}/s", number(f)),
            met: Some(rate >= 5.0 * f),
            why: "appends that wait share one transaction and one sync".to_owned(),
        })?;
        drop(log);
        std::fs::remove_dir_all(dir)?;
    }
    Ok(())
}

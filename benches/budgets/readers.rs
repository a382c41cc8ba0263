//! Row 20: what readers cost whoever writes.

use super::args::Args;
use super::crowd;
use super::http::Connection;
use super::rebuild::district;
use super::report::{Line, Report};
use super::run::{Outcome, f, median, number, quantile};
use super::service::Service;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant as Clock};
use warnlight::domain::code::CreditCode;
use warnlight::domain::time::day_of;

const MERCHANTS: u64 = 20_000;
const READERS: usize = 16;
/// Callers that send a command each so often: about a thousand a second.
const CALLERS: u64 = 8;
const PACE: Duration = Duration::from_millis(8);

/// What one phase showed.
#[derive(Default)]
struct Phase {
    /// How long each command took, milliseconds.
    waits: Vec<f64>,
    answered: u64,
    refused: u64,
}

/// Row 20.
pub(super) fn beside_readers(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let service = Service::start(&district(room, MERCHANTS)?)?;
    let key = service.key()?;
    let codes: Vec<CreditCode> = (0..1_000).map(super::desk::code).collect::<Outcome<_>>()?;
    let next = AtomicU64::new(1);
    let lasts = Duration::from_millis(args.of_size(3_000, 10_000));
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let (mut p50, mut answered, mut refused, mut count) = ((Vec::new(), Vec::new()), 0, 0, 0);
    let before = f(room)?;
    // In pairs: what else the machine does changes from second to second.
    for _ in 0..args.of_size(3, 5) {
        let mut quiet = phase(&service, &key, &codes, &next, 0, lasts)?;
        let mut loud = phase(&service, &key, &codes, &next, READERS, lasts)?;
        alone.push(quantile(&mut quiet.waits, 0.99));
        beside.push(quantile(&mut loud.waits, 0.99));
        p50.0.push(quantile(&mut quiet.waits, 0.5));
        p50.1.push(quantile(&mut loud.waits, 0.5));
        answered += loud.answered;
        refused += loud.refused;
        count += loud.waits.len();
    }
    let f = (before + f(room)?) / 2.0;
    let (alone, beside) = (median(alone), median(beside));
    let seconds = lasts.as_secs_f64() * args.of_size(3.0, 5.0);
    report.add(Line {
        row: 20,
        part: 0,
        what: format!("command p99 while {READERS} as-of questions over {} merchants run side by side", number(MERCHANTS as f64)),
        goal: "≤ 2 × the p99 without them".to_owned(),
        figure: format!("{} ms, without them {} ms = {} ×", number(beside), number(alone), number(beside / alone)),
        raw: format!("one sync {} ms", number(1e3 / f)),
        met: Some(beside <= 2.0 * alone),
        why: format!(
            "{} commands/s over HTTP, p50 {} ms and without them {} ms; {} questions/s answered, {} turned away; readers and \
             callers have their share of the same processors",
            number(count as f64 / seconds),
            number(median(p50.1)),
            number(median(p50.0)),
            number(answered as f64 / seconds),
            number(refused as f64)
        ),
    })
}

/// Sends commands at a steady pace for a while, with so many readers beside them.
fn phase(
    service: &Service,
    key: &str,
    codes: &[CreditCode],
    next: &AtomicU64,
    readers: usize,
    lasts: Duration,
) -> Outcome<Phase> {
    let at = crowd::after()?;
    let today = day_of(at);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..readers)
            .map(|_| {
                scope.spawn(|| {
                    let (mut answered, mut refused) = (0, 0);
                    let Ok(mut connection) = Connection::open(&service.address) else { return (0, 0) };
                    let path = format!("/api/v1/lights?at={at}");
                    while !over.load(Ordering::Relaxed) {
                        match connection.ask(key, &path) {
                            Ok(true) => answered += 1,
                            Ok(false) => refused += 1,
                            Err(_) => break,
                        }
                    }
                    (answered, refused)
                })
            })
            .collect();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                scope.spawn(|| {
                    let mut waits = Vec::new();
                    let Ok(mut connection) = Connection::open(&service.address) else { return waits };
                    let begun = Clock::now();
                    while begun.elapsed() < lasts {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(code) = codes.get((number * 7_919 % 1_000) as usize) else { break };
                        let body = format!(
                            r#"{{"command":"report_balance","credit_code":"{code}","date":"{today}","outstanding":"{number}.00"}}"#
                        );
                        let sent = Clock::now();
                        match connection.send(key, &body) {
                            Ok(true) => waits.push(sent.elapsed().as_secs_f64() * 1e3),
                            _ => break,
                        }
                        std::thread::sleep(PACE.saturating_sub(sent.elapsed()));
                    }
                    waits
                })
            })
            .collect();
        let mut phase = Phase::default();
        for caller in callers {
            phase.waits.extend(caller.join().map_err(|_| "a caller broke off")?);
        }
        over.store(true, Ordering::Relaxed);
        for reader in readers {
            let (answered, refused) = reader.join().map_err(|_| "a reader broke off")?;
            phase.answered += answered;
            phase.refused += refused;
        }
        Ok(phase)
    })
}

//! Rows 3 and 7: commands through the desk.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, f, median, number, quantile};
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as Clock};
use warnlight::clock::SystemClock;
use warnlight::desk::{Answer, Desk, Request};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::{Command, RecordListing, ReportBalance};
use warnlight::domain::envelope::Origin;
use warnlight::domain::money::Yuan;
use warnlight::domain::time::{Day, Instant, day_of};
use warnlight::domain::words::ListKind;
use warnlight::log::embedded::{EmbeddedLog, Options};
use warnlight::service::start_desk;
use warnlight::settings::Settings;

/// Starts a desk on an empty log.
fn desk(dir: &Path) -> Outcome<Desk> {
    let log = Arc::new(EmbeddedLog::open(dir, &Options::default())?);
    Ok(start_desk(&Settings::load(None)?, log, Arc::new(SystemClock))?)
}

/// Returns a credit code with this number.
pub(super) fn code(number: u64) -> Outcome<CreditCode> {
    Ok(CreditCode::with_check_character(&format!("91110108{number:09}"))?)
}

fn balance(code: CreditCode, date: Day, fen: i64) -> Command {
    let outstanding = Yuan::from_fen(fen);
    Command::ReportBalance(ReportBalance { credit_code: code, date, outstanding, revenue_last_year: None })
}

/// Row 3.
pub(super) fn commands(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let merchants = args.of_size(1_000, 10_000);
    let desk = desk(&room.join("row-3"))?;
    let codes: Vec<CreditCode> = (0..merchants).map(code).collect::<Outcome<_>>()?;
    let today = day_of(Instant::now());
    for some in codes.chunks(500) {
        desk.execute(Request::new(some.iter().map(|code| balance(*code, today, 1)).collect(), Origin::of("bench")))?;
    }
    let before = f(room)?;
    let next = AtomicU64::new(2);
    let rates = (0..3).map(|_| {
        let accepted = AtomicU64::new(0);
        let begun = Clock::now();
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    while begun.elapsed() < Duration::from_millis(1_500) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(code) = codes.get((number * 7_919 % merchants) as usize) else { return };
                        let command = balance(*code, today, i64::try_from(number).unwrap_or(i64::MAX));
                        let answer = desk.execute(Request::new(vec![command], Origin::of("bench")));
                        if answer.is_ok_and(|answers| matches!(answers.as_slice(), [Answer::Accepted(_)])) {
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
        accepted.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
    });
    let rate = median(rates.collect());
    let f = (before + f(room)?) / 2.0;
    desk.stop();
    report.add(Line {
        row: 3,
        part: 1,
        what: "the same without HTTP: 64 callers of the desk in the process".to_owned(),
        goal: String::new(),
        figure: format!("{}/s = {} F", number(rate), number(rate / f)),
        raw: format!("F = {}/s", number(f)),
        met: None,
        why: String::new(),
    })
}

/// Row 7.
pub(super) fn light_after_event(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    const RATE: u64 = 2_000;
    const CALLERS: u64 = 16;
    let total = RATE * args.of_size(3, 15);
    let desk = desk(&room.join("row-7"))?;
    let today = day_of(Instant::now());
    let mut codes = HashMap::new();
    for number in 0..total {
        codes.insert(code(number)?, number);
    }
    // One answer's time by number, and one light's.
    let accepted = Mutex::new(vec![None; total as usize]);
    let lit = Mutex::new(vec![None; total as usize]);
    let note = |list: &Mutex<Vec<Option<f64>>>, number: u64, at: f64| {
        let mut list = list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = list.get_mut(number as usize) {
            place.get_or_insert(at);
        }
    };
    let mut feed = desk.log().subscribe(desk.log().head())?;
    let done = AtomicBool::new(false);
    let begun = Clock::now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut idle = 0;
            while idle < 3 {
                let Ok(events) = feed.next(Duration::from_millis(200)) else { return };
                let at = begun.elapsed().as_secs_f64();
                idle = if events.is_empty() && done.load(Ordering::Acquire) { idle + 1 } else { 0 };
                for event in events.iter().filter(|event| &*event.event.event_type == "light.changed") {
                    let code = event.stream.strip_prefix("light-").and_then(|code| code.parse().ok());
                    if let Some(number) = code.and_then(|code: CreditCode| codes.get(&code)) {
                        note(&lit, *number, at);
                    }
                }
            }
        });
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (desk, accepted, note) = (&desk, &accepted, &note);
                scope.spawn(move || {
                    for number in (caller..total).step_by(CALLERS as usize) {
                        let due = Duration::from_secs_f64(number as f64 / RATE as f64);
                        std::thread::sleep(due.saturating_sub(begun.elapsed()));
                        let Ok(code) = code(number) else { return };
                        let list = ListKind::Serious;
                        let row = RecordListing { credit_code: code, list, entered_on: today, removed_on: None };
                        let request = Request::new(vec![Command::RecordListing(row)], Origin::of("bench"));
                        if desk.execute(request).is_ok() {
                            note(accepted, number, begun.elapsed().as_secs_f64());
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            let _ = caller.join();
        }
        done.store(true, Ordering::Release);
    });
    desk.stop();
    let accepted = accepted.into_inner().unwrap_or_else(PoisonError::into_inner);
    let lit = lit.into_inner().unwrap_or_else(PoisonError::into_inner);
    let last = accepted.iter().flatten().fold(0.0_f64, |last, at| last.max(*at));
    let mut delays = Vec::new();
    let mut handed = Vec::new();
    for (number, pair) in accepted.iter().zip(&lit).enumerate() {
        if let (Some(accepted), Some(lit)) = pair {
            delays.push((lit - accepted).max(0.0) * 1e3);
            handed.push((lit - number as f64 / RATE as f64) * 1e3);
        }
    }
    let p99 = quantile(&mut delays, 0.99);
    let (p50, max) = (quantile(&mut delays, 0.5), quantile(&mut delays, 1.0));
    report.add(Line {
        row: 7,
        part: 0,
        what: format!("event accepted → its light change durable, at {} commands/s", number(total as f64 / last)),
        goal: "p99 ≤ 20 ms".to_owned(),
        figure: format!("p50 {} ms, p99 {} ms, longest {} ms", number(p50), number(p99), number(max)),
        raw: format!("one sync {} ms", number(1e3 / f(room)?)),
        met: Some(p99 <= 20.0 && delays.len() as u64 == total),
        why: format!(
            "{} of {} lights seen; counted from the moment the command was due: p99 {} ms; each also asks for a mail",
            number(delays.len() as f64),
            number(total as f64),
            number(quantile(&mut handed, 0.99))
        ),
    })
}

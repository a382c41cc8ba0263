//! Trials of many at once.

use super::{Outcome, Promise, Unexpected, append, in_order, must, number, same};
use crate::domain::envelope::Recorded;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

pub(super) const PROMISES: &[Promise] = &[
    ("appends from many threads are all there, each once, with gap-free positions", many_writers),
    ("of those who expect the same revision one wins", one_winner),
    ("the same append from many threads is written once", same_append),
    ("readers see a growing log without gaps while it is written", growing),
    ("a feed loses and doubles nothing where catching up meets living on", seam),
    ("a feed that waits is woken by an append", woken),
];

/// Patience for what is sure to come: only a broken engine makes anyone wait so long.
const SURE: Duration = Duration::from_secs(60);

fn join<T>(thread: ScopedJoinHandle<'_, Result<T, Unexpected>>) -> Result<T, Unexpected> {
    thread.join().unwrap_or_else(|_| Err(Unexpected("a thread panicked".to_owned())))
}

fn many_writers(log: &Arc<dyn EventLog>) -> Outcome {
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16_u128)
            .map(|thread| {
                scope.spawn(move || -> Result<Vec<(u128, u64)>, Unexpected> {
                    let mut answers = Vec::new();
                    for step in 0..40 {
                        let number = thread * 1000 + step * 2;
                        let stream = format!("s{}", (thread + step) % 5);
                        let answer = log.append(append(&stream, [number, number + 1]))?;
                        same(&answer.last, &(answer.first + 1), "last position")?;
                        answers.push((number, answer.first));
                    }
                    Ok(answers)
                })
            })
            .collect();
        threads.into_iter().map(join).collect::<Result<Vec<_>, Unexpected>>()
    })?;
    let all = log.read_all(0, usize::MAX)?;
    same(&all.len(), &(16 * 40 * 2), "number of events")?;
    in_order(&all, 1)?;
    let places: HashMap<u128, u64> = all.iter().map(|recorded| (number(recorded), recorded.position)).collect();
    same(&places.len(), &all.len(), "different events")?;
    for (number, position) in answers.into_iter().flatten() {
        same(&places.get(&number), &Some(&position), "position of an event, and the one it was answered with")?;
        same(&places.get(&(number + 1)), &Some(&(position + 1)), "position of the event after it")?;
    }
    let mut revisions: HashMap<&str, u64> = HashMap::new();
    for recorded in &all {
        let next = revisions.entry(&recorded.stream).or_default();
        same(&recorded.revision, next, "revision in the order of the log")?;
        *next += 1;
    }
    Ok(())
}

fn one_winner(log: &Arc<dyn EventLog>) -> Outcome {
    const WINS: u128 = 20;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8_u128)
            .map(|thread| {
                scope.spawn(move || -> Outcome {
                    let mut won = 0;
                    let mut expected = Expected::NoStream;
                    while won < WINS {
                        let mine = Append { expected, ..append("a", [thread * 1000 + won]) };
                        match log.append(mine) {
                            Ok(answer) => {
                                won += 1;
                                let wanted = if let Expected::Revision(seen) = expected { seen + 1 } else { 0 };
                                same(&answer.revision, &wanted, "revision won")?;
                                expected = Expected::Revision(answer.revision);
                            }
                            Err(LogError::Conflict { actual: Some(actual), .. }) => {
                                expected = Expected::Revision(actual)
                            }
                            Err(other) => return Err(other.into()),
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(join)
    })?;
    let events = log.read_stream("a", 0, usize::MAX)?;
    same(&(events.len() as u128), &(8 * WINS), "events")?;
    let mut numbers: Vec<u128> = events.iter().map(number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    same(&(numbers.len() as u128), &(8 * WINS), "different events")
}

fn same_append(log: &Arc<dyn EventLog>) -> Outcome {
    let written = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(move || -> Result<usize, Unexpected> {
                    let mut written = 0;
                    for step in 0..30_u128 {
                        let mine =
                            Append { expected: Expected::NoStream, ..append(&format!("s{step}"), [step, 100 + step]) };
                        written += usize::from(!log.append(mine)?.repeated);
                    }
                    Ok(written)
                })
            })
            .collect();
        threads.into_iter().map(join).sum::<Result<usize, Unexpected>>()
    })?;
    same(&written, &30, "appends that were written")?;
    same(&log.head(), &60, "head")
}

/// Runs `work` beside threads that append `total` events in small appends, and tells it when they are done.
fn beside_writers<T: Send>(
    log: &Arc<dyn EventLog>,
    total: u128,
    work: impl FnOnce(&AtomicBool) -> Result<T, Unexpected> + Send,
) -> Result<T, Unexpected> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let work = scope.spawn(|| work(&done));
        let writers: Vec<_> = (0..4)
            .map(|thread| {
                scope.spawn(move || -> Outcome {
                    let mut number = thread * total;
                    while number < thread * total + total / 4 {
                        let count = 1 + number % 3;
                        let last = (number + count).min(thread * total + total / 4);
                        log.append(append(&format!("s{thread}"), number..last))?;
                        number = last;
                    }
                    Ok(())
                })
            })
            .collect();
        let written = writers.into_iter().try_for_each(join);
        done.store(true, Ordering::Release);
        let seen = join(work);
        written.and(seen)
    })
}

fn growing(log: &Arc<dyn EventLog>) -> Outcome {
    let seen: Vec<Recorded> = beside_writers(log, 1200, |done| {
        let mut seen = Vec::new();
        loop {
            let last_look = done.load(Ordering::Acquire);
            let before = log.head();
            let more = log.read_all(seen.len() as u64, 100)?;
            must(more.len() as u64 >= (before - seen.len() as u64).min(100), "durable events were not read")?;
            in_order(&more, seen.len() as u64 + 1)?;
            let none = more.is_empty();
            seen.extend(more);
            if last_look && none {
                return Ok(seen);
            }
        }
    })?;
    same(&seen, &log.read_all(0, usize::MAX)?, "events seen on the way and afterwards")
}

fn seam(log: &Arc<dyn EventLog>) -> Outcome {
    const TOTAL: u64 = 1200;
    log.append(append("before", 100_000..100_700))?;
    let last = 700 + TOTAL;
    beside_writers(log, u128::from(TOTAL), |_| {
        std::thread::scope(|scope| {
            // Feeds that begin at once, later, and again and again.
            let feeds: Vec<_> = [0, 1, 350, 699, 700, 701, 1000, last - 1]
                .into_iter()
                .map(|after| {
                    scope.spawn(move || -> Outcome {
                        let mut feed = log.subscribe(after)?;
                        let mut next = after + 1;
                        while next <= last {
                            let events = feed.next(SURE)?;
                            must(!events.is_empty(), format!("nothing came after {}", next - 1))?;
                            in_order(&events, next)?;
                            next += events.len() as u64;
                            if next % 7 == 0 {
                                feed = log.subscribe(next - 1)?;
                            }
                        }
                        same(&next, &(last + 1), "position after the last")
                    })
                })
                .collect();
            feeds.into_iter().try_for_each(join)
        })
    })?;
    same(&log.head(), &last, "head")
}

fn woken(log: &Arc<dyn EventLog>) -> Outcome {
    std::thread::scope(|scope| {
        let (ready, waiting) = crossbeam_channel::bounded(0);
        let feed = scope.spawn(move || -> Outcome {
            let mut feed = log.subscribe(0)?;
            for wanted in 1..=50_u64 {
                let _ = ready.send(());
                let heard = feed.next(SURE)?;
                same(&heard.iter().map(|recorded| recorded.position).collect(), &vec![wanted], "positions heard")?;
            }
            Ok(())
        });
        let mut written = Ok(());
        for (number, ()) in (1..).zip(&waiting) {
            written = written.and(log.append(append("a", [number])).map(|_| ()).map_err(Unexpected::from));
        }
        join(feed).and(written)
    })
}

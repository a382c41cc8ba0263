//! Trials of reading.

use super::{Outcome, Promise, append, event, keyed, must, number, refused, same, second};
use crate::domain::envelope::NewEvent;
use crate::log::contract::{Append, EventLog, LogError};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(super) const PROMISES: &[Promise] = &[
    ("a stream is read from a revision on, up to a limit", stream_windows),
    ("the log is read after a position, up to a limit", log_windows),
    ("a scan shows every event after a position once, as reading does", scan_shows_all),
    ("a scan that leaves checking to the caller shows all that a digest covers", scan_can_be_checked),
    ("an engine in good order says that it takes appends", takes_appends),
    ("a scan ends at the head it began with, and where it is told to", scan_ends),
    ("scanners show stretches, each event once, and miss none in silence", scanners_show_stretches),
    ("ids are returned in the order asked for, without those that do not exist", ids_in_order),
    ("the position at a time is the last recorded at or before it", position_at_time),
    ("verification counts every event and payload byte and ends with the last digest", verification),
    ("a feed that hears nothing returns empty, and goes on where it was", feed_goes_on),
    ("a backup holds the same events, and takes no place that is taken", backup),
];

fn fill(log: &Arc<dyn EventLog>, count: u128) -> Outcome {
    for chunk in 0..count.div_ceil(100) {
        for stream in ["a", "b"] {
            let start = chunk * 100 + if stream == "a" { 0 } else { 50 };
            let last = (start + 50).min(count);
            if start < last {
                log.append(append(stream, start + 1..last + 1))?;
            }
        }
    }
    Ok(())
}

fn stream_windows(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 100)?;
    let read = |from, limit| -> Result<Vec<u128>, LogError> {
        Ok(log.read_stream("b", from, limit)?.iter().map(number).collect())
    };
    same(&read(0, 3)?, &vec![51, 52, 53], "the first three")?;
    same(&read(48, 10)?, &vec![99, 100], "the last two")?;
    same(&read(50, 10)?, &vec![], "from the end on")?;
    same(&read(u64::MAX, 10)?, &vec![], "from far beyond the end")?;
    same(&read(0, 0)?, &vec![], "none")?;
    same(&read(0, usize::MAX)?, &(51..=100).collect(), "all")?;
    same(&log.read_stream("B", 0, 10)?.len(), &0, "events of a stream whose name differs by its case")
}

fn log_windows(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 100)?;
    let read =
        |after, limit| -> Result<Vec<u128>, LogError> { Ok(log.read_all(after, limit)?.iter().map(number).collect()) };
    same(&read(0, 3)?, &vec![1, 2, 3], "the first three")?;
    same(&read(49, 3)?, &vec![50, 51, 52], "three in the middle")?;
    same(&read(98, 10)?, &vec![99, 100], "the last two")?;
    same(&read(100, 10)?, &vec![], "after the end")?;
    same(&read(u64::MAX, 10)?, &vec![], "far after the end")?;
    same(&read(0, 0)?, &vec![], "none")?;
    same(&read(0, usize::MAX)?, &(1..=100).collect(), "all")
}

fn scan_shows_all(log: &Arc<dyn EventLog>) -> Outcome {
    // More than any engine hands out at once.
    fill(log, 10_000)?;
    let events = vec![NewEvent { history: true, actor: Arc::from("区"), schema_version: 9, ..event(20_000) }];
    log.append(keyed("k", Append { events, ..append("c", []) }))?;
    let wanted = log.read_all(4_321, usize::MAX)?;
    let mut wanted = wanted.iter();
    let mut wrong = None;
    log.scan(4_321, &mut |shown| {
        let fits = wanted.next().is_some_and(|recorded| {
            shown.position == recorded.position
                && shown.stream == &*recorded.stream
                && shown.revision == recorded.revision
                && shown.recorded_at == recorded.recorded_at
                && shown.occurred_at == recorded.event.occurred_at
                && shown.id == recorded.event.id
                && shown.event_type == &*recorded.event.event_type
                && shown.schema_version == recorded.event.schema_version
                && shown.actor == &*recorded.event.actor
                && shown.history == recorded.event.history
                && shown.data == &*recorded.event.data
        });
        if !fits {
            wrong = Some(format!("{shown:?}"));
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    })?;
    same(&wrong, &None, "an event shown otherwise than read")?;
    same(&wanted.count(), &0, "events not shown")
}

fn scan_can_be_checked(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 100)?;
    log.append(keyed("k", append("c", [1000, 1001, 1002])))?;
    for after in [0, 1, 57, 101] {
        let (mut shown, mut failed, mut last) = (after, None, None);
        log.scan_unchecked(after, &mut |seen| {
            let follows = last.is_none_or(|digest| digest == seen.previous);
            last = Some(seen.digest);
            shown += 1;
            failed = seen.check().err().map(|error| error.to_string());
            if failed.is_none() && follows { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        same(&failed, &None, "an event that does not match its digest")?;
        same(&shown, &103, &format!("last event shown after {after}"))?;
    }
    Ok(())
}

fn scanners_show_stretches(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 1_000)?;
    log.append(keyed("k", append("c", [2_000, 2_001, 2_002])))?;
    let wanted: Vec<_> =
        log.read_all(0, usize::MAX)?.iter().map(|recorded| (recorded.position, recorded.digest)).collect();
    let (mut one, mut other, mut shown) = (log.scanner(), log.scanner(), Vec::new());
    // In turns, as two threads would; the last append is cut in two.
    for (turn, (after, until)) in
        [(0, 300), (300, 301), (301, 301), (301, 1_001), (1_001, 1_003)].into_iter().enumerate()
    {
        let scanner = if turn % 2 == 0 { &mut one } else { &mut other };
        scanner.scan(after, until, &mut |seen| {
            shown.push((seen.position, seen.digest));
            ControlFlow::Continue(())
        })?;
    }
    same(&shown, &wanted, "events shown by two scanners in turns")?;
    let mut last = 0;
    one.scan(10, 20, &mut |seen| {
        last = seen.position;
        if last == 15 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    same(&last, &15, "last event shown before a break")?;
    let beyond = other.scan(1_000, 1_010, &mut |_| ControlFlow::Continue(()));
    must(
        matches!(beyond, Err(LogError::Corrupt { position: 1_004, .. })),
        format!("a missing event went unnoticed: {beyond:?}"),
    )
}

fn takes_appends(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 10)?;
    Ok(log.takes_appends()?)
}

fn scan_ends(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 100)?;
    let mut seen = 0;
    let mut failed = None;
    log.scan(0, &mut |shown| {
        seen += 1;
        // Whoever scans may append; what is appended meanwhile is not for this scan.
        failed = log.append(append("c", [10_000 + u128::from(shown.position)])).err().or_else(|| failed.take());
        ControlFlow::Continue(())
    })?;
    must(failed.is_none(), format!("appending while scanning failed: {failed:?}"))?;
    same(&seen, &100, "events shown")?;
    same(&log.head(), &200, "head after the scan")?;
    let mut last = 0;
    log.scan(10, &mut |shown| {
        last = shown.position;
        if last == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    same(&last, &20, "last event shown")?;
    log.scan(200, &mut |_| {
        last = 0;
        ControlFlow::Continue(())
    })?;
    same(&last, &20, "an event shown after the end")
}

fn ids_in_order(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 100)?;
    let ids = log.ids_at(&[70, 0, 3, 101, 3, u64::MAX, 100])?;
    same(&ids, &[70, 3, 3, 100].map(Uuid::from_u128).to_vec(), "ids")?;
    same(&log.ids_at(&[])?, &Vec::new(), "ids of no positions")
}

fn position_at_time(log: &Arc<dyn EventLog>) -> Outcome {
    let mut numbers = 1..;
    for (at, count) in [(10, 1), (20, 3), (20, 2), (30, 1), (25, 1), (40, 1)] {
        log.append(Append { recorded_at: second(at), ..append("a", numbers.by_ref().take(count)) })?;
    }
    for (at, wanted) in [(9, 0), (10, 1), (19, 1), (20, 6), (29, 6), (30, 8), (39, 8), (40, 9), (99, 9)] {
        same(&log.position_at(second(at))?, &wanted, &format!("position at second {at}"))?;
    }
    Ok(())
}

fn verification(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 5_000)?;
    let all = log.read_all(0, usize::MAX)?;
    let mut reports = Vec::new();
    let verified = log.verify(&mut |done, of| reports.push((done, of)))?;
    same(&verified.events, &5_000, "events")?;
    same(&verified.bytes, &all.iter().map(|recorded| recorded.event.data.len() as u64).sum(), "bytes")?;
    same(&Some(verified.digest), &all.last().map(|last| last.digest), "digest")?;
    same(&reports.last(), &Some(&(5_000, 5_000)), "last report of progress")?;
    must(reports.is_sorted(), "progress ran backwards")?;
    let mut digests: Vec<_> = all.iter().map(|recorded| recorded.digest).collect();
    digests.sort_unstable();
    digests.dedup();
    same(&digests.len(), &5_000, "different digests")
}

fn feed_goes_on(log: &Arc<dyn EventLog>) -> Outcome {
    let moment = Duration::from_millis(1);
    let mut feed = log.subscribe(2)?;
    same(&feed.next(moment)?.len(), &0, "events of an empty log")?;
    log.append(append("a", [1, 2]))?;
    same(&feed.next(moment)?.len(), &0, "events up to the position asked for")?;
    log.append(append("a", [3, 4]))?;
    let mut heard: Vec<u128> = feed.next(Duration::from_secs(30))?.iter().map(number).collect();
    heard.extend(feed.next(moment)?.iter().map(number));
    same(&heard, &vec![3, 4], "events heard")?;
    let mut late = log.subscribe(3)?;
    same(&late.next(Duration::from_secs(30))?.iter().map(number).collect(), &vec![4_u128], "events of a later feed")
}

fn backup(log: &Arc<dyn EventLog>) -> Outcome {
    fill(log, 500)?;
    log.append(keyed("k", append("c", [1000, 1001])))?;
    log.append(keyed("l", append("c", [1000, 1001])))?;
    let io = |error: std::io::Error| LogError::Unavailable(error.to_string());
    let folder = tempfile::tempdir().map_err(io)?;
    let target = folder.path().join("copy");
    let copied = log.backup(&target)?;
    same(&copied, &log.verify(&mut |_, _| {})?, "what was verified")?;
    must(target.is_file(), "there is no file")?;
    refused(log.backup(&target), |error| matches!(error, LogError::Exists { .. }), "a place that is taken")?;
    let files = std::fs::read_dir(folder.path()).map_err(io)?.count();
    same(&files, &1, "files left where the backup was written")
}

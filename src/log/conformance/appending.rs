//! Trials of appending.

use super::{Outcome, Promise, Unexpected, append, event, in_order, keyed, must, number, refused, same, second};
use crate::domain::envelope::NewEvent;
use crate::domain::time::Instant;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use std::sync::Arc;
use uuid::Uuid;

pub(super) const PROMISES: &[Promise] = &[
    ("an empty log has head 0 and nothing to read", empty),
    ("positions are gap-free from 1, revisions from 0 in each stream", gap_free),
    ("an append is all or nothing", all_or_nothing),
    ("an append is taken only if the stream is as expected", expectation),
    ("an append that makes no sense is refused", senseless),
    ("a clock that ran backwards is held at the last event's time", held_clock),
    ("every field comes back as it was given", every_field),
    ("appends handed over by one caller are taken in their order", caller_order),
    ("a refused append does not harm those on their way with it", neighbours),
];

fn empty(log: &Arc<dyn EventLog>) -> Outcome {
    same(&log.head(), &0, "head")?;
    same(&log.read_all(0, 10)?, &Vec::new(), "all events")?;
    same(&log.read_stream("a", 0, 10)?, &Vec::new(), "events of a stream")?;
    same(&log.position_at(second(9))?, &0, "position at a time")?;
    same(&log.find_key("k")?, &None, "answer under a key")?;
    let verified = log.verify(&mut |_, _| {})?;
    same(&verified.digest, &[0; 32], "digest")
}

fn gap_free(log: &Arc<dyn EventLog>) -> Outcome {
    let mut next = 1;
    for (stream, numbers) in [("a", 1..4_u128), ("b", 4..5), ("a", 5..6), ("c", 6..8), ("b", 8..20)] {
        let count = numbers.end - numbers.start;
        let answer = log.append(append(stream, numbers))?;
        same(&answer.first, &next, "first position")?;
        next = u64::try_from(count).map_or(next, |count| next + count);
        same(&answer.last, &(next - 1), "last position")?;
        must(!answer.repeated, "a new append is said to be repeated")?;
        same(&log.head(), &(next - 1), "head")?;
    }
    let all = log.read_all(0, 100)?;
    same(&all.len(), &19, "number of events")?;
    in_order(&all, 1)?;
    for (stream, wanted) in [("a", vec![1, 2, 3, 5]), ("b", (4..5).chain(8..20).collect()), ("c", vec![6, 7])] {
        let events = log.read_stream(stream, 0, 100)?;
        same(&events.iter().map(number).collect(), &wanted, "events of a stream")?;
        let revisions: Vec<u64> = events.iter().map(|recorded| recorded.revision).collect();
        same(&revisions, &(0..wanted.len() as u64).collect(), "revisions")?;
        must(events.iter().all(|recorded| &*recorded.stream == stream), "an event of another stream")?;
    }
    Ok(())
}

fn all_or_nothing(log: &Arc<dyn EventLog>) -> Outcome {
    log.append(append("a", [1]))?;
    refused(
        log.append(append("b", [2, 3, 1])),
        |error| matches!(error, LogError::Duplicate { .. }),
        "a known id at the end",
    )?;
    let late = Append { expected: Expected::Revision(7), ..append("a", [4, 5]) };
    refused(log.append(late), |error| matches!(error, LogError::Conflict { .. }), "a conflict")?;
    same(&log.head(), &1, "head after refusals")?;
    same(&log.read_stream("b", 0, 10)?.len(), &0, "events of a stream only refused appends went to")?;
    // What was refused has left no trace: the same ids are free.
    same(&log.append(append("b", [2, 3, 4, 5]))?.first, &2, "first position after refusals")
}

fn expectation(log: &Arc<dyn EventLog>) -> Outcome {
    let expecting = |expected, number| Append { expected, ..append("a", [number]) };
    let conflict = |answer, wanted, what: &str| {
        refused(
            answer,
            |error| matches!(error, LogError::Conflict { actual, stream, .. } if *actual == wanted && &**stream == "a"),
            what,
        )
    };
    conflict(log.append(expecting(Expected::Revision(0), 1)), None, "a revision of a stream that is not there")?;
    same(&log.append(expecting(Expected::NoStream, 1))?.revision, &0, "revision")?;
    conflict(log.append(expecting(Expected::NoStream, 2)), Some(0), "no stream where there is one")?;
    same(&log.append(expecting(Expected::Revision(0), 2))?.revision, &1, "revision")?;
    conflict(log.append(expecting(Expected::Revision(0), 3)), Some(1), "an old revision")?;
    conflict(log.append(expecting(Expected::Revision(2), 3)), Some(1), "a revision to come")?;
    same(&log.append(expecting(Expected::Any, 3))?.revision, &2, "revision")?;
    same(&log.head(), &3, "head")
}

fn senseless(log: &Arc<dyn EventLog>) -> Outcome {
    let invalid = |append, what: &str| refused(log.append(append), |error| matches!(error, LogError::Invalid(_)), what);
    invalid(append("a", []), "no events")?;
    invalid(append("", [1]), "a stream without a name")?;
    invalid(append("a", [1, 2, 1]), "an id twice")?;
    invalid(keyed("", append("a", [1])), "a key without letters")?;
    invalid(Append { recorded_at: Instant::MAX, ..append("a", [1]) }, "a time out of range")?;
    same(&log.head(), &0, "head")
}

fn held_clock(log: &Arc<dyn EventLog>) -> Outcome {
    let at = |seconds, number| Append { recorded_at: second(seconds), ..append("a", [number]) };
    for (number, (seconds, held)) in (1..).zip([(100, 100), (50, 100), (100, 100), (101, 101), (0, 101)]) {
        let answer = log.append(at(seconds, number))?;
        same(&answer.recorded_at, &second(held), "recorded time in the answer")?;
    }
    let times: Vec<Instant> = log.read_all(0, 10)?.iter().map(|recorded| recorded.recorded_at).collect();
    same(&times, &[100, 100, 100, 101, 101].map(second).to_vec(), "recorded times")
}

fn every_field(log: &Arc<dyn EventLog>) -> Outcome {
    let plain = event(1);
    let rich = NewEvent {
        id: Uuid::from_u128(u128::MAX),
        event_type: Arc::from("merchant.registered"),
        schema_version: u16::MAX,
        occurred_at: Instant::from_nanosecond(-1_234_567_890_123_456_789).unwrap_or_default(),
        actor: Arc::from("朝阳区商务局 \"O'Hara\" 😀"),
        causation: Some(Uuid::nil()),
        correlation: Some(Uuid::from_u128(7)),
        history: true,
        data: Arc::from("{\"名称\":\"\\u0000 'x' -- ; \u{0}\"}"),
    };
    let empty = NewEvent { id: Uuid::from_u128(3), actor: Arc::from(""), data: Arc::from(""), ..event(3) };
    let large = NewEvent { data: format!("\"{}\"", "预付卡".repeat(300_000)).into(), ..event(4) };
    let events = vec![plain, rich, empty, large];
    let stream = "商户-91110000101623741K '; DROP TABLE event";
    let recorded_at = Instant::from_nanosecond(1_750_000_000_123_456_789).unwrap_or_default();
    let answer = log.append(Append {
        stream: Arc::from(stream),
        recorded_at,
        events: events.clone(),
        ..keyed("键 'k'", append("", []))
    })?;
    same(&answer.recorded_at, &recorded_at, "recorded time in the answer")?;
    let read = log.read_all(0, 10)?;
    same(&read, &log.read_stream(stream, 0, 10)?, "the stream and the whole log")?;
    same(&read.len(), &events.len(), "number of events")?;
    for (recorded, event) in read.iter().zip(&events) {
        same(&recorded.event, event, "event")?;
        same(&recorded.recorded_at, &recorded_at, "recorded time")?;
        same(&recorded.idempotency_key.as_deref(), &Some("键 'k'"), "key")?;
    }
    Ok(())
}

fn caller_order(log: &Arc<dyn EventLog>) -> Outcome {
    let pending: Vec<_> = (1..=200).map(|number| log.submit(append("a", [number]))).collect();
    for (pending, position) in pending.into_iter().zip(1..) {
        same(&pending.wait()?.first, &position, "position")?;
    }
    Ok(())
}

fn neighbours(log: &Arc<dyn EventLog>) -> Outcome {
    let pending: Vec<_> = (1..=90_u128)
        .map(|number| match number % 3 {
            0 => log.submit(append("a", [number, number])),
            1 => log.submit(Append { expected: Expected::NoStream, ..append(&format!("s{number}"), [number]) }),
            _ => log.submit(Append { expected: Expected::Revision(5), ..append("never", [number]) }),
        })
        .collect();
    let mut taken = 0;
    for (number, pending) in (1..=90_u128).zip(pending) {
        match (number % 3, pending.wait()) {
            (0, Err(LogError::Invalid(_))) | (2, Err(LogError::Conflict { .. })) => {}
            (1, Ok(answer)) => {
                taken += 1;
                same(&answer.first, &taken, "position among refused appends")?;
            }
            (_, answer) => return Err(Unexpected(format!("append {number} was answered {answer:?}"))),
        }
    }
    let numbers: Vec<u128> = log.read_all(0, 100)?.iter().map(number).collect();
    same(&numbers, &(1..=90).filter(|number| number % 3 == 1).collect(), "events written")
}

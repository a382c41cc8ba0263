//! Trials of repeating: one key, one answer; one id, one event.

use super::{Outcome, Promise, append, event, keyed, must, refused, same, second};
use crate::domain::envelope::NewEvent;
use crate::log::contract::{Append, Appended, EventLog, Expected, LogError};
use std::sync::Arc;
use uuid::Uuid;

pub(super) const PROMISES: &[Promise] = &[
    ("an append repeated with the same event ids returns the first answer", by_id),
    ("a known event id with other content, or in other company, is refused", other_content),
    ("an append repeated under its key returns the first answer", by_key),
    ("a known key with other content is refused", other_content_under_key),
    ("a refused append leaves its key and its ids free", refused_leaves_free),
    ("a key given with a repeated append stands for the first answer", key_for_repeated),
    ("repeats on their way together are written once", together),
];

fn is_repeat(again: &Appended, first: &Appended) -> Outcome {
    same(again, &Appended { repeated: true, ..*first }, "answer to the repeat")
}

fn is_duplicate(answer: Result<Appended, LogError>, what: &str) -> Outcome {
    refused(answer, |error| matches!(error, LogError::Duplicate { .. }), what)
}

fn is_reused(answer: Result<Appended, LogError>, what: &str) -> Outcome {
    refused(answer, |error| matches!(error, LogError::KeyReused { key } if &**key == "k"), what)
}

fn by_id(log: &Arc<dyn EventLog>) -> Outcome {
    let original = Append { expected: Expected::NoStream, ..append("a", [1, 2, 3]) };
    let first = log.append(original.clone())?;
    log.append(append("a", [4]))?;
    is_repeat(&log.append(original.clone())?, &first)?;
    for expected in [Expected::Any, Expected::Revision(0), Expected::Revision(99)] {
        is_repeat(&log.append(Append { expected, recorded_at: second(99), ..original.clone() })?, &first)?;
    }
    same(&log.head(), &4, "head after repeats")
}

fn other_content(log: &Arc<dyn EventLog>) -> Outcome {
    log.append(append("a", [1, 2]))?;
    log.append(append("a", [3]))?;
    let base = event(3);
    let changes = [
        NewEvent { event_type: Arc::from("trial.lost"), ..base.clone() },
        NewEvent { schema_version: 2, ..base.clone() },
        NewEvent { occurred_at: second(5), ..base.clone() },
        NewEvent { actor: Arc::from("clerk"), ..base.clone() },
        NewEvent { causation: Some(Uuid::nil()), ..base.clone() },
        NewEvent { correlation: Some(Uuid::nil()), ..base.clone() },
        NewEvent { history: true, ..base.clone() },
        NewEvent { data: Arc::from("{}"), ..base },
    ];
    for change in changes {
        let what = format!("{change:?}");
        is_duplicate(log.append(Append { events: vec![change], ..append("a", []) }), &what)?;
    }
    for (numbers, what) in [
        (vec![1], "the beginning of an append"),
        (vec![2], "the end of an append"),
        (vec![2, 1], "an append in another order"),
        (vec![1, 2, 3], "two appends as one"),
        (vec![1, 2, 9], "an append and something new"),
        (vec![9, 3], "something new and an append"),
    ] {
        is_duplicate(log.append(append("a", numbers)), what)?;
    }
    is_duplicate(log.append(append("b", [3])), "the same event in another stream")?;
    same(&log.head(), &3, "head after refusals")
}

fn by_key(log: &Arc<dyn EventLog>) -> Outcome {
    let first = log.append(keyed("k", Append { expected: Expected::NoStream, ..append("a", [1, 2]) }))?;
    must(!first.repeated, "the first append under a key is said to be repeated")?;
    log.append(append("a", [3]))?;
    is_repeat(&log.append(keyed("k", Append { expected: Expected::NoStream, ..append("a", [1, 2]) }))?, &first)?;
    // A client that lost the answer may have made new ids, and its second call is another trail.
    let mut fresh = keyed("k", Append { recorded_at: second(70), ..append("a", [1, 2]) });
    for (event, id) in fresh.events.iter_mut().zip(100..) {
        event.id = Uuid::from_u128(id);
        event.correlation = Some(Uuid::from_u128(1000 + id));
    }
    is_repeat(&log.append(fresh)?, &first)?;
    let found = log.find_key("k")?.map(|answer| Appended { repeated: false, ..answer });
    same(&found, &Some(first), "answer found under the key")?;
    same(&log.find_key("K")?, &None, "answer found under another key")?;
    same(&log.head(), &3, "head after repeats")
}

fn other_content_under_key(log: &Arc<dyn EventLog>) -> Outcome {
    log.append(keyed("k", append("a", [1, 2])))?;
    is_reused(log.append(keyed("k", append("a", [3]))), "another event")?;
    is_reused(log.append(keyed("k", append("a", [1]))), "the beginning of the append")?;
    is_reused(log.append(keyed("k", append("a", [1, 2, 3]))), "the append and something new")?;
    is_reused(log.append(keyed("k", append("b", [1, 2]))), "the same events in another stream")?;
    same(&log.head(), &2, "head after refusals")
}

fn refused_leaves_free(log: &Arc<dyn EventLog>) -> Outcome {
    let late = keyed("k", Append { expected: Expected::Revision(0), ..append("a", [1]) });
    refused(log.append(late), |error| matches!(error, LogError::Conflict { .. }), "a conflict")?;
    same(&log.find_key("k")?, &None, "answer under the key of a refused append")?;
    must(!log.append(keyed("k", append("a", [1])))?.repeated, "a refused append is said to be there")
}

fn key_for_repeated(log: &Arc<dyn EventLog>) -> Outcome {
    log.append(append("b", [9]))?;
    let first = log.append(append("a", [1, 2]))?;
    is_repeat(&log.append(keyed("k", append("a", [1, 2])))?, &first)?;
    is_repeat(&log.append(keyed("k", append("a", [1, 2])))?, &first)?;
    is_reused(log.append(keyed("k", append("a", [3]))), "other content under that key")?;
    let found = log.find_key("k")?.map(|answer| Appended { repeated: false, ..answer });
    same(&found, &Some(first), "answer found under the key")?;
    same(&log.head(), &3, "head")
}

fn together(log: &Arc<dyn EventLog>) -> Outcome {
    let by_id: Vec<_> = (0..50).map(|_| log.submit(append("a", [1, 2]))).collect();
    let by_key: Vec<_> = (0..50).map(|number| log.submit(keyed("k", append_same(number)))).collect();
    for (pending, position) in [(by_id, 1), (by_key, 3)] {
        let mut written = 0;
        for pending in pending {
            let answer = pending.wait()?;
            same(&answer.first, &position, "position")?;
            written += usize::from(!answer.repeated);
        }
        same(&written, &1, "appends that were written")?;
    }
    same(&log.head(), &3, "head")
}

/// Returns an append of an event with its own id and everybody's content.
fn append_same(number: u128) -> Append {
    let event = NewEvent { id: Uuid::from_u128(1000 + number), ..event(0) };
    Append { events: vec![event], ..append("b", []) }
}

//! The engines against the plainest model of the contract: a list of appends, searched from the beginning each time.

use crate::domain::envelope::NewEvent;
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog, Expected, LogError};
use crate::log::embedded::{EmbeddedLog, Options};
use crate::log::memory::MemoryLog;
use proptest::prelude::*;
use std::sync::Arc;
use uuid::Uuid;

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<Append>),
    Reopen,
}

/// What an answer must be, in one word for each refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken(Appended),
    Conflict,
    Duplicate,
    KeyReused,
    Invalid,
}

fn answer(answer: Result<Appended, LogError>) -> Answer {
    match answer {
        Ok(appended) => Answer::Taken(appended),
        Err(LogError::Conflict { .. }) => Answer::Conflict,
        Err(LogError::Duplicate { .. }) => Answer::Duplicate,
        Err(LogError::KeyReused { .. }) => Answer::KeyReused,
        Err(LogError::Invalid(_)) => Answer::Invalid,
        Err(other) => panic!("{other}"),
    }
}

#[derive(Debug, Default)]
struct Model {
    taken: Vec<(Append, Appended)>,
    keys: Vec<(Arc<str>, usize)>,
}

impl Model {
    fn append(&mut self, append: &Append) -> Answer {
        let ids = |append: &Append| append.events.iter().map(|event| event.id).collect::<Vec<_>>();
        let mut different = ids(append);
        different.sort();
        different.dedup();
        if append.events.is_empty() || different.len() < append.events.len() {
            return Answer::Invalid;
        }
        let nameless = |append: &Append| {
            let events =
                append.events.iter().map(|event| NewEvent { id: Uuid::nil(), correlation: None, ..event.clone() });
            (append.stream.clone(), events.collect::<Vec<_>>())
        };
        let bound = |key| self.keys.iter().find(|(known, _)| known == key).map(|(_, index)| &self.taken[*index]);
        if let Some((earlier, answer)) = append.idempotency_key.as_ref().and_then(bound) {
            let same = nameless(earlier) == nameless(append);
            return if same { Answer::Taken(Appended { repeated: true, ..*answer }) } else { Answer::KeyReused };
        }
        let same =
            |(earlier, _): &(Append, Appended)| earlier.stream == append.stream && earlier.events == append.events;
        if let Some(index) = self.taken.iter().position(same) {
            self.keys.extend(append.idempotency_key.clone().map(|key| (key, index)));
            return Answer::Taken(Appended { repeated: true, ..self.taken[index].1 });
        }
        if self.taken.iter().any(|(earlier, _)| ids(earlier).iter().any(|id| different.contains(id))) {
            return Answer::Duplicate;
        }
        let last = self.taken.iter().rfind(|(earlier, _)| earlier.stream == append.stream);
        let revision = last.map(|(_, answer)| answer.revision);
        let fits = match append.expected {
            Expected::Any => true,
            Expected::NoStream => revision.is_none(),
            Expected::Revision(expected) => revision == Some(expected),
        };
        if !fits {
            return Answer::Conflict;
        }
        let count = append.events.len() as u64;
        let before = self.taken.last().map(|(_, answer)| *answer);
        let first = before.map_or(1, |before| before.last + 1);
        let answer = Appended {
            first,
            last: first + count - 1,
            revision: revision.map_or(0, |revision| revision + 1) + count - 1,
            recorded_at: before.map_or(append.recorded_at, |before| before.recorded_at.max(append.recorded_at)),
            repeated: false,
        };
        self.keys.extend(append.idempotency_key.clone().map(|key| (key, self.taken.len())));
        self.taken.push((append.clone(), answer));
        Answer::Taken(answer)
    }

    /// Checks that the log holds what the model holds, and nothing else.
    fn compare(&self, log: &dyn EventLog) {
        let all = log.read_all(0, usize::MAX).unwrap();
        let mut found = all.iter();
        for (append, answer) in &self.taken {
            for (event, position) in append.events.iter().zip(answer.first..) {
                let recorded = found.next().unwrap();
                assert_eq!(recorded.event, *event);
                assert_eq!((recorded.position, &recorded.stream), (position, &append.stream));
                assert_eq!(recorded.revision, answer.revision - (answer.last - position));
                assert_eq!(recorded.recorded_at, answer.recorded_at);
                assert_eq!(recorded.idempotency_key, append.idempotency_key);
                let stream = log.read_stream(&append.stream, recorded.revision, 1).unwrap();
                assert_eq!(stream, std::slice::from_ref(recorded));
            }
        }
        assert_eq!(found.next(), None);
        for key in KEYS {
            let wanted = self.keys.iter().find(|(known, _)| &**known == key).map(|(_, index)| self.taken[*index].1);
            let found = log.find_key(key).unwrap();
            assert_eq!(found, wanted.map(|answer| Appended { repeated: true, ..answer }));
        }
        for second in 0..20 {
            let at = Instant::from_second(second).unwrap();
            let wanted =
                self.taken.iter().rfind(|(_, answer)| answer.recorded_at <= at).map_or(0, |(_, answer)| answer.last);
            assert_eq!(log.position_at(at).unwrap(), wanted);
        }
        let verified = log.verify(&mut |_, _| {}).unwrap();
        assert_eq!(
            (verified.events, Some(verified.digest)),
            (all.len() as u64, all.last().map(|last| last.digest).or(Some([0; 32])))
        );
    }
}

const KEYS: [&str; 3] = ["k", "l", "键"];

/// Few streams, ids, keys and contents, so that they meet.
fn appends() -> impl Strategy<Value = Append> {
    let event = (0..14_u128, 0..5_u8).prop_map(|(id, content)| NewEvent {
        id: Uuid::from_u128(id),
        event_type: "trial.held".into(),
        schema_version: 1,
        occurred_at: Instant::UNIX_EPOCH,
        actor: "judge".into(),
        causation: None,
        correlation: (content == 1).then_some(Uuid::from_u128(99)),
        history: false,
        // Mostly one content, so that repeats are more often true ones.
        data: (if content <= 1 { "{}" } else { "[]" }).into(),
    });
    let expected = prop_oneof![
        4 => Just(Expected::Any),
        1 => Just(Expected::NoStream),
        1 => (0..4_u64).prop_map(Expected::Revision),
    ];
    let key = proptest::option::weighted(0.3, prop::sample::select(KEYS.to_vec()));
    (prop::sample::select(vec!["a", "b"]), expected, 0..20_i64, key, prop::collection::vec(event, 0..4)).prop_map(
        |(stream, expected, second, key, events)| Append {
            stream: stream.into(),
            expected,
            recorded_at: Instant::from_second(second).unwrap(),
            idempotency_key: key.map(Arc::from),
            events,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Appends come in bunches that are on their way together, and some come again.
    let bunch = prop::collection::vec((appends(), 1..3_usize), 1..6).prop_map(|appends| {
        Step::Append(appends.into_iter().flat_map(|(append, times)| vec![append; times]).collect())
    });
    prop::collection::vec(prop_oneof![6 => bunch, 1 => Just(Step::Reopen)], 1..12)
}

fn run(log: &dyn EventLog, model: &mut Model, appends: Vec<Append>) {
    let wanted: Vec<Answer> = appends.iter().map(|append| model.append(append)).collect();
    let pending: Vec<_> = appends.into_iter().map(|append| log.submit(append)).collect();
    let found: Vec<Answer> = pending.into_iter().map(|pending| answer(pending.wait())).collect();
    assert_eq!(found, wanted);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn the_embedded_engine_does_as_the_model_does(steps in steps()) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { streams: 2, ..Options::default() };
        let mut log = EmbeddedLog::open(dir.path(), &options).unwrap();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append(appends) => run(&log, &mut model, appends),
                Step::Reopen => {
                    drop(log);
                    log = EmbeddedLog::open(dir.path(), &options).unwrap();
                }
            }
        }
        model.compare(&log);
    }

    #[test]
    fn the_memory_engine_does_as_the_model_does(steps in steps()) {
        let log = MemoryLog::new();
        let mut model = Model::default();
        for step in steps {
            if let Step::Append(appends) = step {
                run(&log, &mut model, appends);
            }
        }
        model.compare(&log);
    }
}

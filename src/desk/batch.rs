//! A batch: several commands decided on one another's outcome and made durable in one go.
//!
//! What a command of the batch changes is tried on copies of the merchants it touches, so that later commands see it and
//! nobody else does before it is on disk.

use super::doing::doing;
use super::{Answer, DeskError, Receipt, Request, RequestKey, not_recorded, recordable};
use crate::domain::case::Cases;
use crate::domain::code::CreditCode;
use crate::domain::code_key;
use crate::domain::command::Command;
use crate::domain::decide::{Decision, Known, decide, names_place, number_taken};
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::Event;
use crate::domain::fold::Stamp;
use crate::domain::fold::evidence_about;
use crate::domain::merchant::Merchant;
use crate::domain::time::Instant;
use crate::domain::whose::{By, Clues, Queue, exact, is_shared};
use crate::log::contract::{Append, Appended, EventLog, Expected, LogError, Pending};
use crate::picture::Picture;
use crate::watch::hold::OwnHold;
use crossbeam_channel::Sender;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Commands decided in one turn at most, of however large a request: then what others wrote is taken in, above all that a key
/// was revoked. Enough that the disk writes of a large request do not count, few enough for a fraction of a second.
pub(super) const TURN: usize = 2_000;
/// Namespace of ids derived from idempotency keys.
const NAMESPACE: Uuid = Uuid::from_u128(0x2f60_11d8_94c3_4b5e_a7f2_6c0d_83e5_b91a);

/// Commands decided, their appends under way.
pub(super) struct Batch<'s> {
    picture: &'s Picture,
    sectors: &'s [String],
    now: Instant,
    /// Merchants as they will be once the writes under way are on disk.
    merchants: HashMap<CreditCode, Merchant>,
    tickets: HashMap<String, CreditCode>,
    /// Tickets without a credit code, as they will be then.
    queue: Queue,
    /// Cases, as they will be then.
    cases: Cases,
    position: Position,
    keys: HashSet<Arc<str>>,
    /// Commands that may still be decided in this turn.
    left: usize,
    /// On a shared log: what other nodes are told about evidence that is held back.
    hold: Option<&'s mut OwnHold>,
    /// What they were told, on its way.
    pub(super) told: Vec<Pending>,
}

/// A request on its way to its answer.
pub(super) struct Waiting {
    pub(super) request: Request,
    pub(super) sender: Sender<Result<Vec<Answer>, DeskError>>,
    /// Its answers, command by command, as far as they are known.
    pub(super) answers: Vec<Option<Answer>>,
    /// How often other nodes were faster.
    pub(super) contests: u32,
}

impl Waiting {
    /// Returns a request that nothing was done for yet.
    pub(super) fn new(request: Request, sender: Sender<Result<Vec<Answer>, DeskError>>) -> Self {
        let answers = vec![None; request.commands.len()];
        Self { request, sender, answers, contests: 0 }
    }

    /// Returns the places of the commands that have no answer yet.
    pub(super) fn open(&self) -> impl Iterator<Item = usize> {
        self.answers.iter().enumerate().filter(|(_, answer)| answer.is_none()).map(|(index, _)| index)
    }

    /// Takes why commands failed. What became of others may be on disk and must be told: then a failure is the answer to its
    /// own command only; else it is returned, as the answer to the whole request.
    pub(super) fn fail(&mut self, failed: Vec<(usize, DeskError)>) -> Result<(), DeskError> {
        let others = self.answers.iter().flatten().any(|answer| matches!(answer, Answer::Accepted(_)));
        let whole = failed.iter().find(|(_, error)| !others || matches!(error, DeskError::KeyReused(_)));
        if let Some((_, error)) = whole {
            return Err(error.clone());
        }
        for (index, error) in failed {
            if let Some(slot) = self.answers.get_mut(index) {
                *slot = Some(Answer::Refused(vec![not_recorded(&error)]));
            }
        }
        Ok(())
    }

    /// Returns the answer, once every command has its own.
    pub(super) fn answer(&mut self) -> Vec<Answer> {
        std::mem::take(&mut self.answers).into_iter().flatten().collect()
    }
}

/// What a write is about, and an answer rests on: a merchant, or `None` for the tickets without a credit code.
pub(super) type Subject = Option<CreditCode>;

/// What was decided for one command.
pub(super) enum Decided {
    /// Known without writing, and true if every write about these merchants that the batch made before it is.
    Answer { answer: Answer, rests_on: Vec<Subject> },
    /// Waiting for the disk.
    Write { about: Vec<Subject>, pending: Pending, events: Vec<Made>, warnings: Vec<crate::domain::check::Problem> },
    /// The whole request fails.
    Failed(DeskError),
}

/// An event on its way, with what the fold needs of it.
pub(super) struct Made {
    pub(super) envelope: NewEvent,
    pub(super) event: Event,
}

impl<'s> Batch<'s> {
    /// Returns an empty batch on a state.
    pub(super) fn new(
        picture: &'s Picture,
        sectors: &'s [String],
        now: Instant,
        hold: Option<&'s mut OwnHold>,
    ) -> Self {
        Self {
            picture,
            sectors,
            now,
            hold,
            told: Vec::new(),
            merchants: HashMap::new(),
            tickets: HashMap::new(),
            queue: picture.queue.clone(),
            cases: picture.cases.clone(),
            position: picture.position,
            keys: HashSet::new(),
            left: TURN,
        }
    }

    /// Says whether a request can join: nothing can when the turn is full, and two with one key cannot share a batch, or the
    /// second would miss the first's answer.
    pub(super) fn can_take(&self, request: &Request) -> bool {
        self.left > 0
            && request.key.as_ref().and_then(|key| key.names.first()).is_none_or(|name| !self.keys.contains(name))
    }

    /// Decides those commands of a request that have no answer, as many as the turn has room for, and hands their events to
    /// the log. Returns what was decided with the command's place in the request.
    pub(super) fn take(&mut self, waiting: &Waiting, log: &dyn EventLog) -> Vec<(usize, Decided)> {
        let request = &waiting.request;
        self.keys.extend(request.key.as_ref().and_then(|key| key.names.first()).cloned());
        let places = waiting.open().take(self.left).filter_map(|index| Some((index, request.commands.get(index)?)));
        let decided: Vec<_> = places.map(|(index, command)| (index, self.one(request, index, command, log))).collect();
        self.left = self.left.saturating_sub(decided.len());
        decided
    }

    fn one(&mut self, request: &Request, index: usize, command: &Command, log: &dyn EventLog) -> Decided {
        let keyed = request.key.as_ref().and_then(|key| Keyed::new(key, index));
        if let Some(keyed) = &keyed {
            match keyed.first_answer(log) {
                Ok(None) => {}
                Ok(Some(answer)) => return Decided::Answer { answer, rests_on: Vec::new() },
                Err(error) => return Decided::Failed(error),
            }
        }
        // Whatever is answered without a write rests on what is known about these.
        let consulted = RefCell::new(vec![command.credit_code()]);
        let by_ticket = |name: &str| {
            let owner =
                self.tickets.get(&*code_key::code(name)).copied().or_else(|| self.picture.world.ticket_owner(name))?;
            consulted.borrow_mut().push(Some(owner));
            self.merchant(owner)
        };
        let by_clues = |clues: &Clues<'_>| {
            let found = exact(clues, |by| self.called(by));
            consulted.borrow_mut().extend(found.as_ref().map(|(merchant, _)| Some(merchant.code)));
            found
        };
        let overruled = request.overruled.get(index).map(Vec::as_slice).unwrap_or_default();
        let about = command.credit_code().and_then(|code| self.merchant(code));
        let doing = doing(command, self.picture, &self.cases, about, &request.origin.actor, self.now);
        let known = Known {
            overruled,
            doing,
            shared: is_shared(command, &self.queue, |by| self.called(by)),
            names_place: names_place(command, &self.picture.world),
            number_taken: number_taken(command, |office, number| self.written_to(office, number)),
            ..Known::by(&self.queue, command, self.sectors, |code| self.merchant(code), by_ticket, by_clues)
        };
        let rests_on = |mut consulted: Vec<Subject>| {
            consulted.retain(|subject| subject.is_none_or(|code| self.merchants.contains_key(&code)));
            consulted
        };
        let Decision { stream, revision, events, warnings } = match decide(command, known, self.now) {
            Ok(decision) => decision,
            Err(problems) => {
                return Decided::Answer {
                    answer: Answer::Refused(problems),
                    rests_on: rests_on(consulted.into_inner()),
                };
            }
        };
        if events.is_empty() {
            return Decided::Answer {
                answer: Answer::Unchanged { warnings },
                rests_on: rests_on(consulted.into_inner()),
            };
        }
        let origin = self.origin(request, index, log);
        let mut made: Vec<Made> = Vec::with_capacity(events.len());
        for (occurred_at, event) in events {
            let id = keyed.as_ref().map_or_else(Uuid::now_v7, |keyed| keyed.event_id(made.len()));
            let mut envelope = NewEvent::new(id, occurred_at, &origin, &event);
            // What else a command says follows from its first event.
            envelope.causation = envelope.causation.or_else(|| made.first().map(|first| first.envelope.id));
            made.push(Made { envelope, event });
        }
        let expected = Expected::after(self.picture.uncounted.whole(&stream, revision).into());
        let append = Append {
            stream: stream.into(),
            expected,
            recorded_at: self.now,
            idempotency_key: keyed.map(|keyed| keyed.key),
            events: made.iter().map(|made| made.envelope.clone()).collect(),
        };
        if let Some(problem) = recordable::fault(&append) {
            return Decided::Answer { answer: Answer::Refused(vec![problem]), rests_on: Vec::new() };
        }
        let merchant = made.iter().find_map(|made| evidence_about(&made.event));
        self.try_on(merchant, command.alert().and(command.credit_code()), &made);
        let queue = made.iter().any(|made| made.event.is_of_queue()).then_some(None);
        // What is said of a case is about its merchant.
        let about = merchant.or_else(|| command.credit_code()).map(Some).into_iter().chain(queue).collect();
        let pending = log.submit(append);
        Decided::Write { about, pending, events: made, warnings }
    }

    /// Returns the origin of a command's events; those that are held back say so, and other nodes are told.
    fn origin(&mut self, request: &Request, index: usize, log: &dyn EventLog) -> Origin {
        let mut origin = request.origin_of(index);
        if let Some(hold) = self.hold.as_mut().filter(|_| request.hold_lights) {
            self.told.extend(hold.tell(log, self.now));
            origin.correlation = Some(hold.id());
        }
        origin
    }

    fn merchant(&self, code: CreditCode) -> Option<&Merchant> {
        self.merchants.get(&code).or_else(|| self.picture.world.get(code))
    }

    /// Returns the merchants in the register that have just this name or brand, those of the batch included.
    fn called(&self, by: By<'_>) -> Vec<&Merchant> {
        let others = self.picture.world.called(by).into_iter();
        let untouched = others.filter(|merchant| !self.merchants.contains_key(&merchant.code));
        untouched.chain(self.merchants.values().filter(|merchant| by.is(merchant))).collect()
    }

    /// Returns to whom an office wrote a letter of a number, those of the batch included.
    fn written_to(&self, office: &str, number: &str) -> Vec<&Merchant> {
        let here = self.merchants.values().filter(|merchant| merchant.dealings().letter(office, number).is_some());
        let others = self.picture.world.written_to(office, number).into_iter();
        here.chain(others.filter(|merchant| !self.merchants.contains_key(&merchant.code))).collect()
    }

    fn try_on(&mut self, about: Option<CreditCode>, case_of: Option<CreditCode>, events: &[Made]) {
        for Made { envelope, event } in events {
            self.queue.apply(event, &envelope.actor);
            self.cases.apply(event, envelope.id, self.position, self.now);
        }
        let Some(code) = about.or(case_of) else { return };
        let copy = || self.picture.world.get(code).cloned().unwrap_or_else(|| Merchant::new(code));
        let tentative = self.merchants.entry(code).or_insert_with(copy);
        for Made { envelope, event } in events {
            self.position += 1;
            let stamp = Stamp { position: self.position, recorded_at: self.now, history: envelope.history };
            tentative.fold(stamp, event);
            if let Event::ComplaintReceived(received) = event {
                self.tickets.insert(code_key::code(&received.ticket).into_owned(), code);
            }
        }
    }
}

/// Returns the answer that was given to the first command under a key, if it was recorded.
pub(super) fn first_answer(key: &RequestKey, log: &dyn EventLog) -> Result<Option<Answer>, DeskError> {
    Keyed::new(key, 0).map_or(Ok(None), |keyed| keyed.first_answer(log))
}

/// An idempotency key for one command of a request.
struct Keyed {
    key: Arc<str>,
    content: [u8; 32],
}

impl Keyed {
    fn new(key: &RequestKey, index: usize) -> Option<Self> {
        Some(Self { key: key.names.get(index)?.clone(), content: key.content })
    }

    /// Ids say which key and content they come from: that is how other content under the same key is noticed.
    fn event_id(&self, index: usize) -> Uuid {
        let mut name = Vec::from(self.content);
        name.extend_from_slice(&index.to_be_bytes());
        name.extend_from_slice(self.key.as_bytes());
        Uuid::new_v5(&NAMESPACE, &name)
    }

    fn first_answer(&self, log: &dyn EventLog) -> Result<Option<Answer>, DeskError> {
        let Some(appended) = log.find_key(&self.key)? else { return Ok(None) };
        let positions: Vec<Position> = (appended.first..=appended.last).collect();
        let events = log.ids_at(&positions)?;
        if events.first() != Some(&self.event_id(0)) {
            return Err(DeskError::KeyReused(self.key.clone()));
        }
        Ok(Some(Answer::Accepted(Receipt { repeated: true, ..receipt(&appended, events, Vec::new()) })))
    }
}

/// Returns the receipt for an append.
pub(super) fn receipt(appended: &Appended, events: Vec<Uuid>, warnings: Vec<crate::domain::check::Problem>) -> Receipt {
    Receipt {
        events,
        first: appended.first,
        last: appended.last,
        recorded_at: appended.recorded_at,
        repeated: appended.repeated,
        warnings,
    }
}

impl From<LogError> for Decided {
    fn from(error: LogError) -> Self {
        Self::Failed(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;

    #[test]
    fn nothing_joins_a_full_turn_and_one_key_joins_once() {
        let picture = Picture::new(Arc::new(Policies::built_in().unwrap_or_else(|error| panic!("{error}"))));
        let now = "2025-06-30T10:00:00Z".parse().unwrap();
        let keyed = |name: &str| Request {
            key: Some(RequestKey { names: vec![name.into()], content: [0; 32] }),
            ..Request::new(Vec::new(), Origin::of("test"))
        };
        let bare = Request::new(Vec::new(), Origin::of("test"));
        let mut batch = Batch::new(&picture, &[], now, None);
        batch.keys.insert("k".into());
        assert_eq!([&keyed("k"), &keyed("other"), &bare].map(|request| batch.can_take(request)), [false, true, true]);
        batch.left = 1;
        assert!(batch.can_take(&bare));
        batch.left = 0;
        assert_eq!([&keyed("other"), &bare].map(|request| batch.can_take(request)), [false, false]);
    }
}

//! The watch: which lights to look at, because of evidence, because time passed, or because the policies changed.
//!
//! Lights depend on dates, so every merchant is looked at once at each local midnight; the few clocks that run out within
//! a day (a mall's 24 hours, a ticket's own due time) have timers. After a stop the midnights and timers that passed
//! meanwhile are gone through one by one, each knowing only what was recorded by then.

use super::state::State;
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{DayClosed, Event, LightCause};
use crate::domain::merchant::{Complaint, Merchant};
use crate::domain::time::{Day, Instant, day_of, plus_days, start_of};
use crate::domain::words::Channel;
use crate::lights::change::change;
use crate::lights::moment::Moment;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use jiff::SignedDuration;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Merchants looked at in one go during a round over all of them: a few milliseconds, so that commands go in between.
const SLICE: usize = 2_000;
/// Stream of the watch's own events.
const STREAM: &str = "watch";
/// Namespace of their ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x91d7_30c2_6ab4_4f19_b0e8_5f2c_7d13_a846);
/// "More than 24 hours" is seen at the next whole second.
const JUST_AFTER: SignedDuration = SignedDuration::from_secs(1);

/// What is to be looked at.
#[derive(Debug, Default)]
pub(super) struct Watch {
    touched: BTreeMap<u32, Touch>,
    held: BTreeMap<u32, Touch>,
    timers: BinaryHeap<Reverse<(Instant, u32)>>,
    next_midnight: Option<Instant>,
    round: Option<Round>,
    in_flight: Vec<(u32, Touch)>,
    closing: bool,
}

/// Why a merchant is looked at.
#[derive(Debug, Clone, Copy)]
struct Touch {
    cause: LightCause,
    /// A mail may be asked for.
    notify: bool,
    /// Look at this instant instead of the present one.
    at: Option<Instant>,
}

/// A round over all merchants.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// A midnight, or `None` for a round at the present because the policies changed.
    midnight: Option<Instant>,
    known: Position,
    next: usize,
    changed: u64,
}

/// Where the watch stopped last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermark {
    /// Last midnight looked at.
    pub(super) at: Instant,
    /// Where that stands in the log.
    pub(super) position: Position,
}

impl Watch {
    /// Returns a watch that takes up where the last one stopped. `last_recorded` is the time of the log's last event.
    pub(super) fn resume(
        state: &State,
        watermark: Option<Watermark>,
        last_recorded: Option<Instant>,
        now: Instant,
        policies_changed: bool,
    ) -> Self {
        let mut watch = Self::default();
        let seen = watermark.map_or(0, |mark| mark.position);
        let since = watermark.map(|mark| mark.at).or(last_recorded).unwrap_or(now);
        watch.next_midnight = Some(midnight_after(since));
        for (index, merchant) in (0..).zip(state.world.merchants()) {
            // Evidence that came after the last midnight may have been looked at or not; looking again changes nothing.
            if let Some(last) = merchant.last.filter(|last| last.position > seen) {
                let touch = Touch { cause: LightCause::Evidence, notify: !last.history, at: Some(last.recorded_at) };
                watch.touched.insert(index, touch);
            }
            for complaint in &merchant.complaints {
                watch.set_timers(index, complaint, since);
            }
        }
        if policies_changed {
            watch.round = Some(Round { midnight: None, known: state.position, next: 0, changed: 0 });
        }
        watch
    }

    /// Notes that evidence about a merchant was folded.
    pub(super) fn touched(&mut self, state: &State, index: u32, event: &Event, hold: bool) {
        let Some(merchant) = state.world.at(index) else { return };
        let Some(last) = merchant.last else { return };
        let list = if hold { &mut self.held } else { &mut self.touched };
        touch(list, index, LightCause::Evidence, !last.history);
        let about_exit = matches!(
            event,
            Event::ShopClosed(_)
                | Event::ExitNoticePosted(_)
                | Event::ExitNoticeAmended(_)
                | Event::ExitNoticeWithdrawn(_)
        );
        let about_links = matches!(event, Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_))
            && merchant.shops.iter().any(|shop| !shop.exits.is_empty());
        if about_exit || about_links {
            for other in state.world.linked(merchant, Position::MAX) {
                touch(list, other, LightCause::Link, !last.history);
            }
        }
        if let Event::ComplaintReceived(received) = event
            && let Some(complaint) = merchant.complaint(&received.ticket)
        {
            self.set_timers(index, complaint, last.recorded_at);
        }
    }

    /// Sets the clocks of a ticket that have not run out by `since`.
    fn set_timers(&mut self, index: u32, complaint: &Complaint, since: Instant) {
        if complaint.closed.is_some() {
            return;
        }
        let answer = (complaint.channel == Channel::Mall && complaint.answered.is_none())
            .then(|| complaint.received_at.checked_add(SignedDuration::from_hours(24)).ok())
            .flatten();
        let due = complaint.due.map(|(due, _)| due);
        for clock in [answer, due].into_iter().flatten().filter_map(|at| at.checked_add(JUST_AFTER).ok()) {
            if clock > since {
                self.timers.push(Reverse((clock, index)));
            }
        }
    }

    /// Says whether there is something to look at now.
    pub(super) fn is_busy(&self) -> bool {
        !self.touched.is_empty() || self.round.is_some()
    }

    /// Returns when time itself will be a reason to look.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        [timer, self.next_midnight].into_iter().flatten().min()
    }

    /// Looks at what is to be looked at, a slice of it, and returns the appends that record what changed.
    pub(super) fn look(
        &mut self,
        state: &State,
        log: &dyn EventLog,
        now: Instant,
        settle: bool,
    ) -> Result<Vec<Append>, LogError> {
        if settle {
            for (index, held) in std::mem::take(&mut self.held) {
                touch(&mut self.touched, index, held.cause, held.notify);
            }
        }
        let mut look = Look { state, log, now, changed: HashSet::new(), appends: Vec::new(), in_flight: Vec::new() };
        let looked = self.look_through(&mut look);
        self.in_flight = look.in_flight;
        if let Err(error) = looked {
            self.look_again();
            return Err(error);
        }
        Ok(look.appends)
    }

    fn look_through(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        while let Some((index, why)) = self.touched.pop_first() {
            if let Err(error) = look.merchant(index, why, why.at.unwrap_or(look.now), look.state.position) {
                self.touched.insert(index, why);
                return Err(error);
            }
            if look.appends.len() >= SLICE {
                return Ok(());
            }
        }
        if self.round.is_none() {
            self.run_timers(look)?;
            if let Some(midnight) = self.next_midnight.filter(|midnight| *midnight <= look.now) {
                let known = look.log.position_at(midnight)?;
                self.round = Some(Round { midnight: Some(midnight), known, next: 0, changed: 0 });
            }
        }
        self.go_round(look)
    }

    /// Looks at the next slice of a round over all merchants.
    fn go_round(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        let Some(round) = &mut self.round else { return Ok(()) };
        let all = look.state.world.merchants().len();
        let end = (round.next + SLICE).min(all);
        let (why, at, known) = match round.midnight {
            Some(at) => (Touch { cause: LightCause::Time, notify: true, at: Some(at) }, at, round.known),
            None => (Touch { cause: LightCause::Policy, notify: true, at: None }, look.now, look.state.position),
        };
        let mut changed = 0;
        for index in round.next..end {
            changed += u64::from(look.merchant(u32::try_from(index).unwrap_or(u32::MAX), why, at, known)?);
        }
        round.next = end;
        round.changed += changed;
        if end == all {
            match round.midnight {
                Some(midnight) => {
                    look.appends.push(day_closed(midnight, all, round.changed, look.now));
                    self.closing = true;
                }
                None => self.round = None,
            }
        }
        Ok(())
    }

    /// Runs the timers that are due before the next midnight.
    fn run_timers(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        let limit = self.next_midnight.unwrap_or(Instant::MAX).min(look.now);
        while let Some(Reverse((at, index))) = self.timers.peek().copied() {
            if at > limit || look.appends.len() >= SLICE {
                break;
            }
            let known = look.log.position_at(at)?;
            let why = Touch { cause: LightCause::Time, notify: true, at: Some(at) };
            look.merchant(index, why, at, known)?;
            self.timers.pop();
        }
        Ok(())
    }

    /// What was handed out by the last look is on disk.
    pub(super) fn recorded(&mut self) {
        self.in_flight.clear();
        if std::mem::take(&mut self.closing)
            && let Some(midnight) = self.round.take().and_then(|round| round.midnight)
        {
            self.next_midnight = Some(midnight_after(midnight));
        }
    }

    /// What was handed out by the last look is not, or not all, on disk: look at it again.
    pub(super) fn look_again(&mut self) {
        self.closing = false;
        for (index, why) in std::mem::take(&mut self.in_flight) {
            self.touched.entry(index).or_insert(why);
        }
    }
}

struct Look<'a> {
    state: &'a State,
    log: &'a dyn EventLog,
    now: Instant,
    changed: HashSet<u32>,
    appends: Vec<Append>,
    in_flight: Vec<(u32, Touch)>,
}

impl Look<'_> {
    /// Looks at one merchant; says whether its light changed.
    fn merchant(&mut self, index: u32, why: Touch, at: Instant, known: Position) -> Result<bool, LogError> {
        let Some(merchant) = self.state.world.at(index) else { return Ok(false) };
        let lit = self.state.lights.get(merchant.code);
        let past = at < self.now;
        if self.changed.contains(&index) || past && is_overtaken(merchant, lit.map(|lit| lit.at), why, at) {
            return Ok(false);
        }
        let moment = Moment::new(&self.state.policies, at, known);
        let subject = moment.subject(&self.state.world, merchant);
        let Some(change) = change(&subject, lit) else { return Ok(false) };
        let mut reasons = Vec::with_capacity(change.reasons.len());
        for draft in change.reasons.clone() {
            let events = self.log.ids_at(&draft.positions)?;
            reasons.push(draft.with_events(events));
        }
        let (_, _, append) = change.append(&subject, why.cause, why.notify, reasons, self.now);
        self.appends.push(append);
        self.changed.insert(index);
        self.in_flight.push((index, why));
        Ok(true)
    }
}

/// Says whether a look at a past instant would say less than what is known: the light was recorded for a later instant, or
/// evidence came later and was looked at then.
fn is_overtaken(merchant: &Merchant, lit_at: Option<Instant>, why: Touch, at: Instant) -> bool {
    let later_light = lit_at.is_some_and(|lit| lit > at);
    let later_evidence = why.cause == LightCause::Time && merchant.last.is_some_and(|last| last.recorded_at > at);
    later_light || later_evidence
}

fn touch(list: &mut BTreeMap<u32, Touch>, index: u32, cause: LightCause, notify: bool) {
    let entry = list.entry(index).or_insert(Touch { cause, notify, at: None });
    // Several reasons in one go: own evidence is named first, and one that may be told is enough to tell.
    if cause == LightCause::Evidence {
        entry.cause = cause;
    }
    entry.notify |= notify;
    entry.at = None;
}

fn midnight_after(at: Instant) -> Instant {
    start_of(plus_days(day_of(at), 1))
}

fn day_closed(midnight: Instant, merchants: usize, changed: u64, now: Instant) -> Append {
    let day: Day = plus_days(day_of(midnight), -1);
    let closed = DayClosed { day, at: midnight, merchants: u64::try_from(merchants).unwrap_or(u64::MAX), changed };
    let id = Uuid::new_v5(&NAMESPACE, format!("{STREAM}/{day}").as_bytes());
    Append {
        stream: Arc::from(STREAM),
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(id, midnight, &Origin::service(), &Event::DayClosed(closed))],
    }
}

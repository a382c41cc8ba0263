//! The watch: which lights to look at, because of evidence, because time passed, or because the policies changed.
//!
//! Lights depend on dates, so every merchant is looked at once at each local midnight; the few clocks that run out within
//! a day (a mall's 24 hours, a ticket's own due time) have timers. Midnights and timers come before newer evidence, each
//! knowing only what was recorded before it; so after a stop those that passed meanwhile are gone through one by one,
//! and what time did keeps its own instant whatever arrives first.

mod evidence;
pub(crate) mod hold;
mod look;
mod own_events;

pub(crate) use own_events::{append, time_reached};

use crate::domain::envelope::Position;
use crate::domain::event::{Event, LightCause};
use crate::domain::evidence::Complaint;
use crate::domain::merchant::LastEvidence;
use crate::domain::time::{Instant, day_of, plus_days, plus_hours, start_of};
use crate::domain::words::Channel;
use crate::log::contract::{Append, EventLog, LogError};
use crate::picture::Picture;
use evidence::days_of;
use jiff::SignedDuration;
use look::Look;
use own_events::day_closed;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Merchants looked at in one go during a round over all of them: a few milliseconds, so that commands go in between.
const SLICE: usize = 2_000;
/// "More than" so many hours is seen at the next whole second.
const JUST_AFTER: SignedDuration = SignedDuration::from_secs(1);
/// Midnights further behind than this are leapt over: a service that slept so long, or a clock that was wrong, and what it lit
/// before and took back comes again.
const LEAP: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is to be looked at.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Evidence that came before this start, or before a midnight or timer that still waits, by the time it came.
    past: BTreeMap<(Instant, u32), Touch>,
    touched: BTreeMap<u32, Touch>,
    held: BTreeMap<u32, Touch>,
    timers: BinaryHeap<Reverse<(Instant, u32)>>,
    next_midnight: Option<Instant>,
    round: Option<Round>,
    /// Up to where time leaps.
    leap: Option<Instant>,
    handed: Handed,
}

/// Why a merchant is looked at.
#[derive(Debug, Clone, Copy)]
struct Touch {
    cause: LightCause,
    /// A mail may be asked for.
    notify: bool,
    /// When the newest of the evidence was recorded; now at the latest, even if a clock that was ahead wrote it.
    since: Instant,
    /// Position of that evidence; 0 to make sure only, because another node recorded a light.
    newest: Position,
}

/// What the last look handed out to be recorded, to be taken back if it was not.
#[derive(Debug, Default)]
struct Handed {
    past: Vec<((Instant, u32), Touch)>,
    touched: Vec<(u32, Touch)>,
    timers: Vec<(Instant, u32)>,
    /// The round before its last slice.
    round: Option<Round>,
    /// The day is closed with it.
    closing: bool,
}

/// A round over all merchants.
#[derive(Debug, Clone, Copy)]
struct Round {
    /// A midnight, or `None` for a round at the present.
    midnight: Option<Instant>,
    /// What a light that changes in it changed by.
    cause: LightCause,
    known: Position,
    next: usize,
    changed: u64,
}

impl Round {
    fn at_present(picture: &Picture, cause: LightCause) -> Self {
        Self { midnight: None, cause, known: picture.position, next: 0, changed: 0 }
    }
}

/// Where the watch stopped last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermark {
    /// Last midnight looked at.
    pub(crate) at: Instant,
    /// What was recorded by then.
    pub(crate) position: Position,
}

impl Watch {
    /// Returns a watch that takes up where the last one stopped. `first_recorded` is the time of the log's
    /// first event: without a watermark no midnight since was looked at.
    pub(crate) fn resume(
        picture: &Picture,
        log: &dyn EventLog,
        watermark: Option<Watermark>,
        first_recorded: Option<Instant>,
        now: Instant,
        policies_changed: bool,
    ) -> Result<Self, LogError> {
        let mut watch = Self::default();
        let seen = watermark.map_or(0, |mark| mark.position);
        let since = watermark.map(|mark| mark.at).or(first_recorded).unwrap_or(now);
        let midnight = midnight_after(since);
        watch.next_midnight = Some(midnight);
        let mut waited = false;
        for (index, merchant) in (0..).zip(picture.world.merchants().iter()) {
            // Evidence that came after the last midnight may have been looked at or not; looking again changes nothing.
            if let Some(last) = merchant.last.filter(|last| last.position > seen) {
                watch.came_before(picture, index, last, now);
                waited |= last.recorded_at.min(now) >= midnight;
            }
            for complaint in &merchant.complaints {
                watch.set_timers(picture, index, complaint, since);
            }
        }
        if waited {
            for ((_, index), evidence) in days_of(picture, log, seen)? {
                watch.came_before(picture, index, evidence, now);
            }
        }
        if policies_changed {
            watch.round = Some(Round::at_present(picture, LightCause::Policy));
        }
        watch.keep_to(picture, now);
        Ok(watch)
    }

    /// Keeps to the clock. If one was ahead and has been set right, midnights and clocks of tickets that it had run over come
    /// again, and everybody is looked at once more as of now.
    pub(crate) fn keep_to(&mut self, picture: &Picture, now: Instant) {
        let next = midnight_after(now);
        if self.next_midnight.is_none_or(|waiting| waiting <= next) {
            return;
        }
        self.next_midnight = Some(next);
        self.timers.clear();
        for (index, merchant) in (0..).zip(picture.world.merchants().iter()) {
            merchant.complaints.iter().for_each(|complaint| self.set_timers(picture, index, complaint, now));
        }
        self.round = Some(Round::at_present(picture, LightCause::Time));
    }

    /// Notes evidence from before this start.
    fn came_before(&mut self, picture: &Picture, index: u32, evidence: LastEvidence, now: Instant) {
        let Some(merchant) = picture.world.at(index) else { return };
        let mut past = |index, cause| {
            let why = Touch::by(cause, &evidence, now);
            merge(&mut self.past, (why.since, index), why);
        };
        past(index, LightCause::Evidence);
        if merchant.has_closed_shop() {
            for other in picture.world.linked(merchant, Position::MAX) {
                past(other, LightCause::Link);
            }
        }
    }

    /// Notes that evidence about a merchant was folded.
    pub(crate) fn touched(&mut self, picture: &Picture, index: u32, event: &Event, hold: bool, now: Instant) {
        let Some(merchant) = picture.world.at(index) else { return };
        let Some(last) = merchant.last else { return };
        self.touch(index, Touch::by(LightCause::Evidence, &last, now), hold);
        let about_exit = matches!(
            event,
            Event::ShopClosed(_)
                | Event::ExitNoticePosted(_)
                | Event::ExitNoticeAmended(_)
                | Event::ExitNoticeWithdrawn(_)
        );
        let about_links = matches!(event, Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_));
        // A link lights others by a closed shop only.
        if (about_exit || about_links) && merchant.has_closed_shop() {
            // Those that were linked until this event, too: they may be rid of a reason.
            let before = picture.world.linked(merchant, last.position.saturating_sub(1));
            for other in picture.world.linked(merchant, Position::MAX).into_iter().chain(before) {
                self.touch(other, Touch::by(LightCause::Link, &last, now), hold);
            }
        }
        let ticket = match event {
            Event::ComplaintReceived(received) => &received.ticket,
            Event::ComplaintSupplemented(more) => &more.ticket,
            _ => return,
        };
        if let Some(complaint) = merchant.complaint(ticket) {
            self.set_timers(picture, index, complaint, last.recorded_at.min(now));
        }
    }

    fn touch(&mut self, index: u32, why: Touch, hold: bool) {
        if hold {
            merge(&mut self.held, index, why);
            return;
        }
        // What waits while a midnight or timer has passed since must not be taken for newer than that, just because more
        // came.
        if let Some(waiting) = self.touched.get(&index).copied()
            && self.is_between(waiting.since, why.since)
        {
            self.touched.remove(&index);
            merge(&mut self.past, (waiting.since, index), waiting);
        }
        merge(&mut self.touched, index, why);
    }

    /// Says whether a midnight or timer that waits lies after `earlier` and not after `later`.
    fn is_between(&self, earlier: Instant, later: Instant) -> bool {
        let lies = |at: Instant| earlier < at && at <= later;
        let none_waits = self.next_due().is_none_or(|due| due > later);
        !none_waits && (lies(midnight_after(earlier)) || self.timers.iter().any(|Reverse((at, _))| lies(*at)))
    }

    /// Sets the clocks of a ticket that have not run out by `since`. A clock that runs out on a ticket settled meanwhile
    /// finds nothing.
    fn set_timers(&mut self, picture: &Picture, index: u32, complaint: &Complaint, since: Instant) {
        let hours = i64::from(picture.policies.pack.parameters.answer_hours);
        let answer = (complaint.channel == Channel::Mall).then(|| plus_hours(complaint.received_at, hours));
        // A due time that was corrected since was one until then.
        let corrected = complaint.corrections.iter().filter_map(|correction| correction.due_at);
        let due = complaint.due.map(|(due, _)| due).into_iter().chain(corrected);
        for clock in answer.into_iter().chain(due).filter_map(|at| at.checked_add(JUST_AFTER).ok()) {
            if clock > since {
                self.timers.push(Reverse((clock, index)));
            }
        }
    }

    /// Says whether there is something to look at now.
    pub(crate) fn is_busy(&self) -> bool {
        !self.past.is_empty() || !self.touched.is_empty() || self.round.is_some()
    }

    /// Says whether evidence is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns when time itself will be a reason to look.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        [timer, self.next_midnight].into_iter().flatten().min()
    }

    /// Lets what was held back be looked at.
    pub(crate) fn release(&mut self, now: Instant) {
        for (index, held) in std::mem::take(&mut self.held) {
            merge(&mut self.touched, index, Touch { since: now, ..held });
        }
    }

    /// Notes that another node, which knew everything up to a position, recorded a light: what waits here from up to there
    /// has been looked at; and that node may have known less than is known here.
    pub(crate) fn lit_elsewhere(&mut self, index: u32, known: Position, recorded_at: Instant) {
        if let Some(waiting) = self.touched.get_mut(&index).filter(|waiting| waiting.newest <= known) {
            waiting.newest = 0;
        }
        let unsure = Touch { cause: LightCause::Evidence, notify: true, since: recorded_at, newest: 0 };
        self.touch(index, unsure, false);
    }

    /// Notes that another node went over all merchants at a midnight.
    pub(crate) fn closed_elsewhere(&mut self, midnight: Instant) {
        if self.next_midnight.is_some_and(|next| next <= midnight) {
            self.next_midnight = Some(midnight_after(midnight));
        }
        let over = |round: &mut Round| round.midnight.is_some_and(|at| at <= midnight);
        self.round.take_if(over);
        if self.handed.round.take_if(over).is_some() {
            self.handed.closing = false;
        }
    }

    /// Looks at what is to be looked at, a slice of it, and returns the appends that record what changed.
    pub(crate) fn look(
        &mut self,
        picture: &Picture,
        log: &dyn EventLog,
        now: Instant,
        settle: bool,
    ) -> Result<Vec<Append>, LogError> {
        if settle {
            self.release(now);
        }
        self.handed = Handed::default();
        let mut look = Look::new(picture, log, now);
        if let Err(error) = self.look_through(&mut look) {
            self.look_again();
            return Err(error);
        }
        Ok(look.appends)
    }

    /// Takes one step: a merchant's light changes at most once in it, because the next change builds on the recorded one.
    fn look_through(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        let leaps = |due: Instant| look.now.duration_since(due) >= LEAP;
        let waiting = self.next_due().filter(|due| *due <= look.now);
        self.leap = waiting.and_then(|due| self.leap.or_else(|| leaps(due).then_some(look.now)));
        if self.round.is_none() {
            let next = self.next_due().filter(|due| *due <= look.now);
            self.look_at_touched(look, next)?;
            if !look.appends.is_empty() {
                return Ok(());
            }
            match next {
                None => return Ok(()),
                Some(due) if self.timers.peek().is_some_and(|Reverse((at, _))| *at <= due) => {
                    return self.run_timers(look);
                }
                Some(midnight) => {
                    let known = look.known_at(just_before(midnight))?;
                    let cause = LightCause::Time;
                    self.round = Some(Round { midnight: Some(midnight), cause, known, next: 0, changed: 0 });
                }
            }
        }
        self.go_round(look)
    }

    /// Looks at what evidence touched before the next midnight or timer that has passed; at all of it if none has.
    fn look_at_touched(&mut self, look: &mut Look<'_>, next: Option<Instant>) -> Result<(), LogError> {
        let ready = |touch: &Touch| next.is_none_or(|next| touch.since < next);
        while let Some(entry) = self.past.first_entry().filter(|entry| ready(entry.get())) {
            let (since, index) = *entry.key();
            if look.appends.len() >= SLICE || look.changed.contains(&index) {
                return Ok(());
            }
            let why = entry.remove();
            self.handed.past.push(((since, index), why));
            let known = look.known_at(since)?;
            look.again = true;
            look.merchant(index, why, since, known)?;
            look.again = false;
        }
        let touched: Vec<u32> = self.touched.iter().filter(|(_, why)| ready(why)).map(|(index, _)| *index).collect();
        // Most looks change nothing: they are bounded too, so that commands and revocations go in between.
        for index in touched.into_iter().take(SLICE) {
            if look.changed.contains(&index) {
                continue;
            }
            let Some(why) = self.touched.remove(&index) else { continue };
            self.handed.touched.push((index, why));
            if next.is_some() {
                let known = look.known_at(why.since)?;
                look.merchant(index, why, why.since, known)?;
            } else {
                look.merchant(index, why, look.now, look.picture.position)?;
            }
            if look.appends.len() >= SLICE {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Looks at the next slice of a round over all merchants.
    fn go_round(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        let Some(round) = &mut self.round else { return Ok(()) };
        self.handed.round = Some(*round);
        let all = look.picture.world.merchants().len();
        let end = (round.next + SLICE).min(all);
        let (at, known) = match round.midnight {
            Some(at) => (at, round.known),
            None => (look.now, look.picture.position),
        };
        let why = Touch { cause: round.cause, notify: true, since: at, newest: known };
        // Besides a leap: what is looked at once more because the clock was set right.
        let may_come_again = round.midnight.is_none() || self.leap.is_some_and(|until| at <= until);
        look.again = round.cause == LightCause::Time && may_come_again;
        let mut changed = 0;
        for index in round.next..end {
            changed += u64::from(look.merchant(u32::try_from(index).unwrap_or(u32::MAX), why, at, known)?);
        }
        look.again = false;
        round.next = end;
        round.changed += changed;
        if end == all {
            match round.midnight {
                Some(midnight) => {
                    let again = look.picture.marks.furthest.is_some_and(|closed| closed >= midnight);
                    let again = again.then_some(look.picture.marks.closed);
                    look.appends.push(day_closed(midnight, again, all, round.changed, look.now));
                    self.handed.closing = true;
                }
                None => self.round = None,
            }
        }
        Ok(())
    }

    /// Runs the timers that are due before the next midnight and before newer evidence.
    fn run_timers(&mut self, look: &mut Look<'_>) -> Result<(), LogError> {
        let newer = self.past.values().chain(self.touched.values()).map(|why| why.since).min();
        let limit = [self.next_midnight, newer].into_iter().flatten().fold(look.now, Instant::min);
        while let Some(Reverse((at, index))) = self.timers.peek().copied() {
            if at > limit || look.appends.len() >= SLICE || look.changed.contains(&index) {
                break;
            }
            let known = look.known_at(just_before(at))?;
            let why = Touch { cause: LightCause::Time, notify: true, since: at, newest: known };
            self.timers.pop();
            self.handed.timers.push((at, index));
            look.again = self.leap.is_some_and(|until| at <= until);
            look.merchant(index, why, at, known)?;
            look.again = false;
        }
        Ok(())
    }

    /// What was handed out by the last look is on disk.
    pub(crate) fn recorded(&mut self) {
        if std::mem::take(&mut self.handed).closing
            && let Some(midnight) = self.round.take().and_then(|round| round.midnight)
        {
            self.next_midnight = Some(midnight_after(midnight));
        }
    }

    /// What was handed out by the last look is not, or not all, on disk: look at it again.
    pub(crate) fn look_again(&mut self) {
        let handed = std::mem::take(&mut self.handed);
        for (key, why) in handed.past {
            merge(&mut self.past, key, why);
        }
        for (index, why) in handed.touched {
            merge(&mut self.touched, index, why);
        }
        self.timers.extend(handed.timers.into_iter().map(Reverse));
        if handed.round.is_some() {
            self.round = handed.round;
        }
    }
}

impl Touch {
    fn by(cause: LightCause, evidence: &LastEvidence, now: Instant) -> Self {
        let since = evidence.recorded_at.min(now);
        Self { cause, notify: !evidence.history, since, newest: evidence.position }
    }
}

fn merge<K: Ord>(list: &mut BTreeMap<K, Touch>, key: K, why: Touch) {
    let entry = list.entry(key).or_insert(why);
    // Several reasons in one go: own evidence is named first, and one that may be told is enough to tell.
    // A look to make sure names no cause and allows no mail if there is another reason to look.
    match (entry.newest, why.newest) {
        (0, 1..) => (entry.cause, entry.notify) = (why.cause, why.notify),
        (1.., 0) => {}
        _ => {
            if why.cause == LightCause::Evidence {
                entry.cause = why.cause;
            }
            entry.notify |= why.notify;
        }
    }
    entry.newest = entry.newest.max(why.newest);
    entry.since = entry.since.max(why.since);
}

/// What was recorded at the very instant comes after it.
fn just_before(at: Instant) -> Instant {
    at.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(at)
}

fn midnight_after(at: Instant) -> Instant {
    start_of(plus_days(day_of(at), 1))
}

//! Cases (亮灯处置): a light is followed up until it is out. A case is opened by a rise of a merchant's light, holds a duty for
//! every rule that fired, and ends with an outcome. There is one open case about a merchant.
//!
//! Everything here follows from events: what a light change or an act makes of a duty is not said again, and whether a duty is
//! late follows from the time that is asked for. No rule, no clock and no name of an office stands here.

mod act;
mod decide;
mod fold;
mod history;

pub use act::{Act, ActDone};
pub use decide::{Doing, before_case, decide, stranger};
pub use fold::{Call, Cases, Pending};
pub use history::{DutyEnd, Happened, Turn};

use super::code::CreditCode;
use super::envelope::Position;
use super::event::DutyArisen;
use super::time::{Day, Instant};
use super::words::{ActKind, CaseOutcome, Light};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use uuid::Uuid;

/// How duties say that the sector's regulator has them.
const SECTOR: &str = "sector";

/// Returns the name of a case's stream.
#[must_use]
pub fn stream_of(case: Uuid) -> String {
    format!("alert-{case}")
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Which.
    pub id: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// Position of the event that opened it.
    pub position: Position,
    /// When it opened.
    pub opened_at: Instant,
    /// Sector it was last routed to; `None` if undetermined.
    pub sector: Option<String>,
    /// The merchant's light now.
    pub light: Light,
    /// The worst light it had while the case was open.
    pub worst: Light,
    /// The newest light change.
    pub change: Uuid,
    /// Since when the light has its colour and reasons.
    pub changed_at: Instant,
    /// Rules that ask for the light now, worst first.
    pub rules: Vec<String>,
    /// What somebody has to do, and had to, oldest first.
    pub duties: Vec<Duty>,
    /// When somebody answered for it; a worse light takes that away.
    pub acknowledged_at: Option<Instant>,
    /// What was done about it since it opened and was not cancelled, in the order recorded.
    pub acts: Vec<Act>,
    /// A duty was let be or put off since it was acknowledged.
    pub is_tended: bool,
    /// Somebody was reminded of it since it was acknowledged.
    pub is_reminded: bool,
    /// Who has it.
    pub holder: Option<String>,
    /// How often it opened again.
    pub reopened: u32,
    /// How it ended; `None` while it is open.
    pub closed: Option<Closed>,
    /// Number of events in its stream.
    pub revision: u32,
    /// What happened to it, in the order recorded.
    pub turns: Vec<Turn>,
}

/// The end of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Instant,
    /// How.
    pub outcome: CaseOutcome,
}

/// What somebody has to do about a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// What, by when, why: as it was said when it arose.
    pub arisen: DutyArisen,
    /// Sector it was routed to when it arose; `None` if that was undetermined.
    #[serde(default)]
    pub sector: Option<String>,
    /// When it arose.
    pub at: Instant,
    /// It was put off.
    pub pause: Option<Pause>,
    /// Steps up that were taken since it is late.
    pub steps: u16,
    /// When the step after those comes.
    pub next_step_at: Option<Instant>,
    /// How it ended; `None` while it stands.
    pub end: Option<End>,
    /// The light change, and its time, since which its rule no longer asks for it, of one that was fulfilled before.
    pub lapsed: Option<(Uuid, Instant)>,
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Its end.
    pub until: Instant,
    /// Why.
    pub reason: String,
}

/// The end of a duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// An act fulfilled it.
    Done {
        /// The event of the act.
        act: Uuid,
        /// Which act.
        kind: ActKind,
        /// Day of the act.
        day: Day,
        /// When it was recorded.
        at: Instant,
    },
    /// It was let be.
    Waived {
        /// Why.
        reason: String,
        /// When.
        at: Instant,
    },
    /// Its rule no longer asks for the light.
    FallenAway {
        /// The light change.
        change: Uuid,
        /// When.
        at: Instant,
    },
}

/// How a duty stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DutyState {
    /// Nobody has it.
    Open,
    /// Somebody has the case.
    Taken,
    /// Put off.
    Waiting,
    /// Its time is over.
    Late,
    /// Its time is over, and somebody further up was told.
    Escalated,
    /// Fulfilled.
    Done,
    /// Let be.
    Waived,
    /// Its rule no longer asks for it.
    FallenAway,
}

impl DutyState {
    /// Returns the name, as the API and texts have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Taken => "taken",
            Self::Waiting => "waiting",
            Self::Late => "late",
            Self::Escalated => "escalated",
            Self::Done => "done",
            Self::Waived => "waived",
            Self::FallenAway => "fallen_away",
        }
    }
}

impl Duty {
    /// Says whether it stands: it is neither fulfilled nor let be nor fallen away.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.end.is_none()
    }

    /// Says whether an act may fulfil it, or does so beside another.
    pub(super) const fn may_be_done(&self) -> bool {
        matches!(self.end, None | Some(End::Done { .. })) && self.lapsed.is_none()
    }

    /// Says whether a rule that fires at an instant asks for this same duty once more, which only a clock that was wrong took away: it
    /// fell away before it arose, or later than that instant.
    #[must_use]
    pub fn comes_again(&self, rule: &str, at: Instant) -> bool {
        let undone = |ended: Instant| ended > at || (ended < self.at && self.at == at);
        self.arisen.rule == rule && matches!(self.end, Some(End::FallenAway { at: ended, .. }) if undone(ended))
    }

    /// Returns the last instant for it: that of the law, or the end of a pause if that is later. `None` if it has no clock.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        let due = self.arisen.due_at?;
        Some(self.pause.as_ref().map_or(due, |pause| pause.until.max(due)))
    }

    /// Returns when the next step up comes, if nothing is done until then.
    #[must_use]
    pub fn next_at(&self) -> Option<Instant> {
        if !self.stands() {
            return None;
        }
        let next = if self.steps == 0 { self.arisen.due_at? } else { self.next_step_at? };
        Some(self.pause.as_ref().map_or(next, |pause| pause.until.max(next)))
    }

    /// Says whether it stands and its time is over.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        self.stands() && self.due_at().is_some_and(|due| due <= now)
    }
}

impl Case {
    /// Says whether it is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Returns the duties that stand.
    pub fn standing(&self) -> impl Iterator<Item = &Duty> {
        self.duties.iter().filter(|duty| duty.stands())
    }

    /// Returns the sectors whose regulators have something to do that stands.
    #[must_use]
    pub fn regulators(&self) -> BTreeSet<&str> {
        self.standing().filter(|duty| duty.arisen.who == SECTOR).filter_map(|duty| duty.sector.as_deref()).collect()
    }

    /// Returns a duty.
    #[must_use]
    pub fn duty(&self, id: Uuid) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.arisen.duty == id)
    }

    /// Says whether everybody was told before that these rules fire at an instant: each asks for a duty that stands, or that comes again
    /// because a clock was wrong.
    #[must_use]
    pub fn was_told_of<'a>(&self, mut rules: impl Iterator<Item = &'a str>, at: Instant) -> bool {
        let is_known =
            |duty: &Duty, rule: &str| (duty.stands() && duty.arisen.rule == rule) || duty.comes_again(rule, at);
        rules.all(|rule| self.duties.iter().any(|duty| is_known(duty, rule)))
    }

    /// Returns how a duty of this case stands at `now`.
    #[must_use]
    pub fn state_of(&self, duty: &Duty, now: Instant) -> DutyState {
        match &duty.end {
            Some(End::Done { .. }) => DutyState::Done,
            Some(End::Waived { .. }) => DutyState::Waived,
            Some(End::FallenAway { .. }) => DutyState::FallenAway,
            None if duty.pause.as_ref().is_some_and(|pause| now < pause.until) => DutyState::Waiting,
            None if duty.is_late(now) && duty.steps > 0 => DutyState::Escalated,
            None if duty.is_late(now) => DutyState::Late,
            None if self.holder.is_some() => DutyState::Taken,
            None => DutyState::Open,
        }
    }

    /// Returns the soonest last instant of the duties that stand.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        self.standing().filter_map(Duty::due_at).min()
    }

    /// Says whether a duty that stands is late.
    #[must_use]
    pub fn is_late(&self, now: Instant) -> bool {
        self.standing().any(|duty| duty.is_late(now))
    }
}

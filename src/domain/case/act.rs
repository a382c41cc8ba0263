//! Acts: what was done about a merchant, whichever way it was recorded. To add one, add its word to [`ActKind`], and here the
//! event that records it, if it has one of its own; which duty it fulfils is written in the rules.

use super::{Case, End};
use crate::domain::code::CreditCode;
use crate::domain::code_key::code;
use crate::domain::event::{Entry, Event};
use crate::domain::time::{Day, Instant, day_of};
use crate::domain::words::{ActKind, CaseOutcome, EnforcementKind, LeadStep, Light};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Something that was done about a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActDone {
    /// About whom.
    pub credit_code: CreditCode,
    /// Which act.
    pub kind: ActKind,
    /// Day it was done.
    pub day: Day,
    /// How a cancellation names it; `None` for what is recorded in the case, which is not cancelled.
    pub entry: Option<Entry>,
}

/// An act of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its event.
    pub event: Uuid,
    /// Which.
    pub kind: ActKind,
    /// Day it was done.
    pub day: Day,
    /// When it was recorded.
    pub at: Instant,
    /// How a cancellation names it, numbers in one spelling.
    pub entry: Option<Entry>,
    /// Duties it fulfilled, or would have if no other act had before.
    pub fulfils: Vec<Uuid>,
    /// It came after the newest acknowledgement.
    pub is_since: bool,
}

impl ActDone {
    /// Returns the act that an event records, if it records one.
    #[must_use]
    pub fn of(event: &Event) -> Option<Self> {
        let (kind, enforced, act) = match event {
            Event::RectificationOrdered(order) => {
                let (kind, enforced) = (ActKind::RectificationOrdered, EnforcementKind::RectificationOrdered);
                return Some(Self::enforced(order.credit_code, kind, enforced, order.date, order.number.as_deref()));
            }
            Event::AlertActedOn(act) => {
                let (kind, day) = act.kind.zip(act.date)?;
                return Some(Self { credit_code: act.credit_code, kind, day, entry: None });
            }
            Event::SiteChecked(check) => {
                let (kind, enforced) = (ActKind::OnSiteCheck, EnforcementKind::OnSiteCheck);
                return Some(Self::enforced(check.credit_code, kind, enforced, check.date, check.number.as_deref()));
            }
            Event::LeadTransferred(lead) => {
                let entry = Entry::Lead { lead: lead.lead.clone(), step: LeadStep::Transferred };
                let (credit_code, day) = (lead.credit_code, lead.date);
                return Some(Self { credit_code, kind: ActKind::HandedOver, day, entry: Some(entry) });
            }
            Event::WarningLetterIssued(act) => (ActKind::WarningLetter, EnforcementKind::WarningLetter, act),
            Event::YellowCardPosted(act) => (ActKind::YellowCard, EnforcementKind::YellowCard, act),
            Event::TalkHeld(act) => (ActKind::Talk, EnforcementKind::Talk, act),
            Event::RectificationMet(act) => (ActKind::RectificationMet, EnforcementKind::RectificationMet, act),
            Event::PenaltyDecided(act) => (ActKind::Penalty, EnforcementKind::Penalty, act),
            _ => return None,
        };
        Some(Self::enforced(act.credit_code, kind, enforced, act.date, act.number.as_deref()))
    }

    fn enforced(
        credit_code: CreditCode,
        kind: ActKind,
        enforced: EnforcementKind,
        day: Day,
        number: Option<&str>,
    ) -> Self {
        let entry = Entry::Act { kind: enforced, date: day, number: number.map(str::to_owned) };
        Self { credit_code, kind, day, entry: Some(entry) }
    }
}

/// Returns what names an act, its number in one spelling.
fn spelt(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    match &mut entry {
        Entry::Act { number: Some(number), .. } | Entry::Lead { lead: number, .. } => {
            *number = code(number).into_owned()
        }
        _ => {}
    }
    entry
}

impl Case {
    /// Says whether somebody did something about it since it was acknowledged.
    #[must_use]
    pub fn is_acted_on(&self) -> bool {
        self.is_tended || self.acts.iter().any(|act| act.is_since)
    }

    /// An act fulfils the duties that name it, if it was done on the day they arose or later.
    pub(super) fn acted(&mut self, done: &ActDone, event: Uuid, at: Instant) {
        let ActDone { kind, day, .. } = *done;
        let entry = done.entry.as_ref().map(spelt);
        let mut act = Act { event, kind, day, at, entry, fulfils: Vec::new(), is_since: true };
        for duty in self.duties.iter_mut().filter(|duty| duty.may_be_done()) {
            if duty.arisen.acts.contains(&kind) && day_of(duty.at) <= day {
                act.fulfils.push(duty.arisen.duty);
                duty.end.get_or_insert(End::Done { act: event, kind, day, at });
            }
        }
        self.acts.push(act);
    }

    /// Says whether a person ended the case.
    pub(super) fn is_ended_by_person(&self) -> bool {
        self.closed.is_some_and(|closed| closed.outcome != CaseOutcome::LightOut)
    }

    /// Says whether the case is open, or would be again if something were left to do.
    pub(super) fn may_go_on(&self) -> bool {
        self.is_open() || self.is_ended_by_person() && self.light != Light::Green
    }

    /// A person ended the case, because nothing was left to do; now that something stands again, it goes on, unless the light is out.
    pub(super) fn take_up_again(&mut self) {
        if !self.is_open() && self.may_go_on() && self.standing().next().is_some() {
            self.closed = None;
            self.reopened += 1;
        }
    }

    /// An act was entered by mistake: its duties are as if it had not been. Says whether the case had such an act.
    pub(super) fn act_cancelled(&mut self, entry: &Entry) -> bool {
        let entry = Some(spelt(entry));
        let before = self.acts.len();
        self.acts.retain(|act| act.entry != entry);
        for duty in &mut self.duties {
            let Some(End::Done { act, .. }) = &duty.end else { continue };
            if self.acts.iter().any(|known| known.event == *act) {
                continue;
            }
            let other = self.acts.iter().find(|act| act.fulfils.contains(&duty.arisen.duty));
            let fallen = duty.lapsed.map(|(change, at)| End::FallenAway { change, at });
            duty.end = match other {
                Some(Act { event, kind, day, at, .. }) => {
                    Some(End::Done { act: *event, kind: *kind, day: *day, at: *at })
                }
                None => fallen,
            };
        }
        self.acts.len() < before
    }
}

impl ActKind {
    /// Returns the kind of enforcement that records it, for acts with an event of their own; `None` for those recorded in the case.
    #[must_use]
    pub const fn enforcement(self) -> Option<EnforcementKind> {
        Some(match self {
            Self::WarningLetter => EnforcementKind::WarningLetter,
            Self::YellowCard => EnforcementKind::YellowCard,
            Self::Talk => EnforcementKind::Talk,
            Self::RectificationOrdered => EnforcementKind::RectificationOrdered,
            Self::RectificationMet => EnforcementKind::RectificationMet,
            Self::Penalty => EnforcementKind::Penalty,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_enforcement_is_an_act_of_the_same_name() {
        for kind in EnforcementKind::ALL {
            // A card that is taken down, and an order that was missed, are no answers to a light.
            let Ok(act) = kind.name().parse::<ActKind>() else {
                assert!(matches!(kind, EnforcementKind::YellowCardRemoved | EnforcementKind::RectificationMissed));
                continue;
            };
            // An on-site check may be recorded in the case, too.
            let own = (act != ActKind::OnSiteCheck).then_some(*kind);
            assert_eq!((act.enforcement(), act.zh()), (own, kind.zh()));
        }
    }
}

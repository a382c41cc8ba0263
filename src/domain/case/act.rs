//! Acts: what was done about a merchant, whichever way it was recorded. To add one, add its word to [`ActKind`], and here the
//! event that records it, if it has one of its own; which duty it fulfils is written in the rules.

use crate::domain::code::CreditCode;
use crate::domain::event::Event;
use crate::domain::time::Day;
use crate::domain::words::{ActKind, EnforcementKind};

/// Something that was done about a merchant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActDone {
    /// About whom.
    pub credit_code: CreditCode,
    /// Which act.
    pub kind: ActKind,
    /// Day it was done.
    pub day: Day,
}

impl ActDone {
    /// Returns the act that an event records, if it records one.
    #[must_use]
    pub const fn of(event: &Event) -> Option<Self> {
        let (kind, act) = match event {
            Event::RectificationOrdered(order) => {
                let kind = ActKind::RectificationOrdered;
                return Some(Self { credit_code: order.credit_code, kind, day: order.date });
            }
            Event::AlertActedOn(act) => {
                return match (act.kind, act.date) {
                    (Some(kind), Some(day)) => Some(Self { credit_code: act.credit_code, kind, day }),
                    _ => None,
                };
            }
            Event::SiteChecked(check) => {
                return Some(Self { credit_code: check.credit_code, kind: ActKind::OnSiteCheck, day: check.date });
            }
            Event::LeadTransferred(lead) => {
                return Some(Self { credit_code: lead.credit_code, kind: ActKind::HandedOver, day: lead.date });
            }
            Event::WarningLetterIssued(act) => (ActKind::WarningLetter, act),
            Event::YellowCardPosted(act) => (ActKind::YellowCard, act),
            Event::TalkHeld(act) => (ActKind::Talk, act),
            Event::RectificationMet(act) => (ActKind::RectificationMet, act),
            Event::PenaltyDecided(act) => (ActKind::Penalty, act),
            _ => return None,
        };
        Some(Self { credit_code: act.credit_code, kind, day: act.date })
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
            // A card that is taken down is no answer to a light.
            let Ok(act) = kind.name().parse::<ActKind>() else {
                assert_eq!(*kind, EnforcementKind::YellowCardRemoved);
                continue;
            };
            // An on-site check may be recorded in the case, too.
            let own = (act != ActKind::OnSiteCheck).then_some(*kind);
            assert_eq!((act.enforcement(), act.zh()), (own, kind.zh()));
        }
    }
}

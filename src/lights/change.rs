//! From a grade to the event that records it: `light.changed` when colour or reasons differ from what was last recorded.

use super::explain::{Draft, explain};
use super::grade::{Grade, grade};
use super::moment::Subject;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{DeadlineMissed, Event, LightCause, LightChanged, Reason};
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::log::contract::{Append, Expected};
use crate::picture::lights::{Lit, light_stream};
use uuid::Uuid;

/// Namespace of the ids of light changes. Chosen at random once; never changes, or a restart would record twice.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c4e_9a31_0d5b_4c8f_8e1a_3b60_52d7_f419);

/// A change of a light, before the events of its reasons are named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose light.
    pub code: CreditCode,
    /// Light before.
    pub from: Light,
    /// Light from now on.
    pub to: Light,
    /// Why.
    pub reasons: Vec<Draft>,
    /// Rules newly lit by silence.
    pub missed: Vec<String>,
    /// Number of events in the merchant's light stream.
    pub revision: u32,
}

/// Grades a subject and compares with the light last recorded; `None` if nothing is to be recorded.
#[must_use]
pub fn change(subject: &Subject<'_>, lit: Option<&Lit>) -> Option<Change> {
    let grade = if subject.merchant.exists(&subject.moment.horizon) {
        grade(subject)
    } else {
        Grade { light: Light::Green, fired: Vec::new() }
    };
    let pack = &subject.moment.policies.pack;
    let before = lit.map(|lit| &*lit.rules).unwrap_or_default();
    let from = lit.map_or(Light::Green, |lit| lit.light);
    let same_rules = grade.rules(pack).map(|rule| rule.id.as_str()).eq(before.iter().map(|rule| &**rule));
    if from == grade.light && same_rules {
        return None;
    }
    let new = grade.rules(pack).filter(|rule| !before.iter().any(|id| **id == *rule.id));
    let missed = new.filter(|rule| rule.silence).map(|rule| rule.id.clone()).collect();
    Some(Change {
        code: subject.merchant.code,
        from,
        to: grade.light,
        reasons: explain(subject, &grade),
        missed,
        revision: lit.map_or(0, |lit| lit.revision),
    })
}

impl Change {
    /// Returns the append that records the change. Ids are derived from the place in the light's stream, so a crash, a
    /// retry or a second node records it once. When time alone made the change, the deadlines missed are recorded with it.
    ///
    /// `newest` is the newest evidence it follows from: the change is on its trail. A change that no evidence made, or evidence
    /// of no trail, begins a trail of its own, named by its id.
    #[must_use]
    pub fn append(
        self,
        subject: &Subject<'_>,
        cause: LightCause,
        notify: bool,
        newest: Option<&NewEvent>,
        reasons: Vec<Reason>,
        recorded_at: Instant,
    ) -> (Uuid, LightChanged, Append) {
        let at = subject.moment.horizon.now;
        let stream = light_stream(self.code);
        let id = |revision: u32| Uuid::new_v5(&NAMESPACE, format!("{stream}/{revision}").as_bytes());
        let changed = LightChanged {
            credit_code: self.code,
            from: self.from,
            to: self.to,
            at,
            known: subject.moment.horizon.known,
            pack: subject.moment.policies.pack.id.clone(),
            policy: subject.moment.policies.digest.clone(),
            cause,
            notify,
            reasons,
        };
        let first = id(self.revision);
        let origin = Origin {
            causation: newest.map(|event| event.id),
            correlation: Some(newest.and_then(|event| event.correlation).unwrap_or(first)),
            ..Origin::service()
        };
        let mut events = vec![NewEvent::new(first, at, &origin, &Event::LightChanged(changed.clone()))];
        if cause == LightCause::Time {
            for (rule, revision) in self.missed.into_iter().zip(self.revision + 1..) {
                let missed = Event::DeadlineMissed(DeadlineMissed { credit_code: self.code, rule, at });
                let origin = Origin { causation: Some(first), ..origin.clone() };
                events.push(NewEvent::new(id(revision), at, &origin, &missed));
            }
        }
        let expected = Expected::after(self.revision.into());
        let append = Append { stream: stream.into(), expected, recorded_at, idempotency_key: None, events };
        (first, changed, append)
    }
}

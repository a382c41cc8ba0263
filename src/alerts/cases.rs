//! What cases have to say about their lights: a case opens, worsens or comes to another reason, opens again, or ends because the
//! light is out. Pure: the same change gives the same event, under the same id, however often and on whichever node.

use super::request::About;
use crate::domain::case::{Case, Cases, Pending, stream_of};
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{AlertClosed, AlertRaised, DutyArisen, Event, Reason};
use crate::domain::time::{Instant, day_of, plus_days};
use crate::domain::words::{CaseOutcome, Light};
use crate::log::contract::{Append, Expected};
use crate::policy::Policies;
use uuid::Uuid;

/// Namespace of every id that is derived for a case. Chosen at random once; never changes, or a restart would open cases twice.
const NAMESPACE: Uuid = Uuid::from_u128(0xb6a3_52e9_41c7_4d08_8a5e_1f7d_c920_64b3);

/// Returns the id of the case that a light change opens.
#[must_use]
pub fn case_id(change: Uuid) -> Uuid {
    Uuid::new_v5(&NAMESPACE, change.as_bytes())
}

/// Returns what a case says about a light change that waits for it. `trail` is that of the change.
#[must_use]
pub fn taken_up(
    pending: &Pending,
    trail: Option<Uuid>,
    cases: &Cases,
    about: &About,
    policies: &Policies,
    now: Instant,
) -> Append {
    let change = &pending.change;
    let known = cases.latest(change.credit_code);
    let known = known.filter(|case| case.is_open() || opens_again(case, change.at, policies));
    let (alert, revision) = known.map_or((case_id(pending.id), 0), |case| (case.id, case.revision));
    let (step, event) = if change.to == Light::Green {
        ("closed", closed(alert, pending))
    } else {
        let is_fresh = |reason: &&Reason| known.is_none() || pending.fresh.contains(&reason.rule);
        let duties = change.reasons.iter().filter(is_fresh).filter_map(|reason| duty(alert, pending, reason, policies));
        ("raised", raised(alert, pending, about, duties.collect()))
    };
    let id = Uuid::new_v5(&alert, format!("{step}/{}", pending.id).as_bytes());
    let origin = Origin { causation: Some(pending.id), correlation: trail, ..Origin::service() };
    append(alert, revision, NewEvent::new(id, change.at, &origin, &event), now)
}

/// Returns the append of a case's own event, decided when its stream had so many.
fn append(alert: Uuid, revision: u32, event: NewEvent, now: Instant) -> Append {
    Append {
        stream: stream_of(alert).into(),
        expected: revision.checked_sub(1).map_or(Expected::NoStream, |last| Expected::Revision(last.into())),
        recorded_at: now,
        idempotency_key: None,
        events: vec![event],
    }
}

/// Says whether a light that rises at an instant opens a case again that had ended.
fn opens_again(case: &Case, at: Instant, policies: &Policies) -> bool {
    let days = policies.pack.follow_up.as_ref().map_or(0, |follow_up| follow_up.reopen_days);
    case.closed.is_some_and(|closed| day_of(at) <= plus_days(day_of(closed.at), i64::from(days)))
}

fn closed(alert: Uuid, pending: &Pending) -> Event {
    let change = &pending.change;
    Event::AlertClosed(AlertClosed {
        alert,
        credit_code: change.credit_code,
        at: change.at,
        note: None,
        outcome: Some(CaseOutcome::LightOut),
        change: Some(pending.id),
    })
}

fn raised(alert: Uuid, pending: &Pending, about: &About, duties: Vec<DutyArisen>) -> Event {
    let change = &pending.change;
    Event::AlertRaised(AlertRaised {
        alert,
        credit_code: change.credit_code,
        light: change.to,
        change: pending.id,
        sector: about.sector.clone(),
        at: change.at,
        duties,
    })
}

/// Returns what a rule that fired obliges somebody to; `None` if the policies in force do not know the rule any more.
fn duty(alert: Uuid, pending: &Pending, reason: &Reason, policies: &Policies) -> Option<DutyArisen> {
    let rule = policies.pack.rule(&reason.rule)?;
    let name = format!("duty/{}/{}", reason.rule, pending.id);
    Some(DutyArisen {
        duty: Uuid::new_v5(&alert, name.as_bytes()),
        rule: reason.rule.clone(),
        version: reason.version,
        light: reason.light,
        zh: rule.duty.zh.clone(),
        en: rule.duty.en.clone(),
        who: rule.duty.who.clone(),
        clause: reason.clause.clone(),
        due_at: rule.duty.due(pending.change.at, &policies.calendar),
        acts: rule.duty.acts.clone(),
    })
}

#[cfg(test)]
mod tests;

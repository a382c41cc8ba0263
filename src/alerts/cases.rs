//! What cases have to say about their lights: a case opens, worsens or comes to another reason, opens again, or ends because the
//! light is out. Pure: the same change gives the same event, under the same id, however often and on whichever node.

use super::request::{About, asked, mail_id};
use crate::domain::case::{Call, Case, Cases, Duty, Pending, stream_of};
use crate::domain::dealings::CheckItem;
use crate::domain::decide::merchant_stream;
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{
    AlertClosed, AlertEscalated, AlertRaised, AlertRouted, AlertStep, DutyArisen, Event, JointCheck, LightNews,
    MailCall, MailNews, MailRequested, Reason, Recipient,
};
use crate::domain::evidence::{Evidence as _, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::time::{Instant, day_of, due_day, plus_days};
use crate::domain::words::{CaseOutcome, JointCheckStep, Light};
use crate::log::contract::{Append, Expected};
use crate::policy::Policies;
use crate::policy::calendar::Calendar;
use crate::policy::follow_up::FollowUp;
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
    let known =
        known.filter(|case| case.is_open() || change.may_come_again() || opens_again(case, change.at, policies));
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

/// Returns the step up that a duty takes because its time is over; `None` if there is no further step.
#[must_use]
pub fn escalated(
    case: &Case,
    duty: &Duty,
    at: Instant,
    follow_up: &FollowUp,
    calendar: &Calendar,
    now: Instant,
) -> Option<Append> {
    let step = follow_up.step(duty.steps)?;
    let number = duty.steps + 1;
    let event = Event::AlertEscalated(AlertEscalated {
        alert: case.id,
        credit_code: case.credit_code,
        at,
        note: None,
        duty: Some(duty.arisen.duty),
        step: Some(number),
        to: Some(step.to.name().to_owned()),
        next_at: follow_up.step_at(number, at, calendar),
    });
    let id = Uuid::new_v5(&duty.arisen.duty, format!("step/{number}").as_bytes());
    let origin = Origin { causation: Some(case.change), ..Origin::service() };
    Some(append(case.id, case.revision, NewEvent::new(id, at, &origin, &event), now))
}

/// Returns the reminder of a case that was acknowledged at an instant and not acted on; it was due at `at`.
#[must_use]
pub fn reminded(case: &Case, acknowledged_at: Instant, at: Instant, now: Instant) -> Append {
    let (alert, credit_code) = (case.id, case.credit_code);
    let event = Event::AlertReminded(AlertStep { alert, credit_code, at, note: None });
    let id = Uuid::new_v5(&alert, format!("reminded/{acknowledged_at}").as_bytes());
    let origin = Origin { causation: Some(case.change), ..Origin::service() };
    append(alert, case.revision, NewEvent::new(id, at, &origin, &event), now)
}

/// Returns what an open case says when the merchant's sector is another than the one it was routed to; `tells` says that somebody
/// is in charge now who was not before.
#[must_use]
pub fn routed(case: &Case, sector: Option<&str>, tells: bool, now: Instant) -> Append {
    let (alert, credit_code) = (case.id, case.credit_code);
    let (from, to) = (case.sector.clone(), sector.map(str::to_owned));
    let event = Event::AlertRouted(AlertRouted { alert, credit_code, at: now, from, to, tells });
    // Of two nodes that find it, one is first at this revision.
    let id = Uuid::new_v5(&alert, format!("routed/{}", case.revision).as_bytes());
    let origin = Origin { causation: Some(case.change), ..Origin::service() };
    append(alert, case.revision, NewEvent::new(id, now, &origin, &event), now)
}

/// Returns the request for the mail that tells of a step up, a reminder, or a case that came to another office. `gathered` are the addresses
/// of those recipients who are told of it with others.
#[must_use]
pub fn call(
    case: &Case,
    call: &Call,
    about: &About,
    recipients: Vec<Recipient>,
    gathered: Vec<String>,
    now: Instant,
) -> Append {
    let mail = mail_id(call.id);
    let late = call.duty.and_then(|duty| case.duty(duty));
    let duties: Vec<&Duty> = late.map_or_else(|| case.standing().collect(), |duty| vec![duty]);
    let list =
        |pick: fn(&Duty) -> &str, between: &str| duties.iter().map(|duty| pick(duty)).collect::<Vec<_>>().join(between);
    let requested = MailRequested {
        mail,
        at: call.at,
        recipients,
        gathered,
        news: MailNews::Light(LightNews {
            change: case.change,
            credit_code: case.credit_code,
            merchant: about.name.clone(),
            from: case.light,
            to: case.light,
            sector: about.sector.clone(),
            call: Some(MailCall {
                alert: case.id,
                cause: call.id,
                zh: list(|duty| &duty.arisen.zh, "、"),
                en: list(|duty| &duty.arisen.en, ", "),
                due_at: late.and_then(Duty::due_at),
                routed: call.is_routing(),
            }),
        }),
    };
    asked(requested, &Origin { causation: Some(call.id), ..Origin::service() }, now)
}

/// Returns the joint check (综合查一次) that the regulators of several sectors are proposed who have something to do about one
/// merchant, whose stream has so many events; `None` if these were proposed one for this case before, whatever became of it, or if one
/// with all of them is to come.
#[must_use]
pub fn joint_check(case: &Case, merchant: &Merchant, recorded: u32, now: Instant) -> Option<Append> {
    let sectors: Vec<String> = case.regulators().into_iter().map(str::to_owned).collect();
    if sectors.len() < 2 {
        return None;
    }
    let id = Uuid::new_v5(&case.id, format!("joint_check/{}", sectors.join("/")).as_bytes());
    let short: String = id.simple().to_string().chars().take(8).collect();
    let check = format!("ZH-{}", short.to_uppercase());
    let known = merchant.dealings();
    let is_same = |item: &CheckItem| item.is(&check, JointCheckStep::Proposed);
    let is_to_come = |item: &CheckItem| {
        item.step == JointCheckStep::Proposed
            && item.until() == STANDING
            && sectors.iter().all(|sector| item.sectors.contains(sector))
            && known.check(&item.check, JointCheckStep::Done).is_none()
    };
    if known.checks.iter().any(|item| is_same(item) || is_to_come(item)) {
        return None;
    }
    let at = case.standing().map(|duty| duty.at).max()?;
    // By the day that the first of them has to be done with.
    let (credit_code, date) = (case.credit_code, case.due_at().map_or_else(|| day_of(at), due_day));
    let event = Event::JointCheckProposed(JointCheck { credit_code, check, date, sectors, result: None });
    let origin = Origin { causation: Some(case.change), ..Origin::service() };
    Some(Append {
        stream: merchant_stream(credit_code).into(),
        expected: Expected::after(recorded.into()),
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(id, at, &origin, &event)],
    })
}

/// Returns the append of a case's own event, decided when its stream had so many.
fn append(alert: Uuid, revision: u32, event: NewEvent, now: Instant) -> Append {
    Append {
        stream: stream_of(alert).into(),
        expected: Expected::after(revision.into()),
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

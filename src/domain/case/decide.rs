//! What follows from what a person does with a case.

use super::{Case, Duty, stream_of};
use crate::domain::check::Problem;
use crate::domain::command::HandleCase;
use crate::domain::decide::Decision;
use crate::domain::event::{
    AlertActedOn, AlertAssigned, AlertClosed, AlertNoted, AlertStep, DutyPaused, DutyWaived, Event,
};
use crate::domain::time::{Day, Instant, day_of, plus_days, start_of};
use crate::domain::words::{CaseAction, CaseOutcome, Light};

/// What a decision about a case may look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Doing<'a> {
    /// The case that the command names, if there is one.
    pub case: Option<&'a Case>,
    /// Who does it.
    pub actor: &'a str,
    /// Days that a duty may be put off at most.
    pub pause_days: u32,
    /// Whoever it is given to is a name that nobody here is known by.
    pub to_stranger: bool,
    /// Whoever it is given to is known here, and sees neither the merchant nor its cases.
    pub to_blind: bool,
}

/// Decides what a person does with a case at `now`. What stands already becomes no event.
///
/// # Errors
/// What is wrong, naming the field.
pub fn decide(row: &HandleCase, doing: Doing<'_>, now: Instant) -> Result<Decision, Vec<Problem>> {
    let Some(case) = doing.case.filter(|case| case.credit_code == row.credit_code) else {
        let (zh, en) = ("没有该商户的此项处置", "there is no such case about this merchant");
        return Err(wrong("alert", "unknown_case", row.alert, zh, en));
    };
    if !case.is_open() && row.action != CaseAction::Note {
        let (zh, en) = (
            "该处置已办结，只能备注；再次亮灯时自动重启",
            "the case has ended, it takes notes only; it opens again when the light does",
        );
        return Err(wrong("alert", "case_closed", row.alert, zh, en));
    }
    if let Some(to) = row.to.as_deref().filter(|_| row.action == CaseAction::Assign && doing.to_blind) {
        return Err(vec![blind(to)]);
    }
    let event = event(row, case, &doing, now)?;
    let events: Vec<_> = event.into_iter().map(|event| (now, event)).collect();
    let is_news = !events.is_empty();
    let warnings = row.to.iter().filter(|_| doing.to_stranger && is_news).map(|to| stranger(to)).collect();
    Ok(Decision { stream: stream_of(case.id), revision: case.revision, events, warnings })
}

/// Returns what is said of an act of a day before its case opened.
#[must_use]
pub fn before_case(day: Day) -> Problem {
    let (zh, en) =
        ("早于本次处置的立案日期，不能作为本次的处置", "it lies before the case opened, so it is no act of this case");
    Problem { field: "date", code: "before_case", value: day.to_string(), zh: zh.to_owned(), en: en.to_owned() }
}

/// Returns what is said of a name that a case is given to, and nobody here is known by.
#[must_use]
pub fn stranger(to: &str) -> Problem {
    let zh = "本系统没有以此名称发放的密钥，请核对是否写错；接办人不用本系统时可照此转交".to_owned();
    let en = "nobody here has a key of this name: check how it is written; it may be meant so, where they do not work with this service"
        .to_owned();
    Problem { field: "to", code: "unknown_person", value: to.to_owned(), zh, en }
}

/// Returns what is said of somebody to whom a case is given who could not see it.
fn blind(to: &str) -> Problem {
    let zh =
        "该接办人的密钥看不到此商户的处置：不在其管辖的区划、行业内，无此权限，或密钥已失效；请转给主管单位或牵头单位"
            .to_owned();
    let en = "whoever this is could not see the case: the merchant is in another district or sector, the role has no part in cases, or the \
              key opens nothing any more; give it to the office in charge, or to the lead office"
        .to_owned();
    Problem { field: "to", code: "cannot_see", value: to.to_owned(), zh, en }
}

fn event(row: &HandleCase, case: &Case, doing: &Doing<'_>, now: Instant) -> Result<Option<Event>, Vec<Problem>> {
    let (alert, credit_code, at, note) = (case.id, case.credit_code, now, row.note.clone());
    let step = || AlertStep { alert, credit_code, at, note: note.clone() };
    let why = || note.clone().ok_or_else(|| missing("note", "须写明内容或原因", "say what, or why, in `note`"));
    Ok(match row.action {
        CaseAction::Acknowledge => case.acknowledged_at.is_none().then(|| Event::AlertAcknowledged(step())),
        CaseAction::Unacknowledge => case.acknowledged_at.is_some().then(|| Event::AcknowledgementWithdrawn(step())),
        CaseAction::Take => given(case, doing.actor, step()),
        CaseAction::Assign => {
            let to = row.to.as_deref().ok_or_else(|| missing("to", "须写明转给谁", "say in `to` who gets it"))?;
            given(case, to, step())
        }
        CaseAction::Note => Some(Event::AlertNoted(AlertNoted { alert, credit_code, at, note: why()? })),
        CaseAction::Act => {
            let kind = row.kind.ok_or_else(|| missing("kind", "须写明处置措施", "say in `kind` what was done"))?;
            if kind.enforcement().is_some() {
                let (zh, en) =
                    ("该措施请按执法记录（record_enforcement）填报", "it is recorded by `record_enforcement`");
                return Err(wrong("kind", "has_its_own_record", kind, zh, en));
            }
            let day = row.date.unwrap_or_else(|| day_of(now));
            if day < day_of(case.opened_at) {
                return Err(vec![before_case(day)]);
            }
            let act = AlertActedOn { alert, credit_code, at, note, kind: Some(kind), date: Some(day) };
            Some(Event::AlertActedOn(act))
        }
        CaseAction::Waive => {
            let (duty, reason) = (standing(row, case)?, why()?);
            Some(Event::DutyWaived(DutyWaived { alert, credit_code, duty: duty.arisen.duty, at, reason }))
        }
        CaseAction::Pause => {
            let (duty, reason) = (standing(row, case)?, why()?);
            let until = pause_until(row, duty, doing.pause_days, now)?;
            let paused = DutyPaused { alert, credit_code, duty: duty.arisen.duty, at, until, reason };
            Some(Event::DutyPaused(paused))
        }
        CaseAction::Close => {
            let outcome = outcome(row, case)?;
            Some(Event::AlertClosed(AlertClosed { alert, credit_code, at, note, outcome: Some(outcome), change: None }))
        }
    })
}

fn given(case: &Case, to: &str, AlertStep { alert, credit_code, at, note }: AlertStep) -> Option<Event> {
    let assigned = || Event::AlertAssigned(AlertAssigned { alert, credit_code, to: to.to_owned(), at, note });
    (case.holder.as_deref() != Some(to)).then(assigned)
}

/// Returns the duty that is named, if it stands.
fn standing<'c>(row: &HandleCase, case: &'c Case) -> Result<&'c Duty, Vec<Problem>> {
    let Some(id) = row.duty else {
        return Err(missing("duty", "须写明是哪一项应办事项", "say in `duty` which one"));
    };
    let Some(duty) = case.duty(id) else {
        return Err(wrong("duty", "unknown_duty", id, "该处置没有此项应办事项", "the case has no such duty"));
    };
    if !duty.stands() {
        return Err(wrong(
            "duty",
            "duty_ended",
            id,
            "该事项已办结、免办或不再适用",
            "the duty was fulfilled, waived, or fell away",
        ));
    }
    Ok(duty)
}

/// A pause has an end, not too far off, and never covers red.
fn pause_until(row: &HandleCase, duty: &Duty, most: u32, now: Instant) -> Result<Instant, Vec<Problem>> {
    let Some(day) = row.until else {
        return Err(missing("until", "暂缓须写明截止日期", "a pause needs its last day in `until`"));
    };
    if duty.arisen.light == Light::Red {
        return Err(wrong(
            "duty",
            "red",
            duty.arisen.duty,
            "红灯事项不得暂缓",
            "what a red light asks for cannot be put off",
        ));
    }
    let last = plus_days(day_of(now), i64::from(most));
    if day < day_of(now) || day > last {
        let zh = format!("暂缓截止日期应在今日至 {last} 之间（最多 {most} 日）");
        let en = format!("a pause ends between today and {last}, {most} days at most");
        return Err(wrong("until", "pause_too_long", day, &zh, &en));
    }
    Ok(start_of(plus_days(day, 1)))
}

/// A case is ended by a person when nothing is left to do, and the person says how.
fn outcome(row: &HandleCase, case: &Case) -> Result<CaseOutcome, Vec<Problem>> {
    let outcome = row.outcome.ok_or_else(|| missing("outcome", "办结须写明结果", "say in `outcome` how it ended"))?;
    if outcome == CaseOutcome::LightOut {
        let (zh, en) = ("灯灭由系统在转绿时自动办结", "that the light is out is for the service to say, when it is");
        return Err(wrong("outcome", "not_yours", outcome, zh, en));
    }
    let open: Vec<&Duty> = case.standing().collect();
    if !open.is_empty() {
        let list = |pick: fn(&Duty) -> &str| open.iter().map(|duty| pick(duty)).collect::<Vec<_>>();
        let zh = format!("还有应办事项：{}；请先办理或免办", list(|duty| &duty.arisen.zh).join("、"));
        let en = format!("there is still to do: {}; do it or waive it first", list(|duty| &duty.arisen.en).join(", "));
        return Err(wrong("outcome", "duties_open", outcome, &zh, &en));
    }
    if outcome == CaseOutcome::Other && row.note.is_none() {
        return Err(missing("note", "结果为「其他」时须说明", "say in `note` how it ended"));
    }
    Ok(outcome)
}

fn missing(field: &'static str, zh: &str, en: &str) -> Vec<Problem> {
    wrong(field, "missing", "", zh, en)
}

fn wrong(field: &'static str, code: &'static str, value: impl ToString, zh: &str, en: &str) -> Vec<Problem> {
    vec![Problem { field, code, value: value.to_string(), zh: zh.to_owned(), en: en.to_owned() }]
}

#[cfg(test)]
mod tests;

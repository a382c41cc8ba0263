//! Decisions about leads, joint checks and enforcement cases: a step needs the one before it, and two answers to one lead contradict
//! each other.

use super::{Known, stands};
use crate::domain::check::Problem;
use crate::domain::command::{RecordCase, RecordJointCheck, RecordLead};
use crate::domain::dealings::Dealings;
use crate::domain::event::{CaseOpened, Event, JointCheck, Lead, LeadTransferred};
use crate::domain::evidence::{Evidence as _, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::time::{Day, Instant, start_of};
use crate::domain::words::{JointCheckStep, LeadStep};

type Decided = Result<Vec<(Instant, Event)>, Vec<Problem>>;

/// Decides a step of a lead.
pub(super) fn lead(row: &RecordLead, merchant: Option<&Merchant>) -> Decided {
    let event = event_of(row);
    let told = vec![(start_of(row.date), event)];
    if told.iter().all(|(_, event)| stands(merchant, event)) {
        return Ok(told);
    }
    let known = merchant.map_or(Dealings::none(), Merchant::dealings);
    let transferred = known.lead(&row.lead, LeadStep::Transferred);
    let answered = [LeadStep::Accepted, LeadStep::Returned].map(|step| known.lead(&row.lead, step));
    let problem = match row.step {
        LeadStep::Transferred => answered
            .into_iter()
            .flatten()
            .find(|answer| answer.date < row.date)
            .map(|answer| already(row, answer.step, answer.date)),
        LeadStep::Accepted | LeadStep::Returned => match transferred {
            None => Some(not_transferred(row)),
            Some(transfer) if row.date < transfer.date => Some(before_transfer(row, transfer.date)),
            Some(_) => answered
                .into_iter()
                .flatten()
                .find(|answer| answer.step != row.step)
                .map(|answer| already(row, answer.step, answer.date)),
        },
    };
    problem.map_or(Ok(told), |problem| Err(vec![problem]))
}

fn event_of(row: &RecordLead) -> Event {
    let (credit_code, lead, date) = (row.credit_code, row.lead.clone(), row.date);
    let (authority, note) = (row.authority.clone(), row.note.clone());
    let answer = || Lead { credit_code, lead: lead.clone(), date, authority: authority.clone(), note: note.clone() };
    match row.step {
        LeadStep::Accepted => Event::LeadAccepted(answer()),
        LeadStep::Returned => Event::LeadReturned(answer()),
        LeadStep::Transferred => {
            let (reported_on, approved_at, handed_over_at) = (row.reported_on, row.approved_at, row.handed_over_at);
            Event::LeadTransferred(LeadTransferred {
                credit_code,
                lead,
                date,
                authority,
                note,
                reported_on,
                approved_at,
                handed_over_at,
            })
        }
    }
}

fn not_transferred(row: &RecordLead) -> Problem {
    Problem {
        field: "lead",
        code: "no_such_lead",
        value: row.lead.clone(),
        zh: format!("该商户没有编号为 `{}` 的线索移送，无从{}；请先记录移送，或核对编号", row.lead, row.step.zh()),
        en: format!(
            "no lead `{}` was transferred about this merchant, so there is none that was {}; record the transfer first, \
             or check the number",
            row.lead, row.step
        ),
    }
}

fn before_transfer(row: &RecordLead, transferred: Day) -> Problem {
    Problem {
        field: "date",
        code: "before_transfer",
        value: row.date.to_string(),
        zh: format!("线索 `{}` 于 {transferred} 移送，不得早于该日", row.lead),
        en: format!("lead `{}` was transferred on {transferred}; its answer cannot come before", row.lead),
    }
}

fn already(row: &RecordLead, step: LeadStep, date: Day) -> Problem {
    Problem {
        field: "step",
        code: "contradicts",
        value: row.step.zh().to_owned(),
        zh: format!(
            "线索 `{}` 已于 {date} {}；有误请先作废该记录，再次移送请用新的编号",
            row.lead,
            step.zh().trim_start_matches("线索")
        ),
        en: format!(
            "lead `{}` was {step} on {date}; cancel that entry if it is wrong, and give another transfer a number of its own",
            row.lead
        ),
    }
}

/// Decides a step of a joint check.
pub(super) fn joint_check(row: &RecordJointCheck, known: &Known<'_>, now: Instant) -> Decided {
    let unknown: Vec<Problem> = row
        .sectors
        .iter()
        .filter(|sector| !known.sectors.contains(sector))
        .map(|sector| no_sector(sector, known.sectors))
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let (credit_code, check, date) = (row.credit_code, row.check.clone(), row.date);
    let said = JointCheck { credit_code, check, date, sectors: row.sectors.clone(), result: row.result.clone() };
    // What is planned was said now; what was done happened on its day.
    let (at, event) = match row.step {
        JointCheckStep::Proposed => (now, Event::JointCheckProposed(said)),
        JointCheckStep::Confirmed => (now, Event::JointCheckConfirmed(said)),
        JointCheckStep::Done => (start_of(date), Event::JointCheckDone(said)),
    };
    let merchant = known.merchant;
    if stands(merchant, &event) {
        return Ok(vec![(at, event)]);
    }
    let before = merchant.map_or(Dealings::none(), Merchant::dealings);
    let stood = |step| before.check(&row.check, step);
    let problem = match (row.step, stood(JointCheckStep::Done)) {
        (JointCheckStep::Proposed | JointCheckStep::Confirmed, Some(done)) => Some(is_done(row, done.date)),
        (JointCheckStep::Confirmed | JointCheckStep::Done, _) if stood(JointCheckStep::Proposed).is_none() => {
            Some(not_proposed(row))
        }
        _ => None,
    };
    problem.map_or_else(|| Ok(vec![(at, event)]), |problem| Err(vec![problem]))
}

fn no_sector(sector: &str, sectors: &[String]) -> Problem {
    let list = sectors.join(", ");
    Problem {
        field: "sectors",
        code: "unknown_sector",
        value: sector.to_owned(),
        zh: format!("没有行业 `{sector}`；可用：{list}"),
        en: format!("there is no sector `{sector}`; use one of {list}"),
    }
}

fn not_proposed(row: &RecordJointCheck) -> Problem {
    Problem {
        field: "check",
        code: "no_such_check",
        value: row.check.clone(),
        zh: format!("该商户没有编号为 `{}` 的综合查一次提议；请先记录提议，或核对编号", row.check),
        en: format!(
            "no joint check `{}` was proposed for this merchant; record the proposal first, or check the number",
            row.check
        ),
    }
}

fn is_done(row: &RecordJointCheck, done: Day) -> Problem {
    Problem {
        field: "step",
        code: "contradicts",
        value: row.step.zh().to_owned(),
        zh: format!("综合查一次 `{}` 已于 {done} 完成；有误请先作废该记录，再次检查请用新的编号", row.check),
        en: format!(
            "joint check `{}` took place on {done}; cancel that entry if it is wrong, and give another check a number of its own",
            row.check
        ),
    }
}

/// Decides the opening of an enforcement case. A ticket it is opened for is known, and about this merchant.
pub(super) fn case(row: &RecordCase, known: &Known<'_>) -> Decided {
    let ticket = row.ticket.as_deref().map(|number| known.ticket_of(row.credit_code, number)).transpose()?;
    let ticket = ticket.map(|complaint| complaint.ticket.to_string());
    let number = row.number.clone();
    let opened = CaseOpened { credit_code: row.credit_code, number, date: row.date, ticket };
    let another = known
        .merchant
        .map_or(Dealings::none(), Merchant::dealings)
        .cases
        .iter()
        .find(|case| case.until() == STANDING && case.is(&row.number) && case.date != row.date)
        .filter(|case| case.ticket.as_deref() != opened.ticket.as_deref());
    if let Some(case) = another {
        return Err(vec![Problem {
            field: "date",
            code: "contradicts",
            value: row.date.to_string(),
            zh: format!("案件 `{}` 已登记于 {} 立案；请核对日期和立案号", row.number, case.date),
            en: format!("case `{}` is known as opened on {}; check the day and the number", row.number, case.date),
        }]);
    }
    Ok(vec![(start_of(row.date), Event::CaseOpened(opened))])
}

pub(super) fn no_ticket(number: &str) -> Problem {
    Problem {
        field: "ticket",
        code: "no_such_ticket",
        value: number.to_owned(),
        zh: format!("该来源没有编号为 `{number}` 的关于此商户的工单；请先记录工单，或核对编号和来源"),
        en: format!(
            "no ticket `{number}` of this channel is known about this merchant; record the ticket first, or check number and \
             channel"
        ),
    }
}

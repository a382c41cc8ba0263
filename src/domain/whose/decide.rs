//! What follows from a ticket without a credit code, and from what a person decides about one.

use super::{Entry, State};
use crate::domain::check::Problem;
use crate::domain::code::CreditCode;
use crate::domain::command::{DecideUnattributed, RecordComplaint, RecordUnattributed};
use crate::domain::decide::ticket_row;
use crate::domain::event::{AttributionUndone, ComplaintAttributed, ComplaintQueued, ComplaintSetAside, Event};
use crate::domain::merchant::Merchant;
use crate::domain::ticket;
use crate::domain::time::Instant;
use crate::domain::words::{Agreement, Attribution, QueueDecision};

type Events = Vec<(Instant, Event)>;

/// Decides a row without a credit code whose ticket nobody knows, or which waits. `exact` is the merchant found by key.
pub(in crate::domain) fn queue_row(
    row: &RecordUnattributed,
    name: &str,
    entry: Option<&Entry>,
    exact: Option<(&Merchant, Vec<Agreement>)>,
    now: Instant,
) -> Result<Events, Vec<Problem>> {
    let said = said(row, name);
    let mut events = Vec::new();
    if entry.is_none_or(|entry| entry.said != said) {
        events.push((said.received_at, Event::ComplaintQueued(said.clone())));
    }
    let waits = entry.is_none_or(|entry| entry.state == State::Waiting);
    let exact = exact.filter(|(merchant, _)| entry.is_none_or(|entry| !entry.not.contains(&merchant.code)));
    if let Some((merchant, agreed)) = exact.filter(|_| waits) {
        let why: Vec<&str> = agreed.iter().map(|agreement| agreement.name()).collect();
        let attributed = ComplaintAttributed {
            ticket: name.to_owned(),
            credit_code: merchant.code,
            how: Attribution::Exact,
            reason: Some(why.join(", ")),
            candidates: Vec::new(),
        };
        events.extend(attribute(&said, attributed, now)?);
    }
    Ok(events)
}

/// Decides what a person says of a ticket of the queue.
pub(in crate::domain) fn decide_queued(
    row: &DecideUnattributed,
    name: &str,
    entry: Option<&Entry>,
    merchant: Option<&Merchant>,
    now: Instant,
) -> Result<Events, Vec<Problem>> {
    let Some(entry) = entry else {
        let zh = "待认领中没有该工单；请核对工单编号和来源";
        return Err(vec![problem(
            "ticket",
            "not_queued",
            &row.ticket,
            zh,
            "no such ticket came without a credit code; check its number and channel",
        )]);
    };
    let ticket = name.to_owned();
    let reason = || row.reason.clone().ok_or_else(|| vec![problem("reason", "missing", "", "须写明原因", "say why")]);
    match (row.decision, entry.state) {
        (QueueDecision::Attribute, State::Attributed(code, _)) if Some(code) == row.credit_code => Ok(Vec::new()),
        (QueueDecision::SetAside, State::SetAside) => Ok(Vec::new()),
        (QueueDecision::Undo, State::Waiting) => Ok(Vec::new()),
        (QueueDecision::Attribute | QueueDecision::SetAside, State::Attributed(..)) => {
            let zh = "该工单已认领；请先撤销认领";
            Err(vec![problem(
                "ticket",
                "attributed",
                &row.ticket,
                zh,
                "the ticket is attributed already; undo that first",
            )])
        }
        (QueueDecision::Attribute, State::Waiting | State::SetAside) => {
            let known = row.credit_code.filter(|_| merchant.is_some());
            let Some(credit_code) = known else {
                let value = row.credit_code.map(|code| code.to_string()).unwrap_or_default();
                let zh = "须写明已知商户的统一社会信用代码";
                return Err(vec![problem(
                    "credit_code",
                    "unknown_merchant",
                    &value,
                    zh,
                    "name a merchant that is known here",
                )]);
            };
            let candidates = row.candidates.iter().map(ToString::to_string).collect();
            let how = Attribution::Person;
            attribute(
                &entry.said,
                ComplaintAttributed { ticket, credit_code, how, reason: row.reason.clone(), candidates },
                now,
            )
        }
        (QueueDecision::SetAside, State::Waiting) => {
            Ok(vec![(now, Event::ComplaintSetAside(ComplaintSetAside { ticket, reason: reason()? }))])
        }
        (QueueDecision::Undo, state) => {
            let credit_code = if let State::Attributed(code, _) = state { Some(code) } else { None };
            let undone = AttributionUndone { ticket, credit_code, reason: reason()? };
            Ok(vec![(now, Event::AttributionUndone(undone))])
        }
    }
}

/// Returns the attribution by a later row that has the credit code.
pub(in crate::domain) fn by_code(name: &str, credit_code: CreditCode) -> ComplaintAttributed {
    let how = Attribution::Code;
    ComplaintAttributed { ticket: name.to_owned(), credit_code, how, reason: None, candidates: Vec::new() }
}

/// Returns the row as one about a merchant.
pub(in crate::domain) fn about(row: &RecordUnattributed, credit_code: CreditCode) -> RecordComplaint {
    RecordComplaint {
        ticket: row.ticket.clone(),
        channel: row.channel,
        received_at: row.received_at,
        credit_code,
        kind: row.kind,
        amount: row.amount,
        due_at: row.due_at,
        answered_at: row.answered_at,
        closed_at: row.closed_at,
        outcome: row.outcome,
    }
}

/// Returns the attribution and the complaint that follows from it: from here on it is a ticket like any other.
fn attribute(said: &ComplaintQueued, attributed: ComplaintAttributed, now: Instant) -> Result<Events, Vec<Problem>> {
    let row = RecordComplaint {
        ticket: said.ticket.clone(),
        channel: said.channel,
        received_at: said.received_at,
        credit_code: attributed.credit_code,
        kind: said.kind,
        amount: said.amount,
        due_at: said.due_at,
        answered_at: said.answered_at,
        closed_at: said.closed_at,
        outcome: said.outcome,
    };
    let known = ticket::Known { name: said.ticket.clone(), ticket: None };
    let mut events = vec![(now, Event::ComplaintAttributed(attributed))];
    events.extend(ticket_row::decide(&row, &known)?.1);
    Ok(events)
}

fn said(row: &RecordUnattributed, name: &str) -> ComplaintQueued {
    // Asterisks in place of a text say nothing; one with a number masked in it is still for a person to read.
    let text = |text: &Option<String>| text.clone().filter(|text| text.chars().any(char::is_alphanumeric));
    ComplaintQueued {
        ticket: name.to_owned(),
        channel: row.channel,
        kind: row.kind,
        received_at: row.received_at,
        amount: row.amount,
        due_at: row.due_at,
        answered_at: row.answered_at,
        closed_at: row.closed_at,
        outcome: row.outcome,
        name: text(&row.name),
        address: text(&row.address),
        mall: text(&row.mall),
        brand: text(&row.brand),
        street: text(&row.street),
        source: row.source.clone(),
        profile: row.profile.clone(),
    }
}

fn problem(field: &'static str, code: &'static str, value: &str, zh: &str, en: &str) -> Problem {
    Problem { field, code, value: value.to_owned(), zh: zh.to_owned(), en: en.to_owned() }
}

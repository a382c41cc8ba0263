//! What follows from a ticket without a credit code, and from what a person decides about one.

use super::{Clues, Entry, State};
use crate::domain::check::Problem;
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, DecideUnattributed, RecordComplaint, RecordUnattributed};
use crate::domain::decide::ticket_row;
use crate::domain::event::{AttributionUndone, ComplaintAttributed, ComplaintQueued, ComplaintSetAside, Event};
use crate::domain::evidence::Complaint;
use crate::domain::merchant::Merchant;
use crate::domain::ticket;
use crate::domain::time::Instant;
use crate::domain::words::{Agreement, Attribution, Channel, QueueDecision};
use crate::domain::world::World;

type Events = Vec<(Instant, Event)>;

/// Decides a row without a credit code whose ticket nobody knows, or which waits. `exact` is the merchant found by key.
pub(in crate::domain) fn queue_row(
    row: &RecordUnattributed,
    name: &str,
    entry: Option<&Entry>,
    exact: Option<(&Merchant, Vec<Agreement>)>,
    now: Instant,
) -> Result<Events, Vec<Problem>> {
    let said = said(row, name, entry.map(|entry| &entry.said))?;
    let mut events = Vec::new();
    if entry.is_none_or(|entry| entry.said != said) {
        events.push((said.received_at, Event::ComplaintQueued(said.clone())));
    }
    let waits = entry.is_none_or(|entry| entry.state == State::Waiting);
    let exact = exact.filter(|(merchant, _)| entry.is_none_or(|entry| !entry.not.contains(&merchant.code)));
    if let Some((merchant, agreed)) = exact.filter(|_| waits) {
        events.extend(attribute(&said, by_key(name, merchant.code, &agreed), now)?);
    }
    Ok(events)
}

/// Returns whom a ticket that waits leads to by key now, with what follows; `None` if it still leads nowhere, or to somebody from whom
/// it was taken away.
#[must_use]
pub fn found_now<'w>(entry: &Entry, world: &'w World, now: Instant) -> Option<(&'w Merchant, Vec<(Instant, Event)>)> {
    let (merchant, agreed) = world.whose(&Clues::from(&entry.said)).filter(|_| entry.state == State::Waiting)?;
    let may_be = !entry.not.contains(&merchant.code);
    let attributed = by_key(&entry.said.ticket, merchant.code, &agreed);
    may_be.then(|| attribute(&entry.said, attributed, now).ok()).flatten().map(|events| (merchant, events))
}

fn by_key(ticket: &str, credit_code: CreditCode, agreed: &[Agreement]) -> ComplaintAttributed {
    let why: Vec<&str> = agreed.iter().map(|agreement| agreement.name()).collect();
    ComplaintAttributed {
        ticket: ticket.to_owned(),
        credit_code,
        how: Attribution::Exact,
        reason: Some(why.join(", ")),
        candidates: Vec::new(),
    }
}

/// Code of the remark about a ticket that waits for a person; for whoever counts them.
pub const QUEUED: &str = "queued";

/// Returns the remark about a row without a credit code that nobody could be found for: it waits for a person.
pub(in crate::domain) fn left_waiting(
    command: &Command,
    entry: Option<&Entry>,
    events: &[(Instant, Event)],
) -> Option<Problem> {
    let Command::RecordUnattributed(row) = command else { return None };
    let waited = entry.is_none_or(|entry| entry.state == State::Waiting);
    let queued = events.iter().any(|(_, event)| matches!(event, Event::ComplaintQueued(_)));
    let found = events.iter().any(|(_, event)| matches!(event, Event::ComplaintAttributed(_)));
    let zh = "没有统一社会信用代码，按名称和地点也不能确定是哪家商户；已转入待认领，认领前不计入任何商户";
    let en = "no credit code, and name and place do not tell for sure which merchant is meant; it waits for a person (待认领) and counts for \
              nobody until then";
    (waited && queued && !found)
        .then(|| problem("credit_code", QUEUED, row.name.as_deref().unwrap_or_default(), zh, en))
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

/// Returns the row as one about the merchant whose ticket it is known to be.
pub(in crate::domain) fn about(
    row: &RecordUnattributed,
    credit_code: CreditCode,
    known: &Complaint,
) -> RecordComplaint {
    RecordComplaint {
        ticket: row.ticket.clone(),
        channel: row.channel,
        received_at: if row.given_time { known.received_at } else { row.received_at },
        credit_code,
        kind: row.kind,
        amount: row.amount,
        due_at: row.due_at,
        answered_at: row.answered_at,
        closed_at: row.closed_at,
        outcome: row.outcome,
        mall: row.mall.clone().filter(|_| row.channel == Channel::Mall),
        reply: None,
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
        mall: said.mall.clone().filter(|_| said.channel == Channel::Mall),
        reply: None,
    };
    let known = ticket::Known { name: said.ticket.clone(), ticket: None };
    let mut events = vec![(now, Event::ComplaintAttributed(attributed))];
    events.extend(ticket_row::decide(&row, &known)?.1);
    Ok(events)
}

/// Returns what a ticket says now. What a row leaves out takes nothing back, and by which file it came is no news.
///
/// # Errors
/// It says another time of receipt than before.
fn said(
    row: &RecordUnattributed,
    name: &str,
    before: Option<&ComplaintQueued>,
) -> Result<ComplaintQueued, Vec<Problem>> {
    // Asterisks in place of a text say nothing; one with a number masked in it is still for a person to read.
    let text = |text: &Option<String>| text.clone().filter(|text| text.chars().any(char::is_alphanumeric));
    let mut said = ComplaintQueued {
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
    };
    let Some(before) = before else { return Ok(said) };
    if row.given_time {
        said.received_at = before.received_at;
    }
    ticket_row::same_time(&row.ticket, said.received_at, before.received_at)?;
    if said.closed_at.is_none() {
        (said.closed_at, said.outcome) = (before.closed_at, before.outcome);
    }
    said.amount = said.amount.or(before.amount);
    said.due_at = said.due_at.or(before.due_at);
    said.answered_at = said.answered_at.or(before.answered_at);
    for (now, stood) in [
        (&mut said.name, &before.name),
        (&mut said.address, &before.address),
        (&mut said.mall, &before.mall),
        (&mut said.brand, &before.brand),
        (&mut said.street, &before.street),
    ] {
        if now.is_none() {
            now.clone_from(stood);
        }
    }
    let (source, profile) = (said.source.take(), said.profile.take());
    (said.source, said.profile) = (before.source.clone(), before.profile.clone());
    if said != *before {
        // Something else is news, and so is whoever brings it.
        (said.source, said.profile) = (source.or(said.source), profile.or(said.profile));
    }
    Ok(said)
}

fn problem(field: &'static str, code: &'static str, value: &str, zh: &str, en: &str) -> Problem {
    Problem { field, code, value: value.to_owned(), zh: zh.to_owned(), en: en.to_owned() }
}

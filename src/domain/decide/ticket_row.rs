//! A row of a ticket: it opens the ticket, adds what was open, or corrects what was known. Only another time of receipt or another
//! merchant contradicts it.

use crate::domain::check::Problem;
use crate::domain::code::CreditCode;
use crate::domain::command::RecordComplaint;
use crate::domain::event::{
    ComplaintCorrected, ComplaintReceived, ComplaintReply, ComplaintStep, ComplaintSupplemented, Event, TicketParts,
};
use crate::domain::evidence::{Complaint, Reply, STANDING};
use crate::domain::name_key;
use crate::domain::ticket;
use crate::domain::time::{Instant, local};
use crate::domain::words::Outcome;

/// Number of events the ticket's stream has, and those that follow.
pub(in crate::domain) type Follows = (u32, Vec<(Instant, Event)>);

/// Decides a row of a ticket.
pub(in crate::domain) fn decide(row: &RecordComplaint, known: &ticket::Known<'_>) -> Result<Follows, Vec<Problem>> {
    let step = |at| ComplaintStep { ticket: known.name.clone(), credit_code: row.credit_code, at };
    let closing = row.closed_at.zip(row.outcome);
    let mut events = Vec::new();
    let Some((owner, complaint)) = known.ticket else {
        let received = ComplaintReceived {
            ticket: known.name.clone(),
            credit_code: row.credit_code,
            channel: row.channel,
            kind: row.kind,
            received_at: row.received_at,
            amount: row.amount,
            due_at: row.due_at,
            complainant: None,
            mall: row.mall.clone(),
        };
        events.push((row.received_at, Event::ComplaintReceived(received)));
        events.extend(row.answered_at.map(|at| (at, Event::ComplaintAnswered(step(at)))));
        events.extend(closing.map(|(at, outcome)| (at, closed(outcome, step(at)))));
        events.extend(replied(row, &known.name, None));
        return Ok((0, events));
    };
    contradictions(row, owner.code, complaint)?;
    let stood = parts(complaint);
    let now = corrected(row, &stood);
    if now != TicketParts::default() {
        let before = replaced(&now, &stood);
        let correction = ComplaintCorrected {
            ticket: known.name.clone(),
            credit_code: row.credit_code,
            kind: now.kind,
            amount: now.amount,
            due_at: now.due_at,
            answered_at: now.answered_at,
            closed_at: now.closed_at,
            outcome: now.outcome,
            mall: now.mall,
            before,
        };
        events.push((row.received_at, Event::ComplaintCorrected(correction)));
    }
    let amount = row.amount.filter(|_| stood.amount.is_none());
    let due_at = row.due_at.filter(|_| stood.due_at.is_none());
    let mall = row.mall.clone().filter(|_| stood.mall.is_none());
    if amount.is_some() || due_at.is_some() || mall.is_some() {
        let (ticket, credit_code) = (known.name.clone(), row.credit_code);
        let more = ComplaintSupplemented { ticket, credit_code, amount, due_at, mall };
        events.push((row.received_at, Event::ComplaintSupplemented(more)));
    }
    if let Some(at) = row.answered_at.filter(|_| stood.answered_at.is_none()) {
        events.push((at, Event::ComplaintAnswered(step(at))));
    }
    if let Some((at, outcome)) = closing.filter(|_| stood.closed_at.is_none()) {
        events.push((at, closed(outcome, step(at))));
    }
    events.extend(replied(row, &known.name, complaint.reply.as_deref()));
    Ok((complaint.revision, events))
}

/// Returns the reply that a row brings, if it is another than the one that stands. It is true when the ticket was answered or closed.
fn replied(row: &RecordComplaint, name: &str, stands: Option<&Reply>) -> Option<(Instant, Event)> {
    let reply = row.reply.clone().filter(|reply| stands.is_none_or(|stands| *stands.text != **reply))?;
    let at = row.closed_at.or(row.answered_at).unwrap_or(row.received_at);
    Some((at, Event::ReplyRecorded(ComplaintReply { ticket: name.to_owned(), credit_code: row.credit_code, reply })))
}

fn closed(outcome: Outcome, step: ComplaintStep) -> Event {
    match outcome {
        Outcome::Resolved => Event::ComplaintResolved(step),
        Outcome::Unresolved => Event::ComplaintClosedUnresolved(step),
        Outcome::Withdrawn => Event::ComplaintWithdrawn(step),
        Outcome::Merged => Event::ComplaintMerged(step),
    }
}

/// What stands of a ticket.
fn parts(complaint: &Complaint) -> TicketParts {
    let closed = complaint.closed(STANDING);
    TicketParts {
        kind: Some(complaint.kind(STANDING)),
        amount: complaint.amount,
        due_at: complaint.due(STANDING),
        answered_at: complaint.answered(STANDING),
        closed_at: closed.map(|(at, _)| at),
        outcome: closed.map(|(_, outcome)| outcome),
        mall: complaint.mall.as_deref().map(str::to_owned),
    }
}

/// What a row says instead of what stands. What was open is not corrected but filled in.
fn corrected(row: &RecordComplaint, stood: &TicketParts) -> TicketParts {
    fn differs<T: PartialEq + Copy>(said: Option<T>, stood: Option<T>) -> Option<T> {
        said.filter(|said| stood.is_some_and(|stood| stood != *said))
    }
    let closing = row.closed_at.zip(row.outcome);
    let closing = differs(closing, stood.closed_at.zip(stood.outcome));
    TicketParts {
        kind: differs(Some(row.kind), stood.kind),
        amount: differs(row.amount, stood.amount),
        due_at: differs(row.due_at, stood.due_at),
        answered_at: differs(row.answered_at, stood.answered_at),
        // A closing is one statement: when and how.
        closed_at: closing.map(|(at, _)| at),
        outcome: closing.map(|(_, outcome)| outcome),
        mall: row.mall.clone().filter(|said| stood.mall.as_ref().is_some_and(|stood| !name_key::same(stood, said))),
    }
}

/// What a correction replaces.
fn replaced(now: &TicketParts, stood: &TicketParts) -> TicketParts {
    TicketParts {
        kind: stood.kind.filter(|_| now.kind.is_some()),
        amount: stood.amount.filter(|_| now.amount.is_some()),
        due_at: stood.due_at.filter(|_| now.due_at.is_some()),
        answered_at: stood.answered_at.filter(|_| now.answered_at.is_some()),
        closed_at: stood.closed_at.filter(|_| now.closed_at.is_some()),
        outcome: stood.outcome.filter(|_| now.outcome.is_some()),
        mall: stood.mall.clone().filter(|_| now.mall.is_some()),
    }
}

/// A ticket stays about one merchant and keeps the time it was received at.
fn contradictions(row: &RecordComplaint, owner: CreditCode, known: &Complaint) -> Result<(), Vec<Problem>> {
    if row.credit_code != owner {
        // What it is about, and what it says, is told to nobody: who asks may not see that merchant.
        return Err(vec![Problem {
            field: "credit_code",
            code: "contradicts",
            value: row.credit_code.to_string(),
            zh: format!("该来源的工单 `{}` 已登记在其他商户名下；请核对工单编号和统一社会信用代码", row.ticket),
            en: format!(
                "ticket `{}` of this channel is known about another merchant; check its number and the credit code",
                row.ticket
            ),
        }]);
    }
    same_time(&row.ticket, row.received_at, known.received_at)
}

/// Refuses a ticket that was received at another time than is known.
pub(in crate::domain) fn same_time(ticket: &str, stated: Instant, known: Instant) -> Result<(), Vec<Problem>> {
    if stated == known {
        return Ok(());
    }
    let time = |at: Instant| local(at).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let (stated, before) = (time(stated), time(known));
    Err(vec![Problem {
        field: "received_at",
        code: "contradicts",
        zh: format!("工单 `{ticket}` 已登记为 `{before}` 受理，与本行 `{stated}` 不一致；请核对工单"),
        en: format!("ticket `{ticket}` is known as received at `{before}`, this row says `{stated}`; check the ticket"),
        value: stated,
    }])
}

//! Complaints (投诉): tickets that come in, are answered, are closed.

use super::chance::Chance;
use super::code::credit_code;
use super::merchant::{Merchant, late_registration};
use super::story::Story;
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, RecordComplaint};
use crate::domain::money::Yuan;
use crate::domain::time::{Day, Instant, day_of, instant_of, plus_days, plus_hours};
use crate::domain::words::{Channel, ComplaintKind, Outcome};

/// The tickets of one merchant, numbered.
struct Tickets {
    serial: u64,
    code: CreditCode,
    count: u32,
}

impl Tickets {
    /// Returns the next ticket as it is on the day it is received: date, number of the merchant, number of its ticket.
    fn next(&mut self, day: Day, kind: ComplaintKind, chance: &mut Chance) -> RecordComplaint {
        self.count += 1;
        let channel = chance.weighted(&[(40, Channel::Hotline), (25, Channel::Platform), (35, Channel::Mall)]);
        // Also in the last minute of an hour, so that some deadlines end just before a full one.
        let minute = chance.pick(&[0, 0, 15, 30, 59]);
        let hour = i8::try_from(chance.between(0, 23)).unwrap_or_default();
        let fen = chance.weighted(&[(50, (40_000, 500_000)), (35, (500_000, 1_500_000)), (15, (1_500_000, 3_000_000))]);
        RecordComplaint {
            mall: None,
            ticket: format!("GD{}{:07}{:02}", day.strftime("%Y%m%d"), self.serial, self.count),
            channel,
            received_at: instant_of(day.at(hour, minute, 0, 0)),
            credit_code: self.code,
            kind,
            amount: Some(Yuan::from_fen(chance.between(fen.0, fen.1))),
            due_at: None,
            answered_at: None,
            closed_at: None,
            outcome: None,
            reply: None,
        }
    }
}

/// Tells the complaints about a merchant, and those of the customers who stand before a closed door.
pub(super) fn complain(merchant: &Merchant, closed: &[Day], chance: &mut Chance, story: &mut Story) {
    let mut tickets = Tickets { serial: merchant.serial, code: merchant.code, count: 0 };
    let usual = chance.weighted(&[(50, (0, 0)), (24, (1, 1)), (16, (2, 3)), (7, (4, 6)), (3, (7, 14))]);
    for _ in 0..chance.between(usual.0, usual.1) {
        let kind = chance.weighted(&[
            (42, ComplaintKind::Refund),
            (4, ComplaintKind::Closed),
            (20, ComplaintKind::Shrunk),
            (14, ComplaintKind::UnfairTerms),
            (20, ComplaintKind::Other),
        ]);
        let day = story.day(chance).max(merchant.since);
        let ticket = tickets.next(day, kind, chance);
        run(ticket, chance, story);
    }
    for closing in closed {
        // Around the three within 30 days that count, and at times many.
        let count = chance.weighted(&[(20, (0, 1)), (50, (2, 4)), (30, (5, 20))]);
        for _ in 0..chance.between(count.0, count.1) {
            let kind = chance.weighted(&[(70, ComplaintKind::Closed), (30, ComplaintKind::Refund)]);
            let day = plus_days(*closing, chance.weighted(&[(80, 3), (15, 29), (5, 31)]) - chance.between(0, 3));
            let ticket = tickets.next(day, kind, chance);
            run(ticket, chance, story);
        }
    }
}

/// Tells complaints about a code that nobody registered; at times it is registered after all.
pub(super) fn complain_of_unregistered(seed: u64, index: u64, chance: &mut Chance, story: &mut Story) {
    if !chance.per_mille(25) {
        return;
    }
    let serial = index * 2 + 1;
    let Some(code) = credit_code(seed, serial, chance.percent(30)) else { return };
    let mut tickets = Tickets { serial, code, count: 0 };
    let begin = story.day(chance);
    for _ in 0..chance.between(1, 5) {
        let kind = chance.pick(&[ComplaintKind::Closed, ComplaintKind::Closed, ComplaintKind::Refund]);
        let ticket = tickets.next(plus_days(begin, chance.between(0, 10)), kind, chance);
        story.tell(day_of(ticket.received_at), Command::RecordComplaint(ticket));
    }
    if chance.percent(15) {
        let row = late_registration(code, chance);
        story.tell(plus_days(begin, chance.between(12, 60)), Command::RegisterMerchant(row));
    }
}

/// Tells the life of a ticket: each time something is added, the whole ticket again.
fn run(mut ticket: RecordComplaint, chance: &mut Chance, story: &mut Story) {
    let received = ticket.received_at;
    ticket.due_at = chance.percent(93).then(|| plus_hours(received, 7 * 24));
    let answered_at = chance.percent(66).then(|| {
        // A mall answers within 24 hours: some do so in the last minute, some just miss it.
        plus_hours(received, chance.weighted(&[(25, 1), (20, 5), (15, 23), (15, 24), (10, 25), (10, 60), (5, 200)]))
    });
    let closed_at =
        chance.percent(62).then(|| plus_hours(received, 24 * chance.pick(&[1, 2, 5, 6, 7, 9, 14, 15, 16, 21, 30, 60])));
    let answered_at = answered_at.filter(|answered| closed_at.is_none_or(|closed| *answered <= closed));
    let outcome = chance.weighted(&[
        (64, Outcome::Resolved),
        (25, Outcome::Unresolved),
        (6, Outcome::Withdrawn),
        (5, Outcome::Merged),
    ]);
    // Some amounts become known only when somebody looks into it.
    let amount = ticket.amount;
    if answered_at.is_some() && chance.percent(10) {
        ticket.amount = None;
    }
    let mut steps: Vec<(Instant, RecordComplaint)> = vec![(received, ticket.clone())];
    if let Some(answered) = answered_at {
        ticket = RecordComplaint { answered_at, amount, ..ticket };
        steps.push((answered, ticket.clone()));
    }
    if let Some(closed) = closed_at {
        steps.push((closed, RecordComplaint { closed_at, outcome: Some(outcome), ..ticket }));
    }
    // What happened on one day is entered once.
    let mut steps = steps.into_iter().map(|(at, row)| (day_of(at), row)).peekable();
    while let Some((day, row)) = steps.next() {
        if steps.peek().is_none_or(|(next, _)| *next != day) {
            story.tell(day, Command::RecordComplaint(row));
        }
    }
}

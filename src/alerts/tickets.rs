//! Clocks of complaints that ran out: which, who is told of them step by step, and the mail that says so. Pure; the same picture gives
//! the same events, under the same ids. What is said together about one merchant is one event, and one mail for whoever is told.

use super::request::{About, asked, mail_id};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{
    ComplaintEscalated, Event, LightNews, MailCall, MailNews, MailRequested, Recipient, TicketLate,
};
use crate::domain::ticket;
use crate::domain::ticket_clock::{Key, Run, TicketCall, TicketClocks, TicketTold, stream_of};
use crate::domain::time::Instant;
use crate::domain::words::{Channel, Light};
use crate::log::contract::{Append, Expected};
use crate::policy::Policies;
use crate::policy::complaints::ClockRule;
use crate::policy::follow_up::Upward;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of the ids of what is said of clocks. Chosen at random once; never changes.
const NAMESPACE: Uuid = Uuid::from_u128(0x93e1_07ad_5c2f_4b66_9d10_e84b_72c5_0f39);
/// Tickets named in a mail; the rest is counted.
const NAMED: usize = 3;

/// A clock that runs, with the law that it runs by.
#[derive(Debug, Clone, Copy)]
pub struct Ticking<'a> {
    /// The ticket.
    pub key: &'a Key,
    /// Its clock.
    pub run: Run,
    /// The law.
    pub rule: &'a ClockRule,
    /// When it runs out.
    pub due_at: Instant,
    /// What somebody was told of it.
    pub told: Option<TicketTold>,
}

/// Returns every clock that runs by some law.
pub fn ticking<'a>(tickets: &'a TicketClocks, policies: &'a Policies) -> impl Iterator<Item = Ticking<'a>> {
    tickets.running().filter_map(move |(key, run)| by_law(tickets, policies, key, run))
}

/// Returns the clock of one ticket.
pub fn ticking_of<'a>(tickets: &'a TicketClocks, policies: &'a Policies, key: &'a Key) -> Option<Ticking<'a>> {
    by_law(tickets, policies, key, tickets.get(key)?)
}

fn by_law<'a>(tickets: &TicketClocks, policies: &'a Policies, key: &'a Key, run: Run) -> Option<Ticking<'a>> {
    let rule = policies.pack.complaints.as_ref()?.rule(run.channel, run.clock)?;
    let due_at = rule.due_at(run.clock.since, &policies.calendar);
    Some(Ticking { key, run, rule, due_at, told: tickets.told(key, run.clock) })
}

/// Returns those that ran out by `now`, without going over the others.
pub fn late<'a>(tickets: &'a TicketClocks, policies: &'a Policies, now: Instant) -> impl Iterator<Item = Ticking<'a>> {
    let rules = policies.pack.complaints.iter().flat_map(|clocks| clocks.all());
    let told = tickets.late().filter_map(move |(key, run)| by_law(tickets, policies, key, run));
    rules.flat_map(move |rule| untold(tickets, policies, rule, now)).chain(told.filter(move |one| one.due_at <= now))
}

/// Returns those that ran out by one law and of which nobody was told: the earlier they began, the sooner they did.
fn untold<'a>(
    tickets: &'a TicketClocks,
    policies: &'a Policies,
    rule: &'a ClockRule,
    now: Instant,
) -> impl Iterator<Item = Ticking<'a>> {
    let channels = Channel::ALL.iter().filter(|channel| rule.channel.is_none_or(|own| own == **channel));
    channels.flat_map(move |channel| {
        let began = tickets.untold((rule.step, *channel), rule.in_force());
        let dated = began.map(move |(key, run)| Ticking {
            key,
            run,
            rule,
            due_at: rule.due_at(run.clock.since, &policies.calendar),
            told: None,
        });
        dated.take_while(move |one| one.due_at <= now)
    })
}

/// What is said together: when the step comes, its number, who is told.
type Together = (Instant, u16, &'static str);

/// Returns the steps that are due at `now`, one append of each merchant, about so many tickets at most.
#[must_use]
pub fn escalated(tickets: &TicketClocks, policies: &Policies, now: Instant, most: usize) -> Vec<Append> {
    let (Some(clocks), Some(follow_up)) = (&policies.pack.complaints, &policies.pack.follow_up) else {
        return Vec::new();
    };
    let rules = clocks.all().filter(|rule| rule.told_by.is_none());
    let first = rules.flat_map(|rule| untold(tickets, policies, rule, now)).map(|one| (one.due_at, one));
    let further = tickets.stepping(now).filter_map(|(key, run, at)| {
        let one = by_law(tickets, policies, key, run)?;
        (one.due_at <= now && one.rule.told_by.is_none()).then_some((at, one))
    });
    let mut said: BTreeMap<CreditCode, BTreeMap<Together, Vec<TicketLate>>> = BTreeMap::new();
    let due = first.chain(further).filter_map(|(at, one)| {
        let before = one.told.map_or(0, |told| told.step);
        Some((at, before + 1, whom(one.rule, follow_up.step(before)?.to), one))
    });
    for (at, step, to, one) in due.take(most) {
        let (code, name) = one.key;
        let late = TicketLate {
            ticket: name.to_string(),
            clock: one.run.clock.step,
            since: one.run.clock.since,
            due_at: one.due_at,
        };
        said.entry(*code).or_default().entry((at, step, to)).or_default().push(late);
    }
    let append = |(code, parts): (CreditCode, BTreeMap<Together, Vec<TicketLate>>)| {
        let (stream, revision) = (stream_of(code), tickets.revision(code));
        let events = (revision..).zip(parts).map(|(place, ((at, step, to), tickets))| {
            let next_at = follow_up.step_at(step, at, &policies.calendar);
            let said = ComplaintEscalated { credit_code: code, at, step, to: to.to_owned(), next_at, tickets };
            let id = Uuid::new_v5(&NAMESPACE, format!("{stream}/{place}").as_bytes());
            NewEvent::new(id, at, &Origin::service(), &Event::ComplaintEscalated(said))
        });
        Append {
            events: events.collect(),
            expected: Expected::after(revision.into()),
            stream: stream.into(),
            recorded_at: now,
            idempotency_key: None,
        }
    };
    said.into_iter().map(append).collect()
}

/// The market regulator coordinates the others, as the lead office.
fn whom(rule: &ClockRule, to: Upward) -> &'static str {
    if rule.who == "market" { Upward::Lead.name() } else { to.name() }
}

/// Steps about one merchant of which nobody was told yet, for the same.
#[derive(Debug, Clone)]
pub struct Calls<'a> {
    /// About whom.
    pub code: CreditCode,
    /// Who is told.
    pub to: Upward,
    /// Where each stands, in that order.
    pub calls: Vec<(Position, &'a TicketCall)>,
}

/// Returns the steps of which nobody was told yet: whoever is told of one is told of all.
#[must_use]
pub fn calls(tickets: &TicketClocks) -> Vec<Calls<'_>> {
    let mut all: BTreeMap<(CreditCode, &str), Vec<(Position, &TicketCall)>> = BTreeMap::new();
    for (code, position, call) in tickets.calls() {
        all.entry((code, &call.to)).or_default().push((position, call));
    }
    let named = |to: &str| Upward::named(to).unwrap_or(Upward::Officer);
    all.into_iter().map(|((code, to), calls)| Calls { code, to: named(to), calls }).collect()
}

/// What a mail says of the merchant beside its tickets.
#[derive(Debug, Clone, Copy)]
pub struct Beside<'a> {
    /// What is known of it.
    pub about: &'a About,
    /// Its light.
    pub light: Light,
    /// The light change that brought it, if any did.
    pub change: Option<Uuid>,
    /// The case about it that is open.
    pub case: Option<Uuid>,
}

/// Returns the request for the mail that tells of steps; `None` if nothing is left to call for.
#[must_use]
pub fn call(
    calls: &Calls<'_>,
    tickets: &TicketClocks,
    policies: &Policies,
    beside: Beside<'_>,
    recipients: Vec<Recipient>,
    now: Instant,
) -> Option<Append> {
    let (_, newest) = calls.calls.last()?;
    let mut late: BTreeMap<(Instant, Arc<str>), Ticking<'_>> = BTreeMap::new();
    let keys: Vec<(Key, _)> = calls
        .calls
        .iter()
        .flat_map(|(_, call)| call.tickets.iter().map(|(name, clock)| ((calls.code, name.clone()), *clock)))
        .collect();
    for (key, clock) in &keys {
        if let Some(one) = ticking_of(tickets, policies, key).filter(|one| one.run.clock == *clock) {
            late.insert((one.due_at, key.1.clone()), one);
        }
    }
    let due_at = late.keys().next().map(|(due_at, _)| *due_at);
    let named = late.values().take(NAMED);
    let (mut zh, mut en): (Vec<String>, Vec<String>) = named
        .map(|one| {
            let number = ticket::number_of(&one.key.1, one.run.channel);
            (format!("{number}（{}）", one.rule.zh), format!("{number} ({})", one.rule.en))
        })
        .unzip();
    if late.len() > NAMED {
        zh.push("等".to_owned());
        en.push("and others".to_owned());
    }
    let mail = mail_id(newest.id);
    let news = LightNews {
        // Where no light ever changed, what it tells of is the step itself.
        change: beside.change.unwrap_or(newest.id),
        credit_code: calls.code,
        merchant: beside.about.name.clone(),
        from: beside.light,
        to: beside.light,
        sector: beside.about.sector.clone(),
        call: Some(MailCall {
            alert: beside.case.unwrap_or(newest.id),
            cause: newest.id,
            zh: format!("投诉 {} 件 {}", late.len(), zh.join("、")),
            en: format!("{} complaints: {}", late.len(), en.join(", ")),
            due_at,
            routed: false,
        }),
    };
    let news = MailNews::Light(news);
    let requested = MailRequested { mail, at: newest.at, recipients, gathered: Vec::new(), news };
    Some(asked(requested, &Origin { causation: Some(newest.id), ..Origin::service() }, now))
}

#[cfg(test)]
mod tests;

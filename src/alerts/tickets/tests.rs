use super::*;
use crate::domain::decide::complaint_stream;
use crate::domain::event::{ComplaintCorrected, ComplaintReceived, ComplaintStep, ImportWithdrawn, TicketParts};
use crate::domain::fold::Stamp;
use crate::domain::ticket_clock::Clock;
use crate::domain::time::plus_hours;
use crate::domain::words::{ClockStep, ComplaintKind};
use crate::log::contract::EventLog;
use crate::log::memory::MemoryLog;
use crate::picture::Picture;
use proptest::prelude::*;
use std::collections::BTreeSet;

const IMPORT: Uuid = Uuid::from_u128(77);
const TICKETS: usize = 6;

fn codes() -> [CreditCode; 2] {
    ["91110108MA01ABCDX3", "91110000101623741K"].map(|code| code.parse().unwrap())
}

/// About whom a ticket is, and where it came in.
fn of(ticket: usize) -> (CreditCode, Channel) {
    (codes()[ticket % 2], Channel::ALL[ticket % 3])
}

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    /// Something is said of a ticket; as history, or by the import.
    Say(usize, Said, bool, bool),
    /// So many hours pass, and the desk looks.
    Look(i64),
    /// The import is withdrawn.
    Withdraw,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Said {
    Received,
    Answered,
    Closed,
    /// A due time so many hours from now is written on it.
    Due(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let said = prop_oneof![
        3 => Just(Said::Received), 2 => Just(Said::Answered), 2 => Just(Said::Closed), 1 => (0..200_i64).prop_map(Said::Due),
    ];
    prop_oneof![
        6 => (0..TICKETS, said, prop::bool::weighted(0.1), prop::bool::weighted(0.3))
            .prop_map(|(ticket, said, history, import)| Step::Say(ticket, said, history, import)),
        4 => (1..400_i64).prop_map(Step::Look),
        1 => Just(Step::Withdraw),
    ]
}

/// A log and its picture, with a desk that asks and records.
struct Told {
    log: MemoryLog,
    picture: Picture,
    now: Instant,
}

impl Told {
    fn new() -> Self {
        let policies = Arc::new(Policies::built_in().unwrap());
        let activated = Event::PolicyActivated(policies.activation());
        let now = "2025-12-20T02:00:00Z".parse().unwrap();
        let mut told = Self { log: MemoryLog::new(), picture: Picture::new(policies), now };
        told.say("policy", &activated, false, None);
        told
    }

    fn say(&mut self, stream: &str, event: &Event, history: bool, causation: Option<Uuid>) {
        let origin = Origin { history, causation, ..Origin::of("test") };
        let id = Uuid::from_u128(u128::from(self.log.head()) + 1_000);
        let event = NewEvent::new(id, self.now, &origin, event);
        self.append(Append {
            stream: stream.into(),
            expected: Expected::Any,
            recorded_at: self.now,
            idempotency_key: None,
            events: vec![event],
        });
    }

    fn append(&mut self, append: Append) {
        let appended = self.log.append(append.clone()).unwrap();
        for (position, event) in (appended.first..).zip(&append.events) {
            let stamp = Stamp { position, recorded_at: appended.recorded_at, history: event.history };
            self.picture.fold_written(stamp, event, &self.log).unwrap();
        }
    }

    /// Looks, as the desk does; returns the steps that were taken, and the tickets of each mail.
    fn look(&mut self) -> (Vec<Taken>, Vec<(CreditCode, String, usize)>) {
        let policies = self.picture.policies.clone();
        let mut taken = Vec::new();
        for _ in 0..50 {
            let appends = escalated(&self.picture.tickets, &policies, self.now, 3);
            if appends.is_empty() {
                return (taken, self.mail(&policies));
            }
            for append in appends {
                for event in &append.events {
                    let Event::ComplaintEscalated(said) = event.decode().unwrap() else { panic!("{event:?}") };
                    for late in said.tickets {
                        let clock = Clock { step: late.clock, since: late.since };
                        taken.push((late.ticket, clock, said.step, said.at, late.due_at));
                    }
                }
                self.append(append);
            }
        }
        panic!("what was told is told again");
    }

    fn mail(&mut self, policies: &Policies) -> Vec<(CreditCode, String, usize)> {
        let follow_up = policies.pack.follow_up.as_ref().unwrap();
        let mut mails = Vec::new();
        let mut appends = Vec::new();
        for waiting in calls(&self.picture.tickets) {
            let ready = |at: Instant| follow_up.office_time(at.max(self.now), &policies.calendar, None) <= self.now;
            if waiting.calls.iter().any(|(_, call)| ready(call.at)) {
                let beside = Beside { about: &About::default(), light: Light::Green, change: None, case: None };
                let mail = call(&waiting, &self.picture.tickets, policies, beside, Vec::new(), self.now).unwrap();
                let Event::MailRequested(asked) = mail.events[0].decode().unwrap() else { panic!("{mail:?}") };
                let zh = asked.light().unwrap().call.clone().unwrap().zh;
                let count = zh.split(' ').nth(1).unwrap().parse().unwrap();
                mails.push((waiting.code, waiting.to.name().to_owned(), count));
                appends.push(mail);
            }
        }
        appends.into_iter().for_each(|append| self.append(append));
        mails
    }
}

/// A step that was taken: ticket, clock, number, when, and when the clock ran out.
type Taken = (String, Clock, u16, Instant, Instant);

/// About whom, who is told, when, and the tickets.
type PlainCall = (CreditCode, &'static str, Instant, Vec<(usize, Clock)>);

/// The plain model: what was said, in a list; who was told, in another. Everything is worked out anew each time.
#[derive(Default)]
struct Plain {
    said: Vec<(usize, Said, bool, bool, Instant)>,
    told: Vec<(usize, Clock, u16, Option<Instant>)>,
    calls: Vec<PlainCall>,
}

impl Plain {
    fn knows(&self, ticket: usize) -> bool {
        self.said.iter().any(|(of, said, ..)| (*of, *said) == (ticket, Said::Received))
    }

    fn clock(&self, ticket: usize) -> Option<Clock> {
        let mut own = self.said.iter().filter(|(of, ..)| *of == ticket);
        if !own.clone().any(|(_, _, history, ..)| !history) {
            return None;
        }
        let first =
            |wanted: Said| self.said.iter().find(|(of, said, ..)| (*of, *said) == (ticket, wanted)).map(|(.., at)| *at);
        let received = first(Said::Received)?;
        let due = own.by_ref().filter_map(|(_, said, _, _, at)| match said {
            Said::Due(hours) => Some(plus_hours(*at, *hours)),
            _ => None,
        });
        let due = due.last();
        if first(Said::Closed).is_some() {
            return None;
        }
        let answered = first(Said::Answered);
        let due = due.filter(|_| answered.is_none() || of(ticket).1 != Channel::Mall);
        Some(match (due, answered) {
            (Some(since), _) => Clock { step: ClockStep::DueTime, since },
            (None, Some(since)) => Clock { step: ClockStep::Closing, since },
            (None, None) => Clock { step: ClockStep::FirstAnswer, since: received },
        })
    }

    /// What no longer runs is nobody's to be told of.
    fn hang_up(&mut self) {
        let running: Vec<Option<Clock>> = (0..TICKETS).map(|ticket| self.clock(ticket)).collect();
        self.calls.retain(|(.., tickets)| tickets.iter().any(|(ticket, clock)| running[*ticket] == Some(*clock)));
    }

    fn look(&mut self, policies: &Policies, now: Instant) -> (Vec<Taken>, Vec<(CreditCode, String, usize)>) {
        let follow_up = policies.pack.follow_up.as_ref().unwrap();
        let mut taken = Vec::new();
        for ticket in 0..TICKETS {
            let (code, channel) = of(ticket);
            let Some(clock) = self.clock(ticket) else { continue };
            let Some(rule) = policies.pack.complaints.as_ref().unwrap().rule(channel, clock) else { continue };
            let due_at = rule.due_at(clock.since, &policies.calendar);
            if rule.told_by.is_some() {
                continue;
            }
            loop {
                let told = self.told.iter().position(|(of, known, ..)| (*of, *known) == (ticket, clock));
                let (before, at) = told.map_or((0, Some(due_at)), |place| (self.told[place].2, self.told[place].3));
                let Some(at) = at.filter(|at| *at <= now) else { break };
                let Some(step) = follow_up.step(before) else { break };
                let next = follow_up.step_at(before + 1, at, &policies.calendar);
                match told {
                    Some(place) => (self.told[place].2, self.told[place].3) = (before + 1, next),
                    None => self.told.push((ticket, clock, 1, next)),
                }
                let to = if rule.who == "market" { "lead" } else { step.to.name() };
                self.calls.push((code, to, at, vec![(ticket, clock)]));
                taken.push((name(ticket), clock, before + 1, at, due_at));
            }
        }
        let mut mails = Vec::new();
        let whom: BTreeSet<(CreditCode, &str)> = self.calls.iter().map(|(code, to, ..)| (*code, *to)).collect();
        for (code, to) in whom {
            let is_own = |call: &PlainCall| (call.0, call.1) == (code, to);
            let own = self.calls.iter().filter(|call| is_own(call));
            if own.clone().any(|call| follow_up.office_time(call.2.max(now), &policies.calendar, None) <= now) {
                let late = own.flat_map(|call| &call.3).filter(|(ticket, clock)| self.clock(*ticket) == Some(*clock));
                mails.push((code, to.to_owned(), late.map(|(ticket, _)| ticket).collect::<BTreeSet<_>>().len()));
                self.calls.retain(|call| !is_own(call));
            }
        }
        (taken, mails)
    }
}

fn name(ticket: usize) -> String {
    format!("GD{ticket}")
}

/// Returns what is said; `None` for what cannot be.
fn event(ticket: usize, said: Said, now: Instant, plain: &Plain) -> Option<Event> {
    let (credit_code, channel) = of(ticket);
    let ticket_name = name(ticket);
    let step = || ComplaintStep { ticket: ticket_name.clone(), credit_code, at: now };
    let knows = plain.knows(ticket);
    let once = |said: Said| !plain.said.iter().any(|(of, other, ..)| (*of, *other) == (ticket, said));
    Some(match said {
        Said::Received if !knows => Event::ComplaintReceived(ComplaintReceived {
            ticket: ticket_name,
            credit_code,
            channel,
            kind: ComplaintKind::Other,
            received_at: now,
            amount: None,
            due_at: None,
            complainant: None,
            mall: None,
        }),
        Said::Answered if knows && once(said) => Event::ComplaintAnswered(step()),
        Said::Closed if knows && once(said) => Event::ComplaintResolved(step()),
        Said::Due(hours) if knows => Event::ComplaintCorrected(ComplaintCorrected {
            ticket: ticket_name,
            credit_code,
            kind: None,
            amount: None,
            due_at: Some(plus_hours(now, hours)),
            answered_at: None,
            closed_at: None,
            outcome: None,
            mall: None,
            before: TicketParts::default(),
        }),
        _ => return None,
    })
}

fn told_as_plain(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut told, mut plain) = (Told::new(), Plain::default());
    let policies = told.picture.policies.clone();
    let mut withdrawn = false;
    for step in steps {
        match step {
            Step::Say(ticket, said, history, import) => {
                let Some(event) = event(ticket, said, told.now, &plain) else { continue };
                // A ticket that an import brought goes with it as a whole, so only later steps are its own here.
                let import = import && said != Said::Received && !withdrawn;
                told.now = plus_hours(told.now, 1);
                let causation = import.then_some(IMPORT);
                told.say(&complaint_stream(&name(ticket)), &event, history, causation);
                plain.said.push((ticket, said, history, import, plus_hours(told.now, -1)));
                plain.hang_up();
            }
            Step::Look(hours) => {
                told.now = plus_hours(told.now, hours);
                let (mut found, mut mails) = told.look();
                let (mut expected, mut plain_mails) = plain.look(&policies, told.now);
                found.sort();
                expected.sort();
                prop_assert_eq!(found, expected);
                mails.sort();
                plain_mails.sort();
                prop_assert_eq!(mails, plain_mails);
            }
            Step::Withdraw if !withdrawn => {
                withdrawn = true;
                let upto = told.log.head();
                let (reason, files) = ("误报".to_owned(), Vec::new());
                let (events, merchants, tickets) = (1, 1, 1);
                let gone =
                    ImportWithdrawn { import: IMPORT, reason, files, after: 0, upto, events, merchants, tickets };
                told.say("imports", &Event::ImportWithdrawn(gone), false, None);
                plain.said.retain(|(_, _, _, import, _)| !import);
                plain.hang_up();
            }
            Step::Withdraw => {}
        }
        let found: Vec<(String, Clock)> =
            told.picture.tickets.running().map(|((_, ticket), run)| (ticket.to_string(), run.clock)).collect();
        let expected = (0..TICKETS).filter_map(|ticket| Some((name(ticket), plain.clock(ticket)?)));
        prop_assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected.collect::<BTreeSet<_>>());
        let late: BTreeSet<String> =
            late(&told.picture.tickets, &policies, told.now).map(|one| one.key.1.to_string()).collect();
        let is_late = |ticket: &usize| {
            let clocks = policies.pack.complaints.as_ref().unwrap();
            plain.clock(*ticket).is_some_and(|clock| {
                let rule = clocks.rule(of(*ticket).1, clock);
                rule.is_some_and(|rule| rule.due_at(clock.since, &policies.calendar) <= told.now)
            })
        };
        prop_assert_eq!(late, (0..TICKETS).filter(is_late).map(name).collect::<BTreeSet<_>>());
    }
    // What the log says, whenever it is read, is the same.
    let again = Picture::replay(&told.log, policies).unwrap();
    prop_assert_eq!(again.tickets, told.picture.tickets);
    Ok(())
}

proptest! {
    /// Whatever is said of tickets, taken back, and however late somebody looks: each step is taken once, at its time, and told once.
    #[test]
    fn clocks_of_tickets_are_what_a_plain_model_says(steps in prop::collection::vec(step(), 1..60)) {
        told_as_plain(steps)?;
    }
}

#[test]
fn nothing_is_followed_before_policies_with_clocks_or_as_history() {
    let mut told = Told::new();
    let clockless = {
        let mut activation = told.picture.policies.activation();
        for file in &mut activation.files {
            if let Some((before, after)) = file.text.split_once("[complaints]") {
                let (_, rest) = after.split_once("# What follows when").unwrap();
                file.text = format!("{before}# What follows when{rest}");
            }
        }
        Event::PolicyActivated(activation)
    };
    let received = |ticket: usize, told: &Told| event(ticket, Said::Received, told.now, &Plain::default()).unwrap();
    told.say("policy", &clockless, false, None);
    let first = received(0, &told);
    told.say(&complaint_stream(&name(0)), &first, false, None);
    assert_eq!(told.picture.tickets.running().count(), 0);
    let activation = Event::PolicyActivated(told.picture.policies.activation());
    told.say("policy", &activation, false, None);
    let second = received(1, &told);
    told.say(&complaint_stream(&name(1)), &second, true, None);
    assert_eq!(told.picture.tickets.running().count(), 0);
    let third = received(2, &told);
    told.say(&complaint_stream(&name(2)), &third, false, None);
    assert_eq!(told.picture.tickets.running().count(), 1);
}

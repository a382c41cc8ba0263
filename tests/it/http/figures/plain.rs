//! Figures once more, slowly: straight over the events, by sentences of docs/FIGURES.md, with none of the service's folds. What depends on
//! how lights are computed (how merchants stand at the end) is not here.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use warnlight::domain::envelope::Recorded;
use warnlight::domain::time::{Day, Instant, day_of, start_of};
use warnlight::log::contract::EventLog;
use warnlight::policy::Policies;

/// What is asked for: days from the first up to, and without, the second; nothing recorded after `known` is known, which was at `seen`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) from: Day,
    pub(super) to: Day,
    pub(super) known: u64,
    pub(super) seen: Instant,
}

/// A group: kind, district of a street, name.
pub(super) type Group = (String, String, String);
/// Of a figure: the numbers that it is told by.
pub(super) type Numbers = Vec<String>;

#[derive(Default, Clone)]
struct Place {
    division: String,
    street: String,
    industry: String,
    sectors: Vec<(Day, String)>,
}

#[derive(Default)]
struct Ticket {
    code: String,
    is_undone: bool,
    channel: String,
    received: Option<Instant>,
    due: Option<Instant>,
    answered: Option<Instant>,
    closed: Option<(Instant, String)>,
    /// By step and time: what was said of it last.
    handled: BTreeMap<(String, Instant), (u64, Value)>,
}

struct Duty {
    rule: String,
    acts: BTreeSet<String>,
    arose: Instant,
    recorded: Instant,
    due: Option<Instant>,
    /// When and how it ended, and when that was recorded.
    end: Option<(Instant, &'static str, Instant)>,
}

struct Case {
    code: String,
    opened: Instant,
    opened_on: Day,
    acknowledged: Option<Instant>,
    acted: Option<Instant>,
    /// When it opened, ended or went on, and how it ended.
    turns: Vec<(Instant, Option<String>)>,
    duties: BTreeMap<Uuid, Duty>,
}

impl Case {
    fn is_open(&self) -> bool {
        self.turns.last().is_some_and(|(_, outcome)| outcome.is_none())
    }
}

#[derive(Clone)]
struct Light {
    event: Uuid,
    at: Instant,
    rules: BTreeSet<String>,
}

#[derive(Default)]
struct Book {
    places: BTreeMap<String, Place>,
    tickets: BTreeMap<String, Ticket>,
    cases: BTreeMap<Uuid, Case>,
    /// The newest case about each merchant.
    latest: BTreeMap<String, Uuid>,
    /// Every light of a merchant: the event, when it is true, the rules that fire.
    lights: BTreeMap<String, Vec<Light>>,
    /// Kind, merchant, day.
    acts: Vec<(&'static str, String, Day)>,
}

fn text(data: &Value, key: &str) -> String {
    data[key].as_str().unwrap_or_default().to_owned()
}

fn instant(data: &Value, key: &str) -> Option<Instant> {
    data[key].as_str().map(|at| at.parse().unwrap())
}

fn day(data: &Value, key: &str) -> Day {
    data[key].as_str().unwrap().parse().unwrap()
}

fn id(data: &Value, key: &str) -> Uuid {
    data[key].as_str().unwrap().parse().unwrap()
}

/// Which figure counts an act, and which act of a case it is.
const ACTS: [(&str, &str, &str); 9] = [
    ("warning_letter_issued", "warning_letters", "warning_letter"),
    ("yellow_card_posted", "yellow_cards", "yellow_card"),
    ("yellow_card_removed", "yellow_cards_removed", ""),
    ("talk_held", "talks", "talk"),
    ("site_checked", "site_checks", "on_site_check"),
    ("rectification_ordered", "orders", "rectification_ordered"),
    ("rectification_met", "orders_met", "rectification_met"),
    ("rectification_missed", "orders_missed", ""),
    ("penalty_decided", "penalties", "penalty"),
];

impl Book {
    fn take(&mut self, recorded: &Recorded) {
        let data: Value = serde_json::from_str(&recorded.event.data).unwrap();
        let (kind, at) = (&*recorded.event.event_type, recorded.recorded_at);
        let code = text(&data, "credit_code");
        match kind {
            "merchant.registered" | "merchant.details_changed" => {
                let place = self.places.entry(code).or_default();
                for (key, own) in [
                    ("division_code", &mut place.division),
                    ("street", &mut place.street),
                    ("industry_code", &mut place.industry),
                ] {
                    if let Some(said) = data[key].as_str() {
                        *own = said.to_owned();
                    }
                }
            }
            "merchant.sector_assigned" => {
                let assigned = (day(&data, "effective_on"), text(&data, "sector"));
                self.places.entry(code).or_default().sectors.push(assigned);
            }
            _ if kind.starts_with("complaint.") => self.take_ticket(kind, recorded.position, at, &data),
            _ if kind.starts_with("alert.") => self.take_alert(kind, at, &data),
            "light.changed" => self.take_light(recorded.event.id, &data, at),
            _ => {
                let Some(step) = kind.strip_prefix("enforcement.") else { return };
                match step {
                    "document_issued" => self.acts.push(("letters", code.clone(), day(&data, "date"))),
                    "lead_transferred" => {
                        self.acts.push(("leads", code.clone(), day(&data, "date")));
                        self.act(&code, "handed_over", day(&data, "date"), at);
                    }
                    _ => {}
                }
                if let Some((_, figure, act)) = ACTS.iter().find(|(event, ..)| *event == step) {
                    self.acts.push((*figure, code.clone(), day(&data, "date")));
                    if !act.is_empty() {
                        self.act(&code, act, day(&data, "date"), at);
                    }
                }
            }
        }
    }

    fn take_ticket(&mut self, kind: &str, position: u64, at: Instant, data: &Value) {
        let ticket = self.tickets.entry(text(data, "ticket")).or_default();
        let step = kind.strip_prefix("complaint.").unwrap();
        let closed = |outcome: &str| Some((instant(data, "at").unwrap(), outcome.to_owned()));
        match step {
            "received" => {
                ticket.code = text(data, "credit_code");
                ticket.is_undone = false;
                ticket.channel = text(data, "channel");
                ticket.received = instant(data, "received_at");
                ticket.due = instant(data, "due_at");
            }
            "supplemented" => ticket.due = ticket.due.or(instant(data, "due_at")),
            "corrected" => {
                ticket.due = instant(data, "due_at").or(ticket.due);
                ticket.answered = instant(data, "answered_at").or(ticket.answered);
                if let (Some(at), Some(outcome)) = (instant(data, "closed_at"), data["outcome"].as_str()) {
                    ticket.closed = Some((at, outcome.to_owned()));
                }
            }
            "attribution_undone" => ticket.is_undone = true,
            "answered" => ticket.answered = ticket.answered.or(instant(data, "at")),
            "resolved" => ticket.closed = ticket.closed.take().or(closed("resolved")),
            "closed_unresolved" => ticket.closed = ticket.closed.take().or(closed("unresolved")),
            "withdrawn" => ticket.closed = ticket.closed.take().or(closed("withdrawn")),
            "merged" => ticket.closed = ticket.closed.take().or(closed("merged")),
            "rated" | "refund_paid" | "refund_promised" | "settled_in_shop" | "passed_to_enterprise" => {
                let key = (step.to_owned(), instant(data, "at").unwrap());
                ticket.handled.insert(key, (position, data.clone()));
                if step != "rated" {
                    let code = ticket.code.clone();
                    self.tend(&code, at);
                }
            }
            _ => {}
        }
    }

    fn take_alert(&mut self, kind: &str, at: Instant, data: &Value) {
        let (alert, code) = (id(data, "alert"), text(data, "credit_code"));
        match kind {
            "alert.raised" => {
                let case = self.cases.entry(alert).or_insert_with(|| Case {
                    code: code.clone(),
                    opened: at,
                    opened_on: day_of(instant(data, "at").unwrap()),
                    acknowledged: None,
                    acted: None,
                    turns: Vec::new(),
                    duties: BTreeMap::new(),
                });
                if !case.is_open() {
                    case.turns.push((at, None));
                }
                for duty in data["duties"].as_array().into_iter().flatten() {
                    let acts = duty["acts"].as_array().into_iter().flatten();
                    let duty_of = Duty {
                        rule: text(duty, "rule"),
                        acts: acts.map(|act| act.as_str().unwrap().to_owned()).collect(),
                        arose: instant(data, "at").unwrap(),
                        recorded: at,
                        due: instant(duty, "due_at"),
                        end: None,
                    };
                    case.duties.insert(id(duty, "duty"), duty_of);
                }
                self.latest.insert(code.clone(), alert);
                // What came while this one waited to be taken up.
                let lights = self.lights.get(&code).cloned().unwrap_or_default();
                let later = lights.iter().skip_while(|light| light.event != id(data, "change")).skip(1);
                later.for_each(|light| self.fall_away(&code, light, at));
            }
            "alert.closed" => {
                let outcome = data["outcome"].as_str().unwrap_or("other").to_owned();
                self.cases.get_mut(&alert).unwrap().turns.push((at, Some(outcome)));
            }
            "alert.acknowledged" => {
                self.cases.get_mut(&alert).unwrap().acknowledged.get_or_insert(at);
            }
            "alert.acted_on" => {
                if let Some(act) = data["kind"].as_str() {
                    self.act(&code, act, day(data, "date"), at);
                }
            }
            "alert.duty_waived" | "alert.duty_paused" => {
                let case = self.cases.get_mut(&alert).unwrap();
                case.acted.get_or_insert(at);
                let duty = case.duties.get_mut(&id(data, "duty")).unwrap();
                if kind == "alert.duty_waived" {
                    duty.end.get_or_insert((instant(data, "at").unwrap(), "waived", at));
                } else {
                    // A duty without a clock gets none by being put off.
                    let until = instant(data, "until").unwrap();
                    duty.due = duty.due.map(|due| due.max(until));
                }
            }
            _ => {}
        }
    }

    fn take_light(&mut self, event: Uuid, data: &Value, recorded: Instant) {
        let (code, at) = (text(data, "credit_code"), instant(data, "at").unwrap());
        let rules = data["reasons"].as_array().into_iter().flatten().map(|reason| text(reason, "rule")).collect();
        let light = Light { event, at, rules };
        self.fall_away(&code, &light, recorded);
        self.lights.entry(code).or_default().push(light);
    }

    /// Duties end whose rule fires no more.
    fn fall_away(&mut self, code: &str, light: &Light, recorded: Instant) {
        let Some(case) = self.latest.get(code).and_then(|case| self.cases.get_mut(case)) else { return };
        for duty in case.duties.values_mut().filter(|duty| !light.rules.contains(&duty.rule)) {
            duty.end.get_or_insert((light.at, "fallen", recorded));
        }
    }

    fn act(&mut self, code: &str, act: &str, on: Day, at: Instant) {
        let Some(case) = self.latest.get(code).and_then(|case| self.cases.get_mut(case)) else { return };
        let by_light = case.turns.last().is_some_and(|(_, outcome)| outcome.as_deref() == Some("light_out"));
        if by_light || on < case.opened_on {
            return;
        }
        case.acted.get_or_insert(at);
        for duty in case.duties.values_mut().filter(|duty| duty.acts.contains(act) && day_of(duty.arose) <= on) {
            duty.end.get_or_insert((at, "done", at));
        }
    }

    fn tend(&mut self, code: &str, at: Instant) {
        let case = self.latest.get(code).and_then(|case| self.cases.get_mut(case));
        if let Some(case) = case.filter(|case| case.is_open()) {
            case.acted.get_or_insert(at);
        }
    }
}

/// Counts everything, and returns the figures of every group.
pub(super) fn count(
    log: &dyn EventLog,
    policies: &Policies,
    asked: Asked,
) -> BTreeMap<Group, BTreeMap<&'static str, Numbers>> {
    let mut book = Book::default();
    for recorded in log.read_all(0, usize::MAX).unwrap().iter().filter(|recorded| recorded.position <= asked.known) {
        book.take(recorded);
    }
    let mut tally = Tally { asked, book: &book, policies, counts: BTreeMap::new(), hours: BTreeMap::new() };
    book.tickets
        .values()
        .filter(|ticket| !ticket.is_undone && ticket.received.is_some())
        .for_each(|it| tally.ticket(it));
    book.cases.values().for_each(|case| tally.case(case));
    for (figure, code, day) in &book.acts {
        if asked.from <= *day && *day < asked.to {
            tally.add(code, figure, 1);
        }
    }
    tally.numbers()
}

struct Tally<'a> {
    asked: Asked,
    book: &'a Book,
    policies: &'a Policies,
    counts: BTreeMap<(Group, String), i64>,
    hours: BTreeMap<(Group, String), Vec<i64>>,
}

impl Tally<'_> {
    fn has(&self, at: Instant) -> bool {
        start_of(self.asked.from) <= at && at < start_of(self.asked.to)
    }

    fn groups(&self, code: &str) -> Vec<Group> {
        let place = self.book.places.get(code).cloned().unwrap_or_default();
        let last = day_of(start_of(self.asked.to).min(self.asked.seen));
        let last = if last == self.asked.to { last.yesterday().unwrap() } else { last };
        let assigned = place.sectors.iter().filter(|(from, _)| *from <= last).max_by_key(|(from, _)| *from);
        let by_industry = self.policies.sectors.of_code(&place.industry).map(|sector| sector.id.clone());
        let sector = assigned.map(|(_, sector)| sector.clone()).or(by_industry).unwrap_or_default();
        let group = |by: &str, division: &str, name: &str| (by.to_owned(), division.to_owned(), name.to_owned());
        vec![
            group("whole", "", ""),
            group("division", "", &place.division),
            group("sector", "", &sector),
            group("street", &place.division, &place.street),
        ]
    }

    fn add(&mut self, code: &str, what: &str, count: i64) {
        for group in self.groups(code) {
            *self.counts.entry((group, what.to_owned())).or_default() += count;
        }
    }

    fn add_hours(&mut self, code: &str, what: &str, from: Instant, to: Option<Instant>) {
        let Some(to) = to else { return };
        for group in self.groups(code) {
            self.hours.entry((group, what.to_owned())).or_default().push(to.duration_since(from).as_secs());
        }
    }

    fn ticket(&mut self, ticket: &Ticket) {
        let (seen, code) = (self.asked.seen, ticket.code.as_str());
        for ((step, at), (_, data)) in ticket.handled.iter().filter(|((_, at), _)| *at <= seen) {
            let figure = match step.as_str() {
                "refund_paid" => "recovered",
                "refund_promised" => "promised",
                _ => continue,
            };
            if self.has(*at) {
                let fen = text(data, "amount").replace('.', "").parse().unwrap();
                self.add(code, figure, fen);
            }
        }
        let received = ticket.received.unwrap();
        if !self.has(received) {
            return;
        }
        self.add(code, "tickets", 1);
        let outcome = ticket.closed.as_ref().filter(|(at, _)| *at <= seen).map(|(_, outcome)| outcome.as_str());
        if outcome == Some("resolved") {
            self.add(code, "original", 1);
        }
        if outcome != Some("withdrawn") && outcome != Some("merged") {
            self.add(code, "dispatched", 1);
            let mall = (ticket.channel == "mall").then(|| received + jiff::SignedDuration::from_hours(24));
            let due = ticket.due.or(mall);
            if ticket.answered.is_some_and(|at| at <= seen && due.is_none_or(|due| at <= due)) {
                self.add(code, "answered", 1);
            }
        }
        let mut ratings = ticket.handled.iter().filter(|((step, at), _)| step == "rated" && *at <= seen);
        if let Some((_, (_, last))) = ratings.next_back() {
            self.add(code, "called", 1);
            self.add(code, "said_resolved", i64::from(last["resolved"] == true));
            self.add(code, "said_satisfied", i64::from(last["satisfied"] == true));
        }
    }

    fn case(&mut self, case: &Case) {
        let code = case.code.as_str();
        if self.has(case.opened) {
            self.add(code, "cases_opened", 1);
            self.add_hours(code, "acknowledge_hours", case.opened, case.acknowledged);
            self.add_hours(code, "act_hours", case.opened, case.acted);
        }
        let end = start_of(self.asked.to);
        match case.turns.iter().rfind(|(at, _)| *at < end) {
            Some((_, None)) => self.add(code, "cases_open", 1),
            Some((at, Some(outcome))) if self.has(*at) => self.add(code, &format!("ended_{outcome}"), 1),
            _ => {}
        }
        for duty in case.duties.values() {
            let Some(due) = duty.due else { continue };
            if self.has(due) && due <= self.asked.seen {
                let in_time = duty.end.filter(|(at, ..)| *at <= due).map(|(_, how, _)| how);
                if in_time.is_none_or(|how| how == "done") {
                    self.add(code, "duties_due", 1);
                    self.add(code, if in_time.is_some() { "duties_in_time" } else { "duties_late" }, 1);
                }
            }
            let stands = duty.recorded < end && duty.end.is_none_or(|(_, _, recorded)| recorded >= end);
            if stands && due <= end.min(self.asked.seen) {
                self.add(code, "duties_overdue", 1);
            }
        }
    }

    fn numbers(&self) -> BTreeMap<Group, BTreeMap<&'static str, Numbers>> {
        let groups: BTreeSet<&Group> = self.counts.keys().map(|(group, _)| group).collect();
        groups.into_iter().map(|group| (group.clone(), self.of(group))).collect()
    }

    fn of(&self, group: &Group) -> BTreeMap<&'static str, Numbers> {
        let count = |what: &str| self.counts.get(&(group.clone(), what.to_owned())).copied().unwrap_or_default();
        let mut all: BTreeMap<&'static str, Numbers> = BTreeMap::new();
        for what in [
            "tickets",
            "cases_opened",
            "cases_open",
            "ended_light_out",
            "ended_rectified",
            "ended_settled",
            "ended_transferred",
            "ended_unfounded",
            "ended_other",
            "duties_late",
            "duties_overdue",
            "letters",
            "leads",
        ] {
            all.insert(what, vec![count(what).to_string()]);
        }
        all.extend(ACTS.map(|(_, figure, _)| (figure, vec![count(figure).to_string()])));
        for (rate, of, among) in [
            ("response_rate", "answered", "dispatched"),
            ("resolution_rate", "said_resolved", "called"),
            ("satisfaction_rate", "said_satisfied", "called"),
            ("original_resolution_rate", "original", "tickets"),
            ("duties_in_time_rate", "duties_in_time", "duties_due"),
        ] {
            all.insert(rate, vec![count(of).to_string(), count(among).to_string()]);
        }
        for money in ["promised", "recovered"] {
            let fen = count(money);
            all.insert(money, vec![format!("{}.{:02}", fen / 100, fen % 100)]);
        }
        for hours in ["acknowledge_hours", "act_hours"] {
            let mut seconds = self.hours.get(&(group.clone(), hours.to_owned())).cloned().unwrap_or_default();
            seconds.sort_unstable();
            // Twice the middle, in seconds: half of it is told to the tenth of an hour.
            let twice = (!seconds.is_empty()).then(|| seconds[seconds.len() / 2] + seconds[(seconds.len() - 1) / 2]);
            let told = twice.map(|twice| twice.to_string()).unwrap_or_default();
            all.insert(hours, vec![told, seconds.len().to_string()]);
        }
        all
    }
}

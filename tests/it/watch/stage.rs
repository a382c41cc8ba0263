//! A desk on a log, with a clock that a test moves.

use std::sync::Arc;
use warnlight::alerts::recipients::{BUILT_IN, Recipients};
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, DeskError, Request, Start, StartError};
use warnlight::domain::command::Command;
use warnlight::domain::envelope::Origin;
use warnlight::domain::event::{DayClosed, DeadlineMissed, Event, LightCause, LightChanged};
use warnlight::domain::time::{Day, Instant, plus_hours, start_of};
use warnlight::log::contract::EventLog;
use warnlight::policy::Policies;

pub(crate) struct Stage {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) desk: Desk,
}

pub(crate) fn start(log: &Arc<dyn EventLog>, clock: &Arc<ManualClock>, policies: Policies) -> Result<Desk, StartError> {
    let recipients = Arc::new(Recipients::parse(BUILT_IN).unwrap());
    let parts =
        Start { log: log.clone(), clock: clock.clone(), policies, recipients, recipients_text: BUILT_IN.to_owned() };
    parts.start()
}

impl Stage {
    pub(crate) fn set(log: Arc<dyn EventLog>, at: &str) -> Self {
        let clock = Arc::new(ManualClock::new(time(at)));
        let desk = start(&log, &clock, Policies::built_in().unwrap()).unwrap();
        Self { log, clock, desk }
    }

    /// Stops the desk and starts it again at `at`, on another face of the same log if one is given.
    pub(crate) fn restart(&mut self, at: Instant, log: Option<Arc<dyn EventLog>>) {
        self.desk.stop();
        self.clock.set(at);
        self.log = log.unwrap_or_else(|| self.log.clone());
        self.desk = start(&self.log, &self.clock, Policies::built_in().unwrap()).unwrap();
    }

    pub(crate) fn say(&self, commands: Vec<Command>) -> Result<Vec<Answer>, DeskError> {
        self.desk.execute(Request::new(commands, Origin::of("test")))
    }

    pub(crate) fn settle_at(&self, at: &str) {
        self.clock.set(time(at));
        self.desk.settle().unwrap();
    }

    pub(crate) fn told(&self) -> Vec<Told> {
        told(&*self.log)
    }
}

/// What the watch recorded, without what may differ from run to run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    Light { code: String, at: Instant, change: String, cause: String, rules: Vec<String> },
    Missed { code: String, at: Instant, rule: String },
    Day(String),
}

pub(crate) fn told(log: &dyn EventLog) -> Vec<Told> {
    let events = log.read_all(0, usize::MAX).unwrap();
    let decoded = events.iter().map(|recorded| recorded.event.decode().unwrap());
    decoded.filter_map(one).collect()
}

fn one(event: Event) -> Option<Told> {
    Some(match event {
        Event::LightChanged(LightChanged { credit_code, from, to, at, cause, reasons, .. }) => Told::Light {
            code: credit_code.to_string(),
            at,
            change: format!("{from} to {to}"),
            cause: match cause {
                LightCause::Evidence => "evidence",
                LightCause::Link => "link",
                LightCause::Time => "time",
                LightCause::Policy => "policy",
            }
            .to_owned(),
            rules: reasons.into_iter().map(|reason| reason.rule).collect(),
        },
        Event::DeadlineMissed(DeadlineMissed { credit_code, rule, at }) => {
            Told::Missed { code: credit_code.to_string(), at, rule }
        }
        Event::DayClosed(DayClosed { day, .. }) => Told::Day(day.to_string()),
        _ => return None,
    })
}

/// Returns what the clock shows at ten in the morning of a day. In two of a year's turns somebody had set it wrong for a day: forty days
/// ahead, later three days behind.
pub(crate) fn clock_of(turn: u32, day: Day) -> Instant {
    let days_off = match turn {
        90 => 40,
        200 => -3,
        _ => 0,
    };
    plus_hours(start_of(day), 10 + days_off * 24)
}

pub(crate) fn time(text: &str) -> Instant {
    format!("{text}+08:00").parse().unwrap()
}

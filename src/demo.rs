//! The demonstration: a made-up district whose days pass by the minute.
//!
//! It is the real service on a clock that is moved by hand: what the offices knew is entered day by day, midnights pass,
//! lights change by evidence and by silence, mails are written into the spool.

use crate::clock::ManualClock;
use crate::desk::{Desk, DeskError, Request};
use crate::domain::command::Command;
use crate::domain::envelope::Origin;
use crate::domain::time::{Day, Instant, plus_days, start_of};
use crate::sim::{Dated, Plan, office_hour};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub struct Programme {
    /// The district.
    pub plan: Plan,
    /// Last day that is entered as history, in one go and without mail.
    pub history_until: Day,
}

impl Programme {
    /// Returns a programme with so many merchants: a year of history, then six weeks of days.
    #[must_use]
    pub fn new(merchants: u64, seed: u64) -> Self {
        let day = |year, month, day| jiff::civil::date(year, month, day);
        Self {
            plan: Plan { seed, merchants, from: day(2024, 7, 1), until: day(2025, 10, 31) },
            history_until: day(2025, 9, 15),
        }
    }
}

/// A district on its way through the days.
pub struct Stage {
    desk: Desk,
    clock: Arc<ManualClock>,
    days: BTreeMap<Day, Vec<Command>>,
    today: Day,
    until: Day,
}

impl Stage {
    /// Returns the instant a programme begins at: the clock of the desk must stand there.
    #[must_use]
    pub fn opening(programme: &Programme) -> Instant {
        office_hour(programme.history_until)
    }

    /// Enters the history of a programme. It mails nobody.
    ///
    /// # Errors
    /// When the desk cannot write.
    pub fn set(programme: &Programme, desk: Desk, clock: Arc<ManualClock>) -> Result<Self, DeskError> {
        let Programme { plan, history_until } = *programme;
        let mut days: BTreeMap<Day, Vec<Command>> = BTreeMap::new();
        for Dated { known_on, command } in (0..plan.merchants).flat_map(|index| plan.merchant(index)) {
            days.entry(known_on).or_default().push(command);
        }
        let later = days.split_off(&plus_days(history_until, 1));
        let history = Origin { history: true, ..Origin::of("demo") };
        for commands in days.into_values() {
            desk.execute(Request { hold_lights: true, ..Request::new(commands, history.clone()) })?;
        }
        desk.settle()?;
        Ok(Self { desk, clock, days: later, today: history_until, until: plan.until })
    }

    /// Returns the day it is.
    #[must_use]
    pub const fn today(&self) -> Day {
        self.today
    }

    /// Lets a day pass: midnight, the clocks that run out, and at five in the afternoon what the offices enter. Returns
    /// false when the programme is over.
    ///
    /// # Errors
    /// When the desk cannot write.
    pub fn next_day(&mut self) -> Result<bool, DeskError> {
        if self.today >= self.until {
            return Ok(false);
        }
        self.today = plus_days(self.today, 1);
        self.clock.set(start_of(self.today));
        self.desk.settle()?;
        self.clock.set(office_hour(self.today));
        if let Some(commands) = self.days.remove(&self.today) {
            self.desk.execute(Request::new(commands, Origin::of("demo")))?;
        }
        self.desk.settle()?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::contract::EventLog;
    use crate::log::memory::MemoryLog;
    use crate::service::start_desk;
    use crate::settings::Settings;
    use std::collections::HashMap;

    fn count(log: &dyn EventLog, event_type: &str) -> usize {
        let mut count = 0;
        log.scan(0, &mut |event| {
            count += usize::from(event.event_type == event_type);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
        count
    }

    #[test]
    fn history_mails_nobody_and_the_days_after_do() {
        let programme = Programme::new(60, 1);
        let clock = Arc::new(ManualClock::new(Stage::opening(&programme)));
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let settings = Settings::from_layers(None, HashMap::new()).unwrap();
        let desk = start_desk(&settings, log.clone(), clock.clone()).unwrap();
        let mut stage = Stage::set(&programme, desk, clock).unwrap();
        assert!(count(&*log, "light.changed") > 0);
        assert_eq!(count(&*log, "mail.requested"), 0);
        let mut days = 0;
        while stage.next_day().unwrap() {
            days += 1;
        }
        assert_eq!(days, 46);
        assert_eq!(count(&*log, "watch.day_closed"), 46);
        assert!(count(&*log, "mail.requested") > 0);
        assert!(count(&*log, "deadline.missed") > 0);
    }
}

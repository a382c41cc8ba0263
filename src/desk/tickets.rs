//! Clocks of complaints that ran out: steps and the mails that tell of them, beside those of cases.

use super::engine::Engine;
use super::follow_up::about;
use crate::alerts::tickets::{Beside, call, calls, escalated};
use crate::domain::case::Case;
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Light;
use crate::log::contract::Append;
use crate::picture::Picture;

impl Engine {
    /// Returns the steps that are due, about so many tickets at most.
    pub(super) fn ticket_steps(&self, now: Instant, most: usize) -> Vec<Append> {
        escalated(&self.picture.tickets, &self.picture.policies, now, most)
    }

    /// Returns the mails that tell of steps. Whoever is told is told in office hours, of everything that waits, also where nobody was
    /// there when it was due.
    pub(super) fn ticket_calls(&self, now: Instant, most: usize) -> Vec<Append> {
        let Picture { tickets, policies, lights, cases, .. } = &self.picture;
        let Some(follow_up) = &policies.pack.follow_up else { return Vec::new() };
        let about = about(&self.picture, now);
        let waiting = calls(tickets).into_iter();
        let mails = waiting.filter_map(|waiting| {
            let code = waiting.code;
            let about = about(&code);
            let told = self.recipients.called_upon(waiting.to, about.sector.as_deref(), &about.place, day_of(now));
            let is_time = |at: Instant| follow_up.office_time(at.max(now), &policies.calendar, told.hours) <= now;
            if !waiting.calls.iter().any(|(_, call)| is_time(call.at)) {
                return None;
            }
            let (lit, case) = (lights.get(code), cases.latest(code).filter(|case| Case::is_open(case)));
            let beside = Beside {
                about: &about,
                light: lit.map_or(Light::Green, |lit| lit.light),
                change: lit.map(|lit| lit.event),
                case: case.map(|case| case.id),
            };
            call(&waiting, tickets, policies, beside, told.recipients, now)
        });
        mails.take(most).collect()
    }
}

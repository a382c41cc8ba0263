//! Open cases go to the office in charge (改派): when the register, or the lead office, says another sector of a merchant, its case is
//! routed again, and whoever is in charge now is told of what waits.

use super::engine::Engine;
use super::follow_up::about;
use crate::alerts::cases::routed;
use crate::alerts::request::About;
use crate::domain::case::Case;
use crate::domain::event::Event;
use crate::domain::time::{Day, Instant, day_of};
use crate::log::contract::{Append, LogError};
use std::collections::BTreeSet;

/// Whose cases may have come to another office.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Merchants that the register said something new about.
    merchants: BTreeSet<u32>,
    /// The day on which every open case was looked at: a sector is assigned from a day on, and policies change with a start.
    looked_on: Option<Day>,
}

impl Moved {
    /// Notes an event about a merchant.
    pub(super) fn note(&mut self, index: u32, event: &Event) {
        if event.event_type().starts_with("merchant.") {
            self.merchants.insert(index);
        }
    }
}

impl Engine {
    /// Routes open cases again whose sector is another now. A case about which somebody said something at that moment is looked at
    /// again: what was concluded of it rested on what has changed.
    ///
    /// # Errors
    /// What was concluded is not on disk; it is tried again.
    pub(super) fn route_again(&mut self, now: Instant) -> Result<(), LogError> {
        let today = day_of(now);
        loop {
            let appends = self.to_route(now, self.moved.looked_on != Some(today));
            if appends.is_empty() {
                break;
            }
            self.conclude(appends)?;
        }
        self.moved.merchants.clear();
        self.moved.looked_on = Some(today);
        Ok(())
    }

    fn to_route(&self, now: Instant, all: bool) -> Vec<Append> {
        let cases = &self.picture.cases;
        let about = about(&self.picture, now);
        let again = |case: &Case| self.routed_again(case, &about(&case.credit_code), now);
        if all {
            return cases.open().filter_map(again).collect();
        }
        let moved = self.moved.merchants.iter().filter_map(|index| self.picture.world.at(*index));
        moved
            .filter_map(|merchant| cases.latest(merchant.code))
            .filter(|case| case.is_open())
            .filter_map(again)
            .collect()
    }

    fn routed_again(&self, case: &Case, about: &About, now: Instant) -> Option<Append> {
        let sector = about.sector.as_deref();
        if sector == case.sector.as_deref() {
            return None;
        }
        let told = |sector: Option<&str>| self.recipients.told(sector, &about.place, day_of(now)).recipients;
        let before = told(case.sector.as_deref());
        let tells = told(sector).iter().any(|named| before.iter().all(|known| known.address != named.address));
        Some(routed(case, sector, tells, now))
    }
}

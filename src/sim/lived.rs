//! A district that is lived through, for tests: what was known is told on its day, and the desk settles each night.

use super::Plan;
use crate::alerts::recipients::{BUILT_IN, Recipients};
use crate::clock::ManualClock;
use crate::desk::{Desk, Request, Start};
use crate::domain::envelope::Origin;
use crate::domain::time::{Day, plus_days, start_of};
use crate::log::memory::MemoryLog;
use crate::policy::Policies;
use std::sync::Arc;

/// Lives through a district day by day, onto a log; `look` sees the desk after each day on which something was known.
pub(crate) fn live_through(log: &Arc<MemoryLog>, plan: &Plan, mut look: impl FnMut(&Desk, Day)) {
    let mut told: Vec<_> = (0..plan.merchants).flat_map(|index| plan.merchant(index)).collect();
    told.sort_by_key(|dated| dated.known_on);
    let clock = Arc::new(ManualClock::new(start_of(plan.from)));
    let start = Start {
        log: log.clone(),
        clock: clock.clone(),
        policies: Policies::built_in().unwrap(),
        recipients: Arc::new(Recipients::parse(BUILT_IN).unwrap()),
        recipients_text: BUILT_IN.to_owned(),
    };
    let desk = start.start().unwrap();
    for day in told.chunk_by(|one, other| one.known_on == other.known_on) {
        let known_on = day.first().unwrap().known_on;
        clock.set(start_of(plus_days(known_on, 1)));
        let commands = day.iter().map(|dated| dated.command.clone()).collect();
        desk.execute(Request::new(commands, Origin::of("test"))).unwrap();
        desk.settle().unwrap();
        look(&desk, known_on);
    }
    desk.stop();
}

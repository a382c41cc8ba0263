//! How counts and money stood a week and a month ago, by what was known this morning: the same all day, so it is found once a day for each
//! key and filter.

use crate::domain::time::{Day, day_of, plus_days, start_of};
use crate::domain::words::Light;
use crate::log::contract::{EventLog, LogError};
use crate::views::View;
use crate::views::board::{Filter, Tally};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Days back that counts are compared with.
pub(super) const BACK: [i64; 2] = [7, 30];
/// Answers remembered.
const REMEMBERED: usize = 128;
/// With more merchants than these, lights of other days are not derived beside the list: it would take longer than somebody waits.
const MOST: usize = 100_000;

/// Tallies of each of the days of [`BACK`].
pub(super) type Before = Arc<[BTreeMap<Light, Tally>; 2]>;

/// What it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Question {
    key: Uuid,
    filter: Filter,
    today: Day,
    policies: String,
}

/// What was found today.
#[derive(Default)]
pub(in crate::http) struct Trends(Mutex<VecDeque<(Question, Before)>>);

impl fmt::Debug for Trends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trends").finish_non_exhaustive()
    }
}

impl Trends {
    /// Returns how it stood, of the merchants that a key sees and a filter lets through, its light aside; `None` where there are too many.
    pub(super) fn before(
        &self,
        view: &View<'_>,
        key: Uuid,
        filter: &Filter,
        log: &dyn EventLog,
    ) -> Result<Option<Before>, LogError> {
        if view.world.merchants().len() > MOST {
            return Ok(None);
        }
        let (today, policies) = (day_of(view.now), view.policies.digest.clone());
        let question = Question { key, filter: Filter { light: None, ..filter.clone() }, today, policies };
        let found = |known: &VecDeque<(Question, Before)>| {
            known.iter().find(|(asked, _)| *asked == question).map(|(_, before)| before.clone())
        };
        if let Some(before) = found(&self.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(Some(before));
        }
        let known = log.position_at(start_of(today))?;
        let stood = |days: i64| view.as_of(start_of(plus_days(today, 1 - days)), known).tallies(&question.filter);
        let before: Before = Arc::new(BACK.map(stood));
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.push_front((question, before.clone()));
        remembered.truncate(REMEMBERED);
        Ok(Some(before))
    }
}

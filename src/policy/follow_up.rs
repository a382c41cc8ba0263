//! How lights are followed up as cases (亮灯处置): part of the pack, each number with its source (law 10). Under a pack without it
//! no case opens.

use super::parameters::Sourced;
use serde::Deserialize;

/// The numbers of following up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FollowUp {
    /// A light that rises again within so many days after its case ended opens that case again.
    pub reopen_days: u32,
    /// A duty may be put off by so many days at most.
    pub pause_days: u32,
}

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowUpTable {
    reopen_days: Sourced<u32>,
    pause_days: Sourced<u32>,
}

impl FollowUpTable {
    /// Checks the table; each problem is one sentence.
    pub(super) fn check(self, problems: &mut Vec<String>) -> FollowUp {
        for (name, source) in [("reopen_days", &self.reopen_days.source), ("pause_days", &self.pause_days.source)] {
            if source.trim().is_empty() {
                problems.push(format!("`follow_up.{name}` has no source"));
            }
        }
        FollowUp { reopen_days: self.reopen_days.value, pause_days: self.pause_days.value }
    }
}

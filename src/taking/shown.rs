//! Findings as people are told of them: the first of each kind, how many are alike, and the number of all others. A fault of a
//! whole column is thus said once, with its count. The papers have every one.

use crate::intake::place::Finding;

/// Kinds of findings that are shown.
const MOST: u64 = 20;
/// Findings of one kind that are shown one by one.
const MOST_ALIKE: usize = 3;

/// Findings to be shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// By kind, in the order in which they came.
    pub kinds: Vec<Alike>,
    /// How many findings there are of kinds beyond those.
    pub more: u64,
}

/// Findings about one column of one table with one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// The first of them, never none.
    pub first: Vec<Finding>,
    /// How many there are beyond those.
    pub further: u64,
}

impl Shown {
    /// Adds a finding.
    pub(super) fn show(&mut self, finding: &Finding) {
        self.add(1, finding);
    }

    /// Adds a finding that stands for so many.
    pub(super) fn add(&mut self, count: u64, finding: &Finding) {
        let alike = |other: &Finding| {
            let (one, two) = (&other.place, &finding.place);
            other.code == finding.code && one.column == two.column && one.sheet == two.sheet && one.file == two.file
        };
        let room = u64::try_from(self.kinds.len()).is_ok_and(|shown| shown < MOST);
        let known = self.kinds.iter_mut().find(|kind| kind.first.first().is_some_and(alike));
        match known {
            Some(kind) if kind.first.len() < MOST_ALIKE => {
                kind.first.push(finding.clone());
                kind.further += count - 1;
            }
            Some(kind) => kind.further += count,
            None if room => self.kinds.push(Alike { first: vec![finding.clone()], further: count - 1 }),
            None => self.more += count,
        }
    }
}

//! Figures (统计): what offices are measured by, for a period of days, as known at a position of the log. Formulas are written down in
//! docs/FIGURES.md; each is one line of [`figure`].
//!
//! What is counted, and where, is kept apart from what is made of it: the files here say of one merchant or case what counts
//! ([`Counted`]), and whoever listens adds it up by district, sector and street, or lists it. So every figure can be opened: it is the sum
//! of rows that each name an event.
//!
//! Everything goes by what was known: which district and sector a merchant belongs to, whether it is in a reader's scope, and the policies.
//! Evidence that comes later changes no figure as it was known before.

mod acts;
mod cases;
pub mod figure;
pub mod group;
pub mod measure;
pub mod month;
mod refunds;
mod standing;
mod tickets;

pub use figure::{FIGURES, Figure, Number};
pub use group::{By, Group};
pub use measure::{Cell, Counted, Measure};
pub use month::{Known, Month, MonthError, NoMonth};

use super::{View, with_facts};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::{Day, Instant, plus_days, start_of};
use crate::policy::Policies;
use crate::policy::figures::OriginalResolution;
use std::collections::BTreeMap;

/// Merchants with the most complaints that are named.
pub const SUBJECTS: usize = 20;

/// Days from the first up to, and without, the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// First day.
    pub from: Day,
    /// The day after the last.
    pub to: Day,
}

impl Period {
    /// Says whether a day lies in it.
    #[must_use]
    pub fn has_day(&self, day: Day) -> bool {
        self.from <= day && day < self.to
    }

    /// Says whether an instant lies in it.
    #[must_use]
    pub fn has(&self, at: Instant) -> bool {
        start_of(self.from) <= at && at < start_of(self.to)
    }

    /// Returns the same days a year before; 29 February becomes the day before it.
    #[must_use]
    pub fn year_before(&self) -> Self {
        let back = |day: Day| day.checked_sub(jiff::Span::new().years(1)).unwrap_or(day);
        Self { from: back(self.from), to: back(self.to) }
    }
}

/// What figures are made by.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'p> {
    /// The days.
    pub period: Period,
    /// Nothing recorded after this is known.
    pub known: Position,
    /// When that was so: what is due later is not late yet.
    pub seen: Instant,
    /// Policies in force then.
    pub policies: &'p Policies,
    /// How the original resolution rate is found.
    pub original: OriginalResolution,
    /// Also how things stand at the end of the period: lights, money, filings. Each merchant's light is derived for it.
    pub with_standing: bool,
}

impl Terms<'_> {
    /// Returns the horizon by which merchants are sorted: the last instant of the period, or when things were known, whichever is first.
    #[must_use]
    pub fn horizon(&self) -> Horizon {
        let end = start_of(self.period.to);
        let last = end.checked_sub(jiff::SignedDuration::from_millis(1)).unwrap_or(end);
        Horizon::new(last.min(self.seen), self.known)
    }

    /// Says whether something that is said to have happened at an instant had happened when things were known.
    fn is_past(&self, at: Instant) -> bool {
        at <= self.seen
    }
}

/// A merchant with its complaints in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Who.
    pub credit_code: CreditCode,
    /// Its name, if it was in the register.
    pub name: Option<String>,
    /// Tickets.
    pub tickets: u64,
}

/// Figures of a period, by group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// What was counted in each group; the whole is always among them.
    pub groups: BTreeMap<Group, BTreeMap<Measure, Cell>>,
    /// The merchants with the most complaints, most first, then by credit code.
    pub subjects: Vec<Subject>,
}

/// Something that a figure counts, to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedRow {
    /// About whom.
    pub credit_code: CreditCode,
    /// Its name, if it was in the register.
    pub name: Option<String>,
    /// What was counted.
    pub counted: Counted,
}

impl Figures {
    fn add(&mut self, groups: &[Group], counted: Counted) {
        for group in groups {
            // Cloned only the first time a group is met.
            if !self.groups.contains_key(group) {
                self.groups.insert(group.clone(), BTreeMap::new());
            }
            if let Some(cells) = self.groups.get_mut(group) {
                cells.entry(counted.measure).or_default().add(counted);
            }
        }
    }

    /// Returns a figure of a group.
    #[must_use]
    pub fn number(&self, figure: &Figure, group: &Group) -> Number {
        figure.of(self.groups.get(group))
    }

    fn name_subjects(&mut self, mut found: Vec<Subject>) {
        found.sort_unstable_by(|a, b| b.tickets.cmp(&a.tickets).then_with(|| a.credit_code.cmp(&b.credit_code)));
        found.truncate(SUBJECTS);
        self.subjects = found;
    }
}

impl<'a> View<'a> {
    /// Counts everything that the reader may see.
    #[must_use]
    pub fn figures(&self, terms: &Terms<'_>) -> Figures {
        let mut figures = Figures::default();
        figures.groups.insert(Group::whole(), BTreeMap::new());
        let mut subjects = Vec::new();
        self.merchants_of(terms, |merchant, groups| {
            let mut tickets = 0;
            count_merchant(terms, merchant, &mut |counted| {
                tickets += u64::from(counted.measure == Measure::Tickets);
                figures.add(groups, counted);
            });
            if terms.with_standing {
                standing::count(terms, self.world, merchant, &mut |counted| figures.add(groups, counted));
            }
            if tickets > 0 {
                subjects.push(subject(merchant, terms.known, tickets));
            }
        });
        self.cases_of(terms, |_, groups, counted| figures.add(groups, counted));
        figures.name_subjects(subjects);
        figures
    }

    /// Lists what a figure of a group counts, in the order recorded; also says how much there is in all. Merchants that are out of the
    /// reader's sight by now are counted as they were, and not named.
    #[must_use]
    pub fn counted(
        &self,
        terms: &Terms<'_>,
        figure: &Figure,
        group: &Group,
        skip: usize,
        take: usize,
    ) -> (usize, Vec<CountedRow>) {
        let mut found = Vec::new();
        let is_seen = |merchant: &Merchant| self.world.get(merchant.code).is_some_and(|now| self.sees(now));
        let mut keep = |merchant: &Merchant, groups: &[Group], counted: Counted| {
            if figure.counts(counted.measure) && groups.contains(group) && is_seen(merchant) {
                let name = merchant.name(terms.known).map(str::to_owned);
                found.push(CountedRow { credit_code: merchant.code, name, counted });
            }
        };
        self.merchants_of(terms, |merchant, groups| {
            count_merchant(terms, merchant, &mut |counted| keep(merchant, groups, counted));
            if terms.with_standing {
                standing::count(terms, self.world, merchant, &mut |counted| keep(merchant, groups, counted));
            }
        });
        self.cases_of(terms, &mut keep);
        found.sort_unstable_by_key(|row| (row.counted.position, row.credit_code, row.counted.measure));
        (found.len(), found.into_iter().skip(skip).take(take).collect())
    }

    /// Calls `each` with every merchant that was in the reader's scope, as it was known, and the groups it was in.
    fn merchants_of(&self, terms: &Terms<'_>, mut each: impl FnMut(&'a Merchant, &[Group])) {
        let horizon = terms.horizon();
        for merchant in self.everybody() {
            let merchant = merchant.known_at(terms.known);
            if self.was_in_scope(terms, &horizon, merchant) {
                each(merchant, &Group::of(merchant, &horizon, terms.policies));
            }
        }
    }

    /// Calls `each` with everything about cases that counts.
    fn cases_of(&self, terms: &Terms<'_>, mut each: impl FnMut(&Merchant, &[Group], Counted)) {
        let horizon = terms.horizon();
        for case in self.cases.all().take_while(|_| self.goes_on()) {
            let Some(merchant) = self.world.get(case.credit_code).map(|merchant| merchant.known_at(terms.known)) else {
                continue;
            };
            if !self.was_in_scope(terms, &horizon, merchant) {
                continue;
            }
            // Most cases of a district lie in other periods.
            let mut groups = Vec::new();
            cases::count(terms, case, &mut |counted| {
                if groups.is_empty() {
                    groups = Group::of(merchant, &horizon, terms.policies);
                }
                each(merchant, &groups, counted);
            });
        }
    }

    fn was_in_scope(&self, terms: &Terms<'_>, horizon: &Horizon, merchant: &Merchant) -> bool {
        self.scope.is_everything() || with_facts(merchant, horizon, terms.policies, |facts| self.scope.sees(facts))
    }
}

fn count_merchant(terms: &Terms<'_>, merchant: &Merchant, each: &mut dyn FnMut(Counted)) {
    tickets::count(terms, merchant, each);
    refunds::count(terms, merchant, each);
    acts::count(terms, merchant, each);
}

fn subject(merchant: &Merchant, known: Position, tickets: u64) -> Subject {
    Subject { credit_code: merchant.code, name: merchant.name(known).map(str::to_owned), tickets }
}

/// Returns the period of so many days up to and with a day.
#[must_use]
pub fn days_until(last: Day, count: i64) -> Period {
    Period { from: plus_days(last, 1 - count), to: plus_days(last, 1) }
}

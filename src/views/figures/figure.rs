//! The figures, each with its formula. docs/FIGURES.md says the same in words; a test holds the two together.

use super::measure::{Cell, Measure};
use crate::domain::words::{CaseOutcome, EnforcementKind, Light};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// A figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Name in the API, in texts and in docs/FIGURES.md.
    pub key: &'static str,
    /// What it belongs to.
    pub section: Section,
    /// How it is made.
    pub formula: Formula,
}

/// What a figure belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Tickets, rates, refunds.
    Tickets,
    /// Cases and duties.
    Cases,
    /// What offices did.
    Acts,
    /// How merchants stand at the end of the period.
    Standing,
}

/// How a figure is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// How many.
    Count(Measure),
    /// How much, yuan.
    Sum(Measure),
    /// How many of the first among the second.
    Rate(Measure, Measure),
    /// The middle of hours.
    Median(Measure),
}

/// What a figure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// So many.
    Count(u64),
    /// Yuan.
    Yuan(Decimal),
    /// So many of so many.
    Rate {
        /// Of the first.
        of: u64,
        /// Among the second.
        among: u64,
    },
    /// Hours; `None` if there were none.
    Hours {
        /// The middle.
        median: Option<Decimal>,
        /// Of how many.
        among: u64,
    },
}

use Formula::{Count, Median, Rate, Sum};
use Measure as M;

const fn figure(key: &'static str, section: Section, formula: Formula) -> Figure {
    Figure { key, section, formula }
}

/// Every figure, in the order they are told.
pub const FIGURES: &[Figure] = &[
    figure("tickets", Section::Tickets, Count(M::Tickets)),
    figure("response_rate", Section::Tickets, Rate(M::Answered, M::Dispatched)),
    figure("resolution_rate", Section::Tickets, Rate(M::SaidResolved, M::CalledBack)),
    figure("satisfaction_rate", Section::Tickets, Rate(M::SaidSatisfied, M::CalledBack)),
    figure("original_resolution_rate", Section::Tickets, Rate(M::OriginallyResolved, M::Tickets)),
    figure("promised", Section::Tickets, Sum(M::Promised)),
    figure("recovered", Section::Tickets, Sum(M::Recovered)),
    figure("cases_opened", Section::Cases, Count(M::CasesOpened)),
    figure("cases_open", Section::Cases, Count(M::CasesOpen)),
    figure("ended_light_out", Section::Cases, Count(M::CasesEnded(CaseOutcome::LightOut))),
    figure("ended_rectified", Section::Cases, Count(M::CasesEnded(CaseOutcome::Rectified))),
    figure("ended_settled", Section::Cases, Count(M::CasesEnded(CaseOutcome::Settled))),
    figure("ended_transferred", Section::Cases, Count(M::CasesEnded(CaseOutcome::Transferred))),
    figure("ended_unfounded", Section::Cases, Count(M::CasesEnded(CaseOutcome::Unfounded))),
    figure("ended_other", Section::Cases, Count(M::CasesEnded(CaseOutcome::Other))),
    figure("acknowledge_hours", Section::Cases, Median(M::Acknowledged)),
    figure("act_hours", Section::Cases, Median(M::ActedOn)),
    figure("duties_in_time_rate", Section::Cases, Rate(M::DutiesInTime, M::DutiesDue)),
    figure("duties_late", Section::Cases, Count(M::DutiesLate)),
    figure("duties_overdue", Section::Cases, Count(M::DutiesOverdue)),
    figure("warning_letters", Section::Acts, Count(M::Enforced(EnforcementKind::WarningLetter))),
    figure("yellow_cards", Section::Acts, Count(M::Enforced(EnforcementKind::YellowCard))),
    figure("yellow_cards_removed", Section::Acts, Count(M::Enforced(EnforcementKind::YellowCardRemoved))),
    figure("talks", Section::Acts, Count(M::Enforced(EnforcementKind::Talk))),
    figure("site_checks", Section::Acts, Count(M::Enforced(EnforcementKind::OnSiteCheck))),
    figure("orders", Section::Acts, Count(M::Enforced(EnforcementKind::RectificationOrdered))),
    figure("orders_met", Section::Acts, Count(M::Enforced(EnforcementKind::RectificationMet))),
    figure("orders_missed", Section::Acts, Count(M::Enforced(EnforcementKind::RectificationMissed))),
    figure("penalties", Section::Acts, Count(M::Enforced(EnforcementKind::Penalty))),
    figure("letters", Section::Acts, Count(M::Letters)),
    figure("leads", Section::Acts, Count(M::Leads)),
    figure("merchants", Section::Standing, Count(M::Merchants)),
    figure("red", Section::Standing, Count(M::Lit(Light::Red))),
    figure("orange", Section::Standing, Count(M::Lit(Light::Orange))),
    figure("yellow", Section::Standing, Count(M::Lit(Light::Yellow))),
    figure("unknown", Section::Standing, Count(M::Lit(Light::Unknown))),
    figure("green", Section::Standing, Count(M::Lit(Light::Green))),
    figure("filed", Section::Standing, Count(M::Filed)),
    figure("outstanding", Section::Standing, Sum(M::Outstanding)),
    figure("required", Section::Standing, Sum(M::Required)),
    figure("held", Section::Standing, Sum(M::Held)),
    figure("shortfall", Section::Standing, Sum(M::Shortfall)),
    figure("at_risk", Section::Standing, Sum(M::AtRisk)),
];

impl Section {
    /// Every section, in the order they are told.
    pub const ALL: [Self; 4] = [Self::Tickets, Self::Cases, Self::Acts, Self::Standing];

    /// Returns the name of the section's text.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Tickets => "section_tickets",
            Self::Cases => "section_cases",
            Self::Acts => "section_acts",
            Self::Standing => "section_standing",
        }
    }
}

impl Figure {
    /// Returns a figure by its name.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        FIGURES.iter().find(|figure| figure.key == key)
    }

    /// Says whether it counts things of this kind.
    #[must_use]
    pub fn counts(&self, measure: Measure) -> bool {
        match self.formula {
            Count(one) | Sum(one) | Median(one) => one == measure,
            Rate(of, among) => of == measure || among == measure,
        }
    }

    /// Says whether it counts these as those among which a rate is taken.
    #[must_use]
    pub fn is_among(&self, measure: Measure) -> bool {
        matches!(self.formula, Rate(_, among) if among == measure)
    }

    /// Says whether it tells how merchants stand at the end of the period.
    #[must_use]
    pub fn is_of_standing(&self) -> bool {
        self.section == Section::Standing
    }

    /// Returns what the figure comes to for what was counted in a group.
    #[must_use]
    pub fn of(&self, cells: Option<&BTreeMap<Measure, Cell>>) -> Number {
        let cell = |measure| cells.and_then(|cells| cells.get(&measure));
        let count = |measure| cell(measure).map_or(0, |cell| cell.count);
        match self.formula {
            Count(measure) => Number::Count(count(measure)),
            Sum(measure) => Number::Yuan(cell(measure).map_or(Decimal::ZERO, |cell| cell.sum)),
            Rate(of, among) => Number::Rate { of: count(of), among: count(among) },
            Median(measure) => Number::Hours { median: cell(measure).and_then(Cell::median), among: count(measure) },
        }
    }
}

impl Number {
    /// Returns a rate as a ratio to four digits; `None` if it is none, or of nothing.
    #[must_use]
    pub fn ratio(self) -> Option<Decimal> {
        match self {
            Self::Rate { of, among } => Decimal::from(of).checked_div(Decimal::from(among)).map(|it| it.round_dp(4)),
            _ => None,
        }
    }
}

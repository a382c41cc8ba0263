//! Filing and custody schemes (备案与存管方案), `policies/schemes.toml`.

use super::calendar::Calendar;
use super::rule::Comparison;
use super::sector::Sectors;
use crate::domain::code::DivisionCode;
use crate::domain::time::{Day, plus_days};
use rust_decimal::Decimal;
use serde::Deserialize;

/// The duties of one sector in one place.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheme {
    /// Id.
    pub id: String,
    /// First digits of the division codes it is for.
    pub division: String,
    /// Sector ids; `*` is any determined sector.
    pub sectors: Vec<String>,
    /// When a filing is due.
    pub filing: FilingDuty,
    /// What must be in custody; absent if no source gives a ratio.
    pub custody: Option<CustodyDuty>,
    /// Where this comes from.
    pub source: String,
}

/// When a filing is due, and by when.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilingDuty {
    from: FilingFrom,
    comparison: Option<Comparison>,
    threshold: Option<Decimal>,
    days: Option<u32>,
    working_days: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FilingFrom {
    FirstBalance,
    Balance,
}

/// What must be in custody.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustodyDuty {
    /// Share of the base.
    pub ratio: Decimal,
    /// What it is a share of.
    pub base: CustodyBase,
}

/// What the custody ratio is applied to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CustodyBase {
    /// Outstanding at the end of the previous calendar quarter.
    PreviousQuarterEnd,
    /// Latest outstanding.
    Latest,
}

impl FilingDuty {
    /// Says whether a declared balance (yuan) makes the filing due.
    #[must_use]
    pub fn is_met_by(&self, outstanding: Decimal) -> bool {
        match (self.comparison, self.threshold) {
            (Some(comparison), Some(threshold)) => comparison.holds(outstanding.cmp(&threshold)),
            _ => true,
        }
    }

    /// Returns the last day to file, when the condition was first met on `first`.
    #[must_use]
    pub fn deadline(&self, first: Day, calendar: &Calendar) -> Day {
        match self.working_days {
            Some(count) => calendar.plus_working_days(first, count),
            None => plus_days(first, i64::from(self.days.unwrap_or_default())),
        }
    }
}

/// All schemes, in order of precedence.
#[derive(Debug, Clone, Default)]
pub struct Schemes(Vec<Scheme>);

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemesFile {
    scheme: Vec<Scheme>,
}

impl SchemesFile {
    /// Checks the file and returns the schemes; each problem is one sentence.
    pub(super) fn check(self, sectors: &Sectors, problems: &mut Vec<String>) -> Schemes {
        for scheme in &self.scheme {
            let id = &scheme.id;
            if scheme.source.trim().is_empty() {
                problems.push(format!("scheme `{id}` has no source"));
            }
            for sector in scheme.sectors.iter().filter(|sector| *sector != "*") {
                if sectors.get(sector).is_none() {
                    problems.push(format!("scheme `{id}` names the sector `{sector}`, which is not in sectors.toml"));
                }
            }
            let filing = &scheme.filing;
            let by_balance = filing.from == FilingFrom::Balance;
            if by_balance != filing.comparison.is_some() || by_balance != filing.threshold.is_some() {
                problems.push(format!("scheme `{id}`: `comparison` and `threshold` go with from = \"balance\""));
            }
            if filing.days.is_some() == filing.working_days.is_some() {
                problems.push(format!("scheme `{id}`: give either `days` or `working_days`"));
            }
            if scheme.custody.as_ref().is_some_and(|duty| duty.ratio <= Decimal::ZERO || duty.ratio > Decimal::ONE) {
                problems.push(format!("scheme `{id}`: the custody ratio must lie above 0 and not above 1"));
            }
        }
        Schemes(self.scheme)
    }
}

impl Schemes {
    /// Returns the scheme for a place and a sector; `None` if either is not known or nothing is prescribed there.
    #[must_use]
    pub fn find(&self, division: Option<DivisionCode>, sector: Option<&str>) -> Option<&Scheme> {
        let (division, sector) = (division?, sector?);
        self.0.iter().find(|scheme| {
            division.lies_in(&scheme.division) && scheme.sectors.iter().any(|name| name == "*" || name == sector)
        })
    }
}

//! By what figures are told apart: district, sector (the office in charge), street.

use crate::domain::merchant::{Horizon, Merchant};
use crate::lights::moment::sector_of;
use crate::policy::Policies;
use std::fmt;
use std::str::FromStr;

/// What a group is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// Everything the reader sees.
    Whole,
    /// A district, by its division code.
    Division,
    /// A sector, by its id: the office in charge.
    Sector,
    /// A street of a district.
    Street,
}

/// Merchants that are counted together; a name that is not known is empty.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// Of what.
    pub by: By,
    /// District of a street; empty for the others.
    pub division: String,
    /// Division code, sector id or street; empty for the whole, and where it is not known.
    pub name: String,
}

impl By {
    /// Every kind of group.
    pub const ALL: [Self; 4] = [Self::Whole, Self::Division, Self::Sector, Self::Street];

    /// Returns the name, as the API and texts have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Division => "division",
            Self::Sector => "sector",
            Self::Street => "street",
        }
    }
}

/// A word that names no kind of group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of whole, division, sector, street")]
pub struct UnknownGroup(String);

impl FromStr for By {
    type Err = UnknownGroup;

    fn from_str(text: &str) -> Result<Self, UnknownGroup> {
        Self::ALL.into_iter().find(|by| by.name() == text).ok_or_else(|| UnknownGroup(text.to_owned()))
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Group {
    /// Returns the group of everything.
    #[must_use]
    pub const fn whole() -> Self {
        Self { by: By::Whole, division: String::new(), name: String::new() }
    }

    /// Returns the groups that a merchant is in at a horizon.
    #[must_use]
    pub fn of(merchant: &Merchant, horizon: &Horizon, policies: &Policies) -> Vec<Self> {
        let division = merchant.division(horizon.known).map(|code| code.to_string()).unwrap_or_default();
        let street = merchant.detail(horizon.known, |row| row.street.as_deref()).unwrap_or_default();
        let sector = sector_of(merchant, horizon, policies).unwrap_or_default();
        let plain = |by, name: &str| Self { by, division: String::new(), name: name.to_owned() };
        vec![
            Self::whole(),
            plain(By::Division, &division),
            plain(By::Sector, sector),
            Self { by: By::Street, division: division.clone(), name: street.to_owned() },
        ]
    }
}

//! What a district publishes about shops: everybody reads it, without a log-in.

use std::str::FromStr;

/// A part of what is known about a shop that may be published. What is not chosen is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicPart {
    /// Whether it is on file (备案).
    Filing,
    /// Whether money is in custody or guaranteed (存管、担保), and as of when; no amounts.
    Custody,
    /// Notices of leaving (撤店公示) with how to get money back, and closings.
    Exits,
    /// The colour of its light, without reasons.
    Light,
}

impl PublicPart {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Filing, Self::Custody, Self::Exits, Self::Light];

    /// Returns its name in settings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filing => "filing",
            Self::Custody => "custody",
            Self::Exits => "exits",
            Self::Light => "light",
        }
    }
}

impl FromStr for PublicPart {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|part| part.name() == text).ok_or(())
    }
}

//! When a name that persons decided on is offered as another name of a merchant (别名), by `policies/aliases.toml`.

use serde::Deserialize;

/// The file that is compiled in.
const BUILT_IN: &str = include_str!("../../policies/aliases.toml");

/// Name of the file in a folder of policies, where it may be left out.
pub const FILE: &str = "aliases.toml";

/// When a name is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AliasOffers {
    /// After so many decisions alike.
    pub after: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AliasesFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    offer: OfferPart,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfferPart {
    after: usize,
}

impl AliasOffers {
    /// Returns the number compiled in.
    ///
    /// # Errors
    /// None in a released build: the tests read it.
    pub fn built_in() -> Result<Self, Vec<String>> {
        Self::parse(BUILT_IN)
    }

    /// Reads and checks a file.
    ///
    /// # Errors
    /// What is wrong with it, naming the key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let file: AliasesFile = toml::from_str(text).map_err(|error| vec![format!("{FILE}: {error}")])?;
        match file.offer.after {
            0 => Err(vec![format!("{FILE}: `offer.after` is 0; 1 or more is possible")]),
            after => Ok(Self { after }),
        }
    }
}

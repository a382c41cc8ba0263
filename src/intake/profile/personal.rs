//! Columns about persons: what `policies/intake/personal.toml` says of headers.

use crate::intake::sheet::header_name;
use serde::Deserialize;

/// Words of headers that speak of the person who complains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Personal {
    whole: Vec<String>,
    part: Vec<String>,
    unless: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonalFile {
    #[expect(dead_code, reason = "for people who read the file")]
    version: u32,
    #[expect(dead_code, reason = "for people who read the file")]
    source: String,
    whole: Vec<String>,
    part: Vec<String>,
    unless: Vec<String>,
}

impl Personal {
    /// Says whether a column with this header, which nothing reads, is about a person.
    #[must_use]
    pub fn is(&self, header: &str) -> bool {
        let name = header_name(header);
        let holds = |words: &[String]| words.iter().any(|word| name.contains(word.as_str()));
        self.whole.contains(&name) || holds(&self.part) && !holds(&self.unless)
    }

    /// Says whether a text speaks of a person's particulars at all: such a line that cannot be taken apart is not kept.
    #[must_use]
    pub fn speaks_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.part
            .iter()
            .chain(self.whole.iter().filter(|word| word.is_ascii()))
            .any(|word| text.contains(word.as_str()))
    }
}

impl From<PersonalFile> for Personal {
    fn from(file: PersonalFile) -> Self {
        let names = |words: Vec<String>| words.iter().map(|word| header_name(word)).collect();
        Self { whole: names(file.whole), part: names(file.part), unless: names(file.unless) }
    }
}

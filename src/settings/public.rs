//! `[public]`: what everybody may look up, without a log-in.

use super::reader::Section;
use crate::domain::access::PublicPart;

/// What everybody may look up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Public {
    /// The parts that are shown; none of them means that there are no such pages.
    pub shows: Vec<PublicPart>,
    /// Pages that one address may look at in a minute.
    pub per_minute: u32,
}

impl Public {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let wanted = "a list of \"filing\", \"custody\", \"exits\" and \"light\"";
        let shows = section.list("shows", wanted).unwrap_or_default();
        let per_minute = section.number("per_minute", 1..=100_000).and_then(|number| u32::try_from(number).ok());
        section.finish();
        Self { shows, per_minute: per_minute.unwrap_or(60) }
    }
}

//! Marks: how a text that is not kept is known again. What was said beside a figure (a refund plan, last year's revenue) matters to
//! no fact, but a row that says another one is news.

use sha2::{Digest as _, Sha256};

/// The first 32 bits of SHA-256 of a text, 0 if nothing was said. Compared within one thing of one merchant only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark(pub u32);

impl Mark {
    /// Nothing was said.
    pub const NONE: Self = Self(0);

    /// Returns the mark of a text.
    #[must_use]
    pub fn of(text: Option<&str>) -> Self {
        let Some(text) = text else { return Self::NONE };
        let digest = Sha256::digest(text.as_bytes());
        // A text whose mark would be 0 gets 1: it was said.
        Self(digest.first_chunk::<4>().map_or(1, |bytes| u32::from_be_bytes(*bytes).max(1)))
    }

    /// Returns this mark, or the earlier one if nothing was said: silence takes nothing back.
    #[must_use]
    pub const fn or(self, earlier: Self) -> Self {
        if self.0 == 0 { earlier } else { self }
    }

    /// Says whether a text that is said now is news beside this mark.
    #[must_use]
    pub fn differs(self, text: Option<&str>) -> bool {
        text.is_some() && Self::of(text) != self
    }
}

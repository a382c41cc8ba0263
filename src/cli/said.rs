//! What a command says to people, in both languages at once: a text that lacks one of them cannot be written down.

use crate::http::Language;
use std::fmt::{self, Display};

/// A text of the catalogue (`texts.rs`), with places `{0}`, `{1}` … to fill.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
}

impl Text {
    /// Returns the text in a language, as it stands.
    #[must_use]
    pub(super) const fn in_language(self, language: Language) -> &'static str {
        language.pick(self.zh, self.en)
    }

    /// Fills the places.
    #[must_use]
    pub(super) fn with(self, values: &[&dyn Display]) -> Said {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Said { zh: fill(self.zh, &values), en: fill(self.en, &values) }
    }
}

/// Fills from left to right, so that what a value says is never taken for a place.
fn fill(text: &str, values: &[String]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let place =
            after.split_once('}').and_then(|(place, after)| Some((values.get(place.parse::<usize>().ok()?)?, after)));
        match place {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// Something said, in both languages; which one is heard is decided where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Said {
    /// Returns words that are the same in both languages, such as names.
    #[must_use]
    pub fn same(words: String) -> Self {
        Self { zh: words.clone(), en: words }
    }

    /// Returns the words in a language.
    #[must_use]
    pub fn heard_in(&self, language: Language) -> &str {
        language.pick(&self.zh, &self.en)
    }
}

impl From<Text> for Said {
    fn from(text: Text) -> Self {
        text.with(&[])
    }
}

impl Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

impl std::error::Error for Said {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_value_says_is_no_place() {
        let text = Text { zh: "{1}，{0}", en: "{0}, {1} {x}" };
        let said = text.with(&[&"{1}", &2]);
        assert_eq!((said.zh.as_str(), said.en.as_str()), ("2，{1}", "{1}, 2 {x}"));
    }
}

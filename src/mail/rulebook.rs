//! The rule pack as a rulebook: titles, fact names and duties as the policies in force word them.

use super::render::{Duty, Rulebook};
use crate::alerts::recipients::LetterLanguage;
use crate::domain::time::Instant;
use crate::policy::Policies;
use crate::policy::fact::FactId;
use std::sync::Arc;

impl Rulebook for Arc<Policies> {
    fn title(&self, rule: &str, language: LetterLanguage) -> Option<String> {
        let title = &self.pack.rule(rule)?.title;
        Some(match language {
            LetterLanguage::Chinese => title.zh.clone(),
            LetterLanguage::English => title.en.clone(),
        })
    }

    /// Facts have Chinese names; their own names are the English ones.
    fn fact(&self, fact: &str, language: LetterLanguage) -> Option<String> {
        match language {
            LetterLanguage::Chinese => FactId::find(fact).map(|fact| fact.zh().to_owned()),
            LetterLanguage::English => None,
        }
    }

    fn duty(&self, rule: &str, language: LetterLanguage, at: Instant) -> Option<Duty> {
        let duty = &self.pack.rule(rule)?.duty;
        let text = match language {
            LetterLanguage::Chinese => duty.zh.clone(),
            LetterLanguage::English => duty.en.clone(),
        };
        Some(Duty { text, due: duty.due(at, &self.calendar) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_words_its_rules_in_both_languages_with_the_time_they_are_due() {
        let policies = Arc::new(Policies::built_in().unwrap());
        let at: Instant = "2025-06-30T10:00:00Z".parse().unwrap();
        for rule in &policies.pack.rules {
            for language in [LetterLanguage::Chinese, LetterLanguage::English] {
                assert!(policies.title(&rule.id, language).is_some_and(|title| !title.is_empty()), "{}", rule.id);
                assert!(policies.duty(&rule.id, language, at).is_some_and(|duty| !duty.text.is_empty()), "{}", rule.id);
            }
        }
        let duty = policies.duty("closed-unannounced", LetterLanguage::Chinese, at).unwrap();
        assert_eq!((duty.text.as_str(), duty.due), ("现场核查", "2025-07-01T10:00:00Z".parse().ok()));
        assert!(policies.fact("custody.coverage", LetterLanguage::Chinese).is_some_and(|name| !name.is_ascii()));
        assert!(policies.title("no-such-rule", LetterLanguage::English).is_none());
    }
}

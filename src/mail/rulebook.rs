//! The rule pack as a rulebook: titles, fact names and duties as the policies in force word them.

use super::render::{Duty, Rulebook};
use crate::alerts::recipients::Language;
use crate::domain::time::Instant;
use crate::policy::Policies;
use crate::policy::fact::FactId;
use std::sync::Arc;

impl Rulebook for Arc<Policies> {
    fn title(&self, rule: &str, language: Language) -> Option<String> {
        let title = &self.pack.rule(rule)?.title;
        Some(match language {
            Language::Chinese => title.zh.clone(),
            Language::English => title.en.clone(),
        })
    }

    /// Facts have Chinese names; their own names are the English ones.
    fn fact(&self, fact: &str, language: Language) -> Option<String> {
        match language {
            Language::Chinese => FactId::find(fact).map(|fact| fact.zh().to_owned()),
            Language::English => None,
        }
    }

    fn duty(&self, rule: &str, language: Language, at: Instant) -> Option<Duty> {
        let duty = &self.pack.rule(rule)?.duty;
        let text = match language {
            Language::Chinese => duty.zh.clone(),
            Language::English => duty.en.clone(),
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
            for language in [Language::Chinese, Language::English] {
                assert!(policies.title(&rule.id, language).is_some_and(|title| !title.is_empty()), "{}", rule.id);
                assert!(policies.duty(&rule.id, language, at).is_some_and(|duty| !duty.text.is_empty()), "{}", rule.id);
            }
        }
        let duty = policies.duty("closed-unannounced", Language::Chinese, at).unwrap();
        assert_eq!((duty.text.as_str(), duty.due), ("现场核查", "2025-07-01T10:00:00Z".parse().ok()));
        assert!(policies.fact("custody.coverage", Language::Chinese).is_some_and(|name| !name.is_ascii()));
        assert!(policies.title("no-such-rule", Language::English).is_none());
    }
}

//! The texts of the rules in force, for mails.

use crate::alerts::recipients::Language;
use crate::domain::time::Instant;
use crate::mail::render::{Duty, Rulebook};
use crate::policy::Policies;
use crate::policy::fact::FactId;
use crate::policy::rule::Text;
use std::sync::Arc;

/// The policies as a rulebook.
pub(super) struct PolicyRulebook(pub(super) Arc<Policies>);

impl Rulebook for PolicyRulebook {
    fn title(&self, rule: &str, language: Language) -> Option<String> {
        let Text { zh, en } = &self.0.pack.rule(rule)?.title;
        Some(in_language(language, zh, en))
    }

    fn fact(&self, fact: &str, language: Language) -> Option<String> {
        let fact = FactId::find(fact)?;
        Some(in_language(language, fact.zh(), fact.name()))
    }

    fn duty(&self, rule: &str, language: Language, at: Instant) -> Option<Duty> {
        let duty = &self.0.pack.rule(rule)?.duty;
        Some(Duty { text: in_language(language, &duty.zh, &duty.en), due: duty.due(at, &self.0.calendar) })
    }
}

fn in_language(language: Language, zh: &str, en: &str) -> String {
    match language {
        Language::Chinese => zh.to_owned(),
        Language::English => en.to_owned(),
    }
}

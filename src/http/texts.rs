//! The texts of pages, one table per language.

use super::language::Language;
use std::collections::BTreeMap;

/// Texts by section and key.
pub(super) type Texts = BTreeMap<String, BTreeMap<String, String>>;

/// Reads the texts of a language.
///
/// # Errors
/// When the table is not TOML; the tests read both.
pub(super) fn read(language: Language) -> Result<Texts, toml::de::Error> {
    toml::from_str(match language {
        Language::Zh => include_str!("../../assets/i18n/zh-CN.toml"),
        Language::En => include_str!("../../assets/i18n/en.toml"),
    })
}

/// Returns the names of facts by their ids, as people read them.
pub(crate) fn fact_names(language: Language) -> BTreeMap<String, String> {
    // A table that is no TOML has no names, and no build either: the tests read both.
    read(language).ok().and_then(|mut texts| texts.remove("fact")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: &Texts) -> Vec<String> {
        texts.iter().flat_map(|(section, keys)| keys.keys().map(move |key| format!("{section}.{key}"))).collect()
    }

    fn places(text: &str) -> Vec<&str> {
        let mut places: Vec<&str> =
            text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(place, _)| place).collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn both_languages_have_the_same_keys_and_the_same_places_to_fill() {
        let [zh, en] = Language::ALL.map(|language| read(language).unwrap());
        assert_eq!(keys(&zh), keys(&en));
        for (section, texts) in &zh {
            for (key, text) in texts {
                assert_eq!(places(text), places(&en[section][key]), "{section}.{key}");
            }
        }
    }

    /// Words that a Chinese text holds as they are: names of formats, and what a reader types or sees elsewhere.
    const NAMES: [&str; 14] =
        ["CSV", "csv", "Excel", "JSON", "English", "en", "wl", "zip", "xlsx", "xls", "xlsb", "ods", "et", "docx"];

    /// Returns a text without what is filled in.
    fn said(text: &str) -> String {
        let parts = text.split('{').enumerate();
        parts
            .map(|(place, part)| if place == 0 { part } else { part.split_once('}').map_or("", |(_, rest)| rest) })
            .collect()
    }

    #[test]
    fn a_chinese_text_has_no_english_word_and_an_english_one_nothing_chinese() {
        let is_chinese = |letter: char| ('\u{3400}'..='\u{9FFF}').contains(&letter);
        let [zh, en] = Language::ALL.map(|language| read(language).unwrap());
        for (section, texts) in &zh {
            for (key, text) in texts {
                for word in said(text).split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| word.len() > 1)
                {
                    // The beginning of the names of returned files.
                    let known = NAMES.contains(&word) || (section == "imports" && word == "returned");
                    assert!(known, "{section}.{key}: `{word}` in `{text}`");
                }
                let english = &en[section][key];
                let switch = (section.as_str(), key.as_str()) == ("site", "language");
                assert!(switch || !english.chars().any(is_chinese), "{section}.{key}: `{english}`");
            }
        }
    }

    #[test]
    fn every_event_has_a_sentence_and_every_fact_a_name() {
        use crate::domain::event::Event;
        use crate::policy::fact::FactId;
        for language in Language::ALL {
            let texts = read(language).unwrap();
            for (event, _) in Event::CONTRACT {
                assert!(texts["told"].contains_key(*event), "{event}: it needs a sentence in [told]");
            }
            for fact in FactId::ALL {
                assert!(texts["fact"].contains_key(fact.name()), "{}", fact.name());
            }
        }
    }
}

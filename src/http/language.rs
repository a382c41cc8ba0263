//! The language of an answer: Chinese unless asked otherwise.

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};

/// Cookie that remembers the choice.
pub(super) const COOKIE: &str = "warnlight_lang";

/// A language that texts exist in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Chinese as written on the mainland.
    #[default]
    Zh,
    /// English.
    En,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Zh, Self::En];

    /// Returns the tag of BCP 47.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Returns whichever of two texts is in this language.
    #[must_use]
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// Reads a tag such as `zh`, `zh-CN` or `en-GB`.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or_default().trim();
        match primary.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// Returns the language a request asks for in its query (`?lang=`).
    #[must_use]
    pub fn in_query(query: &str) -> Option<Self> {
        query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(Self::from_tag)
    }

    /// Returns the language of a request: `?lang=`, else the cookie, else `Accept-Language`, else Chinese.
    #[must_use]
    pub fn of(request: &HttpRequest) -> Self {
        let cookie = || request.cookie(COOKIE).and_then(|cookie| Self::from_tag(cookie.value()));
        let header = || {
            let value = request.headers().get(ACCEPT_LANGUAGE)?.to_str().ok()?;
            preferred(value)
        };
        Self::in_query(request.query_string()).or_else(cookie).or_else(header).unwrap_or_default()
    }
}

/// Returns the language of an `Accept-Language` value with the highest weight; of equals the first.
fn preferred(value: &str) -> Option<Language> {
    let mut best: Option<(u32, Language)> = None;
    for item in value.split(',') {
        let (tag, parameters) = item.split_once(';').unwrap_or((item, ""));
        let weight = parameters.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
        // Weights have three decimals; whole thousandths compare without surprises.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=1000")]
        let weight = (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1000.0) as u32;
        if let Some(language) = Language::from_tag(tag)
            && weight > best.map_or(0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct BothLanguages {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl BothLanguages {
    /// Returns a text whose two forms say the same.
    pub(super) fn new(zh: impl fmt::Display, en: impl fmt::Display) -> Self {
        Self { zh: zh.to_string(), en: en.to_string() }
    }

    /// Returns the text in a language.
    #[must_use]
    pub fn pick(&self, language: Language) -> &str {
        language.pick(&self.zh, &self.en)
    }
}

impl FromRequest for Language {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_language_wins_and_unknown_ones_are_passed_over() {
        assert_eq!(preferred("en;q=0.5, zh-CN;q=0.8"), Some(Language::Zh));
        assert_eq!(preferred("fr-FR, en-GB;q=0.9"), Some(Language::En));
        assert_eq!(preferred("en;q=0, de"), None);
        assert_eq!(preferred("en;q=nonsense"), None);
    }

    #[test]
    fn a_query_names_the_language() {
        assert_eq!(Language::in_query("page=2&lang=en"), Some(Language::En));
        assert_eq!(Language::in_query("lang=tlh"), None);
    }
}

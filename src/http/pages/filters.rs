//! Small things that several pages draw.

use crate::domain::time::{Instant, local};
use crate::http::api::to_fen;
use crate::policy::figure::grouped;
use minijinja::Value;
use rust_decimal::Decimal;

/// Draws a light: shape, word and colour, so that no one of them is needed to tell it.
#[expect(clippy::needless_pass_by_value, reason = "the signature that templates call")]
pub(super) fn mark(light: String, word: String, large: Option<bool>) -> Value {
    let shape = match light.as_str() {
        "red" => r#"<path d="M5.3 1h5.4L15 5.3v5.4L10.7 15H5.3L1 10.7V5.3z"/>"#,
        "orange" => r#"<path d="M8 1.2 15.4 14.6H.6z"/>"#,
        "yellow" => r#"<path d="M8 .9 15.1 8 8 15.1.9 8z"/>"#,
        "green" => r#"<circle cx="8" cy="8" r="6.8"/>"#,
        _ => r#"<circle cx="8" cy="8" r="6"/>"#,
    };
    let known = ["red", "orange", "yellow", "green"].contains(&light.as_str());
    let light = if known { light.as_str() } else { "unknown" };
    let size = if large.unwrap_or(false) { " light-large" } else { "" };
    let word = escaped(&word);
    Value::from_safe_string(format!(
        r#"<span class="light light-{light}{size}"><svg viewBox="0 0 16 16" aria-hidden="true">{shape}</svg>{word}</span>"#
    ))
}

/// Returns a text as it stands in HTML, between tags or in quotes.
#[must_use]
pub(in crate::http) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns an amount with its thousands apart: `1,234,567.89`; whole amounts without fen, none at all as nothing.
#[must_use]
pub(super) fn amount_of(yuan: Option<Decimal>) -> String {
    yuan.map(|yuan| grouped(to_fen(yuan))).unwrap_or_default()
}

/// Returns an instant as people here read it: `2025-03-01 09:30`.
#[must_use]
pub(super) fn minute(at: Instant) -> String {
    local(at).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_has_a_shape_and_its_word_is_escaped() {
        let shapes: std::collections::HashSet<String> = ["red", "orange", "yellow", "green", "unknown"]
            .map(|light| {
                mark(light.to_owned(), String::new(), None).to_string().split_once("<svg").unwrap().1.to_owned()
            })
            .into();
        assert_eq!(shapes.len(), 5, "every light has its own shape");
        assert!(mark("red".into(), "<b>".into(), None).to_string().contains("&lt;b&gt;"));
        assert!(mark("\"><script>".into(), "x".into(), None).to_string().contains("light-unknown\""));
    }

    #[test]
    fn an_instant_is_read_on_the_local_clock() {
        assert_eq!(minute("2025-02-28T16:05:00Z".parse().unwrap()), "2025-03-01 00:05");
    }
}

//! The values that the mail templates see. Everything here is text on one clean line.

use super::Rulebook;
use crate::alerts::recipients::LetterLanguage;
use crate::domain::event::{FactSeen, LightChanged, LightNews, MailRequested, Reason, Recipient, SourceSilence};
use crate::domain::time::{Instant, deadline, local};
use crate::domain::words::{Light, SourceKind};
use crate::policy::rule::Text;
use crate::policy::{clause, figure};
use serde::Serialize;

/// Longest merchant name in a subject, in characters; a subject that is cut by a mail program loses the code behind it.
const SUBJECT_NAME: usize = 60;

#[derive(Debug, Serialize)]
pub(super) struct View {
    language: &'static str,
    mail: String,
    office: String,
    name: Option<String>,
    short_name: Option<String>,
    credit_code: String,
    sector: Option<String>,
    from: LightView,
    to: LightView,
    /// Since when the light has its colour and reasons.
    at: String,
    reasons: Vec<ReasonView>,
    /// What is called for, if the mail tells of no change of the light.
    call: Option<CallView>,
    link: String,
    /// Where the recipient acknowledges it.
    acknowledge: Option<String>,
    service: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LightView {
    name: &'static str,
    word: &'static str,
    symbol: &'static str,
    colour: &'static str,
}

#[derive(Debug, Serialize)]
struct ReasonView {
    title: String,
    rule: String,
    version: u16,
    light: LightView,
    clause: String,
    facts: Vec<FactView>,
    duty: Option<DutyView>,
}

#[derive(Debug, Serialize)]
struct FactView {
    shop: Option<String>,
    name: String,
    value: Option<String>,
    comparison: String,
    threshold: Option<String>,
}

#[derive(Debug, Serialize)]
struct CallView {
    text: String,
    due: Option<String>,
    routed: bool,
}

#[derive(Debug, Serialize)]
struct DutyView {
    text: String,
    due: Option<String>,
}

/// A source that fell silent.
#[derive(Debug, Serialize)]
pub(super) struct SilenceView {
    language: &'static str,
    mail: String,
    office: String,
    kind: &'static str,
    name: String,
    short_name: String,
    last: String,
    from: String,
    link: String,
    service: String,
}

/// What every letter is written around.
pub(super) struct Around<'a> {
    pub(super) requested: &'a MailRequested,
    pub(super) recipient: &'a Recipient,
    pub(super) language: LetterLanguage,
    pub(super) base_url: &'a str,
    /// Where the recipient acknowledges it.
    pub(super) acknowledge: Option<String>,
}

pub(super) fn light(
    around: &Around<'_>,
    news: &LightNews,
    change: Option<&LightChanged>,
    rulebook: &dyn Rulebook,
) -> View {
    let Around { requested, recipient, language, base_url, acknowledge } = around;
    let language = *language;
    let name = news.merchant.as_deref().map(one_line).filter(|name| !name.is_empty());
    let reasons = change.map_or(&[][..], |change| change.reasons.as_slice());
    // A call comes after the light that it is about.
    let since = change.map_or(requested.at, |change| change.at);
    // What is called for is said above; whoever is newly in charge is told everything.
    let calls = news.call.as_ref().is_some_and(|call| !call.routed);
    View {
        language: language.tag(),
        mail: requested.mail.to_string(),
        office: one_line(&recipient.office),
        short_name: name.as_deref().map(|name| shortened(name, SUBJECT_NAME)),
        name,
        credit_code: news.credit_code.to_string(),
        sector: news.sector.as_deref().map(one_line),
        from: light_view(news.from, language),
        to: light_view(news.to, language),
        at: minute(since),
        reasons: reasons
            .iter()
            .map(|reason| reason_view(reason, language, rulebook, since))
            // Which duty is meant, and by when it was due, is said above.
            .map(|reason| ReasonView { duty: reason.duty.filter(|_| !calls), ..reason })
            .collect(),
        call: news.call.as_ref().map(|call| {
            let text = one_line(match language {
                LetterLanguage::Chinese => &call.zh,
                LetterLanguage::English => &call.en,
            });
            CallView { text, due: call.due_at.map(deadline), routed: call.routed }
        }),
        link: match &news.call {
            // Where no case is open, a call names itself instead of one.
            Some(call) if call.alert != call.cause => format!("{base_url}/cases/{}", call.alert),
            _ => format!("{base_url}/merchants/{}", news.credit_code),
        },
        acknowledge: acknowledge.clone(),
        service: (*base_url).to_owned(),
    }
}

pub(super) fn silence(around: &Around<'_>, silence: &SourceSilence) -> SilenceView {
    let Around { requested, recipient, language, base_url, .. } = *around;
    let name = one_line(&silence.name);
    SilenceView {
        language: language.tag(),
        mail: requested.mail.to_string(),
        office: one_line(&recipient.office),
        kind: source_kind(silence.kind, language),
        short_name: shortened(&name, SUBJECT_NAME),
        name,
        last: silence.last.to_string(),
        from: silence.from.to_string(),
        link: format!("{base_url}/sources"),
        service: base_url.to_owned(),
    }
}

const fn source_kind(kind: SourceKind, language: LetterLanguage) -> &'static str {
    match (kind, language) {
        (kind, LetterLanguage::Chinese) => kind.zh(),
        (SourceKind::Bank, LetterLanguage::English) => "Bank",
        (SourceKind::Mall, LetterLanguage::English) => "Mall",
        (SourceKind::Hotline, LetterLanguage::English) => "Complaint channel",
        (SourceKind::Sheet, LetterLanguage::English) => "Sheet",
    }
}

fn reason_view(reason: &Reason, language: LetterLanguage, rulebook: &dyn Rulebook, at: Instant) -> ReasonView {
    ReasonView {
        title: one_line(&rulebook.title(&reason.rule, language).unwrap_or_else(|| reason.rule.clone())),
        rule: one_line(&reason.rule),
        version: reason.version,
        light: light_view(reason.light, language),
        clause: one_line(pick(&clause::read(&reason.clause), language)),
        facts: reason.facts.iter().map(|seen| fact_view(seen, language, rulebook)).collect(),
        duty: rulebook
            .duty(&reason.rule, language, at)
            .map(|duty| DutyView { text: one_line(&duty.text), due: duty.due.map(deadline) }),
    }
}

const fn pick(text: &Text, language: LetterLanguage) -> &str {
    match language {
        LetterLanguage::Chinese => text.zh.as_str(),
        LetterLanguage::English => text.en.as_str(),
    }
}

fn fact_view(seen: &FactSeen, language: LetterLanguage, rulebook: &dyn Rulebook) -> FactView {
    let threshold = seen.threshold.as_deref();
    let figure = |value: &str| one_line(pick(&figure::value(&seen.fact, value, threshold), language));
    FactView {
        shop: seen.shop.as_ref().map(|shop| one_line(&format!("{} {}", shop.mall, shop.unit))),
        name: one_line(&rulebook.fact(&seen.fact, language).unwrap_or_else(|| seen.fact.clone())),
        value: seen.value.as_deref().map(figure),
        comparison: one_line(pick(&figure::comparison(&seen.fact, &seen.comparison), language)),
        threshold: threshold.map(figure),
    }
}

pub(super) fn light_view(light: Light, language: LetterLanguage) -> LightView {
    LightView { name: light.name(), word: word(light, language), symbol: symbol(light), colour: colour(light) }
}

/// Returns the light's name for people.
#[must_use]
pub const fn word(light: Light, language: LetterLanguage) -> &'static str {
    match (light, language) {
        (Light::Green, LetterLanguage::Chinese) => "绿灯",
        (Light::Green, LetterLanguage::English) => "Green",
        (Light::Unknown, LetterLanguage::Chinese) => "状态未知",
        (Light::Unknown, LetterLanguage::English) => "Unknown",
        (Light::Yellow, LetterLanguage::Chinese) => "黄灯",
        (Light::Yellow, LetterLanguage::English) => "Yellow",
        (Light::Orange, LetterLanguage::Chinese) => "橙灯",
        (Light::Orange, LetterLanguage::English) => "Orange",
        (Light::Red, LetterLanguage::Chinese) => "红灯",
        (Light::Red, LetterLanguage::English) => "Red",
    }
}

/// Returns the light's shape, so that it can be told without seeing colours.
#[must_use]
pub const fn symbol(light: Light) -> &'static str {
    match light {
        Light::Green => "●",
        Light::Unknown => "?",
        Light::Yellow => "◆",
        Light::Orange => "▲",
        Light::Red => "■",
    }
}

/// Background for white letters; each has a contrast of at least 4.5 : 1 with white.
const fn colour(light: Light) -> &'static str {
    match light {
        Light::Green => "#1b7a3d",
        Light::Unknown => "#5c5f66",
        Light::Yellow => "#856000",
        Light::Orange => "#b34700",
        Light::Red => "#b3261e",
    }
}

pub(super) fn minute(at: Instant) -> String {
    local(at).strftime("%Y-%m-%d %H:%M").to_string()
}

fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        text.to_owned()
    } else {
        text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
    }
}

/// Returns the text on one line: line breaks and other control characters become spaces, and characters that turn the
/// reading direction or show nothing are left out. Spaces are not repeated.
pub(in crate::mail) fn one_line(text: &str) -> String {
    let shown = text
        .chars()
        .filter(|letter| !is_hidden(*letter))
        .map(|letter| if letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') { ' ' } else { letter });
    let shown: String = shown.collect();
    shown.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

const fn is_hidden(letter: char) -> bool {
    matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

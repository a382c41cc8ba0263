//! What happened, in sentences: one for each type of event and language, with its figures.
//!
//! A sentence has places in braces, filled from the payload by name, and parts in square brackets that are left out where
//! one of their places has nothing to say.

use super::board::{division_name, sector_name};
use super::filters::minute;
use super::{Pages, shop_name};
use crate::domain::envelope::CloudEvent;
use crate::domain::event::{FactSeen, Reason};
use crate::domain::time::Instant;
use crate::http::language::Language;
use crate::http::site::rule;
use crate::policy::rule::Text;
use crate::policy::{Policies, figure};
use rust_decimal::Decimal;
use serde::Deserialize as _;
use serde_json::Value;

/// Fields that hold amounts of yuan.
const AMOUNTS: [&str; 7] = ["outstanding", "held", "amount", "revenue_last_year", "sold", "redeemed", "refunded"];

/// Tells what happened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller<'a> {
    /// Texts.
    pub(super) pages: &'a Pages,
    /// Names of rules and sectors.
    pub(super) policies: &'a Policies,
    /// Language.
    pub(super) language: Language,
}

impl Teller<'_> {
    /// Returns the sentence of an event; that of an unknown type is its name.
    pub(super) fn sentence(&self, event: &CloudEvent) -> String {
        let kind = kind(event);
        match self.text("told", kind) {
            "" => kind.to_owned(),
            sentence => filled(sentence, &|place| self.place(place, &event.data)),
        }
    }

    /// Returns who said something: the service itself and its tools by what they are, others by the name of their key.
    pub(super) fn actor(&self, actor: &str) -> String {
        match self.text("actor", actor) {
            "" => actor.to_owned(),
            name => name.to_owned(),
        }
    }

    /// Returns a text in the language of the page.
    pub(super) fn pick<'t>(&self, text: &'t Text) -> &'t str {
        self.language.pick(&text.zh, &text.en)
    }

    fn text(&self, section: &str, key: &str) -> &str {
        self.pages.text(self.language, section, key)
    }

    /// Returns what stands in a place; `None` if the payload says nothing about it.
    fn place(&self, place: &str, data: &Value) -> Option<String> {
        match place {
            "shop" => Some(self.shop(data)),
            "why" => self.why(data),
            "entered" => self.fields_stated(data),
            "entry" => Some(self.entry(data.get("entry")?)),
            "duties" => self.duties(data.get("duties")?),
            // `before.amount` is a part of a part.
            _ => match place.split_once('.') {
                Some((whole, part)) => self.value(part, data.get(whole)?.get(part)?),
                None => self.value(place, data.get(place)?),
            },
        }
    }

    fn value(&self, name: &str, value: &Value) -> Option<String> {
        match value {
            Value::Null | Value::Object(_) => None,
            Value::Bool(flag) => {
                let word = self.text("word", &format!("{name}_{flag}"));
                (!word.is_empty()).then(|| word.to_owned())
            }
            Value::Number(number) => Some(number.to_string()),
            Value::Array(items) => {
                let named = |item: &Value| {
                    let named = ["office", "name", "ticket"].iter().find_map(|part| item.get(part));
                    let item = named.unwrap_or(item);
                    self.value(name.trim_end_matches('s'), item)
                };
                let items: Vec<String> = items.iter().filter_map(named).collect();
                (!items.is_empty()).then(|| items.join(self.language.pick("、", ", ")))
            }
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(self.words(name, text)),
        }
    }

    fn words(&self, name: &str, text: &str) -> String {
        let known = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        let number = || text.parse::<Decimal>().ok();
        let said = match name {
            "kind" | "channel" | "list" | "cause" => known(self.text("word", text)),
            "what" => known(self.text("word", &format!("entry_{text}"))),
            "action" => known(self.text("word", &format!("action_{text}"))),
            "step" => known(self.text("word", &format!("step_{text}"))),
            "how" => known(self.text("word", &format!("how_{text}"))),
            "outcome" => known(self.text("word", &format!("outcome_{text}"))),
            // A light that becomes another, or somebody who is told.
            "from" | "to" | "light" => {
                known(self.text("light", text)).or_else(|| known(self.text("word", &format!("to_{text}"))))
            }
            "role" => known(self.text("role", text)),
            "sector" => Some(sector_name(self.policies, text, self.language)),
            "division_code" | "division" => Some(division_name(self.pages, text, self.language)),
            "rule" => Some(self.title(text)),
            "ratio" => number().map(|ratio| self.pick(&figure::per_cent(ratio)).to_owned()),
            amount if AMOUNTS.contains(&amount) => number().map(|amount| self.pick(&figure::yuan(amount)).to_owned()),
            _ => None,
        };
        // A day stays as it is; an instant is told on the local clock.
        let instant = || text.contains('T').then(|| text.parse::<Instant>().ok()).flatten().map(minute);
        said.or_else(instant).unwrap_or_else(|| text.to_owned())
    }

    /// Returns the title of a rule; its id where the pack in force has none such.
    pub(super) fn title(&self, id: &str) -> String {
        rule(self.policies, id).map_or(id, |rule| self.pick(&rule.title)).to_owned()
    }

    /// Returns a fact's name, its value, and what that was compared with; this is empty where the value says it all.
    pub(super) fn fact(&self, seen: &FactSeen) -> (String, Option<String>, String) {
        let threshold = seen.threshold.as_deref();
        let told = |value: &str| self.pick(&figure::value(&seen.fact, value, threshold)).to_owned();
        let name = match self.text("fact", &seen.fact) {
            "" => seen.fact.as_str(),
            name => name,
        };
        let sign = self.pick(&figure::comparison(&seen.fact, &seen.comparison)).to_owned();
        // "Yes, compared with: yes" is said by the value alone.
        let against = threshold.filter(|_| !sign.is_empty()).map(told).unwrap_or_default();
        (name.to_owned(), seen.value.as_deref().map(told), format!("{sign} {against}").trim().to_owned())
    }

    fn shop(&self, data: &Value) -> String {
        let part = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        shop_name(self.pages, self.language, part("mall"), part("unit"))
    }

    /// Lists what is to be done.
    fn duties(&self, duties: &Value) -> Option<String> {
        let name = self.language.pick("zh", "en");
        let named: Vec<&str> = duties.as_array()?.iter().filter_map(|duty| duty.get(name)?.as_str()).collect();
        (!named.is_empty()).then(|| named.join(self.language.pick("、", ", ")))
    }

    /// Names an entry that was cancelled.
    fn entry(&self, entry: &Value) -> String {
        const FIELDS: [&str; 16] = [
            "what",
            "kind",
            "action",
            "list",
            "lead",
            "check",
            "ticket",
            "step",
            "bank",
            "brand",
            "date",
            "at",
            "entered_on",
            "locked_on",
            "from",
            "amount",
        ];
        let has_place = ["mall", "unit"].iter().any(|field| entry.get(field).is_some());
        let shop = has_place.then(|| self.shop(entry));
        let stated = FIELDS.iter().filter_map(|field| self.value(field, entry.get(field)?));
        let number = entry.get("number").and_then(Value::as_str).map(str::to_owned);
        shop.into_iter().chain(stated).chain(number).collect::<Vec<_>>().join(" ")
    }

    /// Tells why a light changed: every rule with the figures that made it fire.
    fn why(&self, data: &Value) -> Option<String> {
        let reasons: Vec<String> = data
            .get("reasons")?
            .as_array()?
            .iter()
            .filter_map(|reason| Reason::deserialize(reason).ok())
            .map(|reason| self.reason(&reason))
            .collect();
        (!reasons.is_empty()).then(|| reasons.join(self.language.pick("；", "; ")))
    }

    fn reason(&self, reason: &Reason) -> String {
        let facts: Vec<String> = reason
            .facts
            .iter()
            .map(|seen| {
                let name = match self.text("fact", &seen.fact) {
                    "" => &seen.fact,
                    name => name,
                };
                let missing = || self.text("merchant", "missing").to_owned();
                let value = seen.value.as_deref().map_or_else(missing, |value| {
                    self.pick(&figure::value(&seen.fact, value, seen.threshold.as_deref())).to_owned()
                });
                format!("{name} {value}")
            })
            .collect();
        let title = self.title(&reason.rule);
        match (facts.is_empty(), self.language) {
            (true, _) => title,
            (false, Language::Zh) => format!("{title}（{}）", facts.join("，")),
            (false, Language::En) => format!("{title} ({})", facts.join(", ")),
        }
    }

    /// Lists what a row of the register states, with its names.
    fn fields_stated(&self, data: &Value) -> Option<String> {
        const FIELDS: [&str; 9] = [
            "name",
            "brand",
            "legal_representative",
            "industry_code",
            "division_code",
            "street",
            "mall",
            "unit",
            "founded_on",
        ];
        let stated: Vec<String> = FIELDS
            .iter()
            .filter_map(|field| Some((field, self.value(field, data.get(field)?)?)))
            .map(|(field, value)| format!("{} {value}", self.text("field", field)))
            .collect();
        (!stated.is_empty()).then(|| stated.join(self.language.pick("，", ", ")))
    }
}

/// Returns the name of an event's type.
pub(super) fn kind(event: &CloudEvent) -> &str {
    let kind = event.event_type.strip_prefix("cn.warnlight.").unwrap_or(&event.event_type);
    kind.rsplit_once(".v").map_or(kind, |(kind, _)| kind)
}

/// Fills a sentence; a part in brackets with an empty place is left out, an empty place elsewhere is a dash.
fn filled(sentence: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut told = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('[') {
        let (part, after) = after.split_once(']').unwrap_or((after, ""));
        told.push_str(&places(before, value).unwrap_or_else(|dashed| dashed));
        told.push_str(&places(part, value).unwrap_or_default());
        rest = after;
    }
    told.push_str(&places(rest, value).unwrap_or_else(|dashed| dashed));
    told
}

/// Fills the places of a part; the error is the part with dashes where there is nothing to say.
fn places(part: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut told = String::with_capacity(part.len());
    let mut whole = true;
    let mut rest = part;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}').unwrap_or((after, ""));
        let value = value(place);
        whole &= value.is_some();
        told.push_str(before);
        told.push_str(value.as_deref().unwrap_or("—"));
        rest = after;
    }
    told.push_str(rest);
    if whole { Ok(told) } else { Err(told) }
}

#[cfg(test)]
mod tests;

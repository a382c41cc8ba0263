//! A merchant's page: its light, why, and what happened.

use super::board::{division_name, sector_name};
use super::filters::{grouped, minute};
use super::{Pages, answer};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::CloudEvent;
use crate::domain::event::Seen;
use crate::domain::time::Instant;
use crate::domain::words::FilingStatus;
use crate::http::access::{Allowed, ReadLights};
use crate::http::api::merchants::{DutyGiven, MerchantFile, ReasonGiven, ShopState, events_about};
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::policy::Policies;
use crate::policy::fact::{FactId, Unit, rounded_for_show};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use rust_decimal::Decimal;

/// Events of the timeline.
const TIMELINE: usize = 60;

/// Shows a merchant's page.
///
/// # Errors
/// When there is no such merchant in the caller's scope.
pub async fn show(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let code: CreditCode = code.parse().map_err(|_| Code::NotFound)?;
    let key = allowed.caller().key.clone();
    let (file, reasons, events) = site.block(&key, move |site, scope| read(site, scope, code)).await?;
    let policies = site.policies();
    let drawing = Drawing { pages: &pages, policies: &policies, language: Language::of(&request) };
    let at = site.desk.now();
    let content = context! {
        at => context! { iso => at.to_string(), text => minute(at) },
        merchant => context! {
            light => file.row.light.name(), since => file.row.since.map(minute), name => file.row.name.clone(), credit_code => file.row.credit_code.clone(),
            check_character_fails => !file.check_character_holds, details => drawing.details(&file),
        },
        reasons => reasons.iter().map(|reason| drawing.reason(reason)).collect::<Vec<_>>(),
        shops => file.shops.iter().map(|shop| drawing.shop(shop)).collect::<Vec<_>>(),
        timeline => events.iter().map(|event| drawing.step(event)).collect::<Vec<_>>(),
    };
    answer(&request, Some(allowed.caller()), "merchant.html", "/", content)
}

fn read(
    site: &Site,
    scope: &Scope,
    code: CreditCode,
) -> Result<(MerchantFile, Vec<ReasonGiven>, Vec<CloudEvent>), Problem> {
    let log = site.desk.log().clone();
    let (file, reasons) = site.view(scope, |view| {
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        let file = MerchantFile::new(view, merchant).ok_or(Code::NotFound)?;
        let explained = view.explain(&*log, merchant, view.now, view.world.head())?;
        let lit = view.lights.get(code);
        let reasons = explained.reasons.into_iter();
        let given = reasons.map(|reason| ReasonGiven::new(view, merchant, reason, view.now, lit));
        Ok::<_, Problem>((file, given.collect()))
    })?;
    Ok((file, reasons, events_about(site, scope, code, TIMELINE)?))
}

struct Drawing<'a> {
    pages: &'a Pages,
    policies: &'a Policies,
    language: Language,
}

impl Drawing<'_> {
    fn text(&self, section: &str, key: &str) -> &str {
        self.pages.text(self.language, section, key)
    }

    fn details(&self, file: &MerchantFile) -> Vec<Value> {
        let sector = file.row.sector.as_deref().map_or_else(
            || self.text("board", "undetermined").to_owned(),
            |id| sector_name(self.policies, id, self.language),
        );
        let money = |amount: &Option<String>| {
            let amount: Option<Decimal> = amount.as_deref().and_then(|amount| amount.parse().ok());
            amount.map(|amount| format!("{} {}", grouped(amount), self.text("unit", "Yuan")))
        };
        let row = &file.row;
        [
            ("sector", Some(sector)),
            ("division", row.division.as_deref().map(|code| division_name(self.pages, code, self.language))),
            ("street", row.street.clone()),
            ("industry", file.industry_code.clone()),
            ("brand", file.brand.clone()),
            ("representative", file.legal_representative.clone()),
            ("filing", Some(self.text("filing", file.filing.name()).to_owned())),
            ("outstanding", money(&row.outstanding)),
            ("held", money(&row.held)),
            ("shortfall", money(&row.shortfall)),
        ]
        .into_iter()
        .map(|(key, value)| context! { key, value })
        .collect()
    }

    fn reason(&self, reason: &ReasonGiven) -> Value {
        let title =
            reason.title.as_ref().map_or(reason.rule.as_str(), |title| self.language.pick(&title.zh, &title.en));
        context! {
            light => reason.light.name(), title, rule => reason.rule.clone(), version => reason.version, clause => reason.clause.clone(),
            since => reason.since.map(minute),
            uncounted => reason.year_without_calendar.map(|year| {
                self.pages.filled(self.language, "merchant", "without_calendar", &[("year", &year.to_string())])
            }),
            duty => reason.duty.as_ref().map(|duty| self.duty(duty)),
            facts => reason.facts.iter().map(|seen| self.fact(seen)).collect::<Vec<_>>(),
            events => reason.events.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }
    }

    fn duty(&self, duty: &DutyGiven) -> String {
        let what = self.language.pick(&duty.zh, &duty.en);
        let within =
            [("within_hours", duty.hours), ("within_days", duty.days), ("within_working_days", duty.working_days)]
                .into_iter()
                .find_map(|(key, count)| Some((key, count?)))
                .map(|(key, count)| {
                    self.pages.filled(self.language, "merchant", key, &[("count", &count.to_string())])
                });
        match within {
            Some(within) => format!("{what}{}{within}", self.language.pick("，", ", ")),
            None => what.to_owned(),
        }
    }

    fn fact(&self, seen: &Seen) -> Value {
        let fact = FactId::find(&seen.fact);
        let name = self.text("fact", &seen.fact);
        let name = if name.is_empty() { seen.fact.as_str() } else { name };
        let missing = || self.text("merchant", "missing").to_owned();
        let value =
            seen.value.as_deref().map_or_else(missing, |value| self.value(fact, value, seen.threshold.as_deref()));
        let threshold = seen.threshold.as_deref().map(|value| self.value(fact, value, None)).unwrap_or_default();
        // "Yes, compared with: is yes" is said by the value alone.
        let is_flag = fact.map(FactId::unit) == Some(Unit::Flag) && seen.comparison == "=";
        let sign = if is_flag { String::new() } else { self.sign(&seen.comparison) };
        context! {
            fact => seen.fact.clone(), name, value,
            threshold => format!("{sign} {threshold}").trim().to_owned(),
            shop => seen.shop.as_ref().map(|shop| format!("{} {}", shop.mall, shop.unit)),
        }
    }

    fn sign(&self, comparison: &str) -> String {
        let (negated, sign) = match comparison.strip_prefix("not ") {
            Some(sign) => (true, sign),
            None => (comparison.starts_with("is not "), comparison.strip_prefix("is not ").unwrap_or(comparison)),
        };
        let key = match sign {
            "<" => "lt",
            "<=" => "le",
            "=" => "eq",
            ">=" => "ge",
            ">" => "gt",
            _ => "missing",
        };
        let word = self.text("sign", key);
        if negated && key == "eq" {
            self.text("sign", "not").to_owned()
        } else if negated {
            format!("{}{}{word}", self.text("sign", "not"), self.language.pick("", " "))
        } else {
            word.to_owned()
        }
    }

    /// Returns a value for people; it never contradicts its comparison with `threshold`.
    fn value(&self, fact: Option<FactId>, value: &str, threshold: Option<&str>) -> String {
        let beside: Option<Decimal> = threshold.and_then(|text| text.parse().ok());
        let number: Option<Decimal> = value.parse().ok();
        match (fact.map(FactId::unit), number) {
            (Some(Unit::Flag), _) => self.text("site", if value == "true" { "yes" } else { "no" }).to_owned(),
            (Some(Unit::FilingStatus), _) => {
                value.parse::<FilingStatus>().map_or(value, |status| self.text("filing", status.name())).to_owned()
            }
            (Some(Unit::Ratio), Some(number)) => {
                let hundred = |ratio: Decimal| ratio * Decimal::ONE_HUNDRED;
                format!("{} %", rounded_for_show(hundred(number), beside.map(hundred), 1).normalize())
            }
            (Some(unit), Some(number)) => {
                let unit = self.text("unit", &format!("{unit:?}"));
                format!("{} {unit}", grouped(rounded_for_show(number, beside, 2))).trim_end().to_owned()
            }
            _ => value.to_owned(),
        }
    }

    fn shop(&self, shop: &ShopState) -> Value {
        let day = shop.planned_on.as_deref().or(shop.closed_on.as_deref()).unwrap_or_default();
        let key = match (shop.state, shop.was_announced) {
            ("announced", _) => "announced",
            ("closed", Some(true)) => "closed_announced",
            ("closed", _) => "closed_unannounced",
            _ => "open",
        };
        let state = self.pages.filled(self.language, "merchant", key, &[("day", day)]);
        context! { mall => shop.mall.clone(), unit => shop.unit.clone(), state }
    }

    fn step(&self, event: &CloudEvent) -> Value {
        let kind = event.event_type.strip_prefix("cn.warnlight.").unwrap_or(&event.event_type);
        let kind = kind.rsplit_once(".v").map_or(kind, |(kind, _)| kind);
        let name = self.text("event", kind);
        let text = if name.is_empty() { kind } else { name };
        let light = (kind == "light.changed").then(|| event.data.get("to").and_then(|to| to.as_str())).flatten();
        let time = |at: Option<Instant>| at.map(minute).unwrap_or_default();
        context! {
            iso => event.time.map(|at| at.to_string()), at => time(event.time), recorded => time(event.recordedat),
            actor => event.actor.clone(), light, text => self.with_particulars(text, event),
        }
    }

    /// Adds what a reader wants to know at once: the amount, the ticket, the place.
    fn with_particulars(&self, text: &str, event: &CloudEvent) -> String {
        let part = |name: &str| event.data.get(name).and_then(|part| part.as_str()).filter(|part| !part.is_empty());
        let yuan = |name: &str| {
            let amount: Decimal = part(name)?.parse().ok()?;
            Some(format!("{} {}", grouped(amount), self.text("unit", "Yuan")))
        };
        let amount = ["outstanding", "held", "amount"].into_iter().find_map(yuan);
        let parts = [
            amount,
            part("ticket").map(str::to_owned),
            part("mall").map(|mall| format!("{mall} {}", part("unit").unwrap_or_default()).trim_end().to_owned()),
            part("planned_on").map(str::to_owned),
            part("reason").map(str::to_owned),
        ];
        parts.into_iter().flatten().fold(text.to_owned(), |text, part| format!("{text} · {part}"))
    }
}

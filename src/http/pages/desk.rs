//! A merchant's desk: its own light, why it is what it is, what to do by when, and what it can say about it.

use super::acts::menu;
use super::dossier::{Clock, Drawing};
use super::filters::minute;
use super::sentence::Teller;
use super::{Pages, answer, merchant, today};
use crate::domain::access::Key;
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::evidence::{Evidence as _, latest};
use crate::domain::time::day_of;
use crate::domain::words::{Light, StatementKind};
use crate::http::access::Caller;
use crate::http::api::merchants::ReasonGiven;
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::Site;
use crate::lights::facts::open_orders;
use crate::lights::moment::Moment;
use crate::policy::clause;
use actix_web::{HttpRequest, HttpResponse};
use minijinja::{Value, context};
use std::sync::Arc;

/// What is asked of the picture beside the merchant's file.
#[derive(Default)]
struct Clocks {
    /// Bank that its money lies with.
    bank: Option<String>,
    /// Day of the balance last declared.
    declared: Option<String>,
    /// Last day of the quarter that ended last, and by when its balance is due; none if it was declared.
    report: Option<(String, String)>,
    /// Orders to rectify that are not met yet: their last days.
    orders: Vec<String>,
}

/// Draws the page of the merchant whose log-in it is.
///
/// # Errors
/// When the log cannot be read.
pub(super) async fn draw(
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    code: CreditCode,
) -> Result<HttpResponse, Problem> {
    let (key, language, now) = (caller.key.clone(), Language::of(request), site.desk.now());
    let known = site.view(&key.scope, |view| view.merchant(code).is_some());
    if !known {
        let content = context! { at => context! { iso => now.to_string(), text => minute(now) }, credit_code => code.as_str(), known => false };
        return answer(request, Some(caller), "desk.html", today::PLACE, content);
    }
    let dossier = site.block(&key, move |site, scope| merchant::read(site, scope, code, None)).await?;
    let (policies, clocks) = (site.policies(), clocks(site, &key, code));
    let teller = Teller { pages, policies: &policies, language };
    let drawing = Drawing { teller, dossier: &dossier, now, is_past: false };
    let file = &dossier.file;
    let said = file.records.iter().flat_map(|records| &records.statements);
    let said = said.map(|said| {
        context! { objection => said.kind == StatementKind::Objection, at => minute(said.at), text => &*said.text }
    });
    let content = context! {
        at => context! { iso => now.to_string(), text => minute(now) }, known => true,
        credit_code => code.as_str(), name => file.row.name.as_deref(), light => file.row.light.name(), since => file.row.since.map(minute),
        disputed => file.row.disputed, lit => file.row.light != Light::Green,
        reasons => dossier.reasons.iter().map(|reason| sentence(&teller, reason)).collect::<Vec<_>>(),
        orders => clocks.orders,
        details => drawing.details(), bank => clocks.bank, declared => clocks.declared,
        report => clocks.report.map(|(end, due)| pages.filled(language, "desk", "report_due", &[("end", &end), ("due", &due)])),
        said => said.collect::<Vec<_>>(),
        acts => menu(pages, language, key.scope.role, code.as_str(), None, None),
        timeline => drawing.timeline(Clock::Recorded, STEPS).steps,
    };
    answer(request, Some(caller), "desk.html", today::PLACE, content)
}

/// Steps of what was recorded last; the merchant's page has the rest.
const STEPS: usize = 10;

fn clocks(site: &Site, key: &Arc<Key>, code: CreditCode) -> Clocks {
    site.view(&key.scope, |view| {
        let Some(merchant) = view.merchant(code) else { return Clocks::default() };
        let today = day_of(view.now);
        let quarter = Moment::new(view.policies, view.now, Position::MAX).ended_quarter();
        let balance = latest(&merchant.balances, today, Position::MAX).map(|balance| balance.date());
        let is_reported = balance.is_none_or(|date| date >= quarter.end);
        let orders = open_orders(merchant.acts.iter().filter(|act| act.stands(Position::MAX)));
        Clocks {
            bank: merchant.bank_on(today).map(str::to_owned),
            declared: balance.map(|date| date.to_string()),
            report: (!is_reported).then(|| (quarter.end.to_string(), quarter.due.to_string())),
            orders: orders.into_iter().filter_map(|act| act.due_on).map(|day| day.to_string()).collect(),
        }
    })
}

/// Tells a reason as people would: what was found against what is asked, by which clause, since when, and what ends it. What offices do about
/// it is for them to know.
fn sentence(teller: &Teller<'_>, reason: &ReasonGiven) -> Value {
    let text = |key: &str| teller.pages.text(teller.language, "desk", key);
    let filled = |key: &str, places: &[(&str, &str)]| teller.pages.filled(teller.language, "desk", key, places);
    let facts = reason.facts.iter().map(|seen| {
        let (name, value, threshold) = teller.fact(seen);
        let value = value.unwrap_or_else(|| teller.pages.text(teller.language, "merchant", "missing").to_owned());
        if threshold.is_empty() {
            filled("figure", &[("name", &name), ("value", &value)])
        } else {
            filled("figure_against", &[("name", &name), ("value", &value), ("threshold", &threshold)])
        }
    });
    let facts = facts.collect::<Vec<_>>().join(teller.language.pick("；", "; "));
    let helps = match teller.pages.text(teller.language, "remedy", &reason.rule) {
        "" => text("ask"),
        remedy => remedy,
    };
    context! {
        light => reason.light.name(), title => teller.title(&reason.rule), facts,
        clause => teller.pick(&clause::read(&reason.clause)), since => reason.since.map(minute), helps,
    }
}

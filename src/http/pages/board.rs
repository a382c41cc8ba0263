//! The light board.

use super::filters::{amount_of, minute};
use super::{Pages, answer};
use crate::domain::words::Light;
use crate::http::access::{Allowed, ReadLights};
use crate::http::api::merchants::Query;
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::{Site, rule};
use crate::policy::Policies;
use crate::views::board::{BoardRow, Choices, Page, UNDETERMINED};
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Reasons shown for a merchant; its page has the rest.
const REASONS: usize = 3;
/// Lights in the order of the tiles.
const ORDER: [Light; 5] = [Light::Red, Light::Orange, Light::Yellow, Light::Unknown, Light::Green];

/// Shows the board.
///
/// # Errors
/// When a parameter is wrong.
pub async fn show(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let (filter, (skip, take)) = (query.filter()?, query.paging().window()?);
    let filtered = filter != Default::default();
    let language = Language::of(&request);
    let found = {
        let filter = filter.clone();
        site.ask(&allowed.caller().key, move |view| {
            Ok((view.counts(&filter), view.list(&filter, skip, take), view.choices(), view.unattributed_count()))
        })
        .await?
    };
    let (counts, page, choices, waiting): (BTreeMap<Light, u64>, Page, Choices, Option<usize>) = found;
    let policies = site.policies();
    let number = skip / take + 1;
    let last = page.found.div_ceil(take).max(1);
    let at = site.desk.now();
    let tiles: Vec<Value> = ORDER
        .iter()
        .map(|light| {
            let chosen = filter.light == Some(*light);
            // A second click takes the choice back.
            let wanted = if chosen { "" } else { light.name() };
            context! {
                light => light.name(), count => counts.get(light).copied().unwrap_or_default(), chosen,
                path => path(&query, wanted, 1),
            }
        })
        .collect();
    let chosen = query.light.clone().unwrap_or_default();
    let pair = number.to_string();
    let content = context! {
        at => context! { iso => at.to_string(), text => minute(at) },
        filtered,
        filter => context! {
            q => query.q.clone(), light => query.light.clone(), sector => query.sector.clone(), division => query.division.clone(), mall => query.mall.clone(),
        },
        lights => ORDER.map(Light::name).to_vec(),
        sectors => sectors(&policies, &pages, language),
        divisions => choices
            .divisions
            .iter()
            .map(|code| context! { code => code.as_str(), name => division_name(&pages, code, language) })
            .collect::<Vec<_>>(),
        malls => choices.malls,
        tiles,
        waiting,
        rows => page.rows.iter().map(|row| draw(row, &policies, &pages, language)).collect::<Vec<_>>(),
        found => pages.filled(language, "board", "found", &[("count", &page.found.to_string())]),
        page_text => pages.filled(language, "site", "page", &[("page", &pair), ("pages", &last.to_string())]),
        previous => (number > 1).then(|| path(&query, &chosen, number - 1)),
        next => (number < last).then(|| path(&query, &chosen, number + 1)),
    };
    answer(&request, Some(allowed.caller()), "board.html", "/", content)
}

fn draw(row: &BoardRow, policies: &Policies, pages: &Pages, language: Language) -> Value {
    let title = |id: &Arc<str>| {
        rule(policies, id)
            .map_or_else(|| id.to_string(), |rule| language.pick(&rule.title.zh, &rule.title.en).to_owned())
    };
    let more = row.rules.len().saturating_sub(REASONS);
    let division = row.division.as_deref().map(|code| division_name(pages, code, language));
    let place: Vec<&str> = division.iter().chain(&row.street).chain(&row.malls).map(String::as_str).collect();
    context! {
        light => row.light.name(),
        credit_code => row.credit_code.as_str(),
        name => row.name.clone(),
        reasons => row.rules.iter().take(REASONS).map(title).collect::<Vec<_>>(),
        more => (more > 0).then(|| pages.filled(language, "board", "more", &[("count", &more.to_string())])),
        sector => row.sector.as_deref().map(|id| sector_name(policies, id, language)),
        place => place.join(" · "),
        at_risk => amount_of(Some(row.money.at_risk()).filter(|amount| !amount.is_zero())),
        shortfall => amount_of(row.money.shortfall.filter(|amount| !amount.is_zero())),
        since => row.since.map(minute),
    }
}

fn sectors(policies: &Policies, pages: &Pages, language: Language) -> Vec<Value> {
    let known = policies
        .sectors
        .all()
        .iter()
        .map(|sector| context! { id => sector.id.as_str(), name => language.pick(&sector.zh, &sector.en) });
    let undetermined = context! { id => UNDETERMINED, name => pages.text(language, "board", "undetermined") };
    known.chain([undetermined]).collect()
}

/// Returns a sector's name; its id if the policies do not know it any more.
pub(super) fn sector_name(policies: &Policies, id: &str, language: Language) -> String {
    policies.sectors.get(id).map_or(id, |sector| language.pick(&sector.zh, &sector.en)).to_owned()
}

/// Returns a division's name; its code where no name is known.
pub(super) fn division_name(pages: &Pages, code: &str, language: Language) -> String {
    match pages.text(language, "division", code) {
        "" => code.to_owned(),
        name => name.to_owned(),
    }
}

/// Returns the address of the board with another light or page.
fn path(query: &Query, light: &str, page: usize) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let page = if page > 1 { page.to_string() } else { String::new() };
    let size = query.per_page.map(|size| size.to_string()).unwrap_or_default();
    let pairs = [
        ("q", text(&query.q)),
        ("light", light.to_owned()),
        ("sector", text(&query.sector)),
        ("division", text(&query.division)),
        ("mall", text(&query.mall)),
        ("per_page", size),
        ("page", page),
    ];
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    if pairs.is_empty() { "/".to_owned() } else { format!("/?{}", pairs.join("&")) }
}

//! The light board: counts and money with what changed, the list in chosen columns and order, now or as of a day. Everything that is
//! chosen stands in the address, so a view is shared by its link.

mod columns;
pub mod export;
mod links;
mod trend;

use super::filters::{amount_of, minute};
use super::{Pages, answer};
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Light;
use crate::http::access::{Allowed, ReadLights};
use crate::http::api::{Paging, end_of, filled, optional, wrong_parameter};
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::{Site, rule};
use crate::log::contract::EventLog;
use crate::policy::Policies;
use crate::views::View;
use crate::views::board::{BoardRow, Choices, Filter, Grid, Order, Page, Tally, UNDETERMINED};
use actix_web::{HttpRequest, HttpResponse, web};
use columns::Column;
use links::Links;
use minijinja::{Value, context};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
pub(in crate::http) use trend::Trends;
use trend::{BACK, Before};

/// Reasons shown for a merchant; its page has the rest.
const REASONS: usize = 3;
/// Lights in the order of the tiles.
const ORDER: [Light; 5] = [Light::Red, Light::Orange, Light::Yellow, Light::Unknown, Light::Green];
/// Streets in the grid, those with the most lit merchants.
const STREETS: usize = 40;

/// What the board is asked for; blank counts as absent. Columns stand in the address, too (`cols`, one for each).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Words.
    q: String,
    /// Light.
    light: String,
    /// Sector id, or `undetermined`.
    sector: String,
    /// Division code, or its first digits.
    division: String,
    /// Street.
    street: String,
    /// Mall.
    mall: String,
    /// Column that the list is ordered by, with `-` before it for the reverse.
    sort: String,
    /// Day at whose end things are shown.
    at: String,
    /// Day at whose end they were known.
    known: String,
    /// `true`: with the grid of streets and sectors.
    grid: String,
    /// Page, from 1.
    page: Option<usize>,
    /// Items on a page.
    per_page: Option<usize>,
}

/// What is shown of a view.
#[derive(Debug, Clone)]
struct Shown {
    filter: Filter,
    order: (Order, bool),
    /// As of when, if not now; and what was recorded until then is known, if not everything.
    then: Option<(Instant, Option<Instant>)>,
}

impl Shown {
    /// Reads what is asked for.
    fn of(asked: &Asked, now: Instant) -> Result<Self, Problem> {
        let filter = Filter {
            light: optional("light", Some(&asked.light))?,
            sector: filled(Some(&asked.sector)),
            division: filled(Some(&asked.division)),
            street: filled(Some(&asked.street)),
            mall: filled(Some(&asked.mall)),
            query: filled(Some(&asked.q)),
        };
        let (key, reverse) = asked.sort.strip_prefix('-').map_or((asked.sort.as_str(), false), |key| (key, true));
        let order = match key {
            "" => Order::Worst,
            key => Column::named(key).and_then(Column::order).ok_or_else(|| {
                wrong_parameter("sort", key, "不能按此列排序", "the list has no order by this column")
            })?,
        };
        let (at, known) = (end_of("at", &asked.at, now)?, end_of("known", &asked.known, now)?);
        let then = (at.is_some() || known.is_some()).then(|| (at.unwrap_or(now), known));
        Ok(Self { filter, order: (order, reverse), then })
    }

    /// Returns the view that is shown.
    fn view<'v>(&self, view: &View<'v>, log: &dyn EventLog) -> Result<View<'v>, Problem> {
        let Some((at, known_at)) = self.then else { return Ok(*view) };
        let known = known_at.map(|known_at| log.position_at(known_at)).transpose()?;
        Ok(view.as_of(at, known.unwrap_or(crate::domain::envelope::Position::MAX)))
    }
}

/// What was found in one picture.
struct Found {
    tallies: BTreeMap<Light, Tally>,
    before: Option<Before>,
    page: Page,
    choices: Choices,
    grid: Option<Grid>,
    waiting: Option<usize>,
    is_empty: bool,
}

/// Shows the board.
///
/// # Errors
/// When a parameter is wrong.
pub async fn show(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = query.into_inner();
    let (skip, take) = Paging { page: asked.page, per_page: asked.per_page }.window()?;
    let (now, key) = (site.desk.now(), allowed.caller().key.clone());
    let shown = Shown::of(&asked, now)?;
    let (wants_grid, wanted) = (asked.grid == "true", shown.clone());
    let (log, trends) = (site.desk.log().clone(), site.trends.clone());
    let found = site
        .ask(&allowed.caller().key, move |present| {
            let view = wanted.view(present, &*log)?;
            // What stood before is compared with the present alone.
            let is_now = wanted.then.is_none();
            let before = if is_now { trends.before(present, key.id, &wanted.filter, &*log)? } else { None };
            Ok(Found {
                tallies: view.tallies(&wanted.filter),
                before,
                page: view.list_by(&wanted.filter, wanted.order, skip, take),
                choices: view.choices(),
                grid: wants_grid.then(|| view.grid(&Filter { light: None, ..wanted.filter.clone() })),
                waiting: view.unattributed_count(),
                is_empty: view.world.merchants().is_empty(),
            })
        })
        .await?;
    let drawing = Drawing {
        pages: &pages,
        policies: &site.policies(),
        language: Language::of(&request),
        links: Links::new(&asked, &Column::chosen(request.query_string())),
        asked: &asked,
        shown: &shown,
    };
    let content = drawing.content(&found, (skip / take + 1, take), now);
    answer(&request, Some(allowed.caller()), "board.html", "/", content)
}

struct Drawing<'a> {
    pages: &'a Pages,
    policies: &'a Policies,
    language: Language,
    links: Links<'a>,
    asked: &'a Asked,
    shown: &'a Shown,
}

impl Drawing<'_> {
    fn text(&self, key: &str) -> &str {
        self.pages.text(self.language, "board", key)
    }

    fn content(&self, found: &Found, (number, take): (usize, usize), now: Instant) -> Value {
        let Self { pages, language, links, asked, .. } = self;
        let last = found.page.found.div_ceil(take).max(1);
        let at = self.shown.then.map_or(now, |(at, _)| at);
        let chosen = &links.columns;
        let columns = chosen.iter().map(|column| self.head(*column));
        let choices = Column::ALL.into_iter().filter(|column| *column != Column::Merchant);
        let choices = choices.map(|column| context! { key => column.key(), chosen => chosen.contains(&column) });
        let pager = pages_around(number, last).into_iter().map(|page| {
            context! { number => page, path => page.map(|page| links.with(&[("page", &page.to_string())])), current => page == Some(number) }
        });
        let divisions = found.choices.divisions.iter();
        let query = links.query();
        context! {
            at => context! { iso => at.to_string(), text => minute(at), is_past => self.shown.then.is_some() },
            today => day_of(now).to_string(),
            filtered => self.shown.filter != Filter::default() || self.shown.then.is_some(),
            filter => context! {
                q => &*asked.q, light => &*asked.light, sector => &*asked.sector, division => &*asked.division, mall => &*asked.mall,
                street => &*asked.street, sort => &*asked.sort, at => &*asked.at, known => &*asked.known, grid => &*asked.grid,
            },
            hidden_columns => if Column::are_usual(chosen) { Vec::new() } else { chosen.iter().map(|column| column.key()).collect() },
            lights => ORDER.map(Light::name).to_vec(),
            sectors => sectors(self.policies, pages, *language),
            divisions => divisions
                .map(|code| context! { code => code.as_str(), name => division_name(pages, code, *language) })
                .collect::<Vec<_>>(),
            malls => found.choices.malls.clone(),
            tiles => ORDER.iter().map(|light| self.tile(*light, found)).collect::<Vec<_>>(),
            waiting => found.waiting,
            columns => columns.collect::<Vec<_>>(), choices => choices.collect::<Vec<_>>(),
            rows => found.page.rows.iter().map(|row| self.row(row)).collect::<Vec<_>>(),
            found => pages.filled(*language, "board", "found", &[("count", &found.page.found.to_string())]),
            page_text => pages.filled(*language, "site", "page", &[("page", &number.to_string()), ("pages", &last.to_string())]),
            previous => (number > 1).then(|| links.with(&[("page", &(number - 1).to_string())])),
            next => (number < last).then(|| links.with(&[("page", &(number + 1).to_string())])),
            pager => pager.collect::<Vec<_>>(),
            xlsx => format!("/board.xlsx{query}"), csv => format!("/board.csv{query}"),
            grid => found.grid.as_ref().map(|grid| self.grid(grid)),
            grid_path => links.with(&[("grid", if found.grid.is_some() { "" } else { "true" })]),
            is_empty => found.is_empty,
        }
    }

    /// A colour with its count and money, and how both changed.
    fn tile(&self, light: Light, found: &Found) -> Value {
        let tally = |tallies: &BTreeMap<Light, Tally>| tallies.get(&light).copied().unwrap_or_default();
        let now = tally(&found.tallies);
        let chosen = self.shown.filter.light == Some(light);
        let changes = found.before.iter().flat_map(|before| BACK.iter().zip(before.iter())).map(|(days, before)| {
            let before = tally(before);
            let money = now.at_risk - before.at_risk;
            let money = (!money.is_zero()).then(|| signed(money.is_sign_negative(), &amount_of(Some(money.abs().round()))));
            let count = now.count.abs_diff(before.count).to_string();
            let count = if now.count == before.count { count } else { signed(now.count < before.count, &count) };
            context! { days => self.pages.filled(self.language, "board", "days_ago", &[("days", &days.to_string())]), count, money }
        });
        context! {
            light => light.name(), count => now.count, chosen,
            at_risk => amount_of(Some(now.at_risk.round()).filter(|amount| !amount.is_zero())),
            changes => changes.collect::<Vec<_>>(),
            // A second click takes the choice back.
            path => self.links.with(&[("light", if chosen { "" } else { light.name() }), ("page", "")]),
        }
    }

    /// The head of a column, with the link that orders by it: once more, and the order is reversed.
    fn head(&self, column: Column) -> Value {
        let (key, asked) = (column.key(), self.asked.sort.as_str());
        let is_usual = asked.is_empty() && column == Column::Light;
        let (is_this, is_reverse) = (is_usual || asked.trim_start_matches('-') == key, asked.starts_with('-'));
        let next = if is_this && !is_reverse { format!("-{key}") } else { key.to_owned() };
        let path = column.order().map(|_| self.links.with(&[("sort", &next), ("page", "")]));
        let sorted = is_this.then_some(if is_reverse { "descending" } else { "ascending" });
        context! { key, name => self.text(key), amount => column.is_amount(), path, sorted }
    }

    fn row(&self, row: &BoardRow) -> Value {
        let title = |id: &Arc<str>| {
            let known = rule(self.policies, id);
            known.map_or_else(|| id.to_string(), |rule| self.language.pick(&rule.title.zh, &rule.title.en).to_owned())
        };
        let more = row.rules.len().saturating_sub(REASONS);
        let money = |amount: Option<Decimal>| amount_of(amount.filter(|amount| !amount.is_zero()));
        context! {
            light => row.light.name(),
            credit_code => row.credit_code.as_str(), path => self.links.merchant(row.credit_code.as_str()),
            name => row.name.as_deref(), brand => row.brand.as_deref(),
            reasons => row.rules.iter().take(REASONS).map(title).collect::<Vec<_>>(),
            more => (more > 0).then(|| self.pages.filled(self.language, "board", "more", &[("count", &more.to_string())])),
            sector => row.sector.as_deref().map(|id| sector_name(self.policies, id, self.language)),
            place => columns::place(row, self.pages, self.language),
            at_risk => money(Some(row.money.at_risk())), shortfall => money(row.money.shortfall),
            outstanding => amount_of(row.money.outstanding), required => amount_of(row.money.required), held => amount_of(row.money.held),
            since => row.since.map(minute), disputed => row.disputed,
        }
    }

    /// Streets by sectors, those with the most lit merchants first; each count leads to its merchants.
    fn grid(&self, grid: &Grid) -> Value {
        let lit = |cell: &BTreeMap<Light, u64>| -> u64 {
            cell.iter()
                .filter(|(light, _)| matches!(light, Light::Red | Light::Orange | Light::Yellow))
                .map(|(_, count)| count)
                .sum()
        };
        let sectors: BTreeSet<&str> = grid.keys().map(|(_, sector)| sector.as_str()).collect();
        let mut streets: BTreeMap<&str, u64> = BTreeMap::new();
        for ((street, _), cell) in grid {
            *streets.entry(street).or_default() += lit(cell);
        }
        let mut streets: Vec<(&str, u64)> = streets.into_iter().collect();
        streets.sort_by_key(|(street, lit)| (std::cmp::Reverse(*lit), *street));
        let cell = |street: &str, sector: &str| {
            let counts = grid.get(&(street.to_owned(), sector.to_owned()))?;
            let wanted = if sector.is_empty() { UNDETERMINED } else { sector };
            // Merchants without a street have no filter of their own.
            let path = (!street.is_empty())
                .then(|| self.links.with(&[("street", street), ("sector", wanted), ("light", ""), ("page", "")]));
            Some(context! { lit => lit(counts), all => counts.values().sum::<u64>(), path })
        };
        let rows = streets.iter().take(STREETS).map(|(street, count)| {
            let name = if street.is_empty() { self.text("no_street") } else { street };
            let cells = sectors
                .iter()
                .map(|sector| cell(street, sector).unwrap_or_else(|| Value::from(())))
                .collect::<Vec<_>>();
            context! { name, lit => count, cells }
        });
        let names = sectors.iter().map(|id| match *id {
            "" => self.text("undetermined").to_owned(),
            id => sector_name(self.policies, id, self.language),
        });
        context! { sectors => names.collect::<Vec<_>>(), rows => rows.collect::<Vec<_>>() }
    }
}

/// Returns an amount with its sign; a minus of its own width, which is read as one.
fn signed(is_less: bool, text: &str) -> String {
    format!("{}{text}", if is_less { "−" } else { "+" })
}

/// Returns the pages that are shown as links: the first and the last two, and those around this one; `None` is a gap.
fn pages_around(number: usize, last: usize) -> Vec<Option<usize>> {
    let shown: BTreeSet<usize> = [1, 2, last.saturating_sub(1), last]
        .into_iter()
        .chain(number.saturating_sub(2)..=number + 2)
        .filter(|page| (1..=last).contains(page))
        .collect();
    let mut pages = Vec::new();
    let mut before = 0;
    for page in shown {
        if page > before + 1 {
            pages.push(None);
        }
        pages.push(Some(page));
        before = page;
    }
    pages
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_pages_are_shown_whole_and_many_around_this_one() {
        let shown = |number, last| {
            let pages = pages_around(number, last).into_iter();
            pages.map(|page| page.map_or("…".to_owned(), |page| page.to_string())).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(1, 1), "1");
        assert_eq!(shown(2, 5), "1 2 3 4 5");
        assert_eq!(shown(10, 20), "1 2 … 8 9 10 11 12 … 19 20");
    }

    #[test]
    fn a_day_means_its_end_and_none_lies_ahead() {
        let now: Instant = "2025-06-30T10:00:00Z".parse().unwrap();
        assert_eq!(end_of("at", " ", now).unwrap(), None);
        assert_eq!(end_of("at", "2025-06-30", now).unwrap(), Some(now));
        assert_eq!(end_of("at", "2025-06-29", now).unwrap().unwrap().to_string(), "2025-06-29T15:59:59.999Z");
        assert!(end_of("at", "2025-07-01", now).is_err() && end_of("at", "x", now).is_err());
    }
}

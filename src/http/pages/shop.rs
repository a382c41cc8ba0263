//! What everybody may look up, without a log-in and without a script: a shop, the notice board of a mall, the sign for a door.

use super::mall::standing_plan;
use super::{Pages, drawn, qr, shop_name};
use crate::domain::access::{PublicPart, Scope};
use crate::domain::code::CreditCode;
use crate::domain::code_key;
use crate::domain::exit::Exit;
use crate::domain::personal::masked;
use crate::domain::time::{Day, day_of};
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::{Code, Problem};
use crate::http::publishing::{Publishing, kept};
use crate::http::site::Site;
use crate::views::public::{Found, PublicCustody, PublicExit, PublicFiling, PublicPlace, PublicShop, SHORTEST_SEARCH};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;

/// Shops that a search shows; who does not find theirs among them writes more of its name.
const MOST: usize = 20;
/// Letters of a search that count.
const LONGEST_SEARCH: usize = 60;
/// Where these pages are.
const PLACE: &str = "/shop";

/// What is looked for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

/// Which mall.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Which {
    name: String,
}

/// Says whether a request is for one of these pages, so that a problem is told there, too.
pub(super) fn is_for_everybody(request: &HttpRequest) -> bool {
    let rest = request.path().strip_prefix(PLACE);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Shows the search with what it found, and the malls that have a notice board.
///
/// # Errors
/// When nothing is published, or too much is asked.
pub async fn search(
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let publishing = Publishing::open(&request)?;
    let language = Language::of(&request);
    let q: String = query.q.trim().chars().take(LONGEST_SEARCH).collect();
    let asked = q.clone();
    let (Found { shops, more }, malls) =
        publishing.ask(&site, move |view| (view.search(&asked, MOST), view.malls())).await?;
    let too_short =
        !q.is_empty() && q.split_whitespace().map(|word| word.chars().count()).sum::<usize>() < SHORTEST_SEARCH;
    let rows: Vec<Value> = shops
        .iter()
        .map(|shop| {
            let places = shop.places.iter().map(|place| shop_name(&pages, language, &place.shop.mall, &place.shop.unit)).collect::<Vec<_>>();
            context! { path => path(shop.credit_code), name => &*shop.name, brand => shop.brand.as_deref(), places => places.join(pages.text(language, "site", "comma")) }
        })
        .collect();
    let malls: Vec<Value> = malls
        .iter()
        .map(|(name, count)| {
            let count = pages.filled(language, "shop", "leaving_count", &[("count", &count.to_string())]);
            context! { name, count, path => format!("{PLACE}/mall?name={}", encode(name)) }
        })
        .collect();
    let most = pages.filled(language, "shop", "more", &[("count", &MOST.to_string())]);
    let content = context! { q, too_short, rows, more => more.then_some(most), malls };
    Ok(kept(&request, drawn(&request, None, "shop-search.html", "", content)?))
}

/// Shows a shop; whoever is not in the register, and what is no code at all, look alike.
///
/// # Errors
/// When nothing is published, or too much is asked.
pub async fn show(
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let publishing = Publishing::open(&request)?;
    let language = Language::of(&request);
    let Some(shop) = find(publishing, &site, &code) else { return unknown(&request) };
    let plans = plans(&site, &shop).await?;
    let today = day_of(site.desk.now());
    let places: Vec<Value> = shop
        .places
        .iter()
        .zip(plans.into_iter().chain(std::iter::repeat(None)))
        .map(|(place, plan)| draw_place(&pages, language, place, plan, today))
        .collect();
    let content = context! {
        shop => context! { name => shop.name, brand => shop.brand, code => shop.credit_code.as_str() },
        filing => shop.filing.map(|filing| draw_filing(&pages, language, filing)),
        custody => shop.custody.map(|custody| draw_custody(&pages, language, custody)),
        light => shop.light.map(|light| light.name()),
        exits => publishing.shows(PublicPart::Exits), places,
        today => today.to_string(), sign => format!("{}/sign", path(shop.credit_code)),
    };
    Ok(kept(&request, drawn(&request, None, "shop.html", "", content)?))
}

/// Shows a sign for the door of a shop, to be printed: its name and the QR code that leads to its page.
///
/// # Errors
/// As for [`show`].
pub async fn sign(
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    code: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let publishing = Publishing::open(&request)?;
    let Some(shop) = find(publishing, &site, &code) else { return unknown(&request) };
    let address = publishing.address(&path(shop.credit_code));
    let name = pages.text(Language::of(&request), "shop", "qr_name");
    let content = context! { name => shop.name, brand => shop.brand, code => shop.credit_code.as_str(), qr => qr::svg(&address, name), address };
    Ok(kept(&request, drawn(&request, None, "shop-sign.html", "", content)?))
}

/// Shows the notice board of a mall.
///
/// # Errors
/// When nothing is published, nobody knows such a mall, or too much is asked.
pub async fn mall(
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    let publishing = Publishing::open(&request)?;
    let language = Language::of(&request);
    let mall = query.into_inner().name;
    let asked = mall.clone();
    let Some(rows) = publishing.ask(&site, move |view| view.board(&asked)).await? else { return unknown(&request) };
    let today = day_of(site.desk.now()).to_string();
    let rows: Vec<Value> = rows.iter().map(|row| draw_exit(&pages, language, row)).collect();
    let content = context! { mall, rows, today };
    Ok(kept(&request, drawn(&request, None, "shop-mall.html", "", content)?))
}

/// Finds a shop by its code, as it was typed or scanned.
fn find(publishing: &Publishing, site: &Site, code: &str) -> Option<PublicShop> {
    let code = code_key::code(code).parse::<CreditCode>().ok()?;
    publishing.look(site, |view| view.shop(code))
}

fn unknown(request: &HttpRequest) -> Result<HttpResponse, Problem> {
    let content = context! { problem => (), fields => Vec::<Value>::new() };
    let page = drawn(request, None, "shop-problem.html", "", content)?;
    Ok(HttpResponse::build(StatusCode::NOT_FOUND).content_type("text/html; charset=utf-8").body(page))
}

/// Returns the path of a shop.
pub(super) fn path(code: CreditCode) -> String {
    format!("{PLACE}/{code}")
}

/// Returns what is said about refunds at each place that leaves, without numbers of people.
async fn plans(site: &Site, shop: &PublicShop) -> Result<Vec<Option<String>>, Problem> {
    let (site, code) = (site.clone(), shop.credit_code);
    let places: Vec<_> = shop.places.iter().map(|place| (place.shop.clone(), place.exit)).collect();
    let read = move || {
        let scope = Scope::everything();
        let plan = |(shop, exit): &(crate::domain::event::ShopName, Exit)| match exit {
            Exit::None => Ok(None),
            Exit::Announced { .. } | Exit::Closed { .. } => standing_plan(&site, &scope, code, &shop.mall, &shop.unit),
        };
        places.iter().map(plan).collect::<Result<Vec<_>, Problem>>()
    };
    let plans = web::block(read).await.map_err(|error| Problem::inside(Code::Unavailable, error))??;
    Ok(plans.into_iter().map(|plan| plan.map(|plan| masked(&plan).into_owned())).collect())
}

fn draw_place(pages: &Pages, language: Language, place: &PublicPlace, plan: Option<String>, today: Day) -> Value {
    let name = shop_name(pages, language, &place.shop.mall, &place.shop.unit);
    let left = place.countdown(today).map(|days| {
        let planned = days.planned_on.to_string();
        let key = if days.days_left < 0 { "overdue" } else { "leaves" };
        let text = pages.filled(language, "shop", key, &[("day", &planned)]);
        context! { text, days => left(pages, language, days.days_left), posted => days.first_posted.to_string() }
    });
    let closed = match place.exit {
        Exit::Closed { on, .. } => Some(pages.filled(language, "shop", "closed", &[("day", &on.to_string())])),
        _ => None,
    };
    context! { name, left, closed, plan }
}

/// Says how many days are left.
fn left(pages: &Pages, language: Language, days: i64) -> String {
    let key = if days < 0 { "days_past" } else { "days_left" };
    pages.filled(language, "shop", key, &[("count", &days.unsigned_abs().to_string())])
}

fn draw_filing(pages: &Pages, language: Language, filing: PublicFiling) -> Value {
    let (state, key, day) = match filing {
        PublicFiling::OnFile(day) => ("good", "on_file", Some(day)),
        PublicFiling::Submitted(day) => ("unknown", "filing_submitted", Some(day)),
        PublicFiling::Ended(day) => ("bad", "filing_ended", Some(day)),
        PublicFiling::Unknown => ("unknown", "filing_unknown", None),
    };
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    context! { state, text => pages.filled(language, "shop", key, &[("day", &day)]) }
}

fn draw_custody(pages: &Pages, language: Language, custody: PublicCustody) -> Value {
    let (state, key, day) = match custody.bank {
        Some((_, day)) if custody.is_old => ("unknown", "held_long_ago", Some(day)),
        Some((true, day)) => ("good", "held", Some(day)),
        Some((false, day)) => ("bad", "not_held", Some(day)),
        None => ("unknown", "custody_unknown", None),
    };
    let day = day.map(|day| day.to_string()).unwrap_or_default();
    let guaranteed =
        custody.guaranteed_until.map(|day| pages.filled(language, "shop", "guaranteed", &[("day", &day.to_string())]));
    context! { state, text => pages.filled(language, "shop", key, &[("day", &day)]), guaranteed }
}

fn draw_exit(pages: &Pages, language: Language, row: &PublicExit) -> Value {
    context! {
        path => row.credit_code.map(path), name => row.name.as_deref(), unit => &*row.unit, planned => row.countdown.planned_on.to_string(),
        posted => row.countdown.first_posted.to_string(), left => left(pages, language, row.countdown.days_left), is_soon => row.countdown.days_left < 30,
        overdue => (row.countdown.days_left < 0).then(|| pages.filled(language, "shop", "overdue", &[("day", &row.countdown.planned_on.to_string())])),
    }
}

//! Today (今日): the first page of everybody who acts. What is to be done by when, what changed since one last looked, what is late,
//! what waits for others, and whose word is missing; from each row it is one click to act.

use super::accounts::{self, is_soon};
use super::board::sector_name;
use super::filters::minute;
use super::sources::name_of;
use super::tickets::{self, TicketGiven};
use super::{Pages, answer, desk};
use crate::domain::envelope::Position;
use crate::domain::event::Event;
use crate::domain::time::{Instant, day_of, deadline, plus_days, start_of};
use crate::domain::words::{Light, Role, SourceKind};
use crate::http::access::{
    Allowed, HandleCases, Permission as _, ReadAccounts, ReadCases, ReadComplaints, ReadExits, ReadLights,
    ReadUnattributed, TrustedForm,
};
use crate::http::api::cases::CaseGiven;
use crate::http::language::Language;
use crate::http::problem::Problem;
use crate::http::site::{Cookies, Site};
use crate::log::contract::EventLog;
use crate::policy::Policies;
use crate::views::View;
use crate::views::accounts::AccountRow;
use crate::views::cases::CaseFilter;
use crate::views::today::{Changed, Since};
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use serde::Deserialize;
use uuid::Uuid;

/// Where the page is.
pub const PLACE: &str = "/today";
/// Rows of each list; a link leads to the rest.
const MOST: usize = 15;
/// Days of changes that are told to whoever looks for the first time.
const FIRST_LOOK_DAYS: i64 = 7;
/// Cookie that holds the last change its bearer has seen: the key's id and a position.
const LOOKED: &str = "warnlight_looked";

/// The form that says: I have seen these.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Seen {
    // A text: beside the token of the form a number is not told from one.
    position: String,
}

/// Everything that is shown, as found in one picture.
#[derive(Default)]
struct Found {
    mine: Vec<CaseGiven>,
    mine_count: usize,
    others: Vec<CaseGiven>,
    others_count: usize,
    late: usize,
    soon: usize,
    changed: Vec<(Changed, Option<Light>)>,
    changed_count: usize,
    newest: Option<Position>,
    complaints: (usize, Vec<TicketGiven>),
    late_complaints: usize,
    overdue_exits: usize,
    unattributed: Option<usize>,
    silent: Vec<(SourceKind, String, String)>,
    accounts: Option<Accounts>,
    is_empty: bool,
}

/// A bank's accounts: how many there are, and those whose report is late or due soon.
struct Accounts {
    count: usize,
    late: usize,
    asked_for: Vec<AccountRow>,
}

/// Shows the page.
///
/// # Errors
/// When too much is asked at once.
pub async fn show(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let key = &allowed.caller().key;
    // A merchant's day is its own page.
    if let Some(code) = key.scope.merchant {
        return desk::draw(&site, &pages, &request, allowed.caller(), code).await;
    }
    let (me, log, seen) = (key.name.clone(), site.desk.log().clone(), seen(&request, key.id));
    let found = site.ask(key, move |view| find(view, &me, seen, &*log)).await?;
    let drawing = Drawing {
        pages: &pages,
        policies: &site.policies(),
        language: Language::of(&request),
        role: key.scope.role,
        now: site.desk.now(),
    };
    answer(&request, Some(allowed.caller()), "today.html", PLACE, drawing.content(&found))
}

/// Notes up to which change somebody has seen everything, in their browser.
///
/// # Errors
/// When the form does not come from a page of this session.
pub async fn look(
    allowed: Allowed<ReadLights>,
    cookies: web::Data<Cookies>,
    form: TrustedForm<Seen>,
) -> Result<HttpResponse, Problem> {
    let position: Position = form.0.position.parse().unwrap_or_default();
    let cookie = Cookie::build(LOOKED, format!("{}.{position}", allowed.caller().key.id.simple()))
        .path(PLACE)
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(cookies.secure)
        .max_age(Duration::days(365))
        .finish();
    Ok(HttpResponse::SeeOther().insert_header((LOCATION, PLACE)).cookie(cookie).finish())
}

/// Returns the last change that the bearer of this key has seen with this browser.
fn seen(request: &HttpRequest, key: Uuid) -> Option<Position> {
    let cookie = request.cookie(LOOKED)?;
    let (whose, position) = cookie.value().split_once('.')?;
    (whose.parse::<Uuid>().ok()? == key).then(|| position.parse().ok())?
}

/// Finds everything; what a role may not read is not asked for.
fn find(view: &View<'_>, me: &str, seen: Option<Position>, log: &dyn EventLog) -> Result<Found, Problem> {
    let role = view.scope.role;
    let mut found = Found { is_empty: view.world.merchants().is_empty(), ..Found::default() };
    if ReadCases::is_of(role) {
        let (_, cases) = view.cases(&CaseFilter::default(), 0, usize::MAX);
        let tomorrow = start_of(plus_days(day_of(view.now), 2));
        for row in cases {
            // Where nothing is left to do, the light is waited for.
            let to_do = || row.case.standing().any(|duty| duty.arisen.who != "mall");
            let is_mine = row.case.holder.as_deref().is_none_or(|holder| holder == me) && to_do();
            // The list that the tile leads to has everybody's.
            found.late += usize::from(row.case.is_late(view.now));
            if is_mine {
                found.soon += usize::from(row.case.due_at().is_some_and(|due| due > view.now && due <= tomorrow));
            }
            let (list, count) = if is_mine {
                (&mut found.mine, &mut found.mine_count)
            } else {
                (&mut found.others, &mut found.others_count)
            };
            *count += 1;
            if list.len() < MOST {
                list.push(CaseGiven::new(row, view.now));
            }
        }
    }
    let first_look = start_of(plus_days(day_of(view.now), -FIRST_LOOK_DAYS));
    let mut changed = view.changed(seen.map_or(Since::Instant(first_look), Since::Position));
    found.changed_count = changed.len();
    // Whoever has seen these has seen no more than these: of many the earliest are shown, the rest after them.
    changed.drain(..changed.len().saturating_sub(MOST));
    found.newest = changed.first().map(|row| row.position);
    for row in changed {
        let before = match log.event_at(row.position)?.map(|recorded| recorded.event.decode()) {
            Some(Ok(Event::LightChanged(change))) => Some(change.from),
            _ => None,
        };
        found.changed.push((row, before));
    }
    if ReadComplaints::is_of(role) {
        let waiting = view.tickets(false);
        found.late_complaints = waiting.iter().filter(|row| row.is_late(view.now)).count();
        found.complaints = TicketGiven::first(&waiting, MOST, view.now);
    }
    if ReadExits::is_of(role) {
        found.overdue_exits = view.overdue_exits();
    }
    if ReadAccounts::is_of(role) {
        let (today, all) = (day_of(view.now), view.accounts());
        let late = all.iter().filter(|row| row.due.is_late(today)).count();
        let count = all.len();
        let asked_for = all.into_iter().filter(|row| row.due.is_late(today) || is_soon(row.due, today)).collect();
        found.accounts = Some(Accounts { count, late, asked_for });
    }
    found.unattributed = ReadUnattributed::is_of(role).then(|| view.unattributed_count()).flatten();
    let silent = view.sources().into_iter().filter_map(|row| Some((row.source, row.silent_from?)));
    found.silent = silent.map(|(source, from)| (source.kind, source.name.to_string(), from.to_string())).collect();
    Ok(found)
}

struct Drawing<'a> {
    pages: &'a Pages,
    policies: &'a Policies,
    language: Language,
    role: Role,
    now: Instant,
}

impl Drawing<'_> {
    fn text(&self, key: &str) -> &str {
        self.pages.text(self.language, "today", key)
    }

    fn filled(&self, key: &str, count: usize) -> String {
        self.pages.filled(self.language, "today", key, &[("count", &count.to_string())])
    }

    fn content(&self, found: &Found) -> Value {
        let cases = |list: &[CaseGiven]| list.iter().map(|case| self.case(case)).collect::<Vec<_>>();
        let more = |all: usize| (all > MOST).then(|| self.filled("more", all - MOST));
        let changed = found.changed.iter().map(|(row, before)| {
            context! {
                credit_code => row.credit_code.as_str(), name => row.name.as_deref(), light => row.light.name(),
                before => before.filter(|before| *before != row.light).map(Light::name), at => minute(row.at),
            }
        });
        let (complaints, more_complaints) = tickets::shown(self.pages, self.language, &found.complaints);
        let silent = found.silent.iter().take(MOST).map(|(kind, name, from)| {
            let from = self.pages.filled(self.language, "sources", "silent_from", &[("day", from)]);
            context! { kind => kind.name(), name => name_of(self.language, *kind, name), from }
        });
        context! {
            at => context! { iso => self.now.to_string(), text => minute(self.now) },
            tiles => self.tiles(found),
            has_cases => ReadCases::is_of(self.role), may_handle => HandleCases::is_of(self.role),
            mine => cases(&found.mine), more_mine => more(found.mine_count),
            others => cases(&found.others), more_others => more(found.others_count),
            changed => changed.collect::<Vec<_>>(), more_changed => more(found.changed_count), newest => found.newest.map(|it| it.to_string()),
            has_complaints => ReadComplaints::is_of(self.role), complaints, more_complaints,
            has_accounts => found.accounts.is_some(), accounts => self.accounts(found), more_accounts => more(found.accounts.as_ref().map_or(0, |it| it.asked_for.len())),
            silent => silent.collect::<Vec<_>>(), more_silent => more(found.silent.len()),
            is_empty => found.is_empty,
        }
    }

    fn accounts(&self, found: &Found) -> Vec<Value> {
        let drawing = accounts::Drawing { pages: self.pages, language: self.language, today: day_of(self.now) };
        let asked_for = found.accounts.iter().flat_map(|accounts| &accounts.asked_for);
        asked_for.take(MOST).map(|row| drawing.row(row)).collect()
    }

    /// What is counted, each with where it is worked off; what a role has nothing to do with is left out.
    fn tiles(&self, found: &Found) -> Vec<Value> {
        let (cases, accounts) = (ReadCases::is_of(self.role), found.accounts.as_ref());
        let all = [
            ("late", cases.then_some(found.late), "/cases?late=true", found.late > 0),
            ("soon", cases.then_some(found.soon), "#mine", false),
            ("mine", cases.then_some(found.mine_count), "#mine", false),
            ("others", cases.then_some(found.others_count), "#others", false),
            ("changed", Some(found.changed_count), "#changed", false),
            (
                "complaints",
                ReadComplaints::is_of(self.role).then_some(found.complaints.0),
                "#complaints",
                found.late_complaints > 0,
            ),
            ("exits", ReadExits::is_of(self.role).then_some(found.overdue_exits), "/mall", found.overdue_exits > 0),
            ("reports_late", accounts.map(|it| it.late), "/accounts?late=true", accounts.is_some_and(|it| it.late > 0)),
            ("reports_soon", accounts.map(|it| it.asked_for.len() - it.late), "#accounts", false),
            ("accounts", accounts.map(|it| it.count), accounts::PLACE, false),
            ("unattributed", found.unattributed, "/unattributed", false),
            ("silent", Some(found.silent.len()), "/sources", !found.silent.is_empty()),
        ];
        let shown = all.into_iter().filter_map(|(key, count, path, bad)| {
            let count = count?;
            Some(context! { key, count, path, bad, name => self.text(&format!("tile_{key}")), hint => self.text(&format!("hint_{key}")) })
        });
        shown.collect()
    }

    fn case(&self, case: &CaseGiven) -> Value {
        let standing = case.duties.iter().filter(|duty| duty.ended_at.is_none());
        context! {
            alert => case.alert.to_string(), credit_code => &*case.credit_code, name => case.name.as_deref(), light => case.light.name(),
            sector => case.sector.as_deref().map(|id| sector_name(self.policies, id, self.language)),
            duties => standing.map(|duty| self.language.pick(&duty.zh, &duty.en).to_owned()).collect::<Vec<_>>(),
            due => case.due_at.map(deadline), late => case.late, holder => case.holder.as_deref(), acknowledged => case.acknowledged_at.is_some(),
        }
    }
}

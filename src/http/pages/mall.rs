//! Exit notices: what stands, and the forms to post, amend and withdraw.

use super::short_notice::{self, ShortNotice, short_notice};
use super::tickets::{self, TicketGiven};
use super::{Pages, answer, field_name, qr, shop, spoken};
use crate::domain::access::{PublicPart, Scope};
use crate::domain::code::CreditCode;
use crate::domain::code_key;
use crate::domain::command::{Command, RecordExit};
use crate::domain::decide::{Known, decide};
use crate::domain::envelope::Position;
use crate::domain::mark::Mark;
use crate::domain::name_key;
use crate::domain::time::{self, Day, day_of, plus_days};
use crate::domain::words::{Channel, ExitAction, Role};
use crate::http::access::{Allowed, Caller, Permission as _, PostExits, ReadExits, TrustedForm};
use crate::http::api::commands::{Status, execute_one};
use crate::http::api::exits::ExitState;
use crate::http::api::{Paging, filled};
use crate::http::front::encode;
use crate::http::language::Language;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::publishing::Publishing;
use crate::http::site::Site;
use crate::policy::Policies;
use crate::views::tenants::Tenant;
use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::value::Serde;
use minijinja::{Value, context};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Notices on a page.
const PER_PAGE: usize = 50;

/// Tickets of malls shown.
const TICKETS: usize = 30;

/// Tenants to look after that are shown of a mall.
const TENANTS: usize = 30;

/// What the page shows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// What became of a form.
    said: String,
    /// Part of a name, a credit code or a unit.
    q: String,
    /// One mall only.
    #[serde(rename = "in")]
    mall: String,
    /// Page, from 1.
    page: Option<usize>,
    /// The merchant that a notice is about to be posted for.
    credit_code: String,
    /// Its unit.
    unit: String,
}

/// A form of the page; blank fields count as absent.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct ExitForm {
    action: String,
    credit_code: String,
    mall: String,
    unit: String,
    date: String,
    planned_on: String,
    refund_plan: String,
    reason: String,
    new_unit: bool,
    /// The planned day that was confirmed although it is at short notice.
    confirmed: String,
}

/// What the page has to say after a form.
#[derive(Debug, Default)]
struct After {
    /// The form as it was sent.
    form: ExitForm,
    /// What is said, if anything.
    said: Option<Value>,
    /// What is wrong with its fields.
    wrong: Vec<FieldProblem>,
    /// What is to be confirmed.
    confirm: Option<Value>,
}

/// Shows the page.
///
/// # Errors
/// When it cannot be drawn.
pub async fn show(
    allowed: Allowed<ReadExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(&request);
    let asked = query.into_inner();
    let said = match asked.said.as_str() {
        key @ ("done" | "unchanged") => Some(context! { good => true, text => pages.text(language, "mall", key) }),
        _ => None,
    };
    let form = ExitForm {
        credit_code: asked.credit_code.clone(),
        mall: asked.mall.clone(),
        unit: asked.unit.clone(),
        ..ExitForm::default()
    };
    draw(&site, &pages, &request, allowed.caller(), asked, After { form, said, ..After::default() }).await
}

/// Takes a form: posts, amends or withdraws a notice. A notice at short notice is confirmed first.
///
/// # Errors
/// When the form is not ours or the log did not take it. A refusal is shown on the page, the form filled in as it was.
pub async fn post(
    allowed: Allowed<PostExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    form: TrustedForm<ExitForm>,
) -> Result<HttpResponse, Problem> {
    let TrustedForm(form) = form;
    let policies = site.policies();
    let command = match command(&form, day_of(site.desk.now())) {
        Ok(Command::RecordExit(mut row)) => {
            keep_plan(&site, &allowed, &mut row).await?;
            if let Some(short) = to_confirm(&site, allowed.scope(), &policies, &row, &form) {
                let confirm = Some(confirmation(&pages, Language::of(&request), &row, &short));
                let (asked, after) = (again(&form), After { form, confirm, ..After::default() });
                return draw(&site, &pages, &request, allowed.caller(), asked, after).await;
            }
            Ok(Command::RecordExit(row))
        }
        other => other,
    };
    let recorded = match command {
        Ok(command) => execute_one(&site, &request, allowed.caller(), allowed.origin(), command, None).await,
        Err(fields) => Err(Problem { code: Code::Refused, detail: None, fields }),
    };
    match recorded {
        Ok(receipt) => {
            let said = if receipt.status == Status::Unchanged { "unchanged" } else { "done" };
            // Reloading the page after this sends nothing again.
            Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("/mall?said={said}"))).finish())
        }
        Err(problem) if matches!(problem.code, Code::Refused | Code::OutOfScope) => {
            let said = Some(context! { good => false, text => problem.code.title(Language::of(&request)) });
            let (asked, after) = (again(&form), After { form, said, wrong: problem.fields, confirm: None });
            Ok(super::refused(draw(&site, &pages, &request, allowed.caller(), asked, after).await?))
        }
        Err(problem) => Err(problem),
    }
}

/// An amendment that says nothing of refunds leaves standing what was said of them.
async fn keep_plan(site: &Site, allowed: &Allowed<PostExits>, row: &mut RecordExit) -> Result<(), Problem> {
    if row.action != ExitAction::Amend || row.refund_plan.is_some() {
        return Ok(());
    }
    let (code, mall, unit) =
        (row.credit_code, row.mall.clone().unwrap_or_default(), row.unit.clone().unwrap_or_default());
    let stands = move |site: &Site, scope: &Scope| match site.view(scope, |view| view.merchant(code).is_some()) {
        true => standing_plan(site, scope, code, &mall, &unit),
        false => Ok(None),
    };
    row.refund_plan = site.block(&allowed.caller().key, stands).await?;
    Ok(())
}

/// Returns what was said last about refunds at a shop that leaves.
pub(super) fn standing_plan(
    site: &Site,
    scope: &Scope,
    code: CreditCode,
    mall: &str,
    unit: &str,
) -> Result<Option<String>, Problem> {
    let stated = |text| Some(text).filter(|text: &&str| !text.is_empty());
    // The picture keeps a mark of the words; where they were said, the log has them.
    let said: Vec<Position> = site.view(scope, |view| {
        let merchant = view.merchant(code).filter(|merchant| view.reader(merchant).sees_shops_in(mall));
        let shop = merchant.and_then(|merchant| merchant.shop(stated(mall), stated(unit)));
        let steps = shop.into_iter().flat_map(|shop| shop.exits.iter().rev());
        steps
            .filter(|step| step.refund_plan != Mark::NONE && step.until == Position::MAX)
            .map(|step| step.position)
            .collect()
    });
    // A step that left them out took them over from the one before.
    for position in said {
        let recorded = site.desk.log().event_at(position)?;
        let data = recorded.and_then(|recorded| serde_json::from_str::<serde_json::Value>(&recorded.event.data).ok());
        let words = data.as_ref().and_then(|data| data.get("refund_plan")?.as_str()).map(str::to_owned);
        if let Some(words) = filled(words.as_ref()) {
            return Ok(Some(words));
        }
    }
    Ok(None)
}

/// Returns what stands about refunds at each of these shops.
async fn standing_plans(site: &Site, caller: &Caller, notices: &[&ExitState]) -> Result<Vec<Option<String>>, Problem> {
    let shops: Vec<_> = notices
        .iter()
        .filter_map(|notice| Some((notice.credit_code.parse().ok()?, notice.mall.clone(), notice.unit.clone())))
        .collect();
    site.block(&caller.key, move |site, scope| {
        shops.iter().map(|(code, mall, unit)| standing_plan(site, scope, *code, mall, unit)).collect()
    })
    .await
}

/// Returns what the page shows after a form: the notice that was to be changed is among the first.
fn again(form: &ExitForm) -> Asked {
    let q = if form.action == "post" { String::new() } else { form.credit_code.clone() };
    Asked { q, ..Asked::default() }
}

/// Returns what is short about a notice, unless just this day was confirmed. What counts is the first notice of this exit.
fn to_confirm<'p>(
    site: &Site,
    scope: &Scope,
    policies: &'p Policies,
    row: &RecordExit,
    form: &ExitForm,
) -> Option<ShortNotice<'p>> {
    let planned_on = row.planned_on.filter(|_| matches!(row.action, ExitAction::Post | ExitAction::Amend))?;
    if form.confirmed == planned_on.to_string() {
        return None;
    }
    // Nobody confirms what is refused all the same.
    let step = Command::RecordExit(row.clone());
    let picture = site.picture();
    if decide(&step, Known::of(&picture.world, &picture.queue, &step, &[]), site.desk.now()).is_err() {
        return None;
    }
    let (mall, unit) = (row.mall.as_deref().unwrap_or_default(), row.unit.as_deref().unwrap_or_default());
    let today = day_of(site.desk.now());
    let standing = site.view(scope, |view| {
        let mut exits = view.exits_of(row.credit_code).into_iter();
        exits
            .find(|exit| name_key::same(&exit.shop.mall, mall) && name_key::same(&exit.shop.unit, unit))?
            .countdown(today)
    });
    let first_posted = standing.map_or(row.date, |standing| standing.first_posted.min(row.date));
    short_notice(policies, first_posted, planned_on, today)
}

/// Says what is short about a notice and what will follow.
fn confirmation(pages: &Pages, language: Language, row: &RecordExit, short: &ShortNotice<'_>) -> Value {
    let limit = short.limit.normalize().to_string();
    let shop = format!("{} {}", row.mall.as_deref().unwrap_or_default(), row.unit.as_deref().unwrap_or_default());
    let planned = row.planned_on.map(|day| day.to_string()).unwrap_or_default();
    let line = [
        ("merchant", row.credit_code.as_str()),
        ("shop", shop.trim()),
        ("posted", &short.first_posted.to_string()),
        ("planned", &planned),
        ("days", &short.days.to_string()),
        ("limit", &limit),
    ];
    let rule = short.rule;
    let effect = [
        ("light", pages.text(language, "light", rule.light.name())),
        ("rule", language.pick(&rule.title.zh, &rule.title.en)),
        ("duty", language.pick(&rule.duty.zh, &rule.duty.en)),
    ];
    context! {
        title => pages.filled(language, "mall", "short_title", &[("limit", &limit)]),
        line => pages.filled(language, "mall", "short_line", &line),
        effect => pages.filled(language, "mall", "short_effect", &effect),
        light => rule.light.name(), planned,
    }
}

/// Returns a pasted code as it is written: without the blanks that came along, in capital letters of ordinary width.
fn pasted(text: &str) -> Result<CreditCode, crate::domain::code::CreditCodeError> {
    code_key::code(text).parse()
}

fn command(form: &ExitForm, today: Day) -> Result<Command, Vec<FieldProblem>> {
    let mut problems = Vec::new();
    let action = match form.action.as_str() {
        "post" => ExitAction::Post,
        "amend" => ExitAction::Amend,
        "withdraw" => ExitAction::Withdraw,
        "close" => ExitAction::Close,
        other => return Err(vec![wrong("action", other, "没有此操作", "there is no such action")]),
    };
    let code = pasted(&form.credit_code).map_err(|error| {
        problems.push(wrong(
            "credit_code",
            &form.credit_code,
            "统一社会信用代码应为18位数字和大写字母（不含I、O、S、V、Z）",
            &error.to_string(),
        ));
    });
    let mut day = |field: &str, text: &str| -> Option<Day> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        time::day(text).map_err(|fault| problems.push(wrong(field, text, &fault.zh(), &fault.to_string()))).ok()
    };
    let (date, planned_on) = (day("date", &form.date), day("planned_on", &form.planned_on));
    if action == ExitAction::Withdraw && form.reason.trim().is_empty() {
        problems.push(wrong("reason", "", "撤回公示须写明原因", "say why the notice is withdrawn"));
    }
    match code {
        Ok(credit_code) if problems.is_empty() => Ok(Command::RecordExit(RecordExit {
            credit_code,
            mall: filled(Some(&form.mall)),
            unit: filled(Some(&form.unit)),
            action,
            date: date.unwrap_or(today),
            planned_on,
            refund_plan: filled(Some(&form.refund_plan)),
            reason: filled(Some(&form.reason)),
            new_unit: form.new_unit,
        })),
        _ => Err(problems),
    }
}

fn wrong(field: &str, value: &str, zh: &str, en: &str) -> FieldProblem {
    FieldProblem::new(field, "unreadable", value, zh, en)
}

async fn draw(
    site: &Site,
    pages: &Pages,
    request: &HttpRequest,
    caller: &Caller,
    asked: Asked,
    after: After,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(request);
    let (_, take) = Paging { page: asked.page, per_page: Some(PER_PAGE) }.window()?;
    let standing: Vec<ExitState> = site
        .ask(&caller.key, |view| {
            let today = day_of(view.now);
            let exits = view.exits(None).into_iter().map(|row| ExitState::new(row, today));
            Ok(exits.filter(|exit| exit.state == "announced").collect::<Vec<_>>())
        })
        .await?;
    let malls: BTreeSet<String> =
        standing.iter().map(|exit| exit.mall.clone()).filter(|mall| !mall.is_empty()).collect();
    let mut asked = asked;
    if !after.form.action.is_empty() && !standing.iter().any(|exit| fits(exit, &asked)) {
        // The notice that was to be changed does not stand: then all that do are shown.
        asked.q.clear();
    }
    let found: Vec<&ExitState> = standing.iter().filter(|exit| fits(exit, &asked)).collect();
    let page = asked.page.unwrap_or(1);
    let last = found.len().div_ceil(take).max(1);
    let limit = short_notice::limit(&site.policies());
    let drawing = Drawing { pages, language, limit, after: &after };
    let shown: Vec<&ExitState> = found.iter().skip((page - 1).saturating_mul(take)).take(take).copied().collect();
    let scope = &caller.key.scope;
    let may_post = PostExits::is_of(scope.role);
    // A form to amend begins with what stands.
    let plans = if may_post { standing_plans(site, caller, &shown).await? } else { Vec::new() };
    let plans = plans.iter().map(Option::as_deref).chain(std::iter::repeat(None));
    let own_malls = (scope.role == Role::Operator).then(|| scope.malls.clone());
    // A mall looks after its own tenants; whoever has many malls chooses one.
    let concerned = match &own_malls {
        Some(own) if asked.mall.is_empty() => own.clone(),
        _ => Some(asked.mall.trim().to_owned()).filter(|mall| !mall.is_empty()).into_iter().collect(),
    };
    let tenants = if concerned.is_empty() { Vec::new() } else { tenants(site, caller, concerned).await? };
    let waiting = site
        .ask(&caller.key, |view| {
            let own = view.tickets(false).into_iter().filter(|row| row.complaint.channel == Channel::Mall);
            Ok(TicketGiven::first(&own.collect::<Vec<_>>(), TICKETS, view.now))
        })
        .await?;
    let (tickets, more_tickets) = tickets::shown(pages, language, &waiting);
    let today = day_of(site.desk.now());
    let marks = short_notice::marks(&site.policies());
    let marks = marks.iter().filter_map(rust_decimal::prelude::ToPrimitive::to_i64);
    let form = &after.form;
    let content = context! {
        tickets, more_tickets,
        concerns => tenants.iter().map(|found| drawing.concern(found)).collect::<Vec<_>>(),
        marks => marks
            .map(|days| {
                let on = plus_days(today, days).to_string();
                context! { days, text => pages.filled(language, "mall", "mark", &[("days", &days.to_string()), ("day", &on)]) }
            })
            .collect::<Vec<_>>(),
        said => after.said.clone(),
        confirm => after.confirm.clone(),
        sent => Value::from(Serde(form)),
        notices => shown.iter().zip(plans).enumerate().map(|(place, (notice, plan))| drawing.notice(notice, place, plan)).collect::<Vec<_>>(),
        found => pages.filled(language, "mall", "found", &[("count", &found.len().to_string())]),
        page_text => pages.filled(language, "site", "page", &[("page", &page.to_string()), ("pages", &last.to_string())]),
        previous => (page > 1).then(|| path(&asked, page - 1)),
        next => (page < last).then(|| path(&asked, page + 1)),
        filter => context! { q => asked.q.clone(), mall => asked.mall.clone() },
        filtered => !asked.q.is_empty() || !asked.mall.is_empty(),
        malls,
        may_post,
        own_malls,
        today => day_of(site.desk.now()).to_string(),
        form => if matches!(form.action.as_str(), "" | "post") { Value::from(Serde(form)) } else { Value::from(Serde(ExitForm::default())) },
        wrong => drawing.wrong(),
        faults => Value::from(Serde(drawing.faults())),
    };
    answer(request, Some(caller), "mall.html", "/mall", content)
}

/// The tenants of a mall to look after, and how many there are.
struct Concern {
    mall: String,
    count: usize,
    tenants: Vec<Tenant>,
}

async fn tenants(site: &Site, caller: &Caller, malls: Vec<String>) -> Result<Vec<Concern>, Problem> {
    let found = site.ask(&caller.key, move |view| {
        let of = |mall: String| {
            let (count, tenants) = view.tenants_of_concern(&mall, TENANTS);
            Concern { mall, count, tenants }
        };
        Ok(malls.into_iter().map(of).filter(|found| found.count > 0).collect::<Vec<_>>())
    });
    found.await
}

fn fits(exit: &ExitState, asked: &Asked) -> bool {
    let query = asked.q.trim().to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&query);
    let mall = asked.mall.trim();
    (mall.is_empty() || name_key::same(&exit.mall, mall))
        && (query.is_empty() || exit.name.as_deref().is_some_and(has) || has(&exit.credit_code) || has(&exit.unit))
}

fn path(asked: &Asked, page: usize) -> String {
    format!("/mall?q={}&in={}&page={page}", encode(&asked.q), encode(&asked.mall))
}

/// Draws notices, and what is wrong with the form that was sent.
struct Drawing<'a> {
    pages: &'a Pages,
    language: Language,
    limit: Option<Decimal>,
    after: &'a After,
}

impl Drawing<'_> {
    fn notice(&self, notice: &ExitState, place: usize, plan: Option<&str>) -> Value {
        let late = notice.days_left.unwrap_or_default().saturating_neg().to_string();
        let form = &self.after.form;
        let is_sent = form.credit_code == notice.credit_code && form.mall == notice.mall && form.unit == notice.unit;
        let short = notice.notice_days.zip(self.limit).is_some_and(|(days, limit)| Decimal::from(days) < limit);
        context! {
            place, credit_code => notice.credit_code.clone(), name => notice.name.clone(), mall => notice.mall.clone(), unit => notice.unit.clone(),
            first_posted => notice.first_posted.clone(), planned_on => notice.planned_on.clone(), days_left => notice.days_left,
            refund_plan => plan, notice_days => notice.notice_days, short, overdue => self.pages.filled(self.language, "mall", "overdue", &[("count", &late)]),
            sent => if is_sent { form.action.clone() } else { String::new() },
            query => format!(
                "credit_code={}&mall={}&unit={}", notice.credit_code, encode(&notice.mall), encode(&notice.unit)
            ),
        }
    }

    /// The tenants of a mall to look after: each unit without a notice leads to the form, filled in.
    fn concern(&self, concern: &Concern) -> Value {
        let rows = concern.tenants.iter().map(|tenant| {
            let code = tenant.row.credit_code;
            let units = tenant.units.iter().map(|(unit, leaves)| {
                let path = format!("/mall?in={}&credit_code={code}&unit={}#post", encode(&concern.mall), encode(unit));
                context! { unit => &**unit, leaves => *leaves, path }
            });
            context! {
                light => tenant.row.light.name(), name => tenant.row.name.as_deref(), credit_code => code.as_str(), unfiled => tenant.unfiled,
                units => units.collect::<Vec<_>>(),
            }
        });
        let count = self.pages.filled(self.language, "mall", "concerns", &[("count", &concern.count.to_string())]);
        context! { mall => &*concern.mall, count, rows => rows.collect::<Vec<_>>() }
    }

    /// Returns what is wrong, one line a field, each with the field it leads to.
    fn wrong(&self) -> Vec<Value> {
        let line = |field: &FieldProblem| {
            let name = field_name(self.pages, self.language, &field.field);
            context! { field => field.field.clone(), name, text => self.message(field) }
        };
        self.after.wrong.iter().map(line).collect()
    }

    /// Returns what is wrong by field.
    fn faults(&self) -> BTreeMap<&str, String> {
        self.after.wrong.iter().map(|field| (field.field.as_str(), self.message(field))).collect()
    }

    /// Returns what is wrong with a field. The box to tick is named as the page names it, not as the API does.
    fn message(&self, field: &FieldProblem) -> String {
        let label = format!("“{}”", self.pages.text(self.language, "mall", "new_unit"));
        let said = field.message(self.language).replace("`new_unit`", &label).replace("new_unit", &label);
        spoken(self.pages, self.language, &said)
    }
}

/// Which shop's notice.
#[derive(Debug, Deserialize)]
pub struct Which {
    credit_code: String,
    #[serde(default)]
    mall: String,
    #[serde(default)]
    unit: String,
}

/// Shows a standing notice as a sheet to print and hang up.
///
/// # Errors
/// When no such notice stands in the caller's scope.
pub async fn sheet(
    allowed: Allowed<ReadExits>,
    site: web::Data<Site>,
    pages: web::Data<Pages>,
    request: HttpRequest,
    query: web::Query<Which>,
) -> Result<HttpResponse, Problem> {
    let language = Language::of(&request);
    let which = query.into_inner();
    let today = day_of(site.desk.now());
    let (notice, refund_plan) = site
        .block(&allowed.caller().key, move |site, scope| {
            let fits = |exit: &ExitState| exit.mall == which.mall && exit.unit == which.unit;
            let code = which.credit_code.parse().map_err(|_| Code::NotFound)?;
            let exits = site.view(scope, |view| view.exits_of(code));
            let mut states = exits.into_iter().map(|row| ExitState::new(row, today));
            let notice = states.find(|exit| fits(exit) && exit.state == "announced").ok_or(Code::NotFound)?;
            let plan = standing_plan(site, scope, code, &which.mall, &which.unit)?;
            Ok((notice, plan))
        })
        .await?;
    let planned = notice.planned_on.clone().unwrap_or_default();
    let merchant = notice.name.as_deref().unwrap_or(&notice.credit_code);
    let content = context! {
        line => pages.filled(language, "sheet", "line", &[("merchant", merchant), ("planned", &planned)]),
        notice => context! {
            credit_code => notice.credit_code.clone(), mall => notice.mall.clone(), unit => notice.unit.clone(),
            first_posted => notice.first_posted.clone(), planned_on => planned, refund_plan,
        },
        today => today.to_string(),
        // Whoever scans it sees how many days are left then.
        qr => Publishing::of(&request).filter(|it| it.shows(PublicPart::Exits)).and_then(|publishing| {
            let code = notice.credit_code.parse().ok()?;
            qr::svg(&publishing.address(&shop::path(code)), pages.text(language, "shop", "qr_name"))
        }),
    };
    answer(&request, Some(allowed.caller()), "sheet.html", "/mall", content)
}

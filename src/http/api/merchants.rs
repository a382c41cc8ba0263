//! Merchants: the board as data, and a merchant's file.

use super::leads::{self, LeadState};
use super::records::{self, RecordsState};
use super::sources::SilentSource;
use super::{BothLanguages, Paging, credit_code, filled, instant, optional, yuan};
use crate::domain::access::{Matter, Scope, Sight};
use crate::domain::envelope::{CloudEvent, Position};
use crate::domain::event::{FactSeen, Reason};
use crate::domain::evidence::{FilingStep, STANDING};
use crate::domain::exit::{Exit, exit_on};
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::{Day, Instant, day_of, plus_days};
use crate::domain::words::{FilingStatus, Light, Role};
use crate::http::access::{Allowed, ReadLights};
use crate::http::problem::{Code, Problem};
use crate::http::site::{Site, rule};
use crate::picture::lights::Lit;
use crate::policy::Policies;
use crate::policy::fact::FactId;
use crate::policy::rule::Rule;
use crate::views::View;
use crate::views::board::{BoardRow, Filter};
use crate::views::sources::Silent;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};

/// Events of a timeline unless asked otherwise.
const TIMELINE: usize = 100;

/// Which merchants.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// Part of name, brand or credit code.
    pub q: Option<String>,
    /// Light.
    pub light: Option<String>,
    /// Sector id, or `undetermined`.
    pub sector: Option<String>,
    /// Division code or the first digits of one.
    pub division: Option<String>,
    /// Mall.
    pub mall: Option<String>,
    /// Page, from 1.
    pub page: Option<usize>,
    /// Items on a page.
    pub per_page: Option<usize>,
}

impl Query {
    /// Returns the filter.
    ///
    /// # Errors
    /// When the light is none.
    pub fn filter(&self) -> Result<Filter, Problem> {
        Ok(Filter {
            light: optional("light", self.light.as_deref())?,
            sector: filled(self.sector.as_ref()),
            division: filled(self.division.as_ref()),
            mall: filled(self.mall.as_ref()),
            street: None,
            query: filled(self.q.as_ref()),
        })
    }

    /// Returns which page.
    #[must_use]
    pub const fn paging(&self) -> Paging {
        Paging { page: self.page, per_page: self.per_page }
    }
}

/// A rule that fired, in short.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RuleFired {
    /// Rule id.
    pub rule: String,
    /// Light it asks for; absent if the rule is no longer in the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub light: Option<Light>,
    /// Title; absent if the rule is no longer in the pack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<BothLanguages>,
    /// Since when it has been among the reasons.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
}

/// A merchant on the board.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MerchantRow {
    /// Unified social credit code.
    pub credit_code: String,
    /// Name; absent if it is not in the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Light.
    #[schema(value_type = String)]
    pub light: Light,
    /// Rules that fired, worst first.
    pub reasons: Vec<RuleFired>,
    /// Since when it has this colour; absent if it was never anything but green.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
    /// Sector id; absent if undetermined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
    /// Division code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// Street or town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Malls with a shop of it.
    pub malls: Vec<String>,
    /// Owed to card holders, yuan; absent without a declared balance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outstanding: Option<String>,
    /// To be in custody or guaranteed, yuan; absent where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<String>,
    /// In custody or guaranteed, yuan; absent without a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
    /// Missing in custody, yuan; absent where it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortfall: Option<String>,
    /// Outstanding less held, at least zero, yuan: what card holders would lose tonight.
    pub at_risk: String,
    /// The merchant objected to the light; said to those who may see what it says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
}

impl MerchantRow {
    pub(crate) fn new(row: BoardRow, policies: &Policies) -> Self {
        let mut rules_since = row.rules_since.iter().copied();
        let reasons = row.rules.iter().map(|id| {
            let known = rule(policies, id);
            RuleFired {
                rule: id.to_string(),
                light: known.map(|rule| rule.light),
                title: known.map(|rule| BothLanguages { zh: rule.title.zh.clone(), en: rule.title.en.clone() }),
                since: rules_since.next(),
            }
        });
        Self {
            credit_code: row.credit_code.to_string(),
            reasons: reasons.collect(),
            light: row.light,
            name: row.name,
            since: row.since,
            sector: row.sector,
            division: row.division,
            street: row.street,
            malls: row.malls,
            outstanding: row.money.outstanding.map(yuan),
            required: row.money.required.map(yuan),
            held: row.money.held.map(yuan),
            shortfall: row.money.shortfall.map(yuan),
            at_risk: yuan(row.money.at_risk()),
            disputed: row.disputed,
        }
    }
}

/// A page of merchants.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MerchantPage {
    /// Merchants found in all.
    pub total: usize,
    /// Those on this page, worst light first, then by money at risk as shown, then by credit code.
    pub items: Vec<MerchantRow>,
}

/// Lists merchants.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let (filter, (skip, take)) = (query.filter()?, query.paging().window()?);
    site.ask_for_json(&allowed.caller().key, move |view| {
        let page = view.list(&filter, skip, take);
        let items = page.rows.into_iter().map(|row| MerchantRow::new(row, view.policies)).collect();
        Ok(MerchantPage { total: page.found, items })
    })
    .await
}

/// A shop with its exit.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ShopState {
    /// Mall; empty for a street shop.
    pub mall: String,
    /// Unit; may be empty.
    pub unit: String,
    /// `open`, `announced` or `closed`.
    pub state: &'static str,
    /// Planned last day, if announced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_on: Option<String>,
    /// Day of closing, if closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_on: Option<String>,
    /// If closed: a notice stood on the day before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was_announced: Option<bool>,
}

/// A merchant's file.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MerchantFile {
    /// What the board shows.
    #[serde(flatten)]
    pub row: MerchantRow,
    /// It has a row in the register.
    pub registered: bool,
    /// The check character of the credit code fits.
    pub check_character_holds: bool,
    /// GB/T 4754 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry_code: Option<String>,
    /// Brand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// Legal representative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_representative: Option<String>,
    /// State of the filing.
    #[schema(value_type = String)]
    pub filing: FilingStatus,
    /// Shops, as far as the reader may see them.
    pub shops: Vec<ShopState>,
    /// Leads to other authorities, newest first, if the reader may see them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leads: Vec<LeadState>,
    /// Other names that people call it by, if the reader may see them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<AliasState>,
    /// What else is on record, as far as the reader may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<RecordsState>,
    /// Silent sources that the light rests on: what they have not said is not in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silent_sources: Vec<SilentSource>,
}

impl MerchantFile {
    pub(crate) fn new<'a>(view: &View<'a>, merchant: &'a Merchant) -> Option<Self> {
        let reader = view.reader(merchant);
        let horizon = view.shown_at();
        let (known, is_now) = (horizon.known, view.shows_the_present());
        let detail = |text: Option<&str>| text.map(str::to_owned);
        let shops = merchant
            .shops
            .iter()
            .filter(|shop| reader.sees_shops_in(&shop.name.mall))
            .map(|shop| {
                let bare = ShopState {
                    mall: shop.name.mall.clone(),
                    unit: shop.name.unit.clone(),
                    state: "open",
                    planned_on: None,
                    closed_on: None,
                    was_announced: None,
                };
                match exit_on(&shop.exits, horizon.today, known) {
                    Exit::None => bare,
                    Exit::Announced { planned_on, .. } => {
                        ShopState { state: "announced", planned_on: Some(planned_on.to_string()), ..bare }
                    }
                    Exit::Closed { on, announced } => ShopState {
                        state: "closed",
                        closed_on: Some(on.to_string()),
                        was_announced: Some(announced.is_some()),
                        ..bare
                    },
                }
            })
            .collect();
        let filing = merchant.filing_on(horizon.today, known).and_then(FilingStep::status);
        Some(Self {
            row: MerchantRow::new(view.row_of(merchant.code)?, view.policies),
            registered: merchant.is_registered(known),
            check_character_holds: merchant.code.check_character_holds(),
            industry_code: detail(merchant.industry_code(known)),
            brand: detail(merchant.brand(known)),
            legal_representative: detail(merchant.detail(known, |row| row.legal_representative.as_deref())),
            filing: filing.unwrap_or(FilingStatus::None),
            shops,
            // What is worked with now is of the present only.
            leads: if is_now { leads::of(view, merchant) } else { Vec::new() },
            aliases: if is_now { aliases_of(view, merchant) } else { Vec::new() },
            records: if is_now { records::of(view, merchant) } else { None },
            silent_sources: if is_now {
                view.silent_for(merchant).iter().map(SilentSource::from).collect()
            } else {
                Vec::new()
            },
        })
    }
}

/// Another name of a merchant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AliasState {
    /// The name.
    pub alias: String,
    /// The mall in which it is meant; absent: wherever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// The street or town in which it is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
}

/// Returns the other names of a merchant that stand, if the reader may see them.
fn aliases_of(view: &View<'_>, merchant: &Merchant) -> Vec<AliasState> {
    if view.scope.sight(Some(Matter::Office)) != Sight::All {
        return Vec::new();
    }
    let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
    let stand = merchant.aliases.iter().filter(|alias| alias.until == STANDING);
    stand
        .map(|alias| AliasState { alias: alias.name.to_string(), mall: text(&alias.mall), street: text(&alias.street) })
        .collect()
}

/// Returns a merchant's file.
///
/// # Errors
/// When there is no such merchant in the caller's scope.
pub async fn get(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    code: web::Path<String>,
) -> Result<web::Json<MerchantFile>, Problem> {
    let code = credit_code(&code)?;
    site.view(allowed.scope(), |view| view.merchant(code).and_then(|merchant| MerchantFile::new(view, merchant)))
        .map(web::Json)
        .ok_or_else(|| Code::NotFound.into())
}

/// Which instant, and what was known.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct AsOf {
    /// Instant the light is asked for; the present if absent.
    pub at: Option<String>,
    /// Nothing recorded after this instant is known; the present if absent.
    pub known_at: Option<String>,
}

/// A reason with its rule's words.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ReasonGiven {
    /// Rule id.
    pub rule: String,
    /// Rule version.
    pub version: u16,
    /// Light it asks for.
    #[schema(value_type = String)]
    pub light: Light,
    /// Title of the rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<BothLanguages>,
    /// Clause or source.
    pub clause: String,
    /// What somebody has to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duty: Option<DutyGiven>,
    /// Since when it has been among the recorded reasons; absent if it is not among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Instant>,
    /// A year whose working-day calendar is not known, so that days of this reason or of its duty were counted by weekdays alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year_without_calendar: Option<i16>,
    /// The comparisons that held: fact, value, comparison, threshold, and the shop where it is about one.
    #[schema(value_type = Vec<Object>)]
    pub facts: Vec<FactSeen>,
    /// Events the facts rest on.
    #[schema(value_type = Vec<String>)]
    pub events: Vec<uuid::Uuid>,
    /// Silent sources that the facts rest on; told of the present only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silent_sources: Vec<SilentSource>,
}

/// What somebody has to do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DutyGiven {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// `sector` (its regulator) or `mall`.
    pub who: String,
    /// Within so many hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<u32>,
    /// Within so many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// Within so many working days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working_days: Option<u32>,
}

/// Says whether a reader is told what a rule asks to be done: an office of all of it, a mall of what is asked of malls. That a shop will be
/// checked is nothing to announce to it.
fn sees_duty(scope: &Scope, rule: &Rule) -> bool {
    scope.sight(Some(Matter::Office)) == Sight::All || scope.role == Role::Operator && rule.duty.who == "mall"
}

impl ReasonGiven {
    /// Gives a reason that holds at `at` to a reader: what the reader may not see is left out. `lit` is the light as recorded, if
    /// the light asked for is that of the present.
    pub(crate) fn new<'a>(
        view: &View<'a>,
        merchant: &'a Merchant,
        mut reason: Reason,
        at: Instant,
        lit: Option<&Lit>,
    ) -> Self {
        let since = lit.and_then(|lit| lit.reasons().find(|(rule, _)| ***rule == *reason.rule)).map(|(_, since)| since);
        let year_without_calendar = uncounted_year(&reason, view.policies, at);
        view.redact(merchant, &mut reason, day_of(at));
        let known = rule(view.policies, &reason.rule);
        Self {
            title: known.map(|rule| BothLanguages { zh: rule.title.zh.clone(), en: rule.title.en.clone() }),
            duty: known.filter(|rule| sees_duty(view.scope, rule)).map(|rule| DutyGiven {
                zh: rule.duty.zh.clone(),
                en: rule.duty.en.clone(),
                who: rule.duty.who.clone(),
                hours: rule.duty.hours,
                days: rule.duty.days,
                working_days: rule.duty.working_days,
            }),
            since,
            year_without_calendar,
            rule: reason.rule,
            version: reason.version,
            light: reason.light,
            clause: reason.clause,
            facts: reason.facts,
            events: reason.events,
            silent_sources: Vec::new(),
        }
    }

    /// Says of the silent sources those that the facts rest on.
    #[must_use]
    pub(crate) fn resting_on(mut self, silent: &[Silent]) -> Self {
        let bears = |silent: &&Silent| self.facts.iter().any(|fact| silent.bears(fact));
        self.silent_sources = silent.iter().filter(bears).map(SilentSource::from).collect();
        self
    }
}

/// Returns a year without a calendar in which working days were counted for a reason, or are for its duty.
fn uncounted_year(reason: &Reason, policies: &Policies, at: Instant) -> Option<i16> {
    let today = day_of(at);
    let overdue = reason.facts.iter().filter(|seen| seen.fact == FactId::PrepaidReportOverdueDays.name());
    let mut due =
        overdue.filter_map(|seen| seen.value.as_deref()?.parse().ok().map(|days: i64| plus_days(today, -days)));
    let counted = due.find(|due| !policies.calendar.covers(due.year())).map(Day::year);
    let duty = rule(policies, &reason.rule).map(|rule| &rule.duty).filter(|duty| duty.working_days.is_some());
    let last = duty.and_then(|duty| duty.due(at, &policies.calendar)).map(day_of);
    counted.or_else(|| policies.calendar.missing_between(today, last?).first().copied())
}

/// A light with everything it rests on.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Reasons {
    /// Unified social credit code.
    pub credit_code: String,
    /// The light.
    #[schema(value_type = String)]
    pub light: Light,
    /// Instant it is true for.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// Everything recorded up to this position was known.
    pub known: Position,
    /// Every rule that fired, worst first.
    pub reasons: Vec<ReasonGiven>,
    /// Silent sources that the light rests on: what they have not said is not in it. Told of the present only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silent_sources: Vec<SilentSource>,
}

/// Derives a merchant's light with its reasons, now or as of any instant.
///
/// # Errors
/// When a parameter is wrong, or there is no such merchant in the caller's scope.
pub async fn reasons(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    code: web::Path<String>,
    query: web::Query<AsOf>,
) -> Result<HttpResponse, Problem> {
    let code = credit_code(&code)?;
    let at = instant("at", query.at.as_deref())?;
    let known_at = instant("known_at", query.known_at.as_deref())?;
    let log = site.desk.log().clone();
    let derive = move |view: &View<'_>| {
        let known = known_at.map(|known_at| log.position_at(known_at)).transpose()?;
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        let is_present = at.is_none() && known.is_none();
        let lit = view.lights.get(code).filter(|_| is_present);
        let silent = if is_present { view.silent_for(merchant) } else { Vec::new() };
        let at = at.unwrap_or(view.now);
        let known = known.unwrap_or(view.world.head());
        // As on the command line: what nobody knew of then has no light.
        if !merchant.exists(&Horizon::new(at, known)) {
            return Err(Code::NotFound.into());
        }
        let explained = view.explain(&*log, merchant, at, known)?;
        let reasons = explained.reasons.into_iter();
        let given = reasons.map(|reason| ReasonGiven::new(view, merchant, reason, at, lit).resting_on(&silent));
        Ok(Reasons {
            credit_code: code.to_string(),
            light: explained.light,
            at,
            known,
            reasons: given.collect(),
            silent_sources: silent.iter().map(SilentSource::from).collect(),
        })
    };
    if at.is_some() || known_at.is_some() {
        return site.ask_for_json(&allowed.caller().key, derive).await;
    }
    let reasons = site.block(&allowed.caller().key, move |site, scope| site.view(scope, derive)).await?;
    Ok(HttpResponse::Ok().json(reasons))
}

/// How much of a timeline.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Limit {
    /// Events at most, 1 to 500; 100 if not given.
    pub limit: Option<usize>,
}

/// What was recorded about a merchant.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Timeline {
    /// The newest events, newest first, as CloudEvents.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<CloudEvent>,
}

/// Returns what was recorded about a merchant.
///
/// # Errors
/// When there is no such merchant in the caller's scope.
pub async fn timeline(
    allowed: Allowed<ReadLights>,
    site: web::Data<Site>,
    code: web::Path<String>,
    query: web::Query<Limit>,
) -> Result<web::Json<Timeline>, Problem> {
    let code = credit_code(&code)?;
    let (_, limit) = Paging { page: None, per_page: query.limit.or(Some(TIMELINE)) }.window()?;
    let events = site.block(&allowed.caller().key, move |site, scope| events_about(site, scope, code, limit)).await?;
    Ok(web::Json(Timeline { events }))
}

/// Returns the newest events about a merchant, as far as a reader may see them.
pub(crate) fn events_about(
    site: &Site,
    scope: &Scope,
    code: crate::domain::code::CreditCode,
    limit: usize,
) -> Result<Vec<CloudEvent>, Problem> {
    let log = site.desk.log().clone();
    site.view(scope, |view| {
        let merchant = view.merchant(code).ok_or(Code::NotFound)?;
        let recorded = view.timeline(&*log, merchant, limit)?;
        Ok(recorded.iter().filter_map(|event| view.shown(event.to_cloud_event())).collect())
    })
}

//! Figures of a period or of a month (统计、月报表), and what each of them counts.

use super::{Paging, end_of, filled, optional, wrong_parameter, yuan};
use crate::domain::envelope::Position;
use crate::domain::time::{self, Day, Instant, day_of, plus_days};
use crate::http::access::{Allowed, ReadFigures};
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::log::contract::EventLog;
use crate::views::View;
use crate::views::figures::measure::Unit;
use crate::views::figures::{
    By, Counted, CountedRow, FIGURES, Figure, Figures, Group, Known, Month, NoMonth, Number, Period, Terms,
};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Which days, and as known when.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// First day; the first of this month if absent.
    pub from: String,
    /// The day after the last; tomorrow if absent.
    pub to: String,
    /// Day at whose end things were known; now if absent.
    pub known_on: String,
    /// A month instead, as it was or will be frozen.
    pub month: String,
    /// Group: `whole`, `division`, `sector` or `street`.
    pub by: String,
    /// District of a street.
    pub division: String,
    /// Division code, sector id or street.
    pub name: String,
    /// Page, from 1.
    pub page: Option<usize>,
    /// Items on a page.
    pub per_page: Option<usize>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) enum Wanted {
    /// Days, as known now or at an instant.
    Days(Period, Option<Instant>),
    /// A month.
    Month(Month),
}

impl Query {
    /// Reads which days are asked for.
    pub(in crate::http) fn wanted(&self, now: Instant) -> Result<Wanted, Problem> {
        if let Some(month) = optional("month", Some(&self.month))? {
            return Ok(Wanted::Month(begun(month, now)?));
        }
        let today = day_of(now);
        let to = day("to", &self.to)?.unwrap_or_else(|| plus_days(today, 1));
        let from = day("from", &self.from)?.unwrap_or_else(|| Month::of(plus_days(to, -1)).period().from);
        if from >= to {
            return Err(wrong_parameter(
                "to",
                &self.to,
                "止日须晚于起日，止日当天不计入",
                "`to` lies after `from`: it is the day after the last",
            ));
        }
        Ok(Wanted::Days(Period { from, to }, end_of("known_on", &self.known_on, now)?))
    }

    /// Reads which group is asked for: the whole, unless one is named.
    pub(in crate::http) fn group(&self) -> Result<Group, Problem> {
        let by = optional::<By>("by", Some(&self.by))?.unwrap_or(By::Whole);
        let named = |text: &String| text.trim().to_owned();
        Ok(Group { by, division: named(&self.division), name: named(&self.name) })
    }

    const fn paging(&self) -> Paging {
        Paging { page: self.page, per_page: self.per_page }
    }
}

/// Returns a month that has begun.
pub(in crate::http) fn begun(month: Month, now: Instant) -> Result<Month, Problem> {
    if month > Month::of(day_of(now)) {
        return Err(wrong_parameter("month", &month.to_string(), "该月尚未开始", "this month has not begun"));
    }
    Ok(month)
}

fn day(name: &str, text: &str) -> Result<Option<Day>, Problem> {
    let Some(text) = filled(Some(&text.to_owned())) else { return Ok(None) };
    let day = time::day(&text).map_err(|fault| wrong_parameter(name, &text, &fault.zh(), &fault.to_string()))?;
    Ok(Some(day))
}

impl Wanted {
    /// Calls `ask` with what the figures are made by.
    pub(in crate::http) fn with<T>(
        self,
        view: &View<'_>,
        log: &dyn EventLog,
        ask: impl FnOnce(&Terms<'_>) -> T,
    ) -> Result<T, Problem> {
        match self {
            Self::Month(month) => Ok(ask(&known(month, view, log)?.terms(month, view))),
            Self::Days(period, known_at) => {
                let known = known_at.map(|at| log.position_at(at)).transpose()?;
                Ok(ask(&Terms {
                    period,
                    known: known.unwrap_or(Position::MAX),
                    seen: known_at.unwrap_or(view.now),
                    policies: view.policies,
                    original: view.policies.figures.on(period.from).original_resolution,
                    with_standing: false,
                }))
            }
        }
    }
}

/// Finds what is known of a month.
pub(in crate::http) fn known(month: Month, view: &View<'_>, log: &dyn EventLog) -> Result<Known, Problem> {
    let known = Known::of(month, &view.policies.figures, log, view.now);
    known.map_err(|error| Problem::inside(Code::Internal, error))
}

/// What a figure comes to; which parts it has follows from its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FigureValue {
    /// How many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// How much, yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yuan: Option<String>,
    /// Of a rate: `of` ÷ `among`, to four digits; absent if there is nothing among which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<String>,
    /// Of a rate: how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Of a rate or of hours: among how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub among: Option<u64>,
    /// Of hours: the middle; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
}

impl From<Number> for FigureValue {
    fn from(number: Number) -> Self {
        let empty = Self::default();
        match number {
            Number::Count(count) => Self { count: Some(count), ..empty },
            Number::Yuan(amount) => Self { yuan: Some(yuan(amount)), ..empty },
            Number::Rate { of, among } => {
                let ratio = number.ratio().map(|ratio| format!("{ratio:.4}"));
                Self { ratio, of: Some(of), among: Some(among), ..empty }
            }
            Number::Hours { median, among } => {
                Self { hours: median.map(|hours| format!("{hours:.1}")), among: Some(among), ..empty }
            }
        }
    }
}

/// Figures of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct GroupFigures {
    /// `whole`, `division`, `sector` or `street`.
    pub by: &'static str,
    /// District of a street.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division: Option<String>,
    /// Division code, sector id or street; empty where it is not known, absent for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By name (docs/FIGURES.md).
    pub figures: BTreeMap<&'static str, FigureValue>,
}

/// A merchant with its complaints in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SubjectGiven {
    /// Who.
    pub credit_code: String,
    /// Its name, if it was in the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Tickets.
    pub tickets: u64,
}

/// Figures of a period.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FigureTable {
    /// First day.
    pub from: String,
    /// The day after the last.
    pub to: String,
    /// As known at this instant.
    #[schema(value_type = String, format = DateTime)]
    pub known_at: Instant,
    /// By whole, district, sector and street.
    pub groups: Vec<GroupFigures>,
    /// Merchants with the most complaints, most first.
    pub subjects: Vec<SubjectGiven>,
}

/// The table of a month.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MonthTable {
    /// Month.
    pub month: String,
    /// When it is, or will be, frozen.
    #[schema(value_type = String, format = DateTime)]
    pub frozen_at: Instant,
    /// It is not frozen yet: this is what is known now.
    pub provisional: bool,
    /// The figures, as frozen.
    pub table: FigureTable,
    /// Groups of which other figures would be made by what is known now, with those figures alone; it changes nothing of the table.
    pub later: Vec<GroupFigures>,
}

impl FigureTable {
    fn new(figures: &Figures, terms: &Terms<'_>) -> Self {
        let subjects = figures.subjects.iter().map(|subject| SubjectGiven {
            credit_code: subject.credit_code.to_string(),
            name: subject.name.clone(),
            tickets: subject.tickets,
        });
        Self {
            from: terms.period.from.to_string(),
            to: terms.period.to.to_string(),
            known_at: terms.seen,
            groups: figures.groups.keys().map(|group| group_figures(group, shown(terms), figures)).collect(),
            subjects: subjects.collect(),
        }
    }
}

/// Returns the figures that are made by these terms.
pub(in crate::http) fn shown(terms: &Terms<'_>) -> impl Iterator<Item = &'static Figure> + use<> {
    let with_standing = terms.with_standing;
    FIGURES.iter().filter(move |figure| with_standing || !figure.is_of_standing())
}

fn group_figures(group: &Group, shown: impl Iterator<Item = &'static Figure>, figures: &Figures) -> GroupFigures {
    let value = |figure: &'static Figure| (figure.key, figures.number(figure, group).into());
    GroupFigures {
        by: group.by.name(),
        division: (group.by == By::Street).then(|| group.division.clone()),
        name: (group.by != By::Whole).then(|| group.name.clone()),
        figures: shown.map(value).collect(),
    }
}

/// Returns figures of a period.
///
/// # Errors
/// When a parameter is wrong, or too much is asked at once.
pub async fn get(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let wanted = query.wanted(site.desk.now())?;
    let log = site.desk.log().clone();
    let answer = move |view: &View<'_>| wanted.with(view, &*log, |terms| FigureTable::new(&view.figures(terms), terms));
    site.ask_for_json(&allowed.caller().key, answer).await
}

/// Returns the table of a month.
///
/// # Errors
/// When there is no such month, or too much is asked at once.
pub async fn month(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    month: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let month = named_month(&month, site.desk.now())?;
    let log = site.desk.log().clone();
    let answer = move |view: &View<'_>| {
        let known = known(month, view, &*log)?;
        let (terms, figures) = (known.terms(month, view), view.month(month, &known));
        let later = if known.is_provisional { Vec::new() } else { later(&figures, &view.month_now(month, &known)) };
        Ok(MonthTable {
            month: month.to_string(),
            frozen_at: known.frozen_at,
            provisional: known.is_provisional,
            table: FigureTable::new(&figures, &terms),
            later,
        })
    };
    site.ask_for_json(&allowed.caller().key, answer).await
}

/// Reads a month from a path.
pub(in crate::http) fn named_month(text: &str, now: Instant) -> Result<Month, Problem> {
    let no_month = |error: NoMonth| wrong_parameter("month", text, "月份应写作 2025-10", &error.to_string());
    begun(text.parse().map_err(no_month)?, now)
}

fn later(frozen: &Figures, now: &Figures) -> Vec<GroupFigures> {
    let groups: BTreeSet<&Group> = frozen.groups.keys().chain(now.groups.keys()).collect();
    let differs = |group: &Group| {
        let figures = FIGURES.iter().filter(|figure| frozen.number(figure, group) != now.number(figure, group));
        figures.collect::<Vec<&'static Figure>>()
    };
    let found = groups.into_iter().map(|group| (group, differs(group))).filter(|(_, figures)| !figures.is_empty());
    found.map(|(group, figures)| group_figures(group, figures.into_iter(), now)).collect()
}

/// Something that a figure counts.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CountedGiven {
    /// About whom.
    pub credit_code: String,
    /// Its name, if it was in the register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a rate, `of` or `among` which it is; `of` for the others.
    pub part: &'static str,
    /// Yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yuan: Option<String>,
    /// Hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// Position of the event that tells of it; absent where a merchant counts for what is known of it as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event: Option<Uuid>,
}

/// What a figure counts.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CountedPage {
    /// How much there is in all.
    pub total: usize,
    /// In the order recorded.
    pub items: Vec<CountedGiven>,
}

impl CountedGiven {
    fn new(figure: &Figure, row: CountedRow, log: &dyn EventLog) -> Result<Self, Problem> {
        let CountedRow { credit_code, name, counted: Counted { measure, amount, position } } = row;
        let recorded = position.map(|position| log.event_at(position)).transpose()?.flatten();
        Ok(Self {
            credit_code: credit_code.to_string(),
            name,
            part: if figure.is_among(measure) { "among" } else { "of" },
            yuan: (measure.unit() == Unit::Yuan).then(|| yuan(amount)),
            hours: (measure.unit() == Unit::Hours).then(|| format!("{amount:.1}")),
            position,
            event: recorded.map(|recorded| recorded.event.id),
        })
    }
}

/// Lists what a figure of a group counts.
///
/// # Errors
/// When there is no such figure, a parameter is wrong, or too much is asked at once.
pub async fn counted(
    allowed: Allowed<ReadFigures>,
    site: web::Data<Site>,
    figure: web::Path<String>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let page = counted_by(&allowed, &site, &figure, &query).await?.1;
    Ok(HttpResponse::Ok().json(page))
}

/// The same for a page.
pub(in crate::http) async fn counted_by(
    allowed: &Allowed<ReadFigures>,
    site: &Site,
    figure: &str,
    query: &Query,
) -> Result<(&'static Figure, CountedPage), Problem> {
    let figure =
        Figure::named(figure).ok_or_else(|| Problem::new(Code::NotFound, "没有这项统计", "there is no such figure"))?;
    let (wanted, group, (skip, take)) = (query.wanted(site.desk.now())?, query.group()?, query.paging().window()?);
    let log = site.desk.log().clone();
    let found = move |view: &View<'_>| {
        let (total, rows) = wanted.with(view, &*log, |terms| view.counted(terms, figure, &group, skip, take))?;
        let items = rows.into_iter().map(|row| CountedGiven::new(figure, row, &*log));
        Ok(CountedPage { total, items: items.collect::<Result<_, _>>()? })
    };
    Ok((figure, site.ask(&allowed.caller().key, found).await?))
}

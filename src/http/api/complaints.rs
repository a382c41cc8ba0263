//! Complaints (投诉): reading them, recording and answering them.

use super::commands::{CommandReceipt, execute_one, idempotency_key};
use super::records::HandlingState;
use super::{Paging, optional, yuan};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::command::{Command, RecordComplaint};
use crate::domain::envelope::Position;
use crate::domain::evidence::Complaint;
use crate::domain::ticket;
use crate::domain::time::{Instant, field};
use crate::domain::words::{Channel, ClockStep, ComplaintKind, Outcome};
use crate::http::access::{Allowed, HandleComplaints, ReadComplaints};
use crate::http::body::Json;
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::views::View;
use crate::views::complaints::ComplaintFilter;
use crate::views::tickets::TicketRow;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

/// Which complaints.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Query {
    /// About one merchant only.
    pub credit_code: Option<String>,
    /// `true`: not closed; `false`: closed.
    pub open: Option<String>,
    /// `true`: those only whose clock ran out, the earliest due first.
    pub late: Option<String>,
    /// Page, from 1.
    pub page: Option<usize>,
    /// Items on a page.
    pub per_page: Option<usize>,
}

/// The clock that runs for a complaint.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ClockState {
    /// What it runs for: `due_time`, `first_answer` or `closing`.
    #[schema(value_type = String)]
    pub step: ClockStep,
    /// What has to be done, Chinese.
    pub zh: String,
    /// What has to be done, English.
    pub en: String,
    /// Who has to: `sector`, `mall` or `market`.
    pub who: String,
    /// Clause or source.
    pub clause: String,
    /// When it began; of a due time on the ticket, that time.
    #[schema(value_type = String, format = DateTime)]
    pub since: Instant,
    /// When it runs out.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Instant,
    /// It ran out.
    pub late: bool,
    /// Steps up that were taken since.
    pub steps: u16,
}

impl ClockState {
    /// Returns a clock as it stands at `now`.
    #[must_use]
    pub fn new(row: &TicketRow<'_>, now: Instant) -> Self {
        Self {
            step: row.rule.step,
            zh: row.rule.zh.clone(),
            en: row.rule.en.clone(),
            who: row.rule.who.clone(),
            clause: row.rule.source.clone(),
            since: row.since,
            due_at: row.due_at,
            late: row.is_late(now),
            steps: row.steps,
        }
    }
}

/// A complaint as it stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ComplaintState {
    /// Ticket.
    pub ticket: String,
    /// About whom.
    pub credit_code: String,
    /// Where it came in.
    #[schema(value_type = String)]
    pub channel: Channel,
    /// What it asks for.
    #[schema(value_type = String)]
    pub kind: ComplaintKind,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Instant,
    /// Money at stake, yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Due time on the ticket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// First answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Instant>,
    /// Closed at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub closed_at: Option<Instant>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub outcome: Option<Outcome>,
    /// Mall that it was handed in at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mall: Option<String>,
    /// What was done about it, in the order recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handling: Vec<HandlingState>,
    /// Money paid back to the complainant (挽回损失), yuan; absent if none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovered: Option<String>,
    /// The clock that runs for it; absent once it is closed, and where no law gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockState>,
}

impl ComplaintState {
    fn new(view: &View<'_>, credit_code: CreditCode, complaint: &Complaint) -> Self {
        let closed = complaint.closed(Position::MAX);
        Self {
            ticket: ticket::number(complaint).to_owned(),
            credit_code: credit_code.to_string(),
            channel: complaint.channel,
            kind: complaint.kind(Position::MAX),
            received_at: complaint.received_at,
            amount: complaint.amount.map(|amount| yuan(amount.decimal())),
            due_at: complaint.due(Position::MAX),
            answered_at: complaint.answered(Position::MAX),
            closed_at: closed.map(|(at, _)| at),
            outcome: closed.map(|(_, outcome)| outcome),
            mall: complaint.mall.as_deref().map(str::to_owned),
            handling: HandlingState::all(complaint),
            recovered: Some(complaint.recovered(Position::MAX)).filter(|paid| !paid.is_zero()).map(yuan),
            clock: view.clock_of(credit_code, complaint).map(|row| ClockState::new(&row, view.now)),
        }
    }
}

/// A page of complaints.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ComplaintPage {
    /// Complaints found in all.
    pub total: usize,
    /// Tickets without a credit code that wait and count for nobody, where the list is of everybody and the reader may see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unattributed: Option<usize>,
    /// Those on this page, newest first.
    pub items: Vec<ComplaintState>,
}

/// Lists complaints.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<ReadComplaints>,
    site: web::Data<Site>,
    query: web::Query<Query>,
) -> Result<HttpResponse, Problem> {
    let filter = ComplaintFilter {
        credit_code: optional("credit_code", query.credit_code.as_deref())?,
        late: optional("late", query.late.as_deref())?.unwrap_or_default(),
        open: optional("open", query.open.as_deref())?,
    };
    let (skip, take) = Paging { page: query.page, per_page: query.per_page }.window()?;
    site.ask_for_json(&allowed.caller().key, move |view| {
        let (total, found) = view.complaints(&filter, skip, take);
        let items = found.into_iter().map(|(code, complaint)| ComplaintState::new(view, code, complaint)).collect();
        let unattributed = view.unattributed_count().filter(|_| filter.credit_code.is_none());
        Ok(ComplaintPage { total, unattributed, items })
    })
    .await
}

/// Records a ticket as it stands; sent again with more filled in, it adds what is new.
///
/// # Errors
/// When it is refused, or the log did not take it.
pub async fn post(
    allowed: Allowed<HandleComplaints>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: Json<RecordComplaint>,
) -> Result<web::Json<CommandReceipt>, Problem> {
    let key = idempotency_key(&request)?;
    let command = Command::RecordComplaint(body.0);
    execute_one(&site, &request, allowed.caller(), allowed.origin(), command, key).await.map(web::Json)
}

/// A first answer.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstAnswer {
    /// When it was given; now if absent.
    #[serde(default, deserialize_with = "field::answered_at")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Instant>,
    /// Channel of the ticket, where several use its number.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub channel: Option<Channel>,
    /// What was written to the complainant; telephone and identity numbers in it are masked.
    #[serde(default)]
    pub reply: Option<String>,
}

/// Records the first answer to a complaint.
///
/// # Errors
/// When there is no such ticket in the caller's scope, it is refused, or the log did not take it.
pub async fn answer(
    allowed: Allowed<HandleComplaints>,
    site: web::Data<Site>,
    request: HttpRequest,
    number: web::Path<String>,
    body: Json<FirstAnswer>,
) -> Result<web::Json<CommandReceipt>, Problem> {
    let key = idempotency_key(&request)?;
    let command = answered(&site, allowed.scope(), &number, None, body.0)?;
    execute_one(&site, &request, allowed.caller(), allowed.origin(), command, key).await.map(web::Json)
}

/// Returns the command that records an answer to a ticket, of one merchant if it is named.
///
/// # Errors
/// When there is no such ticket in the scope, or several.
pub(crate) fn answered(
    site: &Site,
    scope: &Scope,
    number: &str,
    about: Option<CreditCode>,
    body: FirstAnswer,
) -> Result<Command, Problem> {
    let mut known: Vec<RecordComplaint> = site.view(scope, |view| {
        let found = ticket::all(view.world, number).into_iter();
        let seen = found.filter(|(merchant, complaint)| {
            view.merchant(merchant.code).is_some_and(|merchant| view.reader(merchant).sees_complaint(complaint))
                && body.channel.is_none_or(|channel| channel == complaint.channel)
                && about.is_none_or(|about| about == merchant.code)
        });
        seen.map(|(merchant, complaint)| as_recorded(merchant.code, complaint)).collect()
    });
    if known.len() > 1 {
        let channels: Vec<&str> = known.iter().map(|row| row.channel.name()).collect();
        let zh = format!("多个来源使用此工单编号：`{}`；请在 `channel` 中指明", channels.join("`、`"));
        let en = format!("several channels use this number: {}; name one in `channel`", channels.join(", "));
        return Err(Problem::new(Code::InvalidParameter, zh, en));
    }
    let mut row = known.pop().ok_or(Code::NotFound)?;
    // What is written after the first answer moves that no more.
    let first = row.answered_at.filter(|_| body.reply.is_some());
    row.answered_at = Some(body.answered_at.or(first).unwrap_or_else(|| site.desk.now()));
    row.reply = body.reply;
    Ok(Command::RecordComplaint(row))
}

/// Returns the ticket as a row would state it.
fn as_recorded(credit_code: CreditCode, complaint: &Complaint) -> RecordComplaint {
    let closed = complaint.closed(Position::MAX);
    RecordComplaint {
        ticket: ticket::number(complaint).to_owned(),
        channel: complaint.channel,
        received_at: complaint.received_at,
        credit_code,
        kind: complaint.kind(Position::MAX),
        amount: complaint.amount,
        due_at: complaint.due(Position::MAX),
        answered_at: complaint.answered(Position::MAX),
        closed_at: closed.map(|(at, _)| at),
        outcome: closed.map(|(_, outcome)| outcome),
        mall: complaint.mall.as_deref().map(str::to_owned),
        reply: None,
    }
}

//! Recording what happened: commands, one or many, plain or as CloudEvents.

use super::{BothLanguages, cloud_events};
use crate::desk::{Answer, NOT_KNOWN, NOT_RECORDED, Receipt, Request};
use crate::domain::access::{OutOfScope, Scope};
use crate::domain::check::Problem as CheckProblem;
use crate::domain::command::Command;
use crate::domain::dating;
use crate::domain::envelope::{Origin, Position};
use crate::domain::time::{Instant, day_of};
use crate::http::access::{Allowed, Caller, Record};
use crate::http::body;
use crate::http::fresh;
use crate::http::once::{self, Once};
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use crate::http::traced::Traced;
use crate::http::unread;
use crate::log::contract::LogError;
use crate::trail;
use crate::views::standing::{NotSaid, Standing};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::SystemTime;
use uuid::Uuid;

/// Commands in one request at most.
const MOST: usize = 10_000;
/// Longest idempotency key, characters.
const LONGEST_KEY: usize = 200;
/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its events are on disk.
    Accepted,
    /// All of it was known already.
    Unchanged,
    /// Nothing was written; see `problems`.
    Refused,
}

/// The receipt for one command.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CommandReceipt {
    /// What became of it.
    pub status: Status,
    /// Events recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>)]
    pub events: Vec<Uuid>,
    /// Position of the last of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// When they were recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Instant>,
    /// Trace id of the events, and of the light change and the mails that follow from them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// This is the first answer again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// What is odd but no ground for refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FieldProblem>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<FieldProblem>,
}

impl CommandReceipt {
    fn bare(status: Status) -> Self {
        Self {
            status,
            events: Vec::new(),
            position: None,
            recorded_at: None,
            trace_id: None,
            repeated: false,
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn refused(problems: Vec<FieldProblem>) -> Self {
        Self { problems, ..Self::bare(Status::Refused) }
    }

    /// Says whether the log did not take it, or may not have, while it took others of the same request.
    pub(crate) fn is_open(&self) -> bool {
        self.problems.iter().any(|problem| problem.code == NOT_RECORDED || problem.code == NOT_KNOWN)
    }

    pub(crate) fn of(answer: Answer, index: Option<usize>, trace: Option<Uuid>) -> Self {
        let fields = |problems: Vec<CheckProblem>| problems.into_iter().map(|problem| field(problem, index)).collect();
        match answer {
            Answer::Accepted(receipt) => Self {
                events: receipt.events,
                position: Some(receipt.last),
                recorded_at: Some(receipt.recorded_at),
                trace_id: trace.map(|trace| trace.simple().to_string()),
                repeated: receipt.repeated,
                warnings: fields(receipt.warnings),
                ..Self::bare(Status::Accepted)
            },
            Answer::Unchanged { warnings } => Self { warnings: fields(warnings), ..Self::bare(Status::Unchanged) },
            Answer::Refused(problems) => Self::refused(fields(problems)),
        }
    }
}

/// Returns what is wrong with a field of a command, as it is told.
pub(crate) fn field(problem: CheckProblem, index: Option<usize>) -> FieldProblem {
    FieldProblem {
        index,
        field: problem.field.to_owned(),
        code: problem.code.to_owned(),
        value: problem.value,
        zh: problem.zh,
        en: problem.en,
    }
}

/// Takes one command or an array of them.
///
/// One refused command is the problem `refused`. Of an array every command stands for itself: the answer lists a receipt
/// for each, in order.
///
/// # Errors
/// When the request cannot be read, or the log did not take it.
pub async fn post(
    allowed: Allowed<Record>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let read = |item: &RawValue| {
        let command = serde_json::from_str(item.get()).map_err(|error| unread::value(&error))?;
        Ok((Said { command, trail: None }, None))
    };
    once::note(&request, &[&body]);
    let body = body::work(body, move |body| Ok(Taken::read(body::items(body, MOST)?, read))).await?;
    take(&allowed, &site, &request, body).await
}

/// Takes CloudEvents: in structured mode one (`application/cloudevents+json`) or a batch
/// (`application/cloudevents-batch+json`), in binary mode one (attributes in `ce-*` headers, the data in the body). Each
/// carries a command: type `cn.warnlight.command.<command>`, data the command's fields. Unless an idempotency key is given,
/// source and id of the event are the key of a single one. An event that carries a trail, in `traceparent` or `correlation`,
/// stays on it.
///
/// # Errors
/// As for [`post`].
pub async fn cloud_events(
    allowed: Allowed<Record>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let media_type = body::media_type(&request);
    once::note(&request, &[&body]);
    let body = if media_type.starts_with("application/cloudevents") {
        let wants_batch = match media_type.as_str() {
            "application/cloudevents+json" => false,
            "application/cloudevents-batch+json" => true,
            _ => return Err(Code::UnsupportedMediaType.into()),
        };
        body::work(body, move |body| {
            let items = body::items(body, MOST)?;
            if matches!(items, body::Items::Many(_)) != wants_batch {
                return Err(Problem::new(
                    Code::BadRequest,
                    format_args!("`{media_type}` 与内容不符：批量为列表，单个事件为对象"),
                    format_args!("`{media_type}` does not fit the body: a batch is an array, one event an object"),
                ));
            }
            Ok(Taken::read(items, |item| cloud_events::structured(item).map(Said::arrived)))
        })
        .await?
    } else if cloud_events::is_binary(request.headers()) && (media_type.is_empty() || body::is_json(&media_type)) {
        let attributes = cloud_events::attributes(request.headers())?;
        once::note(&request, &[&body, &cloud_events::content(&attributes)]);
        body::work(body, move |body| {
            let data = std::str::from_utf8(body)
                .map_err(|error| Problem::new(Code::BadRequest, "内容不是 UTF-8 文本", error))?;
            let said = cloud_events::arrived(&attributes, data).map(Said::arrived);
            Ok(Taken::of(vec![said], false))
        })
        .await?
    } else {
        return Err(Code::UnsupportedMediaType.into());
    };
    take(&allowed, &site, &request, body).await
}

/// A command with the key of its own that it may bring, or why it could not be read.
type SaidOrNot = Result<(Said, Option<String>), BothLanguages>;

/// The commands of a request, as they were read.
struct Taken {
    commands: Vec<Parsed>,
    is_batch: bool,
    /// What stands for the request if the client gives no idempotency key.
    key: Option<String>,
}

impl Taken {
    fn read<'a>(items: body::Items<'a>, read: impl Fn(&'a RawValue) -> SaidOrNot) -> Self {
        match items {
            body::Items::One(item) => Self::of(vec![read(item)], false),
            body::Items::Many(items) => Self::of(items.into_iter().map(read).collect(), true),
        }
    }

    fn of(read: Vec<SaidOrNot>, is_batch: bool) -> Self {
        let mut key = None;
        let commands = read.into_iter().enumerate().map(|(index, read)| match read {
            Ok((said, own)) => {
                key = own.filter(|_| !is_batch);
                Ok(said)
            }
            Err(error) => Err(Box::new(unreadable(&error, is_batch.then_some(index)))),
        });
        Self { commands: commands.collect(), is_batch, key }
    }
}

async fn take(
    allowed: &Allowed<Record>,
    site: &Site,
    request: &HttpRequest,
    body: Taken,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(request)?;
    let Taken { commands: parsed, is_batch, key: own_key } = body;
    let key = key.or(own_key);
    let receipts = execute(site, request, allowed.caller(), allowed.origin(), parsed, key, is_batch).await?;
    if is_batch {
        return Ok(HttpResponse::Ok().json(receipts));
    }
    match receipts.into_iter().next() {
        Some(receipt) if receipt.status == Status::Refused => Err(refusal(receipt.problems)),
        Some(receipt) => Ok(HttpResponse::Ok().json(receipt)),
        None => Err(Code::Internal.into()),
    }
}

/// Returns the problem that a single refused command is.
fn refusal(fields: Vec<FieldProblem>) -> Problem {
    let out_of_scope = fields.iter().any(|field| field.code == "out_of_scope");
    let code = if out_of_scope { Code::OutOfScope } else { Code::Refused };
    Problem { code, detail: None, fields }
}

/// A command as it was read, or why it could not be.
pub(crate) type Parsed = Result<Said, Box<FieldProblem>>;

/// A command, and its trail if that is not the request's.
#[derive(Debug)]
pub(crate) struct Said {
    command: Command,
    trail: Option<Uuid>,
}

impl Said {
    fn arrived(event: cloud_events::Arrived) -> (Self, Option<String>) {
        (Self { command: event.command, trail: event.trail }, Some(event.key))
    }
}

/// Hands commands to the desk, those out of scope or unreadable excepted, and returns a receipt for each. The position
/// that shows what became of them is noted for the answer to `request`.
///
/// # Errors
/// When the log did not take them.
pub(crate) async fn execute(
    site: &Site,
    request: &HttpRequest,
    caller: &Caller,
    origin: Origin,
    parsed: Vec<Parsed>,
    key: Option<String>,
    is_batch: bool,
) -> Result<Vec<CommandReceipt>, Problem> {
    let once = key.map(|key| Once::of(request, caller.key.id, key));
    let traced = caller.traced.clone();
    let (receipts, shown) = site
        .block(&caller.key, move |site, scope| {
            decide(site, scope, origin, parsed, once.as_ref(), is_batch, traced.as_ref())
        })
        .await?;
    fresh::note(request, shown);
    Ok(receipts)
}

/// Returns a receipt for each command and the position that shows what became of all of them.
fn decide(
    site: &Site,
    scope: &Scope,
    origin: Origin,
    parsed: Vec<Parsed>,
    once: Option<&Once>,
    is_batch: bool,
    traced: Option<&Traced>,
) -> Result<(Vec<CommandReceipt>, Position), Problem> {
    // Before anything is judged anew: what was right yesterday may be wrong today, and was answered yesterday.
    if let Some(first) = once.map(|once| once.first_answer(site)).transpose()?.flatten() {
        let shown = first.iter().filter_map(|receipt| receipt.position).max();
        return Ok((first, shown.unwrap_or_else(|| site.desk.published().position())));
    }
    let mut receipts: Vec<Option<CommandReceipt>> = Vec::with_capacity(parsed.len());
    let mut places = Vec::new();
    let mut commands = Vec::new();
    let mut trails = Vec::new();
    let today = day_of(site.desk.now());
    let mut standings = Vec::new();
    for (index, command) in parsed.into_iter().enumerate() {
        let Said { command, trail } = match command {
            Ok(said) => said,
            Err(problem) => {
                receipts.push(Some(CommandReceipt::refused(vec![*problem])));
                continue;
            }
        };
        let dated = |command: &Command, standing| match dating::fault(command, scope.role, today) {
            Some(problem) => Err(NotSaid::Wrong(vec![problem])),
            None => Ok(standing),
        };
        let judged = site.view(scope, |view| {
            let command = view.completed(command)?;
            Ok((view.standing(&command)?, command))
        });
        match judged.and_then(|(standing, command)| Ok((dated(&command, standing)?, command))) {
            Ok((standing, command)) => {
                commands.push(command);
                trails.push(trail);
                standings.push(standing);
                places.push(index);
                receipts.push(None);
            }
            Err(reason) => receipts.push(Some(not_said(reason, is_batch.then_some(index)))),
        }
    }
    let began = trail::now();
    let correlation = origin.correlation;
    let answers = if commands.is_empty() {
        Vec::new()
    } else {
        let key = once.map(|once| once.of_commands(is_batch.then_some(&places)));
        site.desk.execute(Request { key, trails: trails.clone(), ..Request::new(commands, origin.clone()) })?
    };
    let mut answers = answers.into_iter().zip(trails).zip(standings);
    for (index, place) in receipts.iter_mut().enumerate().filter(|(_, place)| place.is_none()) {
        let Some(((answer, own), standing)) = answers.next() else { break };
        if matches!((&answer, &standing), (Answer::Refused(_), Standing::Blind)) {
            *place = Some(not_said(NotSaid::OutOfScope(OutOfScope::Place), is_batch.then_some(index)));
            continue;
        }
        let trace = match &answer {
            Answer::Accepted(receipt) => trail_of(site, receipt, own.or(correlation), traced, began)?,
            Answer::Unchanged { .. } | Answer::Refused(_) => None,
        };
        *place = Some(CommandReceipt::of(answer, is_batch.then_some(index), trace));
    }
    let receipts: Vec<CommandReceipt> = receipts.into_iter().flatten().collect();
    let receipts = match once {
        Some(once) => once.record(site, receipts, is_batch, &origin)?,
        None => receipts,
    };
    let wrote_all = receipts.iter().all(|receipt| receipt.status == Status::Accepted);
    let last = receipts.iter().filter_map(|receipt| receipt.position).max();
    // What was known already, or is the reason for a refusal, is in the state; nothing says at which position.
    let shown = last.filter(|_| wrote_all).unwrap_or_else(|| site.desk.published().position());
    Ok((receipts, shown))
}

/// Returns the trail that an accepted command's events are on, and tells of those that are new on `trace`.
fn trail_of(
    site: &Site,
    receipt: &Receipt,
    trace: Option<Uuid>,
    traced: Option<&Traced>,
    began: SystemTime,
) -> Result<Option<Uuid>, LogError> {
    if receipt.repeated {
        // The first answer's, whatever the repeat came with.
        return Ok(site.desk.log().event_at(receipt.first)?.and_then(|first| first.event.correlation));
    }
    tracing::debug!(
        trace_id = trace.map(|trace| tracing::field::display(trace.simple())),
        position = receipt.last,
        "A command was recorded"
    );
    if let (Some(trace), Some(traced)) = (trace, traced) {
        for (event, position) in receipt.events.iter().zip(receipt.first..) {
            traced.recorded(trace, *event, position, began);
        }
    }
    Ok(trace)
}

/// Executes one command of a page or a specialised route.
///
/// # Errors
/// When it is refused, or the log did not take it.
pub(crate) async fn execute_one(
    site: &Site,
    request: &HttpRequest,
    caller: &Caller,
    origin: Origin,
    command: Command,
    key: Option<String>,
) -> Result<CommandReceipt, Problem> {
    let receipts = execute(site, request, caller, origin, vec![Ok(Said { command, trail: None })], key, false).await?;
    match receipts.into_iter().next() {
        Some(receipt) if receipt.status == Status::Refused => Err(refusal(receipt.problems)),
        Some(receipt) => Ok(receipt),
        None => Err(Code::Internal.into()),
    }
}

/// Hands several commands to the desk and returns a receipt for each, in order.
///
/// # Errors
/// When the log did not take them.
pub(crate) async fn execute_all(
    site: &Site,
    request: &HttpRequest,
    caller: &Caller,
    origin: Origin,
    commands: Vec<Command>,
    key: Option<String>,
) -> Result<Vec<CommandReceipt>, Problem> {
    let said = commands.into_iter().map(|command| Ok(Said { command, trail: None })).collect();
    execute(site, request, caller, origin, said, key, true).await
}

/// Returns the receipt of a command that does not reach the desk.
fn not_said(reason: NotSaid, index: Option<usize>) -> CommandReceipt {
    CommandReceipt::refused(match reason {
        NotSaid::OutOfScope(reason) => vec![field(reason.problem(), index)],
        NotSaid::Wrong(problems) => problems.into_iter().map(|problem| field(problem, index)).collect(),
    })
}

/// A command that cannot be read; the message names the field.
fn unreadable(error: &BothLanguages, index: Option<usize>) -> FieldProblem {
    let BothLanguages { zh, en } = error;
    // The reader of JSON puts the name of a missing or unknown field in backticks first; dates begin with theirs.
    let named = ["missing field", "unknown field", "duplicate field", "`"].iter().any(|start| en.starts_with(start));
    let field = named.then(|| en.split('`').nth(1)).flatten();
    FieldProblem {
        index,
        field: field.unwrap_or("command").to_owned(),
        code: "unreadable".to_owned(),
        value: String::new(),
        zh: format!("无法读取：{zh}"),
        en: format!("cannot be read: {en}"),
    }
}

/// Reads the header `Idempotency-Key`.
///
/// # Errors
/// When it is too long or holds what a key cannot.
pub(crate) fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().map(|key| key.trim().trim_matches('"')).unwrap_or_default();
    let fine = !key.is_empty() && key.len() <= LONGEST_KEY && key.bytes().all(|byte| byte.is_ascii_graphic());
    if fine {
        Ok(Some(key.to_owned()))
    } else {
        Err(Problem::new(
            Code::InvalidParameter,
            format_args!("`Idempotency-Key` 为 1 至 {LONGEST_KEY} 个可见的 ASCII 字符，不含空格"),
            format_args!("`Idempotency-Key` is 1 to {LONGEST_KEY} visible ASCII characters without blanks"),
        ))
    }
}

//! Recording what happened: commands, one or many, plain or as CloudEvents.

use crate::desk::{Answer, DeskError, Receipt, Request};
use crate::domain::access::{OutOfScope, Scope};
use crate::domain::check::Problem as CheckProblem;
use crate::domain::command::Command;
use crate::domain::dating;
use crate::domain::envelope::{Origin, Position};
use crate::domain::ticket;
use crate::domain::time::{Instant, day_of};
use crate::http::access::{Allowed, Caller, Record};
use crate::http::fresh;
use crate::http::problem::{Code, FieldProblem, Problem};
use crate::http::site::Site;
use crate::http::traced::Traced;
use crate::log::contract::LogError;
use crate::trail::{self, Parent};
use crate::views::with_facts;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::SystemTime;
use uuid::Uuid;

/// Commands in one request at most.
const MOST: usize = 10_000;
/// Longest idempotency key, characters.
const LONGEST_KEY: usize = 200;
/// Longest `source` and `id` of a CloudEvent together, bytes.
const LONGEST_EVENT_KEY: usize = 400;
/// Type of a CloudEvent that carries a command: this, then the command's name.
const TYPE_PREFIX: &str = "cn.warnlight.command.";

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CommandReceipt {
    /// What became of it.
    pub status: Status,
    /// Events recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// What is odd but no ground for refusal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<FieldProblem>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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

    fn of(answer: Answer, index: Option<usize>, trace: Option<Uuid>) -> Self {
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

fn field(problem: CheckProblem, index: Option<usize>) -> FieldProblem {
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
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| Problem::new(Code::BadRequest, format_args!("JSON: {error}")))?;
    take(&allowed, &site, &request, body, Ok, |_| None).await
}

/// Takes CloudEvents in structured mode, one (`application/cloudevents+json`) or a batch
/// (`application/cloudevents-batch+json`). Each carries a command: type `cn.warnlight.command.<command>`, data the
/// command's fields. Unless an idempotency key is given, source and id of the event are the key of a single one. An event that
/// carries a trail, in `traceparent` or `correlation`, stays on it.
///
/// # Errors
/// As for [`post`].
pub async fn cloud_events(
    allowed: Allowed<Record>,
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !["application/cloudevents+json", "application/cloudevents-batch+json"].contains(&media_type.as_str()) {
        return Err(Code::UnsupportedMediaType.into());
    }
    let body: Value =
        serde_json::from_slice(&body).map_err(|error| Problem::new(Code::BadRequest, format_args!("JSON: {error}")))?;
    if body.is_array() != media_type.contains("batch") {
        let detail = format!("`{media_type}` does not fit the body: a batch is an array, one event an object");
        return Err(Problem::new(Code::BadRequest, detail));
    }
    take(&allowed, &site, &request, body, command_in, trail_in).await
}

/// Returns the trail that a CloudEvent is on: by the attribute of CloudEvents' extension for distributed tracing, or by the
/// one that our own events carry. What cannot be read is passed over, as in the header.
fn trail_in(event: &Value) -> Option<Uuid> {
    let text = |name: &str| event.get(name).and_then(Value::as_str);
    let parent = text("traceparent").and_then(Parent::parse).map(|parent| parent.trace);
    parent.or_else(|| text("correlation")?.parse().ok().filter(|trace: &Uuid| !trace.is_nil()))
}

/// Returns the command that a CloudEvent carries.
fn command_in(mut event: Value) -> Result<Value, String> {
    if event.get("specversion").and_then(Value::as_str) != Some("1.0") {
        return Err("`specversion` must be `1.0`".to_owned());
    }
    for attribute in ["id", "source", "type"] {
        if event.get(attribute).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(format!("`{attribute}` is needed"));
        }
    }
    let length = |name: &str| event.get(name).and_then(Value::as_str).map_or(0, str::len);
    // Both together are the key of the event, and keys of the log have an end.
    for attribute in ["source", "id"] {
        if length("source") + length("id") > LONGEST_EVENT_KEY && length(attribute) * 2 > LONGEST_EVENT_KEY {
            let found = length(attribute);
            return Err(format!(
                "`{attribute}` has {found} bytes; `source` and `id` together have at most {LONGEST_EVENT_KEY}"
            ));
        }
    }
    let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
    let name = kind
        .strip_prefix(TYPE_PREFIX)
        .ok_or_else(|| format!("`type` is `{TYPE_PREFIX}` and the name of a command, not `{kind}`"))?
        .to_owned();
    match event.get_mut("data").map(Value::take) {
        Some(Value::Object(mut fields)) => {
            fields.insert("command".to_owned(), Value::String(name));
            Ok(Value::Object(fields))
        }
        _ => Err("`data` must be an object with the command's fields".to_owned()),
    }
}

async fn take(
    allowed: &Allowed<Record>,
    site: &Site,
    request: &HttpRequest,
    body: Value,
    unpack: impl Fn(Value) -> Result<Value, String>,
    trail: impl Fn(&Value) -> Option<Uuid>,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(request)?;
    let (items, is_batch) = match body {
        Value::Array(items) => (items, true),
        item => (vec![item], false),
    };
    if items.is_empty() || items.len() > MOST {
        return Err(Problem::new(Code::TooLarge, format_args!("1 to {MOST} commands at a time, not {}", items.len())));
    }
    let key = key.or_else(|| if is_batch { None } else { items.first().and_then(event_key) });
    let parsed: Vec<Parsed> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| {
            let trail = trail(&item);
            let read = |item| serde_json::from_value(item).map_err(|error| error.to_string());
            let command = unpack(item).and_then(read);
            command
                .map(|command| Said { command, trail })
                .map_err(|error| Box::new(unreadable(&error, is_batch.then_some(index))))
        })
        .collect();
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
    // Keys of different callers do not meet.
    let key: Option<Arc<str>> = key.map(|key| format!("{}:{key}", caller.key.id.simple()).into());
    let traced = caller.traced.clone();
    let (receipts, shown) = site
        .block(&caller.key, move |site, scope| decide(site, scope, origin, parsed, key, is_batch, traced.as_ref()))
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
    key: Option<Arc<str>>,
    is_batch: bool,
    traced: Option<&Traced>,
) -> Result<(Vec<CommandReceipt>, Position), Problem> {
    let mut receipts: Vec<Option<CommandReceipt>> = Vec::with_capacity(parsed.len());
    let mut commands = Vec::new();
    let mut trails = Vec::new();
    let today = day_of(site.desk.now());
    for (index, command) in parsed.into_iter().enumerate() {
        let checked = command.and_then(|said| {
            check_scope(site, scope, &said.command)
                .map_err(|reason| Box::new(out_of_scope(reason, is_batch.then_some(index))))?;
            match dating::fault(&said.command, scope.role, today) {
                Some(problem) => Err(Box::new(field(problem, is_batch.then_some(index)))),
                None => Ok(said),
            }
        });
        match checked {
            Ok(Said { command, trail }) => {
                commands.push(command);
                trails.push(trail);
                receipts.push(None);
            }
            Err(problem) => receipts.push(Some(CommandReceipt::refused(vec![*problem]))),
        }
    }
    let began = trail::now();
    let correlation = origin.correlation;
    let answers = if commands.is_empty() {
        Vec::new()
    } else {
        site.desk.execute(Request { key, trails: trails.clone(), ..Request::new(commands, origin) })?
    };
    let mut answers = answers.into_iter().zip(trails);
    for (index, place) in receipts.iter_mut().enumerate().filter(|(_, place)| place.is_none()) {
        let Some((answer, own)) = answers.next() else { break };
        let trace = match &answer {
            Answer::Accepted(receipt) => trail_of(site, receipt, own.or(correlation), traced, began)?,
            Answer::Unchanged { .. } | Answer::Refused(_) => None,
        };
        *place = Some(CommandReceipt::of(answer, is_batch.then_some(index), trace));
    }
    let receipts: Vec<CommandReceipt> = receipts.into_iter().flatten().collect();
    let wrote_all = receipts.iter().all(|receipt| receipt.status == Status::Accepted);
    let last = receipts.iter().filter_map(|receipt| receipt.position).max();
    // What was known already, or is the reason for a refusal, is in the state; nothing says at which position.
    let shown = last.filter(|_| wrote_all).unwrap_or_else(|| site.desk.state().position);
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

fn check_scope(site: &Site, scope: &Scope, command: &Command) -> Result<(), OutOfScope> {
    site.view(scope, |view| match view.world.get(command.credit_code()) {
        Some(merchant) => {
            with_facts(merchant, &view.horizon(), view.policies, |facts| scope.may_say(command, Some(facts)))?;
            // A known ticket belongs to a merchant already; whoever may not see that one may not speak of it.
            match command {
                Command::RecordComplaint(row) => {
                    let named = |name: &str| view.world.get(view.world.ticket_owner(name)?);
                    match ticket::find(row, named).ticket {
                        Some((owner, _)) if view.merchant(owner.code).is_none() => Err(OutOfScope::Place),
                        _ => Ok(()),
                    }
                }
                _ => Ok(()),
            }
        }
        None => scope.may_say(command, None),
    })
}

fn out_of_scope(reason: OutOfScope, index: Option<usize>) -> FieldProblem {
    let zh = match reason {
        OutOfScope::Role => "该角色的密钥不能记录此类内容；请使用主管单位的密钥",
        OutOfScope::Place => "该商户或商场不在此密钥的管辖范围内；请使用主管单位的密钥",
    };
    let field = match reason {
        OutOfScope::Role => "command",
        OutOfScope::Place => "credit_code",
    };
    FieldProblem {
        index,
        field: field.to_owned(),
        code: "out_of_scope".to_owned(),
        value: String::new(),
        zh: zh.to_owned(),
        en: reason.to_string(),
    }
}

/// A command that cannot be read; the message names the field.
fn unreadable(error: &str, index: Option<usize>) -> FieldProblem {
    // The reader of JSON puts the name of a missing or unknown field in backticks first; dates begin with theirs.
    let named = ["missing field", "unknown field", "`"].iter().any(|start| error.starts_with(start));
    let field = named.then(|| error.split('`').nth(1)).flatten();
    FieldProblem {
        index,
        field: field.unwrap_or("command").to_owned(),
        code: "unreadable".to_owned(),
        value: String::new(),
        zh: format!("无法读取：{error}"),
        en: format!("cannot be read: {error}"),
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
        let detail = format!("`Idempotency-Key` is 1 to {LONGEST_KEY} visible ASCII characters without blanks");
        Err(Problem::new(Code::InvalidParameter, detail))
    }
}

fn event_key(item: &Value) -> Option<String> {
    item.get("specversion")?;
    let part = |name: &str| item.get(name).and_then(Value::as_str);
    Some(format!("{}#{}", part("source")?, part("id")?))
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::KeyReused(_) => Self::new(Code::IdempotencyKeyReused, error),
            DeskError::Log(error) => error.into(),
            DeskError::Stopped => Self::new(Code::Unavailable, error),
        }
    }
}

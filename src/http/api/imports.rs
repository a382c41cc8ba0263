//! Handing in files: upload, preview, progress, receipts.

use super::optional;
use super::withdrawal::WithdrawnGiven;
use crate::domain::access::{Key, Scope};
use crate::domain::envelope::Origin;
use crate::domain::time::Instant;
use crate::domain::words::Role;
use crate::http::access::{Allowed, Import};
use crate::http::download;
use crate::http::once::{self, Once};
use crate::http::problem::{Code, Problem};
use crate::http::site::Site;
use crate::http::upload::{self, Upload};
use crate::http::{api::commands::idempotency_key, fresh};
use crate::picture::Picture;
use crate::settings::Intake;
use crate::taking::KindTally;
use crate::taking::tray::{AsRequest, Failure, Handed, Record, State, Told, TrayError};
use crate::taking::{Speaker, digest};
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::{Stream, stream};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Seconds that an answer waits for what becomes of a file, unless asked otherwise, and at most.
const WAIT: (u64, u64) = (30, 60);
/// Imports in a list unless asked otherwise, and at most.
const LISTED: (usize, usize) = (50, 500);

/// How a file is to be handed in.
#[derive(Debug, Deserialize)]
pub struct Query {
    name: Option<String>,
    preview: Option<String>,
    history: Option<String>,
    wait: Option<String>,
}

/// How far a file has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportProgress {
    /// Rows read.
    pub read: u64,
    /// Rows decided.
    pub decided: u64,
    /// Rows in all; known once the file was read through, so from the beginning where a preview went before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// What came of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowCounts {
    /// Rows decided.
    pub rows: u64,
    /// Rows that said something new about a merchant.
    pub accepted: u64,
    /// Rows that said what stands, or that a later row says otherwise.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
    /// Rows passed over because they are no records.
    pub remarks: u64,
    /// Things to look at.
    pub warnings: u64,
    /// Tickets without a credit code that wait for a person (待认领).
    pub queued: u64,
}

/// Something found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportFinding {
    /// File; of an archive, the one within.
    pub file: String,
    /// Sheet.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sheet: String,
    /// Row, as the spreadsheet numbers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Header of the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What kind of finding.
    pub code: String,
    /// The value found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What is wrong and what to do, in Chinese.
    pub zh: String,
    /// The same in English.
    pub en: String,
    /// How many more there are like it that are not listed; the papers have all.
    pub further: u64,
}

/// What came of the rows of one kind of sheet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KindCounts {
    /// Rows that said something new.
    pub accepted: u64,
    /// Tickets without a credit code that wait for a person.
    pub queued: u64,
    /// Rows that said what stands.
    pub unchanged: u64,
    /// Rows refused.
    pub refused: u64,
}

/// A file that was handed in, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportState {
    /// Its id; what it led to names it as `causation`.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Name of the file.
    pub file: String,
    /// Size of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub digest: String,
    /// Name of the key that handed it in.
    pub by: String,
    /// It counts as history: nobody is mailed.
    pub history: bool,
    /// When it was handed in.
    #[schema(value_type = String, format = DateTime)]
    pub handed_in_at: Instant,
    /// When it was done with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Instant>,
    /// waiting, previewing, previewed, taking, taken, failed or broken_off.
    #[schema(value_type = String)]
    pub state: State,
    /// How far it has come.
    pub progress: ImportProgress,
    /// What came of its rows so far; of a preview, what would.
    pub counts: RowCounts,
    /// The same by kind of sheet, under its English name; `commands` are rows of files without sheets. Once it is done.
    #[serde(default)]
    pub counts_by_kind: BTreeMap<String, KindCounts>,
    /// Files of it (more than one in an archive) that were taken in before and change nothing.
    pub known: u64,
    /// Lights that changed, by the colour they changed to; of a preview, those that would of merchants it names.
    pub lights_changed: BTreeMap<String, u64>,
    /// Mails that were asked for.
    pub mails_requested: u64,
    /// What was refused: the first of each kind.
    pub refusals: Vec<ImportFinding>,
    /// Refusals of kinds that are not listed.
    pub more_refusals: u64,
    /// What should be looked at: the first of each kind.
    pub warnings: Vec<ImportFinding>,
    /// Warnings of kinds that are not listed.
    pub more_warnings: u64,
    /// Why it ended before its time, in Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_zh: Option<String>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_en: Option<String>,
    /// When, by whom and why it was withdrawn; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<WithdrawnGiven>,
    /// Names of its papers: `receipts.csv`, and if rows were refused `refused.xlsx` and a csv for each table.
    pub papers: Vec<String>,
}

/// Files that were handed in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ImportList {
    /// Newest first.
    pub items: Vec<ImportState>,
}

/// Takes a file, or tries it on: `preview=true`.
///
/// The body is the file, its name the parameter `name`; or a form with one file. The answer waits a while for what becomes of it; if
/// that takes longer it is `202`, and the import's own address tells.
///
/// # Errors
/// When the file cannot be received, or too many wait.
pub async fn post(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    limits: web::Data<Intake>,
    query: web::Query<Query>,
    arrived: (HttpRequest, web::Payload),
) -> Result<HttpResponse, Problem> {
    let (request, payload) = arrived;
    let Query { name, preview, history, wait } = query.into_inner();
    let wait = waiting(wait.as_deref())?;
    let key = idempotency_key(&request)?;
    let upload = upload::receive(&request, payload, &site.tray, limits.upload_limit).await?;
    // What the address does not say, a form may.
    let said = |name: &str, said: Option<String>| said.or_else(|| upload.fields.get(name).cloned());
    let options = Options {
        preview: optional("preview", said("preview", preview).as_deref())?.unwrap_or(false),
        history: optional("history", said("history", history).as_deref())?.unwrap_or(false),
    };
    let name = upload::name(&said("name", name).or_else(|| upload.name.clone()).unwrap_or_default())?;
    let caller = Handing { key: allowed.caller().key.clone(), origin: allowed.origin() };
    match hand_in(&site, &request, caller, upload, name, options, key).await? {
        PutIn::Import(id) => answer(&site, &request, id, wait).await,
        PutIn::Answered(first) => Ok(HttpResponse::Ok().json(*first)),
    }
}

/// How a file is handed in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Try it on only.
    pub(crate) preview: bool,
    /// It counts as history: nobody is mailed. For the lead office and administrators.
    pub(crate) history: bool,
}

/// Says whether a scope may hand in what happened long ago: of that nobody is mailed and no case opens, so nobody may say it of
/// themselves.
pub(crate) const fn tells_history(scope: &Scope) -> bool {
    matches!(scope.role, Role::Admin | Role::Lead)
}

fn may_tell_history(scope: &Scope, history: bool) -> Result<(), Problem> {
    if !history || tells_history(scope) {
        return Ok(());
    }
    let zh = "`history`：按历史导入的内容不会通知任何人，只有专班办公室和管理员可以这样报送；请去掉这一项";
    let en = "`history`: nobody is told of what is handed in as history, so only the lead office and administrators may; leave it out";
    Err(Problem::new(Code::Forbidden, zh, en))
}

/// Who hands a file in.
pub(crate) struct Handing {
    pub(crate) key: Arc<Key>,
    pub(crate) origin: Origin,
}

/// A file that was put into the tray, or the first answer to a request that was sent before.
pub(crate) enum PutIn {
    /// It is on its way, under this id.
    Import(Uuid),
    /// This was the answer.
    Answered(Box<ImportState>),
}

/// Puts a received file into the tray.
///
/// # Errors
/// When too many wait, the key stands for another request, or the disk says no.
pub(crate) async fn hand_in(
    site: &Site,
    request: &HttpRequest,
    by: Handing,
    upload: Upload,
    name: String,
    options: Options,
    key: Option<String>,
) -> Result<PutIn, Problem> {
    may_tell_history(&by.key.scope, options.history)?;
    let Upload { mut file, bytes, .. } = upload;
    let digested = web::block(move || digest::of_whole(&mut file).map(|digest| (file, digest))).await;
    let (file, digest) = digested.map_err(away)?.map_err(upload::unwritable)?;
    let flags = [u8::from(options.preview), u8::from(options.history)];
    once::note(request, &[name.as_bytes(), &digest.0, &flags]);
    let once = key.map(|key| Once::of(request, by.key.id, key));
    let origin = Origin { history: options.history, ..by.origin };
    let record = Record {
        key: Some(by.key.id),
        history: options.history,
        state: if options.preview { State::Previewing } else { State::Waiting },
        request: once.as_ref().map(Once::names).map(|(key, content)| AsRequest { key, content }),
        ..Record::handed_in(Uuid::now_v7(), name, (bytes, digest), by.key.name.to_string(), site.desk.now())
    };
    let speaker = Speaker { key: Some(by.key.id), scope: by.key.scope.clone(), origin: origin.clone() };
    let (at, asked) = (site.clone(), once.clone());
    let put = move || -> Result<PutIn, Problem> {
        if let Some(first) = asked.as_ref().map(|once| once.recorded(&at)).transpose()?.flatten() {
            return Ok(PutIn::Answered(Box::new(newest(&at, first))));
        }
        match at.tray.put(Handed { file, record, speaker }) {
            Err(TrayError::KeyReused) => Err(asked.map_or_else(|| Code::Conflict.into(), |once| once.reused())),
            put => Ok(PutIn::Import(put?)),
        }
    };
    let put = web::block(put).await.map_err(away)??;
    if let (Some(once), PutIn::Import(id), false) = (once, &put, options.preview) {
        actix_web::rt::spawn(remember(site.clone(), once, origin, *id));
    }
    Ok(put)
}

/// Has the log remember the answer to a request with a key, once there is one: the same request gets it at other nodes, too.
async fn remember(site: Site, once: Once, origin: Origin, id: Uuid) {
    let Some(mut feed) = site.tray.follow(id) else { return };
    let Ok(record) = feed.wait_for(|record| record.state.is_at_rest()).await.map(|record| Arc::clone(&record)) else {
        return;
    };
    if record.state != State::Taken {
        return;
    }
    // What was found stands in the papers.
    let mut kept = ImportState::of(&record, site.tray.papers(id));
    (kept.refusals, kept.warnings) = (Vec::new(), Vec::new());
    let written = web::block(move || once.write(&site, &kept, &origin)).await;
    if let Ok(Err(error)) = written {
        tracing::warn!(%id, %error, "the answer to a request was not recorded; at this node it is known all the same");
    }
}

/// Returns what this node knows of an import, or if it knows nothing what was recorded.
fn newest(site: &Site, recorded: ImportState) -> ImportState {
    let known = site.tray.record(recorded.id);
    known.map_or(recorded, |record| ImportState::of(&record, site.tray.papers(record.id)))
}

/// Lists files that were handed in to this node: one's own, or all for whom nothing is out of scope.
///
/// # Errors
/// When a parameter is wrong.
pub async fn list(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    query: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let most: Option<usize> = optional("limit", query.get("limit").map(String::as_str))?;
    let before: Option<Uuid> = optional("before", query.get("before").map(String::as_str))?;
    let most = most.unwrap_or(LISTED.0).clamp(1, LISTED.1);
    let key = allowed.caller().key.clone();
    let listed = move |site: &Site| {
        let wanted = |record: &Record| may_see(record, &key) && before.is_none_or(|before| record.id < before);
        let records = site.tray.records(most, wanted);
        let picture = site.picture();
        let state = |record: &Arc<Record>| ImportState::of(record, site.tray.papers(record.id)).in_picture(&picture);
        records.iter().map(state).collect()
    };
    let at = site.clone();
    let items = web::block(move || listed(&at)).await.map_err(away)?;
    Ok(HttpResponse::Ok().json(ImportList { items }))
}

/// Tells what became of a file; with `wait` only when it is done with, or the time is over.
///
/// # Errors
/// When there is none of that id that the caller may see.
pub async fn get(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let wait = query.get("wait").map_or(Ok(Duration::ZERO), |wait| waiting(Some(wait)))?;
    seen(&site, &allowed.caller().key, *id)?;
    answer(&site, &request, *id, wait).await
}

/// Has a file taken that was tried on.
///
/// # Errors
/// When there is none of that id that the caller handed in, or its time is over.
pub async fn confirm(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    id: web::Path<Uuid>,
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
) -> Result<HttpResponse, Problem> {
    let wait = waiting(query.get("wait").map(String::as_str))?;
    confirm_own(&site, &allowed.caller().key, *id).await?;
    answer(&site, &request, *id, wait).await
}

/// Has a file taken that the bearer of a key had tried on.
///
/// # Errors
/// As for [`confirm`].
pub(crate) async fn confirm_own(site: &Site, key: &Key, id: Uuid) -> Result<(), Problem> {
    // It is taken in the name of who handed it in, so nobody else has it taken.
    if seen(site, key, id)?.key != Some(key.id) {
        return Err(Problem::new(
            Code::Forbidden,
            "试读结果须由提交文件的密钥确认",
            "a preview is confirmed with the key that handed it in",
        ));
    }
    let tray = site.tray.clone();
    web::block(move || tray.confirm(id)).await.map_err(away)??;
    Ok(())
}

/// Hands out one of an import's papers.
///
/// # Errors
/// When there is none of that name that the caller may see.
pub async fn paper(
    allowed: Allowed<Import>,
    site: web::Data<Site>,
    path: web::Path<(Uuid, String)>,
) -> Result<HttpResponse, Problem> {
    let (id, name) = path.into_inner();
    seen(&site, &allowed.caller().key, id)?;
    let (tray, wanted) = (site.tray.clone(), name.clone());
    let opened = web::block(move || tray.open_paper(id, &wanted)).await.map_err(away)?;
    let file = opened.map_err(|_| {
        Problem::new(
            Code::NotFound,
            format_args!("导入 `{id}` 没有文件 `{name}`"),
            format_args!("import `{id}` has no paper `{name}`"),
        )
    })?;
    let media_type = if name.ends_with(".xlsx") {
        download::XLSX
    } else if name.starts_with("returned-") {
        // It is in the encoding of whoever sent it.
        "application/octet-stream"
    } else {
        download::CSV
    };
    let shown = utf8_percent_encode(&name, NON_ALPHANUMERIC);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename*=UTF-8''{shown}")))
        .streaming(pieces(file)))
}

/// Reads a file a piece at a time: papers may have a line for each of a million rows.
fn pieces(file: File) -> impl Stream<Item = Result<web::Bytes, io::Error>> {
    stream::try_unfold(file, |mut file| async move {
        let read = web::block(move || {
            let mut piece = vec![0; 256 << 10];
            let read = file.read(&mut piece)?;
            piece.truncate(read);
            Ok::<_, io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(io::Error::other)??;
        Ok((!piece.is_empty()).then(|| (web::Bytes::from(piece), file)))
    })
}

/// Returns a file that the bearer of a key may see.
///
/// # Errors
/// When there is none.
pub(crate) fn seen(site: &Site, key: &Key, id: Uuid) -> Result<Arc<Record>, Problem> {
    let record = site.tray.record(id).filter(|record| may_see(record, key));
    record.ok_or_else(|| TrayError::NotFound(id).into())
}

/// Says whether the bearer of a key may see what became of a file: its papers hold what it says.
pub(crate) fn may_see(record: &Record, key: &Key) -> bool {
    key.scope.is_everything() || record.key == Some(key.id)
}

/// Answers with what became of a file, at the latest when the time is over.
async fn answer(site: &Site, request: &HttpRequest, id: Uuid, wait: Duration) -> Result<HttpResponse, Problem> {
    let mut feed = site.tray.follow(id).ok_or(TrayError::NotFound(id))?;
    // Whether it came to rest in time shows in the record.
    let waited = tokio::time::timeout(wait, feed.wait_for(|record| record.state.is_at_rest())).await;
    drop(waited);
    let record = site.tray.record(id).ok_or(TrayError::NotFound(id))?;
    fresh::note(request, site.desk.published().position());
    let state = ImportState::of(&record, site.tray.papers(id)).in_picture(&site.picture());
    if record.state.is_at_rest() {
        return Ok(HttpResponse::Ok().json(state));
    }
    Ok(HttpResponse::Accepted().insert_header((LOCATION, format!("/api/v1/imports/{id}"))).json(state))
}

fn waiting(text: Option<&str>) -> Result<Duration, Problem> {
    let seconds: Option<u64> = optional("wait", text)?;
    Ok(Duration::from_secs(seconds.unwrap_or(WAIT.0).min(WAIT.1)))
}

fn away(error: actix_web::error::BlockingError) -> Problem {
    Problem::inside(Code::Unavailable, error)
}

impl ImportState {
    /// Returns what is told of a file with such papers.
    pub(crate) fn of(record: &Record, papers: Vec<String>) -> Self {
        let Record { tally, refusals, warnings, .. } = record;
        let (failure_zh, failure_en) = match record.failure.clone() {
            Some(Failure { zh, en }) => (Some(zh), Some(en)),
            None => (None, None),
        };
        Self {
            id: record.id,
            file: record.file.clone(),
            bytes: record.bytes,
            digest: record.digest.to_string(),
            by: record.by.clone(),
            history: record.history,
            handed_in_at: record.handed_in_at,
            ended_at: record.ended_at,
            state: record.state,
            progress: ImportProgress { read: record.read, decided: tally.rows, total: record.total },
            counts: RowCounts {
                rows: tally.rows,
                accepted: tally.accepted,
                unchanged: tally.unchanged,
                refused: tally.refused,
                remarks: tally.remarks,
                warnings: tally.warnings,
                queued: tally.queued,
            },
            counts_by_kind: record.kinds.iter().map(|(kind, tally)| (kind.clone(), KindCounts::from(*tally))).collect(),
            known: record.known,
            lights_changed: record.lights.iter().map(|(light, count)| (light.name().to_owned(), *count)).collect(),
            mails_requested: record.mails,
            refusals: refusals.shown.iter().map(ImportFinding::of).collect(),
            more_refusals: refusals.more,
            warnings: warnings.shown.iter().map(ImportFinding::of).collect(),
            more_warnings: warnings.more,
            failure_zh,
            failure_en,
            withdrawn: None,
            papers,
        }
    }

    /// Returns this with what the log tells of it.
    pub(crate) fn in_picture(mut self, picture: &Picture) -> Self {
        self.withdrawn = picture.imports.withdrawn(self.id).map(WithdrawnGiven::from);
        self
    }

    /// Says whether something that it said may be on record.
    pub(crate) const fn recorded_something(&self) -> bool {
        matches!(self.state, State::Taken | State::Failed | State::BrokenOff)
            && self.counts.accepted + self.counts.queued > 0
    }
}

impl From<KindTally> for KindCounts {
    fn from(KindTally { accepted, queued, unchanged, refused }: KindTally) -> Self {
        Self { accepted, queued, unchanged, refused }
    }
}

impl ImportFinding {
    fn of(told: &Told) -> Self {
        let Told { file, sheet, row, column, code, value, zh, en, further } = told.clone();
        Self { file, sheet, row, column, code, value, zh, en, further }
    }
}

impl From<TrayError> for Problem {
    fn from(error: TrayError) -> Self {
        match error {
            TrayError::Io(error) => upload::unwritable(error),
            TrayError::Full => Self::new(Code::TooManyRequests, "等待处理的文件已满，请稍后再交", error),
            TrayError::Share => Self::new(
                Code::TooManyRequests,
                "此密钥已有较多文件在等待处理；请等前面的文件处理完再交，或打包为一个 `zip`",
                error,
            ),
            TrayError::Stopped => Self::new(Code::Unavailable, "服务正在停止，请稍后再交", error),
            TrayError::NotFound(_) => Self::new(Code::NotFound, "没有这次导入", error),
            TrayError::NoPreview(_) => Self::new(Code::Conflict, "这次导入没有待确认的试读结果", error),
            TrayError::KeyReused => {
                Self::new(Code::IdempotencyKeyReused, "幂等键先前用于其他文件；新的文件请换用新的键", error)
            }
        }
    }
}

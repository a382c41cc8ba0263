//! Taking an import back as a whole (撤回导入): what it recorded, what would change without it, and the one event that says so.
//!
//! What counts no longer, and what stands again, follows from that event in the picture (`picture/withdrawal.rs`): it is recorded or it
//! is not, whatever happens meanwhile, and again it says nothing new.

use crate::desk::{Desk, DeskError};
use crate::domain::access::Scope;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Origin, Position};
use crate::domain::event::{Event, ImportWithdrawn};
use crate::domain::fold::{Stamp, evidence_about};
use crate::domain::personal::masked;
use crate::domain::text;
use crate::domain::time::Instant;
use crate::domain::withdrawal::Stream;
use crate::domain::words::Light;
use crate::lights::grade::grade;
use crate::lights::moment::Moment;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::picture::imports::Withdrawn;
use crate::picture::{FoldError, Picture, SeenEvent};
use crate::views::View;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Namespace of the ids of withdrawals.
const NAMESPACE: Uuid = Uuid::from_u128(0x6e0b_b0cf_3a5d_4c6e_9b1c_25d4_8c07_41ea);
/// Longest reason, in characters.
const LONGEST: usize = 500;
/// Lights that are listed at most; the others are counted.
const LISTED: usize = 200;
/// How long the desk may take to take in what was recorded before the answer is given all the same.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why an import is not withdrawn. Nothing was recorded then.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawalError {
    /// Nothing that was recorded names it.
    #[error("nothing that is recorded came with an import `{0}`; check its id")]
    NotFound(Uuid),
    /// It speaks of merchants that are not in the scope.
    #[error(
        "the import speaks of merchants outside the scope of this key; the lead office or an administrator can withdraw it"
    )]
    OutOfScope,
    /// No reason.
    #[error("say why the import is withdrawn")]
    NoReason,
    /// The reason cannot be kept.
    #[error("{en}")]
    Reason {
        /// What is wrong with it, in Chinese.
        zh: String,
        /// The same in English.
        en: String,
    },
    /// The desk or the log did not do it.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

impl WithdrawalError {
    /// Returns what is wrong in Chinese.
    #[must_use]
    pub fn zh(&self) -> String {
        match self {
            Self::NotFound(import) => format!("没有记录来自导入 `{import}`；请核对编号"),
            Self::OutOfScope => "该导入涉及不在此密钥管辖范围内的商户；请由专班办公室或管理员撤回".to_owned(),
            Self::NoReason => "撤回须写明原因".to_owned(),
            Self::Reason { zh, .. } => zh.clone(),
            Self::Desk(error) => crate::desk::not_recorded(error).zh,
        }
    }
}

impl From<LogError> for WithdrawalError {
    fn from(error: LogError) -> Self {
        Self::Desk(error.into())
    }
}

impl From<FoldError> for WithdrawalError {
    fn from(error: FoldError) -> Self {
        Self::Desk(LogError::Unavailable(error.to_string()).into())
    }
}

/// What withdrawing an import comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The import.
    pub import: Uuid,
    /// Names of the files that it took in whole.
    pub files: Vec<String>,
    /// How many events count no longer.
    pub events: u64,
    /// How many merchants they are about.
    pub merchants: u64,
    /// How many tickets they are about.
    pub tickets: u64,
    /// Lights that change by it, of merchants that the asker may see; the first of them by credit code.
    pub lights: Vec<Change>,
    /// How many more change.
    pub more_lights: u64,
    /// Rows of files that came later and said what stood already: up to so many rested on this import, and are recorded nowhere.
    pub leaning_rows: u64,
    /// Those files, for whoever may see all imports.
    pub leaning: Vec<Leaning>,
    /// When it was withdrawn, if it was.
    pub withdrawn: Option<Told>,
}

/// A light that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Whose.
    pub credit_code: CreditCode,
    /// Its name.
    pub name: Option<String>,
    /// As last recorded.
    pub from: Light,
    /// As it becomes.
    pub to: Light,
}

/// A file with rows that may have rested on an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaning {
    /// Its name.
    pub file: String,
    /// So many rows.
    pub rows: u64,
}

/// How an import was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Where in the log.
    pub position: Position,
    /// When.
    pub at: Instant,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl From<&Withdrawn> for Told {
    fn from(withdrawn: &Withdrawn) -> Self {
        let Withdrawn { position, at, by, reason, .. } = withdrawn;
        Self { position: *position, at: *at, by: by.to_string(), reason: reason.to_string() }
    }
}

/// What an import recorded and was not withdrawn.
struct Extent {
    said: ImportWithdrawn,
    merchants: BTreeSet<CreditCode>,
}

/// Returns what withdrawing an import would come to, or came to if it was withdrawn; nothing is written.
///
/// # Errors
/// See [`WithdrawalError`].
pub fn foresee(
    picture: &Picture,
    log: &dyn EventLog,
    scope: &Scope,
    now: Instant,
    import: Uuid,
) -> Result<Withdrawal, WithdrawalError> {
    let view = View::new(picture, scope, now);
    match within(picture, log, &view, import)? {
        Some(extent) => would_follow(picture, log, &view, &extent),
        None => done(picture, import),
    }
}

/// Withdraws an import for a reason. One that was withdrawn stays so; what it recorded since goes, too.
///
/// # Errors
/// See [`WithdrawalError`].
pub fn withdraw(
    desk: &Desk,
    scope: &Scope,
    origin: &Origin,
    import: Uuid,
    reason: &str,
) -> Result<Withdrawal, WithdrawalError> {
    let reason = reason_of(reason)?;
    let (picture, log, now) = (desk.picture(), desk.log(), desk.now());
    let view = View::new(&picture, scope, now);
    let Some(mut extent) = within(&picture, &**log, &view, import)? else { return done(&picture, import) };
    extent.said.reason = reason;
    let follows = would_follow(&picture, &**log, &view, &extent)?;
    let id = Uuid::new_v5(&NAMESPACE, format!("{import}/{}", extent.said.upto).as_bytes());
    let origin = Origin { causation: Some(import), history: false, ..origin.clone() };
    let append = Append {
        stream: "imports".into(),
        expected: Expected::Any,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(id, now, &origin, &Event::ImportWithdrawn(extent.said))],
    };
    let position = match log.append(append) {
        Ok(appended) => appended.last,
        // Somebody else withdrew it at the same time, in other words.
        Err(LogError::Duplicate { .. }) => log.head(),
        Err(error) => return Err(error.into()),
    };
    let picture = desk.published().wait_for(position, PATIENCE);
    Ok(Withdrawal { withdrawn: picture.imports.withdrawn(import).map(Told::from), ..follows })
}

/// Returns what an import recorded, if all of it is in the scope of who asks; `None` if all of it was withdrawn.
fn within(
    picture: &Picture,
    log: &dyn EventLog,
    view: &View<'_>,
    import: Uuid,
) -> Result<Option<Extent>, WithdrawalError> {
    let extent = extent(picture, log, import)?;
    if extent.is_none() && picture.imports.withdrawn(import).is_none() {
        return Err(WithdrawalError::NotFound(import));
    }
    let all_seen = |extent: &Extent| extent.merchants.iter().all(|code| view.merchant(*code).is_some());
    if extent.as_ref().is_some_and(|extent| !view.scope.is_everything() && !all_seen(extent)) {
        return Err(WithdrawalError::OutOfScope);
    }
    Ok(extent)
}

fn extent(picture: &Picture, log: &dyn EventLog, import: Uuid) -> Result<Option<Extent>, LogError> {
    let (files, after) = picture.imports.files_of(import);
    let withdrawn = picture.imports.withdrawn(import).map(|withdrawn| withdrawn.position);
    // One that was broken off before its first file was taken in whole is looked for from the beginning.
    let from = after.unwrap_or_default().max(withdrawn.unwrap_or_default());
    let (mut first, mut upto, mut events) = (None, from, 0);
    let (mut merchants, mut tickets) = (BTreeSet::new(), BTreeSet::<Box<str>>::new());
    log.scan(from, &mut |seen| {
        if seen.causation != Some(import) || seen.position > picture.position {
            return ControlFlow::Continue(());
        }
        match Stream::named(seen.stream) {
            Some(Stream::Merchant(code)) => drop(merchants.insert(code)),
            Some(Stream::Ticket(ticket)) => {
                let event = Event::decode(seen.event_type, seen.schema_version, seen.data).ok();
                merchants.extend(event.and_then(|event| evidence_about(&event)));
                if !tickets.contains(ticket) {
                    tickets.insert(ticket.into());
                }
            }
            None => return ControlFlow::Continue(()),
        }
        first.get_or_insert(seen.position);
        (upto, events) = (seen.position, events + 1);
        ControlFlow::Continue(())
    })?;
    let Some(first) = first else { return Ok(None) };
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let said = ImportWithdrawn {
        import,
        reason: String::new(),
        files,
        after: first - 1,
        upto,
        events,
        merchants: count(merchants.len()),
        tickets: count(tickets.len()),
    };
    Ok(Some(Extent { said, merchants }))
}

/// Tries the withdrawal on a copy of the picture, and looks at the lights of everybody it changes, and of those linked to a shop whose
/// closing comes or goes with it.
fn would_follow(
    picture: &Picture,
    log: &dyn EventLog,
    view: &View<'_>,
    extent: &Extent,
) -> Result<Withdrawal, WithdrawalError> {
    let said = &extent.said;
    let mut after = picture.clone();
    let stamp = Stamp { position: picture.position + 1, recorded_at: view.now, history: false };
    let event = Event::ImportWithdrawn(said.clone());
    let actor = Arc::clone(&Origin::service().actor);
    after
        .fold(&SeenEvent { stamp, id: Uuid::nil(), causation: Some(said.import), actor: &actor, event: &event }, log)?;
    let changed = after.world.changed_at(stamp.position);
    let mut looked_at: BTreeSet<u32> = changed.iter().copied().collect();
    for merchant in changed.iter().filter_map(|index| after.world.at(*index)) {
        if merchant.versions().take(2).any(|version| version.has_closed_shop()) {
            looked_at.extend(after.world.linked(merchant, Position::MAX));
            looked_at.extend(after.world.linked(merchant, picture.position));
        }
    }
    let moment = Moment::new(&after.policies, view.now, Position::MAX);
    let mut lights = Vec::new();
    for merchant in looked_at.into_iter().filter_map(|index| after.world.at(index)) {
        let Some(seen) = view.merchant(merchant.code) else { continue };
        let (from, to) = (picture.lights.light(merchant.code), grade(&moment.subject(&after.world, merchant)).light);
        if from != to {
            let name = seen.name(Position::MAX).map(str::to_owned);
            lights.push(Change { credit_code: merchant.code, name, from, to });
        }
    }
    lights.sort_by_key(|change| change.credit_code);
    let more_lights = u64::try_from(lights.len().saturating_sub(LISTED)).unwrap_or(u64::MAX);
    lights.truncate(LISTED);
    let leaning = picture.imports.leaning(said.import, said.after);
    let leaning_rows = leaning.iter().map(|(_, rows)| rows).sum();
    let leaning = leaning.into_iter().filter(|_| view.scope.is_everything());
    Ok(Withdrawal {
        import: said.import,
        files: said.files.clone(),
        events: said.events,
        merchants: said.merchants,
        tickets: said.tickets,
        lights,
        more_lights,
        leaning_rows,
        leaning: leaning.map(|(file, rows)| Leaning { file, rows }).collect(),
        withdrawn: picture.imports.withdrawn(said.import).map(Told::from),
    })
}

/// Returns what is known of a withdrawal that was recorded before: lights have followed.
fn done(picture: &Picture, import: Uuid) -> Result<Withdrawal, WithdrawalError> {
    let Some(withdrawn) = picture.imports.withdrawn(import) else { return Err(WithdrawalError::NotFound(import)) };
    Ok(Withdrawal {
        import,
        files: Vec::new(),
        events: withdrawn.events,
        merchants: withdrawn.merchants,
        tickets: withdrawn.tickets,
        lights: Vec::new(),
        more_lights: 0,
        leaning_rows: 0,
        leaning: Vec::new(),
        withdrawn: Some(Told::from(withdrawn)),
    })
}

/// Returns a reason as it is kept.
fn reason_of(reason: &str) -> Result<String, WithdrawalError> {
    let reason = text::clean_lines(text::trim(reason));
    if reason.is_empty() {
        return Err(WithdrawalError::NoReason);
    }
    if let Some(fault) = text::prose_fault(&reason) {
        return Err(WithdrawalError::Reason {
            zh: format!("原因：{}", fault.zh()),
            en: format!("the reason: {fault}"),
        });
    }
    let length = reason.chars().count();
    if length > LONGEST {
        return Err(WithdrawalError::Reason {
            zh: format!("原因共 {length} 字，最多 {LONGEST} 字"),
            en: format!("the reason has {length} characters, at most {LONGEST} are kept"),
        });
    }
    Ok(masked(&reason).into_owned())
}

#[cfg(test)]
mod tests;

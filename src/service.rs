//! The service as a value: the rooms put together from settings. Who starts it (server, command, demo, test) decides on the
//! clock and whether mail is sent.

use crate::alerts::recipients::{BUILT_IN, Recipients, RecipientsError};
use crate::clock::Clock;
use crate::desk::{Desk, Start, StartError};
use crate::domain::time::day_of;
use crate::intake::profile::{self, ProfileError, Profiles};
#[cfg(feature = "cluster")]
use crate::log::cluster;
use crate::log::contract::{EventLog, LogError};
use crate::log::embedded::{EmbeddedLog, Options, schema};
use crate::log::postgres::{self, PostgresLog};
use crate::mail::link::LinkKey;
use crate::mail::render::{RenderError, Renderer};
use crate::mail::transport::of_settings;
use crate::mail::worker::{self, Worker};
use crate::picture::snapshot;
use crate::policy::{Policies, PolicyError};
use crate::policy_folder;
use crate::proof::{CheckpointKeeper, KeyError, SigningKey};
use crate::settings::{Engine, Settings};
use crate::taking::inbox::{Care, Inbox};
use crate::taking::tray::{Keeping, Tray};
use jiff::{SignedDuration, Unit};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The key that signs checkpoints.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The thread that signs checkpoints.
    #[error("cannot start a thread for checkpoints: {0}")]
    Keeper(std::io::Error),
    /// The policies.
    #[error(transparent)]
    Policies(#[from] PolicyError),
    /// The list of recipients.
    #[error(transparent)]
    Recipients(#[from] RecipientsError),
    /// The list of recipients cannot be read.
    #[error("`{}` cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The desk.
    #[error(transparent)]
    Desk(#[from] StartError),
    /// The mail templates.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The spool folder, or the certificates that the mail server's is held against.
    #[error("no mail can leave: {0}")]
    Transport(std::io::Error),
    /// A profile of a source.
    #[error(transparent)]
    Profiles(#[from] ProfileError),
    /// The folder of imports, or the threads that take files.
    #[error("no file can be taken: {0}")]
    Tray(std::io::Error),
    /// The inbox.
    #[error("the inbox `{}` cannot be looked after: {reason}; create it for this user, or remove `intake.inbox`", path.display())]
    Inbox {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The mail worker.
    #[error(transparent)]
    Mail(#[from] worker::StartError),
}

/// Opens the log that the settings name, for writing.
///
/// # Errors
/// See [`ServiceError`].
pub fn open_log(settings: &Settings, data: &Path) -> Result<Arc<dyn EventLog>, ServiceError> {
    match &settings.log.engine {
        Engine::Embedded => with_witness(data, |data| EmbeddedLog::open(data, &Options::default())),
        Engine::Postgres(url) => Ok(Arc::new(PostgresLog::open(url.expose(), data, &postgres::Options::default())?)),
        #[cfg(feature = "cluster")]
        Engine::Cluster(url) => {
            Ok(Arc::new(cluster::ClusterLog::open(url.expose(), data, &cluster::Options::default())?))
        }
    }
}

/// Opens the log that the settings name, for reading only; works beside a running service.
///
/// # Errors
/// See [`ServiceError`].
pub fn open_log_read_only(settings: &Settings, data: &Path) -> Result<Arc<dyn EventLog>, ServiceError> {
    match &settings.log.engine {
        Engine::Embedded => with_witness(data, EmbeddedLog::open_read_only),
        Engine::Postgres(url) => {
            Ok(Arc::new(PostgresLog::open_read_only(url.expose(), &postgres::Options::default())?))
        }
        #[cfg(feature = "cluster")]
        Engine::Cluster(url) => {
            match cluster::ClusterLog::open(url.expose(), data, &cluster::Options::default()) {
                Ok(log) => Ok(Arc::new(log)),
                // The service that has the replica keeps it up to date.
                Err(LogError::Locked { .. }) => {
                    Ok(Arc::new(EmbeddedLog::open_read_only(&data.join(cluster::REPLICA))?))
                }
                Err(error) => Err(error.into()),
            }
        }
    }
}

/// Opens a log in one file, and refuses one that holds less than the snapshot beside it was made of.
fn with_witness(
    data: &Path,
    open: impl FnOnce(&Path) -> Result<EmbeddedLog, LogError>,
) -> Result<Arc<dyn EventLog>, ServiceError> {
    // Before one is made where one was lost.
    if !data.join(schema::FILE).exists() {
        snapshot::hold_against(data, || 0)?;
    }
    let log = open(data)?;
    snapshot::hold_against(data, || log.head())?;
    Ok(Arc::new(log))
}

/// Loads the key that signs this node's checkpoints, if the settings name one.
///
/// # Errors
/// See [`KeyError`].
pub fn load_signing_key(settings: &Settings) -> Result<Option<SigningKey>, KeyError> {
    settings.log.checkpoints.signing_key.as_deref().map(SigningKey::open).transpose()
}

/// Starts signing checkpoints of the desk's log.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_keeper(key: SigningKey, desk: &Desk) -> Result<CheckpointKeeper, ServiceError> {
    CheckpointKeeper::start(desk.log().clone(), key, desk.clock().clone(), CheckpointKeeper::LOOK)
        .map_err(ServiceError::Keeper)
}

/// Loads the policies that the settings name.
///
/// # Errors
/// See [`PolicyError`].
pub fn load_policies(settings: &Settings) -> Result<Policies, PolicyError> {
    settings.policies.dir.as_deref().map_or_else(Policies::built_in, policy_folder::load)
}

/// Loads the list of recipients that the settings name, with its text.
///
/// # Errors
/// See [`ServiceError`]: it cannot be read, or something in it is wrong.
pub fn load_recipients(settings: &Settings, policies: &Policies) -> Result<(Recipients, String), ServiceError> {
    let text = match &settings.policies.dir {
        None => BUILT_IN.to_owned(),
        Some(dir) => {
            let path = dir.join("recipients.toml");
            match std::fs::read_to_string(&path) {
                // A folder of calendars alone goes with the recipients compiled in, as with the other policies.
                Err(reason) if reason.kind() == ErrorKind::NotFound && !dir.join("calendar.toml").exists() => {
                    BUILT_IN.to_owned()
                }
                read => read.map_err(|reason| ServiceError::Unreadable { path, reason })?,
            }
        }
    };
    let list = Recipients::parse(&text)?;
    // Whoever is named for a sector that is misspelt would be told of nothing, and nobody would notice.
    let unknown = list.named_sectors().filter(|(_, sector)| policies.sectors.get(sector).is_none());
    let problems: Vec<String> = unknown
        .map(|(place, sector)| format!("{place}: there is no sector `{sector}`; sectors.toml has the ids"))
        .collect();
    if problems.is_empty() { Ok((list, text)) } else { Err(RecipientsError { problems }.into()) }
}

/// Loads the profiles of sources compiled in and those of the subfolder `intake` of the policies' folder.
///
/// # Errors
/// One of them is wrong.
pub fn load_profiles(settings: &Settings) -> Result<Profiles, ProfileError> {
    let folder = settings.policies.dir.as_deref().map(|dir| dir.join("intake"));
    profile::load(folder.as_deref())
}

/// Says what it means that a year's schedule is not known, in Chinese and in English.
#[must_use]
pub fn without_calendar(year: i16) -> (String, String) {
    let zh = format!(
        "没有 {year} 年的工作日历，该年的节假日和调休只按星期计算；请将 calendar-{year}.toml 放入 `policies.dir` 所指的文件夹并重启（docs/OPERATIONS.md）"
    );
    let en = format!(
        "the working-day calendar of {year} is not there, so holidays and make-up days of that year are counted by weekdays \
         alone; put calendar-{year}.toml into the folder of the setting `policies.dir` and restart (docs/OPERATIONS.md)"
    );
    (zh, en)
}

/// Says what it means that the machine's clock is behind the newest time on record, in Chinese and in English.
#[must_use]
pub fn clock_behind(by: SignedDuration) -> (String, String) {
    let by = by.round(Unit::Second).unwrap_or(by);
    let (hours, minutes) = (by.as_hours(), by.as_mins() % 60);
    let zh = format!(
        "本机时钟比日志中最新的时间慢 {hours} 小时 {minutes} 分：请校准；如本机时钟正确、是先前的时钟快了，则可照常运行：亮灯和邮件按本机时钟，其间的记录带那个最新时间"
    );
    let en = format!(
        "this machine's clock is {by:#} behind the newest time on record: set it right; or, if it is right and the one that \
         wrote was ahead, go on: lights and mail go by this clock, and what is recorded until then carries that newest time"
    );
    (zh, en)
}

/// Starts the desk on a log: commands can be executed, lights are watched, mails are asked for. Nothing is sent.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_desk(settings: &Settings, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Result<Desk, ServiceError> {
    let policies = load_policies(settings)?;
    let (recipients, recipients_text) = load_recipients(settings, &policies)?;
    let recipients = Arc::new(recipients);
    if let Some(year) = policies.calendar.missing_year(day_of(clock.now())) {
        tracing::warn!(year, "{}", without_calendar(year).1);
    }
    let desk = Start { log, clock, policies, recipients, recipients_text }.start()?;
    if let Some(behind) = desk.clock_behind() {
        tracing::warn!("{}", clock_behind(behind).1);
    }
    Ok(desk)
}

/// Starts sending the mails that were asked for: to the server of the settings, or as files into the spool folder.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_mail(settings: &Settings, data: &Path, desk: &Desk) -> Result<Worker, ServiceError> {
    let transport = of_settings(&settings.mail, data).map_err(ServiceError::Transport)?;
    let base_url = settings.mail.base_url.clone().unwrap_or_else(|| settings.http.base_url());
    let renderer = Renderer::new(&base_url, Box::new(desk.picture().policies.clone()))?;
    // A link is followed from elsewhere, for weeks: by an address that stands, signed with a secret that stays.
    let is_reached = settings.mail.base_url.is_some() || settings.http.public_url.is_some();
    let links = settings.session.secret.as_ref().filter(|_| is_reached).map(LinkKey::of);
    let renderer = Arc::new(renderer.with_links(links));
    let parts = worker::Parts {
        log: desk.log().clone(),
        published: desk.published().clone(),
        transport,
        renderer,
        clock: desk.clock().clone(),
        settings: settings.mail.clone(),
    };
    Ok(Worker::start(parts)?)
}

/// Starts taking files that are handed to the running service; their papers go to the folder `imports` of the data folder.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_tray(settings: &Settings, data: &Path, desk: &Desk) -> Result<Tray, ServiceError> {
    let profiles = Arc::new(load_profiles(settings)?);
    let keeping = Keeping { papers_bytes: settings.intake.papers_limit, papers_days: settings.intake.papers_days };
    Tray::keeping(desk.clone(), profiles, &data.join("imports"), keeping).map_err(ServiceError::Tray)
}

/// Opens the inbox that the settings name, if they name one. Whoever keeps it has it looked at.
///
/// # Errors
/// See [`ServiceError`].
pub fn open_inbox(settings: &Settings, desk: &Desk, tray: &Arc<Tray>) -> Result<Option<Arc<Inbox>>, ServiceError> {
    let intake = &settings.intake;
    let Some(folder) = intake.inbox.clone() else { return Ok(None) };
    let settle = SignedDuration::try_from(intake.inbox_settle).unwrap_or(SignedDuration::ZERO);
    let care = Care { folder: folder.clone(), settle, history: intake.inbox_history, days: intake.inbox_days };
    let opened = Inbox::open(care, tray.clone(), desk.clock().clone());
    opened.map(|inbox| Some(Arc::new(inbox))).map_err(|reason| ServiceError::Inbox { path: folder, reason })
}

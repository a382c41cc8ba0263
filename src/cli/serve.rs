//! `warnlight serve`: the service, until it is told to stop.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::texts;
use crate::clock::{Clock, SystemClock};
use crate::desk::Desk;
use crate::http::access::{Keyring, KeyringError};
use crate::http::demo::Demonstration;
use crate::http::{Open, ServeError};
use crate::log::contract::{EventLog, LogError};
use crate::mail::worker::Worker;
use crate::proof::SigningKey;
use crate::service::{
    ServiceError, load_signing_key, open_inbox, open_log, start_desk, start_keeper, start_mail, start_tray,
};
use crate::settings::{Settings, Trace, TraceFormat};
use crate::taking::Hatch;
use crate::taking::inbox::{Inbox, Keeper};
use crate::taking::tray::Tray;
#[cfg(feature = "telemetry")]
use crate::trail::otlp;
use actix_web::rt::System;
use actix_web::rt::signal::unix::{SignalKind, signal};
use clap::Args;
use serde::Serialize;
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tracing_subscriber::EnvFilter;

/// Run the service: take commands, watch lights, send mail, answer over HTTP.
///
/// Stops cleanly on SIGTERM and SIGINT: what was accepted is on disk, what waits to be sent is sent after the next start.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {}

/// How long the log's lock is waited for, and how often it is looked at.
const PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);

/// Where the service is reached, for programs.
#[derive(Serialize)]
struct Listening<'a> {
    listening: &'a str,
}

pub(super) fn run(_: &ServeArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    start_tracing(&settings.trace);
    // Dropped last: the spans of what is finished while stopping go out, too.
    #[cfg(feature = "telemetry")]
    let _sending = settings.trace.otlp.as_deref().map(otlp::start).transpose().map_err(CliError::failed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let signing_key = load_signing_key(&settings)?;
    let log = opened(&settings, &common.data)?;
    let keyring =
        Arc::new(Keyring::open(log.clone(), clock.clone())?.with_accounts(&common.data).map_err(KeyringError::from)?);
    // Before anything is started: whoever may not listen should not send mail either.
    settings.check_exposure(keyring.has_valid())?;
    settings.check_shared(log.is_shared())?;
    if !keyring.has_valid() {
        out.tell(if log.is_shared() { texts::NO_KEY_YET_SHARED } else { texts::NO_KEY_YET });
    }
    let desk = start_desk(&settings, log, clock.clone())?;
    let ended = open(&settings, &common.data, &desk, signing_key, keyring, clock, out);
    desk.stop();
    ended
}

/// Opens the log. Whoever had it may have been killed a moment ago and not have come to its end yet.
fn opened(settings: &Settings, data: &Path) -> Result<Arc<dyn EventLog>, ServiceError> {
    let begun = Instant::now();
    loop {
        match open_log(settings, data) {
            Err(ServiceError::Log(LogError::Locked { .. })) if begun.elapsed() < PATIENCE => sleep(LOOK),
            opened => return opened,
        }
    }
}

fn open(
    settings: &Settings,
    data: &Path,
    desk: &Desk,
    signing_key: Option<SigningKey>,
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let keeper = signing_key.map(|key| start_keeper(key, desk)).transpose()?;
    let mail = Arc::new(start_mail(settings, data, desk)?);
    let tray = Arc::new(start_tray(settings, data, desk)?);
    let hatch = open_hatch(data, desk);
    let inbox = open_inbox(settings, desk, &tray)?;
    let inboxed = inbox.clone().map(|inbox| Keeper::start(inbox, settings.intake.inbox_every)).transpose();
    let inboxed = inboxed.map_err(|error| CliError::told(Exit::Failed, texts::NO_THREAD.with(&[&error])))?;
    let ended = until_told(settings, desk, (&mail, &tray, inbox), keyring, clock, None, |address| {
        match announce(out, address) {
            // Who does not want to hear the address may still want the service.
            Err(CliError::OutputClosed) => Ok(()),
            told => told,
        }
    });
    // A file under way is broken off; what was decided of it is recorded.
    drop(hatch);
    tray.stop();
    drop(inboxed);
    // Dropped here at the latest: mails on their way are finished and recorded.
    drop(mail);
    drop(keeper);
    ended.map(|()| Exit::Done)
}

/// Lets imports from the command line in. Without it the service runs all the same, and they wait until it is stopped.
fn open_hatch(data: &Path, desk: &Desk) -> Option<Hatch> {
    let opened = Hatch::open(data, desk.clone());
    let told = opened.inspect_err(|error| {
        tracing::warn!(%error, "no socket can be made in the data folder: `warnlight import` works only while the service does not run");
    });
    told.ok()
}

fn announce(out: &mut Out, address: &str) -> Result<(), CliError> {
    match out.format() {
        Format::Json => out.json(&Listening { listening: address })?,
        Format::Table => out.say(texts::LISTENING.with(&[&address]))?,
    }
    out.flush()
}

/// Answers over HTTP until the process is told to stop; `tell` hears the address once it listens.
pub(super) fn until_told(
    settings: &Settings,
    desk: &Desk,
    (mail, tray, inbox): (&Arc<Worker>, &Arc<Tray>, Option<Arc<Inbox>>),
    keyring: Arc<Keyring>,
    clock: Arc<dyn Clock>,
    demonstration: Option<Demonstration>,
    tell: impl FnOnce(&str) -> Result<(), CliError>,
) -> Result<(), CliError> {
    System::new().block_on(async {
        let (desk, mail, tray) = (desk.clone(), mail.clone(), tray.clone());
        let open = Open { settings, desk, mail, tray, inbox, keyring, session_clock: clock };
        let serving = open.demonstrate(demonstration)?;
        let failed = |error: io::Error| CliError::told(Exit::Failed, texts::NO_SIGNALS.with(&[&error]));
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        tell(&format!("http://{}", serving.address))?;
        let handle = serving.handle;
        actix_web::rt::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("Told to stop, finishing what is under way");
            handle.stop(true).await;
        });
        serving.server.await.map_err(|error| CliError::told(Exit::Failed, texts::SERVER_STOPPED.with(&[&error])))
    })
}

/// Sends what the service says to stderr. A second call in one process changes nothing.
pub(super) fn start_tracing(trace: &Trace) {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    trace_into(trace, colours, || Unhindered(io::stderr()));
}

/// Sends what the service says to a file, without colours.
pub(super) fn trace_to_file(trace: &Trace, file: File) {
    let file = Arc::new(file);
    trace_into(trace, false, move || Unhindered(file.clone()));
}

fn trace_into<W: io::Write + 'static>(trace: &Trace, colours: bool, writer: impl Fn() -> W + Send + Sync + 'static) {
    // Checked when the settings were read.
    let filter = trace.filter.parse::<EnvFilter>().unwrap_or_default();
    // A line that is lost is lost: saying so on stderr, as is the default, would fail for the same reason, by a panic.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours)
        .log_internal_errors(false)
        .with_writer(writer);
    let _ = match trace.format {
        TraceFormat::Text => lines.try_init(),
        TraceFormat::Json => lines.json().try_init(),
    };
}

/// A writer that never fails: who reads the log may go away, the service stays.
struct Unhindered<W>(W);

impl<W: io::Write> io::Write for Unhindered<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> Self {
        match error {
            ServeError::Settings(error) => error.into(),
            ServeError::Keyring(error) => error.into(),
            other => Self::failed(other),
        }
    }
}

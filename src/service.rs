//! The service as a value: the rooms put together from settings. Who starts it (server, command, demo, test) decides on the
//! clock and whether mail is sent.

mod rulebook;

use crate::alerts::recipients::{Recipients, RecipientsError};
use crate::clock::Clock;
use crate::desk::{Desk, Start, StartError};
use crate::log::contract::{EventLog, LogError};
use crate::log::embedded::{EmbeddedLog, Options};
use crate::mail::render::{RenderError, Renderer};
use crate::mail::settings::{Password, Settings as MailSettings, SmtpSettings, Tls as MailTls};
use crate::mail::transport::Transport;
use crate::mail::transport::smtp::Smtp;
use crate::mail::transport::spool::Spool;
use crate::mail::worker::{self, Worker};
use crate::policy::{Policies, PolicyError};
use crate::settings::{Mail, Settings, Tls};
use rulebook::PolicyRulebook;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The recipients compiled in; a policies folder replaces them.
const RECIPIENTS: &str = include_str!("../policies/recipients.toml");

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
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
    /// The spool folder.
    #[error("the spool folder `{}` cannot be used: {reason}", path.display())]
    Spool {
        /// The folder.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The mail worker.
    #[error(transparent)]
    Mail(#[from] worker::StartError),
    /// The settings name an engine that this build does not have.
    #[error("log.url `{0}` is not supported by this version; unset it to use the embedded log")]
    Engine(String),
}

/// Opens the log that the settings name, for writing.
///
/// # Errors
/// See [`ServiceError`].
pub fn open_log(settings: &Settings, data: &Path) -> Result<Arc<dyn EventLog>, ServiceError> {
    match &settings.log.url {
        None => Ok(Arc::new(EmbeddedLog::open(data, &Options::default())?)),
        Some(url) => Err(ServiceError::Engine(url.clone())),
    }
}

/// Opens the log that the settings name, for reading only; works beside a running service.
///
/// # Errors
/// See [`ServiceError`].
pub fn open_log_read_only(settings: &Settings, data: &Path) -> Result<Arc<dyn EventLog>, ServiceError> {
    match &settings.log.url {
        None => Ok(Arc::new(EmbeddedLog::open_read_only(data)?)),
        Some(url) => Err(ServiceError::Engine(url.clone())),
    }
}

/// Loads the policies that the settings name.
///
/// # Errors
/// See [`PolicyError`].
pub fn load_policies(settings: &Settings) -> Result<Policies, PolicyError> {
    settings.policies.dir.as_deref().map_or_else(Policies::built_in, Policies::from_dir)
}

/// Starts the desk on a log: commands can be executed, lights are watched, mails are asked for. Nothing is sent.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_desk(settings: &Settings, log: Arc<dyn EventLog>, clock: Arc<dyn Clock>) -> Result<Desk, ServiceError> {
    let policies = load_policies(settings)?;
    let recipients_text = match &settings.policies.dir {
        None => RECIPIENTS.to_owned(),
        Some(dir) => {
            let path = dir.join("recipients.toml");
            std::fs::read_to_string(&path).map_err(|reason| ServiceError::Unreadable { path, reason })?
        }
    };
    let recipients = Arc::new(Recipients::parse(&recipients_text)?);
    Ok(Start { log, clock, policies, recipients, recipients_text }.start()?)
}

/// Starts sending the mails that were asked for: to the server of the settings, or as files into the spool folder.
///
/// # Errors
/// See [`ServiceError`].
pub fn start_mail(settings: &Settings, data: &Path, desk: &Desk) -> Result<Worker, ServiceError> {
    let mail = mail_settings(&settings.mail, &settings.http.base_url());
    let transport: Arc<dyn Transport> = match &mail.smtp {
        Some(smtp) => Arc::new(Smtp::new(smtp.clone())),
        None => {
            let path = data.join(&mail.spool);
            Arc::new(Spool::new(path.clone()).map_err(|reason| ServiceError::Spool { path, reason })?)
        }
    };
    let rulebook = PolicyRulebook(desk.state().policies.clone());
    let renderer = Arc::new(Renderer::new(&mail.base_url, Box::new(rulebook))?);
    let parts =
        worker::Parts { log: desk.log().clone(), transport, renderer, clock: desk.clock().clone(), settings: mail };
    Ok(Worker::start(parts)?)
}

fn mail_settings(mail: &Mail, base_url: &str) -> MailSettings {
    MailSettings {
        from: mail.from.clone(),
        domain: mail.message_id_domain.clone(),
        base_url: mail.base_url.clone().unwrap_or_else(|| base_url.to_owned()),
        smtp: mail.smtp.as_ref().map(|smtp| SmtpSettings {
            host: smtp.host.clone(),
            port: Some(smtp.port),
            tls: match smtp.tls {
                Tls::None => MailTls::None,
                Tls::StartTls => MailTls::Starttls,
                Tls::Tls => MailTls::Tls,
            },
            user: smtp.account.as_ref().map(|(user, _)| user.clone()),
            password: smtp.account.as_ref().map(|(_, password)| Password::new(password.expose().to_owned())),
            timeout: mail.timeout.as_secs(),
        }),
        spool: mail.spool.clone(),
        schedule: mail.schedule.iter().map(std::time::Duration::as_secs).collect(),
        senders: mail.senders,
    }
}

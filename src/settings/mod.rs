//! Settings: compiled-in defaults, then one file, then the environment. `defaults.toml` is the list of all of them.

mod checkpoints;
mod http;
mod intake;
mod log;
mod mail;
mod policies;
mod public;
mod reader;
mod secret;
mod session;
#[cfg(test)]
mod tests;
mod trace;

pub use checkpoints::Checkpoints;
pub use http::{Http, MetricsFor};
pub use intake::Intake;
pub use log::{Engine, Log};
pub use mail::{ANSWERS, CLAIM_MARGIN, Mail, Smtp, Tls};
pub use policies::Policies;
pub use public::Public;
pub use secret::Secret;
pub use session::Session;
pub use trace::{Trace, TraceFormat};

use config::{Config, Environment, File, FileFormat};
use reader::Section;
use std::collections::HashMap;
use std::fmt;
use std::path::Path;

/// Every setting with its default and its meaning, as TOML.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// What the service runs by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The event log.
    pub log: Log,
    /// Where the service is reached.
    pub http: Http,
    /// Browser sessions.
    pub session: Session,
    /// How mail leaves.
    pub mail: Mail,
    /// Where the rules come from.
    pub policies: Policies,
    /// Files that are handed in.
    pub intake: Intake,
    /// What everybody may look up.
    pub public: Public,
    /// What the running service says on stderr.
    pub trace: Trace,
}

/// One thing wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Path of the key, such as `mail.smtp.port`.
    pub key: String,
    /// The file it stands in, or `the environment`; `None` where several values together are wrong.
    pub origin: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.key)?;
        if let Some(origin) = &self.origin {
            write!(f, " ({origin})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A file cannot be read, or is not TOML.
    #[error("the settings cannot be read: {0}")]
    Unreadable(String),
    /// Keys are wrong; all of them are listed.
    #[error("{}", listing(.0))]
    Wrong(Vec<Problem>),
    /// The service would be reachable from outside without protection.
    #[error("`http.listen` is `{listen}`, which other machines can reach: {}", .missing.join("; "))]
    Exposed {
        /// The address.
        listen: std::net::SocketAddr,
        /// What must be done first.
        missing: Vec<String>,
    },
    /// Several nodes would each sign sessions with a secret of their own.
    #[error(
        "`session.secret` is unset, but other nodes may share this log: a session begun at one of them would be none at \
         the next; set the same secret on every node (`openssl rand -base64 32` makes one)"
    )]
    NoCommonSecret,
}

fn listing(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    let count = problems.len();
    format!("{count} setting{} wrong:\n{}", if count == 1 { " is" } else { "s are" }, lines.join("\n"))
}

impl Settings {
    /// Reads the settings: defaults, then `file`, then the variables of this process.
    ///
    /// # Errors
    /// See [`SettingsError`]; every wrong key is listed.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        // Read lossily: a foreign variable that is not Unicode is none of our business, and in one of ours the replacement
        // character shows up in the message.
        let variables = std::env::vars_os()
            .map(|(key, value)| (key.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
            .collect();
        Self::from_layers(file, variables)
    }

    /// Reads the settings: defaults, then `file`, then `variables` (`WARNLIGHT__…`; others are ignored).
    ///
    /// # Errors
    /// See [`SettingsError`]; every wrong key is listed.
    pub fn from_layers(file: Option<&Path>, variables: HashMap<String, String>) -> Result<Self, SettingsError> {
        let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            layers = layers.add_source(File::from(file).format(FileFormat::Toml).required(true));
        }
        let environment = Environment::with_prefix("WARNLIGHT").separator("__").ignore_empty(true);
        let merged = layers
            .add_source(environment.source(Some(variables)))
            .build()
            .and_then(|config| config.cache.into_table())
            .map_err(|error| SettingsError::Unreadable(error.to_string()))?;

        let mut problems = Vec::new();
        let mut root = Section::root(merged, &mut problems);
        let settings = Self {
            log: Log::read(root.section("log")),
            http: Http::read(root.section("http")),
            session: Session::read(root.section("session")),
            mail: Mail::read(root.section("mail")),
            policies: Policies::read(root.section("policies")),
            intake: Intake::read(root.section("intake")),
            public: Public::read(root.section("public")),
            trace: Trace::read(root.section("trace")),
        };
        root.finish();
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError::Wrong(problems)) }
    }

    /// Refuses to serve a log that other nodes share while sessions are signed with a secret that only this node has.
    ///
    /// # Errors
    /// [`SettingsError::NoCommonSecret`].
    pub const fn check_shared(&self, log_is_shared: bool) -> Result<(), SettingsError> {
        if log_is_shared && self.session.secret.is_none() { Err(SettingsError::NoCommonSecret) } else { Ok(()) }
    }

    /// Refuses to be reachable from other machines while a secret has its default or nobody has a key.
    ///
    /// # Errors
    /// [`SettingsError::Exposed`] with everything to be done first.
    pub fn check_exposure(&self, a_key_exists: bool) -> Result<(), SettingsError> {
        let mut missing = Vec::new();
        if self.session.secret.is_none() {
            missing.push("set `session.secret` (`openssl rand -base64 32` makes one)".to_owned());
        }
        if !a_key_exists {
            missing.push("create a key with `warnlight key create`".to_owned());
        }
        if self.http.is_local() || missing.is_empty() {
            return Ok(());
        }
        missing.push("or listen on 127.0.0.1".to_owned());
        Err(SettingsError::Exposed { listen: self.http.listen, missing })
    }
}

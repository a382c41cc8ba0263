//! Settings of the mail room. Every key has a default; the defaults write files and reach nobody.

use lettre::message::Mailbox;
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The `[mail]` section.
///
/// | Key | Default |
/// |---|---|
/// | `from` | `"Warnlight <warnlight@warnlight.invalid>"`: sender of every mail |
/// | `domain` | `"warnlight.invalid"`: right side of every Message-ID |
/// | `base_url` | `"http://127.0.0.1:8080"`: where the board is, for the links in mails |
/// | `smtp` | none: mails land in the spool folder; see [`SmtpSettings`] |
/// | `spool` | `"spool"`: folder of the `.eml` files, under the data folder |
/// | `schedule` | `[5, 300, 1800, 7200, 18000, 36000]`: seconds from a failed attempt to the next; then given up |
/// | `senders` | `4`: mails that are sent at the same time |
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Sender: an address, or a name and an address.
    pub from: String,
    /// Right side of the Message-IDs: a domain of the operator, which stays the same when servers are exchanged.
    pub domain: String,
    /// Address of the web board, without a slash at the end.
    pub base_url: String,
    /// Mail server; none: `.eml` files.
    pub smtp: Option<SmtpSettings>,
    /// Folder for `.eml` files; relative to the data folder.
    pub spool: PathBuf,
    /// Seconds to wait after the first, second, … failed attempt. There is no jitter: at most [`Settings::senders`] mails
    /// are on their way at a time, so a server that comes back is not stormed, and a day can be re-enacted to the second.
    pub schedule: Vec<u64>,
    /// Number of sender threads, 1 to 32.
    pub senders: usize,
}

/// The `[mail.smtp]` section.
///
/// | Key | Default |
/// |---|---|
/// | `host` | none; it must be given |
/// | `port` | 587 for `starttls`, 465 for `tls`, 25 for `none` |
/// | `tls` | `"starttls"` |
/// | `user`, `password` | none: no authentication |
/// | `timeout` | `30`: seconds for connecting and for each reply |
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpSettings {
    /// Name or address of the server.
    pub host: String,
    /// Port; absent: the usual one for the kind of encryption.
    #[serde(default)]
    pub port: Option<u16>,
    /// Kind of encryption.
    #[serde(default)]
    pub tls: Tls,
    /// Account, if the server asks for one.
    #[serde(default)]
    pub user: Option<String>,
    /// Its password. Better given by the environment than in a file.
    #[serde(default)]
    pub password: Option<Password>,
    /// Seconds to wait for a connection, and for each reply; 1 to 300.
    #[serde(default = "thirty_seconds")]
    pub timeout: u64,
}

const fn thirty_seconds() -> u64 {
    30
}

/// Kind of encryption between this service and the mail server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// None: for a relay on the same machine.
    None,
    /// Begins in clear and must turn to TLS before anything is sent.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
}

/// A password, which no log line and no error message can show.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Wraps a password.
    #[must_use]
    pub const fn new(password: String) -> Self {
        Self(password)
    }

    /// Returns the password itself, to be handed to the server and to nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            from: "Warnlight <warnlight@warnlight.invalid>".to_owned(),
            domain: "warnlight.invalid".to_owned(),
            base_url: "http://127.0.0.1:8080".to_owned(),
            smtp: None,
            spool: PathBuf::from("spool"),
            schedule: vec![5, 300, 1800, 7200, 18_000, 36_000],
            senders: 4,
        }
    }
}

impl SmtpSettings {
    /// Returns the port to connect to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            Tls::None => 25,
            Tls::Starttls => 587,
            Tls::Tls => 465,
        })
    }

    /// Returns how long to wait for a connection, and for each reply.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

impl Settings {
    /// Returns everything that is wrong with the settings, a sentence each; empty if they can be used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(error) = self.from.parse::<Mailbox>() {
            problems.push(format!("mail.from: `{}` is not a mail address: {error}", self.from));
        }
        if !is_host(&self.domain) {
            problems.push(format!("mail.domain: `{}` is not a domain name; give one such as example.org", self.domain));
        }
        let is_url = |text: &str| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            rest.is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_graphic() && !b"\"'<>".contains(&b))
            })
        };
        if !is_url(&self.base_url) || self.base_url.ends_with('/') {
            problems.push(format!(
                "mail.base_url: `{}` is not the address of the board; it starts with http:// or https:// and has no slash at the end",
                self.base_url
            ));
        }
        if self.senders == 0 || self.senders > 32 {
            problems.push(format!("mail.senders: {} is not between 1 and 32", self.senders));
        }
        if let Some(wait) = self.schedule.iter().find(|seconds| **seconds > 604_800) {
            problems.push(format!("mail.schedule: {wait} seconds are more than a week"));
        }
        if let Some(smtp) = &self.smtp {
            if smtp.host.is_empty() || !smtp.host.bytes().all(|b| b.is_ascii_graphic()) {
                problems.push(format!("mail.smtp.host: `{}` is not the name of a server", smtp.host));
            }
            if self.from.trim_end_matches('>').ends_with(".invalid") || self.domain.ends_with(".invalid") {
                problems.push(
                    "mail.from, mail.domain: with a mail server, give a sender and a domain of your own".to_owned(),
                );
            }
            if smtp.user.is_some() != smtp.password.is_some() {
                problems.push("mail.smtp: give both `user` and `password`, or neither".to_owned());
            }
            if smtp.user.is_some() && smtp.tls == Tls::None && !is_this_machine(&smtp.host) {
                problems
                    .push("mail.smtp.tls: a password would cross the network in clear; use starttls or tls".to_owned());
            }
            if smtp.timeout == 0 || smtp.timeout > 300 {
                problems.push(format!("mail.smtp.timeout: {} is not between 1 and 300 seconds", smtp.timeout));
            }
        }
        problems
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used_and_write_files() {
        let settings: Settings = toml::from_str("").unwrap();
        assert_eq!(settings, Settings::default());
        assert_eq!(settings.problems(), [""; 0]);
        assert!(settings.smtp.is_none());
    }

    #[test]
    fn the_password_is_never_printed() {
        let settings: Settings =
            toml::from_str("[smtp]\nhost = \"relay\"\nuser = \"warn\"\npassword = \"tr0ub4dor\"").unwrap();
        assert!(!format!("{settings:?}").contains("tr0ub4dor"));
        assert_eq!(settings.smtp.unwrap().password.unwrap().reveal(), "tr0ub4dor");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let settings: Settings = toml::from_str(
            "from = \"nobody\"\ndomain = \"a b\"\nbase_url = \"javascript:1\"\nsenders = 0\nschedule = [9999999]\n\
             [smtp]\nhost = \"relay.example\"\ntls = \"none\"\nuser = \"x\"\npassword = \"y\"\ntimeout = 0",
        )
        .unwrap();
        let problems = settings.problems();
        for key in ["from", "domain", "base_url", "senders", "schedule", "smtp.tls", "smtp.timeout"] {
            assert!(problems.iter().any(|p| p.starts_with(&format!("mail.{key}:"))), "{key}: {problems:#?}");
        }
        assert_eq!(problems.len(), 7, "{problems:#?}");
    }

    #[test]
    fn real_mail_is_not_sent_under_a_placeholder() {
        let settings: Settings = toml::from_str("[smtp]\nhost = \"relay\"").unwrap();
        assert!(settings.problems().iter().any(|p| p.contains("of your own")), "{:?}", settings.problems());
    }

    #[test]
    fn the_port_follows_the_encryption() {
        let smtp = |text: &str| toml::from_str::<SmtpSettings>(text).unwrap();
        assert_eq!(smtp("host = \"relay\"").port(), 587);
        assert_eq!(smtp("host = \"relay\"\ntls = \"tls\"").port(), 465);
        assert_eq!(smtp("host = \"relay\"\ntls = \"none\"").port(), 25);
        assert_eq!(smtp("host = \"relay\"\nport = 2525").port(), 2525);
    }
}

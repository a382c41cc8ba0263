//! `[mail]`: who mail comes from, how it leaves and what happens when it does not.

use super::http::url;
use super::reader::Section;
use super::secret::Secret;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// Longest wait between two attempts, seconds (a week).
const LONGEST_WAIT: u64 = 604_800;

/// Longest claim, seconds (a day): for so long a mail waits whose node died.
const LONGEST_CLAIM: u64 = 86_400;

/// Patiences with a mail server that make up the whole conversation.
pub const ANSWERS: u32 = 5;

/// What a claim must last longer than a conversation with the mail server: for the log's answers before and after it, and
/// for clocks of nodes that differ.
pub const CLAIM_MARGIN: Duration = Duration::from_secs(30);

/// How mail leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Sender of every mail, such as `Warnlight <warnlight@example.org>`.
    pub from: String,
    /// Right side of every Message-ID.
    pub message_id_domain: String,
    /// Folder for `.eml` files while no server is set; relative to the data directory.
    pub spool: PathBuf,
    /// Waits before each further attempt.
    pub schedule: Vec<Duration>,
    /// Mails on their way at the same time.
    pub senders: usize,
    /// Mails that the server gets in a minute at most; `None` is as many as it takes.
    pub per_minute: Option<u32>,
    /// Patience with the server.
    pub timeout: Duration,
    /// For how long a node claims a mail that it is about to send, where several nodes share a log.
    pub claim: Duration,
    /// Days for which the link to acknowledge a mail serves.
    pub link_days: u16,
    /// Address that links begin with; `None` means that of `[http]`.
    pub base_url: Option<String>,
    /// The server; `None` means that mail is spooled.
    pub smtp: Option<Smtp>,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Smtp {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Encryption.
    pub tls: Tls,
    /// User and password.
    pub account: Option<(String, Secret)>,
    /// Certificates (PEM) of the authorities that the server's is held against; `None` means those the machine trusts.
    pub ca_file: Option<PathBuf>,
}

/// Encryption of the line to the mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// None.
    None,
    /// Begun in plain text, then encrypted; refused if the server cannot.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

impl Tls {
    const fn usual_port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

impl FromStr for Tls {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "none" => Ok(Self::None),
            "starttls" => Ok(Self::StartTls),
            "tls" => Ok(Self::Tls),
            _ => Err(()),
        }
    }
}

impl Mail {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let from = section.text("from").unwrap_or_else(|| "Warnlight <warnlight@localhost>".to_owned());
        let domain = domain(&from).map(str::to_owned);
        if domain.is_none() {
            section.problem(
                "from",
                format_args!("a mail address such as `Warnlight <warnlight@example.org>` is needed, not `{from}`"),
            );
        }
        let domain = domain.unwrap_or_else(|| "localhost".to_owned());
        let smtp = Smtp::read(section.section("smtp"));
        if smtp.is_some() && domain == "localhost" {
            section.problem("from", "a sender that can be answered is needed once a mail server is set");
        }
        let message_id_domain = section.text("message_id_domain").unwrap_or(domain);
        if !is_domain(&message_id_domain) {
            section.problem(
                "message_id_domain",
                format_args!("a domain name such as `warnlight.example.org` is needed, not `{message_id_domain}`"),
            );
        }
        let schedule = section.numbers("schedule", 1..=LONGEST_WAIT).unwrap_or_default();
        if schedule.len() > 20 {
            section.problem("schedule", format_args!("at most 20 attempts make sense, not {}", schedule.len()));
        }
        let timeout = Duration::from_secs(section.number("timeout_seconds", 1..=300).unwrap_or(30));
        let shortest = conversation(timeout) + CLAIM_MARGIN;
        let claim = section.number("claim_seconds", 1..=LONGEST_CLAIM).map_or(shortest, Duration::from_secs);
        if claim < shortest {
            section.problem(
                "claim_seconds",
                format_args!(
                    "a claim of {} s could end while its mail is being sent; make it at least {} ({ANSWERS} times \
                     `timeout_seconds`, and {} for the log and for clocks that differ), lower `timeout_seconds`, or leave \
                     it out",
                    claim.as_secs(),
                    shortest.as_secs(),
                    CLAIM_MARGIN.as_secs()
                ),
            );
        }
        let mail = Self {
            from,
            message_id_domain,
            spool: section.text("spool").unwrap_or_else(|| "spool".to_owned()).into(),
            schedule: schedule.into_iter().map(Duration::from_secs).collect(),
            senders: section.number("senders", 1..=64).and_then(|number| usize::try_from(number).ok()).unwrap_or(4),
            per_minute: section.number("per_minute", 1..=60_000).and_then(|number| u32::try_from(number).ok()),
            timeout,
            claim,
            link_days: section.number("link_days", 1..=365).and_then(|days| u16::try_from(days).ok()).unwrap_or(14),
            base_url: url(&mut section, "base_url"),
            smtp,
        };
        section.finish();
        mail
    }

    /// Returns how long one conversation with the server may last, from connecting on. It is never longer than a claim without
    /// [`CLAIM_MARGIN`].
    #[must_use]
    pub fn conversation(&self) -> Duration {
        conversation(self.timeout)
    }
}

fn conversation(timeout: Duration) -> Duration {
    timeout.saturating_mul(ANSWERS)
}

impl Smtp {
    fn read(mut section: Section<'_>) -> Option<Self> {
        let host = section.text("host");
        let tls = section.parsed("tls", "\"none\", \"starttls\" or \"tls\"").unwrap_or(Tls::StartTls);
        let port = section.number("port", 1..=65_535).and_then(|port| u16::try_from(port).ok());
        let ca_file = section.text("ca_file").map(PathBuf::from);
        if ca_file.is_some() && tls == Tls::None {
            section.problem(
                "ca_file",
                "without encryption no certificate is looked at; use \"starttls\" or \"tls\", or remove it",
            );
        }
        let account = match (section.text("user"), section.secret("password")) {
            (Some(user), Some(password)) => Some((user, password)),
            (Some(_), None) => {
                section.problem("password", "a user is set without a password; set both or neither");
                None
            }
            (None, Some(_)) => {
                section.problem("user", "a password is set without a user; set both or neither");
                None
            }
            (None, None) => None,
        };
        if host.is_none() && account.is_some() {
            section.problem("host", "an account is set without a server; set `mail.smtp.host` too");
        }
        let here = host.as_deref().is_some_and(is_here);
        if account.is_some() && tls == Tls::None && !here {
            section.problem(
                "tls",
                "a password would cross the network in plain text; use \"starttls\" or \"tls\", or remove the account",
            );
        }
        section.finish();
        host.map(|host| Self { host, port: port.unwrap_or(tls.usual_port()), tls, account, ca_file })
    }
}

/// It stands in a header: letters, digits, dots and hyphens only.
fn is_domain(text: &str) -> bool {
    let plain =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.len() <= 253 && text.split('.').all(plain)
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Returns the domain of a sender; `None` if it is not one address.
fn domain(from: &str) -> Option<&str> {
    let address = match from.strip_suffix('>') {
        Some(named) => named.rsplit_once('<')?.1,
        None => from,
    };
    let (user, domain) = address.split_once('@')?;
    let wrong = |letter: char| letter.is_whitespace() || letter.is_control() || "<>@,;\"".contains(letter);
    let fine = !user.is_empty() && !domain.is_empty() && !address.replacen('@', "", 1).contains(wrong);
    fine.then_some(domain)
}

//! `[http]`: where the service is reached.

use super::reader::Section;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

/// Where the service is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Address people use, without a slash at its end; `None` means the listening address.
    pub public_url: Option<String>,
    /// Threads that answer requests; `None` means one per processor.
    pub workers: Option<usize>,
    /// Largest request body, bytes.
    pub body_limit: usize,
    /// How long a body may take that comes slowly.
    pub body_patience: Duration,
    /// Bytes of bodies that are held at once of one key, or of one address without a key.
    pub bodies_per_sender: usize,
    /// Bytes of bodies that are held at once.
    pub bodies: usize,
    /// How long a request waits for this node to show the position of the log that it names.
    pub position_patience: Duration,
    /// Live feeds that may be open at this node.
    pub live_feeds: usize,
    /// Live feeds that may be open with one key.
    pub live_feeds_per_key: usize,
    /// Questions over all merchants that are worked on at the same time; `None` means one less than there are processors.
    pub questions_at_once: Option<usize>,
    /// Questions over all merchants that may wait.
    pub questions_waiting: usize,
    /// How long a question over all merchants may take, waiting included.
    pub question_limit: Duration,
    /// Who may read `/metrics` without a key.
    pub metrics: MetricsFor,
}

/// Who may read the figures of the service without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFor {
    /// Whoever asks on the machine itself, not through a proxy.
    Local,
    /// Everybody.
    Everybody,
}

impl FromStr for MetricsFor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "local" => Ok(Self::Local),
            "open" => Ok(Self::Everybody),
            _ => Err(()),
        }
    }
}

impl Http {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let listen = section
            .parsed("listen", "an address and port such as \"127.0.0.1:8480\" or \"[::1]:8480\"")
            .unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8480)));
        let public_url = url(&mut section, "public_url");
        let workers = section.number("workers", 1..=256).and_then(|number| usize::try_from(number).ok());
        let body_limit = section
            .number("body_limit_bytes", 1024..=1_073_741_824)
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or(8_388_608);
        let body_patience = Duration::from_secs(section.number("body_patience_seconds", 1..=3600).unwrap_or(30));
        let mut bytes = |key, otherwise| {
            let bytes = section.number(key, 65_536..=1_099_511_627_776);
            bytes.and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise)
        };
        let bodies_per_sender = bytes("bodies_per_sender_bytes", 33_554_432);
        let bodies = bytes("bodies_bytes", 134_217_728);
        let position_patience = Duration::from_secs(section.number("position_patience_seconds", 0..=60).unwrap_or(5));
        let mut count = |key, most, otherwise| {
            section.number(key, 1..=most).and_then(|number| usize::try_from(number).ok()).unwrap_or(otherwise)
        };
        let live_feeds = count("live_feeds", 100_000, 512);
        let live_feeds_per_key = count("live_feeds_per_key", 100_000, 64);
        let mut size = |key, range| section.number(key, range).and_then(|number| usize::try_from(number).ok());
        let questions_at_once = size("questions_at_once", 1..=256);
        let questions_waiting = size("questions_waiting", 0..=10_000).unwrap_or(128);
        let question_limit = Duration::from_secs(section.number("question_limit_seconds", 1..=600).unwrap_or(10));
        let metrics = section.parsed("metrics", "\"local\" or \"open\"").unwrap_or(MetricsFor::Local);
        section.finish();
        Self {
            listen,
            public_url,
            workers,
            body_limit,
            body_patience,
            bodies_per_sender,
            bodies,
            position_patience,
            live_feeds,
            live_feeds_per_key,
            questions_at_once,
            questions_waiting,
            question_limit,
            metrics,
        }
    }

    /// Returns the address that links begin with, without a slash at its end.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Says whether only this machine can reach the service.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

/// Reads the address of a site: scheme, host, maybe a port and a path.
pub(super) fn url(section: &mut Section<'_>, key: &'static str) -> Option<String> {
    let text = section.text(key)?;
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let foreign = |letter: char| letter.is_whitespace() || letter.is_control() || "?#\"'<>\\@".contains(letter);
    if host.is_empty() || text.contains(foreign) {
        section
            .problem(key, format_args!("an address such as `https://warnlight.example.org` is needed, not `{text}`"));
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
}

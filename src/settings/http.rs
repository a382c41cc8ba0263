//! `[http]`: where the service is reached.

use super::reader::Section;
use std::net::{Ipv4Addr, SocketAddr};
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
    /// How long a request waits for this node to show the position of the log that it names.
    pub position_patience: Duration,
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
        let position_patience = Duration::from_secs(section.number("position_patience_seconds", 0..=60).unwrap_or(5));
        section.finish();
        Self { listen, public_url, workers, body_limit, position_patience }
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

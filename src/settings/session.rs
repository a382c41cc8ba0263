//! `[session]`: browser sessions.

use super::reader::Section;
use super::secret::Secret;
use std::time::Duration;

/// Shortest secret taken, characters.
const SHORTEST_SECRET: usize = 32;

/// Browser sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Signs sessions; `None` means a random one per start.
    pub secret: Option<Secret>,
    /// How long a session lasts.
    pub lifetime: Duration,
    /// Log-ins from one address that may fail within [`Session::failure_memory`].
    pub failures_per_address: u32,
    /// Log-ins with one key that may fail.
    pub failures_per_key: u32,
    /// How long failed log-ins are remembered.
    pub failure_memory: Duration,
}

impl Session {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let secret = section.secret("secret");
        if let Some(secret) = &secret {
            let length = secret.expose().chars().count();
            if length < SHORTEST_SECRET {
                section.problem(
                    "secret",
                    format_args!(
                        "the secret has {length} characters, at least {SHORTEST_SECRET} are needed; \
                         make one with `openssl rand -base64 32`"
                    ),
                );
            }
        }
        let minutes = section.number("lifetime_minutes", 5..=1440).unwrap_or(480);
        let mut count = |key, otherwise| {
            section.number(key, 1..=1_000_000).and_then(|number| u32::try_from(number).ok()).unwrap_or(otherwise)
        };
        let failures_per_address = count("failures_per_address", 30);
        let failures_per_key = count("failures_per_key", 10);
        let memory = section.number("failure_minutes", 1..=1440).unwrap_or(15);
        section.finish();
        let [lifetime, failure_memory] = [minutes, memory].map(|minutes| Duration::from_secs(minutes * 60));
        Self { secret, lifetime, failures_per_address, failures_per_key, failure_memory }
    }
}

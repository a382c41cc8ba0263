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
        section.finish();
        Self { secret, lifetime: Duration::from_secs(minutes * 60) }
    }
}

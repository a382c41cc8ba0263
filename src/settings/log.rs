//! `[log]`: which engine holds the log, how far a node may lag behind it, and who signs it.

use super::checkpoints::Checkpoints;
use super::reader::Section;
#[cfg(feature = "cluster")]
use super::secret::Secret;
use std::time::Duration;

/// The event log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Where it is.
    pub engine: Engine,
    /// How long a node may be behind a log it shares with others and still call itself ready.
    pub max_behind: Duration,
    /// Who signs it, and whose signatures count.
    pub checkpoints: Checkpoints,
}

/// Where the event log is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Engine {
    /// One file below the data directory.
    Embedded,
    /// A KurrentDB cluster, by its connection string; a secret, because it may hold a password.
    #[cfg(feature = "cluster")]
    Cluster(Secret),
}

impl Log {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let engine = section.secret("url").map_or(Engine::Embedded, |url| Engine::of(&mut section, url));
        let seconds = section.number("max_behind_seconds", 1..=3600).unwrap_or(10);
        let checkpoints = Checkpoints::read(&mut section);
        section.finish();
        Self { engine, max_behind: Duration::from_secs(seconds), checkpoints }
    }
}

impl Engine {
    #[cfg(feature = "cluster")]
    fn of(section: &mut Section<'_>, url: Secret) -> Self {
        use crate::log::cluster::ClusterLog;
        if let Err(error) = ClusterLog::check_url(url.expose()) {
            section.problem("url", format_args!("{error}; write `esdb://user:password@host:2113`, or remove the key"));
        }
        Self::Cluster(url)
    }

    #[cfg(not(feature = "cluster"))]
    fn of(section: &mut Section<'_>, _: super::secret::Secret) -> Self {
        let problem = "it asks for the cluster engine, which this program was built without; build it with \
                       `--features cluster`, or remove the key to use the embedded engine";
        section.problem("url", problem);
        Self::Embedded
    }
}

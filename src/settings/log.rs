//! `[log]`: which engine holds the log, how far a node may lag behind it, and who signs it.

use super::checkpoints::Checkpoints;
use super::reader::Section;
use super::secret::Secret;
use crate::log::postgres::{self, PostgresLog};
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
    /// PostgreSQL, by its connection string; a secret, because it may hold a password.
    Postgres(Secret),
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
    fn of(section: &mut Section<'_>, url: Secret) -> Self {
        if !postgres::is_ours(url.expose()) {
            return Self::cluster(section, url);
        }
        if let Err(error) = PostgresLog::check_url(url.expose()) {
            let advice = "write `postgres://user:password@host1,host2/database`, or remove the key";
            section.problem("url", format_args!("{error}; {advice}"));
        }
        Self::Postgres(url)
    }

    #[cfg(feature = "cluster")]
    fn cluster(section: &mut Section<'_>, url: Secret) -> Self {
        use crate::log::cluster::ClusterLog;
        if let Err(error) = ClusterLog::check_url(url.expose()) {
            let advice =
                "write `postgres://user:password@host/database` or `esdb://user:password@host:2113`, or remove the key";
            section.problem("url", format_args!("{error}; {advice}"));
        }
        Self::Cluster(url)
    }

    #[cfg(not(feature = "cluster"))]
    fn cluster(section: &mut Section<'_>, _: Secret) -> Self {
        let problem = "it is no address of PostgreSQL (`postgres://…`), and the cluster engine is not built in; write one, build \
                       with `--features cluster`, or remove the key to use the embedded engine";
        section.problem("url", problem);
        Self::Embedded
    }
}

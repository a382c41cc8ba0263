//! `[log]`: which engine holds the log.

use super::reader::Section;
#[cfg(feature = "cluster")]
use super::secret::Secret;

/// Where the event log is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Log {
    /// One file below the data directory.
    Embedded,
    /// A KurrentDB cluster, by its connection string; a secret, because it may hold a password.
    #[cfg(feature = "cluster")]
    Cluster(Secret),
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        section.secret("url").map_or(Self::Embedded, |url| Self::of(section, url))
    }

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

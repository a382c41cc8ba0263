//! `[log]`: which engine holds the log.

use super::reader::Section;

/// Where the event log is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Log {
    /// One file below the data directory.
    Embedded,
}

impl Log {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        if let Some(url) = section.text("url") {
            section.problem(
                "url",
                format_args!(
                    "`{url}` asks for the cluster engine, which this version does not have; \
                     remove the key to use the embedded one"
                ),
            );
        }
        section.finish();
        Self::Embedded
    }
}

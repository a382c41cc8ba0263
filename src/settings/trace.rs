//! `[trace]`: what the running service says.

use super::reader::Section;
use std::str::FromStr;
use tracing_subscriber::EnvFilter;

/// What the running service says on stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Levels, as tracing's filters are written.
    pub filter: String,
    /// Shape of a line.
    pub format: TraceFormat,
}

/// Shape of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

impl FromStr for TraceFormat {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(()),
        }
    }
}

impl Trace {
    pub(super) fn read(mut section: Section<'_>) -> Self {
        let filter = section.text("filter").unwrap_or_else(|| "info".to_owned());
        if filter.parse::<EnvFilter>().is_err() {
            section.problem("filter", format_args!("a level such as \"info\" is needed, not `{filter}`"));
        }
        let format = section.parsed("format", "\"text\" or \"json\"").unwrap_or(TraceFormat::Text);
        section.finish();
        Self { filter, format }
    }
}

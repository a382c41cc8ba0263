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
    /// Address of the OpenTelemetry collector that spans are sent to; `None` if they are not.
    #[cfg(feature = "telemetry")]
    pub otlp: Option<String>,
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
        let otlp = section.text("otlp");
        if let Some(problem) = otlp.as_deref().and_then(problem_of) {
            section.problem("otlp", problem);
        }
        section.finish();
        Self {
            filter,
            format,
            #[cfg(feature = "telemetry")]
            otlp,
        }
    }
}

/// Says what is wrong with a collector's address.
#[cfg(feature = "telemetry")]
fn problem_of(address: &str) -> Option<String> {
    let uri = address.parse::<ureq::http::Uri>().ok();
    let fits = uri.is_some_and(|uri| {
        let host = uri.host().is_some_and(|host| !host.is_empty());
        uri.scheme_str() == Some("http") && host && uri.query().is_none()
    });
    (!fits).then(|| {
        format!(
            "`http://`, a host and a port are needed, such as \"http://127.0.0.1:4318\", not `{address}`; for TLS, put a \
             collector beside the service that sends on"
        )
    })
}

/// Says what is wrong with a collector's address.
#[cfg(not(feature = "telemetry"))]
fn problem_of(_: &str) -> Option<String> {
    let problem = "it asks for spans to be sent, which this program was built without; build it with `--features telemetry`, \
                   or remove the key";
    Some(problem.to_owned())
}

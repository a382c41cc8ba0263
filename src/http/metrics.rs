//! Counts of requests, in the text form that Prometheus reads.

use actix_web::http::Method;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the buckets of durations, seconds.
const BOUNDS: [f64; 8] = [0.001, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// Returns the name of a method: those of HTTP by their own, whatever else somebody invents by one for all (as OpenTelemetry
/// has it), or every request could add a line.
pub(super) fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::TRACE => "TRACE",
        Method::CONNECT => "CONNECT",
        _ => "_OTHER",
    }
}

/// Counts of requests by method, route and status.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<BTreeMap<(&'static str, String, u16), Timing>>);

#[derive(Debug, Default)]
struct Timing {
    count: u64,
    seconds: f64,
    buckets: [u64; BOUNDS.len()],
}

impl Metrics {
    /// Counts an answer.
    pub fn count(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timing = counts.entry((method_name(method), route.to_owned(), status)).or_default();
        timing.count += 1;
        timing.seconds += seconds;
        for (bucket, bound) in timing.buckets.iter_mut().zip(BOUNDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Writes the counts.
    pub fn write(&self, text: &mut String) {
        let name = "warnlight_http_request_seconds";
        let _ = writeln!(text, "# HELP {name} Time from request to the head of the answer.\n# TYPE {name} histogram");
        for ((method, route, status), timing) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels = format!("method=\"{method}\",route=\"{route}\",status=\"{status}\"");
            for (bucket, bound) in timing.buckets.iter().zip(BOUNDS) {
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {bucket}");
            }
            let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", timing.count);
            let _ = writeln!(text, "{name}_sum{{{labels}}} {}", timing.seconds);
            let _ = writeln!(text, "{name}_count{{{labels}}} {}", timing.count);
        }
    }
}

/// Writes one figure.
pub(super) fn figure(text: &mut String, kind: &str, name: &str, help: &str, value: impl Display) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_in_every_bucket_above_it() {
        let metrics = Metrics::default();
        metrics.count(&Method::GET, "/", 200, Duration::from_millis(20));
        let mut text = String::new();
        metrics.write(&mut text);
        assert!(text.contains("le=\"0.01\"} 0\n"), "{text}");
        assert!(text.contains("le=\"0.025\"} 1\n"), "{text}");
        assert!(text.contains("le=\"+Inf\"} 1\n"), "{text}");
    }

    #[test]
    fn invented_methods_are_counted_as_one() {
        let metrics = Metrics::default();
        for number in 0..30 {
            let method = Method::from_bytes(format!("X{number}").as_bytes()).unwrap();
            metrics.count(&method, "-", 404, Duration::ZERO);
        }
        let mut text = String::new();
        metrics.write(&mut text);
        assert!(text.contains("method=\"_OTHER\",route=\"-\",status=\"404\"} 30\n"), "{text}");
        assert!(!text.contains("X7") && text.lines().count() < 20, "{text}");
    }
}

//! The trail that a request is on: its caller's by `traceparent`, or a new one.
//!
//! The answer names it in `Warnlight-Trace`. W3C has a header for answers, `traceresponse`, but took it out of Trace Context
//! Level 2 before the Candidate Recommendation; it is in the draft of Level 3 only, so its form may still change.

use super::metrics::method_name;
use crate::domain::envelope::Position;
use crate::trail::{self, Kind, Parent, Span, Value};
use actix_web::http::Method;
use actix_web::http::header::HeaderMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;
use uuid::Uuid;

/// Header of answers: the trace id, 32 hexadecimal digits.
pub(super) const HEADER: &str = "warnlight-trace";

/// The trail of a request.
#[derive(Debug, Clone)]
pub struct Traced {
    trace: Uuid,
    span: u64,
    parent: Option<u64>,
    began: SystemTime,
    reached: Arc<AtomicU64>,
}

impl Traced {
    /// Returns the trail of a request with these headers. A `traceparent` that is malformed, or there twice, is passed over.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut given = headers.get_all("traceparent");
        let parent = match (given.next(), given.next()) {
            (Some(one), None) => one.to_str().ok().and_then(Parent::parse),
            _ => None,
        };
        Self {
            trace: parent.map_or_else(trail::new_trace, |parent| parent.trace),
            span: trail::span_of(Uuid::new_v4()),
            parent: parent.map(|parent| parent.span),
            began: trail::now(),
            reached: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Returns the trace id.
    #[must_use]
    pub const fn trace(&self) -> Uuid {
        self.trace
    }

    /// Tells of an event that a command of this request led to, recorded since `began`: its trail is `trace`.
    pub(crate) fn recorded(&self, trace: Uuid, event: Uuid, position: Position, began: SystemTime) {
        self.reached.fetch_max(position, Ordering::Relaxed);
        trail::export(|| {
            Some(Span {
                trace,
                id: trail::span_of(event),
                // A CloudEvent may bring a trail of its own, where the request has no span.
                parent: (trace == self.trace).then_some(self.span),
                kind: Kind::Internal,
                name: "decide and append".into(),
                began,
                ended: trail::now(),
                failed: false,
                attributes: vec![
                    ("warnlight.log.position", Value::Number(position)),
                    ("warnlight.event.id", Value::Text(event.to_string().into())),
                ],
            })
        });
    }

    /// Tells of the answer to a request that could change something.
    pub(super) fn answered(&self, method: &Method, route: &str, status: u16) {
        trail::export(|| {
            let mut attributes = vec![
                ("http.request.method", Value::Text(method_name(method).into())),
                ("http.route", Value::Text(route.to_owned().into())),
                ("http.response.status_code", Value::Number(status.into())),
            ];
            let reached = self.reached.load(Ordering::Relaxed);
            if reached > 0 {
                attributes.push(("warnlight.log.position", Value::Number(reached)));
            }
            Some(Span {
                trace: self.trace,
                id: self.span,
                parent: self.parent,
                kind: Kind::Server,
                name: format!("{} {route}", method_name(method)).into(),
                began: self.began,
                ended: trail::now(),
                failed: status >= 500,
                attributes,
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const GIVEN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&'static str]) -> Traced {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HeaderName::from_static("traceparent"), HeaderValue::from_static(value));
        }
        Traced::of(&headers)
    }

    #[test]
    fn a_request_goes_on_with_its_callers_trace_in_a_span_of_its_own() {
        let (one, two) = (of(&[GIVEN]), of(&[GIVEN]));
        assert_eq!(one.trace().simple().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(one.parent, Some(0x00f0_67aa_0ba9_02b7));
        assert_ne!(one.span, two.span);
    }

    #[test]
    fn without_a_header_that_can_be_used_every_request_has_a_new_trace() {
        for values in [&[][..], &["nonsense"], &[GIVEN, GIVEN]] {
            let (one, two) = (of(values), of(values));
            assert_ne!(one.trace(), two.trace(), "{values:?}");
            assert!(!one.trace().is_nil());
            assert_eq!(one.parent, None);
        }
    }
}

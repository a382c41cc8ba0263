//! What the desk says about a light change that it recorded: a line and a span of its trail.

use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::LightChanged;
use crate::trail::{self, Kind, Value};
use std::time::SystemTime;

/// Tells of a change that this node recorded at `position`; the look that found it began then.
pub(super) fn light_changed(change: &LightChanged, envelope: &NewEvent, position: Position, began: SystemTime) {
    let code = &change.credit_code;
    tracing::info!(
        trace_id = envelope.correlation.map(|trace| tracing::field::display(trace.simple())),
        merchant.id = %code, light.from = %change.from, light.to = %change.to, position,
        "The light of `{code}` went from {} to {}", change.from, change.to
    );
    trail::export(|| {
        let mut span = trail::recorded("light change", Kind::Internal, envelope, position, began)?;
        span.attributes.extend([
            ("warnlight.merchant.id", Value::Text(code.to_string().into())),
            ("warnlight.light.from", Value::Text(change.from.to_string().into())),
            ("warnlight.light.to", Value::Text(change.to.to_string().into())),
        ]);
        Some(span)
    });
}

//! What the desk says about the light changes that it recorded: a line and a span of the trail for each.

use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::{Event, LightChanged};
use crate::log::contract::Appended;
use crate::trail::{self, Kind, Value};
use std::time::SystemTime;

/// Tells of the light changes among what a look that began then has recorded. What another node recorded first is that
/// node's to tell.
pub(super) fn tell(recorded: &[(Appended, Vec<NewEvent>)], began: SystemTime) {
    for (appended, events) in recorded.iter().filter(|(appended, _)| !appended.repeated) {
        for (position, envelope) in (appended.first..).zip(events) {
            if &*envelope.event_type == "light.changed"
                && let Ok(Event::LightChanged(change)) = envelope.decode()
            {
                one(&change, envelope, position, began);
            }
        }
    }
}

/// A light that keeps its colour while its reasons change went nowhere.
fn sentence(change: &LightChanged) -> String {
    let LightChanged { credit_code: code, from, to, .. } = change;
    if from == to {
        format!("The light of `{code}` is still {to}, for other reasons")
    } else {
        format!("The light of `{code}` went from {from} to {to}")
    }
}

fn one(change: &LightChanged, envelope: &NewEvent, position: Position, began: SystemTime) {
    let code = &change.credit_code;
    tracing::info!(
        trace_id = envelope.correlation.map(|trace| tracing::field::display(trace.simple())),
        merchant.id = %code, light.from = %change.from, light.to = %change.to, position,
        "{}", sentence(change)
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

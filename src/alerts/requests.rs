//! Which rises of a light have no mail request yet, and the driver that asks for them. After a crash between the light and
//! its request, the log shows the gap and it is closed; what was asked for is not asked again.

use super::recipients::Recipients;
use super::request::{self, About};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Position};
use crate::domain::event::{Event, LightChanged};
use crate::domain::time::{Instant, day_of};
use crate::log::contract::{EventLog, LogError};
use crate::trail::{self, Kind};
use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;
use uuid::Uuid;

/// A rise that nobody was told of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rise {
    /// Event id of the change.
    pub id: Uuid,
    /// The change.
    pub change: LightChanged,
}

/// The rises that have no request yet (待发预警). Reads `light.changed` and `mail.requested`; pure.
///
/// Small: a rise leaves as soon as its request is seen.
#[derive(Debug, Clone, Default)]
pub struct Requester {
    open: BTreeMap<Position, Rise>,
    places: HashMap<Uuid, Position>,
}

impl Requester {
    /// Folds the event with this id at this position of the log.
    pub fn apply(&mut self, event: &Event, id: Uuid, position: Position) {
        match event {
            Event::LightChanged(change) if request::asks_for_mail(change) => {
                self.open.insert(position, Rise { id, change: change.clone() });
                self.places.insert(id, position);
            }
            Event::MailRequested(requested) => self.close(requested.change),
            _ => {}
        }
    }

    /// Returns the rises without a request, oldest first.
    pub fn open(&self) -> impl Iterator<Item = &Rise> {
        self.open.values()
    }

    /// Returns them with the positions of their changes.
    pub fn rises(&self) -> impl Iterator<Item = (Position, &Rise)> {
        self.open.iter().map(|(position, rise)| (*position, rise))
    }

    fn close(&mut self, change: Uuid) {
        if let Some(position) = self.places.remove(&change) {
            self.open.remove(&position);
        }
    }
}

/// Asks for the mail of every open rise: who is in charge at `now` according to `recipients` is on the request. Returns how
/// many requests were written. `about` says what is known of a merchant.
///
/// A request that is there already, from before a crash or from another node, counts as asked for.
///
/// # Errors
/// See [`LogError`]; what was not written stays open and is asked for by the next call.
pub fn ask(
    requester: &mut Requester,
    log: &dyn EventLog,
    recipients: &Recipients,
    about: &mut dyn FnMut(&CreditCode) -> About,
    now: Instant,
) -> Result<usize, LogError> {
    let began = trail::now();
    // All are handed over before the first is waited for: they share disk writes when many lights rise at once.
    let pending: Vec<_> = requester
        .rises()
        .map(|(position, rise)| {
            let about = about(&rise.change.credit_code);
            let told = recipients.recipients_for(about.sector.as_deref(), about.division, day_of(now));
            if told.is_empty() {
                tracing::warn!(
                    merchant.id = %rise.change.credit_code,
                    light.to = %rise.change.to,
                    "Nobody is named for `{}`: its light rose and no mail can be sent", rise.change.credit_code
                );
            }
            // The mail goes on the trail of its light change.
            let trail = log.event_at(position)?.and_then(|recorded| recorded.event.correlation);
            let append = request::request(rise.id, trail, &rise.change, &about, told, now);
            Ok(append.map(|append| (rise.id, append.events.first().cloned(), log.submit(append))))
        })
        .filter_map(Result::transpose)
        .collect::<Result<_, LogError>>()?;
    let mut written = 0;
    let mut outcome = Ok(());
    for (change, event, pending) in pending {
        match pending.wait() {
            Ok(appended) => {
                written += usize::from(!appended.repeated);
                if let Some(event) = event.filter(|_| !appended.repeated) {
                    asked_for(&event, appended.first, began);
                }
                requester.close(change);
            }
            // Another node asked with its own list of recipients; its request counts.
            Err(LogError::Conflict { .. } | LogError::Duplicate { .. }) => requester.close(change),
            Err(error) => outcome = Err(error),
        }
    }
    outcome.map(|()| written)
}

/// Tells of a request that this node wrote.
fn asked_for(event: &NewEvent, position: Position, began: SystemTime) {
    tracing::info!(
        trace_id = event.correlation.map(|trace| tracing::field::display(trace.simple())),
        position,
        "A mail was asked for"
    );
    trail::export(|| trail::recorded("mail request", Kind::Internal, event, position, began));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::request::tests::change;
    use crate::domain::words::Light;

    fn requested(id: Uuid, change: &LightChanged) -> Event {
        let append = request::request(id, None, change, &About::default(), Vec::new(), change.at).unwrap();
        append.events[0].decode().unwrap()
    }

    #[test]
    fn a_rise_is_open_until_its_request_is_seen() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rise = change(Light::Green, Light::Red, true);
        let mut requester = Requester::default();
        requester.apply(&Event::LightChanged(rise.clone()), one, 10);
        requester.apply(&Event::LightChanged(change(Light::Red, Light::Green, true)), Uuid::from_u128(3), 11);
        requester.apply(&Event::LightChanged(rise.clone()), two, 12);
        assert_eq!(requester.open().map(|rise| rise.id).collect::<Vec<_>>(), [one, two]);

        requester.apply(&requested(one, &rise), Uuid::from_u128(4), 13);
        requester.apply(&requested(one, &rise), Uuid::from_u128(4), 13);
        assert_eq!(requester.open().map(|rise| rise.id).collect::<Vec<_>>(), [two]);
    }

    #[test]
    fn a_rebuild_over_a_log_with_all_requests_asks_for_nothing() {
        let rise = change(Light::Green, Light::Red, true);
        let mut requester = Requester::default();
        for number in 0..50 {
            let id = Uuid::from_u128(number);
            requester.apply(&Event::LightChanged(rise.clone()), id, 2 * number as u64);
            requester.apply(&requested(id, &rise), Uuid::from_u128(1000 + number), 2 * number as u64 + 1);
        }
        assert_eq!(requester.open().count(), 0);
        assert!(requester.places.is_empty());
    }
}

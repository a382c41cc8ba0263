//! The rises of lights that have no mail request yet (待发预警). Small: a rise leaves as soon as its request is seen. After
//! a crash between the light and its request, the gap shows here.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::envelope::Position;
use crate::domain::event::{Event, LightChanged};
use imbl::{HashMap, OrdMap};
use std::sync::Arc;
use uuid::Uuid;

/// A rise that nobody was told of yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rise {
    /// Event id of the change.
    pub id: Uuid,
    /// The change.
    pub change: LightChanged,
}

/// The rises without a request: a fold of `light.changed` and `mail.requested`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rises {
    open: OrdMap<Position, Arc<Rise>>,
    places: HashMap<Uuid, Position>,
}

impl Rises {
    /// Folds the event with this id at this position of the log.
    pub fn apply(&mut self, event: &Event, id: Uuid, position: Position) {
        match event {
            Event::LightChanged(change) if change.asks_for_mail() => {
                self.insert(position, Rise { id, change: change.clone() });
            }
            // A mail that calls for something is not the one that tells of the rise.
            Event::MailRequested(requested) => {
                let told = requested.tells_of().and_then(|change| self.places.remove(&change));
                if let Some(position) = told {
                    self.open.remove(&position);
                }
            }
            _ => {}
        }
    }

    fn insert(&mut self, position: Position, rise: Rise) {
        self.places.insert(rise.id, position);
        self.open.insert(position, Arc::new(rise));
    }

    /// Returns them with the positions of their changes, oldest first.
    pub fn open(&self) -> impl Iterator<Item = (Position, &Arc<Rise>)> {
        self.open.iter().map(|(position, rise)| (*position, rise))
    }

    /// Says whether everybody was told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

impl Part for Rises {
    type Kept = (Position, Rise);

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        self.apply(seen.event, seen.id, seen.stamp.position);
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for (position, rise) in self.open() {
            keep.one(|out| {
                position.put(out);
                rise.put(out);
            });
        }
    }

    fn restore(&mut self, (position, rise): Self::Kept) {
        self.insert(position, rise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alerts::request::tests::change;
    use crate::alerts::request::{self, About};
    use crate::domain::words::Light;

    fn requested(id: Uuid, change: &LightChanged) -> Event {
        let append = request::request(id, None, change, &About::default(), Vec::new(), Vec::new(), change.at).unwrap();
        append.events[0].decode().unwrap()
    }

    #[test]
    fn a_rise_is_open_until_its_request_is_seen() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rise = change(Light::Green, Light::Red, true);
        let mut rises = Rises::default();
        rises.apply(&Event::LightChanged(rise.clone()), one, 10);
        rises.apply(&Event::LightChanged(change(Light::Red, Light::Green, true)), Uuid::from_u128(3), 11);
        rises.apply(&Event::LightChanged(rise.clone()), two, 12);
        assert_eq!(rises.open().map(|(_, rise)| rise.id).collect::<Vec<_>>(), [one, two]);

        rises.apply(&requested(one, &rise), Uuid::from_u128(4), 13);
        rises.apply(&requested(one, &rise), Uuid::from_u128(4), 13);
        assert_eq!(rises.open().map(|(_, rise)| rise.id).collect::<Vec<_>>(), [two]);
    }

    #[test]
    fn a_rebuild_over_a_log_with_all_requests_asks_for_nothing() {
        let rise = change(Light::Green, Light::Red, true);
        let mut rises = Rises::default();
        for number in 0..50 {
            let id = Uuid::from_u128(number);
            rises.apply(&Event::LightChanged(rise.clone()), id, 2 * number as u64);
            rises.apply(&requested(id, &rise), Uuid::from_u128(1000 + number), 2 * number as u64 + 1);
        }
        assert_eq!(rises.open().count(), 0);
        assert!(rises.is_empty() && rises.places.is_empty());
    }
}

//! The shelf of the newest picture, for whoever asks.

use super::Shelf;
use crate::domain::time::Instant;
use crate::picture::Picture;
use std::sync::{Arc, Mutex, PoisonError};

/// The shelf of the newest picture. It is made when it is first asked for.
#[derive(Debug, Default)]
pub struct Newest(Mutex<Kept>);

/// Rounds of tending after which a shelf is given back that nobody asked for.
const IDLE: u32 = 600;

#[derive(Debug, Default)]
struct Kept {
    shelf: Option<Arc<Shelf>>,
    /// How often it was tended since somebody asked for it.
    idle: u32,
}

impl Newest {
    /// Returns the newest picture with its shelf. Whoever comes while another one brings it up to date waits for that: microseconds,
    /// unless it is the first time, or the first of a day.
    pub fn shelf(&self, picture: impl FnOnce() -> Arc<Picture>, now: Instant) -> (Arc<Picture>, Arc<Shelf>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.idle = 0;
        // Taken behind the lock: a shelf goes forward only.
        let picture = picture();
        let shelf = kept.caught_up(&picture, now);
        (picture, shelf)
    }

    /// Brings a shelf up to date, if there is one, and gives it back when nobody asks for it any more. To be called every second or so: a
    /// shelf keeps those merchants of an older picture from being freed that have changed since.
    pub fn tend(&self, picture: impl FnOnce() -> Arc<Picture>, now: Instant) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.idle = kept.idle.saturating_add(1);
        if kept.idle > IDLE {
            kept.shelf = None;
        } else if kept.shelf.is_some() {
            kept.caught_up(&picture(), now);
        }
    }
}

#[cfg(test)]
impl Newest {
    /// Says whether there is a shelf.
    pub(super) fn is_kept(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).shelf.is_some()
    }
}

impl Kept {
    fn caught_up(&mut self, picture: &Picture, now: Instant) -> Arc<Shelf> {
        let shelf = match self.shelf.take() {
            None => Arc::new(Shelf::of(picture, now)),
            Some(mut shelf) => {
                Arc::make_mut(&mut shelf).catch_up(picture, now);
                shelf
            }
        };
        self.shelf = Some(shelf.clone());
        shelf
    }
}

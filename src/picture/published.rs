//! Where the newest picture is found.

use super::Picture;
use crate::domain::envelope::Position;
use arc_swap::ArcSwap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The newest picture. Taking it costs a count and waits for nobody; it stays as it is for as long as it is held.
#[derive(Debug)]
pub struct Published {
    newest: ArcSwap<Picture>,
    /// Its position, for threads that wait.
    reached: Mutex<Position>,
    moved: Condvar,
    /// Its position, for tasks that wait.
    feed: watch::Sender<Position>,
}

impl Published {
    /// Publishes a first picture.
    #[must_use]
    pub fn new(picture: Picture) -> Arc<Self> {
        let position = picture.position;
        Arc::new(Self {
            newest: ArcSwap::from_pointee(picture),
            reached: Mutex::new(position),
            moved: Condvar::new(),
            feed: watch::Sender::new(position),
        })
    }

    /// Publishes a picture in the place of the one before.
    pub fn put(&self, picture: Picture) {
        let position = picture.position;
        self.newest.store(Arc::new(picture));
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = position;
        self.moved.notify_all();
        self.feed.send_replace(position);
    }

    /// Returns the newest picture.
    #[must_use]
    pub fn picture(&self) -> Arc<Picture> {
        self.newest.load_full()
    }

    /// Returns the newest picture's position.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.feed.borrow()
    }

    /// Returns a feed of the newest picture's position: the one number that a reader may count on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Position> {
        self.feed.subscribe()
    }

    /// Waits until the picture includes a position, at most for `patience`. Returns the newest picture either way.
    #[must_use]
    pub fn wait_for(&self, position: Position, patience: Duration) -> Arc<Picture> {
        let reached = self.reached.lock().unwrap_or_else(PoisonError::into_inner);
        // The answer is the picture itself, whether or not it came in time.
        drop(self.moved.wait_timeout_while(reached, patience, |reached| *reached < position));
        self.picture()
    }
}

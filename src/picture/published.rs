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
        // Threads are woken last: whoever was woken reads the newest picture and the newest position.
        self.feed.send_replace(position);
        *self.reached.lock().unwrap_or_else(PoisonError::into_inner) = position;
        self.moved.notify_all();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policies;

    /// Long enough for whatever is not held up.
    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn nobody_waits_for_what_is_there_and_whoever_waits_is_woken() {
        let mut picture = Picture::new(Arc::new(Policies::built_in().unwrap()));
        picture.position = 5;
        let published = Published::new(picture.clone());
        let (tell, told) = std::sync::mpsc::channel();
        // Days of patience: whoever waits for anything but the picture does not come back.
        let ask = |position: Position| {
            let (published, tell) = (published.clone(), tell.clone());
            std::thread::spawn(move || {
                let seen = published.wait_for(position, LONG * 10_000).position;
                tell.send((position, seen)).unwrap();
            })
        };
        for position in [0, 4, 5] {
            ask(position);
            assert_eq!(told.recv_timeout(LONG), Ok((position, 5)));
        }
        for position in [6, 7] {
            ask(position);
            picture.position = position;
            published.put(picture.clone());
            assert_eq!(told.recv_timeout(LONG), Ok((position, position)));
        }
    }

    #[test]
    fn whoever_waited_for_a_position_finds_it_everywhere() {
        const LAST: Position = 20_000;
        let mut picture = Picture::new(Arc::new(Policies::built_in().unwrap()));
        let published = Published::new(picture.clone());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for position in 1..=LAST {
                        let seen = published.wait_for(position, Duration::from_secs(60));
                        assert!(seen.position >= position, "{} is not {position}", seen.position);
                        assert!(published.position() >= position && *published.changes().borrow() >= position);
                    }
                });
            }
            for position in 1..=LAST {
                picture.position = position;
                published.put(picture.clone());
            }
        });
        assert_eq!(published.wait_for(LAST + 1, Duration::ZERO).position, LAST, "patience ends");
    }
}

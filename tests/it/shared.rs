//! Logs made from other logs: what a double does not do itself, it forwards.

use std::sync::Arc;
use std::time::Duration;
use warnlight::log::contract::{Append, EventLog, Pending};
use warnlight::picture::{Picture, Published};
use warnlight::policy::Policies;

/// In `impl EventLog for …`: forwards everything but `submit`, or everything but `submit` and another, to a field. What the
/// contract gets later is forwarded here once.
macro_rules! forward {
    ($field:tt) => {
        fn is_shared(&self) -> bool {
            self.$field.is_shared()
        }

        crate::shared::forward!($field, but is_shared);
    };
    ($field:tt, but is_shared) => {
        fn subscribe(
            &self,
            after: ::warnlight::domain::envelope::Position,
        ) -> Result<Box<dyn ::warnlight::log::contract::Subscription>, ::warnlight::log::contract::LogError> {
            self.$field.subscribe(after)
        }

        crate::shared::forward!($field, but is_shared, subscribe);
    };
    ($field:tt, but subscribe) => {
        fn is_shared(&self) -> bool {
            self.$field.is_shared()
        }

        crate::shared::forward!($field, but is_shared, subscribe);
    };
    ($field:tt, but position_at) => {
        fn is_shared(&self) -> bool {
            self.$field.is_shared()
        }

        fn subscribe(
            &self,
            after: ::warnlight::domain::envelope::Position,
        ) -> Result<Box<dyn ::warnlight::log::contract::Subscription>, ::warnlight::log::contract::LogError> {
            self.$field.subscribe(after)
        }

        crate::shared::forward!($field, but is_shared, subscribe, position_at);
    };
    ($field:tt, but is_shared, subscribe) => {
        fn position_at(
            &self,
            at: ::warnlight::domain::time::Instant,
        ) -> Result<::warnlight::domain::envelope::Position, ::warnlight::log::contract::LogError> {
            self.$field.position_at(at)
        }

        fn takes_appends(&self) -> Result<(), ::warnlight::log::contract::LogError> {
            self.$field.takes_appends()
        }

        crate::shared::forward!($field, but is_shared, subscribe, position_at, takes_appends);
    };
    ($field:tt, but is_shared, subscribe, position_at) => {
        fn takes_appends(&self) -> Result<(), ::warnlight::log::contract::LogError> {
            self.$field.takes_appends()
        }

        crate::shared::forward!($field, but is_shared, subscribe, position_at, takes_appends);
    };
    ($field:tt, but takes_appends) => {
        fn is_shared(&self) -> bool {
            self.$field.is_shared()
        }

        fn subscribe(
            &self,
            after: ::warnlight::domain::envelope::Position,
        ) -> Result<Box<dyn ::warnlight::log::contract::Subscription>, ::warnlight::log::contract::LogError> {
            self.$field.subscribe(after)
        }

        fn position_at(
            &self,
            at: ::warnlight::domain::time::Instant,
        ) -> Result<::warnlight::domain::envelope::Position, ::warnlight::log::contract::LogError> {
            self.$field.position_at(at)
        }

        crate::shared::forward!($field, but is_shared, subscribe, position_at, takes_appends);
    };
    ($field:tt, but is_shared, subscribe, position_at, takes_appends) => {
        fn head(&self) -> ::warnlight::domain::envelope::Position {
            self.$field.head()
        }

        fn behind(&self) -> ::std::time::Duration {
            self.$field.behind()
        }

        fn folder(&self) -> Option<&::std::path::Path> {
            self.$field.folder()
        }

        fn read_stream(
            &self,
            stream: &str,
            from: ::warnlight::domain::envelope::Revision,
            limit: usize,
        ) -> Result<Vec<::warnlight::domain::envelope::Recorded>, ::warnlight::log::contract::LogError> {
            self.$field.read_stream(stream, from, limit)
        }

        fn read_all(
            &self,
            after: ::warnlight::domain::envelope::Position,
            limit: usize,
        ) -> Result<Vec<::warnlight::domain::envelope::Recorded>, ::warnlight::log::contract::LogError> {
            self.$field.read_all(after, limit)
        }

        fn scan_unchecked(
            &self,
            after: ::warnlight::domain::envelope::Position,
            visit: &mut dyn FnMut(::warnlight::log::contract::EventRef<'_>) -> ::std::ops::ControlFlow<()>,
        ) -> Result<(), ::warnlight::log::contract::LogError> {
            self.$field.scan_unchecked(after, visit)
        }

        fn ids_at(
            &self,
            positions: &[::warnlight::domain::envelope::Position],
        ) -> Result<Vec<::uuid::Uuid>, ::warnlight::log::contract::LogError> {
            self.$field.ids_at(positions)
        }

        fn find_key(
            &self,
            key: &str,
        ) -> Result<Option<::warnlight::log::contract::Appended>, ::warnlight::log::contract::LogError> {
            self.$field.find_key(key)
        }

        fn verify(
            &self,
            progress: &mut dyn FnMut(u64, u64),
        ) -> Result<::warnlight::log::contract::Verified, ::warnlight::log::contract::LogError> {
            self.$field.verify(progress)
        }

        fn backup(
            &self,
            target: &::std::path::Path,
        ) -> Result<::warnlight::log::contract::Verified, ::warnlight::log::contract::LogError> {
            self.$field.backup(target)
        }
    };
}

pub(crate) use forward;

/// A log that says it is shared: for several workers or desks of one test, each with a clone of it, as nodes on a cluster's
/// log are. Unlike there, all of them see an event at the same moment.
#[derive(Clone)]
pub(crate) struct Shared(pub(crate) Arc<dyn EventLog>);

impl EventLog for Shared {
    fn submit(&self, append: Append) -> Pending {
        self.0.submit(append)
    }

    fn is_shared(&self) -> bool {
        true
    }

    forward!(0, but is_shared);
}

/// Returns the picture of a log, kept up with it by a thread as a desk would, for as long as somebody holds it.
pub(crate) fn picture_of(log: &Arc<dyn EventLog>) -> Arc<Published> {
    let mut picture = Picture::replay(&**log, Arc::new(Policies::built_in().unwrap())).unwrap();
    let published = Published::new(picture.clone());
    let (log, held) = (log.clone(), Arc::downgrade(&published));
    std::thread::spawn(move || {
        let mut feed = log.subscribe(picture.position).unwrap();
        while let Some(published) = held.upgrade() {
            // A log that cannot be read now is read later.
            for recorded in feed.next(Duration::from_millis(50)).unwrap_or_default() {
                picture.fold_recorded(&recorded, &*log).unwrap();
            }
            if picture.position > published.position() {
                published.put(picture.clone());
            }
        }
    });
    published
}

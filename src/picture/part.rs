//! What a part of the picture is, and the one list of them.

use super::snapshot::{Keep, Stored};
use crate::domain::event::{DecodeError, Event};
use crate::domain::fold::Stamp;
use crate::domain::words::UnknownWord;
use crate::log::contract::LogError;
use std::sync::Arc;
use uuid::Uuid;

/// An event, as a part is shown it.
#[derive(Debug, Clone, Copy)]
pub struct SeenEvent<'a> {
    /// Where it stands and when it was recorded.
    pub stamp: Stamp,
    /// Its id.
    pub id: Uuid,
    /// What led to it.
    pub causation: Option<Uuid>,
    /// Who says so.
    pub actor: &'a Arc<str>,
    /// What it says.
    pub event: &'a Event,
}

/// Why an event could not be folded: it says something this software does not know, so nobody may guess what follows.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// Its payload.
    #[error(transparent)]
    Payload(#[from] DecodeError),
    /// A word in it.
    #[error("{0}; update Warnlight")]
    Word(#[from] UnknownWord),
    /// What it is about cannot be read from the log.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// A part of the picture: a pure fold of the log that a snapshot can keep. A copy is cheap, because there is one after
/// every batch: large parts share what did not change ([`crate::domain::pages`], or a persistent collection).
pub(super) trait Part: Clone + Default + Send + Sync + 'static {
    /// One thing as a snapshot keeps it.
    type Kept: Stored + Send + 'static;

    /// Folds one event.
    ///
    /// # Errors
    /// When it says a word that this software does not know.
    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError>;

    /// Hands over everything the part holds, for a snapshot.
    fn keep(&self, keep: &mut Keep<'_>);

    /// Takes back one thing, in the order kept.
    fn restore(&mut self, kept: Self::Kept);
}

/// Makes the picture of its parts: `tag: name: Type`. Tags name the parts in snapshots; one that was used is not used again
/// for another part.
macro_rules! parts {
    ($($(#[$doc:meta])* $tag:literal: $name:ident: $part:ty),+ $(,)?) => {
        /// Everything the log tells up to a position.
        #[derive(Debug, Clone)]
        pub struct Picture {
            /// Position of the last event folded.
            pub position: Position,
            /// Policies that lights are judged by here.
            pub policies: Arc<Policies>,
            $($(#[$doc])* pub $name: $part,)+
        }

        impl Picture {
            /// Returns the picture of an empty log.
            #[must_use]
            pub fn new(policies: Arc<Policies>) -> Self {
                Self { position: 0, policies, $($name: <$part>::default(),)+ }
            }

            fn fold_parts(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
                $(Part::fold(&mut self.$name, seen)?;)+
                Ok(())
            }

            /// Hands every part over to a snapshot.
            fn keep_parts(&self, keep: &mut snapshot::Keep<'_>) {
                $(keep.part($tag, |keep| self.$name.keep(keep));)+
            }

            /// Reads things of one part as kept; `None` if they are none. They are put into a picture later, in order.
            fn read_part(tag: u8, count: usize, from: &mut &[u8]) -> Option<snapshot::Restore> {
                match tag {
                    $($tag => {
                        let kept: Vec<<$part as Part>::Kept> = snapshot::read_all(count, from)?;
                        Some(Box::new(move |picture: &mut Self| {
                            kept.into_iter().for_each(|one| picture.$name.restore(one));
                        }))
                    })+
                    _ => None,
                }
            }
        }
    };
}

pub(super) use parts;

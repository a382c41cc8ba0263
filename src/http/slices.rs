//! A long answer, handed to the network slice by slice.
//!
//! A thread that takes commands also sends answers. Megabytes handed to it at once are copied at once, and every command behind
//! them waits; slices with pauses let them through.

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Sleep, sleep};

/// Bytes of a slice: copied in less time than a command takes.
const SLICE: usize = 128 * 1024;
/// From one slice to the next: the thread sees to others in between.
const PAUSE: Duration = Duration::from_millis(1);

/// A body in slices.
#[derive(Debug)]
pub(super) struct Slices {
    rest: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Slices {
    /// Slices a body.
    pub(super) fn of(whole: Vec<u8>) -> Self {
        Self { rest: whole.into(), pause: None }
    }
}

impl MessageBody for Slices {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.rest.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(SLICE);
        let slice = self.rest.split_to(length);
        // The last one needs no pause behind it.
        self.pause = (!self.rest.is_empty()).then(|| Box::pin(sleep(PAUSE)));
        Poll::Ready(Some(Ok(slice)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;
    use std::future::poll_fn;

    #[test]
    fn slices_are_the_whole_and_none_is_long() {
        actix_web::rt::System::new().block_on(async {
            for length in [0, 1, SLICE, SLICE + 1, 5 * SLICE / 2] {
                let whole: Vec<u8> = (0..length).map(|number| number as u8).collect();
                let mut slices = Slices::of(whole.clone());
                assert_eq!(slices.size(), BodySize::Sized(length as u64));
                let mut put_together = Vec::new();
                while let Some(slice) = poll_fn(|context| Pin::new(&mut slices).poll_next(context)).await {
                    let slice = slice.unwrap();
                    assert!(!slice.is_empty() && slice.len() <= SLICE);
                    put_together.extend_from_slice(&slice);
                }
                assert!(put_together == whole, "{length} bytes");
                assert_eq!(to_bytes(Slices::of(whole)).await.unwrap().len(), length);
            }
        });
    }
}

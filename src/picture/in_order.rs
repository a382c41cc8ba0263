//! Work in order on several processors: one thread brings pieces, several change them, the caller takes them in the order
//! they were brought.

use crossbeam_channel::{Receiver, Sender, bounded};
use std::ops::ControlFlow;
use std::thread::{Builder, available_parallelism, scope};

/// Pieces under way to and from each worker: enough that nobody waits for a hiccup of the other.
const UNDER_WAY: usize = 2;

/// Returns how many processors there are, at most four: nothing here is worth more.
pub(super) fn processors() -> usize {
    available_parallelism().map_or(1, |cores| cores.get().min(4))
}

/// Brings pieces by `produce`, changes each on one of `workers` threads by what `transformer` makes for that thread, and hands
/// them to `consume` in their order.
/// Ends early, with the error, when one of the three fails; `produce` is told by a break to stop.
///
/// # Errors
/// The first error in the order of the pieces, or that no thread could be started.
pub(super) fn in_order<A: Send, B: Send, E: Send + From<std::io::Error>, T: FnMut(A) -> Result<B, E>>(
    name: &str,
    workers: usize,
    produce: impl FnOnce(&mut dyn FnMut(A) -> ControlFlow<()>) -> Result<(), E> + Send,
    transformer: impl Fn() -> T + Sync,
    mut consume: impl FnMut(B) -> Result<(), E>,
) -> Result<(), E> {
    let transformer = &transformer;
    scope(|scope| {
        let mut inboxes: Vec<Sender<A>> = Vec::with_capacity(workers);
        let mut outboxes: Vec<Receiver<Result<B, E>>> = Vec::with_capacity(workers);
        for _ in 0..workers {
            let (inbox, pieces) = bounded::<A>(UNDER_WAY);
            let (done, outbox) = bounded(UNDER_WAY);
            Builder::new().name(format!("{name}-work")).spawn_scoped(scope, move || {
                let mut transform = transformer();
                for piece in pieces {
                    if done.send(transform(piece)).is_err() {
                        return;
                    }
                }
            })?;
            inboxes.push(inbox);
            outboxes.push(outbox);
        }
        let producer = Builder::new().name(format!("{name}-read")).spawn_scoped(scope, move || {
            let mut turns = inboxes.iter().cycle();
            produce(&mut |piece| match turns.next().map(|inbox| inbox.send(piece)) {
                Some(Ok(())) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            })
        })?;
        // Each worker has every so-manieth piece, so taking turns restores the order; the first whose turn brings nothing
        // shows that all were taken.
        for outbox in outboxes.iter().cycle() {
            match outbox.recv() {
                Ok(piece) => consume(piece?)?,
                Err(_) => break,
            }
        }
        drop(outboxes);
        producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    fn numbers(until: u32) -> impl FnOnce(&mut dyn FnMut(u32) -> ControlFlow<()>) -> Result<(), io::Error> + Send {
        move |bring| {
            let _ = (0..until).try_for_each(bring);
            Ok(())
        }
    }

    #[test]
    fn pieces_come_out_in_the_order_they_were_brought() {
        let mut taken = Vec::new();
        in_order(
            "test",
            3,
            numbers(1_000),
            || |number| Ok(number * 2),
            |number| {
                taken.push(number);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(taken, (0..1_000).map(|number| number * 2).collect::<Vec<_>>());
    }

    #[test]
    fn an_error_of_any_part_ends_the_work_and_is_the_answer() {
        let fault = || io::Error::other("fault");
        let broken =
            in_order("test", 3, numbers(u32::MAX), || |n| if n == 70 { Err(fault()) } else { Ok(n) }, |_| Ok(()));
        assert_eq!(broken.unwrap_err().to_string(), "fault");
        let refused = in_order("test", 3, numbers(u32::MAX), || Ok, |n| if n == 70 { Err(fault()) } else { Ok(()) });
        assert_eq!(refused.unwrap_err().to_string(), "fault");
        let unread = in_order("test", 3, |_| Err(fault()), || |n: u32| Ok(n), |_| Ok(()));
        assert_eq!(unread.unwrap_err().to_string(), "fault");
    }
}

//! Where the time of the thread that writes and follows goes: with the server, with the replica, or with the engine's own code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Time spent since the log was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// By the thread, at work.
    pub whole: Duration,
    /// Of that, waiting for the server's answers, the client included.
    pub server: Duration,
    /// Of that, waiting for the replica on this node's disk.
    pub replica: Duration,
}

/// Adds up.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<[AtomicU64; 3]>);

/// What is timed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Spending {
    Whole,
    Server,
    Replica,
}

impl Meter {
    /// Does something and adds the time it took.
    pub(super) fn time<T>(&self, part: Spending, work: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let done = work();
        self.add(part, began.elapsed());
        done
    }

    /// Adds time that something took.
    pub(super) fn add(&self, part: Spending, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let [whole, server, replica] = &*self.0;
        let sum = match part {
            Spending::Whole => whole,
            Spending::Server => server,
            Spending::Replica => replica,
        };
        sum.fetch_add(took, Ordering::Relaxed);
    }

    /// Returns the sums.
    pub(super) fn spent(&self) -> Spent {
        let [whole, server, replica] = &*self.0;
        let read = |sum: &AtomicU64| Duration::from_nanos(sum.load(Ordering::Relaxed));
        Spent { whole: read(whole), server: read(server), replica: read(replica) }
    }
}

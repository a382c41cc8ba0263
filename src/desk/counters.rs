//! Counts of what the desk did since it started.

use std::sync::atomic::{AtomicBool, AtomicU64};

/// Counts of what the desk did since it started.
#[derive(Debug, Default)]
pub struct Counters {
    /// Commands that wrote something.
    pub accepted: AtomicU64,
    /// Commands that were known already.
    pub unchanged: AtomicU64,
    /// Commands refused.
    pub refused: AtomicU64,
    /// Groups of commands made durable together.
    pub batches: AtomicU64,
    /// Light changes recorded.
    pub lights_changed: AtomicU64,
    /// Mails asked for.
    pub mails_requested: AtomicU64,
    /// Failures of the log.
    pub log_failures: AtomicU64,
    /// Requests decided again because another node was faster.
    pub contests: AtomicU64,
    /// Another node put other policies or recipients in force: lights and mail are left to it.
    pub stands_by: AtomicBool,
}

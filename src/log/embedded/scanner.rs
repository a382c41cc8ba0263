//! A thread's way through the log: stretch after stretch, with the names met so far at hand.

use super::rows::Rows;
use super::{SCAN_STREAMS, Shared};
use crate::domain::envelope::Position;
use crate::log::contract::{EventRef, LogError, Scanner};
use std::ops::ControlFlow;

/// A scanner with names of its own.
pub(super) struct OwnNames<'l> {
    shared: &'l Shared,
    rows: Rows,
    /// Where events are written out to be hashed.
    room: Vec<u8>,
}

impl<'l> OwnNames<'l> {
    pub(super) fn new(shared: &'l Shared) -> Self {
        Self { shared, rows: Rows::in_order(SCAN_STREAMS), room: Vec::new() }
    }
}

impl Scanner for OwnNames<'_> {
    fn scan(
        &mut self,
        after: Position,
        until: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let Self { shared, rows, room } = self;
        let mut damage = None;
        shared.scan(rows, (after, until), &mut |seen| match seen.check_in(room) {
            Ok(()) => visit(seen),
            Err(error) => {
                damage = Some(error);
                ControlFlow::Break(())
            }
        })?;
        damage.map_or(Ok(()), Err)
    }
}

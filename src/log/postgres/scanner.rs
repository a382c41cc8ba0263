//! A thread's way through the log: stretch after stretch, on a connection of its own.

use super::Shared;
use super::line::Line;
use super::rows::Walk;
use crate::domain::envelope::Position;
use crate::log::contract::{EventRef, LogError, Scanner};
use std::ops::ControlFlow;

/// A scanner with a connection of its own: whoever is shown an event may read others meanwhile.
pub(super) struct OwnLine<'l> {
    shared: &'l Shared,
    /// Kept from stretch to stretch; opened when it is needed.
    line: Option<Line>,
    /// Where events are written out to be hashed.
    room: Vec<u8>,
}

impl<'l> OwnLine<'l> {
    pub(super) const fn new(shared: &'l Shared) -> Self {
        Self { shared, line: None, room: Vec::new() }
    }

    /// Shows every event after `after` up to `until`, until `visit` breaks; nothing was compared with its digest.
    pub(super) fn show(
        &mut self,
        (after, until): (Position, Position),
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let mut walk = Walk::new(after, until);
        let mut again = true;
        loop {
            let mut line = match self.line.take() {
                Some(line) => line,
                None => self.shared.readers.open()?,
            };
            let rows = match walk.next(&mut line, usize::MAX) {
                Ok(rows) => rows,
                // Once for each piece: the server may have handed over to another.
                Err(_) if again => {
                    again = false;
                    continue;
                }
                Err(fault) => return Err(fault.into()),
            };
            if rows.is_empty() {
                self.line = Some(line);
                return Ok(());
            }
            for row in &rows {
                if let Some(seen) = walk.show(row)?
                    && visit(seen).is_break()
                {
                    return Ok(());
                }
            }
            (self.line, again) = (Some(line), true);
        }
    }
}

impl Scanner for OwnLine<'_> {
    fn scan(
        &mut self,
        after: Position,
        until: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let mut room = std::mem::take(&mut self.room);
        let mut damage = None;
        let shown = self.show((after, until), &mut |seen| match seen.check_in(&mut room) {
            Ok(()) => visit(seen),
            Err(error) => {
                damage = Some(error);
                ControlFlow::Break(())
            }
        });
        self.room = room;
        shown?;
        damage.map_or(Ok(()), Err)
    }
}

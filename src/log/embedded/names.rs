//! Names that the file keeps once and refers to by number, kept at hand.

use super::fault::fault;
use crate::domain::envelope::Position;
use crate::log::contract::LogError;
use rusqlite::Connection;
use std::sync::Arc;

/// Names by number for one reader.
///
/// Numbers are given in order of first use, so a name's slot is its number modulo the size: until the cache has its full
/// size, every name has a slot of its own.
#[derive(Debug)]
pub(super) struct Names {
    sql: &'static str,
    most: usize,
    slots: Vec<Option<(i64, Arc<str>)>>,
    /// Names fetched at once: whoever reads the log in order meets new names in the order of their numbers.
    ahead: u32,
}

impl Names {
    /// Returns a cache of at most `most` stream names; `most` is rounded up to a power of two.
    pub(super) fn streams(most: usize) -> Self {
        Self::new("SELECT number, name FROM stream WHERE number >= ?1 ORDER BY number LIMIT ?2", most)
    }

    /// Returns the cache with `ahead` names fetched at once, at most as many as it holds.
    pub(super) fn ahead(self, ahead: u32) -> Self {
        Self { ahead: ahead.min(u32::try_from(self.most).unwrap_or(u32::MAX)), ..self }
    }

    /// Returns a cache of type names and actors.
    pub(super) fn words() -> Self {
        Self::new("SELECT number, name FROM word WHERE number >= ?1 ORDER BY number LIMIT ?2", 4096)
    }

    fn new(sql: &'static str, most: usize) -> Self {
        Self { sql, most: most.next_power_of_two().max(64), slots: vec![None; 64], ahead: 1 }
    }

    /// Returns the name with this number, for the event at `position`.
    pub(super) fn get(&mut self, conn: &Connection, number: i64, position: Position) -> Result<&Arc<str>, LogError> {
        let missing = || LogError::Corrupt { position, what: format!("its name with number {number} is missing") };
        let wanted = usize::try_from(number).map_err(|_| missing())?;
        let is_known = |slot: &Option<(i64, Arc<str>)>| slot.as_ref().is_some_and(|(known, _)| *known == number);
        if !self.slots.get(wanted & (self.slots.len() - 1)).is_some_and(is_known) {
            self.fetch(conn, number).map_err(fault(position))?;
        }
        let slot = self.slots.get(wanted & (self.slots.len() - 1)).filter(|slot| is_known(slot));
        slot.and_then(Option::as_ref).map(|(_, name)| name).ok_or_else(missing)
    }

    /// Fetches the name with this number, and some that follow.
    fn fetch(&mut self, conn: &Connection, number: i64) -> rusqlite::Result<()> {
        let mut statement = conn.prepare_cached(self.sql)?;
        let mut rows = statement.query((number, self.ahead))?;
        while let Some(row) = rows.next()? {
            let (found, name): (i64, Arc<str>) = (row.get(0)?, row.get(1)?);
            let Ok(wanted) = usize::try_from(found) else { break };
            while wanted >= self.slots.len() && self.slots.len() < self.most {
                self.slots.resize(self.slots.len() * 2, None);
            }
            let slot = wanted & (self.slots.len() - 1);
            if let Some(slot) = self.slots.get_mut(slot) {
                *slot = Some((found, name));
            }
        }
        Ok(())
    }
}

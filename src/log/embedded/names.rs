//! Names that the file keeps once and refers to by number, kept at hand.

use super::fault::fault;
use crate::domain::envelope::Position;
use crate::log::contract::LogError;
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::HashMap;
use std::hash::Hash;
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
}

impl Names {
    /// Returns a cache of at most `most` stream names; `most` is rounded up to a power of two.
    pub(super) fn streams(most: usize) -> Self {
        Self::new("SELECT name FROM stream WHERE number = ?1", most)
    }

    /// Returns a cache of type names and actors.
    pub(super) fn words() -> Self {
        Self::new("SELECT name FROM word WHERE number = ?1", 4096)
    }

    fn new(sql: &'static str, most: usize) -> Self {
        Self { sql, most: most.next_power_of_two().max(64), slots: vec![None; 64] }
    }

    /// Returns the name with this number, for the event at `position`.
    pub(super) fn get(&mut self, conn: &Connection, number: i64, position: Position) -> Result<&Arc<str>, LogError> {
        let missing = || LogError::Corrupt { position, what: format!("its name with number {number} is missing") };
        let wanted = usize::try_from(number).map_err(|_| missing())?;
        while wanted >= self.slots.len() && self.slots.len() < self.most {
            self.slots.resize(self.slots.len() * 2, None);
        }
        let slot = wanted & (self.slots.len() - 1);
        let slot = self.slots.get_mut(slot).ok_or_else(missing)?;
        if slot.as_ref().is_none_or(|(known, _)| *known != number) {
            let name: Option<Arc<str>> = conn
                .prepare_cached(self.sql)
                .and_then(|mut statement| statement.query_row([number], |row| row.get(0)).optional())
                .map_err(fault(position))?;
            *slot = Some((number, name.ok_or_else(missing)?));
        }
        slot.as_ref().map(|(_, name)| name).ok_or_else(missing)
    }
}

/// A map that forgets what was not used for long: it holds two generations, and drops the older one when the younger is
/// full.
#[derive(Debug)]
pub(in crate::log) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash + Clone, V: Copy> Recent<K, V> {
    /// Returns a map that holds at least the `most / 2` entries used last, and at most `most`.
    pub(in crate::log) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most }
    }

    /// Returns the value of a key, and keeps it young.
    pub(in crate::log) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(*value);
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value);
        Some(value)
    }

    /// Puts a value.
    pub(in crate::log) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets everything.
    pub(in crate::log) fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut recent = Recent::new(8);
        recent.insert(0, 0);
        for n in 1..100 {
            assert_eq!(recent.get(&0), Some(0), "after {n}");
            recent.insert(n, n);
        }
        assert_eq!(recent.get(&1), None);
        assert_eq!(recent.get(&99), Some(99));
        assert!(recent.young.len() + recent.old.len() <= 8);
    }

    #[test]
    fn a_value_put_again_replaces_the_older_one() {
        let mut recent = Recent::new(4);
        recent.insert("a", 1);
        recent.insert("b", 1);
        recent.insert("a", 2);
        recent.insert("c", 1);
        assert_eq!(recent.get(&"a"), Some(2));
    }
}

//! A map of bounded size, for what can be looked up again.

use std::collections::HashMap;
use std::hash::Hash;

/// A map that forgets what was not used for long: it holds two generations, and drops the older one when the younger is
/// full.
#[derive(Debug)]
pub(super) struct Recent<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    most: usize,
}

impl<K: Eq + Hash + Clone, V: Copy> Recent<K, V> {
    /// Returns a map that holds at least the `most / 2` entries used last, and at most `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), most }
    }

    /// Returns the value of a key, and keeps it young.
    pub(super) fn get(&mut self, key: &K) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(*value);
        }
        let value = self.old.remove(key)?;
        self.insert(key.clone(), value);
        Some(value)
    }

    /// Puts a value.
    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= self.most / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
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

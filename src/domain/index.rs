//! A map whose copies share what was not changed since (see [`super::pages`]): entries lie in shards by their hash, and a
//! new entry copies one shard of about a four-thousandth of them.

use super::pages::Pages;
use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Arc;

/// Number of shards, a power of two.
const SHARDS: usize = 1 << 12;

/// A map that is cheap to copy; see the module.
#[derive(Clone)]
pub struct Index<K, V> {
    shards: Pages<HashMap<K, V>>,
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        let mut shards = Pages::default();
        let empty = Arc::new(HashMap::default());
        (0..SHARDS).for_each(|_| shards.push_shared(empty.clone()));
        Self { shards }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Index<K, V> {
    fn shard(&self, key: &impl Hash) -> usize {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        usize::try_from(hasher.finish() >> 40).unwrap_or_default() % SHARDS
    }

    /// Returns what a key leads to.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.shards.get(self.shard(key))?.get(key)
    }

    /// Returns what a key leads to, to be changed; put there first if it leads nowhere.
    pub fn entry(&mut self, key: K, value: impl FnOnce() -> V) -> Option<&mut V> {
        let shard = self.shard(&key);
        Some(self.shards.get_mut(shard)?.entry(key).or_insert_with(value))
    }

    /// Lets a key lead to a value.
    pub fn insert(&mut self, key: K, value: V) {
        let shard = self.shard(&key);
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.insert(key, value);
        }
    }
}

impl<K, V> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len: usize = self.shards.iter().map(HashMap::len).sum();
        f.debug_struct("Index").field("len", &len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_index_is_a_map_and_a_copy_stays_as_it_was(before: Vec<(u16, u8)>, after: Vec<(u16, u8)>) {
            let mut index = Index::default();
            before.iter().for_each(|(key, value)| index.insert(*key, *value));
            let copy = index.clone();
            for (key, value) in &after {
                *index.entry(*key, || 0).unwrap() = *value;
            }
            let old: HashMap<u16, u8> = before.iter().copied().collect();
            let new: HashMap<u16, u8> = before.into_iter().chain(after).collect();
            for key in 0..=u16::MAX {
                prop_assert_eq!(copy.get(&key), old.get(&key));
                prop_assert_eq!(index.get(&key), new.get(&key));
            }
        }
    }
}

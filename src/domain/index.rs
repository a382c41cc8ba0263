//! A map whose copies share what was not changed since (see [`super::pages`]): entries lie in shards by their hash, and a
//! new entry copies one shard of about a four-thousandth of them. A key is hashed once, for its shard and its place in it.

use super::pages::Pages;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;

/// Number of shards, a power of two.
const SHARDS: usize = 1 << 12;

/// A map that is cheap to copy; see the module.
#[derive(Clone)]
pub struct Index<K, V> {
    shards: Pages<HashTable<(K, V)>>,
    hasher: DefaultHashBuilder,
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        let mut shards = Pages::default();
        let empty = Arc::new(HashTable::new());
        (0..SHARDS).for_each(|_| shards.push_shared(empty.clone()));
        Self { shards, hasher: DefaultHashBuilder::default() }
    }
}

/// Returns the shard of a hash: by its middle bits, for the table in the shard goes by those at both ends.
fn shard(hash: u64) -> usize {
    usize::try_from(hash >> 32).unwrap_or_default() % SHARDS
}

impl<K: Hash + Eq + Clone, V: Clone> Index<K, V> {
    /// Returns what a key leads to.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let hash = self.hasher.hash_one(key);
        self.shards.get(shard(hash))?.find(hash, |(there, _)| there == key).map(|(_, value)| value)
    }

    /// Returns what a key leads to, to be changed; put there first if it leads nowhere.
    pub fn entry(&mut self, key: K, value: impl FnOnce() -> V) -> Option<&mut V> {
        let Self { shards, hasher } = self;
        let hash = hasher.hash_one(&key);
        let table = shards.get_mut(shard(hash))?;
        let entry = table.entry(hash, |(there, _)| *there == key, |(there, _)| hasher.hash_one(there));
        Some(&mut entry.or_insert_with(|| (key.clone(), value())).into_mut().1)
    }

    /// Lets a key lead to a value.
    pub fn insert(&mut self, key: K, value: V) {
        if let Some(place) = self.entry(key, || value.clone()) {
            *place = value;
        }
    }
}

impl<K, V> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len: usize = self.shards.iter().map(HashTable::len).sum();
        f.debug_struct("Index").field("len", &len).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

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

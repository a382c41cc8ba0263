//! Maps whose copies share what was not changed since, as lists do in [`super::pages`]: entries lie in shards by their
//! hash, and a new entry copies its shard, about a four-thousandth of all. A key is hashed once, for its shard and its place in it.

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::fmt;
use std::hash::{BuildHasher as _, Hash};
use std::sync::Arc;

/// Books, and shards in each: powers of two.
const BOOKS: usize = 64;

/// Tables of entries, by the middle bits of their hash: a table itself goes by those at both ends. A copy costs one count.
#[derive(Clone)]
struct Shards<T>(Arc<[Arc<Book<T>>; BOOKS]>);

type Book<T> = [Arc<HashTable<T>>; BOOKS];

const fn places(hash: u64) -> (usize, usize) {
    let middle = (hash >> 32) as usize;
    (middle % BOOKS, middle / BOOKS % BOOKS)
}

impl<T> Default for Shards<T> {
    fn default() -> Self {
        let empty = Arc::new(HashTable::new());
        let book = Arc::new(std::array::from_fn(|_| empty.clone()));
        Self(Arc::new(std::array::from_fn(|_| book.clone())))
    }
}

impl<T> Shards<T> {
    fn of(&self, hash: u64) -> Option<&HashTable<T>> {
        let (book, shard) = places(hash);
        self.0.get(book)?.get(shard).map(|table| &**table)
    }

    fn len(&self) -> usize {
        self.0.iter().flat_map(|book| book.iter()).map(|table| table.len()).sum()
    }
}

impl<T: Clone> Shards<T> {
    /// Returns the table for a hash, to be changed: in this copy only.
    fn of_mut(&mut self, hash: u64) -> Option<&mut HashTable<T>> {
        let (book, shard) = places(hash);
        let book = Arc::make_mut(&mut self.0).get_mut(book)?;
        Arc::make_mut(book).get_mut(shard).map(Arc::make_mut)
    }
}

/// A map that is cheap to copy; see the module.
#[derive(Clone)]
pub struct Index<K, V> {
    shards: Shards<(K, V)>,
    hasher: DefaultHashBuilder,
}

impl<K, V> Default for Index<K, V> {
    fn default() -> Self {
        Self { shards: Shards::default(), hasher: DefaultHashBuilder::default() }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Index<K, V> {
    /// Returns what a key leads to.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        let hash = self.hasher.hash_one(key);
        self.shards.of(hash)?.find(hash, |(there, _)| there == key).map(|(_, value)| value)
    }

    fn slot(&mut self, key: &K) -> Option<Entry<'_, (K, V)>> {
        let Self { shards, hasher } = self;
        let hash = hasher.hash_one(key);
        Some(shards.of_mut(hash)?.entry(hash, |(there, _)| there == key, |(there, _)| hasher.hash_one(there)))
    }

    /// Returns what a key leads to, to be changed; put there first if it leads nowhere.
    pub fn entry(&mut self, key: K, value: impl FnOnce() -> V) -> Option<&mut V> {
        let slot = self.slot(&key)?;
        Some(&mut slot.or_insert_with(|| (key, value())).into_mut().1)
    }

    /// Lets a key lead to a value.
    pub fn insert(&mut self, key: K, value: V) {
        match self.slot(&key) {
            Some(Entry::Occupied(mut there)) => there.get_mut().1 = value,
            Some(Entry::Vacant(place)) => {
                place.insert((key, value));
            }
            None => {}
        }
    }
}

impl<K, V> fmt::Debug for Index<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").field("len", &self.shards.len()).finish_non_exhaustive()
    }
}

/// Finds the place in a list by the key of what stands there, without keeping the keys a second time: whoever asks has the
/// list. Cheap to copy, see the module.
#[derive(Default, Clone)]
pub struct Places {
    shards: Shards<u32>,
    hasher: DefaultHashBuilder,
}

impl Places {
    /// Returns the place that a key was filed under for which `fits` says that the key stands there.
    #[must_use]
    pub fn find<K: Hash>(&self, key: &K, fits: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        self.shards.of(hash)?.find(hash, |place| fits(*place)).copied()
    }

    /// Files a place under a key that is not filed yet; `key_at` tells the keys of those that are.
    pub fn file<K: Hash>(&mut self, key: &K, place: u32, key_at: impl Fn(u32) -> Option<K>) {
        let Self { shards, hasher } = self;
        let hash = hasher.hash_one(key);
        if let Some(table) = shards.of_mut(hash) {
            table.insert_unique(hash, place, |place| key_at(*place).map_or(0, |key| hasher.hash_one(&key)));
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("len", &self.shards.len()).finish_non_exhaustive()
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
    proptest! {
        #[test]
        fn places_are_found_by_what_stands_there_and_a_copy_stays_as_it_was(keys: std::collections::BTreeSet<u16>, at: usize) {
            let list: Vec<u16> = keys.into_iter().collect();
            let at = at % (list.len() + 1);
            let (mut places, mut copy) = (Places::default(), Places::default());
            for (place, key) in list.iter().enumerate() {
                if place == at {
                    copy = places.clone();
                }
                places.file(key, place as u32, |place| list.get(place as usize).copied());
            }
            let find = |places: &Places, key: &u16| places.find(key, |place| list[place as usize] == *key);
            for key in list.iter().flat_map(|key| [*key, key.wrapping_add(1)]) {
                let place = list.binary_search(&key).ok();
                prop_assert_eq!(find(&places, &key), place.map(|place| place as u32));
                if at < list.len() {
                    prop_assert_eq!(find(&copy, &key), place.filter(|place| *place < at).map(|place| place as u32));
                }
            }
        }
    }
}

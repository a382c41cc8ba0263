//! How many live feeds there may be: each holds a connection and memory for as long as it lasts.

use super::problem::{Code, Problem};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The live feeds under way, counted by key.
#[derive(Debug)]
pub struct Feeds {
    most_per_key: usize,
    most: usize,
    open: Mutex<HashMap<Uuid, usize>>,
}

impl Feeds {
    /// Returns room for `most` feeds, and of them `most_per_key` with one key.
    #[must_use]
    pub fn new(most_per_key: usize, most: usize) -> Self {
        Self { most_per_key, most, open: Mutex::default() }
    }

    /// Takes a place for a feed with a key.
    ///
    /// # Errors
    /// [`Code::TooManyRequests`] when this key has its share, [`Code::Unavailable`] when the node has all it can carry.
    pub fn take(self: &Arc<Self>, key: Uuid) -> Result<FeedPlace, Problem> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let own = open.get(&key).copied().unwrap_or(0);
        if own >= self.most_per_key {
            let most = self.most_per_key;
            return Err(Problem::new(
                Code::TooManyRequests,
                format_args!("此密钥已打开 {most} 个实时推送；请关闭一个，或调高 `http.live_feeds_per_key`"),
                format_args!(
                    "{most} live feeds are open with this key already; close one, or raise `http.live_feeds_per_key`"
                ),
            ));
        }
        if open.values().sum::<usize>() >= self.most {
            let most = self.most;
            return Err(Problem::new(
                Code::Unavailable,
                format_args!("本节点已有 {most} 个实时推送；请改由其他节点应答，或调高 `http.live_feeds`"),
                format_args!(
                    "this node carries {most} live feeds already; ask another node, or raise `http.live_feeds`"
                ),
            ));
        }
        open.insert(key, own + 1);
        Ok(FeedPlace { feeds: self.clone(), key })
    }
}

/// A place among the feeds; given back when dropped.
#[derive(Debug)]
pub struct FeedPlace {
    feeds: Arc<Feeds>,
    key: Uuid,
}

impl Drop for FeedPlace {
    fn drop(&mut self) {
        let mut open = self.feeds.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_share_and_the_node_its_limit_and_places_come_back() {
        let feeds = Arc::new(Feeds::new(2, 3));
        let [mine, other] = [1, 2].map(Uuid::from_u128);
        let code = |taken: Result<FeedPlace, Problem>| taken.err().map(|problem| problem.code);
        let first = feeds.take(mine).unwrap();
        let second = feeds.take(mine).unwrap();
        assert_eq!(code(feeds.take(mine)), Some(Code::TooManyRequests));
        let third = feeds.take(other).unwrap();
        assert_eq!(code(feeds.take(other)), Some(Code::Unavailable));
        drop(first);
        assert_eq!(code(feeds.take(other)), None);
        drop((second, third));
        assert!(feeds.open.lock().unwrap().is_empty(), "nothing is kept of keys without a feed");
    }
}

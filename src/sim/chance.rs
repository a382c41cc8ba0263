//! Chance from a seed: whole numbers only, and no distribution of another library, so that no update and no machine
//! changes a district.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What a generator is for; generators of different purposes are unrelated.
pub(super) const MERCHANT: u64 = 1;
/// What a block of neighbours shares.
pub(super) const BLOCK: u64 = 2;
/// Where the numbering of codes begins.
pub(super) const CODES: u64 = 3;

/// A generator of its own for each seed, purpose and index.
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: u64, purpose: u64, index: u64) -> Self {
        let mut key = [0; 32];
        for (place, byte) in key.iter_mut().zip([seed, purpose, index].iter().flat_map(|part| part.to_le_bytes())) {
            *place = byte;
        }
        Self(ChaCha8Rng::from_seed(key))
    }

    pub(super) fn any(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Returns a number from 0 to `end − 1`; 0 if `end` is 0. The bias is `end` ÷ 2⁶⁴, which no district shows.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.any()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or_default()
    }

    /// Returns a number from `low` to `high`, both included; `low` if `high` is lower.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).map_or(0, |span| span.saturating_add(1));
        low.saturating_add(i64::try_from(self.below(span)).unwrap_or_default())
    }

    /// Returns true `count` times in a hundred.
    pub(super) fn percent(&mut self, count: u64) -> bool {
        self.below(100) < count
    }

    /// Returns true `count` times in a thousand.
    pub(super) fn per_mille(&mut self, count: u64) -> bool {
        self.below(1000) < count
    }

    /// Returns one of the choices, each as likely as the others.
    #[expect(clippy::indexing_slicing, reason = "`below(N)` is less than `N`, and an empty array does not compile")]
    pub(super) fn pick<T: Copy, const N: usize>(&mut self, from: &[T; N]) -> T {
        const { assert!(N > 0) };
        from[usize::try_from(self.below(N as u64)).unwrap_or_default()]
    }

    /// Returns one of the choices, each as likely as its weight.
    pub(super) fn weighted<T: Copy, const N: usize>(&mut self, from: &[(u64, T); N]) -> T {
        let mut left = self.below(from.iter().map(|(weight, _)| weight).sum());
        for (weight, choice) in from {
            if left < *weight {
                return *choice;
            }
            left -= weight;
        }
        self.pick(from).1
    }
}

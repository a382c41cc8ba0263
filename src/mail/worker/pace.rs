//! The pace (节奏) at which mails go to the server, and the rest it is given while it is in trouble.
//!
//! While the server is in trouble, one mail at a time asks whether it has come round, after longer and longer rests; the
//! others wait and count nothing. Where it says that we are too fast, the pace is halved, and gathers again as mails are
//! taken. Kept in memory only: after a start the first mails find out.

use crate::domain::time::Instant;
use jiff::SignedDuration;
use std::time::Duration;

/// First rest of a server in trouble; each further one is twice as long.
const FIRST_REST: Duration = Duration::from_secs(5);

/// Longest rest: so late after it was mended does a server get its mail.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// First time between two mails for a server that says we are too fast.
const FIRST_GAP: Duration = Duration::from_secs(1);

/// Longest time between two mails.
const LONGEST_GAP: Duration = Duration::from_secs(60);

/// Mails taken in a row before the pace is raised.
const STEP: u32 = 10;

/// What a conversation said about the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// It works: it took the mail, or had a word about the recipient.
    Works,
    /// We are too fast for it.
    TooFast,
    /// It is in trouble.
    Trouble,
    /// Nothing: no conversation took place, or we broke it off.
    Nothing,
}

/// The pace. It takes the time as an argument.
#[derive(Debug)]
pub(super) struct Pace {
    /// Time between two mails by the settings.
    base: Duration,
    gap: Duration,
    /// Nothing is begun before.
    next: Instant,
    /// Rests in a row.
    rests: u32,
    /// The time when it was looked at last.
    seen: Instant,
    /// When it was slowed down last.
    slowed: Instant,
    /// Since when it has said that we are too fast, and nothing else.
    too_fast: Option<Instant>,
    under_way: usize,
    taken: u32,
}

impl Pace {
    /// Returns a pace of `per_minute` mails at most; `None` is as fast as the server takes them.
    pub(super) fn new(per_minute: Option<u32>) -> Self {
        let base = per_minute.map_or(Duration::ZERO, |mails| Duration::from_secs(60) / mails.max(1));
        Self {
            base,
            gap: base,
            next: Instant::MIN,
            rests: 0,
            seen: Instant::MIN,
            slowed: Instant::MIN,
            too_fast: None,
            under_way: 0,
            taken: 0,
        }
    }

    /// Says whether a mail may be begun at `now`.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        // A clock that was ahead and is mended holds nothing up.
        if now < self.seen {
            self.next = self.next.min(now);
        }
        self.seen = now;
        self.next <= now && (self.rests == 0 || self.under_way == 0)
    }

    /// Takes down that a mail was begun at `now`.
    pub(super) fn begun(&mut self, now: Instant) {
        self.under_way += 1;
        if self.rests == 0 && !self.gap.is_zero() {
            self.next = after(now, self.gap);
        }
    }

    /// Takes down that a mail that was begun has ended, and what it told. Returns how long the mail has to wait at least.
    pub(super) fn ended(&mut self, told: Told, now: Instant) -> Duration {
        self.under_way = self.under_way.saturating_sub(1);
        match told {
            Told::Nothing => return Duration::ZERO,
            Told::Works => {
                if self.rests > 0 {
                    self.next = self.next.min(now);
                }
                self.rests = 0;
                self.too_fast = None;
                self.taken += 1;
                if self.taken.is_multiple_of(STEP) {
                    let faster = self.gap * 3 / 4;
                    self.gap = if faster < FIRST_GAP / 4 { self.base } else { faster.max(self.base) };
                }
                return Duration::ZERO;
            }
            Told::TooFast => {
                self.taken = 0;
                // A clock that was ahead and is mended begins anew.
                self.too_fast = self.too_fast.filter(|since| *since <= now).or(Some(now));
                // Those that were under way together learn of one limit, once.
                if self.slowed > now || after(self.slowed, self.gap / 2) <= now {
                    self.gap = (self.gap * 2).clamp(FIRST_GAP, LONGEST_GAP).max(self.base);
                    self.slowed = now;
                }
                self.next = self.next.max(after(now, self.gap));
            }
            Told::Trouble => {
                self.taken = 0;
                if self.rests == 0 || self.next <= now {
                    let rest = FIRST_REST.saturating_mul(1 << self.rests.min(10)).min(LONGEST_REST);
                    self.rests += 1;
                    self.next = self.next.max(after(now, rest));
                }
            }
        }
        Duration::try_from(self.next.duration_since(now)).unwrap_or_default()
    }

    /// Returns for how long the server has said that we are too fast, and taken nothing.
    pub(super) fn too_fast_for(&self, now: Instant) -> Duration {
        self.too_fast.and_then(|since| Duration::try_from(now.duration_since(since)).ok()).unwrap_or_default()
    }

    /// Returns the time between two mails at present.
    pub(super) const fn gap(&self) -> Duration {
        self.gap
    }
}

fn after(now: Instant, by: Duration) -> Instant {
    SignedDuration::try_from(by).ok().and_then(|by| now.checked_add(by).ok()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    #[test]
    fn a_server_in_trouble_rests_longer_and_longer_and_is_asked_by_one_mail() {
        let mut pace = Pace::new(None);
        for _ in 0..4 {
            assert!(pace.allows(at(0)));
            pace.begun(at(0));
        }
        for _ in 0..4 {
            assert_eq!(pace.ended(Told::Trouble, at(0)), FIRST_REST, "one rest for all that were under way");
        }
        assert!(!pace.allows(at(4)) && pace.allows(at(5)));
        pace.begun(at(5));
        assert!(!pace.allows(at(5)), "one at a time");
        assert_eq!(pace.ended(Told::Trouble, at(5)), 2 * FIRST_REST);
        for _ in 0..20 {
            let now = pace.next;
            pace.begun(now);
            assert!(pace.ended(Told::Trouble, now) <= LONGEST_REST);
        }
        let now = pace.next;
        assert!(pace.allows(now));
        pace.begun(now);
        pace.ended(Told::Works, now);
        assert!(pace.allows(now));
        pace.begun(now);
        assert!(pace.allows(now), "it works: as many as there are senders");
    }

    #[test]
    fn a_limit_halves_the_pace_and_mails_that_are_taken_raise_it_again() {
        let mut pace = Pace::new(None);
        pace.begun(at(0));
        assert_eq!(pace.ended(Told::TooFast, at(0)), FIRST_GAP);
        pace.begun(at(0));
        pace.ended(Told::TooFast, at(0));
        assert_eq!(pace.gap(), FIRST_GAP, "those that were under way together learn of one limit");
        pace.begun(at(1));
        pace.ended(Told::TooFast, at(1));
        assert_eq!(pace.gap(), 2 * FIRST_GAP);
        for _ in 0..200 {
            pace.begun(at(9));
            pace.ended(Told::Works, at(9));
        }
        assert_eq!(pace.gap(), Duration::ZERO);
    }

    #[test]
    fn how_long_we_are_too_fast_is_told_from_the_first_time_until_a_mail_is_taken() {
        let mut pace = Pace::new(None);
        for seconds in [10, 70, 130] {
            pace.begun(at(seconds));
            pace.ended(Told::TooFast, at(seconds));
            assert_eq!(pace.too_fast_for(at(seconds)).as_secs(), seconds.unsigned_abs() - 10);
        }
        pace.ended(Told::Works, at(190));
        assert_eq!(pace.too_fast_for(at(190)), Duration::ZERO);
        pace.ended(Told::TooFast, at(200));
        pace.ended(Told::TooFast, at(20));
        assert_eq!(pace.too_fast_for(at(30)).as_secs(), 10, "a clock that is mended");
    }

    #[test]
    fn a_pace_that_is_set_is_kept_and_a_clock_that_goes_back_holds_nothing_up() {
        let mut pace = Pace::new(Some(20));
        pace.begun(at(0));
        pace.ended(Told::Works, at(0));
        assert!(!pace.allows(at(2)) && pace.allows(at(3)));
        assert!(pace.allows(at(4_000_000)));
        pace.begun(at(4_000_000));
        pace.ended(Told::Trouble, at(4_000_000));
        assert!(!pace.allows(at(4_000_001)));
        assert!(pace.allows(at(10)));
    }
}

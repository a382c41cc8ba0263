//! All merchants at once: the fold of the whole log's evidence, with the few indexes that decisions and facts need.

use super::code::CreditCode;
use super::code_key::code;
use super::envelope::Position;
use super::event::Event;
use super::fold::{Stamp, evidence_about};
use super::gazetteer::Gazetteer;
use super::index::{Index, Places};
use super::merchant::Merchant;
use super::name_key::key;
use super::pages::Pages;
use super::records::Lock;
use super::time::Day;
use super::whose::By;
use imbl::OrdSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Every merchant known, in the order first heard of. A copy shares all that was not changed since.
#[derive(Debug, Default, Clone)]
pub struct World {
    merchants: Pages<Merchant>,
    by_code: Places,
    /// The merchant that the first ticket with this hash is about.
    tickets: Index<u64, u32>,
    /// Later tickets with the hash of another merchant's.
    other_tickets: Index<Box<str>, u32>,
    /// The first merchant filed under a brand or a representative.
    links: Index<u64, u32>,
    /// The others.
    more_links: Index<u64, OrdSet<u32>>,
    /// Of all filed so, those with a shop that closed: few, and the only ones whose links light anybody.
    closers: Index<u64, OrdSet<u32>>,
    /// Merchants whose names changed, in that order; for whoever keeps an index of names.
    named: Pages<u32>,
    /// Those at whom a person was locked, by that person.
    locks: Index<u64, OrdSet<u32>>,
    /// Those to whom a letter was written, by its office and number.
    letters: Index<u64, OrdSet<u32>>,
    gazetteer: Gazetteer,
    head: Position,
    /// The merchant of the last event: other parts of the picture ask for it at once.
    last: Option<(CreditCode, u32)>,
}

impl World {
    /// Takes over a merchant as it was kept elsewhere, behind those that are there; the indexes follow.
    pub fn take_over(&mut self, merchant: Merchant) {
        let index = u32::try_from(self.merchants.len()).unwrap_or(u32::MAX);
        self.file_code(merchant.code, index);
        self.head = self.head.max(merchant.last.map_or(0, |last| last.position));
        for complaint in &merchant.complaints {
            self.own(&complaint.ticket, index);
        }
        for key in keys_ever(&merchant) {
            self.file(key, index, ever_closed(&merchant));
        }
        for lock in &merchant.records().locks {
            add(&mut self.locks, person_key(&lock.person, &lock.digest), index);
        }
        for letter in &merchant.dealings().documents {
            add(&mut self.letters, letter_key(&letter.office, &letter.number), index);
        }
        self.gazetteer.note(&merchant);
        self.merchants.push(merchant);
        self.named.push(index);
    }

    /// Takes one event of the log into account. Returns the index of the merchant it is evidence about, if any.
    pub fn fold(&mut self, stamp: Stamp, event: &Event) -> Option<u32> {
        let code = evidence_about(event)?;
        self.head = self.head.max(stamp.position);
        let index = self.index_or_new(code);
        self.last = Some((code, index));
        let merchant = self.at_mut(index)?;
        let shops = merchant.shops.len();
        merchant.fold(stamp, event);
        let is_in_more = merchant.shops.len() > shops;
        if is_in_more || matches!(event, Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_)) {
            self.note_places(index);
        }
        match event {
            Event::ComplaintReceived(received) => {
                self.own(&received.ticket, index);
            }
            Event::MerchantRegistered(_) | Event::MerchantDetailsChanged(_) => {
                self.link(index);
                self.named.push(index);
            }
            Event::AliasRecorded(row) => {
                self.file(name_bucket(&row.alias), index, false);
                self.named.push(index);
            }
            Event::ShopClosed(_) => self.link_closer(index),
            Event::PersonLocked(row) => add(&mut self.locks, person_key(&row.person, &row.person_digest), index),
            Event::DocumentIssued(row) => add(&mut self.letters, letter_key(&row.office, &row.number), index),
            _ => {}
        }
        Some(index)
    }

    fn note_places(&mut self, index: u32) {
        let Self { merchants, gazetteer, .. } = self;
        if let Some(merchant) = at(merchants, index) {
            gazetteer.note(merchant);
        }
    }

    pub(super) fn index_or_new(&mut self, code: CreditCode) -> u32 {
        if let Some(index) = self.index_of(code) {
            return index;
        }
        let next = u32::try_from(self.merchants.len()).unwrap_or(u32::MAX);
        self.file_code(code, next);
        self.merchants.push(Merchant::new(code));
        next
    }

    fn file_code(&mut self, code: CreditCode, index: u32) {
        let Self { merchants, by_code, .. } = self;
        by_code.file(&code, index, |index| at(merchants, index).map(|merchant| merchant.code));
    }

    /// Files a merchant under every brand and representative it ever stated. A superset: whoever asks compares the
    /// values in force again, so a changed brand or a hash collision does no harm.
    fn link(&mut self, index: u32) {
        let Some(merchant) = self.at(index) else { return };
        let (keys, closer) = (link_keys(merchant, Position::MAX), merchant.has_closed_shop());
        for key in keys.into_iter().flatten() {
            self.file(key, index, closer);
        }
    }

    /// Files a merchant again that a withdrawal at a position changed.
    pub(super) fn file_again(&mut self, index: u32, position: Position) {
        self.head = self.head.max(position);
        let Some(merchant) = self.at(index) else { return };
        let (keys, closer) = (keys_ever(merchant), ever_closed(merchant));
        let locked = merchant.records().locks.iter().map(|lock| person_key(&lock.person, &lock.digest));
        let locked: Vec<u64> = locked.collect();
        let tickets: Vec<Box<str>> = merchant.complaints.iter().map(|complaint| complaint.ticket.clone()).collect();
        for key in keys {
            self.file(key, index, closer);
        }
        for ticket in tickets {
            self.own(&ticket, index);
        }
        for person in locked {
            add(&mut self.locks, person, index);
        }
        self.note_places(index);
    }

    /// Files a merchant whose shop closed among the closers under everything it ever stated.
    fn link_closer(&mut self, index: u32) {
        let Some(merchant) = self.at(index) else { return };
        for key in keys_ever(merchant) {
            self.file(key, index, true);
        }
    }

    fn file(&mut self, key: u64, index: u32, closer: bool) {
        let first = self.links.get(&key).copied();
        match first {
            None => self.links.insert(key, index),
            Some(first) if first == index => {}
            Some(_) => add(&mut self.more_links, key, index),
        }
        if closer {
            add(&mut self.closers, key, index);
        }
    }

    /// Notes whose ticket it is. The text itself is kept with the complaint only.
    fn own(&mut self, ticket: &str, index: u32) {
        let ticket = code(ticket);
        let hash = hash_of(&ticket);
        match self.tickets.get(&hash) {
            None => self.tickets.insert(hash, index),
            Some(first) if *first == index => {}
            Some(_) => self.other_tickets.insert(ticket.into_owned().into(), index),
        }
    }

    /// Returns the position of the newest evidence.
    #[must_use]
    pub const fn head(&self) -> Position {
        self.head
    }

    /// Returns every merchant.
    #[must_use]
    pub const fn merchants(&self) -> &Pages<Merchant> {
        &self.merchants
    }

    /// Returns the merchants whose names changed, behind the first `seen` of such changes.
    pub fn named_since(&self, seen: usize) -> impl Iterator<Item = u32> {
        (seen..self.named.len()).filter_map(|place| self.named.get(place).copied())
    }

    /// Returns a merchant by index.
    #[must_use]
    pub fn at(&self, index: u32) -> Option<&Merchant> {
        at(&self.merchants, index)
    }

    pub(super) fn at_mut(&mut self, index: u32) -> Option<&mut Merchant> {
        usize::try_from(index).ok().and_then(|index| self.merchants.get_mut(index))
    }

    /// Returns a merchant's index.
    #[must_use]
    pub fn index_of(&self, code: CreditCode) -> Option<u32> {
        if let Some((last, index)) = self.last
            && last == code
        {
            return Some(index);
        }
        self.by_code.find(&code, |index| self.at(index).is_some_and(|merchant| merchant.code == code))
    }

    /// Returns a merchant by its credit code.
    #[must_use]
    pub fn get(&self, code: CreditCode) -> Option<&Merchant> {
        self.at(self.index_of(code)?)
    }

    /// Returns the merchant a ticket is about, however its number is typed.
    #[must_use]
    pub fn ticket_owner(&self, ticket: &str) -> Option<CreditCode> {
        let key = code(ticket);
        let first = self.at(*self.tickets.get(&hash_of(&key))?)?;
        if first.complaint(ticket).is_some() {
            return Some(first.code);
        }
        let other = self.at(*self.other_tickets.get(&Box::from(&*key))?)?;
        other.complaint(ticket).is_some().then_some(other.code)
    }

    /// Returns the merchants in the register that have just this name, alias or brand, by key.
    #[must_use]
    pub fn called(&self, by: By<'_>) -> Vec<&Merchant> {
        let bucket = match by {
            By::Brand(brand) => hash_of(&(0_u8, key(brand))),
            By::Name(name) => name_bucket(name),
        };
        let others = self.more_links.get(&bucket).into_iter().flatten();
        let filed = self.links.get(&bucket).into_iter().chain(others);
        filed.filter_map(|index| self.at(*index)).filter(|merchant| by.is(merchant)).collect()
    }

    /// Returns the merchants to whom an office wrote a letter of this number.
    #[must_use]
    pub fn written_to(&self, office: &str, number: &str) -> Vec<&Merchant> {
        let filed = self.letters.get(&letter_key(office, number)).into_iter().flatten();
        let merchants = filed.filter_map(|index| self.at(*index));
        merchants.filter(|merchant| merchant.dealings().letter(office, number).is_some()).collect()
    }

    /// Returns the names of malls and streets.
    #[must_use]
    pub const fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }

    /// Returns the other merchants that share, as known at `known`, the brand or the legal representative (name and
    /// digest, both present) with this one; each once.
    #[must_use]
    pub fn linked(&self, merchant: &Merchant, known: Position) -> Vec<u32> {
        let of_key = |key: u64| {
            let others = self.more_links.get(&key).into_iter().flatten();
            self.links.get(&key).into_iter().chain(others).copied()
        };
        self.among(merchant, known, of_key)
    }

    /// Returns those of [`World::linked`] that have a shop which closed. However many merchants share a brand, only these
    /// are looked at.
    #[must_use]
    pub fn linked_closers(&self, merchant: &Merchant, known: Position) -> Vec<u32> {
        self.among(merchant, known, |key| self.closers.get(&key).into_iter().flatten().copied())
    }

    /// Returns the locks on `day` of the person who represents a merchant, each with the merchant for what happened at which it is: a
    /// locked person is seen wherever the person turns up.
    #[must_use]
    pub fn locks_on(&self, merchant: &Merchant, day: Day) -> Vec<(&Merchant, &Lock)> {
        let Some((person, digest)) = merchant.representative(Position::MAX) else { return Vec::new() };
        let named = self.locks.get(&person_key(person, digest)).into_iter().flatten();
        named
            .filter_map(|index| self.at(*index))
            .flat_map(|at| at.records().locks.iter().map(move |lock| (at, lock)))
            .filter(|(_, lock)| lock.is_of(person, digest) && lock.is_on(day))
            .collect()
    }

    /// Returns those filed under a merchant's brand or representative that really share it at `known`.
    fn among<I: Iterator<Item = u32>>(
        &self,
        merchant: &Merchant,
        known: Position,
        filed: impl Fn(u64) -> I,
    ) -> Vec<u32> {
        let merchant = merchant.known_at(known);
        let brand = merchant.brand_key(known);
        let representative = merchant.representative_key(known);
        let shares = |index: &u32| {
            self.at(*index).map(|other| other.known_at(known)).is_some_and(|other| {
                other.code != merchant.code
                    && (brand.is_some() && other.brand_key(known) == brand
                        || representative.is_some() && other.representative_key(known) == representative)
            })
        };
        let mut found: Vec<u32> =
            link_keys(merchant, known).into_iter().flatten().flat_map(filed).filter(shares).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Returns the bucket of a person, however name and digest are typed.
fn person_key(person: &str, digest: &str) -> u64 {
    hash_of(&(1_u8, key(person), code(digest)))
}

/// Returns the bucket of a letter, however office and number are typed.
fn letter_key(office: &str, number: &str) -> u64 {
    hash_of(&(3_u8, key(office), code(number)))
}

fn at(merchants: &Pages<Merchant>, index: u32) -> Option<&Merchant> {
    usize::try_from(index).ok().and_then(|index| merchants.get(index))
}

fn add(index: &mut Index<u64, OrdSet<u32>>, key: u64, merchant: u32) {
    if index.get(&key).is_none_or(|there| !there.contains(&merchant))
        && let Some(there) = index.entry(key, OrdSet::new)
    {
        there.insert(merchant);
    }
}

/// Returns everything a merchant was ever filed under: every row left its own state of brand and representative behind.
fn keys_ever(merchant: &Merchant) -> Vec<u64> {
    let of = |version: &Merchant| -> Vec<u64> {
        let rows = version.rows.iter().flat_map(|row| link_keys(version, row.position)).flatten();
        rows.chain(version.aliases.iter().map(|alias| name_bucket(&alias.name))).collect()
    };
    merchant.versions().flat_map(of).collect()
}

/// Says whether a shop of a merchant is known to have closed, or was before an import was withdrawn.
fn ever_closed(merchant: &Merchant) -> bool {
    merchant.versions().any(Merchant::has_closed_shop)
}

/// Returns what a name is filed under.
fn name_bucket(name: &str) -> u64 {
    hash_of(&(2_u8, key(name)))
}

/// Returns what a merchant is filed under, as known at `known`.
fn link_keys(merchant: &Merchant, known: Position) -> [Option<u64>; 3] {
    [
        merchant.name(known).map(name_bucket),
        merchant.brand_key(known).map(|brand| hash_of(&(0_u8, brand))),
        merchant.representative_key(known).map(|(name, digest)| hash_of(&(1_u8, name, digest))),
    ]
}

// The hash is only a bucket inside one process: nothing stored rests on it.
fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::Instant;

    /// So many merchants of one brand, of which every hundredth closed its shop.
    fn of_one_brand(merchants: u32, brand: &str) -> World {
        let mut world = World::default();
        let mut position = 0;
        let mut tell = |event_type: &str, version: u16, data: &str| {
            position += 1;
            let event = Event::decode(event_type, version, data).unwrap();
            world.fold(Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
        };
        for number in 0..merchants {
            let code = CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap();
            tell("merchant.registered", 1, &format!(r#"{{"credit_code":"{code}","brand":"{brand}"}}"#));
            if number % 100 == 0 {
                tell(
                    "mall.shop_closed",
                    2,
                    &format!(r#"{{"credit_code":"{code}","mall":"M","unit":"1","date":"2025-03-01"}}"#),
                );
            }
        }
        world
    }

    /// How many others a round over everybody holds a merchant against.
    fn compared(world: &World) -> usize {
        world.merchants().iter().map(|merchant| world.linked_closers(merchant, Position::MAX).len()).sum()
    }

    #[test]
    fn a_round_over_a_brand_compares_everybody_with_its_closers_only() {
        let world = of_one_brand(3_000, "Aurora");
        let all = world.merchants().len();
        assert_eq!(compared(&world), 30 * (all - 1));
        assert_eq!(world.linked(world.at(0).unwrap(), Position::MAX).len(), all - 1, "they are linked all the same");
    }

    #[test]
    fn a_word_for_none_links_nobody_and_costs_nothing() {
        for word in ["无", "暂无", "/", "-", "NULL", "n/a", "Ｎ／Ａ"] {
            let world = of_one_brand(300, word);
            assert_eq!(compared(&world), 0, "{word}");
            assert!(world.linked(world.at(0).unwrap(), Position::MAX).is_empty(), "{word}");
        }
    }

    fn code(number: u32) -> CreditCode {
        CreditCode::with_check_character(&format!("91110108MA{number:07}")).unwrap()
    }

    /// A world of events about merchants 0 and 1, one position each: (type, merchant, the rest of its data).
    fn told(events: &[(&str, u32, &str)]) -> World {
        let mut world = World::default();
        for ((event_type, merchant, rest), position) in events.iter().zip(1..) {
            let data = format!(r#"{{"credit_code":"{}",{rest}}}"#, code(*merchant));
            let version = if event_type.starts_with("mall.") { 2 } else { 1 };
            let event = Event::decode(event_type, version, &data).unwrap();
            world.fold(Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
        }
        world
    }

    #[test]
    fn a_closer_is_found_under_every_brand_it_ever_had_whenever_it_closed_folded_or_taken_over() {
        let closed = ("mall.shop_closed", 1, r#""mall":"M","unit":"1","date":"2025-03-01""#);
        let named = |merchant, brand| ("merchant.registered", merchant, brand);
        let renamed = ("merchant.details_changed", 1, r#""brand":"Borealis""#);
        let (aurora, neighbour) = (r#""brand":"Aurora""#, named(0, r#""brand":"Aurora""#));
        for (events, known) in [
            (vec![neighbour, named(1, aurora), closed], Position::MAX),
            (vec![neighbour, closed, named(1, aurora)], Position::MAX),
            // As it was known when it was still called so.
            (vec![neighbour, named(1, aurora), renamed, closed], 2),
            (vec![neighbour, named(1, aurora), closed, renamed], 3),
        ] {
            let folded = told(&events);
            let mut taken_over = World::default();
            folded.merchants().iter().for_each(|merchant| taken_over.take_over(merchant.clone()));
            for world in [&folded, &taken_over] {
                let neighbour = world.get(code(0)).unwrap();
                assert_eq!(world.linked_closers(neighbour, known), [1], "{events:?} as known at {known}");
            }
            let neighbour = folded.get(code(1)).unwrap();
            assert!(folded.linked_closers(neighbour, known).is_empty(), "who closed nothing is no closer: {events:?}");
        }
    }

    #[test]
    fn a_ticket_taken_from_one_merchant_and_given_to_another_is_the_others_folded_or_taken_over() {
        let ticket = r#""ticket":"GD1","channel":"12315","kind":"refund","received_at":"2025-03-01T00:00:00Z""#;
        let folded = told(&[
            ("complaint.received", 0, ticket),
            ("complaint.attribution_undone", 0, r#""ticket":"GD1","reason":"another shop""#),
            ("complaint.received", 1, ticket),
        ]);
        let mut taken_over = World::default();
        folded.merchants().iter().for_each(|merchant| taken_over.take_over(merchant.clone()));
        for world in [&folded, &taken_over] {
            for typed in ["GD1", "gd1", "ＧＤ1"] {
                assert_eq!(world.ticket_owner(typed), Some(code(1)), "{typed}");
            }
            assert_eq!(world.ticket_owner("GD2"), None);
        }
    }

    #[test]
    fn the_merchant_last_spoken_of_is_found_as_any_other() {
        let world = told(&[("merchant.registered", 0, r#""name":"a""#), ("merchant.registered", 1, r#""name":"b""#)]);
        for (number, index) in [(1, Some(1)), (0, Some(0)), (2, None)] {
            assert_eq!(world.index_of(code(number)), index);
        }
    }

    #[test]
    fn brands_and_representatives_link_however_they_are_typed() {
        let mut world = World::default();
        for (position, (code, details)) in (1..).zip([
            ("91110108MA0000001C", r#""brand":"极光（Aurora）""#),
            ("91110108MA0000002C", r#""brand":"极光(AURORA) ""#),
            ("91110108MA0000003C", r#""legal_representative":"王 芳","legal_representative_digest":"ab-12""#),
            ("91110108MA0000004C", r#""legal_representative":"王芳","legal_representative_digest":"AB12""#),
        ]) {
            let json = format!(r#"{{"credit_code":"{code}",{details}}}"#);
            let event = Event::decode("merchant.registered", 1, &json).unwrap();
            world.fold(Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false }, &event);
        }
        let linked = |index: u32| world.linked(world.at(index).unwrap(), Position::MAX);
        assert_eq!([linked(0), linked(1), linked(2), linked(3)], [[1], [0], [3], [2]]);
    }
}

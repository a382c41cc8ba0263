//! What a withdrawn import leaves (撤回导入): the streams that it wrote to are folded again without what it said, as if it had never come.
//! So what it had replaced stands again, and what others said since keeps its place. What was known before the withdrawal stays beside
//! it ([`Merchant::known_at`]).

use super::code::CreditCode;
use super::envelope::Position;
use super::event::Event;
use super::fold::{Stamp, evidence_about};
use super::merchant::{Before, LastEvidence, Merchant};
use super::words::Attribution;
use super::world::World;
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// An event as it was recorded, to be folded again.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where and when.
    pub stamp: Stamp,
    /// Its id.
    pub id: Uuid,
    /// What led to it; of a row of an import, the import.
    pub causation: Option<Uuid>,
    /// The service concluded it.
    pub by_service: bool,
    /// What it says.
    pub event: Event,
}

/// A stream that evidence stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream<'a> {
    /// That of a merchant.
    Merchant(CreditCode),
    /// That of a ticket, by the ticket's name.
    Ticket(&'a str),
}

impl<'a> Stream<'a> {
    /// Returns the stream of a name; `None` if no evidence stands in it.
    #[must_use]
    pub fn named(name: &'a str) -> Option<Self> {
        match name.split_once('-')? {
            ("merchant", code) => code.parse().ok().map(Self::Merchant),
            ("complaint", ticket) => Some(Self::Ticket(ticket)),
            _ => None,
        }
    }
}

/// Returns what of a stream still counts, in the order recorded, where `gone` says what was withdrawn: an import, up to a position.
///
/// What was concluded from rows without a credit code that are gone goes with them: whom such a ticket means was asked because of what
/// they said. A row with the code, or one that names its merchant by itself, says it for itself.
pub fn left(stream: &[Told], gone: impl Fn(Uuid, Position) -> bool) -> Vec<&Told> {
    let mut was_queued = false;
    let mut unfounded = None;
    let mut left = Vec::with_capacity(stream.len());
    for told in stream {
        if told.causation.is_some_and(|import| gone(import, told.stamp.position)) {
            continue;
        }
        match &told.event {
            Event::ComplaintQueued(_) => was_queued = true,
            Event::ComplaintAttributed(found)
                if !was_queued && (told.by_service || found.how == Attribution::Person) =>
            {
                unfounded = Some(told.id);
                continue;
            }
            _ if unfounded.is_some() && told.causation == unfounded => continue,
            _ => {}
        }
        left.push(told);
    }
    left
}

impl World {
    /// Has what is left of a stream count from `at` on; what was known before stays. `whole` is everything that the stream held.
    pub fn fold_again(&mut self, at: Stamp, stream: Stream<'_>, whole: &[Told], left: &[&Told]) {
        match stream {
            Stream::Merchant(code) => self.change(at, code, |before| {
                let mut now = Merchant::new(code);
                left.iter().for_each(|told| now.fold(told.stamp, &told.event));
                now.complaints.clone_from(&before.complaints);
                now
            }),
            Stream::Ticket(ticket) => {
                let spoken_of: BTreeSet<CreditCode> =
                    whole.iter().filter_map(|told| evidence_about(&told.event)).collect();
                for code in spoken_of {
                    let about = |told: &&&Told| evidence_about(&told.event) == Some(code);
                    self.change(at, code, |before| ticket_again(before, ticket, left.iter().filter(about)));
                }
            }
        }
    }

    /// Puts what a merchant is from `at` on in the place of what it was.
    fn change(&mut self, at: Stamp, code: CreditCode, change: impl FnOnce(&Merchant) -> Merchant) {
        let index = self.index_or_new(code);
        let Some(merchant) = self.at_mut(index) else { return };
        let mut now = change(merchant);
        now.before = match &merchant.before {
            // Another of its streams was folded again a moment ago.
            Some(before) if before.until == at.position => merchant.before.clone(),
            _ => Some(Arc::new(Before { until: at.position, merchant: merchant.clone() })),
        };
        let Stamp { position, recorded_at, history } = at;
        now.last = Some(LastEvidence { position, recorded_at, history });
        *merchant = now;
        self.file_again(index, at.position);
    }

    /// Returns the merchants that a withdrawal at a position changed.
    #[must_use]
    pub fn changed_at(&self, position: Position) -> Vec<u32> {
        let changed = |merchant: &Merchant| merchant.versions().any(|version| version.changed_at(position));
        (0..).zip(self.merchants().iter()).filter(|(_, merchant)| changed(merchant)).map(|(index, _)| index).collect()
    }
}

/// Returns a merchant with one ticket folded again.
fn ticket_again<'t>(before: &Merchant, ticket: &str, told: impl Iterator<Item = &'t &'t Told>) -> Merchant {
    let mut now = before.clone();
    now.complaints.retain(|complaint| *complaint.ticket != *ticket);
    told.for_each(|told| now.fold(told.stamp, &told.event));
    for complaint in now.complaints.iter_mut().filter(|complaint| *complaint.ticket == *ticket) {
        // An earlier withdrawal found it not to be about this merchant: no event of the stream says so.
        let same = before.complaints.iter().find(|other| {
            (&other.ticket, other.position) == (&complaint.ticket, complaint.position)
        });
        let by_withdrawal = |at: &Position| before.versions().any(|version| version.changed_at(*at));
        complaint.undone = complaint.undone.or_else(|| same.and_then(|same| same.undone).filter(by_withdrawal));
    }
    now.complaints.sort_by_key(|complaint| complaint.position);
    now
}

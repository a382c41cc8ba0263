//! What a withdrawn import leaves (撤回导入): whatever was told about the merchants it speaks of is folded again without what it
//! said, as if it had never come.
//! So what it had replaced stands again, and what others said since keeps its place. What was known before the withdrawal stays beside
//! it ([`Merchant::known_at`]).

use super::code::CreditCode;
use super::envelope::Position;
use super::event::Event;
use super::fold::{Stamp, evidence_about};
use super::merchant::{Before, LastEvidence, Merchant};
use super::words::Attribution;
use super::world::World;
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
    /// Who recorded it.
    pub actor: Arc<str>,
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
    /// Has what is left of everything that was told about a merchant count from `at` on, in the order recorded; what was known before
    /// stays.
    pub fn fold_again<'t>(&mut self, at: Stamp, code: CreditCode, told: impl Iterator<Item = &'t Told>) {
        let index = self.index_or_new(code);
        let Some(merchant) = self.at_mut(index) else { return };
        let mut now = Merchant::new(code);
        told.filter(|told| evidence_about(&told.event) == Some(code))
            .for_each(|told| now.fold(told.stamp, &told.event));
        for complaint in &mut now.complaints {
            // An earlier withdrawal found it not to be about this merchant: no event says so.
            let same = merchant
                .complaints
                .iter()
                .find(|other| (&other.ticket, other.position) == (&complaint.ticket, complaint.position));
            let by_withdrawal = |at: &Position| merchant.versions().any(|version| version.changed_at(*at));
            complaint.undone = complaint.undone.or_else(|| same.and_then(|same| same.undone).filter(by_withdrawal));
        }
        let Stamp { position, recorded_at, history } = at;
        now.last = Some(LastEvidence { position, recorded_at, history });
        now.before = Some(Arc::new(Before { until: position, merchant: merchant.clone() }));
        *merchant = now;
        self.file_again(index, position);
    }

    /// Returns the merchants that a withdrawal at a position changed.
    #[must_use]
    pub fn changed_at(&self, position: Position) -> Vec<u32> {
        let changed = |merchant: &Merchant| merchant.versions().any(|version| version.changed_at(position));
        (0..).zip(self.merchants().iter()).filter(|(_, merchant)| changed(merchant)).map(|(index, _)| index).collect()
    }
}

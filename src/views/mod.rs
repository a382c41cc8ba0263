//! What people read: the board, a merchant's file, exit notices, complaints. Every view is asked through a scope and shows
//! nothing outside it (law 9).

pub mod accounts;
pub mod board;
pub mod cases;
pub mod complaints;
pub mod exits;
pub mod figures;
mod limit;
pub mod merchant;
pub mod public;
mod search;
pub mod shelf;
pub mod sight;
pub mod sources;
pub mod standing;
pub mod tenants;
pub mod tickets;
pub mod today;
pub mod unattributed;

pub use limit::Limit;

use crate::domain::access::Scope;
use crate::domain::case::Cases;
use crate::domain::envelope::Position;
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::name_key;
use crate::domain::ticket_clock::TicketClocks;
use crate::domain::time::Instant;
use crate::domain::whose::Queue;
use crate::domain::words::Role;
use crate::domain::world::World;
use crate::lights::facts::{Trace, compute};
use crate::lights::moment::{Moment, sector_of, with_facts};
use crate::picture::Picture;
use crate::picture::lights::Lights;
use crate::picture::sources::Sources;
use crate::picture::uncounted::Uncounted;
use crate::policy::Policies;
use crate::policy::fact::{FactId, Value};
use rust_decimal::Decimal;
use shelf::Shelf;
use std::borrow::Cow;

/// Merchants gone over between two looks at the limit.
const SLICE: usize = 64;

/// What views read from, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Merchants and their evidence.
    pub world: &'a World,
    /// Lights last recorded.
    pub lights: &'a Lights,
    /// Tickets without a credit code.
    pub queue: &'a Queue,
    /// Lights that are followed up.
    pub cases: &'a Cases,
    /// Tickets whose clocks run.
    pub tickets: &'a TicketClocks,
    /// Who delivered when.
    pub sources: &'a Sources,
    /// Events that are not counted where the revision of their stream is.
    pub uncounted: &'a Uncounted,
    /// Policies in force.
    pub policies: &'a Policies,
    /// What the reader may see.
    pub scope: &'a Scope,
    /// The present instant.
    pub now: Instant,
    /// As of when lights and money are shown; `None` is now, with the lights as recorded.
    then: Option<Horizon>,
    /// When to stop; `None` goes on to the end.
    limit: Option<&'a Limit>,
    /// The same picture's merchants in the order of the board; `None`: they are gone over.
    shelf: Option<&'a Shelf>,
}

impl<'a> View<'a> {
    /// Returns a view of a picture.
    #[must_use]
    pub fn new(picture: &'a Picture, scope: &'a Scope, now: Instant) -> Self {
        let Picture { world, lights, queue, cases, tickets, sources, uncounted, policies, .. } = picture;
        Self {
            world,
            lights,
            queue,
            cases,
            tickets,
            sources,
            uncounted,
            policies,
            scope,
            now,
            then: None,
            limit: None,
            shelf: None,
        }
    }

    /// Goes over merchants until the limit is over. **Whoever sets one asks it afterwards**: if it is over, what was found may be
    /// cut short and is nothing to show.
    #[must_use]
    pub const fn within(self, limit: &'a Limit) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// Looks things up on a shelf of the same picture instead of going over all merchants. The answers are the same.
    #[must_use]
    pub const fn on(self, shelf: &'a Shelf) -> Self {
        Self { shelf: Some(shelf), ..self }
    }

    /// Shows the board as of an instant, knowing what was recorded up to a position. Whom the reader may see goes by the present.
    #[must_use]
    pub fn as_of(self, at: Instant, known: Position) -> Self {
        Self { then: Some(Horizon::new(at, known)), ..self }
    }

    /// Returns the horizon that the board is shown at.
    #[must_use]
    pub fn shown_at(&self) -> Horizon {
        self.then.unwrap_or_else(|| self.horizon())
    }

    /// Says whether the present is shown, and not an instant that was asked for.
    #[must_use]
    pub const fn shows_the_present(&self) -> bool {
        self.then.is_none()
    }

    /// Returns the present horizon: everything recorded is known.
    #[must_use]
    pub fn horizon(&self) -> Horizon {
        Horizon::new(self.now, Position::MAX)
    }

    /// Returns a merchant's sector; `None` is undetermined (待认定).
    #[must_use]
    pub fn sector(&self, merchant: &'a Merchant) -> Option<&'a str> {
        sector_of(merchant, &self.horizon(), self.policies)
    }

    /// Says whether the reader may see a merchant.
    #[must_use]
    pub fn sees(&self, merchant: &Merchant) -> bool {
        self.scope.is_everything()
            || with_facts(merchant, &self.horizon(), self.policies, |facts| self.scope.sees(facts))
    }

    /// Says whether anything is known of a merchant: where all of it was withdrawn, nothing is.
    #[must_use]
    pub fn is_there(&self, merchant: &Merchant) -> bool {
        merchant.is_there(&self.horizon())
    }

    /// Returns every merchant that the reader may see; ends early when the limit is over.
    pub fn merchants(&self) -> impl Iterator<Item = &'a Merchant> {
        let view = *self;
        // Of a mall, its tenants are enough to go over; of a merchant, itself.
        let own = self.scope.merchant.filter(|_| self.scope.role == Role::Merchant);
        let few = match own {
            Some(code) => Some(self.world.index_of(code).into_iter().collect()),
            None => self.shelf.and_then(|shelf| shelf.of_scope(self.scope)),
        };
        let all = few.is_none().then(|| self.world.merchants().iter()).into_iter().flatten();
        let some = few.into_iter().flatten().filter_map(move |index| view.world.at(index));
        self.in_time(some.chain(all)).filter(move |merchant| view.is_there(merchant) && view.sees(merchant))
    }

    /// Returns every merchant, whoever reads; ends early when the limit is over.
    fn everybody(&self) -> impl Iterator<Item = &'a Merchant> {
        self.in_time(self.world.merchants().iter())
    }

    /// Goes over items until the limit is over, looking at it now and then.
    fn in_time<T>(&self, items: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        let view = *self;
        let goes_on = move |place: usize| !place.is_multiple_of(SLICE) || view.goes_on();
        items.enumerate().take_while(move |(place, _)| goes_on(*place)).map(|(_, item)| item)
    }

    /// Says whether the limit, if there is one, is not over.
    fn goes_on(&self) -> bool {
        self.limit.is_none_or(|limit| !limit.is_over())
    }

    /// Returns the money facts of a merchant, in yuan: outstanding, shortfall in custody, and at risk (outstanding less
    /// what is in custody or guaranteed).
    #[must_use]
    pub fn money(&self, merchant: &Merchant) -> Money {
        let moment = Moment::new(self.policies, self.now, Position::MAX);
        money(&moment, self.world, merchant)
    }
}

/// Money facts of a merchant, yuan; `None` where there is no evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Money {
    /// Owed to card holders.
    pub outstanding: Option<Decimal>,
    /// To be in custody or guaranteed.
    pub required: Option<Decimal>,
    /// Missing in custody.
    pub shortfall: Option<Decimal>,
    /// In custody or guaranteed.
    pub held: Option<Decimal>,
}

impl Money {
    /// Returns what card holders would lose if the merchant closed tonight: outstanding less held, at least zero.
    #[must_use]
    pub fn at_risk(&self) -> Decimal {
        (self.outstanding.unwrap_or_default() - self.held.unwrap_or_default()).max(Decimal::ZERO)
    }
}

/// Returns the malls of a merchant, each once, by key and as first spelt.
fn malls_of(merchant: &Merchant) -> Vec<(Cow<'_, str>, &str)> {
    let mut malls: Vec<(Cow<'_, str>, &str)> = Vec::new();
    for shop in &merchant.shops {
        let (key, name) = (name_key::key(&shop.name.mall), shop.name.mall.as_str());
        if !name.is_empty() && !malls.iter().any(|(known, _)| *known == key) {
            malls.push((key, name));
        }
    }
    malls
}

pub(crate) fn money(moment: &Moment<'_>, world: &World, merchant: &Merchant) -> Money {
    let subject = moment.subject(world, merchant);
    let number = |fact| match compute(fact, &subject, None, &mut Trace::off()) {
        Some(Value::Number(number)) => Some(number),
        _ => None,
    };
    Money {
        outstanding: number(FactId::PrepaidOutstanding),
        required: number(FactId::CustodyRequired),
        shortfall: number(FactId::CustodyShortfall),
        held: number(FactId::CustodyHeld),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::fold::Stamp;
    use crate::views::board::Filter;
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn whoever_goes_over_all_merchants_stops_when_the_limit_is_over() {
        let mut picture = Picture::new(Arc::new(Policies::built_in().unwrap()));
        let json = r#"{"credit_code":"91110000101623741K","mall":"M","unit":"1","date":"2025-05-01"}"#;
        let event = Event::decode("mall.shop_closed", 1, json).unwrap();
        let stamp = Stamp { position: 1, recorded_at: Instant::UNIX_EPOCH, history: false };
        picture.world.fold(stamp, &event);
        let (scope, limit) = (Scope::everything(), Limit::new(Duration::from_secs(3600)));
        let view = View::new(&picture, &scope, "2025-06-30T10:00:00Z".parse().unwrap()).within(&limit);
        let found = |view: &View<'_>| (view.list(&Filter::default(), 0, 9).found, view.exits(None).len());
        assert_eq!(found(&view), (1, 1));
        limit.end();
        assert_eq!(found(&view), (0, 0));
        let code = "91110000101623741K".parse().unwrap();
        assert_eq!((view.exits_of(code).len(), view.row_of(code).is_some()), (1, true), "one merchant is no loop");
    }
}

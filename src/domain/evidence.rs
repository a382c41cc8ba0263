//! Evidence about one merchant, item by item.
//!
//! An item is known from the position it was recorded at, and stands until something else is said about the same thing, or it is
//! cancelled; then it is kept with the position up to which it stood. So what stood is known for any day of truth and any point of
//! knowledge ([`Horizon`]).

use super::code::DivisionCode;
use super::code_key::code;
use super::envelope::Position;
use super::event::ShopName;
use super::mark::Mark;
use super::merchant::Horizon;
use super::money::{Ratio, Yuan};
use super::name_key;
use super::ticket;
use super::time::{Day, Instant, day_of};
use super::words::{
    Channel, ComplaintKind, EnforcementKind, ExitAction, FilingAction, FilingStatus, GuaranteeKind, ListKind, Outcome,
    SignalKind, TicketStep,
};
use rust_decimal::Decimal;
use thin_vec::ThinVec;

/// The end of what stands still.
pub const STANDING: Position = Position::MAX;

/// A row of the register, reduced to what is asked later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterRow {
    /// Where it stands.
    pub position: Position,
    /// Name.
    pub name: Option<Box<str>>,
    /// GB/T 4754 code.
    pub industry_code: Option<Box<str>>,
    /// Division.
    pub division_code: Option<DivisionCode>,
    /// Street.
    pub street: Option<Box<str>>,
    /// Representative.
    pub legal_representative: Option<Box<str>>,
    /// Digest of the representative's document.
    pub legal_representative_digest: Option<Box<str>>,
    /// Brand.
    pub brand: Option<Box<str>>,
    /// Founded.
    pub founded_on: Option<Day>,
}

/// Another name of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alias {
    /// Where it was recorded.
    pub position: Position,
    /// Where it was withdrawn, or [`STANDING`].
    pub until: Position,
    /// The name.
    pub name: Box<str>,
    /// The mall in which it is meant; `None`: wherever.
    pub mall: Option<Box<str>>,
    /// The street in which it is meant; `None`: wherever.
    pub street: Option<Box<str>>,
}

/// A sector assigned by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// From this day.
    pub effective_on: Day,
    /// Where it stands.
    pub position: Position,
    /// Sector id.
    pub sector: Box<str>,
}

/// A step of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingStep {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Which step.
    pub action: FilingAction,
    /// Up to where it stood.
    pub until: Position,
    /// Custody bank, if one was named for this day.
    pub bank: Option<Box<str>>,
    /// The end of the account's number.
    pub account_tail: Mark,
}

/// A declared balance. Packed, because a merchant has more of these and of the bank's reports than of everything else together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct Amount {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// Yuan.
    pub amount: Yuan,
    /// Last year's revenue as stated with it.
    pub revenue: Mark,
}

/// A bank's report of a balance in custody. Packed as [`Amount`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub struct CustodyReport {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// Yuan.
    pub amount: Yuan,
    /// The bank saw abnormal flows.
    pub abnormal: bool,
}

/// Something that happened on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
}

/// A guarantee or insurance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuaranteeItem {
    /// First day.
    pub from: Day,
    /// Last day.
    pub until: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until_known: Position,
    /// Which of the two.
    pub kind: GuaranteeKind,
    /// Face value.
    pub amount: Yuan,
}

/// A shop and the steps of its exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// Mall and unit.
    pub name: ShopName,
    /// Where it was first spoken of.
    pub position: Position,
    /// Steps of its exits, by day.
    pub exits: ThinVec<ExitItem>,
}

/// A step of an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExitItem {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// Which step.
    pub action: ExitAction,
    /// Planned last day, as stated.
    pub planned_on: Option<Day>,
    /// How customers get their money back.
    pub refund_plan: Mark,
    /// Why it was dated back.
    pub reason: Mark,
}

/// A complaint: what was first said of it, and what was corrected since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Ticket.
    pub ticket: Box<str>,
    /// Number of events in its stream.
    pub revision: u32,
    /// Where it was received.
    pub position: Position,
    /// When it was received.
    pub received_at: Instant,
    /// Channel.
    pub channel: Channel,
    /// What it asks for, as first said.
    pub kind: ComplaintKind,
    /// Money at stake, as last said; no fact rests on it.
    pub amount: Option<Yuan>,
    /// Due time as first said, and where.
    pub due: Option<(Instant, Position)>,
    /// First answer as first said, and where.
    pub answered: Option<(Instant, Position)>,
    /// Closing as first said, and where.
    pub closed: Option<(Instant, Position, Outcome)>,
    /// Corrections, in the order recorded.
    pub corrections: ThinVec<Correction>,
    /// What was done about it, in the order recorded.
    pub handling: ThinVec<Handling>,
    /// What the office last wrote to the complainant; no fact rests on it.
    pub reply: Option<Box<Reply>>,
    /// Where it was found not to be about this merchant after all; from there on it does not count.
    pub undone: Option<Position>,
    /// Mall that it was handed in at, as last said; `None` if nobody said, or it came another way. No fact rests on it.
    pub mall: Option<Box<str>>,
}

/// What an office wrote to a complainant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Where that was recorded.
    pub position: Position,
    /// The text.
    pub text: Box<str>,
}

/// Something that was done about a ticket; of one thing (what, and when) the one recorded last stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// What was done.
    pub step: TicketStep,
    /// When.
    pub at: Instant,
    /// Money refunded.
    pub amount: Option<Yuan>,
    /// By when the enterprise has to answer.
    pub due_at: Option<Instant>,
    /// The complainant says it was resolved.
    pub resolved: Option<bool>,
    /// The complainant is satisfied.
    pub satisfied: Option<bool>,
}

impl Handling {
    /// Returns a step that says nothing but when.
    #[must_use]
    pub const fn at(position: Position, step: TicketStep, at: Instant) -> Self {
        Self { position, until: STANDING, step, at, amount: None, due_at: None, resolved: None, satisfied: None }
    }

    /// Says whether it is this step at this time.
    #[must_use]
    pub fn is(&self, step: TicketStep, at: Instant) -> bool {
        (self.step, self.at) == (step, at)
    }
}

impl Evidence for Handling {
    fn date(&self) -> Day {
        day_of(self.at)
    }

    fn position(&self) -> Position {
        self.position
    }

    fn until(&self) -> Position {
        self.until
    }
}

impl Replaced for Handling {
    fn end(&mut self, at: Position) {
        self.until = at;
    }
}

/// What a later row of a ticket said instead of what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Correction {
    /// Where it stands.
    pub position: Position,
    /// What it asks for.
    pub kind: Option<ComplaintKind>,
    /// Due time.
    pub due_at: Option<Instant>,
    /// First answer.
    pub answered_at: Option<Instant>,
    /// Closing.
    pub closed: Option<(Instant, Outcome)>,
}

/// A risk signal: one shop, one kind, one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// Which.
    pub kind: SignalKind,
    /// Since when.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// A figure as stated.
    pub value: Mark,
    /// First days it was no longer there, as stated one after the other; the last one known counts.
    pub cleared: ThinVec<(Day, Position)>,
}

/// A ratio about a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatioItem {
    /// Index in [`Merchant::shops`].
    pub shop: u32,
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// The ratio.
    pub ratio: Ratio,
}

/// An entry in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Which list.
    pub list: ListKind,
    /// First day on it.
    pub entered_on: Day,
    /// Where it stands.
    pub position: Position,
    /// Up to where it stood.
    pub until: Position,
    /// First days no longer on it, as stated one after the other; the last one known counts.
    pub removed: ThinVec<(Day, Position)>,
}

/// An act of enforcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Day.
    pub date: Day,
    /// Where it stands.
    pub position: Position,
    /// Which.
    pub kind: EnforcementKind,
    /// Up to where it stood.
    pub until: Position,
    /// Last day to comply.
    pub due_on: Option<Day>,
    /// Document number, as codes compare.
    pub number: Option<Box<str>>,
    /// What was found, of a check.
    pub result: Mark,
}

/// An item that counts from a day on and was recorded somewhere.
pub trait Evidence {
    /// First day it counts.
    fn date(&self) -> Day;
    /// Where it was recorded.
    fn position(&self) -> Position;
    /// Where something else was said about the same thing, or it was cancelled; [`STANDING`] if it stands.
    fn until(&self) -> Position {
        STANDING
    }

    /// Says whether it stands by what was recorded up to `known`.
    fn stands(&self, known: Position) -> bool {
        self.position() <= known && (self.until() == STANDING || known < self.until())
    }

    /// Says whether it counts at this horizon.
    fn counts(&self, horizon: &Horizon) -> bool {
        self.date() <= horizon.today && self.stands(horizon.known)
    }
}

/// An item that may be replaced or cancelled.
pub(super) trait Replaced: Evidence {
    /// Ends it at a position.
    fn end(&mut self, at: Position);
}

/// Returns what stands of a thing.
pub(super) fn standing<T: Evidence>(items: &[T], same: impl Fn(&T) -> bool) -> Option<&T> {
    items.iter().rfind(|item| item.until() == STANDING && same(item))
}

/// Ends what stands of the same thing, and returns it for what a later row left out.
pub(super) fn ended<T: Replaced>(items: &mut [T], at: Position, same: impl Fn(&T) -> bool) -> Option<&T> {
    let stood = items.iter_mut().rfind(|item| item.until() == STANDING && same(item))?;
    stood.end(at);
    Some(stood)
}

/// Ends everything that stands and is the same.
pub(super) fn end_all<T: Replaced>(items: &mut [T], at: Position, same: impl Fn(&T) -> bool) {
    items.iter_mut().filter(|item| item.until() == STANDING && same(item)).for_each(|item| item.end(at));
}

macro_rules! evidence {
    ($($item:ty: $date:ident $(until $until:ident)?),+ $(,)?) => {$(
        impl Evidence for $item {
            fn date(&self) -> Day { self.$date }
            fn position(&self) -> Position { self.position }
            $(fn until(&self) -> Position { self.$until })?
        }

        $(impl Replaced for $item {
            fn end(&mut self, at: Position) { self.$until = at; }
        })?
    )+};
}

evidence!(
    Assigned: effective_on,
    FilingStep: date until until,
    Amount: date until until,
    CustodyReport: date until until,
    Dated: date until until,
    GuaranteeItem: from until until_known,
    ExitItem: date until until,
    Signal: date until until,
    RatioItem: date until until,
    Listing: entered_on until until,
    Act: date until until,
);

impl FilingStep {
    /// Returns the state that the step leads to; `None` for an amendment, which leaves it as it is.
    #[must_use]
    pub const fn status(&self) -> Option<FilingStatus> {
        Some(match self.action {
            FilingAction::Submitted | FilingAction::Volunteered => FilingStatus::Submitted,
            FilingAction::Accepted => FilingStatus::Accepted,
            FilingAction::Returned => FilingStatus::Returned,
            FilingAction::Cancelled => FilingStatus::Cancelled,
            FilingAction::None => FilingStatus::None,
            FilingAction::Amended => return None,
        })
    }

    /// Says whether it amends a filing, as against leading to another state. Of a day there is one of each.
    #[must_use]
    pub fn amends(&self) -> bool {
        self.action == FilingAction::Amended
    }
}

impl Shop {
    /// Says whether a shop is at this place: names compare by key.
    #[must_use]
    pub fn is_at(&self, mall: &str, unit: &str) -> bool {
        name_key::same(&self.name.unit, unit) && name_key::same(&self.name.mall, mall)
    }

    /// Says whether a shop is in this mall.
    #[must_use]
    pub fn is_in(&self, mall: &str) -> bool {
        name_key::same(&self.name.mall, mall)
    }
}

/// Appends an item; see [`put`].
pub(super) fn add<T>(items: &mut ThinVec<T>, item: T) {
    put(items, items.len(), item);
}

/// Inserts an item. Lists of a merchant are many and short, so they grow by an eighth instead of doubling.
pub(super) fn put<T>(items: &mut ThinVec<T>, place: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 8 + 1);
    }
    items.insert(place, item);
}

/// Returns the last item dated at or before `day` that stands at `known`, from a list kept by date.
#[must_use]
pub fn latest<T: Evidence>(items: &[T], day: Day, known: Position) -> Option<&T> {
    items.iter().rev().find(|item| item.date() <= day && item.stands(known))
}

/// Says whether the end last stated, as known at a horizon, has come.
fn is_over(ends: &[(Day, Position)], horizon: &Horizon) -> bool {
    let known = ends.iter().rev().find(|(_, position)| *position <= horizon.known);
    known.is_some_and(|(day, _)| *day <= horizon.today)
}

impl RatioItem {
    /// Says whether it is dated in the month of a day.
    #[must_use]
    pub fn is_of_month(&self, day: Day) -> bool {
        (self.date.year(), self.date.month()) == (day.year(), day.month())
    }
}

impl Complaint {
    /// Says whether the complaint was received and known by this horizon.
    #[must_use]
    pub fn counts(&self, horizon: &Horizon) -> bool {
        self.received_at <= horizon.now
            && self.position <= horizon.known
            && self.undone.is_none_or(|undone| undone > horizon.known)
    }

    /// Returns what it asks for, as known at `known`.
    #[must_use]
    pub fn kind(&self, known: Position) -> ComplaintKind {
        self.corrected(known, |correction| correction.kind).unwrap_or(self.kind)
    }

    /// Returns its due time, as known at `known`.
    #[must_use]
    pub fn due(&self, known: Position) -> Option<Instant> {
        let first = self.due.filter(|(_, position)| *position <= known).map(|(due, _)| due);
        self.corrected(known, |correction| correction.due_at).or(first)
    }

    /// Returns when it was first answered, as known at `known`.
    #[must_use]
    pub fn answered(&self, known: Position) -> Option<Instant> {
        let first = self.answered.filter(|(_, position)| *position <= known).map(|(at, _)| at);
        self.corrected(known, |correction| correction.answered_at).or(first)
    }

    /// Returns when and how it was closed, as known at `known`.
    #[must_use]
    pub fn closed(&self, known: Position) -> Option<(Instant, Outcome)> {
        let first = self.closed.filter(|(_, position, _)| *position <= known);
        self.corrected(known, |correction| correction.closed).or(first.map(|(at, _, outcome)| (at, outcome)))
    }

    /// Returns what was done about it, as known at `known`.
    pub fn handled(&self, known: Position) -> impl Iterator<Item = &Handling> {
        self.handling.iter().filter(move |item| item.stands(known))
    }

    /// Returns the money paid back to the complainant (挽回损失), as known at `known`.
    #[must_use]
    pub fn recovered(&self, known: Position) -> Decimal {
        let paid = self.handled(known).filter(|item| item.step == TicketStep::Paid);
        paid.filter_map(|item| item.amount).map(Yuan::decimal).sum()
    }

    /// Says whether it is the ticket of this number in this channel, however the number is typed.
    #[must_use]
    pub fn is_ticket(&self, number: &str, channel: Channel) -> bool {
        self.undone.is_none() && self.channel == channel && code(ticket::number(self)) == code(number)
    }

    fn corrected<T>(&self, known: Position, pick: impl Fn(&Correction) -> Option<T>) -> Option<T> {
        self.corrections.iter().rev().filter(|correction| correction.position <= known).find_map(pick)
    }

    /// Returns how the complaint ended, if it had by this horizon.
    #[must_use]
    pub fn outcome(&self, horizon: &Horizon) -> Option<Outcome> {
        self.closed(horizon.known).filter(|(at, _)| *at <= horizon.now).map(|(_, outcome)| outcome)
    }

    /// Says whether a first answer was given by this horizon.
    #[must_use]
    pub fn is_answered(&self, horizon: &Horizon) -> bool {
        self.answered(horizon.known).is_some_and(|at| at <= horizon.now)
    }
}

impl Signal {
    /// Says whether it is this signal, and was not cancelled.
    #[must_use]
    pub fn is(&self, shop: u32, kind: SignalKind, date: Day) -> bool {
        (self.shop, self.kind, self.date) == (shop, kind, date) && self.until == STANDING
    }

    /// Says whether the signal is up: raised and not cleared by this horizon.
    #[must_use]
    pub fn is_up(&self, horizon: &Horizon) -> bool {
        self.counts(horizon) && !is_over(&self.cleared, horizon)
    }
}

impl Listing {
    /// Says whether it is this entry, and was not cancelled.
    #[must_use]
    pub fn is(&self, list: ListKind, entered_on: Day) -> bool {
        (self.list, self.entered_on) == (list, entered_on) && self.until == STANDING
    }

    /// Says whether the merchant is on the list at this horizon.
    #[must_use]
    pub fn is_on(&self, horizon: &Horizon) -> bool {
        self.counts(horizon) && !is_over(&self.removed, horizon)
    }
}

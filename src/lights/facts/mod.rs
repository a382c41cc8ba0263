//! Facts (事实): named values computed from a merchant's evidence at a moment. docs/FACTS.md says to the letter what each
//! means; one file here per subject.

mod balance;
mod complaints;
mod custody;
mod exits;
mod filing;
mod links;
mod prepaid;
mod registry;
mod signals;

pub use registry::open_orders;

use super::moment::Subject;
use crate::domain::envelope::Position;
use crate::domain::evidence::{Evidence, Shop};
use crate::domain::time::days_between;
use crate::policy::fact::{FactId, FactTable, Value};
use crate::policy::rule::Edition;
use rust_decimal::Decimal;

/// Collects the positions of the events that a fact rests on, if anybody wants them.
#[derive(Debug, Default)]
pub struct Trace(Option<Vec<Position>>);

impl Trace {
    /// Returns a trace that collects nothing.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Returns a trace that collects.
    #[must_use]
    pub const fn on() -> Self {
        Self(Some(Vec::new()))
    }

    /// Notes that an event was looked at and counted.
    pub fn saw(&mut self, position: Position) {
        if let Some(positions) = &mut self.0 {
            positions.push(position);
        }
    }

    /// Returns the positions collected, in order, each once.
    #[must_use]
    pub fn positions(self) -> Vec<Position> {
        let mut positions = self.0.unwrap_or_default();
        positions.sort_unstable();
        positions.dedup();
        positions
    }
}

/// Computes every fact of the merchant itself.
#[must_use]
pub fn of_merchant(subject: &Subject<'_>) -> FactTable {
    let mut table = FactTable::default();
    for fact in FactId::ALL.iter().filter(|fact| !fact.is_of_shop()) {
        table.set(*fact, compute(*fact, subject, None, &mut Trace::off()));
    }
    table
}

/// Adds the facts of one shop to those of its merchant.
#[must_use]
pub fn of_shop(merchant: &FactTable, subject: &Subject<'_>, shop: &Shop) -> FactTable {
    let mut table = *merchant;
    for fact in FactId::ALL.iter().filter(|fact| fact.is_of_shop()) {
        table.set(*fact, compute(*fact, subject, Some(shop), &mut Trace::off()));
    }
    table
}

/// Computes one fact, noting the events it rests on. Facts of shops are missing without a shop.
pub fn compute(fact: FactId, subject: &Subject<'_>, shop: Option<&Shop>, trace: &mut Trace) -> Option<Value> {
    use FactId as F;
    match fact {
        F::PrepaidOutstanding => prepaid::outstanding(subject, trace),
        F::PrepaidReportOverdueDays => prepaid::report_overdue_days(subject, trace),
        F::PrepaidShareOfRevenue => prepaid::share_of_revenue(subject, trace),
        F::PrepaidGrownWhileBarred => prepaid::grown_while_barred(subject, trace),
        F::FilingStatus => filing::status(subject, trace),
        F::FilingDue => filing::due(subject, trace),
        F::FilingOverdueDays => filing::overdue_days(subject, trace),
        F::CustodyRequired => custody::required(subject, trace).map(Value::Number),
        F::CustodyHeld => custody::held(subject, trace).map(Value::Number),
        F::CustodyCoverage => custody::coverage(subject, trace),
        F::CustodyBankRequired => custody::bank_required(subject, trace),
        F::CustodyShortfall => custody::shortfall(subject, trace),
        F::CustodyReportAgeDays => custody::report_age_days(subject, trace),
        F::CustodyAbnormalFlow30d => custody::abnormal_flow_30d(subject, trace),
        F::Complaints7d => complaints::received_within(subject, 7, trace),
        F::Complaints30d => complaints::received_within(subject, 30, trace),
        F::Complaints90d => complaints::received_within(subject, 90, trace),
        F::ComplaintsClosed30d => complaints::closed_shop_30d(subject, trace),
        F::ComplaintsRefundOverdueDays => complaints::refund_overdue_days(subject, trace),
        F::ComplaintsUnanswered24h => complaints::unanswered_24h(subject, trace),
        F::ComplaintsOverdue => complaints::overdue(subject, trace),
        F::ComplaintRateMonthsOver => signals::months_over(subject, trace),
        F::ExitDaysLeft => exits::days_left(subject, shop?, trace),
        F::ExitNoticeDays => exits::notice_days(subject, shop?, trace),
        F::ExitOverrunDays => exits::overrun_days(subject, shop?, trace),
        F::ShopClosedUnannounced => exits::closed_unannounced(subject, shop?, trace),
        F::ShopClosedDays => exits::closed_days(subject, shop?, trace),
        F::ShopNoticeGivenDays => exits::notice_given_days(subject, shop?, trace),
        F::SignalRentArrearsDays
        | F::SignalUtilitiesAbnormalDays
        | F::SignalWageArrearsDays
        | F::SignalSalesDropDays
        | F::SignalPromotionSurgeDays => signals::days_up(fact, subject, trace),
        F::ListedCourtDefaulter | F::ListedAbnormal | F::ListedSerious | F::RegistryDeregistering => {
            registry::listed(fact, subject, trace)
        }
        F::RectificationOverdueDays => registry::rectification_overdue_days(subject, trace),
        F::Penalties365d => registry::penalties_365d(subject, trace),
        F::LinkedClosedUnannounced24m => links::closed_unannounced_24m(subject, trace),
    }
}

/// Says whether an item counts today: it stands. Facts of edition 1 count what was corrected since, too; what was cancelled
/// counts under no edition.
fn counts<T: Evidence>(subject: &Subject<'_>, item: &T) -> bool {
    let horizon = &subject.moment.horizon;
    match subject.moment.policies.pack.edition {
        Edition::First => item.date() <= horizon.today && item.position() <= horizon.known,
        Edition::Second => item.counts(horizon),
    }
}

/// Says whether `date` lies in the last `days` days: `today − days < date ≤ today`.
fn within(subject: &Subject<'_>, date: crate::domain::time::Day, days: i64) -> bool {
    let age = days_between(date, subject.moment.horizon.today);
    (0..days).contains(&age)
}

fn days(count: i64) -> Value {
    Value::Number(Decimal::from(count))
}

fn count(things: usize) -> Value {
    Value::Number(Decimal::from(things))
}

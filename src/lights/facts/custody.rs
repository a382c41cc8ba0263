//! Facts about money in custody (资金存管).

use super::balance::{balance_on, balances};
use super::{Trace, count, counts, days, filing, within};
use crate::domain::evidence::{Amount, CustodyReport, Evidence as _, latest};
use crate::domain::time::days_between;
use crate::lights::moment::Subject;
use crate::policy::fact::Value;
use crate::policy::rule::Edition;
use crate::policy::scheme::CustodyBase;
use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of an amount that can be paid.
const FEN: u32 = 2;

/// `custody.required`, yuan: ratio × base, to the fen (as it comes in edition 1). Zero where the scheme has no ratio or no filing is due; missing without a
/// declared balance.
pub(super) fn required(subject: &Subject<'_>, trace: &mut Trace) -> Option<Decimal> {
    let newest = balance_on(subject, subject.moment.horizon.today)?;
    let Some(duty) = subject.scheme.and_then(|scheme| scheme.custody.as_ref()) else { return Some(Decimal::ZERO) };
    if !filing::is_due(subject) {
        return Some(Decimal::ZERO);
    }
    let base = match duty.base {
        CustodyBase::Latest => newest,
        CustodyBase::PreviousQuarterEnd => {
            balance_on(subject, subject.moment.previous_quarter_end).or_else(|| earliest(subject))?
        }
    };
    trace.saw(base.position);
    let required = duty.ratio * { base.amount }.decimal();
    Some(match subject.moment.policies.pack.edition {
        Edition::First => required,
        Edition::Second => required.round_dp_with_strategy(FEN, RoundingStrategy::MidpointAwayFromZero),
    })
}

/// Returns the earliest declared balance; of one date, the one recorded later.
fn earliest<'a>(subject: &Subject<'a>) -> Option<&'a Amount> {
    let first = balances(subject).next()?;
    balance_on(subject, first.date)
}

fn bank_report<'a>(subject: &Subject<'a>) -> Option<&'a CustodyReport> {
    let horizon = &subject.moment.horizon;
    latest(&subject.merchant.custody, horizon.today, horizon.known)
}

/// Returns the face value of guarantees valid today; `None` if none is.
fn guarantees(subject: &Subject<'_>, trace: &mut Trace) -> Option<Decimal> {
    let horizon = &subject.moment.horizon;
    let mut total = None;
    for guarantee in &subject.merchant.guarantees {
        if counts(subject, guarantee) && guarantee.until >= horizon.today {
            trace.saw(guarantee.position);
            total = Some(total.unwrap_or(Decimal::ZERO) + guarantee.amount.decimal());
        }
    }
    total
}

/// `custody.held`, yuan: the bank's latest balance and valid guarantees; missing if there is neither.
pub(super) fn held(subject: &Subject<'_>, trace: &mut Trace) -> Option<Decimal> {
    let bank = bank_report(subject).map(|report| {
        trace.saw(report.position);
        report.amount.decimal()
    });
    match (bank, guarantees(subject, trace)) {
        (None, None) => None,
        (bank, guaranteed) => Some(bank.unwrap_or_default() + guaranteed.unwrap_or_default()),
    }
}

/// `custody.coverage`, a ratio: held ÷ required; 1 if nothing is required.
pub(super) fn coverage(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let required = required(subject, trace)?;
    if required.is_zero() {
        return Some(Value::Number(Decimal::ONE));
    }
    let held = held(subject, trace)?;
    // 28 digits: amounts differ by a fen at least, which even of a trillion yuan is a difference in the 15th digit.
    held.checked_div(required).map(Value::Number)
}

/// `custody.bank_required`, yuan: what guarantees leave to be held by the bank.
pub(super) fn bank_required(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let required = required(subject, trace)?;
    let rest = required - guarantees(subject, trace).unwrap_or_default();
    Some(Value::Number(rest.max(Decimal::ZERO)))
}

/// `custody.shortfall`, yuan; missing if either side is.
pub(super) fn shortfall(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let required = required(subject, trace)?;
    if required.is_zero() {
        return Some(Value::Number(Decimal::ZERO));
    }
    let held = held(subject, trace)?;
    Some(Value::Number((required - held).max(Decimal::ZERO)))
}

/// `custody.report_age_days`, days.
pub(super) fn report_age_days(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let report = bank_report(subject)?;
    trace.saw(report.position);
    Some(days(days_between(report.date, subject.moment.horizon.today)))
}

/// `custody.abnormal_flow_30d`, a count: days whose report, as it stands, says abnormal. In edition 1 what a report once said
/// counted, whatever came after.
pub(super) fn abnormal_flow_30d(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let merchant = subject.merchant;
    let found = match subject.moment.policies.pack.edition {
        Edition::First => {
            let flows = merchant.flows.iter().filter(|flow| counts(subject, *flow) && within(subject, flow.date, 30));
            flows.inspect(|flow| trace.saw(flow.position)).count()
        }
        Edition::Second => {
            let reports = merchant
                .custody
                .iter()
                .filter(|report| report.abnormal && counts(subject, *report) && within(subject, report.date(), 30));
            reports.inspect(|report| trace.saw(report.position())).count()
        }
    };
    Some(count(found))
}

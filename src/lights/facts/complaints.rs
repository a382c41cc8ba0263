//! Facts about complaints (投诉).

use super::{Trace, count, days, within};
use crate::domain::evidence::Complaint;
use crate::domain::time::{day_of, days_between, plus_hours};
use crate::domain::words::{Channel, ComplaintKind, Outcome};
use crate::lights::moment::Subject;
use crate::policy::fact::Value;

/// Returns the complaints received and known by now.
fn known<'a>(subject: &Subject<'a>) -> impl Iterator<Item = &'a Complaint> + use<'a> {
    let horizon = subject.moment.horizon;
    subject.merchant.complaints.iter().filter(move |complaint| complaint.counts(&horizon))
}

/// Returns those of the last `days` days that still count: withdrawn and merged ones do not once they are closed so.
fn counted<'a>(subject: &Subject<'a>, days: i64) -> impl Iterator<Item = &'a Complaint> + use<'a> {
    let subject = *subject;
    known(&subject).filter(move |complaint| {
        within(&subject, day_of(complaint.received_at), days)
            && !matches!(complaint.outcome(&subject.moment.horizon), Some(Outcome::Withdrawn | Outcome::Merged))
    })
}

/// Notes where a complaint and its corrections were recorded.
fn saw(subject: &Subject<'_>, complaint: &Complaint, trace: &mut Trace) {
    trace.saw(complaint.position);
    let known = subject.moment.horizon.known;
    let corrections = complaint.corrections.iter().map(|correction| correction.position);
    corrections.filter(|position| *position <= known).for_each(|position| trace.saw(position));
}

/// `complaints.7d`, `.30d`, `.90d`, counts.
pub(super) fn received_within(subject: &Subject<'_>, days: i64, trace: &mut Trace) -> Option<Value> {
    Some(count(counted(subject, days).inspect(|complaint| saw(subject, complaint, trace)).count()))
}

/// `complaints.closed_30d`, a count: complaints that the shop is closed or cannot be reached (闭店失联).
pub(super) fn closed_shop_30d(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let closed =
        counted(subject, 30).filter(|complaint| complaint.kind(subject.moment.horizon.known) == ComplaintKind::Closed);
    Some(count(closed.inspect(|complaint| saw(subject, complaint, trace)).count()))
}

/// `complaints.refund_overdue_days`, days past the time allowed of the worst refund complaint of the last 365 days that is not
/// closed, or closed as unresolved.
pub(super) fn refund_overdue_days(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let allowed = i64::from(subject.moment.policies.pack.parameters.refund_days);
    let mut worst = 0;
    for complaint in known(subject) {
        let received = day_of(complaint.received_at);
        if complaint.kind(horizon.known) == ComplaintKind::Refund
            && within(subject, received, 365)
            && matches!(complaint.outcome(horizon), None | Some(Outcome::Unresolved))
        {
            let overdue = days_between(received, horizon.today) - allowed;
            if overdue > 0 {
                saw(subject, complaint, trace);
                worst = worst.max(overdue);
            }
        }
    }
    Some(days(worst))
}

/// `complaints.unanswered_24h`, a count: complaints at the mall without a first answer for longer than allowed.
pub(super) fn unanswered_24h(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let allowed = i64::from(subject.moment.policies.pack.parameters.answer_hours);
    let unanswered = known(subject).filter(|complaint| {
        complaint.channel == Channel::Mall
            && plus_hours(complaint.received_at, allowed) < horizon.now
            && !complaint.is_answered(horizon)
            && complaint.outcome(horizon).is_none()
    });
    Some(count(unanswered.inspect(|complaint| saw(subject, complaint, trace)).count()))
}

/// `complaints.overdue`, a count: not closed and past the ticket's own due time.
pub(super) fn overdue(subject: &Subject<'_>, trace: &mut Trace) -> Option<Value> {
    let horizon = &subject.moment.horizon;
    let late = known(subject).filter(|complaint| {
        complaint.due(horizon.known).is_some_and(|due| due < horizon.now) && complaint.outcome(horizon).is_none()
    });
    Some(count(late.inspect(|complaint| saw(subject, complaint, trace)).count()))
}

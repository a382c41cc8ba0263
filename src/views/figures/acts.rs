//! Acts of enforcement by kind (警示信, 黄牌, 约谈 …), letters, and leads to other authorities, by their day.

use super::{Counted, Measure, Terms};
use crate::domain::evidence::Evidence as _;
use crate::domain::merchant::Merchant;
use crate::domain::words::LeadStep;

/// Counts what was done about a merchant in the period.
pub(super) fn count(terms: &Terms<'_>, merchant: &Merchant, each: &mut dyn FnMut(Counted)) {
    let known = terms.known;
    for act in merchant.acts.iter().filter(|act| terms.period.has_day(act.date) && act.stands(known)) {
        each(Counted::one(Measure::Enforced(act.kind), act.position));
    }
    let dealings = merchant.dealings();
    let letters = dealings.documents.iter().filter(|letter| letter.position <= known);
    for letter in letters.filter(|letter| terms.period.has_day(letter.date)) {
        each(Counted::one(Measure::Letters, letter.position));
    }
    let leads = dealings.leads.iter().filter(|lead| lead.step == LeadStep::Transferred && lead.stands(known));
    for lead in leads.filter(|lead| terms.period.has_day(lead.date)) {
        each(Counted::one(Measure::Leads, lead.position));
    }
}

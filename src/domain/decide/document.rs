//! Decisions about letters: a number is one letter of its office, and a letter that is an act records the act with it.

use super::{Known, enforcement};
use crate::domain::check::Problem;
use crate::domain::command::RecordEnforcement;
use crate::domain::dealings::{Dealings, act_of, words_of};
use crate::domain::event::{DocumentIssued, Event};
use crate::domain::merchant::Merchant;
use crate::domain::time::{Instant, start_of};

/// Decides a letter.
///
/// # Errors
/// Another letter of its office, or of this kind about the merchant, has its number already, or the act that it is may not be recorded.
pub(super) fn decide(
    row: &DocumentIssued,
    known: &Known<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<(Instant, Event)>, Vec<Problem>> {
    let merchant = known.merchant;
    let dealings = merchant.map_or(Dealings::none(), Merchant::dealings);
    let other_kind = dealings.letter(&row.office, &row.number).is_some_and(|letter| letter.kind != row.kind);
    if known.number_taken || other_kind {
        return Err(vec![Problem {
            field: "number",
            code: "number_taken",
            value: row.number.clone(),
            zh: format!("{}已将文号 `{}` 用于另一份文书；一个文号只对应一份文书，请用新的文号", row.office, row.number),
            en: format!(
                "{} gave number `{}` to another letter already; a number is one letter of its office, so give this one a number of its own",
                row.office, row.number
            ),
        }]);
    }
    let stood = dealings.document(row.kind, &row.number);
    if let Some(stood) = stood.filter(|stood| stood.date != row.date || stood.words != words_of(row)) {
        return Err(vec![Problem {
            field: "number",
            code: "contradicts",
            value: row.number.clone(),
            zh: format!(
                "文号 `{}` 已用于 {} 签发的{}，内容不同；另行签发请用新的文号",
                row.number,
                stood.date,
                row.kind.zh()
            ),
            en: format!(
                "number `{}` is that of a letter issued on {}, which says something else; give this one a number of its own",
                row.number, stood.date
            ),
        }]);
    }
    let mut events = vec![(start_of(row.date), Event::DocumentIssued(row.clone()))];
    if let Some(kind) = act_of(row.kind) {
        let act = RecordEnforcement {
            credit_code: row.credit_code,
            kind,
            date: row.date,
            due_on: row.due_on,
            number: Some(row.number.clone()),
            result: None,
        };
        events.extend(enforcement(&act, merchant, warnings)?);
    }
    Ok(events)
}

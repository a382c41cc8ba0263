//! Codes: of merchants, places, industries, tickets and documents, and the numbers of units, which programs spoil like codes.

use super::{Cell, CellFault};
use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::code_key;
use crate::domain::name_key::is_dash;
use crate::domain::personal::{Likeness, identity_number, is_persons};
use crate::domain::text::{clean, fault, half_width};
use crate::domain::tidy::industry_code;
use std::borrow::Cow;

/// What people write before a code in its own column.
const LABELS: [&str; 3] = ["统一社会信用代码", "社会信用代码", "信用代码"];

/// Reads a credit code in any spelling that loses nothing: full width, small letters, blanks, hyphens, `CODE(1-1)` for the copy
/// of a licence, its own name in front. A code that fails its check character is taken.
///
/// # Errors
/// [`CellFault::CreditCode`], [`CellFault::Mistyped`], [`CellFault::Identity`] for the number of a person; what no cell may hold.
pub fn credit_code(cell: Cell<'_>) -> Result<Option<CreditCode>, CellFault> {
    let Some(text) = cell.marked()? else { return Ok(None) };
    let narrow = half_width(&text);
    let bare = without_copy(without_label(&narrow));
    let code = code_key::code(bare);
    if is_persons(&code) {
        return Err(CellFault::Identity);
    }
    code.parse().map(Some).map_err(|error| match meant(&code) {
        Some(meant) => CellFault::Mistyped(error, meant),
        None => CellFault::CreditCode(error),
    })
}

fn without_label(text: &str) -> &str {
    let behind = LABELS.iter().find_map(|label| text.trim_start().strip_prefix(label));
    behind.map_or(text, |rest| rest.trim_start_matches([':', ' ']))
}

/// Takes off the number of a copy: `(1-1)`, `(2-1)`.
fn without_copy(text: &str) -> &str {
    let Some((code, copy)) = text.trim_end().strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) else {
        return text;
    };
    let digits = |text: &str| (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = copy.split_once(is_dash).is_some_and(|(number, of)| digits(number.trim()) && digits(of.trim()));
    if numbered { code } else { text }
}

/// O and I are in no code, and typed for 0 and 1: the check character tells whether it was so. The code is offered, not taken.
fn meant(code: &str) -> Option<CreditCode> {
    let code: CreditCode = code.replace('O', "0").replace('I', "1").parse().ok()?;
    code.check_character_holds().then_some(code)
}

/// Reads a code that is only compared: of a ticket, a document, a digest, the end of an account number. It is kept as typed.
///
/// # Errors
/// What no text or no cell may hold; [`CellFault::Scientific`], [`CellFault::Identity`].
pub fn code(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    let Some(text) = cell.marked()? else { return Ok(None) };
    let text = clean(&text).into_owned();
    match fault(&text) {
        Some(fault) => Err(fault.into()),
        None if identity_number(&code_key::code(&text)) == Likeness::Sure => Err(CellFault::Identity),
        None => Ok(Some(text)),
    }
}

/// Reads the number of a unit (铺位号).
///
/// # Errors
/// As for [`code`]; [`CellFault::TurnedIntoDate`] for what was `2-3` once and is `2月3日` or `3-Feb` now.
pub fn shop_unit(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    let unit = code(cell)?;
    if unit.as_deref().is_some_and(is_date) { Err(CellFault::TurnedIntoDate) } else { Ok(unit) }
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Says whether a text is what a spreadsheet shows for a day.
fn is_date(text: &str) -> bool {
    let narrow = half_width(text).to_ascii_lowercase();
    let number = |text: &str| text.parse::<u32>().ok();
    let within =
        |text: &str, most: u32| text.len() <= 2 && number(text).is_some_and(|value| (1..=most).contains(&value));
    if let Some((month, day)) = narrow.strip_suffix(['日', '号']).and_then(|rest| rest.split_once('月'))
        && within(day, 31)
        && (within(month, 12) || month.split_once('年').is_some_and(|(_, month)| within(month, 12)))
    {
        return true;
    }
    let parts: Vec<&str> = narrow.split(['-', '/']).collect();
    match parts.as_slice() {
        [one, other] => {
            let month = |text: &&str| MONTHS.contains(text);
            let figure = |text: &str| matches!(text.len(), 1 | 2 | 4) && number(text).is_some();
            month(one) && figure(other) || month(other) && figure(one)
        }
        [year, month, day] => {
            year.len() == 4
                && number(year).is_some_and(|year| (1900..=2100).contains(&year))
                && within(month, 12)
                && within(day, 31)
        }
        _ => false,
    }
}

/// Reads a division code.
///
/// # Errors
/// [`CellFault::Division`]; what no cell may hold.
pub fn division(cell: Cell<'_>) -> Result<Option<DivisionCode>, CellFault> {
    let parsed = |text: Cow<'_, str>| code_key::code(&text).parse().map_err(|_| CellFault::Division);
    cell.marked()?.map(parsed).transpose()
}

/// Reads an industry code; its category letter is dropped.
///
/// # Errors
/// [`CellFault::Industry`]; what no cell may hold.
pub fn industry(cell: Cell<'_>) -> Result<Option<String>, CellFault> {
    cell.marked()?.map(|text| industry_code(&text).ok_or(CellFault::Industry)).transpose()
}

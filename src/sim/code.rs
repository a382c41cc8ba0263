//! Credit codes (统一社会信用代码) by number: all different, all with the right check character.

use super::chance::{CODES, Chance};
use crate::domain::code::CreditCode;

const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Codes that differ in the seven places after the authority, the region and `MA`: 31⁷.
const CODES_IN_ALL: u64 = 27_512_614_111;

/// A step that walks through all of them: it shares no factor with 31. Near the golden section, so that neighbours look
/// unlike each other.
const STEP: u64 = 17_003_730_461;

/// Returns code number `serial` of a district registered in Haidian: an enterprise (`91…`) or a self-employed household
/// (`92…`). Two numbers never have the same code.
pub(super) fn credit_code(seed: u64, serial: u64, household: bool) -> Option<CreditCode> {
    let begin = Chance::new(seed, CODES, 0).below(CODES_IN_ALL);
    let spread = u128::from(serial) * u128::from(STEP) + u128::from(begin);
    let mut rest = u64::try_from(spread % u128::from(CODES_IN_ALL)).ok()?;
    let mut code = *b"91110108MA00000000";
    if household && let Some(kind) = code.get_mut(1) {
        *kind = b'2';
    }
    for place in code.get_mut(10..17)? {
        *place = letter(rest % 31)?;
        rest /= 31;
    }
    let mut weight = 1;
    let mut sum = 0;
    for byte in code.get(..17)? {
        sum += weight * ALPHABET.iter().position(|letter| letter == byte)?;
        weight = weight * 3 % 31;
    }
    *code.last_mut()? = letter(((31 - sum % 31) % 31) as u64)?;
    std::str::from_utf8(&code).ok()?.parse().ok()
}

fn letter(value: u64) -> Option<u8> {
    ALPHABET.get(usize::try_from(value).ok()?).copied()
}

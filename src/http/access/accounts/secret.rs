//! What opens an account: passwords, codes of an authenticator (RFC 6238), recovery codes and links that count once.

use super::AccountsError;
use crate::domain::envelope::hex;
use crate::domain::name_key;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use sha2::{Digest as _, Sha256};
use std::sync::{Mutex, PoisonError};
use subtle::ConstantTimeEq as _;
use totp_rs::{Builder, Secret, Totp};

/// Fewest characters of a password.
const SHORTEST: usize = 10;
/// Most characters of a password: hashing takes all of them.
const LONGEST: usize = 200;
/// Random bytes of an authenticator's secret: RFC 4226 asks for 160 bits.
const TOTP_BYTES: usize = 20;
/// Recovery codes made at once.
const CODES: usize = 10;
/// Random bytes of one of them: so many that a plain digest cannot be guessed back.
const CODE_BYTES: usize = 10;

/// One password is hashed at a time: each takes 19 MiB and all of a processor.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Fills bytes with randomness.
pub(super) fn random<const N: usize>() -> Result<[u8; N], AccountsError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| AccountsError::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

/// Says why a text is no password for somebody; `None`: it is one.
#[must_use]
pub fn fault_of(password: &str, name: &str) -> Option<(&'static str, &'static str)> {
    let length = password.chars().count();
    let first = password.chars().next();
    if length < SHORTEST {
        Some(("密码至少 10 个字符", "a password has 10 characters at least"))
    } else if length > LONGEST {
        Some(("密码最多 200 个字符", "a password has 200 characters at most"))
    } else if name_key::key(password).contains(&*name_key::key(name)) {
        Some(("密码不得包含用户名", "a password does not hold the name of its account"))
    } else if password.chars().all(|letter| Some(letter) == first) || "01234567890123456789".contains(password) {
        Some(("密码过于简单", "this password is the first that anybody would try"))
    } else {
        None
    }
}

/// Returns the argon2id hash of a password, in PHC form with its parameters and salt.
pub(super) fn hash(password: &str) -> Result<String, AccountsError> {
    let salt = random::<16>()?;
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let hashed = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|error| AccountsError::Hash(error.to_string()))
}

/// Says whether a password is the one of a hash. Without a hash it takes as long, and it is not.
pub(super) fn is_password(password: &str, hash: Option<&str>) -> bool {
    // Of a text that nobody knows; only the time that it takes counts.
    const NOBODYS: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$d2FybmxpZ2h0IG5vYm9keQ$qPzyQs0WgN6jN2i8vB5Yv6mKcX0c1n8s4rQ9dXo2s1c";
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let password: String = password.chars().take(LONGEST + 1).collect();
    let holds = Argon2::default().verify_password(password.as_bytes(), hash.unwrap_or(NOBODYS)).is_ok();
    holds && hash.is_some()
}

/// Returns the digest that is kept of random text.
pub(super) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// Says whether a text has a digest, in a time that tells nothing.
pub(super) fn is_of(text: &str, kept: &str) -> bool {
    digest(text).as_bytes().ct_eq(kept.as_bytes()).into()
}

/// Returns a new text for a link that counts once.
pub(super) fn token() -> Result<String, AccountsError> {
    random::<32>().map(|bytes| hex(&bytes))
}

/// Returns a new secret of an authenticator, in base 32.
pub(super) fn totp_secret() -> Result<String, AccountsError> {
    Ok(base32(&random::<TOTP_BYTES>()?))
}

/// Returns the step in which a code is right at a second, if it is: half a minute earlier or later does no harm.
pub(super) fn step_of(secret: &str, code: &str, second: i64) -> Option<u64> {
    let code: String = code.chars().filter(char::is_ascii_digit).collect();
    totp(secret)?.check(&code, u64::try_from(second).ok()?)
}

fn totp(secret: &str) -> Option<Totp> {
    Builder::new().with_secret(Secret::try_from_base32(secret).ok()?).build().ok()
}

/// Returns what an authenticator reads off a QR code.
#[must_use]
pub fn otpauth(name: &str, secret: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("otpauth://totp/Warnlight:{name}?secret={secret}&issuer=Warnlight")
}

/// Returns new recovery codes, in groups that can be typed.
pub(super) fn recovery_codes() -> Result<Vec<String>, AccountsError> {
    let code = || Ok(base32(&random::<CODE_BYTES>()?));
    let grouped = |code: String| {
        let letters: Vec<char> = code.chars().collect();
        letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    };
    (0..CODES).map(|_| code().map(grouped)).collect()
}

/// Returns a recovery code as it is compared.
pub(super) fn plain_code(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect()
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| usize::from(byte >> bit & 1)));
    let bits: Vec<usize> = bits.collect();
    let letter = |five: &[usize]| {
        let place = five.iter().fold(0, |sum, bit| sum << 1 | bit) << (5 - five.len());
        LETTERS.get(place).map_or('A', |letter| char::from(*letter))
    };
    bits.chunks(5).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_by_its_hash_and_no_other() {
        let hash = hash("correct horse").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(is_password("correct horse", Some(&hash)));
        assert!(!is_password("correct horsf", Some(&hash)) && !is_password("correct horse", None));
        assert!(!is_password("", Some("nonsense")));
    }

    #[test]
    fn what_is_no_password_is_told() {
        for (password, name) in
            [("short", "x"), ("zhang.san-2025", "zhang.san"), ("aaaaaaaaaaaa", "x"), ("1234567890", "x")]
        {
            assert!(fault_of(password, name).is_some(), "{password}");
        }
        assert!(fault_of(&"长".repeat(201), "x").is_some());
        assert_eq!(fault_of("四个字的密码要够长啊", "张三"), None);
        assert_eq!(fault_of("correct horse", "zhang.san"), None);
    }

    /// RFC 6238, appendix B, SHA-1, the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = base32(b"12345678901234567890");
        assert_eq!(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(step_of(&secret, code, second), Some(u64::try_from(second).unwrap() / 30));
            let (first, rest) = code.split_at(3);
            let typed = format!("{first} {rest}");
            assert_eq!(step_of(&secret, &typed, second + 29), Some(u64::try_from(second).unwrap() / 30));
            assert_eq!(step_of(&secret, code, second + 90), None);
        }
        assert_eq!(step_of(&secret, "", 59), None);
        assert_eq!(step_of("nonsense!", "287082", 59), None);
    }

    #[test]
    fn recovery_codes_differ_and_are_read_however_they_are_typed() {
        let codes = recovery_codes().unwrap();
        assert_eq!((codes.len(), codes.iter().collect::<std::collections::BTreeSet<_>>().len()), (10, 10));
        let code = &codes[0];
        assert_eq!(plain_code(code), plain_code(&code.to_lowercase().replace('-', " ")));
        assert_eq!(plain_code(code).len(), 16);
    }
}

//! The link in a mail by which its recipient acknowledges it (签收链接), without log-in: whoever has the mail has the link. It names the
//! mail, and is signed for one address, so nobody can make another one or take somebody else's.

use crate::settings::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use uuid::Uuid;

/// What the key is for: the same secret signs sessions, with another word.
const PURPOSE: &[u8] = b"warnlight: link in a mail";

/// Makes links, and knows its own.
#[derive(Clone)]
pub struct LinkKey(Key);

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LinkKey").finish_non_exhaustive()
    }
}

impl LinkKey {
    /// Derives the key from the secret of the settings. Nodes with the same secret know each other's links.
    #[must_use]
    pub fn of(secret: &Secret) -> Self {
        let secret = Key::new(HMAC_SHA256, secret.expose().as_bytes());
        Self(Key::new(HMAC_SHA256, sign(&secret, PURPOSE).as_ref()))
    }

    /// Returns the last part of the link for a recipient of a mail: always the same, so that a mail that is tried again stays the same.
    #[must_use]
    pub fn token(&self, mail: Uuid, address: &str) -> String {
        let mut bytes = mail.as_bytes().to_vec();
        bytes.extend_from_slice(sign(&self.0, &told(mail, address)).as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns the mail that a token names, whoever made it; `None` if it is none.
    #[must_use]
    pub fn mail(token: &str) -> Option<Uuid> {
        parts(token).map(|(mail, _)| mail)
    }

    /// Says whether this key made the token for this address. Takes as long whatever is wrong with it.
    #[must_use]
    pub fn is_for(&self, token: &str, address: &str) -> bool {
        parts(token).is_some_and(|(mail, tag)| verify(&self.0, &told(mail, address), &tag).is_ok())
    }
}

fn told(mail: Uuid, address: &str) -> Vec<u8> {
    [mail.as_bytes(), address.as_bytes()].concat()
}

fn parts(token: &str) -> Option<(Uuid, Vec<u8>)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (mail, tag) = bytes.split_first_chunk::<16>()?;
    Some((Uuid::from_bytes(*mail), tag.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(secret: &str) -> LinkKey {
        LinkKey::of(&Secret::new(secret))
    }

    #[test]
    fn a_link_is_for_one_mail_and_one_address_and_made_by_one_secret() {
        let (mail, other) = (Uuid::from_u128(7), Uuid::from_u128(8));
        let mine = key("0123456789abcdef0123456789abcdef");
        let token = mine.token(mail, "a@example.invalid");
        assert_eq!(token, mine.token(mail, "a@example.invalid"));
        assert_eq!(LinkKey::mail(&token), Some(mail));
        assert!(mine.is_for(&token, "a@example.invalid"));
        assert!(!mine.is_for(&token, "b@example.invalid"));
        assert!(!key("another secret of sufficient length").is_for(&token, "a@example.invalid"));
        // Another mail's name before the same signature.
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        bytes[..16].copy_from_slice(other.as_bytes());
        assert!(!mine.is_for(&URL_SAFE_NO_PAD.encode(&bytes), "a@example.invalid"));
        for at in 16..48 {
            let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
            bytes[at] ^= 1;
            assert!(!mine.is_for(&URL_SAFE_NO_PAD.encode(&bytes), "a@example.invalid"), "{at}");
        }
        for nonsense in ["", "x", "AAAA", token.get(..40).unwrap(), &format!("{token}A"), "../../etc"] {
            assert!(!mine.is_for(nonsense, "a@example.invalid"), "{nonsense}");
        }
    }
}

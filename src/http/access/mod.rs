//! Who is asking, and what they may do.

pub mod accounts;
mod allowed;
mod form;
mod keyring;
mod permission;
mod person;
mod session;
mod throttle;
mod wanted;

pub(crate) use allowed::refused;
pub use allowed::{Allowed, Caller, Gate, SESSION_COOKIE, TOKEN_HEADER, caller};
pub use form::TrustedForm;
pub use keyring::{Keyring, KeyringError, NewKey};
pub use permission::*;
pub use session::{Session, Sessions};
pub use throttle::{Throttle, address, is_from_here};

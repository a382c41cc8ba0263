//! The connection string: understood, and never repeated with the password in it.

use crate::log::contract::LogError;
use eventstore::ClientSettings;
use std::path::Path;

/// Characters of user and password that the client sends as they are. Others it sends percent-encoded (kurrentdb 1.2.0,
/// `parse_from_url`), which no server takes for the same password.
const PLAIN: &str = "-._~!$&'()*+";

/// Reads a connection string.
///
/// # Errors
/// [`LogError::Invalid`] with what is wrong with it.
pub(super) fn parse(url: &str) -> Result<ClientSettings, LogError> {
    let invalid = |why: &str| LogError::Invalid(format!("the connection string is not understood: {why}"));
    let before_parameters = url.split_once('?').map_or(url, |(before, _)| before);
    let user =
        before_parameters.rsplit_once('@').map(|(user, _)| user.split_once("://").map_or(user, |(_, user)| user));
    let (user, password) = user.map(|both| both.split_once(':').unwrap_or((both, ""))).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || PLAIN.contains(c);
    if !user.chars().chain(password.chars()).all(is_plain) {
        return Err(invalid(&format!(
            "user and password may have letters, digits and {PLAIN}; the client sends other characters in another form than \
             they are, so choose another password"
        )));
    }
    let settings = url.parse::<ClientSettings>().map_err(|error| match error.error() {
        // The message is the whole string then.
        Some(wrong) => invalid(&wrong.to_string()),
        None if error.message().contains('@') => invalid("check user, password, hosts and ports"),
        None => invalid(error.message()),
    })?;
    if settings.is_secure_mode_enabled()
        && let Some(file) = settings.tls_ca_file()
    {
        super::tls::authorities(Path::new(file)).map_err(LogError::Invalid)?;
    }
    Ok(settings)
}

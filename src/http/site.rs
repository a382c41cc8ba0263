//! What the handlers share.

/// How cookies are marked.
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    /// The service is reached over TLS: cookies never travel without it.
    pub secure: bool,
}

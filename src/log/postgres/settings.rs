//! The connection string: understood, and never repeated with the password in it.
//!
//! It is libpq's (`postgres://user:password@host1,host2:5433/database?…`), read by the client, with three words of our own
//! reading, because the client has no notion of checked certificates: `sslmode`, `sslrootcert`, and that a server must take
//! writes is the default.

use crate::log::contract::LogError;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one server is given to take a connection, unless the string says otherwise.
const CONNECT: Duration = Duration::from_secs(3);
/// After how long without a sign of life the system gives up a connection.
const SILENCE: Duration = Duration::from_secs(10);

/// Where the servers are, and how they are spoken to.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    /// With TLS: whose certificates are trusted.
    pub(super) tls: Option<MakeRustlsConnect>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

/// Says whether a connection string is one for this engine.
#[must_use]
pub fn is_ours(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Reads a connection string.
///
/// # Errors
/// [`LogError::Invalid`] with what is wrong with it.
pub(super) fn parse(url: &str) -> Result<Target, LogError> {
    let invalid = |why: String| LogError::Invalid(format!("the connection string is not understood: {why}"));
    if !is_ours(url) {
        return Err(invalid("it begins neither with `postgres://` nor with `postgresql://`".to_owned()));
    }
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut authority, mut kept) = (None, None, Vec::new());
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", value)) => {
                let value = percent_encoding::percent_decode_str(value).decode_utf8();
                authority = Some(value.map_err(|_| invalid("`sslrootcert` is not UTF-8".to_owned()))?.into_owned());
            }
            Some((name @ ("sslcert" | "sslkey" | "sslcrl"), _)) => {
                return Err(invalid(format!("`{name}` is not supported; log in with a password")));
            }
            _ => kept.push(parameter),
        }
    }
    let rest = if kept.is_empty() { address.to_owned() } else { format!("{address}?{}", kept.join("&")) };
    let mut config: Config = rest.parse().map_err(|error: tokio_postgres::Error| {
        // The client's words name a parameter, never a value.
        let why = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        invalid(why)
    })?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(invalid("it names no host".to_owned()));
    }
    let encrypted = match mode {
        Some("disable") => false,
        Some("require" | "verify-ca" | "verify-full") => true,
        None => !config.get_hosts().iter().all(is_here),
        Some(other) => {
            return Err(invalid(format!(
                "`sslmode={other}` would go without TLS if told to; write `verify-full`, or `disable` on a line of your own"
            )));
        }
    };
    config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
    let tls = encrypted.then(|| trusting(authority.as_deref())).transpose().map_err(invalid)?;
    if !parameters.contains("target_session_attrs=") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    } else if config.get_target_session_attrs() != TargetSessionAttrs::ReadWrite {
        return Err(invalid("`target_session_attrs` must be `read-write`: a log is written to".to_owned()));
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE);
    }
    config.keepalives_idle(SILENCE);
    if config.get_application_name().is_none() {
        config.application_name("warnlight");
    }
    Ok(Target { config, tls })
}

/// Says whether a server is on this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Returns TLS that trusts the authorities of a PEM file, or of this machine. The server must be the one that the string
/// names.
fn trusting(file: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    match file {
        None | Some("system") => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(name) => {
            let unreadable = |error: &dyn std::fmt::Display| {
                format!(
                    "`sslrootcert` `{name}` cannot be read as certificates in PEM: {error}; name the authority's file"
                )
            };
            for certificate in CertificateDer::pem_file_iter(Path::new(name)).map_err(|error| unreadable(&error))? {
                let certificate = certificate.map_err(|error| unreadable(&error))?;
                roots.add(certificate).map_err(|error| unreadable(&error))?;
            }
            if roots.is_empty() {
                return Err(unreadable(&"there is none in it"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| format!("TLS cannot be set up: {error}"))?;
    Ok(MakeRustlsConnect::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_servers_are_named_and_one_that_takes_writes_is_asked_for() {
        let target = parse("postgres://warnlight:geheim@one,two:5433/log").unwrap();
        assert_eq!(target.config.get_hosts().len(), 2);
        assert_eq!(target.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(target.config.get_ssl_mode(), SslMode::Require);
        assert!(target.tls.is_some());
        assert!(!format!("{target:?}").contains("geheim"));
    }

    #[test]
    fn a_line_that_leaves_the_machine_is_encrypted_unless_told_otherwise() {
        for (url, encrypted) in [
            ("postgres://u@127.0.0.1/log", false),
            ("postgres://u@localhost/log", false),
            ("postgres://u@%2Fvar%2Frun%2Fpostgresql/log", false),
            ("postgres://u@127.0.0.1,db/log", true),
            ("postgres://u@127.0.0.1/log?sslmode=verify-full", true),
            ("postgresql://u@db/log?sslmode=disable", false),
        ] {
            assert_eq!(parse(url).unwrap().tls.is_some(), encrypted, "{url}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused_without_the_password() {
        for (url, said) in [
            ("esdb://u:geheim@db", "neither with"),
            ("postgres://u:geheim@db/log?sslmode=prefer", "verify-full"),
            ("postgres://u:geheim@db/log?sslcert=x", "sslcert"),
            ("postgres://u:geheim@db/log?sslrootcert=%2Fnowhere.pem", "cannot be read"),
            ("postgres://u:geheim@db/log?target_session_attrs=any", "read-write"),
            ("postgres://u:geheim@db/log?colour=red", "colour"),
            ("postgres:///log", "no host"),
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(error.contains(said), "{url}: {error}");
            assert!(!error.contains("geheim"), "{error}");
        }
    }
}

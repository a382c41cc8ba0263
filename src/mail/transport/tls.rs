//! Encryption of the line to a mail server: whose certificates are trusted, and in words why one is not.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

/// Returns an encrypted connection to `host` at its beginning. Nothing was sent yet.
pub(super) fn connection(host: &str, ca_file: Option<&Path>) -> io::Result<ClientConnection> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(authorities(ca_file)?)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)
}

/// Reads the authorities that are trusted: those of the file, or the machine's.
pub(super) fn authorities(ca_file: Option<&Path>) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(file) = ca_file else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(io::Error::other(
                "this machine trusts no certificate authority; install `ca-certificates`, or set `mail.smtp.ca_file`",
            ));
        }
        return Ok(roots);
    };
    let wrong = |what: &str| io::Error::other(format!("`{}` (`mail.smtp.ca_file`) {what}", file.display()));
    let certificates =
        CertificateDer::pem_file_iter(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&format!("is no sound PEM: {error}")))?;
        roots.add(certificate).map_err(|error| wrong(&format!("holds what is no certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate; it needs at least one, beginning with `-----BEGIN CERTIFICATE-----`"));
    }
    Ok(roots)
}

/// Tells why no encrypted line came about: what is wrong, and what to do.
pub(super) fn in_words(error: io::Error, host: &str, ca_file: Option<&Path>) -> io::Error {
    if error.kind() == ErrorKind::UnexpectedEof {
        return io::Error::new(
            ErrorKind::UnexpectedEof,
            "the mail server closed the connection instead of encrypting it",
        );
    }
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else { return error };
    let what = match error {
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            format!("its certificate is not for `{host}`; set `mail.smtp.host` to a name that stands in it ({error})")
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            format!("its certificate has expired; it needs a new one, or the clock of this machine is wrong ({error})")
        }
        Error::InvalidCertificate(CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. }) => {
            format!("its certificate is not valid yet; the clock of this machine, or its own, is wrong ({error})")
        }
        // A bad signature is that of an authority by the same name.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            let trusted = ca_file.map_or_else(
                || "this machine trusts; put that authority into a file and set `mail.smtp.ca_file`".to_owned(),
                |file| format!("`{}` (`mail.smtp.ca_file`) holds", file.display()),
            );
            format!("its certificate is of no authority that {trusted}, or is self-signed ({error})")
        }
        // The check of certificates has no name of its own for this one.
        Error::InvalidCertificate(why) if why.to_string().contains("CaUsedAsEndEntity") => format!(
            "its certificate is an authority's, to sign others with, as self-signed ones often are; it needs one of its own, made \
             with `CA:FALSE` ({error})"
        ),
        Error::InvalidCertificate(_) => format!("its certificate does not hold ({error})"),
        Error::InvalidMessage(_) => format!(
            "what it sent is not TLS; check `mail.smtp.port`, and `mail.smtp.tls`: \"tls\" encrypts from the first byte \
             (usually port 465), \"starttls\" begins in plain text (587) ({error})"
        ),
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            format!("it speaks no TLS 1.2 or 1.3; it has to be brought up to date ({error})")
        }
        other => other.to_string(),
    };
    io::Error::other(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_authorities_that_cannot_be_used_is_named_with_its_setting() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let said = |file: &Path| authorities(Some(file)).unwrap_err().to_string();
        let missing = said(&file);
        assert!(missing.contains("ca.pem` (`mail.smtp.ca_file`) cannot be read"), "{missing}");
        std::fs::write(&file, "no certificate").unwrap();
        assert!(said(&file).contains("holds no certificate"), "{}", said(&file));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(said(&file).contains("mail.smtp.ca_file"), "{}", said(&file));
    }
}

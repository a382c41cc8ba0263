//! Why a server's certificate is not accepted, in words.
//!
//! The client (kurrentdb 1.2.0) says no more than "client error (Connect)" then, so a handshake of our own asks again. It
//! trusts what the client trusts: the file named by `tlsCaFile`, else the authorities of the machine.

use eventstore::ClientSettings;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Reads the authorities of a PEM file.
///
/// # Errors
/// What is wrong with the file.
pub(super) fn authorities(file: &Path) -> Result<RootCertStore, String> {
    let name = file.display();
    let unreadable = |error: &dyn std::fmt::Display| {
        format!("`tlsCaFile` `{name}` cannot be read as certificates in PEM: {error}; name the authority's file")
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() { Err(unreadable(&"there is none in it")) } else { Ok(roots) }
}

/// Returns what is wrong with the TLS of the first server for which something is; `None` if nothing was found.
pub(super) fn complaint(settings: &ClientSettings, patience: Duration) -> Option<String> {
    if !settings.is_secure_mode_enabled() || !settings.is_tls_certificate_verification_enabled() {
        return None;
    }
    let roots = match settings.tls_ca_file() {
        Some(file) => match authorities(Path::new(file)) {
            Ok(roots) => roots,
            Err(wrong) => return Some(wrong),
        },
        None => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            roots
        }
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    let config = Arc::new(builder.with_root_certificates(roots).with_no_client_auth());
    settings.hosts().iter().find_map(|host| {
        let port = u16::try_from(host.port).ok()?;
        let error = handshake(&host.host, port, config.clone(), patience)?;
        Some(format!(
            "the TLS of `{}:{port}` is not accepted: {error}; name the file of its authority with `tlsCaFile=`, and the \
             server as its certificate does",
            host.host
        ))
    })
}

/// Returns why the handshake failed; `None` if it did not, or nobody answers.
fn handshake(host: &str, port: u16, config: Arc<ClientConfig>, patience: Duration) -> Option<rustls::Error> {
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let mut connection = ClientConnection::new(config, name).ok()?;
    let address = (host, port).to_socket_addrs().ok()?.next()?;
    let mut socket = TcpStream::connect_timeout(&address, patience).ok()?;
    socket.set_read_timeout(Some(patience)).ok()?;
    socket.set_write_timeout(Some(patience)).ok()?;
    while connection.is_handshaking() {
        if let Err(error) = connection.complete_io(&mut socket) {
            return error.downcast::<rustls::Error>().ok();
        }
    }
    None
}

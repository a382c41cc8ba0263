//! Clients that end their side of a connection, or never read what they asked for: they are answered or let go, and nobody else
//! notices.

use super::app::{App, PATIENCE};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use warnlight::domain::words::Role;

fn connect(app: &App) -> TcpStream {
    let address = app.address("");
    let stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn request(app: &App, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n", app.key_of(Role::Admin))
}

/// Reads until the other side ends the connection; fails when it never does.
fn to_the_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection is held on to: {error}"),
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn who_ends_their_side_after_a_request_is_answered_or_let_go() {
    let app = App::start();
    for path in ["/healthz", "/api/v1/merchants", "/api/v1/lights?at=2025-06-01", "/api/v1/live", "/nothing"] {
        for _ in 0..20 {
            let mut stream = connect(&app);
            stream.write_all(request(&app, path).as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            let told = to_the_end(&mut stream);
            assert!(told.is_empty() || told.starts_with("HTTP/1.1 "), "{path}: {told}");
        }
        app.get("/api/v1/merchants").role(Role::Admin).ok();
    }
    // A request that was broken off in its middle asks for nothing.
    let mut stream = connect(&app);
    stream.write_all(b"POST /api/v1/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n[{").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(!to_the_end(&mut stream).starts_with("HTTP/1.1 2"));
}

#[test]
fn who_never_reads_holds_up_nobody() {
    let app = App::start();
    let mut deaf = Vec::new();
    for _ in 0..4 {
        let mut stream = connect(&app);
        // More answers than anybody keeps for a reader who does not come.
        stream.write_all(request(&app, "/api/openapi.json").repeat(20).as_bytes()).unwrap();
        deaf.push(stream);
    }
    for _ in 0..20 {
        app.get("/api/v1/merchants").role(Role::Admin).ok();
        app.get("/readyz").ok();
    }
    drop(deaf);
    app.get("/api/v1/lights?at=2025-06-01").role(Role::Admin).ok();
}

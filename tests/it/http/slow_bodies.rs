//! Bodies that come slowly, or many at once: nobody holds more memory than their share, nor for as long as they like.

use super::app::{App, PATIENCE};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc;
use warnlight::domain::words::Role;

const MIB: usize = 1024 * 1024;

fn app(patience: &str, per_sender: usize, all: usize) -> App {
    App::with(&[
        ("WARNLIGHT__HTTP__BODY_LIMIT_BYTES", &MIB.to_string()),
        ("WARNLIGHT__HTTP__BODY_PATIENCE_SECONDS", patience),
        ("WARNLIGHT__HTTP__BODIES_PER_SENDER_BYTES", &per_sender.to_string()),
        ("WARNLIGHT__HTTP__BODIES_BYTES", &all.to_string()),
    ])
}

/// Begins a body of so many bytes and sends a part of it.
fn begin(app: &App, path: &str, role: Role, length: usize, sent: usize, more: &str) -> TcpStream {
    let address = app.address("");
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let kind = if path == "/login" { "x-www-form-urlencoded" } else { "json" };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/{kind}\r\n{more}\
         content-length: {length}\r\n\r\n",
        app.key_of(role)
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; sent]).unwrap();
    stream
}

/// Reads what is answered, to the end of the connection.
fn answer(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[test]
fn a_body_that_does_not_come_is_ended_whoever_waits_for_it() {
    let app = app("1", 8 * MIB, 16 * MIB);
    for path in ["/api/v1/commands", "/api/v1/imports?name=a.csv", "/api/v1/cases/hand-over", "/api/v1/keys"] {
        let told = answer(begin(&app, path, Role::Admin, 1000, 10, ""));
        assert_eq!(status(&told), "408", "{path}: {told}");
        assert!(told.contains("\"too_slow\"") && told.to_lowercase().contains("connection: close"), "{path}: {told}");
    }
    // A form of somebody who is not logged in is read as well.
    let told = answer(begin(&app, "/login", Role::Admin, 1000, 10, "accept: text/html\r\n"));
    assert_eq!(status(&told), "408", "{told}");
    app.post("/api/v1/commands").role(Role::Admin).json(&serde_json::json!([])).ok();
}

#[test]
fn one_sender_holds_its_share_and_others_are_not_held_up() {
    let app = app("200", MIB, 64 * MIB);
    let send = |role| app.post("/api/v1/commands").role(role).json(&serde_json::json!([])).send();
    let (tell, told) = mpsc::channel();
    // Two bodies that do not fit together: whichever comes second is turned away.
    let streams: Vec<TcpStream> = (0..2)
        .map(|place| {
            let stream = begin(&app, "/api/v1/commands", Role::Admin, 700_000, 600_000, "");
            let (tell, reader) = (tell.clone(), stream.try_clone().unwrap());
            std::thread::spawn(move || tell.send((place, answer(reader))));
            stream
        })
        .collect();
    let (first, text) = told.recv_timeout(PATIENCE).unwrap();
    assert_eq!(status(&text), "429", "{text}");
    assert!(text.contains("\"too_many_requests\"") && text.contains("http.bodies_per_sender_bytes"), "{text}");
    assert_eq!(send(Role::Lead).status, 200, "another key has its own share");
    let mut other = streams.into_iter().nth(1 - first).unwrap();
    other.write_all(&vec![b' '; 99_998]).unwrap();
    other.write_all(b"[]").unwrap();
    other.shutdown(std::net::Shutdown::Write).unwrap();
    let (_, text) = told.recv_timeout(PATIENCE).unwrap();
    assert!(text.is_empty() || status(&text) == "200", "{text}");
    // What was held is given back.
    for _ in 0..40 {
        assert_eq!(send(Role::Admin).status, 200);
    }
}

#[test]
fn a_packed_body_counts_as_what_it_may_become_and_the_node_has_a_limit() {
    let app = app("200", MIB, MIB);
    let pack = || begin(&app, "/api/v1/commands", Role::Admin, 100, 0, "content-encoding: gzip\r\n");
    let send = |role| app.post("/api/v1/commands").role(role).json(&serde_json::json!([])).send();
    let until = |role: Role, status: u16| {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let reply = send(role);
            if reply.status == status {
                return reply;
            }
            assert!(std::time::Instant::now() < deadline, "{reply:?}");
            std::thread::yield_now();
        }
    };
    // One that came while another was worked on was turned away itself.
    let mut packed = pack();
    let mut full = send(Role::Admin);
    while full.status == 200 {
        packed = pack();
        full = send(Role::Admin);
    }
    assert_eq!(full.code(), "too_many_requests");
    let crowded = until(Role::Lead, 503);
    assert_eq!((crowded.code(), crowded.header("retry-after")), ("crowded".to_owned(), "5"));
    drop(packed);
    until(Role::Lead, 200);
    // Files go to the disk as they come, and hold nothing but their buffers.
    let app = self::app("200", 4 * MIB, 4 * MIB);
    let file = begin(&app, "/api/v1/imports?name=a.csv", Role::Admin, 8 * MIB, 7 * MIB, "");
    assert_eq!(app.post("/api/v1/commands").role(Role::Admin).json(&serde_json::json!([])).send().status, 200);
    drop(file);
}

//! The PostgreSQL engine against real servers, started and stopped by the tests (`apt-get install postgresql`).

mod ahead;
mod disk;
mod failover;
mod lines;
mod proxy;
mod rights;
pub(crate) mod server;
mod standby;
mod tables;

use server::Server;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;
use warnlight::domain::envelope::NewEvent;
use warnlight::domain::time::Instant as Timestamp;
use warnlight::log::conformance::conformance;
use warnlight::log::contract::{Append, Expected};
use warnlight::log::postgres::{Options, PostgresLog};

/// Returns an append of events with these numbers.
pub(crate) fn append(stream: &str, numbers: std::ops::Range<u128>) -> Append {
    let event = |number| NewEvent {
        id: Uuid::from_u128(number),
        event_type: "trial.held".into(),
        schema_version: 1,
        occurred_at: Timestamp::UNIX_EPOCH,
        actor: "judge".into(),
        causation: None,
        correlation: None,
        history: false,
        data: format!(r#"{{"number":{number}}}"#).into(),
    };
    Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at: Timestamp::from_second(1_750_000_000).unwrap(),
        idempotency_key: None,
        events: numbers.map(event).collect(),
    }
}

/// Options for a log of its own in the server's database.
pub(crate) fn options() -> Options {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let schema = format!("trial \"{}\"", NEXT.fetch_add(1, Ordering::Relaxed));
    Options { schema, ..Options::default() }
}

pub(crate) fn open(server: &Server, folder: &Path, options: &Options) -> PostgresLog {
    PostgresLog::open(&server.url(), folder, options).unwrap()
}

/// Everything that is waited for comes sooner.
const LONGEST: Duration = Duration::from_secs(90);

fn until(mut holds: impl FnMut() -> bool, what: &str) {
    let end = Instant::now() + LONGEST;
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn the_postgresql_engine_keeps_every_promise() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    let version = server.sql("postgres", "SHOW server_version");
    server::say(&format!("the conformance list runs on PostgreSQL {version}"));
    conformance(&mut || Ok(Arc::new(PostgresLog::open(&server.url(), dir.path(), &options())?))).unwrap();
}

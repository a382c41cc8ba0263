//! The tests' PostgreSQL servers, for rows 19 and 24.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "the tests' servers, as the tests use them: a fault of theirs ends the run"
)]

#[path = "../../tests/it/postgres/server.rs"]
mod server;

pub(super) use server::{Server, say, tool};

/// Says whether there is a PostgreSQL.
pub(super) fn is_installed() -> bool {
    std::path::Path::new("/usr/lib/postgresql").exists()
}

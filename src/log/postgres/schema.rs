//! The tables, their format, and how both come to be.
//!
//! Texts are kept as `bytea`: byte for byte, whatever the database's encoding and collation. Times are nanoseconds since 1970,
//! as in the digest. Nothing in `event` and `idempotency` is ever changed, so the service needs no right to.
//!
//! What is used of PostgreSQL, all of it there since 9.6: schemas, `bytea`, `uuid`, arrays and `unnest` as a column, `FOR
//! UPDATE`, UPDATE and INSERT in one statement (`WITH … RETURNING`), `pg_advisory_xact_lock`, the timeouts for locks and idle
//! transactions. LISTEN and `pg_notify`, and `plan_cache_mode`, are used where the server has them (openGauss has no LISTEN);
//! looking covers.

use super::fault::Fault;
use super::line::Line;
use crate::domain::envelope::{Digest, Position};
use crate::domain::time::Instant;
use crate::log::chain::GENESIS;
use crate::log::contract::LogError;
use std::path::PathBuf;
use tokio_postgres::Row;

/// Newest format of the tables that this software reads.
pub const FORMAT: u32 = STEPS.len() as u32;

/// Number of the advisory lock under which tables are made and changed: `WLOG`.
const LOCK: i64 = 0x574c_4f47;

/// What makes each format out of the one before; released steps are never changed.
const STEPS: [&str; 1] = ["\
CREATE TABLE head(one int PRIMARY KEY CHECK (one = 1), format int NOT NULL, position bigint NOT NULL, \
    recorded_at bigint NOT NULL, digest bytea NOT NULL) WITH (fillfactor = 10);
CREATE TABLE event(position bigint PRIMARY KEY, stream bytea NOT NULL, revision bigint NOT NULL, part int NOT NULL, \
    recorded_at bigint NOT NULL, occurred_at bigint NOT NULL, type bytea NOT NULL, version int NOT NULL, \
    actor bytea NOT NULL, history boolean NOT NULL, id uuid NOT NULL, causation uuid, correlation uuid, key bytea, \
    digest bytea NOT NULL, data bytea NOT NULL);
CREATE UNIQUE INDEX event_id ON event(id);
CREATE UNIQUE INDEX event_stream ON event(stream, revision);
CREATE TABLE idempotency(key bytea PRIMARY KEY, first bigint NOT NULL, last bigint NOT NULL);
COMMENT ON TABLE event IS 'Warnlight''s events, in their order; never changed. Texts are UTF-8: convert_from(data, ''UTF8'').';
COMMENT ON TABLE head IS 'Where the log ends. Whoever appends locks this row.';
COMMENT ON TABLE idempotency IS 'The append, from first to last position, that was answered under each key.';
INSERT INTO head VALUES (1, 0, 0, 0, decode(repeat('00', 32), 'hex'));"];

/// Where the log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tail {
    /// Last position; 0 if there is none.
    pub(super) position: Position,
    /// Its digest.
    pub(super) digest: Digest,
    /// When it was recorded; nothing for an empty log.
    pub(super) recorded_at: Option<Instant>,
}

impl Tail {
    /// The end of an empty log.
    pub(super) const EMPTY: Self = Self { position: 0, digest: GENESIS, recorded_at: None };

    /// Reads position, digest and time from a row of `head`.
    pub(super) fn of(row: &Row) -> Result<Self, Fault> {
        let damaged = || Fault::damage("the record of the log's end cannot be read");
        let position = Position::try_from(row.try_get::<_, i64>(0)?).map_err(|_| damaged())?;
        let digest = Digest::try_from(row.try_get::<_, &[u8]>(1)?).map_err(|_| damaged())?;
        let recorded_at = Instant::from_nanosecond(i128::from(row.try_get::<_, i64>(2)?)).map_err(|_| damaged())?;
        Ok(Self { position, digest, recorded_at: (position > 0).then_some(recorded_at) })
    }
}

/// Makes the tables if they are missing, and brings older ones up to date.
pub(super) fn prepare(line: &mut Line, schema: &str) -> Result<(), Fault> {
    if format(line, schema)? == FORMAT {
        return Ok(());
    }
    line.run("BEGIN; SET LOCAL lock_timeout = 0;")?;
    // Of nodes that start at once one makes them, and the others look again behind it.
    line.rows("SELECT pg_advisory_xact_lock($1)", &[&LOCK])?;
    let found = format(line, schema)?;
    if found == 0 && line.rows("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&schema])?.is_empty() {
        line.run(&format!("CREATE SCHEMA \"{}\"", schema.replace('"', "\"\"")))?;
    }
    for (step, number) in STEPS.iter().zip(1_u32..).skip(found as usize) {
        line.run(step)?;
        line.run(&format!("UPDATE head SET format = {number}"))?;
    }
    line.run("COMMIT")
}

/// Makes sure that the tables are there in the newest format.
pub(super) fn check(line: &mut Line, schema: &str) -> Result<(), Fault> {
    match format(line, schema)? {
        FORMAT => Ok(()),
        0 => Err(Fault::lasting(format!(
            "there is no log in schema `{schema}` of this database; make the first key there"
        ))),
        older => Err(Fault::lasting(format!(
            "the tables have format {older}, and this software reads {FORMAT}: the service brings them up to date when it starts"
        ))),
    }
}

/// Returns the format of the tables; 0 if there are none.
fn format(line: &mut Line, schema: &str) -> Result<u32, Fault> {
    let there = line.rows("SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'head'", &[&schema])?;
    if there.is_empty() {
        return Ok(0);
    }
    let found: i32 = line.one("SELECT format FROM head WHERE one = 1", &[])?.try_get(0)?;
    match u32::try_from(found) {
        Ok(found) if found > FORMAT => {
            let path = PathBuf::from(format!("schema {schema} on PostgreSQL"));
            Err(Fault::Lasting(LogError::Newer { path, found, known: FORMAT }))
        }
        Ok(found) if found > 0 => Ok(found),
        _ => Err(Fault::damage(format!("the tables say that they have format {found}"))),
    }
}

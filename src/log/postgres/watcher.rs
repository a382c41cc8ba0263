//! The thread that looks: whether the log has grown by others' hands, whether it is still the log that this node has read,
//! and whether the server has the standby that its settings ask for.
//!
//! Other nodes notify; a look from time to time covers what nobody told, and is the only way on servers without LISTEN.

use super::bell::Bell;
use super::fault::Fault;
use super::group::CHANNEL;
use super::line::Line;
use super::readers::Readers;
use super::rows::digest_at;
use super::schema::Tail;
use crate::log::contract::LogError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often is looked, with notifications and without.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(100));
/// Pause after a failure.
const PAUSE: Duration = Duration::from_millis(250);
/// How often the standbys are looked at.
const STANDBYS: Duration = Duration::from_secs(3);

const END: &str = "SELECT position, digest, recorded_at FROM head WHERE one = 1";
/// What the settings ask for, and how many standbys there are: all, those we may look at, those that COMMIT waits for.
const ASKED: &str = "SELECT current_setting('synchronous_standby_names'), count(pid), count(sync_state), \
     count(CASE WHEN lower(sync_state) IN ('sync', 'quorum') THEN 1 END) FROM pg_stat_replication";

/// The thread that looks.
pub(super) struct Watcher {
    pub(super) readers: Arc<Readers>,
    pub(super) bell: Arc<Bell>,
    /// Since when servers miss what this node has read.
    pub(super) missing: Option<Instant>,
    /// For how long they must, before it is lost.
    pub(super) lost: Duration,
}

/// Begins to listen; says whether the server has notifications.
pub(super) fn listen(line: &mut Line) -> Result<bool, Fault> {
    match line.run(&format!("LISTEN {CHANNEL}")) {
        Ok(()) => Ok(true),
        Err(Fault::Passing(why)) if line.is_gone() => Err(Fault::Passing(why)),
        Err(fault) => {
            tracing::info!(?fault, "this server does not notify; it is looked at ten times a second");
            Ok(false)
        }
    }
}

impl Watcher {
    /// Looks until the log is closed.
    pub(super) fn run(mut self) {
        while !self.bell.is_closed() {
            let Err(fault) = self.watch() else { continue };
            self.readers.renew();
            if self.missing.is_some_and(|since| since.elapsed() > self.lost) {
                self.bell.lose(gone(self.bell.known()));
            }
            match fault {
                Fault::Passing(why) => tracing::debug!(why, "the log's end cannot be seen, looking again"),
                Fault::Lasting(error) => tracing::warn!(%error, "the log's end cannot be seen, looking again"),
            }
            self.bell.pause(PAUSE);
        }
    }

    /// Looks on one connection until it fails or the log is closed.
    fn watch(&mut self) -> Result<(), Fault> {
        let mut line = self.readers.open()?;
        // What this node appends it knows of.
        line.ignore(&self.bell.node);
        let pause = if listen(&mut line)? { LOOK.0 } else { LOOK.1 };
        let known = self.bell.known();
        if known.position > 0 && digest_at(&mut line, known.position)? != Some(known.digest) {
            return Err(self.misses(known));
        }
        let mut standbys: Option<Instant> = None;
        while !self.bell.is_closed() {
            let began = Instant::now();
            let known = self.bell.known();
            let end = Tail::of(&line.one(END, &[])?)?;
            if end.position < known.position || end.position == known.position && end.digest != known.digest {
                return Err(self.misses(known));
            }
            self.missing = None;
            self.bell.ring(end, began);
            if standbys.is_none_or(|looked| looked.elapsed() > STANDBYS) {
                self.bell.set_waiting(without_standby(&mut line)?);
                standbys = Some(began);
            }
            line.wait(&self.bell.closing, pause)?;
        }
        Ok(())
    }

    fn misses(&mut self, known: Tail) -> Fault {
        self.missing.get_or_insert_with(Instant::now);
        gone(known).into()
    }
}

/// Says why appends will wait, if the settings ask for a standby and there is none. Whoever may not look at standbys sees only
/// that there are some.
fn without_standby(line: &mut Line) -> Result<Option<String>, Fault> {
    let row = line.one(ASKED, &[])?;
    let asked: String = row.try_get(0)?;
    let (all, seen, synchronous): (i64, i64, i64) = (row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
    let none = synchronous == 0 && (all == 0 || seen > 0);
    Ok((!asked.trim().is_empty() && none).then(|| {
        format!(
            "PostgreSQL's settings ask for a synchronous standby (`synchronous_standby_names`) and none is connected: appends wait \
             until there is one ({all} standbys are connected)"
        )
    }))
}

fn gone(known: Tail) -> LogError {
    let what =
        "this node has read it, and the server does not hold it; the server lost its end, was restored from an older \
                backup, or is another one. Bring back the newest state, or restart this node on what there is"
            .to_owned();
    LogError::Corrupt { position: known.position, what }
}

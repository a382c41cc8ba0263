//! The cluster engine: the log lives on a KurrentDB (EventStoreDB) cluster, and each node keeps a replica of it.
//!
//! **Client.** The crate once called `eventstore` is maintained by the same authors as `kurrentdb`; the maintained one is
//! used under the old name. It brings 67 crates, a C library among them (`aws-lc`), so it comes only with the
//! cargo feature `cluster`: a node with the embedded log builds, tests and runs without it.
//!
//! **Order.** The cluster's positions have gaps; the contract's have none. So every node reads the cluster's log in its one
//! order, leaving out the server's own events on the server, and puts each append into a log file of its own, with the
//! embedded engine's code and rules. Same order, same rules: every node gives the same events the same positions, times
//! and digests. An append is answered when this node has read it back, so a client reads its own writes. All reading is
//! local. What it costs: the disk of a whole log on each node, the time to read it once when a node is new, two round
//! trips for an append (those under way together share them), and, for events of other nodes, the pause between
//! two looks ([`Options::look`]).
//!
//! **Looking.** The log is followed by reads every [`Options::look`], not by a subscription: when a server ends one in good
//! order, the client (kurrentdb 1.2.0, `Subscription::next_subscription_event`) asks the ended stream again and again without
//! ever waiting, which no time limit around it can stop; a persistent subscription would be state on the server for each node.
//! [`behind`](EventLog::behind) counts from the beginning of the last look that reached the end.
//!
//! **Speed.** Appends go out through one batch append, up to 1,024 or 4 MiB of them under way, and the log is read back to back while
//! they are. A call for each would cost about 40 ms on Linux: the client does not set `TCP_NODELAY` (kurrentdb 1.2.0,
//! `NodeConnection::new`), so what it sends in two pieces waits for a delayed acknowledgement. What a batch append of this client lacks
//! (`batch.rs`) is made up for by reading: answers only say when to look, and that something went wrong.
//!
//! **Submission.** Callers are promised their order. The server takes appends to different streams by themselves, so one that was sent
//! behind others counts only if those do (`rows.rs`). After a failure nothing that was sent behind counts, and all is sent again in its
//! order (`proposer.rs`).
//!
//! **Replica.** It can be thrown away at any time; it is then read anew. It is tied to its cluster by its last event: the
//! cluster must hold it at the position where it was read. It is synced about once a second and not with each append, which the cluster
//! has made durable: what a power cut takes from it is read again.
//!
//! **Loss.** A cluster that lost its end or was restored from an older backup gives new events positions that were read
//! already. Each read begins with the last event read, so this is seen at the next look or append. A leader may show less
//! than it has for a while, so it counts only after [`Options::doubt`], on a leader that was found anew and has acknowledged an event of
//! ours (`warnlight.asked`, which means nothing else); until then appends wait. Then they fail with [`LogError::Corrupt`],
//! and nothing is proposed or read on, `behind` grows, and the replica can still be read. The append that finds it out may be on the
//! cluster. Losing events of others only costs reading them again. A stream whose
//! beginning is gone (`$tb`, `$maxCount`, `$maxAge`) is still whole in the cluster's one order until the servers are
//! scavenged; afterwards a node that has read it goes on, and one that has not refuses to open. See `held.rs` and `gaps.rs`.
//!
//! **Who decides.** The order does. An append names the revision that its node has read its stream to, and counts only if
//! the stream is there when its turn comes, and behind what it was sent behind; ids and keys count once. What does not count stays on the server, and every node passes
//! over it alike: its node judges it again and proposes it anew, or answers with the refusal. That the server compares the
//! stream's revision too saves most of these, and decides nothing. Nodes must run the same rules: update all of them together.
//!
//! **Keys.** A key travels in its append's metadata, so there is no second write that a crash could lose. Only a key that
//! is given to an append already there needs a record of its own, in the stream `warnlight.key-` and the SHA-256 of the
//! key; until that is written, the key is free and the retry writes it.
//!
//! **Times.** The proposing node records its clock, held at the latest time it has read. A node whose clock is behind may
//! still propose an earlier time; then the replicas hold it at the time of the event before, all alike.
//!
//! **Proof.** Each event on the server carries the digest of its stream's chain: whoever reads a stream sees a changed,
//! missing or moved event unless the rest of that stream was rewritten too. It does not show a shortened or a wholly deleted
//! stream. The chain over the whole log shows both. It is on no server: every replica makes it from the order, the same on all
//! nodes, and [`verify`](EventLog::verify) checks the replica, then that the cluster holds the same, byte for byte, and that no
//! stream of the log has settings by which it loses events. A cluster that was rewritten together with all replicas fits itself;
//! then a digest from before tells, as with the embedded engine: a [signed checkpoint](crate::proof), which is an event
//! like others and so on every node, or a backup. Unlike there, nothing at the source says where the log ends: a new replica of a
//! cluster that lost its end shows that only to whoever has a checkpoint, or another replica, that reaches further.
//!
//! **Tools.** Streams, types and ids are the server's own, payloads are JSON, and `merchant-…` names give categories, so
//! browser, projections and connectors work on the log. A stream must not be truncated, deleted or given a maximum age or
//! count.
//! Events larger than the servers' `MaxAppendSize` (1 MiB unless raised) are refused.

mod batch;
mod chains;
mod flight;
mod follower;
mod gaps;
mod held;
mod place;
mod proposer;
mod remote;
mod rows;
mod seen;
mod sending;
mod settings;
mod spent;
mod tls;
mod verify;
mod wire;

use crate::domain::envelope::{Position, Recorded, Revision};
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog, EventRef, LogError, Pending, Scanner, Subscription, Verified};
use crate::log::embedded::{self, EmbeddedLog};
use crossbeam_channel::Sender;
use follower::Follower;
use place::PlaceFile;
use proposer::{Job, Proposer};
use remote::Remote;
use seen::LastSeen;
use spent::Meter;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use uuid::Uuid;

pub use spent::Spent;

/// Name of the replica's directory in the data directory.
pub const REPLICA: &str = "replica";

/// How the engine is run; the defaults suit everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What the names of this log's streams begin with on the server; empty unless several logs share a cluster.
    pub prefix: Arc<str>,
    /// How long the cluster is given for one answer.
    pub patience: Duration,
    /// How long an append is tried, retries included.
    pub deadline: Duration,
    /// How often the cluster is looked at for events of other nodes.
    pub look: Duration,
    /// How often the place is written down, and moved past the events of others.
    pub tidy: Duration,
    /// How long what this node has read may be missing on the cluster before it counts as lost.
    pub doubt: Duration,
    /// Appends that may wait before `submit` itself waits.
    pub waiting: usize,
    /// Streams whose chain's end is kept at hand; for others it is read from the server before an append.
    pub streams: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            prefix: Arc::from(""),
            patience: Duration::from_secs(10),
            deadline: Duration::from_secs(30),
            look: Duration::from_millis(100),
            tidy: Duration::from_secs(10),
            doubt: Duration::from_secs(15),
            waiting: 8192,
            streams: 200_000,
        }
    }
}

/// An event log on a cluster.
#[derive(Debug)]
pub struct ClusterLog {
    replica: Arc<EmbeddedLog>,
    remote: Arc<Remote>,
    prefix: Arc<str>,
    seen: LastSeen,
    meter: Meter,
    proposing: Option<(Sender<Job>, JoinHandle<()>)>,
}

impl ClusterLog {
    /// Opens the log on the cluster that `url` names (`esdb://`, `kurrentdb://`, each with `+discover`), with its replica below the
    /// data directory `dir`, and reads what is new.
    ///
    /// # Errors
    /// [`LogError::Invalid`] if the connection string is wrong, [`LogError::Locked`] if another process has the replica,
    /// [`LogError::Unavailable`] if the cluster does not answer, [`LogError::Corrupt`] if it is not the one that the replica is of.
    pub fn open(url: &str, dir: &Path, options: &Options) -> Result<Self, LogError> {
        let meter = Meter::default();
        let remote = Arc::new(Remote::new(url, options.prefix.clone(), options.patience, meter.clone())?);
        let dir = dir.join(REPLICA);
        let lazily = embedded::Options { syncs: false, ..embedded::Options::default() };
        let replica = Arc::new(EmbeddedLog::open(&dir, &lazily)?);
        let file = PlaceFile::open(&dir);
        let seen = LastSeen::now();
        let prefix = options.prefix.clone();
        let mut follower = Follower::new(remote.clone(), replica.clone(), prefix, file, seen.clone(), options)?;
        first_reading(&mut follower, options.deadline)?;
        let proposer = Proposer::new(remote.clone(), replica.clone(), follower, options.clone(), meter.clone());
        let (jobs, waiting) = crossbeam_channel::bounded(options.waiting);
        let thread = std::thread::Builder::new()
            .name("log-cluster".to_owned())
            .spawn(move || proposer.run(&waiting))
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { replica, remote, prefix: options.prefix.clone(), seen, meter, proposing: Some((jobs, thread)) })
    }

    /// Returns where the time of writing and following went since the log was opened.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.meter.spent()
    }

    /// Says whether a connection string can be understood.
    ///
    /// # Errors
    /// [`LogError::Invalid`] with what is wrong with it.
    pub fn check_url(url: &str) -> Result<(), LogError> {
        settings::parse(url).map(|_| ())
    }
}

/// Makes sure of the cluster and reads what is new, for as long as that gets further.
fn first_reading(follower: &mut Follower, deadline: Duration) -> Result<(), LogError> {
    let (mut pause, longest) = proposer::PAUSE;
    let mut until = std::time::Instant::now() + deadline;
    loop {
        let before = follower.place();
        let read = follower.recognise().and_then(|()| follower.catch_up());
        follower.keep_place()?;
        if follower.place() != before {
            until = std::time::Instant::now() + deadline;
        }
        match read {
            Err(LogError::Unavailable(why)) if std::time::Instant::now() + pause < until => {
                tracing::warn!(why, "the cluster's log cannot be read, trying again");
                std::thread::sleep(pause);
                pause = (pause * 2).min(longest);
            }
            read => return read,
        }
    }
}

impl EventLog for ClusterLog {
    fn submit(&self, append: Append) -> Pending {
        let stopped = || Pending::known(Err(LogError::Unavailable("it has stopped; open it again".to_owned())));
        let Some((jobs, _)) = &self.proposing else { return stopped() };
        let (answer, pending) = Pending::with_answer();
        match jobs.send(Job { append, answer }) {
            Ok(()) => pending,
            Err(_) => stopped(),
        }
    }

    /// The replica's word: without room for it nothing is taken here. Whether the cluster answers is told by `behind`.
    fn takes_appends(&self) -> Result<(), LogError> {
        self.replica.takes_appends()
    }

    fn head(&self) -> Position {
        self.replica.head()
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// Counts from the beginning of the last look that reached the cluster's end: next to nothing while all is well, more
    /// while the cluster cannot be read, while there is much to read, and for good once the cluster lost something.
    fn behind(&self) -> Duration {
        self.seen.ago()
    }

    fn folder(&self) -> Option<&Path> {
        self.replica.folder()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.replica.read_stream(stream, from, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.replica.read_all(after, limit)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.replica.scan_unchecked(after, visit)
    }

    fn scanner(&self) -> Box<dyn Scanner + '_> {
        self.replica.scanner()
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.replica.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.replica.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.replica.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.replica.subscribe(after)
    }

    fn wait_beyond(&self, after: Position, patience: std::time::Duration) -> Result<Position, LogError> {
        self.replica.wait_beyond(after, patience)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        verify::verify(&self.remote, &self.prefix, &self.replica, progress)
    }

    /// Writes the replica as a file of the embedded engine.
    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.replica.backup(target)
    }
}

impl Drop for ClusterLog {
    fn drop(&mut self) {
        let Some((jobs, thread)) = self.proposing.take() else { return };
        drop(jobs);
        if thread.join().is_err() {
            tracing::error!("the thread of the cluster's log panicked");
        }
    }
}

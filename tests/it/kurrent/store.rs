//! What the servers of one cluster share: the log, its streams, and the faults that are planned.
//!
//! The names of the sources: "docs" are the server's, in the folder `docs` of its repository (EventStore/EventStore on
//! GitHub); "server" is its source there, below `src/EventStore.Core/Services`; "client" is kurrentdb 1.2.0.

use super::faults::{AppendFault, Misplaced, ReadFault};
use super::messages::{
    AppendOptions, AppendResp, ClusterInfo, Empty, EndPoint, Expression, Id, Member, NotFound, Place, Proposed,
    ReadEvent, ReadOptions, ReadResp, Recorded, StreamIdentifier, Success, Wrong,
};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// An event as the double keeps it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) stream: String,
    pub(super) revision: u64,
    pub(super) id: Uuid,
    pub(super) metadata: HashMap<String, String>,
    pub(super) custom: Vec<u8>,
    pub(super) data: Vec<u8>,
    pub(super) position: u64,
}

/// A read of the whole log from where no event begins.
pub(super) struct InvalidPosition;

/// A stream: the positions of all events it ever had, and the revision that it is truncated before.
#[derive(Debug, Clone, Default)]
struct Stream {
    places: Vec<u64>,
    before: u64,
}

/// The log as it was once.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    log: Vec<Kept>,
    streams: HashMap<String, Stream>,
    begins: BTreeSet<u64>,
    end: u64,
}

/// What the servers of one cluster share.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) log: Vec<Kept>,
    streams: HashMap<String, Stream>,
    /// Where events begin or, before they were scavenged, began.
    begins: BTreeSet<u64>,
    end: u64,
    /// How long an event is under way: compared with by the leader, and not to be read yet, because no majority has it.
    ///
    /// Source: server, `Storage/StorageWriterService.cs` with `IndexWriter.CheckCommit`: the expected version is compared with
    /// the last version among writes under way; `ReaderIndex`: reads end at what is replicated and indexed.
    pub(super) lag: Duration,
    /// Most events that were under way at a time.
    pub(super) most_under_way: usize,
    /// How long an answer to a read takes.
    pub(super) reads_take: Duration,
    /// When what is under way at a position can be read.
    under_way: BTreeMap<u64, Instant>,
    /// Reads end before this position, as at a server whose index lags: one that leads before it has caught up, or does not know
    /// yet that it leads no more. Source: server, `ClusterVNodeController.cs`: a pre-leader answers *requires leader*, a deposed
    /// leader does so until it steps down.
    pub(super) sees_to: Option<u64>,
    /// The same for reads with a filter, as if another server answered them.
    pub(super) looks_see_to: Option<u64>,
    pub(super) misplaced: Misplaced,
    /// How many events each filtered read let the server consider at a time.
    pub(super) windows: BTreeSet<Option<u32>>,
    pub(super) append_faults: VecDeque<AppendFault>,
    /// Faults by the number of the append that they meet.
    pub(super) faults_at: BTreeMap<usize, AppendFault>,
    pub(super) read_faults: VecDeque<ReadFault>,
    /// Calls that may be open on a connection, if not 100. Source: ASP.NET Core's Kestrel, `Http2Limits.MaxStreamsPerConnection`.
    pub(super) most_calls: Option<u32>,
    /// Port of the leader, and of all servers.
    pub(super) leader: u16,
    pub(super) ports: Vec<u16>,
    /// Servers that do not run.
    pub(super) down: HashSet<u16>,
    /// Times that a follower sent somebody to the leader.
    pub(super) redirects: usize,
    /// Appends that came, answered or not.
    pub(super) appends: usize,
    /// Appends that were dropped without an answer.
    pub(super) dropped: usize,
    /// Looks at the whole log that came, answered or not.
    pub(super) looks: usize,
    /// Reads of one event of the whole log that came.
    pub(super) questions: usize,
    /// The append with this number is too large.
    pub(super) refused: Option<usize>,
    /// User and password that are asked for; `None` lets everybody in.
    pub(super) login: Option<(&'static str, &'static str)>,
    /// Requests that were let in with user and password.
    pub(super) logins: usize,
}

impl Cluster {
    pub(super) fn add(&mut self, stream: &str, mut event: Kept) {
        // Positions are byte offsets in the server's log: they rise and have gaps.
        self.end += 150 + event.data.len() as u64;
        let places = &mut self.streams.entry(stream.to_owned()).or_default().places;
        event.stream = stream.to_owned();
        event.revision = places.len() as u64;
        event.position = self.end;
        places.push(self.end);
        self.begins.insert(self.end);
        let now = Instant::now();
        self.under_way.retain(|_, ready| *ready > now);
        self.under_way.insert(self.end, now + self.lag);
        self.most_under_way = self.most_under_way.max(self.under_way.len());
        self.log.push(event);
    }

    fn add_data(&mut self, stream: &str, event_type: &str, data: &[u8]) {
        let metadata = HashMap::from([("type".to_owned(), event_type.to_owned())]);
        let (id, data) = (Uuid::now_v7(), data.to_vec());
        self.add(
            stream,
            Kept { stream: String::new(), revision: 0, id, metadata, custom: Vec::new(), data, position: 0 },
        );
    }

    /// Adds an event of the server's own, and one of somebody else's.
    pub(super) fn add_noise(&mut self) {
        for stream in ["$stats-127.0.0.1:2113", "elsewhere-1"] {
            self.add_data(stream, "noise", b"{}");
        }
    }

    /// Adds an event of the server's own.
    pub(super) fn add_statistics(&mut self) {
        self.add_data("$stats-127.0.0.1:2113", "noise", b"{}");
    }

    /// Returns the log as a backup holds it.
    pub(super) fn back_up(&self) -> Backup {
        let Self { log, streams, begins, end, .. } = self;
        Backup { log: log.clone(), streams: streams.clone(), begins: begins.clone(), end: *end }
    }

    /// Source: docs/operations.md, "Backup and restore": the restored log ends where the backup did, and goes on from there.
    pub(super) fn restore(&mut self, backup: Backup) {
        (self.log, self.streams, self.begins, self.end) = (backup.log, backup.streams, backup.begins, backup.end);
        self.under_way.clear();
    }

    /// Loses everything after the event with this id, as a cluster does whose new leader has less.
    pub(super) fn lose_after(&mut self, id: Uuid) {
        let last = self.log.iter().position(|event| event.id == id).unwrap();
        self.log.truncate(last + 1);
        self.end = self.log[last].position;
        self.begins.split_off(&(self.end + 1));
        self.under_way.split_off(&(self.end + 1));
        for stream in self.streams.values_mut() {
            stream.places.retain(|place| *place <= self.end);
        }
    }

    /// Source: docs, "Stream metadata": `$tb`, in an event of type `$metadata` of the stream `$$name`. Reads of the stream begin
    /// there from now on; docs/operations.md, "Scavenging": the whole log still shows what is before.
    pub(super) fn truncate_stream(&mut self, name: &str, before: u64) {
        self.add_data(&format!("$${name}"), "$metadata", format!(r#"{{"$tb":{before}}}"#).as_bytes());
        self.streams.get_mut(name).unwrap().before = before;
    }

    /// Takes the settings off a stream.
    pub(super) fn untruncate_stream(&mut self, name: &str) {
        self.add_data(&format!("$${name}"), "$metadata", b"{}");
        self.streams.get_mut(name).unwrap().before = 0;
    }

    /// Source: docs/operations.md, "Scavenging": what the streams do not show any more is gone from the whole log too; all
    /// else stays where it is.
    pub(super) fn scavenge(&mut self) {
        let streams = &self.streams;
        self.log.retain(|event| event.revision >= streams[&event.stream].before);
    }

    /// Returns the position of the first event that is under way: from there on nothing can be read.
    fn horizon(&self) -> u64 {
        let now = Instant::now();
        self.under_way.iter().find(|(_, ready)| **ready > now).map_or(u64::MAX, |(place, _)| *place)
    }

    /// Returns the events that a stream has.
    fn stream(&self, name: &str) -> Vec<&Kept> {
        let Some(stream) = self.streams.get(name) else { return Vec::new() };
        let at = |place: &u64| self.log.binary_search_by_key(place, |event| event.position).ok();
        let shown = stream.places.iter().skip(stream.before as usize);
        shown.filter_map(at).map(|index| &self.log[index]).collect()
    }

    fn length(&self, name: &str) -> u64 {
        self.streams.get(name).map_or(0, |stream| stream.places.len() as u64)
    }

    /// Source: docs, "Appending events", on expected revision and idempotence; `WrongExpectedVersion` of streams.proto. `None` for
    /// a retry whose first write is under way: server, `Storage/StorageWriterService.cs`, `CommitDecision.IdempotentNotReady`,
    /// which is dropped without an answer.
    pub(super) fn append(&mut self, options: &AppendOptions, events: Vec<Proposed>) -> Option<AppendResp> {
        let name = text(options.stream.as_ref());
        let there = self.length(&name);
        let wanted = match options {
            AppendOptions { revision: Some(revision), .. } => Some(revision + 1),
            AppendOptions { no_stream: Some(_), .. } => Some(0),
            _ => None,
        };
        let ids: Vec<Uuid> = events.iter().map(|event| uuid(event.id.as_ref())).collect();
        // The same ids at the place that was asked for: done before, and answered as then.
        if let Some(wanted) = wanted
            && wanted != there
        {
            let at = self.stream(&name).into_iter().filter(|event| event.revision >= wanted).take(ids.len());
            if wanted < there && at.map(|event| event.id).eq(ids.iter().copied()) {
                let last = wanted + ids.len() as u64 - 1;
                let is_ready = self.streams[&name].places[last as usize] < self.horizon();
                self.dropped += usize::from(!is_ready);
                return is_ready.then(|| self.success(&name, last));
            }
            return Some(AppendResp {
                success: None,
                wrong: Some(Wrong {
                    current: there.checked_sub(1),
                    no_stream: (there == 0).then_some(Empty {}),
                    expected: options.revision,
                    expected_no_stream: options.no_stream.clone(),
                }),
            });
        }
        for (event, id) in events.into_iter().zip(ids) {
            let Proposed { metadata, custom, data, .. } = event;
            self.add(&name, Kept { stream: String::new(), revision: 0, id, metadata, custom, data, position: 0 });
        }
        if self.appends.is_multiple_of(7) {
            self.add_noise();
        }
        Some(self.success(&name, self.length(&name) - 1))
    }

    fn success(&self, name: &str, revision: u64) -> AppendResp {
        let position = self.streams[name].places[revision as usize];
        let position = Some(Place { commit: position, prepare: position });
        AppendResp { success: Some(Success { revision: Some(revision), position }), wrong: None }
    }

    /// Source: `ReadReq` of streams.proto; docs, "Reading events": a read forwards begins with the event at its position.
    pub(super) fn read(&self, options: &ReadOptions) -> Result<Vec<ReadResp>, InvalidPosition> {
        let count = options.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
        let events: Vec<&Kept> = if let Some(stream) = &options.stream {
            let name = text(stream.stream.as_ref());
            if self.length(&name) == 0 {
                return Ok(vec![ReadResp { event: None, not_found: Some(NotFound { stream: stream.stream.clone() }) }]);
            }
            let mut events = self.stream(&name);
            if options.direction == 1 {
                events.reverse();
            }
            events.into_iter().filter(|event| stream.revision.is_none_or(|from| event.revision >= from)).collect()
        } else {
            let from = options.all.as_ref().and_then(|all| all.position.clone()).map_or(0, |place| place.commit);
            if options.direction == 1 {
                self.log.iter().rev().collect()
            } else {
                // Source: server, `StorageReaderWorker`: `InvalidReadException` in the middle of a record; beyond the end
                // there is nothing.
                if from > 0 && from < self.end && !self.begins.contains(&from) {
                    return Err(InvalidPosition);
                }
                let first = self.log.partition_point(|event| event.position < from);
                self.log[first..].iter().collect()
            }
        };
        let filter = options.filter.as_ref().and_then(|filter| filter.stream.as_ref());
        let seen_to = self.sees_to.into_iter().chain(self.looks_see_to.filter(|_| filter.is_some())).min();
        let horizon = self.horizon().min(seen_to.unwrap_or(u64::MAX));
        let events = events.into_iter().filter(|event| event.position < horizon);
        let events = events.filter(|event| filter.is_none_or(|filter| passes(filter, &event.stream)));
        Ok(events.take(count).map(shown).collect())
    }

    /// Source: gossip.proto; server, `Grpc/Gossip.Read.cs`: every member is listed, alive or not.
    pub(super) fn members(&self) -> ClusterInfo {
        let member = |port: &u16| Member {
            id: Some(Id { structured: None, text: Some(Uuid::from_u128(u128::from(*port)).to_string()) }),
            state: if *port == self.leader { 8 } else { 6 },
            alive: !self.down.contains(port),
            place: Some(EndPoint { address: "127.0.0.1".to_owned(), port: u32::from(*port) }),
        };
        ClusterInfo { members: self.ports.iter().map(member).collect() }
    }

    /// This server is gone; the next one that runs leads, if it did.
    pub(super) fn die(&mut self, port: u16) {
        self.down.insert(port);
        if self.leader == port
            && let Some(next) = self.ports.iter().find(|port| !self.down.contains(port))
        {
            self.leader = *next;
        }
    }
}

/// Source: `filter_into_proto` of the client; it knows only this one expression for "no system events".
fn passes(filter: &Expression, stream: &str) -> bool {
    if !filter.prefix.is_empty() {
        return filter.prefix.iter().any(|prefix| stream.starts_with(prefix));
    }
    assert_eq!(filter.regex, r"^[^\$].*", "the double does not know this expression");
    !stream.starts_with('$')
}

fn shown(event: &Kept) -> ReadResp {
    let recorded = Recorded {
        id: Some(Id { structured: None, text: Some(event.id.to_string()) }),
        stream: Some(StreamIdentifier { name: event.stream.clone().into_bytes() }),
        revision: event.revision,
        prepare: event.position,
        commit: event.position,
        metadata: event.metadata.clone(),
        custom: event.custom.clone(),
        data: event.data.clone(),
    };
    ReadResp { event: Some(ReadEvent { event: Some(recorded), commit: Some(event.position) }), not_found: None }
}

fn text(stream: Option<&StreamIdentifier>) -> String {
    String::from_utf8(stream.unwrap().name.clone()).unwrap()
}

/// Source: `From<uuid::Uuid> for common::Uuid` of the client.
fn uuid(id: Option<&Id>) -> Uuid {
    let id = id.unwrap();
    match &id.structured {
        Some(both) => Uuid::from_u64_pair(both.most as u64, both.least as u64),
        None => id.text.as_ref().unwrap().parse().unwrap(),
    }
}

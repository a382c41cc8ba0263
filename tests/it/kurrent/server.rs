//! The double: a server that speaks the protocol over real sockets, keeps its streams in memory and fails when told.
//!
//! What it does is taken from the protocol files, from the client's source (kurrentdb 1.2.0) and from the published
//! documents; each expectation names its source where it is encoded.

use super::framing::{Status, done, frame, frames, head, refuse, reply};
use super::messages::{
    AppendOptions, AppendReq, AppendResp, ClusterInfo, Empty, EndPoint, Expression, Id, Member, NotFound, Place,
    Proposed, ReadEvent, ReadOptions, ReadReq, ReadResp, Recorded, StreamIdentifier, Success, SupportedMethods, Wrong,
};
use bytes::Bytes;
use h2::SendStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request};
use prost::Message;
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// What a server does to one append instead of answering it well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppendFault {
    /// Nothing is written; the answer is status 14, UNAVAILABLE.
    Unavailable,
    /// Nothing is written; the line is cut.
    CutBefore,
    /// It is written; the line is cut before the answer.
    CutAfter,
    /// It is written; no answer ever comes.
    SilentAfter,
    /// Nothing is written; the answer is that the append is too large.
    TooLarge,
}

/// What a server does to one read of the whole log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadFault {
    /// The line is cut after so many events.
    CutAfter(usize),
    /// Each event takes so long.
    Slow(Duration),
    /// No answer ever comes.
    Silent,
    /// The answer is status 14, UNAVAILABLE.
    Unavailable,
}

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

/// What the servers of one cluster share.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) log: Vec<Kept>,
    streams: HashMap<String, Vec<usize>>,
    end: u64,
    pub(super) append_faults: VecDeque<AppendFault>,
    pub(super) read_faults: VecDeque<ReadFault>,
    /// Port of the leader, and of all servers.
    pub(super) leader: u16,
    ports: Vec<u16>,
    /// Times that a follower sent somebody to the leader.
    pub(super) redirects: usize,
    /// Appends that came, answered or not.
    pub(super) appends: usize,
    /// The append with this number is too large.
    pub(super) refused: Option<usize>,
}

impl Cluster {
    pub(super) fn add(&mut self, stream: &str, mut event: Kept) {
        let index = self.log.len();
        let places = self.streams.entry(stream.to_owned()).or_default();
        // Positions are byte offsets in the server's log: they rise and have gaps.
        self.end += 150 + event.data.len() as u64;
        event.stream = stream.to_owned();
        event.revision = places.len() as u64;
        event.position = self.end;
        places.push(index);
        self.log.push(event);
    }

    /// Adds an event of the server's own, and one of somebody else's.
    pub(super) fn add_noise(&mut self) {
        for stream in ["$stats-127.0.0.1:2113", "elsewhere-1"] {
            let metadata = HashMap::from([("type".to_owned(), "noise".to_owned())]);
            let id = Uuid::now_v7();
            let data = b"{}".to_vec();
            self.add(
                stream,
                Kept { stream: String::new(), revision: 0, id, metadata, custom: Vec::new(), data, position: 0 },
            );
        }
    }

    fn stream(&self, name: &str) -> &[usize] {
        self.streams.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Source: documents, "Appending events", on expected revision and idempotence; `WrongExpectedVersion` of streams.proto.
    fn append(&mut self, options: &AppendOptions, events: Vec<Proposed>) -> AppendResp {
        let name = text(options.stream.as_ref());
        let there = self.stream(&name).len() as u64;
        let wanted = match options {
            AppendOptions { revision: Some(revision), .. } => Some(revision + 1),
            AppendOptions { no_stream: Some(_), .. } => Some(0),
            _ => None,
        };
        let ids: Vec<Uuid> = events.iter().map(|event| uuid(event.id.as_ref())).collect();
        let at = |log: &[Kept], from: u64| -> Vec<Uuid> {
            let places = self.stream(&name).iter().skip(from as usize).take(ids.len());
            places.map(|place| log[*place].id).collect()
        };
        // The same ids at the place that was asked for: done before, and answered as then.
        if let Some(wanted) = wanted
            && wanted != there
        {
            if wanted < there && at(&self.log, wanted) == ids {
                return self.success(&name, wanted + ids.len() as u64 - 1);
            }
            return AppendResp {
                success: None,
                wrong: Some(Wrong {
                    current: there.checked_sub(1),
                    no_stream: (there == 0).then_some(Empty {}),
                    expected: options.revision,
                    expected_no_stream: options.no_stream.clone(),
                }),
            };
        }
        for (event, id) in events.into_iter().zip(ids) {
            let Proposed { metadata, custom, data, .. } = event;
            self.add(&name, Kept { stream: String::new(), revision: 0, id, metadata, custom, data, position: 0 });
        }
        if self.appends.is_multiple_of(7) {
            self.add_noise();
        }
        let last = self.stream(&name).len() as u64 - 1;
        self.success(&name, last)
    }

    fn success(&self, name: &str, revision: u64) -> AppendResp {
        let position = self.log[self.stream(name)[revision as usize]].position;
        let position = Some(Place { commit: position, prepare: position });
        AppendResp { success: Some(Success { revision: Some(revision), position }), wrong: None }
    }

    /// Source: `ReadReq` of streams.proto; documents, "Reading events": a read forwards begins with the event at its position.
    fn read(&self, options: &ReadOptions) -> Vec<ReadResp> {
        let count = options.count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX));
        let events: Vec<&Kept> = if let Some(stream) = &options.stream {
            let name = text(stream.stream.as_ref());
            if self.stream(&name).is_empty() {
                return vec![ReadResp { event: None, not_found: Some(NotFound { stream: stream.stream.clone() }) }];
            }
            let mut events: Vec<&Kept> = self.stream(&name).iter().map(|place| &self.log[*place]).collect();
            if options.direction == 1 {
                events.reverse();
            }
            events.into_iter().filter(|event| stream.revision.is_none_or(|from| event.revision >= from)).collect()
        } else {
            let from = options.all.as_ref().and_then(|all| all.position.clone()).map_or(0, |place| place.commit);
            if options.direction == 1 {
                self.log.iter().rev().collect()
            } else {
                let first = self.log.partition_point(|event| event.position < from);
                self.log[first..].iter().collect()
            }
        };
        let filter = options.filter.as_ref().and_then(|filter| filter.stream.as_ref());
        let events = events.into_iter().filter(|event| filter.is_none_or(|filter| passes(filter, &event.stream)));
        events.take(count).map(shown).collect()
    }

    fn members(&self) -> ClusterInfo {
        let member = |port: &u16| Member {
            id: Some(Id { structured: None, text: Some(Uuid::from_u128(u128::from(*port)).to_string()) }),
            state: if *port == self.leader { 8 } else { 6 },
            alive: true,
            place: Some(EndPoint { address: "127.0.0.1".to_owned(), port: u32::from(*port) }),
        };
        ClusterInfo { members: self.ports.iter().map(member).collect() }
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

/// One server of a cluster, running until it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    cluster: Arc<Mutex<Cluster>>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    cut: watch::Sender<usize>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts the one server of a new cluster.
    pub(crate) fn alone() -> Self {
        let server = Self::join(&Arc::default());
        server.cluster().leader = server.address.port();
        server
    }

    /// Starts a leader and a follower.
    pub(super) fn pair() -> (Self, Self) {
        let leader = Self::alone();
        let follower = Self::join(&leader.cluster);
        (leader, follower)
    }

    fn join(cluster: &Arc<Mutex<Cluster>>) -> Self {
        Self::start(cluster.clone(), SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    fn start(cluster: Arc<Mutex<Cluster>>, address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        {
            let mut cluster = cluster.lock().unwrap();
            if !cluster.ports.contains(&address.port()) {
                cluster.ports.push(address.port());
            }
        }
        let (stop, stopped) = watch::channel(false);
        let (cut, _) = watch::channel(0);
        let node = Node { cluster: cluster.clone(), port: address.port(), cut: cut.clone() };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // Dropping the runtime closes every connection: this is how the server dies.
            runtime.block_on(serve(listener, node, stopped));
        });
        Self { cluster, address, stop, cut, thread: Some(thread) }
    }

    /// Returns the state, to look at and to plan faults.
    pub(super) fn cluster(&self) -> MutexGuard<'_, Cluster> {
        self.cluster.lock().unwrap()
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(crate) fn url(&self) -> String {
        format!("esdb://127.0.0.1:{}?tls=false&maxDiscoverAttempts=3&discoveryInterval=10", self.address.port())
    }

    /// Cuts every line.
    pub(super) fn cut(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }

    fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }

    /// Stops, runs `while_down`, and starts again at the same address with everything that was written.
    pub(super) fn restart(&mut self, while_down: impl FnOnce()) {
        self.stop();
        while_down();
        *self = Self::start(self.cluster.clone(), self.address);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[derive(Clone)]
struct Node {
    cluster: Arc<Mutex<Cluster>>,
    port: u16,
    cut: watch::Sender<usize>,
}

async fn serve(listener: TcpListener, node: Node, mut stopped: watch::Receiver<bool>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return,
            accepted = listener.accept() => {
                let (socket, _) = accepted.unwrap();
                let (node, mut cut) = (node.clone(), node.cut.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cut.changed() => {}
                        () = connection(socket, node) => {}
                    }
                });
            }
        }
    }
}

async fn connection(socket: tokio::net::TcpStream, node: Node) {
    socket.set_nodelay(true).unwrap();
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let node = node.clone();
        // A client that went away is no fault of the double.
        tokio::spawn(async move { node.answer(request, respond).await.ok() });
    }
}

impl Node {
    async fn answer(
        &self,
        request: Request<h2::RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        // The client's sockets hold small segments back (no TCP_NODELAY) until the one before is acknowledged, which takes
        // 40 ms unless something is answered. So an answer begins before the request is read: the double is quicker than a server.
        let answer = respond.send_response(head(), false)?;
        let (parts, mut body) = request.into_parts();
        let mut received = Vec::new();
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            body.flow_control().release_capacity(chunk.len())?;
            received.extend_from_slice(&chunk);
        }
        let mut frames = frames(received.into());
        match parts.uri.path() {
            "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
                reply(answer, [SupportedMethods { version: "24.10.0".to_owned() }])
            }
            "/event_store.client.gossip.Gossip/Read" => {
                let members = self.cluster.lock().unwrap().members();
                reply(answer, [members])
            }
            path if path.starts_with("/event_store.client.streams.Streams/") => {
                if let Some(status) = self.not_here(&parts.headers) {
                    return refuse(answer, &status);
                }
                match path.rsplit('/').next() {
                    Some("Append") => self.append(frames, answer).await,
                    Some("Read") => self.read(ReadReq::decode(frames.remove(0)).unwrap(), answer).await,
                    _ => refuse(answer, &Status::new(12, "unknown method")),
                }
            }
            _ => refuse(answer, &Status::new(12, "unknown service")),
        }
    }

    /// Source: `Error::from_grpc` of the client, for the trailers of a redirect; `build_request_metadata`, for the header
    /// that asks for the leader.
    fn not_here(&self, headers: &HeaderMap) -> Option<Status> {
        let mut cluster = self.cluster.lock().unwrap();
        let wants_leader = headers.get("requires-leader").is_some_and(|value| value == "true");
        if !wants_leader || cluster.leader == self.port {
            return None;
        }
        cluster.redirects += 1;
        let mut status = Status::new(5, "Leader info available");
        status.extra = vec![
            ("exception", "not-leader".to_owned()),
            ("leader-endpoint-host", "127.0.0.1".to_owned()),
            ("leader-endpoint-port", cluster.leader.to_string()),
        ];
        Some(status)
    }

    async fn append(&self, frames: Vec<Bytes>, answer: SendStream<Bytes>) -> Result<(), h2::Error> {
        let mut messages = frames.into_iter().map(|frame| AppendReq::decode(frame).unwrap());
        let options = messages.next().unwrap().options.unwrap();
        let events = messages.map(|message| message.proposed.unwrap()).collect();
        let (fault, written) = {
            let mut cluster = self.cluster.lock().unwrap();
            cluster.appends += 1;
            let refused = (cluster.refused == Some(cluster.appends)).then_some(AppendFault::TooLarge);
            let fault = refused.or_else(|| cluster.append_faults.pop_front());
            match fault {
                None | Some(AppendFault::CutAfter | AppendFault::SilentAfter) => {
                    (fault, Some(cluster.append(&options, events)))
                }
                Some(_) => (fault, None),
            }
        };
        match (fault, written) {
            (None, Some(written)) => reply(answer, [written]),
            (Some(AppendFault::SilentAfter), _) => std::future::pending().await,
            (Some(AppendFault::CutBefore | AppendFault::CutAfter), _) => {
                self.cut.send_modify(|cuts| *cuts += 1);
                std::future::pending().await
            }
            // Source: the server's `RpcExceptions.MaxAppendSizeExceeded`.
            (Some(AppendFault::TooLarge), _) => {
                let mut status = Status::new(3, "Maximum Append Size of 1048576 Exceeded.");
                status.extra = vec![("exception", "maximum-append-size-exceeded".to_owned())];
                refuse(answer, &status)
            }
            _ => refuse(answer, &Status::new(14, "Server Is Not Ready")),
        }
    }

    async fn read(&self, request: ReadReq, answer: SendStream<Bytes>) -> Result<(), h2::Error> {
        let options = request.options.unwrap();
        let (fault, events) = {
            let mut cluster = self.cluster.lock().unwrap();
            let whole = options.all.is_some() && options.direction == 0;
            let fault = if whole { cluster.read_faults.pop_front() } else { None };
            (fault, cluster.read(&options))
        };
        match fault {
            None => reply(answer, events),
            Some(ReadFault::Silent) => std::future::pending().await,
            Some(ReadFault::Unavailable) => refuse(answer, &Status::new(14, "Server Is Not Ready")),
            Some(ReadFault::CutAfter(count)) => {
                let mut stream = answer;
                for event in events.iter().take(count) {
                    stream.send_data(frame(event), false)?;
                }
                // Everything above is on the wire before the line goes.
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.cut.send_modify(|cuts| *cuts += 1);
                std::future::pending().await
            }
            Some(ReadFault::Slow(pause)) => {
                let mut stream = answer;
                for event in &events {
                    tokio::time::sleep(pause).await;
                    stream.send_data(frame(event), false)?;
                }
                stream.send_trailers(done())
            }
        }
    }
}

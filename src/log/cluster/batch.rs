//! The one call that appends are sent through: a stream of appends to the leader, and a stream of answers back.
//!
//! Habits of the client (kurrentdb 1.2.0, `batch.rs` and `commands::batch_append`) that are lived with here:
//! * it gives each append a deadline that is 56 years away (it sends the time since 1970 where the server takes a span), so the
//!   server's own counts; one given to it would end the whole call. So whoever waits here has patience of his own;
//! * a refusal ends the call for all that wait, after its own append was told why; what was handed over is sent all the same;
//! * when a server ends the call in good order, nobody is told, and a call that is let go of stays open while the server keeps it
//!   so. So the client runs in a runtime of its own, which is thrown away with everything in it ([`Batch::hang_up`]).
//!
//! The connection is not that of the reads: its sockets hold small segments back while others are on their way (no
//! `TCP_NODELAY`), and a read would wait for an append.

use super::remote::{self, Fault, timely};
use crate::log::contract::LogError;
use crossbeam_channel::{Receiver, Sender};
use eventstore::{BatchAppendOptions, Client, ClientSettings, Error, EventData, ReadAllOptions, StreamState};
use futures_util::FutureExt as _;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};

/// How often a server may say that another leads, before it counts as trouble.
const REDIRECTIONS: usize = 3;
/// Calls that may stay open on a connection after they were let go of, or refused something: the server ends a call only with an
/// answer that it gives after the last append came (`Streams.BatchAppend.cs`, `Send`), and lets 100 be open on one connection
/// (`MaxStreamsPerConnection` of ASP.NET Core's Kestrel); those beyond wait for ever.
const MOST_LET_GO: usize = 16;

/// One append to send.
#[derive(Debug)]
pub(super) struct Proposal {
    /// Which one it is, for its answer.
    pub(super) turn: u64,
    /// Name of the stream, without prefix.
    pub(super) stream: Arc<str>,
    /// Where it must be.
    pub(super) state: StreamState,
    pub(super) events: Vec<EventData>,
}

/// An answer to one append, or to all of a call.
#[derive(Debug)]
pub(super) struct Heard {
    /// `None` if the call itself could not be made.
    pub(super) turn: Option<u64>,
    pub(super) answer: Result<(), Error>,
}

/// A client in a runtime that nothing else runs in.
struct Line {
    runtime: Runtime,
    client: Client,
}

struct Call {
    proposals: UnboundedSender<Proposal>,
    heard: Receiver<Heard>,
}

/// The way out for appends; connected when it is first needed.
pub(super) struct Batch {
    settings: ClientSettings,
    prefix: Arc<str>,
    patience: Duration,
    line: Option<Line>,
    call: Option<Call>,
    /// The server of this line has taken something.
    leads: bool,
    /// Calls of this line that were let go of.
    let_go_of: usize,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Not the settings: they hold the password.
        f.debug_struct("Batch").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Batch {
    pub(super) fn new(settings: ClientSettings, prefix: Arc<str>, patience: Duration) -> Self {
        Self { settings, prefix, patience, line: None, call: None, leads: false, let_go_of: 0 }
    }

    /// Sends an append behind those sent before. Its answer is heard, if it ever is, at [`Batch::heard`].
    ///
    /// # Errors
    /// [`LogError::Unavailable`] if no client can be made.
    pub(super) fn send(&mut self, proposal: Proposal) -> Result<(), LogError> {
        let call = match self.call.take() {
            Some(call) => call,
            None => self.begin()?,
        };
        // A call that has ended says so where answers are heard.
        let _ = call.proposals.send(proposal);
        self.call = Some(call);
        Ok(())
    }

    fn begin(&mut self) -> Result<Call, LogError> {
        let line = match self.line.take() {
            Some(line) => line,
            None => self.connect()?,
        };
        let (proposals, to_send) = tokio::sync::mpsc::unbounded_channel();
        let (answers, heard) = crossbeam_channel::unbounded();
        let (client, name) = (line.client.clone(), self.prefix.clone());
        line.runtime.spawn(run((client, self.leads), self.patience, name, to_send, answers));
        self.line = Some(line);
        Ok(Call { proposals, heard })
    }

    fn connect(&self) -> Result<Line, LogError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("log-cluster-out")
            .enable_all()
            .build()
            .map_err(|error| LogError::Unavailable(format!("cannot start a thread: {error}")))?;
        let made = Client::with_runtime_handle(runtime.handle().clone(), self.settings.clone());
        match made {
            Ok(client) => Ok(Line { runtime, client }),
            Err(error) => {
                runtime.shutdown_background();
                Err(LogError::Unavailable(format!("the client of the cluster cannot be set up: {error}")))
            }
        }
    }

    /// Returns where answers are heard; it is closed when the call has ended without a word.
    pub(super) fn heard(&self) -> Receiver<Heard> {
        self.call.as_ref().map_or_else(crossbeam_channel::never, |call| call.heard.clone())
    }

    /// Lets go of the call: no answer to what was sent is heard any more, though it may still be done.
    pub(super) fn let_go(&mut self) {
        self.let_go_of += usize::from(self.call.take().is_some());
        if self.let_go_of > MOST_LET_GO {
            self.hang_up();
        }
    }

    /// Lets go of the call and of the connection; the next append finds out anew who leads.
    pub(super) fn hang_up(&mut self) {
        (self.call, self.leads, self.let_go_of) = (None, false, 0);
        if let Some(Line { runtime, .. }) = self.line.take() {
            runtime.shutdown_background();
        }
    }

    /// Takes note that something was taken.
    pub(super) fn taken(&mut self) {
        self.leads = true;
    }

    /// Takes note of an answer that is none: returns what it means for its append.
    pub(super) fn fault(&mut self, error: Error) -> Fault {
        self.leads = false;
        let sends_elsewhere = matches!(error, Error::NotLeaderException(_));
        let fault = remote::fault(error, &self.settings, self.patience);
        // A refusal, and a server that does not lead, end the call and nothing else.
        if sends_elsewhere || matches!(fault, Fault::Wrong | Fault::Refused(_) | Fault::TooLarge(_)) {
            self.let_go();
        } else {
            self.hang_up();
        }
        fault
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// Makes the call, sends what comes and tells what is answered, until it is let go of.
async fn run(
    (client, leads): (Client, bool),
    patience: Duration,
    prefix: Arc<str>,
    mut proposals: UnboundedReceiver<Proposal>,
    heard: Sender<Heard>,
) {
    let options = BatchAppendOptions::default().requires_leader(true);
    let call = async {
        if !leads {
            // A server that does not lead says who does; of all that may be asked, the client goes there after a read only.
            let asking = ReadAllOptions::default().max_count(1).requires_leader(true);
            for _ in 0..REDIRECTIONS {
                match client.read_all(&asking).await {
                    Err(Error::NotLeaderException(_)) => {}
                    Err(error) => return Err(error),
                    Ok(mut read) => match read.next().await {
                        Err(Error::NotLeaderException(_)) => {}
                        _ => break,
                    },
                }
            }
        }
        client.batch_append(&options).await
    };
    let batch = match timely(patience, call).await {
        Ok(batch) => batch,
        Err(error) => {
            // Nobody listens once the call was let go of.
            let _ = heard.send(Heard { turn: None, answer: Err(error) });
            return;
        }
    };
    let batch = &batch;
    let mut under_way = FuturesUnordered::new();
    let tell = |turn, answer: Result<_, Error>| {
        let _ = heard.send(Heard { turn: Some(turn), answer: answer.map(|_| ()) });
    };
    loop {
        tokio::select! {
            proposal = proposals.recv() => {
                let Some(Proposal { turn, stream, state, events }) = proposal else { return };
                let name = format!("{prefix}{stream}");
                let mut answer = Box::pin(async move { (turn, batch.append_to_stream(name, state, events).await) });
                // The first look at it sends it: so they go out in their order.
                match answer.as_mut().now_or_never() {
                    Some((turn, answer)) => tell(turn, answer),
                    None => under_way.push(answer),
                }
            }
            Some((turn, answer)) = under_way.next(), if !under_way.is_empty() => tell(turn, answer),
        }
    }
}

//! One connection to a server, used by one thread at a time; every wait on it ends.

use super::fault::Fault;
use super::settings::Target;
use futures_util::future::{pending, poll_fn, ready};
use futures_util::{FutureExt as _, TryFutureExt as _};
use std::cell::Cell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::Notify;
use tokio_postgres::error::Severity;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Row, Statement};

/// What each session is set to.
///
/// * A session that falls silent in a transaction holds the log's end: the server ends it after `idle_in_transaction…`.
/// * A `statement_timeout` would end the wait for a standby at COMMIT with success (`SyncRepWaitForLSN` in PostgreSQL's
///   syncrep.c), so there is none; this side counts the time.
/// * A plan made while a table was small must not read it whole when it is large.
const SESSION: &str = "SET statement_timeout = 0; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed'; \
     SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
     SET enable_seqscan = off; SET client_min_messages = warning;";

/// No plan is made anew for each group, which reads all its values. Since PostgreSQL 12.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan";

/// An answer that is under way: how many rows were written.
pub(super) type Underway = Pin<Box<dyn Future<Output = Result<u64, Fault>> + Send>>;

/// What the server says without being asked.
#[derive(Debug, Default)]
struct Heard {
    warning: Mutex<Option<String>>,
    /// Somebody notified, or the connection ended.
    stirred: Notify,
    /// Whose notifications are no news.
    own: OnceLock<String>,
}

/// A connection.
pub(super) struct Line {
    /// Missing only while it is dropped.
    runtime: Option<Runtime>,
    client: Arc<Client>,
    heard: Arc<Heard>,
    prepared: HashMap<&'static str, Statement>,
    patience: Duration,
    /// Time that answers took.
    waited: Cell<Duration>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    /// Connects to the server that takes writes, and makes sure that it may hold a log.
    pub(super) fn open(target: &Target, schema: &str, patience: Duration) -> Result<Self, Fault> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::Passing(format!("cannot start a connection: {error}")))?;
        let heard = Arc::new(Heard::default());
        let client = drive(&runtime, patience, connect(target.clone(), heard.clone()))?;
        let (client, prepared) = (Arc::new(client), HashMap::new());
        let mut line =
            Self { runtime: Some(runtime), client, heard, prepared, patience, waited: Cell::new(Duration::ZERO) };
        // A name is quoted by doubling its quotes.
        line.run(&format!("{SESSION} SET search_path TO \"{}\";", schema.replace('"', "\"\"")))?;
        line.check_server()?;
        // A server that does not know it plans more often.
        if let Err(fault) = line.run(PLANS)
            && line.is_gone()
        {
            return Err(fault);
        }
        Ok(line)
    }

    /// Refuses a server that forgets what it acknowledged when its machine stops.
    fn check_server(&mut self) -> Result<(), Fault> {
        let sql = "SELECT current_setting('fsync'), current_setting('full_page_writes'), \
                   current_setting('synchronous_commit')";
        let row = self.one(sql, &[])?;
        let setting = |column| row.try_get::<_, String>(column).map_err(Fault::from);
        for (column, name) in [(0, "fsync"), (1, "full_page_writes")] {
            if setting(column)? == "off" {
                return Err(Fault::lasting(format!(
                    "PostgreSQL runs with `{name} = off`: what it acknowledges may be lost or damaged when its machine stops; \
                     set it to `on` and restart the server"
                )));
            }
        }
        if setting(2)? == "off" {
            // An answer is given when the event is on disk, whatever others use this server for.
            self.run("SET synchronous_commit = on")?;
        }
        Ok(())
    }

    /// Hears no notifications of this node.
    pub(super) fn ignore(&self, node: &str) {
        let _ = self.heard.own.set(node.to_owned());
    }

    /// Gives everything on this connection so long.
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// Takes the last warning that the server sent, if it sent one.
    pub(super) fn take_warning(&self) -> Option<String> {
        self.heard.warning.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Says whether the connection is known to be gone.
    pub(super) fn is_gone(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements without parameters.
    pub(super) fn run(&mut self, sql: &str) -> Result<(), Fault> {
        self.ask(self.client.batch_execute(sql))
    }

    /// Returns the rows of a query, which is prepared once.
    pub(super) fn rows(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Fault> {
        let statement = self.prepare(sql)?;
        self.ask(self.client.query(&statement, values))
    }

    /// Returns the only row of a query.
    pub(super) fn one(&mut self, sql: &'static str, values: &[&(dyn ToSql + Sync)]) -> Result<Row, Fault> {
        let mut rows = self.rows(sql, values)?;
        rows.pop().ok_or_else(|| Fault::damage("a row that is always there is missing"))
    }

    /// Prepares a statement, if it is not yet.
    pub(super) fn prepare(&mut self, sql: &'static str) -> Result<Statement, Fault> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(self.client.prepare(sql))?;
        self.prepared.insert(sql, statement.clone());
        Ok(statement)
    }

    /// Runs what several futures ask of the client, in one round trip if they ask at once.
    pub(super) fn with<'a, T, W>(&'a mut self, work: impl FnOnce(&'a Client) -> W) -> Result<T, Fault>
    where
        T: Send,
        W: Future<Output = Result<T, Error>> + Send + 'a,
    {
        let this = &*self;
        this.ask(work(&this.client))
    }

    /// Waits for answers as long as they are given.
    fn ask<T, E>(&self, work: impl Future<Output = Result<T, E>> + Send) -> Result<T, Fault>
    where
        T: Send,
        Fault: From<E>,
    {
        let began = Instant::now();
        let done = drive(self.runtime()?, self.patience, work);
        self.waited.set(self.waited.get() + began.elapsed());
        done
    }

    /// Returns the time that answers took since this was asked last.
    pub(super) fn take_waited(&self) -> Duration {
        self.waited.take()
    }

    /// Returns what statements are sent by.
    pub(super) fn client(&self) -> Arc<Client> {
        self.client.clone()
    }

    /// Sends what `work` asks of the client first, and does not wait for the answer.
    pub(super) fn send(&self, work: impl Future<Output = Result<u64, Error>> + Send + 'static) -> Underway {
        let mut work: Underway = Box::pin(work.map_err(Fault::from));
        let carried = async {
            if let Some(answer) = (&mut work).now_or_never() {
                work = Box::pin(ready(answer));
            }
            // The connection's own task carries it away.
            tokio::task::yield_now().await;
            Ok::<_, Fault>(())
        };
        match self.ask(carried) {
            Ok(()) => work,
            Err(fault) => Box::pin(ready(Err(fault))),
        }
    }

    /// Waits for an answer, at most so long; nothing if somebody rings before.
    pub(super) fn answer(
        &self,
        work: &mut Underway,
        bell: Option<&Notify>,
        longest: Duration,
    ) -> Result<Option<u64>, Fault> {
        let rung = async {
            match bell {
                Some(bell) => bell.notified().await,
                None => pending().await,
            }
        };
        let began = Instant::now();
        let answer = drive(self.runtime()?, longest, async {
            tokio::select! {
                biased;
                answer = work => answer.map(Some),
                () = rung => Ok(None),
            }
        });
        self.waited.set(self.waited.get() + began.elapsed());
        answer
    }

    /// Waits until somebody rings, at most so long; what the server sends meanwhile is heard.
    pub(super) fn wait(&self, bell: &Notify, longest: Duration) -> Result<(), Fault> {
        let stirred = &self.heard.stirred;
        drive(self.runtime()?, longest * 2 + self.patience, async {
            let _ = tokio::time::timeout(longest, async {
                tokio::select! {
                    () = bell.notified() => {}
                    () = stirred.notified() => {}
                }
            })
            .await;
            Ok::<_, Fault>(())
        })
    }

    fn runtime(&self) -> Result<&Runtime, Fault> {
        self.runtime.as_ref().ok_or_else(|| Fault::Passing("the connection is closed".to_owned()))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Whoever drops it may be in a runtime of its own, which must not wait.
            runtime.shutdown_background();
        }
    }
}

/// Runs `work` on a connection's runtime until it is done or `patience` is over. After an error nobody knows what the
/// connection is in the middle of: it must not be used again.
fn drive<T, E>(
    runtime: &Runtime,
    patience: Duration,
    work: impl Future<Output = Result<T, E>> + Send,
) -> Result<T, Fault>
where
    T: Send,
    Fault: From<E>,
{
    let silent = || Fault::Passing(format!("PostgreSQL did not answer within {} s", patience.as_secs()));
    let run = || {
        let timed = async { tokio::time::timeout(patience, work).await };
        runtime.block_on(timed).map_err(|_| silent())?.map_err(Fault::from)
    };
    if Handle::try_current().is_err() {
        return run();
    }
    // A runtime cannot be driven inside another.
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(Fault::Passing("a thread that asked PostgreSQL panicked".to_owned())))
}

async fn connect(target: Target, heard: Arc<Heard>) -> Result<Client, Error> {
    let Target { config, tls } = target;
    match tls {
        Some(tls) => {
            let (client, connection) = config.connect(tls).await?;
            tokio::spawn(listen(connection, heard));
            Ok(client)
        }
        None => {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(listen(connection, heard));
            Ok(client)
        }
    }
}

/// Carries what is sent both ways, and keeps what the server says unasked.
async fn listen<S, T>(mut connection: Connection<S, T>, heard: Arc<Heard>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            AsyncMessage::Notification(from) if heard.own.get().is_some_and(|own| own == from.payload()) => {}
            AsyncMessage::Notification(_) => heard.stirred.notify_one(),
            AsyncMessage::Notice(notice) if notice.parsed_severity() == Some(Severity::Warning) => {
                let warning = notice.message().to_owned();
                *heard.warning.lock().unwrap_or_else(PoisonError::into_inner) = Some(warning);
            }
            _ => {}
        }
    }
    heard.stirred.notify_one();
}

//! The service's side of the hatch.

use super::socket;
use super::wire::{Ask, Fault, Row, Told, word};
use crate::desk::Desk;
use crate::domain::access::Scope;
use crate::domain::envelope::Origin;
use crate::taking::decider::Decider;
use crate::taking::speaker::Speaker;
use crate::taking::withdrawal::{self, WithdrawalError};
use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use uuid::Uuid;

/// Imports that go through at the same time, at most.
const MOST: usize = 8;

/// The hatch of a running service; closed when it is dropped.
#[derive(Debug)]
pub struct Hatch {
    path: PathBuf,
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Inner {
    closing: AtomicBool,
    open: Mutex<Vec<(UnixStream, JoinHandle<()>)>>,
}

impl Hatch {
    /// Opens it in the data folder of a desk whose log this process has: a socket that is there already is a dead service's.
    ///
    /// # Errors
    /// The socket cannot be made; or no thread is to be had.
    pub fn open(data: &Path, desk: Desk) -> io::Result<Self> {
        let path = socket(data);
        // Made where nobody else can look, then put in its place: at no time may anybody else connect.
        let aside = tempfile::Builder::new().prefix(".hatch-").tempdir_in(data)?;
        let made = aside.path().join("s");
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        fs::rename(&made, &path)?;
        let inner = Arc::new(Inner::default());
        let thread = {
            let inner = inner.clone();
            Builder::new().name("hatch".to_owned()).spawn(move || inner.listen(&listener, &desk))?
        };
        Ok(Self { path, inner, thread: Some(thread) })
    }
}

impl Drop for Hatch {
    fn drop(&mut self) {
        self.inner.closing.store(true, Ordering::Release);
        // Whoever waits for a caller gets one. Where somebody took the socket away nobody calls any more, and the thread ends with
        // the process.
        let woken = UnixStream::connect(&self.path).is_ok();
        let _ = fs::remove_file(&self.path);
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
        let open = std::mem::take(&mut *self.inner.open.lock().unwrap_or_else(PoisonError::into_inner));
        for (line, thread) in open {
            let _ = line.shutdown(Shutdown::Both);
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn listen(&self, listener: &UnixListener, desk: &Desk) {
        for line in listener.incoming() {
            if self.closing.load(Ordering::Acquire) {
                return;
            }
            let taken = line.and_then(|line| self.take(line, desk));
            if let Err(error) = taken {
                tracing::warn!(%error, "an import from the command line was not let in");
            }
        }
    }

    fn take(&self, line: UnixStream, desk: &Desk) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(_, thread)| !thread.is_finished());
        if open.len() >= MOST {
            return Err(io::Error::other("too many imports at the same time"));
        }
        let (own, desk) = (line.try_clone()?, desk.clone());
        let serve = move || {
            if let Err(error) = serve(&line, &desk) {
                tracing::warn!(%error, "an import from the command line ended before its time; what was decided stays");
            }
        };
        open.push((own, Builder::new().name("hatch-import".to_owned()).spawn(serve)?));
        Ok(())
    }
}

/// Answers one command line until it ends.
fn serve(line: &UnixStream, desk: &Desk) -> io::Result<()> {
    let mut decider = None;
    let answered = answer_all(line, desk, &mut decider);
    // Whoever went away without asking for it: what was held back is looked at all the same.
    if let Some(decider) = decider {
        decider.settle().map_err(io::Error::other)?;
    }
    answered
}

fn answer_all(line: &UnixStream, desk: &Desk, decider: &mut Option<Decider>) -> io::Result<()> {
    let mut reader = BufReader::new(line);
    let mut text = Vec::new();
    loop {
        text.clear();
        if reader.read_until(b'\n', &mut text)? == 0 {
            return Ok(());
        }
        let told = match serde_json::from_slice::<Ask>(&text) {
            Ok(ask) => answer(ask, desk, decider),
            Err(error) => Told::Failed(Fault::Other(format!("the question is not understood: {error}"))),
        };
        say(line, &told)?;
    }
}

fn answer(ask: Ask, desk: &Desk, at: &mut Option<Decider>) -> Told {
    let failed = |error: crate::taking::TakingError| match error {
        crate::taking::TakingError::Desk(error) => Told::Failed(error.into()),
        other => Told::Failed(Fault::Other(other.to_string())),
    };
    if let Ask::Withdraw { version, import, reason } = ask {
        return other_version(&version).unwrap_or_else(|| withdraw(desk, import, &reason));
    }
    if let Ask::Begin { version, import, history } = ask {
        if let Some(other) = other_version(&version) {
            return other;
        }
        let origin = Origin { causation: Some(import), correlation: Some(import), history, ..Origin::of("import") };
        *at = Some(Decider::desk(desk.clone(), Speaker::owner(origin)));
        return Told::Done;
    }
    let Some(decider) = at.as_mut() else {
        return Told::Failed(Fault::Other("an import has to begin first".to_owned()));
    };
    match ask {
        Ask::Begin { .. } | Ask::Withdraw { .. } => Told::Done,
        Ask::Known { digest, name } => match decider.known(&digest, &name) {
            Ok(known) => Told::Known(known.map(|taken| taken.places())),
            Err(error) => failed(error),
        },
        Ask::Position => Told::Position(desk.log().head()),
        Ask::Decide { rows } => {
            let read = |Row { command, overruled }: Row| (command, overruled.into_iter().map(word).collect());
            let deciding = decider.ask(rows.into_iter().map(read).collect(), desk.now());
            match decider.wait(deciding) {
                Ok(answers) => Told::Answers(answers.into_iter().map(Into::into).collect()),
                Err(error) => Told::Failed(error.into()),
            }
        }
        Ask::Remember { taken } => decider.remember(taken).map_or_else(failed, |()| Told::Done),
        Ask::Settle => match at.take().map(Decider::settle) {
            Some(settled) => settled.map_or_else(failed, Told::from),
            None => Told::Done,
        },
    }
}

/// Returns the answer to a command line of another version than ours.
fn other_version(version: &str) -> Option<Told> {
    let running = env!("CARGO_PKG_VERSION");
    let other = || Told::Failed(Fault::Other(format!("the service runs version {running}; use the same")));
    (version != running).then(other)
}

fn withdraw(desk: &Desk, import: Uuid, reason: &str) -> Told {
    match withdrawal::withdraw(desk, &Scope::everything(), &Origin::of("import"), import, reason) {
        Ok(withdrawal) => Told::Withdrawn(Box::new(withdrawal)),
        Err(WithdrawalError::Desk(error)) => Told::Failed(error.into()),
        Err(error) => {
            let is_missing = matches!(error, WithdrawalError::NotFound(_));
            Told::NotWithdrawn { is_missing, zh: error.zh(), en: error.to_string() }
        }
    }
}

fn say(mut line: &UnixStream, told: &Told) -> io::Result<()> {
    let mut text = serde_json::to_vec(told)?;
    text.push(b'\n');
    line.write_all(&text)
}

//! A line to a server that can be cut at any piece of an answer, be slow, or fall silent.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How the lines are.
#[derive(Default)]
struct State {
    /// Pieces of answers that still pass before the lines are cut; negative if they are not to be.
    left: AtomicI64,
    /// No answer passes, on any line.
    is_mute: AtomicBool,
    /// What is asked with this in it makes it mute.
    mute_at: Mutex<Option<Vec<u8>>>,
    /// Cuts so far.
    cuts: AtomicUsize,
    /// Nothing passes, and nobody is told.
    silent: AtomicBool,
    /// How long each piece is on its way, in milliseconds.
    delay: AtomicU64,
    closed: AtomicBool,
    /// How often all lines were broken.
    breaks: AtomicUsize,
}

/// A proxy on a port of this machine.
pub(super) struct Proxy {
    pub(super) port: u16,
    state: Arc<State>,
}

impl Proxy {
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { left: AtomicI64::new(-1), ..State::default() });
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", server))) else { continue };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (asked, answered) = ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
                for (way, answers) in [(asked, false), (answered, true)] {
                    let state = shared.clone();
                    std::thread::spawn(move || carry(way, answers, &state));
                }
            }
        });
        Self { port, state }
    }

    /// Cuts every line after so many more pieces of answers, once.
    pub(super) fn cut_after(&self, pieces: i64) {
        self.state.left.store(pieces, Ordering::SeqCst);
    }

    /// Lets no answer pass any more, on any line, or all again; what is asked passes.
    pub(super) fn mute(&self, mute: bool) {
        self.state.is_mute.store(mute, Ordering::SeqCst);
    }

    /// Lets no answer pass any more once something was asked that has this in it.
    pub(super) fn mute_at(&self, asked: &str) {
        *self.state.mute_at.lock().unwrap() = Some(asked.as_bytes().to_vec());
    }

    /// Breaks every line there is now.
    pub(super) fn break_all(&self) {
        self.state.breaks.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn cuts(&self) -> usize {
        self.state.cuts.load(Ordering::SeqCst)
    }

    pub(super) fn fall_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }

    /// Lets each piece be on its way for so long.
    pub(super) fn delay(&self, delay: Duration) {
        self.state.delay.store(u64::try_from(delay.as_millis()).unwrap(), Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn carry((mut from, mut to): (TcpStream, TcpStream), answers: bool, state: &State) {
    let mut piece = [0; 16 * 1024];
    let mut has_gap = false;
    let breaks = state.breaks.load(Ordering::SeqCst);
    from.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                if state.closed.load(Ordering::SeqCst) || state.breaks.load(Ordering::SeqCst) > breaks {
                    break;
                }
                continue;
            }
            Err(_) => break,
        };
        std::thread::sleep(Duration::from_millis(state.delay.load(Ordering::SeqCst)));
        while state.silent.load(Ordering::SeqCst) {
            if state.closed.load(Ordering::SeqCst) {
                break;
            }
            // A packet that is lost is sent again by the system when the line is back.
            std::thread::sleep(Duration::from_millis(10));
        }
        if answers && state.left.load(Ordering::SeqCst) >= 0 && state.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            break;
        }
        if answers && state.is_mute.load(Ordering::SeqCst) {
            has_gap = true;
            continue;
        }
        if has_gap {
            // No line goes on behind what was lost on it.
            break;
        }
        if !answers {
            let mut mute_at = state.mute_at.lock().unwrap();
            let has = |wanted: &Vec<u8>| piece[..read].windows(wanted.len()).any(|part| part == wanted);
            if mute_at.take_if(|wanted| has(wanted)).is_some() {
                state.is_mute.store(true, Ordering::SeqCst);
            }
        }
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

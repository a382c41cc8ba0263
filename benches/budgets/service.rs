//! The whole service in this process: log, keys, desk, mail, network. Its clock stands at the end of the district, so that a start is
//! a start and not the catching up on months.

use super::crowd;
use super::run::Outcome;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::{Duration, Instant as Clock};
use warnlight::clock::ManualClock;
use warnlight::desk::Desk;
use warnlight::domain::access::Scope;
use warnlight::domain::envelope::Origin;
use warnlight::http::Open;
use warnlight::http::access::{Keyring, NewKey};
use warnlight::mail::worker::Worker;
use warnlight::service::{open_log, start_desk, start_mail, start_tray};
use warnlight::settings::Settings;

/// The service, listening and ready; it is stopped when dropped, which leaves a snapshot.
pub(super) struct Service {
    /// Where it listens.
    pub(super) address: String,
    /// Events in its log.
    pub(super) events: u64,
    /// From nothing to ready, seconds.
    pub(super) took: f64,
    /// What was read meanwhile from files, bytes.
    pub(super) read: f64,
    keyring: Arc<Keyring>,
    desk: Desk,
    mail: Option<Arc<Worker>>,
    stop: actix_web::dev::ServerHandle,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Service {
    /// Starts it on the log in `dir`, as `warnlight serve` does.
    pub(super) fn start(dir: &Path) -> Outcome<Self> {
        let listen = ("WARNLIGHT__HTTP__LISTEN".to_owned(), "127.0.0.1:0".to_owned());
        let settings = Settings::from_layers(None, HashMap::from([listen]))?;
        let clock = Arc::new(ManualClock::new(crowd::after()?));
        let (begun, before) = (Clock::now(), read_from_files());
        let log = open_log(&settings, dir)?;
        let keyring = Arc::new(Keyring::open(log.clone(), clock.clone())?);
        let desk = start_desk(&settings, log.clone(), clock.clone())?;
        let mail = Arc::new(start_mail(&settings, dir, &desk)?);
        let tray = Arc::new(start_tray(&settings, dir, &desk)?);
        let (tell, told) = channel();
        let thread = {
            let (desk, mail, keyring) = (desk.clone(), mail.clone(), keyring.clone());
            std::thread::spawn(move || {
                actix_web::rt::System::new().block_on(async {
                    let open =
                        Open { settings: &settings, desk, mail, tray, inbox: None, keyring, session_clock: clock };
                    let serving = open.serve().map_err(|error| error.to_string())?;
                    let _ = tell.send((serving.address, serving.handle));
                    serving.server.await.map_err(|error| error.to_string())
                })
            })
        };
        let (address, stop) = told.recv().map_err(|_| "the service did not start to listen")?;
        while !desk.is_ready() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Self {
            address: address.to_string(),
            events: log.head(),
            took: begun.elapsed().as_secs_f64(),
            read: read_from_files() - before,
            keyring,
            desk,
            mail: Some(mail),
            stop,
            thread: Some(thread),
        })
    }

    /// Returns a new key that may do everything.
    pub(super) fn key(&self) -> Outcome<String> {
        let new = NewKey { name: "bench".to_owned(), scope: Scope::everything(), expires_at: None };
        Ok(self.keyring.create(new, &Origin::of("bench"))?.0.expose().to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        actix_web::rt::System::new().block_on(self.stop.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        drop(self.mail.take());
        self.desk.stop();
    }
}

/// Returns what this process has read so far with calls that read, bytes.
fn read_from_files() -> f64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("rchar:"));
    line.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or_default()
}

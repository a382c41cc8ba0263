//! A real PostgreSQL, from the system's packages: in a folder of its own, on a port of this machine, as a user without rights,
//! running until it is dropped.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// What is waited for longer than this is not coming.
const LONGEST: Duration = Duration::from_secs(60);
/// A test that has had a server for longer hangs.
const LIFE: Duration = Duration::from_secs(600);
/// Small, and as careful as a server in earnest: `fsync` and `full_page_writes` stay on.
const SETTINGS: &str = "listen_addresses = '127.0.0.1'\nshared_buffers = 32MB\nmax_connections = 60\nautovacuum_naptime = 5s\n\
    wal_keep_size = 64MB\nmax_wal_size = 512MB\nmax_wal_senders = 5\nwal_receiver_timeout = 5s\nwal_sender_timeout = 5s\n\
    wal_retrieve_retry_interval = 100ms\nlogging_collector = off\nlc_messages = 'C'\n";

/// Names a folder with the programs of another PostgreSQL than the newest installed: `postgres` and `initdb` at least; what it has
/// not is taken from there.
const OTHER: &str = "WARNLIGHT_TEST_POSTGRES";

/// Finds a program of PostgreSQL.
pub(crate) fn program(name: &str) -> PathBuf {
    let other = std::env::var_os(OTHER).map(|folder| PathBuf::from(folder).join(name));
    if let Some(program) = other.filter(|program| program.exists()) {
        return program;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin").join(name)))
        })
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    found.pop().map_or_else(|| panic!("these tests need PostgreSQL: apt-get install postgresql"), |(_, path)| path)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Lets a command run as somebody whom PostgreSQL does not refuse.
fn as_somebody(mut command: Command, name: &str) -> Command {
    if is_root() {
        // It becomes the program, where `runuser` would wait beside it.
        command.args(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.arg(program(name)).current_dir("/").env("LC_ALL", "C");
    command
}

/// Returns a server's command.
fn server() -> Command {
    as_somebody(Command::new("env"), "postgres")
}

/// Returns the command of a program that is stopped if it does not end.
pub(crate) fn tool(name: &str) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", &LONGEST.as_secs().to_string()]);
    as_somebody(command, name)
}

fn run(mut command: Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Makes a folder that PostgreSQL may write to.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("warnlight-pg-").tempdir_in("/tmp").unwrap();
    give(folder.path());
    folder
}

pub(crate) fn give(path: &Path) {
    if is_root() {
        let mut chown = Command::new("chown");
        chown.arg("postgres").arg(path);
        run(chown);
    }
}

/// Returns a free port below those that the system gives away: one that starts again finds its port free.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(97);
    loop {
        let turn = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 15_000 + u16::try_from(first.wrapping_add(turn) % 15_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A running server.
pub(crate) struct Server {
    folder: TempDir,
    pub(crate) port: u16,
    child: Option<Child>,
    _limit: Limit,
}

impl Server {
    /// Starts a server of its own.
    pub(crate) fn alone() -> Self {
        Self::with("")
    }

    /// Starts one with more settings.
    pub(crate) fn with(settings: &str) -> Self {
        Self::initialised(settings, |_| {})
    }

    /// Starts one that keeps its journal apart from its tables.
    pub(crate) fn with_journal_in(place: &Path) -> Self {
        Self::initialised("max_wal_size = 8MB", |initdb| {
            initdb.arg("--waldir").arg(place);
        })
    }

    fn initialised(settings: &str, more: impl FnOnce(&mut Command)) -> Self {
        let folder = folder();
        let mut initdb = tool("initdb");
        initdb.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        initdb.args(["--wal-segsize=1", "--data-checksums", "--pgdata"]).arg(folder.path().join("data"));
        more(&mut initdb);
        run(initdb);
        let mut server = Self::at(folder, free_port());
        server.configure(&format!("{SETTINGS}{settings}"));
        server.start();
        server.sql("postgres", "CREATE DATABASE warnlight");
        server
    }

    /// Starts a standby of a server.
    pub(crate) fn standby_of(primary: &Self) -> Self {
        Self::standby(primary.port, free_port())
    }

    /// Starts a standby on this port, which reaches its primary on that one.
    pub(crate) fn standby(primary: u16, port: u16) -> Self {
        let folder = folder();
        let mut copy = tool("pg_basebackup");
        copy.arg("-D").arg(folder.path().join("data")).args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        copy.args(["-h", "127.0.0.1", "-U", "postgres", "-p", &primary.to_string()]);
        run(copy);
        // What the primary waits for is no setting of its standby.
        let path = folder.path().join("data").join("postgresql.auto.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("synchronous_standby_names")).collect();
        std::fs::write(&path, kept.join("\n") + "\n").unwrap();
        let mut standby = Self::at(folder, port);
        standby.start();
        standby
    }

    fn at(folder: TempDir, port: u16) -> Self {
        let limit = Limit::of(folder.path());
        Self { folder, port, child: None, _limit: limit }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Adds settings, which count after the next start; later ones go before earlier ones.
    pub(crate) fn configure(&self, settings: &str) {
        let path = self.data().join("postgresql.conf");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}\n{settings}\n")).unwrap();
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(&mut self) {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut postgres = server();
        postgres.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k"]).arg(self.folder.path());
        let child = postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let until = Instant::now() + LONGEST;
        while !self.try_sql("postgres", "SELECT 1").is_ok_and(|said| said == "1") {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "PostgreSQL does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Returns a connection string for this server.
    pub(crate) fn url(&self) -> String {
        self.url_of("postgres", "warnlight")
    }

    pub(crate) fn url_of(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns what the server says to a statement.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql(database, sql).unwrap_or_else(|said| panic!("{sql}: {said}"))
    }

    pub(crate) fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let mut psql = tool("psql");
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-h"]).arg(self.folder.path());
        psql.args(["-p", &self.port.to_string(), "-U", "postgres", "-d", database, "-c", sql]);
        let output = psql.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Stops as a machine does that loses its power: no process of it does anything more.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(postmaster) = self.postmaster() {
            // First the one that would start others.
            signal("-STOP", &[postmaster]);
            let children = children_of(postmaster);
            // Last of all the postmaster: whoever sees it die first finishes what a standby was still waited for, and shows it.
            signal("-KILL", &[children.as_slice(), &[postmaster]].concat());
        }
        let _ = child.kill();
        child.wait().unwrap();
        for left in
            [self.data().join("postmaster.pid"), self.folder.path().join(format!(".s.PGSQL.{}.lock", self.port))]
        {
            let _ = std::fs::remove_file(left);
        }
    }

    /// Stops in good order.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(postmaster) = self.postmaster() {
            signal("-INT", &[postmaster]);
        }
        let until = Instant::now() + LONGEST;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "PostgreSQL does not stop: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Says whether the server has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn postmaster(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A life's end: a test that hangs on a server must not hang for ever.
struct Limit {
    /// Dropped together with the server.
    _server: Sender<()>,
}

impl Limit {
    fn of(folder: &Path) -> Self {
        let (server, gone) = channel();
        let folder = folder.to_owned();
        std::thread::spawn(move || {
            if gone.recv_timeout(LIFE) == Err(RecvTimeoutError::Timeout) {
                say(&format!("a test has had the server in {} for {LIFE:?}: it hangs", folder.display()));
                let running = std::fs::read_to_string(folder.join("data/postmaster.pid")).unwrap_or_default();
                signal(
                    "-QUIT",
                    &running.lines().next().and_then(|line| line.parse().ok()).into_iter().collect::<Vec<_>>(),
                );
                std::process::abort();
            }
        });
        Self { _server: server }
    }
}

/// Says something that is seen although the test succeeds.
pub(crate) fn say(text: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{text}").unwrap();
}

fn signal(name: &str, processes: &[u32]) {
    if !processes.is_empty() {
        let mut kill = Command::new("kill");
        kill.arg(name).args(processes.iter().map(u32::to_string)).stderr(Stdio::null());
        let _ = kill.status();
    }
}

/// Returns the processes that a process started.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter_map(|entry| {
            let process: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(1);
            (fields.next()?.parse::<u32>().ok()? == parent).then_some(process)
        })
        .collect()
}

/// A small file system in memory, there until it is dropped.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts so many MiB, if this is allowed here; says so if it is not.
    pub(crate) fn small(at: &Path, size: u32) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}m"), "tmpfs"]).arg(at).stderr(Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if mounted {
            give(at);
        } else {
            say("a small file system cannot be mounted here: no full disk was tried");
        }
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

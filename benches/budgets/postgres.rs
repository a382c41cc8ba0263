//! Row 24: appends on PostgreSQL beside `pgbench`, which inserts the same rows into the same server, one transaction each.
//! Row 19: what our code adds to the time that the server takes.

use super::append::{one, rate, rate_on};
use super::machine::{processor_time, processor_time_of};
use super::pg::{Server, is_installed, say, tool};
use super::report::{Line, Report};
use super::run::{Outcome, f, number};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{self, EmbeddedLog};
use warnlight::log::postgres::{Options, PostgresLog};

/// Streams written to.
const STREAMS: u64 = 1_000;
/// How long each of them measures.
const PERIOD: Duration = Duration::from_secs(5);
/// Threads that `pgbench`'s clients share.
const THREADS: u64 = 2;
/// Fewer interruptions than the tests' servers have; `fsync` and `full_page_writes` are on, as there.
const SETTINGS: &str = "shared_buffers = 256MB\nmax_wal_size = 4GB\nmax_connections = 300\nautovacuum_naptime = 60s";

/// Row 24, with 1, 64 and 256 callers, without and with a synchronous standby.
pub(super) fn beside_pgbench(room: &Path, report: &mut Report) -> Outcome<()> {
    if !is_installed() {
        say("row 24 takes PostgreSQL: apt-get install postgresql");
        return Ok(());
    }
    let mut part = 0;
    for twins in [false, true] {
        let server = Server::with(SETTINGS);
        let standby = twins.then(|| Server::standby_of(&server));
        if standby.is_some() {
            ask_for_standby(&server)?;
        }
        let log = Arc::new(PostgresLog::open(&server.url(), &room.join("row-24"), &Options::default())?);
        fill(&*log)?;
        let script = prepare(&server)?;
        for callers in [1, 64, 256] {
            let before = f(room)?;
            let servers: Vec<&Server> = [&server].into_iter().chain(&standby).collect();
            // Who comes first finds a larger server than who comes last: the other one is on both sides.
            let first = measured(&servers, || pgbench(&server, callers, &script))?;
            let ours = measured(&servers, || Ok(rate(&log, callers, STREAMS, PERIOD)))?;
            let shared = measured(&servers, || {
                let threads = callers.min(THREADS);
                Ok(rate_on(&*log, callers, threads, STREAMS, PERIOD))
            })?;
            let second = measured(&servers, || pgbench(&server, callers, &script))?;
            let theirs = first.mean(&second);
            report.add(Line {
                row: 24,
                part,
                what: format!(
                    "append on PostgreSQL, {callers} caller{}{}",
                    if callers == 1 { "" } else { "s" },
                    if twins { ", synchronous standby" } else { "" }
                ),
                goal: if callers == 64 { "≥ 3 × pgbench".to_owned() } else { String::new() },
                figure: format!("{}/s = {} × pgbench", number(ours.rate), number(ours.rate / theirs.rate)),
                raw: format!("pgbench {}/s; F = {}/s", number(theirs.rate), number((before + f(room)?) / 2.0)),
                met: (callers == 64).then_some(ours.rate >= 3.0 * theirs.rate),
                why: format!(
                    "each caller a thread; on {THREADS} threads, as `pgbench`'s are, {}/s = {} ×. Processor time for each append: \
                     {:.1} µs (servers {:.1}), on {THREADS} threads {:.1} (servers {:.1}), with `pgbench` {:.1} (servers {:.1}), \
                     which is {:.1} and {:.1} ×; all on the same processors",
                    number(shared.rate),
                    number(shared.rate / theirs.rate),
                    ours.whole(),
                    ours.servers,
                    shared.whole(),
                    shared.servers,
                    theirs.whole(),
                    theirs.servers,
                    theirs.whole() / ours.whole(),
                    theirs.whole() / shared.whole(),
                ),
            })?;
            part += 1;
        }
    }
    Ok(())
}

/// Rows written in a second, and the processor time that each took, in µs.
struct Measured {
    rate: f64,
    servers: f64,
    /// By whoever sent them.
    callers: f64,
}

impl Measured {
    fn whole(&self) -> f64 {
        self.servers + self.callers
    }

    fn mean(&self, other: &Self) -> Self {
        let mean = |one: f64, two: f64| (one + two) / 2.0;
        Self {
            rate: mean(self.rate, other.rate),
            servers: mean(self.servers, other.servers),
            callers: mean(self.callers, other.callers),
        }
    }
}

/// Measures what returns a rate.
fn measured(servers: &[&Server], work: impl FnOnce() -> Outcome<f64>) -> Outcome<Measured> {
    let used = || {
        let postmasters = servers.iter().filter_map(|server| {
            let text = std::fs::read_to_string(server.data().join("postmaster.pid")).ok()?;
            text.lines().next()?.trim().parse().ok()
        });
        let (own, waited_for) = processor_time();
        (postmasters.map(processor_time_of).sum::<f64>(), own + waited_for)
    };
    let (before, began) = (used(), Clock::now());
    let rate = work()?;
    let rows = rate * began.elapsed().as_secs_f64();
    let (after, micros) = (used(), |time: f64| time * 1e6 / rows);
    Ok(Measured { rate, servers: micros(after.0 - before.0), callers: micros(after.1 - before.1) })
}

/// Row 19 for this engine, with one caller and with many.
pub(super) fn overhead(room: &Path, report: &mut Report) -> Outcome<()> {
    if !is_installed() {
        say("row 19 for PostgreSQL takes PostgreSQL: apt-get install postgresql");
        return Ok(());
    }
    for (part, callers) in (2..).zip([1, 64]) {
        let before = f(room)?;
        let file = room.join(format!("row-19-{callers}-beside"));
        let alone = Arc::new(EmbeddedLog::open(&file, &embedded::Options::default())?);
        fill(&*alone)?;
        let embedded = rate(&alone, callers, STREAMS, Duration::from_secs(2));
        drop(alone);
        let server = Server::with(SETTINGS);
        let log = Arc::new(PostgresLog::open(&server.url(), &room.join("row-19"), &Options::default())?);
        fill(&*log)?;
        let began = log.spent();
        let rate = rate(&log, callers, STREAMS, PERIOD);
        let spent = log.spent();
        let whole = (spent.whole - began.whole).as_secs_f64();
        let in_calls = (spent.server - began.server).as_secs_f64();
        let share = (whole - in_calls) / in_calls;
        report.add(Line {
            row: 19,
            part,
            what: format!("PostgreSQL engine, {callers} callers: time of our own code beside the server's"),
            goal: "≤ 10 %".to_owned(),
            figure: format!("{:.1} %, at {}/s", share * 100.0, number(rate)),
            raw: format!(
                "F = {}/s; the embedded engine on the same work {}/s",
                number((before + f(room)?) / 2.0),
                number(embedded)
            ),
            met: Some(share <= 0.1),
            why: format!(
                "of {whole:.2} s at work: {in_calls:.2} s in calls of the client (a real server on the same processors); the rest is ours: judging, digests, waking the callers"
            ),
        })?;
    }
    Ok(())
}

fn fill(log: &dyn EventLog) -> Outcome<()> {
    let pending = (0..STREAMS).map(|stream| Ok(log.submit(one(stream)?))).collect::<Outcome<Vec<_>>>()?;
    for pending in pending {
        pending.wait()?;
    }
    Ok(())
}

/// Lets COMMIT wait for the standby from now on.
fn ask_for_standby(primary: &Server) -> Outcome<()> {
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let until = Clock::now() + Duration::from_secs(60);
    let there = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
    while primary.sql("postgres", there) != "1" {
        if Clock::now() > until {
            return Err("the standby does not follow".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Makes a table like the log's and returns what `pgbench` runs: the row that an append of one event makes, with the same indexes,
/// committed by itself; ids ascend, as the log's do. Order, digests and the end of the log are not its business.
fn prepare(server: &Server) -> Outcome<String> {
    server.sql(
        "warnlight",
        "CREATE SCHEMA plain; CREATE SEQUENCE plain.number; \
         CREATE TABLE plain.event (LIKE warnlight.event INCLUDING ALL); ANALYZE",
    );
    let append = one(0)?;
    let event = append.events.first().ok_or("an append without events")?;
    Ok(format!(
        "\\set stream random(0, {last})\n\
         INSERT INTO plain.event SELECT nextval('plain.number'), convert_to('merchant-' || lpad(:stream::text, {digits}, '0'), 'UTF8'), \
         currval('plain.number'), 0, 1750000000000000000, 1750000000000000000, '{kind}', 1, 'bench', false, \
         lpad(to_hex(currval('plain.number')), 32, '0')::uuid, \
         NULL, NULL, NULL, decode(repeat('5a', 32), 'hex'), convert_to('{data}', 'UTF8');\n",
        last = STREAMS - 1,
        digits = append.stream.len() - "merchant-".len(),
        kind = event.event_type,
        data = event.data,
    ))
}

/// Returns the transactions per second of `pgbench` with so many clients.
fn pgbench(server: &Server, clients: u64, script: &str) -> Outcome<f64> {
    let mut file = tempfile::Builder::new().suffix(".sql").tempfile_in("/tmp")?;
    std::io::Write::write_all(&mut file, script.as_bytes())?;
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let mut pgbench = tool("pgbench");
    pgbench.args(["--no-vacuum", "--protocol=prepared", "--username=postgres", "--host=127.0.0.1"]);
    pgbench
        .arg(format!("--jobs={THREADS}"))
        .arg(format!("--client={clients}"))
        .arg(format!("--time={}", PERIOD.as_secs()));
    pgbench.arg(format!("--port={}", server.port)).arg("--file").arg(file.path()).arg("warnlight");
    let output = pgbench.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.ok_or_else(|| format!("pgbench: {said}{}", String::from_utf8_lossy(&output.stderr)).into())
}

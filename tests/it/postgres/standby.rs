//! A primary and its standby, and the line between them: what COMMIT waits for is waited for, and whoever takes over has what
//! was acknowledged, or is not written to.

use super::proxy::Proxy;
use super::server::{Server, free_port};
use super::{LONGEST, append, options, until};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use warnlight::log::contract::{Appended, EventLog, LogError, Pending};
use warnlight::log::postgres::{Options, PostgresLog};

/// Who waits for a standby.
const WAITS: &str = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND state = 'active'";

/// Returns a connection string that names both servers.
pub(super) fn both(one: &Server, other: &Server) -> String {
    format!("postgres://postgres@127.0.0.1:{},127.0.0.1:{}/warnlight", one.port, other.port)
}

/// Asks for what a standby has before anything counts as committed.
pub(super) fn wait_for_standby(primary: &Server) {
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let asked = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'";
    until(|| primary.try_sql("postgres", asked).as_deref() == Ok("1"), "the standby does not follow");
}

/// Returns how many wait for a standby.
fn waiting_at(primary: &Server) -> u32 {
    primary.sql("postgres", &format!("SELECT count(*) {WAITS}")).parse().unwrap()
}

/// Waits until somebody waits for a standby.
fn until_it_waits(primary: &Server) {
    until(|| waiting_at(primary) == 1, "nobody waits for the standby");
}

/// A primary and a standby that follows it through a proxy.
fn through_a_proxy() -> (Server, Proxy, Server) {
    let primary = Server::alone();
    let proxy = Proxy::to(primary.port);
    let standby = Server::standby(proxy.port, free_port());
    (primary, proxy, standby)
}

/// Begins to wait for an answer.
fn waiting_for(pending: Pending) -> impl Fn(Duration) -> Option<Result<Appended, LogError>> {
    let (answer, answered) = channel();
    std::thread::spawn(move || answer.send(pending.wait()));
    move |patience| answered.recv_timeout(patience).ok()
}

/// Opens a log whose appends are tried for as long as a test may wait.
fn patient(url: &str, folder: &Path) -> PostgresLog {
    PostgresLog::open(url, folder, &Options { deadline: LONGEST, ..options() }).unwrap()
}

#[test]
fn what_only_the_primary_has_is_not_acknowledged_and_readiness_says_why() {
    let primary = Server::alone();
    let mut standby = Server::standby_of(&primary);
    wait_for_standby(&primary);
    let dir = tempfile::tempdir().unwrap();
    let url = both(&primary, &standby);
    let log = patient(&url, dir.path());
    let hasty = Options { deadline: Duration::from_secs(2), patience: Duration::from_secs(1), ..options() };
    let hasty = PostgresLog::open(&url, dir.path(), &hasty).unwrap();
    log.append(append("a", 1..2)).unwrap();
    log.takes_appends().unwrap();
    standby.stop();
    until(
        || matches!(log.takes_appends(), Err(LogError::Unavailable(why)) if why.contains("standby")),
        "nothing is said",
    );
    // Who waits no longer says what was waited for, and not only that it took too long.
    until(|| hasty.takes_appends().is_err(), "the other one says nothing");
    let refused = hasty.append(append("a", 1..2));
    let Err(LogError::InDoubt(cause)) = &refused else { panic!("{refused:?}") };
    assert!(matches!(&**cause, LogError::Unavailable(why) if why.contains("standby")), "{refused:?}");
    primary.sql("postgres", &format!("SELECT pg_cancel_backend(pid) {WAITS}"));
    until(|| waiting_at(&primary) == 0, "what was given up is still under way");
    let pending = log.submit(append("a", 2..3));
    // Somebody ends the wait: PostgreSQL then says that it committed, and warns.
    until_it_waits(&primary);
    primary.sql("postgres", &format!("SELECT pg_cancel_backend(pid) {WAITS}"));
    until_it_waits(&primary);
    let answered = waiting_for(pending);
    assert!(answered(Duration::from_millis(300)).is_none(), "answered although no standby has it");
    standby.start();
    let answer = answered(LONGEST).unwrap().unwrap();
    assert_eq!((answer.first, answer.repeated), (2, false));
    until(|| log.takes_appends().is_ok(), "it does not say that all is well");
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 2);
}

#[test]
fn a_line_between_the_servers_that_falls_silent_or_breaks_holds_appends_up_and_loses_nothing() {
    let (mut primary, proxy, standby) = through_a_proxy();
    wait_for_standby(&primary);
    let dir = tempfile::tempdir().unwrap();
    let log = patient(&both(&primary, &standby), dir.path());
    log.append(append("a", 1..2)).unwrap();
    proxy.fall_silent(true);
    let answered = waiting_for(log.submit(append("a", 2..3)));
    until(
        || matches!(log.takes_appends(), Err(LogError::Unavailable(why)) if why.contains("standby")),
        "nothing is said",
    );
    assert!(answered(Duration::ZERO).is_none(), "answered although no standby has it");
    proxy.fall_silent(false);
    let answer = answered(LONGEST).unwrap().unwrap();
    assert_eq!((answer.first, answer.repeated), (2, false));
    until(|| log.takes_appends().is_ok(), "it does not say that all is well");
    // What the primary sends is cut off here and there; the standby comes back and asks for the rest.
    for number in 3..=20_u64 {
        let before = proxy.cuts();
        proxy.cut_after(i64::try_from(number % 3).unwrap());
        let answered = waiting_for(log.submit(append("a", number.into()..u128::from(number) + 1)));
        until(|| proxy.cuts() > before, "no line was cut");
        let answer = answered(LONGEST).unwrap().unwrap();
        assert_eq!((answer.first, answer.repeated), (number, false));
    }
    // Whoever takes over has all of it.
    primary.kill();
    standby.sql("postgres", "SELECT pg_promote(true, 60)");
    assert_eq!(log.append(append("a", 21..22)).unwrap().first, 21);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 21);
}

#[test]
fn what_a_primary_took_while_it_was_cut_off_is_written_once_by_whoever_takes_over() {
    let (mut primary, proxy, standby) = through_a_proxy();
    wait_for_standby(&primary);
    let dir = tempfile::tempdir().unwrap();
    let log = patient(&both(&primary, &standby), dir.path());
    log.append(append("a", 1..2)).unwrap();
    proxy.fall_silent(true);
    let answered = waiting_for(log.submit(append("a", 2..4)));
    until_it_waits(&primary);
    assert!(answered(Duration::from_millis(300)).is_none(), "answered although no standby has it");
    primary.kill();
    standby.sql("postgres", "SELECT pg_promote(true, 60)");
    let answer = answered(LONGEST).unwrap().unwrap();
    assert_eq!((answer.first, answer.last, answer.repeated), (2, 3, false));
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 3);
}

#[test]
fn a_standby_that_lags_has_all_that_was_acknowledged_when_it_takes_over() {
    const DELAY: Duration = Duration::from_millis(20);
    let (mut primary, proxy, standby) = through_a_proxy();
    wait_for_standby(&primary);
    let dir = tempfile::tempdir().unwrap();
    let log = patient(&both(&primary, &standby), dir.path());
    log.append(append("a", 1..2)).unwrap();
    // It gets everything late, and shows nothing of it.
    standby.sql("postgres", "SELECT pg_wal_replay_pause()");
    proxy.delay(DELAY);
    let began = Instant::now();
    for number in 2..22 {
        assert_eq!(log.append(append("a", number..number + 1)).unwrap().first, number as u64);
    }
    assert!(began.elapsed() > 20 * DELAY, "answered in {:?}, before a standby had it", began.elapsed());
    let shown = format!("SELECT position FROM \"{}\".head", log_schema(&standby));
    assert_eq!(standby.sql("warnlight", &shown), "1");
    primary.kill();
    standby.sql("postgres", "SELECT pg_promote(true, 60)");
    assert_eq!(log.append(append("a", 22..23)).unwrap().first, 22);
    assert_eq!(log.verify(&mut |_, _| {}).unwrap().events, 22);
}

/// Returns the name of the only log's schema as it is written between quotes.
fn log_schema(server: &Server) -> String {
    server.sql("warnlight", "SELECT schemaname FROM pg_tables WHERE tablename = 'head'").replace('"', "\"\"")
}

#[test]
fn a_standby_that_lacks_what_was_acknowledged_is_not_written_to_by_who_has_read_more() {
    // Nothing is asked of the standby here: this is what OPERATIONS.md warns of.
    let (mut primary, proxy, standby) = through_a_proxy();
    let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let options = Options { deadline: LONGEST, lost: Duration::from_secs(1), ..options() };
    let url = both(&primary, &standby);
    let log = PostgresLog::open(&url, dirs[0].path(), &options).unwrap();
    log.append(append("a", 1..2)).unwrap();
    let followed = "SELECT count(*) FROM pg_stat_replication WHERE replay_lsn = pg_current_wal_lsn()";
    until(|| primary.sql("postgres", followed) == "1", "the standby does not follow");
    proxy.fall_silent(true);
    log.append(append("a", 2..3)).unwrap();
    primary.kill();
    standby.sql("postgres", "SELECT pg_promote(true, 60)");
    until(|| matches!(log.takes_appends(), Err(LogError::Corrupt { position: 2, .. })), "it does not say what is lost");
    let refused = log.append(append("a", 3..4));
    assert!(matches!(refused, Err(LogError::Corrupt { position: 2, .. })), "{refused:?}");
    // Who is started by somebody who knows takes what there is.
    let anew = PostgresLog::open(&url, dirs[1].path(), &options).unwrap();
    assert_eq!(anew.append(append("b", 10..11)).unwrap().first, 2);
    assert_eq!(anew.verify(&mut |_, _| {}).unwrap().events, 2);
}

//! Row 19: what our code adds to the time that the server and the replica take, when appends go to a cluster.

use super::append::{one, rate};
use super::double::server::Server;
use super::report::{Line, Report};
use super::run::{Outcome, f, number};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::EventLog;
use warnlight::log::embedded::{self, EmbeddedLog};

/// Streams written to.
const STREAMS: u64 = 1_000;

/// Measures with one caller and with many. The server is the tests' double: in memory, in this process, on the same
/// processors; a real one takes longer, and our share is smaller beside it.
pub(super) fn overhead(room: &Path, report: &mut Report) -> Outcome<()> {
    for (part, callers) in (0..).zip([1, 64]) {
        let before = f(room)?;
        let alone =
            Arc::new(EmbeddedLog::open(&room.join(format!("row-19-{callers}-file")), &embedded::Options::default())?);
        fill(&*alone)?;
        let embedded = rate(&alone, callers, STREAMS, Duration::from_secs(2));
        drop(alone);
        let server = Server::alone();
        let log =
            Arc::new(ClusterLog::open(&server.url(), &room.join(format!("row-19-{callers}")), &Options::default())?);
        fill(&*log)?;
        let began = log.spent();
        let cluster = rate(&log, callers, STREAMS, Duration::from_secs(5));
        let spent = log.spent();
        let seconds = |end: Duration, begin: Duration| (end - begin).as_secs_f64();
        let whole = seconds(spent.whole, began.whole);
        let server_time = seconds(spent.server, began.server);
        let replica = seconds(spent.replica, began.replica);
        let share = (whole - server_time - replica) / (server_time + replica);
        report.add(Line {
            row: 19,
            part,
            what: format!("cluster engine, {callers} callers: time of our own code beside the server's and the replica's"),
            goal: "≤ 10 %".to_owned(),
            figure: format!("{:.1} %, at {}/s", share * 100.0, number(cluster)),
            raw: format!("F = {}/s; the embedded engine on the same work {}/s", number((before + f(room)?) / 2.0), number(embedded)),
            met: Some(share <= 0.1),
            why: format!(
                "of {whole:.2} s at work: {server_time:.2} s in calls of the client (the double in memory on the same processors, no real server), {replica:.2} s with the replica; the rest is ours, waking the callers and waiting for a processor that the callers and the double keep busy included"
            ),
        })?;
    }
    Ok(())
}

fn fill(log: &dyn EventLog) -> Outcome<()> {
    let mut pending = Vec::new();
    for stream in 0..STREAMS {
        pending.push(log.submit(one(stream)?));
    }
    for pending in pending {
        pending.wait()?;
    }
    Ok(())
}

//! Row 19: what our code adds to the time that the server and the replica take, when appends go to a cluster. Row 25: appends to a
//! server that answers after 5 ms.

use super::append::{one, rate};
use super::double::server::Server;
use super::report::{Line, Report};
use super::run::{Outcome, f, number, quantile};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
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

/// What a server takes to answer an append in [`far_away`].
const FAR: Duration = Duration::from_millis(5);

/// Row 25: appends to a server that answers each after 5 ms: with reads answered at once, and with reads that take as long.
pub(super) fn far_away(room: &Path, report: &mut Report) -> Outcome<()> {
    for (part, callers, least) in [(0, 1, None), (1, 64, Some(5_000.0)), (2, 256, Some(10_000.0))] {
        let mut figures = Vec::new();
        for reads_take in [Duration::ZERO, FAR] {
            let server = Server::far_away(FAR, reads_take);
            let dir = room.join(format!("row-25-{callers}-{}", reads_take.as_millis()));
            let log = Arc::new(ClusterLog::open(&server.url(), &dir, &Options::default())?);
            fill(&*log)?;
            figures.push(waiting_callers(&log, callers, Duration::from_secs(5)));
        }
        let [near, far] = figures.as_slice() else { return Ok(()) };
        let told =
            |(rate, p50, p99): &(f64, f64, f64)| format!("{}/s, p50 {p50:.1} ms, p99 {p99:.1} ms", number(*rate));
        report.add(Line {
            row: 25,
            part,
            what: format!("cluster engine, {callers} callers, a server that answers an append after 5 ms"),
            goal: least.map_or_else(|| "p50 ≤ 12 ms".to_owned(), |least| format!("≥ {}/s", number(least))),
            figure: told(near),
            raw: format!("when reads take 5 ms too: {}", told(far)),
            met: Some(least.map_or(near.1 <= 12.0, |least| near.0 >= least)),
            why: "one call, up to 1,024 appends under way, reads back to back; callers, engine, replica and the double on the same processors"
                .to_owned(),
        })?;
    }
    Ok(())
}

/// Returns appends per second of callers who each wait for their answer, and how long half and nearly all of them waited, in ms.
fn waiting_callers(log: &Arc<ClusterLog>, callers: u64, period: Duration) -> (f64, f64, f64) {
    let begun = Instant::now();
    let mut waited: Vec<f64> = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..callers)
            .map(|caller| {
                scope.spawn(move || {
                    let (mut waited, mut stream) = (Vec::new(), caller.wrapping_mul(7_919));
                    while begun.elapsed() < period {
                        stream = stream.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        let Ok(append) = one((stream >> 20) % STREAMS) else { break };
                        let asked = Instant::now();
                        if log.append(append).is_err() {
                            break;
                        }
                        waited.push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                    waited
                })
            })
            .collect();
        hands.into_iter().filter_map(|hand| hand.join().ok()).flatten().collect()
    });
    let rate = waited.len() as f64 / begun.elapsed().as_secs_f64();
    (rate, quantile(&mut waited, 0.5), quantile(&mut waited, 0.99))
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

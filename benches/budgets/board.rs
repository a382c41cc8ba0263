//! Rows 17 and 18: the board and a merchant's page, over HTTP.

use super::args::Args;
use super::http::Connection;
use super::rebuild::district;
use super::report::{Line, Report};
use super::run::{Outcome, number, quantile};
use super::service::Service;
use std::path::Path;
use std::time::{Duration, Instant as Clock};

/// Connections, each with a key of its own: one key's questions take turns.
const CALLERS: usize = 8;

/// Questions that pages of the board ask: everything, one light, a sector in one place, a mall, what comes later in the list.
const LISTS: [&str; 5] = [
    "/api/v1/merchants?per_page=50",
    "/api/v1/merchants?per_page=50&light=red",
    "/api/v1/merchants?per_page=50&light=yellow&sector=undetermined",
    "/api/v1/merchants?per_page=50&light=orange&division=110105",
    "/api/v1/merchants?per_page=50&light=yellow&page=20",
];

/// Row 17.
pub(super) fn lists(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let service = Service::start(&district(room, *merchants)?)?;
        let begun = Clock::now();
        asked(&service, &LISTS, 1, Duration::ZERO)?;
        let first = begun.elapsed().as_secs_f64();
        let (bare, _) = asked(&service, &["/healthz"], CALLERS, Duration::from_secs(args.of_size(1, 5)))?;
        let (rate, mut waits) = asked(&service, &LISTS, CALLERS, Duration::from_secs(args.of_size(2, 10)))?;
        let (_, mut alone) = asked(&service, &LISTS, 1, Duration::from_secs(args.of_size(1, 5)))?;
        let (p50, p99, own) = (quantile(&mut waits, 0.5), quantile(&mut waits, 0.99), quantile(&mut alone, 0.99));
        report.add(Line {
            row: 17,
            part,
            what: format!("board, JSON page of 50, filtered and in order, {} merchants", number(*merchants as f64)),
            goal: "p99 ≤ 10 ms; ≥ 5,000/s".to_owned(),
            figure: format!("p99 {} ms at {}/s", number(p99), number(rate)),
            raw: format!("`/healthz` by the same callers {}/s", number(bare)),
            met: (*merchants == 1_000_000).then_some(p99 <= 10.0 && rate >= 5_000.0),
            why: format!(
                "{CALLERS} callers, p50 {} ms; one caller p99 {} ms; the first question after the start {} s, which puts all merchants in \
                 order; lights, sectors, divisions, not words; callers on the same processors",
                number(p50),
                number(own),
                number(first)
            ),
        })?;
    }
    Ok(())
}

/// Row 18.
pub(super) fn files(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let merchants = args.of_size(10_000, 1_000_000);
    let service = Service::start(&district(room, merchants)?)?;
    let paths: Vec<String> =
        (0..500).map(|index| Ok(format!("/merchants/{}", super::desk::code(index)?))).collect::<Outcome<_>>()?;
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let (rate, mut waits) = asked(&service, &paths, 1, Duration::from_secs(args.of_size(2, 10)))?;
    let (_, mut bare) = asked(&service, &["/healthz"], 1, Duration::from_secs(1))?;
    let (p50, p99) = (quantile(&mut waits, 0.5), quantile(&mut waits, 0.99));
    report.add(Line {
        row: 18,
        part: 0,
        what: format!("merchant's page as HTML, {} merchants", number(merchants as f64)),
        goal: "p99 ≤ 20 ms".to_owned(),
        figure: format!("p99 {} ms", number(p99)),
        raw: format!("`/healthz` p99 {} ms", number(quantile(&mut bare, 0.99))),
        met: (merchants == 1_000_000).then_some(p99 <= 20.0),
        why: format!(
            "one caller, p50 {} ms, {}/s; the whole of it: network, reading the log, drawing",
            number(p50),
            number(rate)
        ),
    })
}

/// Asks over so many connections for a while, at least each question once. Returns answers per second, and how long each took, ms.
fn asked(service: &Service, paths: &[&str], callers: usize, lasts: Duration) -> Outcome<(f64, Vec<f64>)> {
    let keys: Vec<String> = (0..callers).map(|_| service.key()).collect::<Outcome<_>>()?;
    let begun = Clock::now();
    let waits: Vec<Outcome<Vec<f64>>> = std::thread::scope(|scope| {
        let callers: Vec<_> = keys
            .iter()
            .map(|key| {
                scope.spawn(move || {
                    let mut connection = Connection::open(&service.address).map_err(|error| error.to_string())?;
                    let mut waits = Vec::new();
                    for (count, path) in paths.iter().cycle().enumerate() {
                        if count >= paths.len() && begun.elapsed() >= lasts {
                            break;
                        }
                        let sent = Clock::now();
                        if !connection.ask(key, path).map_err(|error| error.to_string())? {
                            return Err(format!("{path} was not answered"));
                        }
                        waits.push(sent.elapsed().as_secs_f64() * 1e3);
                    }
                    Ok(waits)
                })
            })
            .collect();
        let joined =
            callers.into_iter().map(|caller| caller.join().unwrap_or_else(|_| Err("a caller broke off".into())));
        joined.map(|waits| waits.map_err(Into::into)).collect()
    });
    let lasted = begun.elapsed().as_secs_f64();
    let waits: Vec<f64> = waits.into_iter().collect::<Outcome<Vec<_>>>()?.into_iter().flatten().collect();
    Ok((waits.len() as f64 / lasted, waits))
}

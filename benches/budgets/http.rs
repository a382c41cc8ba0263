//! Row 3: commands over HTTP, by a load generator on the same machine.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, f, median, number};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant as Clock};
use warnlight::domain::code::CreditCode;
use warnlight::domain::time::{Instant, day_of};

const CONNECTIONS: u64 = 64;

/// The service in a process of its own, ended when dropped.
struct Service {
    process: Child,
    address: String,
    key: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn warnlight(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warnlight"));
    command.arg("--data").arg(data).args(["--format", "json"]);
    command.env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0").env("WARNLIGHT__TRACE__FILTER", "warn");
    command
}

fn start(data: &Path) -> Outcome<Service> {
    let field = |text: &str, name: &str| -> Outcome<String> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        Ok(value.get(name).and_then(|value| value.as_str()).ok_or(format!("no `{name}` in {text}"))?.to_owned())
    };
    let made = warnlight(data).args(["key", "create", "--name", "bench", "--role", "admin"]).output()?;
    let key = field(&String::from_utf8(made.stdout)?, "secret")?;
    let mut process = warnlight(data).arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut text = String::new();
    // One JSON value, over as many lines as it takes.
    if let Some(out) = process.stdout.take() {
        let mut lines = BufReader::new(out).lines();
        while serde_json::from_str::<serde_json::Value>(&text).is_err() {
            text.push_str(&lines.next().ok_or("the service did not start")??);
        }
    }
    let address = field(&text, "listening")?.trim_start_matches("http://").to_owned();
    Ok(Service { process, address, key })
}

/// One connection that is kept.
pub(super) struct Connection {
    reader: BufReader<TcpStream>,
    body: Vec<u8>,
}

impl Connection {
    pub(super) fn open(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream), body: Vec::new() })
    }

    /// Sends a command and returns whether it was accepted.
    pub(super) fn send(&mut self, key: &str, body: &str) -> Outcome<bool> {
        let request = format!(
            "POST /api/v1/commands HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(self.exchange(&request)? && self.body.windows(10).any(|part| part == b"\"accepted\""))
    }

    /// Asks for something and returns whether it was answered.
    pub(super) fn ask(&mut self, key: &str, path: &str) -> Outcome<bool> {
        self.exchange(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"))
    }

    fn exchange(&mut self, request: &str) -> Outcome<bool> {
        self.reader.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        let done = line.starts_with("HTTP/1.1 200");
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        self.body.resize(length, 0);
        self.reader.read_exact(&mut self.body)?;
        Ok(done)
    }
}

/// Row 3.
pub(super) fn commands(room: &Path, args: &Args, report: &mut Report) -> Outcome<()> {
    let service = start(&room.join("row-3-http"))?;
    let merchants = args.of_size(1_000, 10_000);
    let codes: Vec<CreditCode> = (0..merchants).map(super::desk::code).collect::<Outcome<_>>()?;
    let today = day_of(Instant::now());
    let next = AtomicU64::new(1);
    let before = f(room)?;
    let mut waits = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..3 {
        let begun = Clock::now();
        let callers: Vec<Vec<f64>> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..CONNECTIONS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut waits = Vec::new();
                        let Ok(mut connection) = Connection::open(&service.address) else { return waits };
                        while begun.elapsed() < Duration::from_millis(args.of_size(1_500, 4_000)) {
                            let number = next.fetch_add(1, Ordering::Relaxed);
                            let Some(code) = codes.get((number * 7_919 % merchants) as usize) else { break };
                            let body = format!(
                                r#"{{"command":"report_balance","credit_code":"{code}","date":"{today}","outstanding":"{number}.00"}}"#
                            );
                            let sent = Clock::now();
                            match connection.send(&service.key, &body) {
                                Ok(true) => waits.push(sent.elapsed().as_secs_f64() * 1e3),
                                _ => break,
                            }
                        }
                        waits
                    })
                })
                .collect();
            callers.into_iter().filter_map(|caller| caller.join().ok()).collect()
        });
        let some: Vec<f64> = callers.into_iter().flatten().collect();
        rates.push(some.len() as f64 / begun.elapsed().as_secs_f64());
        waits.extend(some);
    }
    let rate = median(rates);
    let f = (before + f(room)?) / 2.0;
    report.add(Line {
        row: 3,
        part: 0,
        what: "HTTP command: decided, on disk, answered; 64 connections".to_owned(),
        goal: "≥ 1 F".to_owned(),
        figure: format!("{}/s = {} F", number(rate), number(rate / f)),
        raw: format!("F = {}/s", number(f)),
        met: Some(rate >= f),
        why: format!(
            "one command in a request; p50 {} ms, p99 {} ms; the load generator has its share of the same processors",
            number(super::run::quantile(&mut waits, 0.5)),
            number(super::run::quantile(&mut waits, 0.99))
        ),
    })
}

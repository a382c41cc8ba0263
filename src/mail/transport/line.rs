//! The line to a mail server: bytes with a limit in time, encrypted or not, and the answers that come over it.

use super::{Allowance, tls};
use encoding_rs::GB18030;
use rustls::{ClientConnection, StreamOwned};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Longest answer, all its lines together, in bytes. More is not a mail server's.
const ANSWER_LIMIT: usize = 64 * 1024;

/// How often an order to stop is looked for while the server is silent.
const GLANCE: Duration = Duration::from_millis(50);

/// How long a conversation may go on once the service is to stop.
const GRACE: Duration = Duration::from_secs(2);

/// The time that a conversation has left.
#[derive(Debug)]
pub(super) struct Time {
    allowance: Allowance,
    /// How long each answer is waited for.
    each: Duration,
    /// End of the conversation.
    end: Instant,
    /// End of what is waited for at present.
    turn: Instant,
    stopping: bool,
}

impl Time {
    pub(super) fn new(allowance: &Allowance, each: Duration) -> Self {
        let now = Instant::now();
        Self { allowance: allowance.clone(), each, end: now + allowance.within, turn: now + each, stopping: false }
    }

    /// Gives the server its time for the next answer.
    fn next(&mut self) {
        self.turn = Instant::now() + self.each;
    }

    /// Returns how long to wait before looking up again.
    fn slice(&mut self) -> io::Result<Duration> {
        let now = Instant::now();
        if !self.stopping && self.allowance.is_stopping() {
            self.stopping = true;
            self.end = self.end.min(now + GRACE);
        }
        let left = self.end.min(self.turn).saturating_duration_since(now);
        if !left.is_zero() {
            return Ok(left.min(GLANCE));
        }
        let what = if self.stopping {
            "the service was stopped before the mail server answered".to_owned()
        } else if self.end <= self.turn {
            format!("the conversation took longer than {} s", self.allowance.within.as_secs())
        } else {
            format!("no answer within {} s", self.each.as_secs())
        };
        Err(io::Error::new(ErrorKind::TimedOut, what))
    }
}

/// A connection on which nothing waits for longer than there is time.
#[derive(Debug)]
struct Timed {
    stream: TcpStream,
    time: Time,
}

impl Timed {
    fn patiently<T>(&mut self, mut work: impl FnMut(&mut TcpStream) -> io::Result<T>) -> io::Result<T> {
        loop {
            let slice = self.time.slice()?;
            self.stream.set_read_timeout(Some(slice))?;
            self.stream.set_write_timeout(Some(slice))?;
            match work(&mut self.stream) {
                // What times out is `WouldBlock` on Unix.
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {
                }
                done => return done,
            }
        }
    }
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.patiently(|stream| stream.read(buffer))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.patiently(|stream| stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
enum Wire {
    Plain(Timed),
    Encrypted(Box<StreamOwned<ClientConnection, Timed>>),
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) code: u16,
    /// The lines behind the code.
    pub(super) lines: Vec<String>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// What came is no answer of a mail server. It may repeat what was said to it, so only the record has its words.
#[derive(Debug, thiserror::Error)]
#[error("what came is no answer of a mail server: `{0}`")]
pub(super) struct NoAnswer(pub(super) String);

/// A line to a mail server.
#[derive(Debug)]
pub(super) struct Line {
    wire: Wire,
    /// Read and not yet taken.
    ahead: Vec<u8>,
}

impl Line {
    /// Finds the server and connects.
    ///
    /// Looking up a name cannot be given up half-way, and a connection neither, so a thread of its own does both. Where
    /// nobody waits for it any longer it ends by itself, within the system's patience with its name servers and `each`.
    pub(super) fn connect(host: &str, port: u16, mut time: Time) -> io::Result<Self> {
        let (told, heard) = crossbeam_channel::bounded(1);
        let (host, patience) = (host.to_owned(), time.each.min(time.allowance.within));
        std::thread::Builder::new().name("mail-connect".to_owned()).spawn(move || {
            let _ = told.send(connect(&host, port, patience));
        })?;
        let stream = loop {
            match heard.recv_timeout(time.slice()?) {
                Ok(stream) => break stream?,
                Err(crossbeam_channel::RecvTimeoutError::Timeout) => {}
                Err(crossbeam_channel::RecvTimeoutError::Disconnected) => {
                    return Err(io::Error::other("the thread that connects ended without an answer"));
                }
            }
        };
        // An answer is awaited after each command: nothing is gained by collecting bytes.
        stream.set_nodelay(true)?;
        time.next();
        Ok(Self { wire: Wire::Plain(Timed { stream, time }), ahead: Vec::new() })
    }

    /// Encrypts the line, and holds the server's certificate against its name and the authorities of `ca_file`, or those that
    /// the machine trusts.
    ///
    /// What came in the clear behind the last answer is anybody's: it would be taken for the first answer of the encrypted
    /// line, so it ends the conversation.
    pub(super) fn encrypt(self, host: &str, ca_file: Option<&Path>) -> io::Result<Self> {
        let Wire::Plain(mut timed) = self.wire else { return Ok(self) };
        if !self.ahead.is_empty() {
            return Err(io::Error::other(
                "the mail server, or somebody on the way to it, sent more in the clear than the answer to STARTTLS",
            ));
        }
        let mut connection = tls::connection(host, ca_file)?;
        timed.time.next();
        while connection.is_handshaking() {
            connection.complete_io(&mut timed).map_err(|error| tls::in_words(error, host, ca_file))?;
        }
        timed.time.next();
        Ok(Self { wire: Wire::Encrypted(Box::new(StreamOwned::new(connection, timed))), ahead: Vec::new() })
    }

    fn time(&mut self) -> &mut Time {
        match &mut self.wire {
            Wire::Plain(timed) => &mut timed.time,
            Wire::Encrypted(stream) => &mut stream.sock.time,
        }
    }

    /// Sends bytes. The server has its time to take them, and anew to answer.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.time().next();
        match &mut self.wire {
            Wire::Plain(wire) => wire.write_all(bytes),
            Wire::Encrypted(wire) => wire.write_all(bytes).and_then(|()| wire.flush()),
        }?;
        self.time().next();
        Ok(())
    }

    /// Reads an answer with all its lines.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let mut raw = Vec::new();
        let mut size = 0;
        loop {
            let line = self.line(ANSWER_LIMIT.saturating_sub(size))?;
            size += line.len() + 2;
            let (code, goes_on, text) =
                parsed(&line).ok_or_else(|| io::Error::other(NoAnswer(decoded(&line).trim().to_owned())))?;
            raw.push(text.to_vec());
            if !goes_on {
                return Ok(Answer { code, lines: raw.iter().map(|line| decoded(line)).collect() });
            }
        }
    }

    /// Reads up to the next line end.
    fn line(&mut self, limit: usize) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.ahead.iter().skip(searched).position(|byte| *byte == b'\n') {
                let rest = self.ahead.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.ahead, rest);
                while line.last().is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                    line.pop();
                }
                return if line.len() < limit { Ok(line) } else { Err(too_long()) };
            }
            searched = self.ahead.len();
            if searched >= limit {
                return Err(too_long());
            }
            let mut buffer = [0; 4096];
            let count = match &mut self.wire {
                Wire::Plain(wire) => wire.read(&mut buffer),
                Wire::Encrypted(wire) => wire.read(&mut buffer),
            }?;
            if count == 0 {
                return Err(io::Error::new(ErrorKind::UnexpectedEof, "the mail server closed the connection"));
            }
            self.ahead.extend(buffer.iter().take(count));
        }
    }
}

fn too_long() -> io::Error {
    io::Error::other(format!("the mail server's answer is longer than {} kB", ANSWER_LIMIT / 1024))
}

fn connect(host: &str, port: u16, patience: Duration) -> io::Result<TcpStream> {
    let mut last = None;
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other(format!("`{host}` has no address"))))
}

/// Takes a line apart: code, whether more lines follow, text.
fn parsed(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let code: u16 =
        std::str::from_utf8(code).ok().filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
    let goes_on = rest.first() == Some(&b'-');
    let is_answer = (200..600).contains(&code) && rest.first().is_none_or(|next| matches!(next, b'-' | b' '));
    is_answer.then_some((code, goes_on, rest.get(1..).unwrap_or_default()))
}

/// Reads text as UTF-8, else as GB18030, of which GBK and GB2312 are parts: so servers here write.
fn decoded(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| GB18030.decode_without_bom_handling(bytes).0.into_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_read_whatever_the_text_is_written_in() {
        assert_eq!(parsed(b"250"), Some((250, false, &b""[..])));
        assert_eq!(parsed(b"250-\xD3\xCA"), Some((250, true, &b"\xD3\xCA"[..])));
        assert_eq!(decoded(b"\xD3\xCA\xBC\xFE"), "邮件");
        assert_eq!(decoded("邮件".as_bytes()), "邮件");
        for wrong in [&b"25"[..], b"2500", b"25O fine", b"\xD3\xCA\xBC\xFE", b"099 x", b"HTTP/1.1 200 OK"] {
            assert_eq!(parsed(wrong), None, "{wrong:?}");
        }
    }
}

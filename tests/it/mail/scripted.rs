//! A mail server that misbehaves by a script, on a real socket.
//!
//! What it does not prove: that any server in use behaves so. It knows commands by their first word and no syntax, takes one
//! recipient as it comes, speaks without TLS and asks for no password; what a real server makes of our mails is tried
//! against aiosmtpd (`server.rs`, `tls.rs`). Its answers were written from RFC 5321 and from public reports, not recorded.

use super::LONG;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Where in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Greeting,
    Hello,
    Sender,
    Recipient,
    Announcement,
    Dot,
    Farewell,
}

/// What the server does there.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    Say(Vec<u8>),
    /// One byte every 20 ms, for ever.
    Drip,
    /// Lines without an end, as fast as they are taken.
    Endless,
    /// Nothing, until the client goes.
    Nothing,
}

impl Does {
    pub(crate) fn say(text: &str) -> Self {
        Self::Say(text.as_bytes().to_vec())
    }

    /// A line in GBK, as some servers here answer.
    pub(crate) fn in_gbk(text: &str) -> Self {
        Self::Say(encoding_rs::GBK.encode(text).0.into_owned())
    }
}

#[derive(Default)]
struct Book {
    script: HashMap<At, Does>,
    /// Mails it still takes before it speaks of a limit; `None`: any number.
    allowed: Option<usize>,
    /// Recipient and Message-ID of every mail whose text came whole, whatever was answered.
    handed: Vec<(String, String)>,
    came_to: HashMap<At, usize>,
}

pub(crate) struct Scripted {
    pub(crate) port: u16,
    book: Arc<(Mutex<Book>, Condvar)>,
}

impl Scripted {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let book = Arc::new((Mutex::new(Book::default()), Condvar::new()));
        let shared = book.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let book = shared.clone();
                std::thread::spawn(move || serve(&stream, &book));
            }
        });
        Self { port, book }
    }

    pub(crate) fn that(at: At, does: Does) -> Self {
        let server = Self::start();
        server.at(at, does);
        server
    }

    pub(crate) fn at(&self, at: At, does: Does) {
        self.book.0.lock().unwrap().script.insert(at, does);
    }

    /// From now on everything is answered as it should be.
    pub(crate) fn mend(&self) {
        self.book.0.lock().unwrap().script.clear();
    }

    pub(crate) fn allow(&self, mails: usize) {
        self.book.0.lock().unwrap().allowed = Some(mails);
    }

    pub(crate) fn handed(&self) -> Vec<(String, String)> {
        self.book.0.lock().unwrap().handed.clone()
    }

    /// Waits until conversations came so far `times` times in all.
    pub(crate) fn until(&self, at: At, times: usize) {
        let (book, news) = &*self.book;
        let came = |book: &mut Book| book.came_to.get(&at).copied().unwrap_or_default() < times;
        let (_held, late) = news.wait_timeout_while(book.lock().unwrap(), LONG, came).unwrap();
        assert!(!late.timed_out(), "nobody came to {at:?} {times} times");
    }
}

/// Does what the script says; `false` ends the conversation.
fn act(mut out: &TcpStream, book: &(Mutex<Book>, Condvar), at: At, usual: &str) -> bool {
    let does = {
        let mut book = book.0.lock().unwrap();
        *book.came_to.entry(at).or_default() += 1;
        book.script.get(&at).cloned()
    };
    book.1.notify_all();
    match does.unwrap_or_else(|| Does::say(usual)) {
        Does::Say(text) => {
            out.write_all(&text).and_then(|()| out.write_all(b"\r\n")).is_ok() && !text.starts_with(b"421")
        }
        Does::Drip => {
            while out.write_all(b"2").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
            false
        }
        Does::Endless => {
            while out.write_all(b"250-AND-ON\r\n").is_ok() {}
            false
        }
        Does::Nothing => {
            let _ = std::io::copy(&mut { out }, &mut std::io::sink());
            false
        }
    }
}

fn serve(stream: &TcpStream, book: &(Mutex<Book>, Condvar)) {
    let mut lines = BufReader::new(stream);
    let mut next = || {
        let mut line = Vec::new();
        let read = lines.read_until(b'\n', &mut line).unwrap_or_default();
        (read > 0).then(|| String::from_utf8_lossy(&line).trim_end().to_owned())
    };
    if !act(stream, book, At::Greeting, "220 here") {
        return;
    }
    let mut recipient = String::new();
    while let Some(line) = next() {
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let goes_on = match word.as_str() {
            "EHLO" | "HELO" => act(stream, book, At::Hello, "250-here\r\n250 8BITMIME"),
            "MAIL" => {
                let spent = {
                    let mut book = book.0.lock().unwrap();
                    match &mut book.allowed {
                        Some(0) => true,
                        Some(left) => {
                            *left -= 1;
                            false
                        }
                        None => false,
                    }
                };
                let usual = if spent { "550 5.7.0 Mail frequency limited" } else { "250 fine" };
                act(stream, book, At::Sender, usual)
            }
            "RCPT" => {
                recipient = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                act(stream, book, At::Recipient, "250 fine")
            }
            "DATA" => {
                if !act(stream, book, At::Announcement, "354 go on") {
                    return;
                }
                let announced = !book.0.lock().unwrap().script.contains_key(&At::Announcement);
                if announced {
                    let mut id = String::new();
                    loop {
                        let Some(line) = next() else { return };
                        if let Some(value) = line.strip_prefix("Message-ID: ") {
                            id = value.to_owned();
                        }
                        if line == "." {
                            break;
                        }
                    }
                    book.0.lock().unwrap().handed.push((recipient.clone(), id));
                    if !act(stream, book, At::Dot, "250 taken") {
                        return;
                    }
                }
                true
            }
            "QUIT" => {
                act(stream, book, At::Farewell, "221 bye");
                return;
            }
            _ => act(stream, book, At::Hello, "502 what?"),
        };
        if !goes_on {
            return;
        }
    }
}

//! A real SMTP server on a real socket: `tests/smtp/server.py`.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Longest wait for a sign of life; a test that needs longer has failed.
pub(crate) const LONG: Duration = Duration::from_secs(120);

/// What the server tells of, in its order.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Seen {
    Listening { port: u16 },
    Refused { address: String },
    Deferred { address: String },
    Hanging { address: String },
    LogIn { mechanism: String, encrypted: bool },
    Message(Message),
}

/// A message as another mail program reads it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub(super) sender: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(rename = "type")]
    pub(super) content_type: String,
    pub(crate) parts: Vec<Part>,
    pub(super) defects: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Part {
    #[serde(rename = "type")]
    pub(super) content_type: String,
    pub(super) charset: String,
    pub(crate) text: String,
}

pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
    orders: Option<ChildStdin>,
    seen: Receiver<Seen>,
}

impl Server {
    pub(crate) fn start(options: &Value) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/smtp/server.py");
        // The system's Python: it is the one that has the Debian package.
        let mut child = Command::new("/usr/bin/python3")
            .arg(script)
            .arg(options.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the SMTP test server needs /usr/bin/python3: apt-get install python3-aiosmtpd");
        let output = BufReader::new(child.stdout.take().unwrap());
        let (told, seen) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if told.send(serde_json::from_str(&line).unwrap()).is_err() {
                    break;
                }
            }
        });
        let orders = child.stdin.take();
        let Ok(Seen::Listening { port }) = seen.recv_timeout(LONG) else {
            panic!("the SMTP test server did not start; install it with: apt-get install python3-aiosmtpd")
        };
        Self { port, child, orders, seen }
    }

    pub(super) fn next(&self) -> Seen {
        self.seen.recv_timeout(LONG).expect("the mail server saw nothing")
    }

    pub(crate) fn next_message(&self) -> Message {
        match self.next() {
            Seen::Message(message) => message,
            other => panic!("a message was expected, and the server saw {other:?}"),
        }
    }

    pub(super) fn release(&mut self) {
        self.orders.as_mut().unwrap().write_all(b"release\n").unwrap();
    }

    /// Ends the server and returns everything it saw that nobody asked for yet.
    pub(crate) fn end(mut self) -> Vec<Seen> {
        drop(self.orders.take());
        self.child.wait().unwrap();
        self.seen.iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.orders.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

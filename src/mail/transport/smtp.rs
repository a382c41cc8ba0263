//! SMTP. One connection per mail: warnings are few, and a fresh connection is never a stale one.

use super::{Reply, SendError, Transport};
use crate::mail::message::Outgoing;
use crate::settings::{ANSWERS, Smtp as Settings, Tls};
use lettre::address::Envelope;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{SmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

/// How long a server is waited for on the way out, when there is no time to lose: the mail is taken.
const FAREWELL: Duration = Duration::from_secs(1);

/// A mail server.
#[derive(Debug)]
pub struct Smtp {
    settings: Settings,
    timeout: Duration,
    hello: ClientId,
}

impl Smtp {
    /// Returns a transport to the server of the settings, which is given `timeout` for taking the connection and for each
    /// reply. Nothing is connected yet.
    #[must_use]
    pub fn new(settings: Settings, timeout: Duration) -> Self {
        Self { settings, timeout, hello: ClientId::default() }
    }

    /// Connects, encrypts and logs in. Whatever the server says here, with any code, is not about the recipient.
    fn connect(&self) -> Result<SmtpConnection, Error> {
        let settings = &self.settings;
        let tls = match settings.tls {
            Tls::None => None,
            Tls::StartTls | Tls::Tls => Some(TlsParameters::new(settings.host.clone())?),
        };
        let from_the_start = tls.as_ref().filter(|_| settings.tls == Tls::Tls);
        let server = (settings.host.as_str(), settings.port);
        let mut connection = SmtpConnection::connect(server, Some(self.timeout), &self.hello, from_the_start, None)?;
        if let (Tls::StartTls, Some(tls)) = (settings.tls, &tls) {
            connection.starttls(tls, &self.hello)?;
        }
        if let Some((user, password)) = &settings.account {
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection.auth(DEFAULT_MECHANISMS, &credentials)?;
        }
        Ok(connection)
    }

    /// Returns how long each answer about the mail is waited for, so that all of them come before `end`; `None` if that
    /// is too little to begin.
    ///
    /// The client's time limit is one for each read and write, not for the conversation. So connecting may take as long as
    /// it takes (nothing has been handed over then), and what is left is shared out among the answers that follow. A server
    /// that sends its answers a few bytes at a time can still draw them out.
    fn patience(&self, end: Option<Instant>) -> Option<Duration> {
        let Some(end) = end else { return Some(self.timeout) };
        let each = end.saturating_duration_since(Instant::now()) / ANSWERS;
        (each >= self.timeout / ANSWERS).then(|| each.min(self.timeout))
    }

    fn converse(&self, outgoing: &Outgoing, end: Option<Instant>) -> Result<Reply, SendError> {
        let envelope = Envelope::new(Some(outgoing.from.clone()), vec![outgoing.to.clone()])
            .map_err(|error| SendError::Refused(Reply::new(&error.to_string())))?;
        let unreachable = |what: &str| SendError::Unreachable(Reply::new(what));
        let mut connection = self.connect().map_err(|error| SendError::Unreachable(reply_of(&error, self.timeout)))?;
        let Some(patience) = self.patience(end) else {
            return Err(unreachable("connecting to the mail server took so long that no time was left for the mail"));
        };
        connection.set_timeout(Some(patience)).map_err(|error| unreachable(&error.to_string()))?;
        let response = connection.send(&envelope, &outgoing.bytes).map_err(|error| {
            let reply = reply_of(&error, patience);
            // A client error here is an address the server has no way to take (SMTPUTF8).
            if error.is_permanent() || error.is_client() {
                SendError::Refused(reply)
            } else if error.is_transient() {
                SendError::PutOff(reply)
            } else {
                SendError::Unreachable(reply)
            }
        })?;
        // The mail is taken; a server that does not answer QUIT changes nothing about that.
        if end.is_some() {
            let _ = connection.set_timeout(Some(patience.min(FAREWELL)));
        }
        let _ = connection.quit();
        Ok(reply(&response))
    }
}

impl Transport for Smtp {
    fn send(&self, outgoing: &Outgoing) -> Result<Reply, SendError> {
        self.converse(outgoing, None)
    }

    fn send_within(&self, outgoing: &Outgoing, within: Duration) -> Result<Reply, SendError> {
        self.converse(outgoing, Instant::now().checked_add(within))
    }
}

fn reply(response: &Response) -> Reply {
    let text: Vec<&str> = response.message().collect();
    Reply::new(&format!("{} {}", response.code(), text.join(" ")))
}

fn reply_of(error: &Error, patience: Duration) -> Reply {
    use std::error::Error as _;
    if timed_out(error) {
        return Reply::new(&format!("no answer within {} s", patience.as_secs()));
    }
    let said = error.source().map(ToString::to_string);
    Reply::new(&match (error.status(), said) {
        (Some(code), Some(said)) => format!("{code} {said}"),
        (Some(code), None) => code.to_string(),
        (None, _) => error.to_string(),
    })
}

/// A read that times out is `WouldBlock` on Unix, which [`Error::is_timeout`] does not count.
fn timed_out(error: &Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
        }
        cause = error.source();
    }
    false
}

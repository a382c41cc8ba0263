//! SMTP. One connection per mail: warnings are few, and a fresh connection is never a stale one.
//!
//! The conversation is our own, on lettre's commands, log-in mechanisms and reading of EHLO. Lettre's client reads answers as
//! UTF-8 and nothing else, takes any code below 400 for a yes, limits each read and not the conversation, and does not say
//! which command was answered; none of that can be set.

use super::line::{Answer, Line, NoAnswer, Time};
use super::verdict::{Stage, Verdict, verdict};
use super::{Allowance, Reply, SendError, Transport, tls};
use crate::mail::message::Outgoing;
use crate::settings::{Secret, Smtp as Settings, Tls};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::Address;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter, ServerInfo};
use lettre::transport::smtp::response::{Category, Code, Detail, Response, Severity};
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::time::Duration;

/// Questions that a log-in may consist of.
const CHALLENGES: usize = 10;

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

    /// Looks whether the certificates that the settings name can be read, so that a wrong file shows at the start. They are
    /// read anew for each mail.
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate.
    pub fn check(&self) -> io::Result<()> {
        self.settings.ca_file.as_deref().map_or(Ok(()), |file| tls::authorities(Some(file)).map(drop))
    }

    /// Connects, encrypts and logs in.
    fn open(&self, allowance: &Allowance) -> Result<(Conversation, ServerInfo), SendError> {
        let Settings { host, port, tls, account, ca_file } = &self.settings;
        let (ca_file, secrets) = (ca_file.as_deref(), secrets(account.as_ref()));
        let time = Time::new(allowance, self.timeout);
        let line = Line::connect(host, *port, time).map_err(|error| held_up(&error.to_string()))?;
        let mut talk = Conversation { line, allowance: allowance.clone(), secrets };
        if *tls == Tls::Tls {
            talk = talk.encrypted(host, ca_file)?;
        }
        talk.hear(Stage::Greeting)?;
        let mut server = talk.greet(&self.hello)?;
        if *tls == Tls::StartTls {
            if !server.supports_feature(Extension::StartTls) {
                return Err(held_up("the mail server offers no STARTTLS, and nothing is sent in clear"));
            }
            talk.say(Stage::Encryption, Starttls)?;
            talk = talk.encrypted(host, ca_file)?;
            server = talk.greet(&self.hello)?;
        }
        if let Some((user, password)) = account {
            talk.log_in(&server, Credentials::new(user.clone(), password.expose().to_owned()))?;
        }
        Ok((talk, server))
    }
}

impl Transport for Smtp {
    fn send(&self, outgoing: &Outgoing, allowance: &Allowance) -> Result<Reply, SendError> {
        let (mut talk, server) = self.open(allowance)?;
        let parameters = parameters(outgoing, &server)?;
        talk.say(Stage::Sender, Mail::new(Some(outgoing.from.clone()), parameters))?;
        talk.say(Stage::Recipient, Rcpt::new(outgoing.to.clone(), Vec::new()))?;
        talk.say(Stage::Announcement, Data)?;
        let taken = talk.hand_over(&outgoing.bytes)?;
        // The mail is taken: what becomes of the farewell changes nothing about that, and is not waited for.
        let _ = talk.line.send(Quit.to_string().as_bytes());
        Ok(taken)
    }
}

/// Returns what has to be said of a mail ahead of it (RFC 6152, RFC 6531).
fn parameters(outgoing: &Outgoing, server: &ServerInfo) -> Result<Vec<MailParameter>, SendError> {
    let mut parameters = Vec::new();
    let is_foreign = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
    if is_foreign(&outgoing.from) || is_foreign(&outgoing.to) {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            let what = "the mail server takes addresses in ASCII letters only (it offers no SMTPUTF8)";
            // The sender is the same for everybody.
            let of_sender = is_foreign(&outgoing.from);
            return Err(if of_sender { held_up(what) } else { SendError::Refused(Reply::new(what)) });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !outgoing.bytes.is_ascii() && server.supports_feature(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}

fn held_up(what: &str) -> SendError {
    SendError::HeldUp(Reply::new(what))
}

/// A conversation with a mail server.
#[derive(Debug)]
struct Conversation {
    line: Line,
    allowance: Allowance,
    /// What must not be repeated to anybody, as it goes over the line.
    secrets: Vec<String>,
}

impl Conversation {
    fn encrypted(self, host: &str, ca_file: Option<&Path>) -> Result<Self, SendError> {
        let Self { line, allowance, secrets } = self;
        let line = line.encrypt(host, ca_file).map_err(|error| {
            let reply = Reply::new(&format!("no encryption: {error}"));
            if allowance.is_stopping() { SendError::BrokenOff(reply) } else { SendError::HeldUp(reply) }
        })?;
        Ok(Self { line, allowance, secrets })
    }

    /// What is wrong with the line is nobody's fate. Before the text is handed over it harms nobody either.
    fn lost(&self, error: &io::Error) -> SendError {
        let reply = self.wrong(error);
        if self.allowance.is_stopping() { SendError::BrokenOff(reply) } else { SendError::HeldUp(reply) }
    }

    fn hear(&mut self, stage: Stage) -> Result<Answer, SendError> {
        let answer = self.line.answer().map_err(|error| self.lost(&error))?;
        self.judged(stage, answer)
    }

    /// What is wrong with the line.
    fn wrong(&self, error: &io::Error) -> Reply {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<NoAnswer>()) {
            Some(words) => {
                Reply::said(&self.unspoken(&words.to_string()), "what came is no answer of a mail server".to_owned())
            }
            None => Reply::new(&error.to_string()),
        }
    }

    /// Returns what a server said without our secrets: some repeat the command that they refuse.
    fn unspoken(&self, said: &str) -> String {
        self.secrets.iter().fold(said.to_owned(), |said, secret| said.replace(secret, "[redacted]"))
    }

    fn reply(&self, stage: Stage, answer: &Answer) -> Reply {
        let said = format!("{} {}", answer.code, self.unspoken(&answer.text()));
        Reply::said(&said, format!("it answered {} {}", answer.code, stage.name()))
    }

    fn judged(&self, stage: Stage, answer: Answer) -> Result<Answer, SendError> {
        let reply = || self.reply(stage, &answer);
        Err(match verdict(stage, answer.code, &answer.text()) {
            Verdict::GoesOn => return Ok(answer),
            Verdict::Refused => SendError::Refused(reply()),
            Verdict::PutOff => SendError::PutOff(reply()),
            Verdict::Busy => SendError::Busy(reply()),
            Verdict::Ruled => SendError::Ruled(reply()),
            Verdict::Throttled => SendError::Throttled(reply()),
            Verdict::Server => SendError::HeldUp(reply()),
            Verdict::Unclear => SendError::Unclear(reply()),
        })
    }

    fn say(&mut self, stage: Stage, command: impl Display) -> Result<Answer, SendError> {
        self.line.send(command.to_string().as_bytes()).map_err(|error| self.lost(&error))?;
        self.hear(stage)
    }

    fn greet(&mut self, hello: &ClientId) -> Result<ServerInfo, SendError> {
        let mut answer = self.say(Stage::Hello, Ehlo::new(hello.clone()))?;
        // Lettre wants the server's name on the first line; not every server gives one, and nothing depends on it.
        if let Some(first) = answer.lines.first_mut().filter(|line| line.trim().is_empty()) {
            "unnamed".clone_into(first);
        }
        ServerInfo::from_response(&response(answer)).map_err(|error| held_up(&error.to_string()))
    }

    fn log_in(&mut self, server: &ServerInfo, credentials: Credentials) -> Result<(), SendError> {
        let mechanism = server
            .get_auth_mechanism(DEFAULT_MECHANISMS)
            .ok_or_else(|| held_up("the mail server offers no log-in that this service knows (PLAIN, LOGIN)"))?;
        let cannot = |error: lettre::transport::smtp::Error| held_up(&error.to_string());
        let mut command = Auth::new(mechanism, credentials.clone(), None).map_err(cannot)?;
        for _ in 0..CHALLENGES {
            let answer = self.say(Stage::LogIn, command)?;
            if answer.code != 334 {
                return Ok(());
            }
            command = Auth::new_from_response(mechanism, credentials.clone(), &response(answer)).map_err(cannot)?;
        }
        Err(held_up("the mail server asks for the log-in again and again"))
    }

    /// Hands the text over and hears what becomes of it. From the last dot on the server may have it, whatever happens.
    fn hand_over(&mut self, text: &[u8]) -> Result<Reply, SendError> {
        self.line.send(&dotted(text)).map_err(|error| self.lost(&error))?;
        let answer = self.line.send(b".\r\n").and_then(|()| self.line.answer());
        let answer = answer.map_err(|error| SendError::Unclear(self.wrong(&error)))?;
        self.judged(Stage::Text, answer).map(|answer| self.reply(Stage::Text, &answer))
    }
}

/// Returns a text as it goes over the line: its last line ended, and no line of it looking like its end.
fn dotted(text: &[u8]) -> Vec<u8> {
    let mut dotted = Vec::with_capacity(text.len() + 64);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.first() == Some(&b'.') {
            dotted.push(b'.');
        }
        dotted.extend_from_slice(line);
    }
    if !dotted.ends_with(b"\r\n") {
        dotted.extend_from_slice(b"\r\n");
    }
    dotted
}

/// Returns the password, and the forms in which it goes over the line (RFC 4616, and the mechanism LOGIN).
fn secrets(account: Option<&(String, Secret)>) -> Vec<String> {
    let Some((user, password)) = account else { return Vec::new() };
    let password = password.expose();
    let plain = BASE64.encode(format!("\0{user}\0{password}"));
    vec![plain, BASE64.encode(password), password.to_owned()]
}

/// Returns an answer as lettre's reading of it wants it: only those to EHLO and AUTH come here.
fn response(answer: Answer) -> Response {
    let code = match answer.code {
        334 => Code::new(Severity::PositiveIntermediate, Category::Unspecified3, Detail::Four),
        _ => Code::new(Severity::PositiveCompletion, Category::MailSystem, Detail::Zero),
    };
    Response::new(code, answer.lines)
}

#[cfg(test)]
mod tests {
    use super::dotted;

    #[test]
    fn no_line_of_a_text_is_its_end() {
        assert_eq!(dotted(b".\r\na\r\n..b\r\n"), b"..\r\na\r\n...b\r\n");
        assert_eq!(dotted(b"no end"), b"no end\r\n");
    }
}

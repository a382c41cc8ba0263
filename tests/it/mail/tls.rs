//! Encryption of the line to a real mail server: whose certificate is trusted, that nothing goes out in clear where encryption
//! is required, and that no password is told to anybody. Certificates are made by `openssl`, anew for each test.

use super::server::{Seen, Server};
use super::{Bench, PATIENCE, attempts, count, server_at};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use warnlight::mail::transport::{Smtp, of_settings};
use warnlight::settings::{Secret, Smtp as Settings, Tls};

const PASSWORD: &str = "hunter2-码";

/// A certificate authority of our own.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().unwrap() };
        let words =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.pem -days 2";
        authority.openssl(words, &["-subj", "/CN=Our own authority"]);
        authority
    }

    fn openssl(&self, words: &str, more: &[&str]) {
        let done =
            Command::new("openssl").args(words.split(' ')).args(more).current_dir(&self.folder).output().unwrap();
        assert!(done.status.success(), "{words}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a certificate for so many days from now on, and returns what the server needs to know of it.
    fn certificate(&self, of: &str, days: i32) -> Value {
        self.signed(&format!("subjectAltName={of}"), "-CA ca.pem -CAkey ca.key -CAcreateserial", days)
    }

    fn self_signed(&self, is_authority: &str) -> Value {
        let says = format!("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:{is_authority}");
        self.signed(&says, "-signkey server.key", 1)
    }

    fn signed(&self, says: &str, by: &str, days: i32) -> Value {
        std::fs::write(self.path("says"), format!("{says}\n")).unwrap();
        // Each has files of its own: the servers of a test may run side by side.
        let of = uuid::Uuid::new_v4();
        let request =
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr";
        self.openssl(request, &["-subj", "/CN=Mail"]);
        let sign = format!("x509 -req -in server.csr {by} -extfile says -out {of}.pem -days {days}");
        self.openssl(&sign, &[]);
        std::fs::rename(self.path("server.key"), self.path(&format!("{of}.key"))).unwrap();
        json!({ "certificate": self.path(&format!("{of}.pem")), "key": self.path(&format!("{of}.key")) })
    }

    fn settings(&self, port: u16, tls: Tls) -> Settings {
        Settings { tls, ca_file: Some(self.path("ca.pem")), ..server_at(port) }
    }
}

fn served(mut certificate: Value, tls: Tls, more: Value) -> Server {
    certificate["at_once"] = (tls == Tls::Tls).into();
    let mut options = more;
    options["tls"] = certificate;
    Server::start(&options)
}

fn account(password: &str) -> Option<(String, Secret)> {
    Some(("warnlight".to_owned(), Secret::new(password)))
}

/// Somebody on the way to the server, who hears all that we say.
struct Tap {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    fn before(server: u16) -> Self {
        let heard = Arc::<Mutex<Vec<u8>>>::default();
        let written = heard.clone();
        let port = listening(move |client| {
            let server = TcpStream::connect(("127.0.0.1", server)).unwrap();
            let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(std::net::Shutdown::Both);
            });
            let (mut client, mut server, mut piece) = (client, server, [0; 4096]);
            while let Ok(size @ 1..) = client.read(&mut piece) {
                written.lock().unwrap().extend(&piece[..size]);
                if server.write_all(&piece[..size]).is_err() {
                    break;
                }
            }
            let _ = server.shutdown(std::net::Shutdown::Both);
        });
        Self { port, heard }
    }

    /// Only what anybody may hear was said in clear.
    fn heard_nothing(&self) {
        let heard = String::from_utf8_lossy(&self.heard.lock().unwrap()).to_uppercase();
        for word in ["MAIL FROM", "RCPT", "AUTH", "EXAMPLE.ORG", "DATA"] {
            assert!(!heard.contains(word), "{word} was said in clear: {heard}");
        }
    }
}

/// A server that does with each connection what it is told.
fn listening(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    port
}

/// Sends a mail that is held up. Its fate is open, and the same is told on record and to whoever looks: returns it.
fn held_up(settings: Settings) -> String {
    let bench = Bench::new();
    bench.ask(1, &["a@example.org"]);
    let worker = bench.work(Smtp::new(settings, PATIENCE));
    let made = attempts(&bench.until("mail.held_up", 1)).remove(0);
    assert!(made.retry_at.is_some(), "{made:?}");
    let trouble = worker.trouble().unwrap();
    assert!(trouble.starts_with("the mail server takes no mail: "), "{trouble}");
    worker.stop();
    let events = bench.all();
    assert_eq!(["mail.accepted", "mail.refused", "mail.given_up"].map(|fate| count(&events, fate)), [0; 3]);
    for text in events.iter().map(|event| event.event.data.to_string()).chain([trouble.clone()]) {
        assert!(!text.contains(PASSWORD) && !text.contains("aHVudGVyMi"), "a secret is told: {text}");
    }
    assert!(!trouble.contains("example.org"), "{trouble}");
    format!("{} / {trouble}", made.reply)
}

fn has_got_no_mail(server: Server) {
    let seen = server.end();
    assert!(!seen.iter().any(|seen| matches!(seen, Seen::Message(_) | Seen::LogIn { .. })), "{seen:?}");
}

#[test]
fn mail_goes_out_encrypted_to_a_server_of_an_authority_that_is_trusted() {
    let authority = Authority::new();
    for tls in [Tls::StartTls, Tls::Tls] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let more = json!({ "login": ["warnlight", PASSWORD], "mechanisms": [mechanism] });
            let server = served(authority.certificate("IP:127.0.0.1,DNS:localhost", 1), tls, more);
            let tap = Tap::before(server.port);
            let bench = Bench::new();
            bench.ask(1, &["a@example.org"]);
            let settings = Settings { account: account(PASSWORD), ..authority.settings(tap.port, tls) };
            let worker = bench.work(Smtp::new(settings, PATIENCE));
            let events = bench.until("mail.accepted", 1);
            worker.stop();
            assert_eq!(attempts(&events).len(), 1, "{tls:?} {mechanism}");
            let seen = server.end();
            let [Seen::LogIn { mechanism: used, encrypted: true }, Seen::Message(message)] = &seen[..] else {
                panic!("{tls:?} {mechanism}: {seen:?}")
            };
            assert_eq!((used.as_str(), &*message.recipients), (mechanism, &["a@example.org".to_owned()][..]));
            tap.heard_nothing();
        }
    }
}

#[test]
fn a_certificate_that_does_not_hold_holds_all_mail_up_and_the_reason_is_told() {
    let (ours, other) = (Authority::new(), Authority::new());
    for tls in [Tls::StartTls, Tls::Tls] {
        for (certificate, told) in [
            (
                ours.certificate("DNS:mail.example.com", 1),
                "its certificate is not for `127.0.0.1`; set `mail.smtp.host`",
            ),
            (ours.certificate("IP:127.0.0.1", -1), "its certificate has expired"),
            (ours.self_signed("FALSE"), "its certificate is of no authority that"),
            (ours.self_signed("TRUE"), "its certificate is an authority's, to sign others with"),
            (other.certificate("IP:127.0.0.1", 1), "its certificate is of no authority that"),
        ] {
            let server = served(certificate, tls, json!({ "login": ["warnlight", PASSWORD] }));
            let tap = Tap::before(server.port);
            let settings = Settings { account: account(PASSWORD), ..ours.settings(tap.port, tls) };
            let said = held_up(settings);
            assert_eq!(said.matches("no encryption: ").count(), 2, "{tls:?}: {said}");
            assert_eq!(said.matches(told).count(), 2, "{tls:?}: {said}");
            tap.heard_nothing();
            has_got_no_mail(server);
        }
    }
}

#[test]
fn an_authority_of_ones_own_is_trusted_only_where_its_file_is_named() {
    let authority = Authority::new();
    let server = served(authority.certificate("IP:127.0.0.1", 1), Tls::StartTls, json!({}));
    let said = held_up(Settings { ca_file: None, ..authority.settings(server.port, Tls::StartTls) });
    // A machine that trusts nobody says that.
    assert!(said.contains("set `mail.smtp.ca_file`"), "{said}");
    has_got_no_mail(server);

    let mut bench = Bench::new();
    bench.settings.smtp = Some(authority.settings(1, Tls::Tls));
    let folder = tempfile::tempdir().unwrap();
    of_settings(&bench.settings, folder.path()).map(drop).unwrap();
    std::fs::remove_file(authority.path("ca.pem")).unwrap();
    let said = of_settings(&bench.settings, folder.path()).map(drop).unwrap_err().to_string();
    assert!(said.contains("ca.pem` (`mail.smtp.ca_file`) cannot be read"), "{said}");
}

#[test]
fn a_server_that_offers_no_encryption_gets_nothing_where_it_is_required() {
    let authority = Authority::new();
    for (tls, told) in
        [(Tls::StartTls, "offers no STARTTLS, and nothing is sent in clear"), (Tls::Tls, "is not TLS; check")]
    {
        let server = Server::start(&json!({ "login": ["warnlight", PASSWORD] }));
        let tap = Tap::before(server.port);
        let settings = Settings { account: account(PASSWORD), ..authority.settings(tap.port, tls) };
        let said = held_up(settings);
        assert_eq!(said.matches(told).count(), 2, "{said}");
        tap.heard_nothing();
        has_got_no_mail(server);
    }
}

/// Speaks with a client in clear: greeting, EHLO, then `behind` whatever command comes next.
fn in_clear(
    offers: &'static str,
    behind: impl Fn(&str) -> Vec<Vec<u8>> + Send + Sync + 'static,
) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let rest = Arc::<Mutex<Vec<u8>>>::default();
    let heard = rest.clone();
    let port = listening(move |stream| {
        stream.set_nodelay(true).unwrap();
        let (mut lines, mut out, mut line) = (BufReader::new(stream.try_clone().unwrap()), &stream, String::new());
        out.write_all(b"220 here\r\n").unwrap();
        lines.read_line(&mut line).unwrap();
        out.write_all(format!("250-here\r\n250 {offers}\r\n").as_bytes()).unwrap();
        line.clear();
        lines.read_line(&mut line).unwrap();
        for piece in behind(line.trim_end()) {
            if out.write_all(&piece).is_err() {
                return;
            }
        }
        let mut rest = Vec::new();
        let _ = lines.read_to_end(&mut rest);
        heard.lock().unwrap().extend(rest);
    });
    (port, rest)
}

#[test]
fn what_somebody_adds_in_clear_behind_starttls_is_taken_for_no_answer() {
    let authority = Authority::new();
    let added = b"250-here\r\n250 AUTH PLAIN\r\n235 fine\r\n250 fine\r\n250 fine\r\n354 go on\r\n250 taken\r\n";
    for at_once in [true, false] {
        let (port, heard) = in_clear("STARTTLS", move |command| {
            assert_eq!(command, "STARTTLS");
            if at_once {
                vec![[b"220 go on\r\n", &added[..]].concat()]
            } else {
                vec![b"220 go on\r\n".to_vec(), added.to_vec()]
            }
        });
        let settings = Settings { account: account(PASSWORD), ..authority.settings(port, Tls::StartTls) };
        let said = held_up(settings);
        let told = ["sent more in the clear than the answer to STARTTLS", "what it sent is not TLS"];
        assert!(told.iter().any(|told| said.contains(told)) && (!at_once || said.contains(told[0])), "{said}");
        let heard = heard.lock().unwrap();
        assert!(heard.is_empty() || heard.starts_with(&[0x16, 3]), "no handshake: {heard:?}");
        assert!(!String::from_utf8_lossy(&heard).contains("MAIL"), "{heard:?}");
    }
    // No answer to STARTTLS but 220 lets it go on.
    for (code, words) in [(454, "TLS not available"), (250, "fine"), (502, "what?")] {
        let (port, heard) = in_clear("STARTTLS", move |_| vec![format!("{code} {words}\r\n").into_bytes()]);
        let told = held_up(authority.settings(port, Tls::StartTls));
        assert!(told.contains(&format!("it answered {code} to STARTTLS")), "{told}");
        assert_eq!(heard.lock().unwrap().len(), 0);
    }
}

#[test]
fn a_wrong_password_holds_mail_up_and_is_told_to_nobody() {
    let authority = Authority::new();
    for tls in [Tls::StartTls, Tls::Tls] {
        for mechanism in ["PLAIN", "LOGIN"] {
            let more = json!({ "login": ["warnlight", "another"], "mechanisms": [mechanism] });
            let server = served(authority.certificate("IP:127.0.0.1", 1), tls, more);
            let settings = Settings { account: account(PASSWORD), ..authority.settings(server.port, tls) };
            let said = held_up(settings);
            assert!(said.contains("535 5.7.8") && said.contains("it answered 535 to AUTH"), "{said}");
            assert!(!server.end().iter().any(|seen| matches!(seen, Seen::Message(_))));
        }
    }
    // Servers that repeat what they were told, as an answer and as something that is none.
    for answer in ["535 5.7.8 not understood: ", ""] {
        let (port, _) = in_clear("AUTH PLAIN", move |command| vec![format!("{answer}{command}\r\n").into_bytes()]);
        let said = held_up(Settings { account: account(PASSWORD), ..server_at(port) });
        assert!(said.contains("AUTH PLAIN [redacted]"), "{said}");
    }
}

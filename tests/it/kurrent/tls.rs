//! TLS, users and passwords.

use super::authority::Authority;
use super::server::Server;
use super::{append, everything, options};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::{EventLog, LogError};

const PASSWORD: &str = "qX7-Zr3vBn.T1w~Lk9";

/// Opens for a moment, and returns why not.
fn refused(url: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { deadline: Duration::from_millis(50), ..options() };
    let refused = ClusterLog::open(url, dir.path(), &options).unwrap_err();
    for text in [refused.to_string(), format!("{refused:?}")] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    refused.to_string()
}

#[test]
fn a_server_with_tls_is_spoken_to_when_its_authority_is_named_and_user_and_password_are_right() {
    let authority = Authority::new();
    let mut server = Server::with_tls(&authority);
    server.cluster().login = Some(("warnlight", PASSWORD));
    let dir = tempfile::tempdir().unwrap();
    let url = server.secure_url(&format!("warnlight:{PASSWORD}"), Some(&authority.file()));
    let log = ClusterLog::open(&url, dir.path(), &options()).unwrap();
    for number in 1..=10 {
        log.append(append("a", [number])).unwrap();
    }
    let mut pending = Vec::new();
    server.restart(|| pending.extend((11..=20).map(|number| log.submit(append("a", [number])))));
    assert!(pending.into_iter().all(|pending| pending.wait().is_ok()));
    assert_eq!(everything(&log).len(), 20);
    assert!(server.cluster().logins > 20);
    assert!(!format!("{log:?}").contains(PASSWORD));
    log.verify(&mut |_, _| {}).unwrap();
}

#[test]
fn a_server_whose_authority_is_another_or_is_not_named_is_refused_with_the_reason() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::with_tls(&authority);
    let login = format!("warnlight:{PASSWORD}");
    for trusted in [Some(stranger.file()), None] {
        let why = refused(&server.secure_url(&login, trusted.as_deref()));
        assert!(why.contains("invalid peer certificate") && why.contains("tlsCaFile="), "{why}");
        assert!(why.contains(&format!("127.0.0.1:{}", server.port())), "{why}");
    }
    // Trusted, but it is not who it is said to be.
    let url = server.secure_url(&login, Some(&authority.file())).replace("127.0.0.1", "localhost");
    let why = refused(&url);
    assert!(why.contains("invalid peer certificate"), "{why}");
    assert_eq!(server.cluster().appends, 0);
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty.crt");
    std::fs::write(&empty, "no certificate\n").unwrap();
    let broken = dir.path().join("broken.crt");
    std::fs::write(&broken, "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n").unwrap();
    for file in [dir.path().join("missing.crt"), empty, broken] {
        let url = format!("esdb://127.0.0.1:1?tls=true&tlsCaFile={}", file.display());
        let refused = ClusterLog::check_url(&url).unwrap_err();
        assert!(matches!(&refused, LogError::Invalid(why) if why.contains("tlsCaFile")), "{refused:?}");
        assert!(refused.to_string().contains(&*file.display().to_string()), "{refused}");
    }
}

#[test]
fn a_wrong_password_or_none_is_denied_access_and_says_so() {
    let authority = Authority::new();
    let server = Server::with_tls(&authority);
    server.cluster().login = Some(("warnlight", PASSWORD));
    for login in ["warnlight:changeit".to_owned(), format!("admin:{PASSWORD}")] {
        let why = refused(&server.secure_url(&login, Some(&authority.file())));
        assert!(why.contains("denies access") && why.contains("user and password"), "{why}");
    }
    let nobody = server.secure_url("", Some(&authority.file())).replace("://@", "://");
    assert!(refused(&nobody).contains("denies access"));
    assert_eq!(server.cluster().logins, 0);
}

#[test]
fn a_connection_string_that_is_not_understood_is_not_repeated_with_its_password() {
    for url in [
        format!("esdb://warnlight:{PASSWORD}@[::1"),
        format!("esdb://warnlight:{PASSWORD}@127.0.0.1:port,127.0.0.1:2114?tls=false"),
        format!("esdb://warnlight:{PASSWORD}@127.0.0.1:99999?tls=false"),
        format!("esdb://warnlight:{PASSWORD}@127.0.0.1:2113:1,h?tls=false"),
        format!("postgres://warnlight:{PASSWORD}@127.0.0.1"),
        format!("esdb://warnlight:{PASSWORD}/{PASSWORD}@127.0.0.1:2113"),
        format!("esdb://warnlight:{PASSWORD}%40@127.0.0.1:2113"),
    ] {
        let refused = ClusterLog::check_url(&url).unwrap_err();
        assert!(matches!(refused, LogError::Invalid(_)), "{url}");
        assert!(!format!("{refused} {refused:?}").contains(PASSWORD), "{refused}");
    }
}

#[test]
fn the_service_logs_no_password_however_much_it_logs() {
    let authority = Authority::new();
    let server = Server::with_tls(&authority);
    server.cluster().login = Some(("warnlight", PASSWORD));
    let dir = tempfile::tempdir().unwrap();
    let said = dir.path().join("stderr");
    let mut child = Command::new(env!("CARGO_BIN_EXE_warnlight"))
        .args(["serve", "--data"])
        .arg(dir.path().join("data"))
        .env_clear()
        .env("WARNLIGHT__LOG__URL", server.secure_url(&format!("warnlight:{PASSWORD}"), Some(&authority.file())))
        .env("WARNLIGHT__TRACE__FILTER", "trace")
        .env("WARNLIGHT__HTTP__LISTEN", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let said = std::fs::read_to_string(said).unwrap();
    assert!(line.starts_with("listening on "), "{line} {}", said.lines().last().unwrap());
    // The rules were put on record, so it has read and written.
    let cluster = server.cluster();
    assert!(cluster.logins > 0 && cluster.appends > 0 && said.lines().count() > 100, "{}", said.lines().count());
    let secret = said.lines().find(|line| line.contains(PASSWORD) || line.contains("Basic "));
    assert_eq!(secret, None);
}

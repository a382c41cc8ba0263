//! The least that the service's user must be allowed, as docs/OPERATIONS.md writes it down, and the lines it may come by.

use super::server::{Server, give};
use super::{append, options};
use std::process::Command;
use std::time::Duration;
use warnlight::log::contract::{Append, EventLog, LogError};
use warnlight::log::postgres::{Options, PostgresLog};

/// The statements of docs/OPERATIONS.md.
fn documented() -> String {
    let text = include_str!("../../../docs/OPERATIONS.md");
    let (_, rest) = text.split_once("```sql\n").expect("statements in docs/OPERATIONS.md");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_rights_that_are_written_down_are_enough_and_allow_no_change_of_what_was_recorded() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    // The tables are made by their owner, with the first key.
    drop(PostgresLog::open(&server.url(), dir.path(), &Options::default()).unwrap());
    server.sql("warnlight", &documented());
    let url = server.url_of("warnlight_service", "warnlight");
    let log = PostgresLog::open(&url, dir.path(), &Options::default()).unwrap();
    log.append(Append { idempotency_key: Some("k".into()), ..append("a", 1..4) }).unwrap();
    log.append(Append { idempotency_key: Some("later".into()), ..append("a", 1..4) }).unwrap();
    assert_eq!(log.read_all(0, 10).unwrap().len(), 3);
    log.takes_appends().unwrap();
    log.verify(&mut |_, _| {}).unwrap();
    log.backup(&dir.path().join("copy")).unwrap();
    for forbidden in [
        "UPDATE warnlight.event SET data = ''",
        "DELETE FROM warnlight.event",
        "TRUNCATE warnlight.event",
        "UPDATE warnlight.idempotency SET first = 1",
        "DELETE FROM warnlight.idempotency",
        "DELETE FROM warnlight.head",
        "INSERT INTO warnlight.head VALUES (1, 1, 0, 0, '')",
        "DROP TABLE warnlight.event",
        "CREATE TABLE warnlight.more(a int)",
        "CREATE SCHEMA another",
    ] {
        let said = server.try_sql("warnlight", &format!("SET ROLE warnlight_service; {forbidden}")).unwrap_err();
        assert!(said.contains("permission denied") || said.contains("must be owner"), "{forbidden}: {said}");
    }
    // A user without them is told what is missing, at once.
    server.sql("warnlight", "CREATE ROLE nobody_special LOGIN");
    let url = server.url_of("nobody_special", "warnlight");
    let refused = PostgresLog::open(&url, dir.path(), &Options::default()).unwrap_err().to_string();
    assert!(refused.contains("OPERATIONS.md"), "{refused}");
}

#[test]
fn who_is_not_let_in_is_told_so_at_once_without_the_password() {
    let server = Server::alone();
    let dir = tempfile::tempdir().unwrap();
    for url in [server.url_of("stranger:geheim", "warnlight"), server.url_of("postgres:geheim", "elsewhere")] {
        let refused = PostgresLog::open(&url, dir.path(), &options()).unwrap_err();
        assert!(matches!(refused, LogError::Unavailable(_)), "{refused}");
        assert!(!refused.to_string().contains("geheim"), "{refused}");
    }
}

#[test]
fn the_line_is_encrypted_and_only_the_server_that_is_named_is_spoken_to() {
    let mut server = Server::alone();
    let certificates = tempfile::tempdir().unwrap();
    let path = |name: &str| certificates.path().join(name).display().to_string();
    let make = |arguments: &str| {
        let output =
            Command::new("openssl").args(arguments.split(' ')).current_dir(certificates.path()).output().unwrap();
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for name in ["ca", "other"] {
        make(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout {name}.key \
             -out {name}.crt"
        ));
    }
    make(
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    std::fs::write(certificates.path().join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    make("x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt");
    for name in ["server.key", "server.crt"] {
        let target = server.data().join(name);
        std::fs::copy(path(name), &target).unwrap();
        std::fs::set_permissions(&target, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        give(&target);
    }
    server.stop();
    server.configure("ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'");
    server.start();
    let dir = tempfile::tempdir().unwrap();
    let options = Options { deadline: Duration::from_secs(2), ..options() };
    let url = |host: &str, authority: &str| {
        format!(
            "postgres://postgres@{host}:{}/warnlight?sslmode=verify-full&sslrootcert={}",
            server.port,
            path(authority)
        )
    };
    let log = PostgresLog::open(&url("localhost", "ca.crt"), dir.path(), &options).unwrap();
    log.append(append("a", 1..2)).unwrap();
    assert_eq!(
        server.sql(
            "postgres",
            "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                           WHERE application_name = 'warnlight'"
        ),
        "t"
    );
    for (host, authority) in [("localhost", "other.crt"), ("127.0.0.1", "ca.crt")] {
        let refused = PostgresLog::open(&url(host, authority), dir.path(), &options).unwrap_err().to_string();
        assert!(refused.to_lowercase().contains("certificate"), "{host} {authority}: {refused}");
    }
}

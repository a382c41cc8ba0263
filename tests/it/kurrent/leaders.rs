//! Servers that die, and the cluster that goes on.

use super::faults::AppendFault;
use super::server::Server;
use super::{append, everything, on_server, options};
use std::collections::HashSet;
use std::net::TcpListener;
use std::time::Duration;
use warnlight::log::cluster::{ClusterLog, Options};
use warnlight::log::contract::EventLog;

/// Returns a connection string with these servers, and so many ports where nobody listens.
fn url(servers: &[Server], dead: usize) -> String {
    let nobody: Vec<u16> = (0..dead)
        .map(|_| TcpListener::bind(("127.0.0.1", 0)).unwrap())
        // All are held before the first is given up, so that they differ.
        .collect::<Vec<_>>()
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect();
    let ports = nobody.into_iter().chain(servers.iter().map(Server::port));
    let hosts: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
    format!("esdb://{}?tls=false&maxDiscoverAttempts=5&discoveryInterval=10", hosts.join(","))
}

#[test]
fn a_cluster_is_found_though_some_of_the_named_servers_are_dead() {
    let servers = Server::three();
    let dir = tempfile::tempdir().unwrap();
    let log = ClusterLog::open(&url(&servers, 2), dir.path(), &options()).unwrap();
    assert_eq!(log.append(append("a", [1])).unwrap().first, 1);
    let [_, one, other] = servers;
    let dir = tempfile::tempdir().unwrap();
    let nobody_lives = url(&[], 3);
    let options = Options { deadline: Duration::from_millis(50), ..options() };
    let refused = ClusterLog::open(&nobody_lives, dir.path(), &options).unwrap_err().to_string();
    assert!(refused.contains("no server") && refused.contains("log.url"), "{refused}");
    drop((one, other));
}

#[test]
fn of_three_servers_the_leader_is_asked() {
    let servers = Server::three();
    for leader in &servers {
        servers[0].cluster().leader = leader.port();
        let dir = tempfile::tempdir().unwrap();
        let log = ClusterLog::open(&url(&servers, 0), dir.path(), &options()).unwrap();
        log.append(append(&format!("of-{}", leader.port()), [u128::from(leader.port())])).unwrap();
    }
    assert_eq!(servers[0].cluster().redirects, 0);
}

#[test]
fn leaders_die_in_the_middle_of_appends_and_each_append_is_answered_once() {
    for deaths in [
        [(20, AppendFault::DiesBefore), (60, AppendFault::DiesAfter)],
        [(1, AppendFault::DiesAfter), (2, AppendFault::DiesAfter)],
        [(99, AppendFault::DiesAfter), (100, AppendFault::DiesBefore)],
    ] {
        let servers = Server::three();
        let dir = tempfile::tempdir().unwrap();
        let options = Options { deadline: Duration::from_secs(120), ..options() };
        let log = ClusterLog::open(&url(&servers, 1), dir.path(), &options).unwrap();
        servers[0].cluster().faults_at.extend(deaths);
        let pending: Vec<_> =
            (1..=100).map(|number| log.submit(append(&format!("s{}", number % 3), [number]))).collect();
        for (pending, position) in pending.into_iter().zip(1..) {
            let answer = pending.wait().unwrap();
            assert_eq!((answer.first, answer.repeated), (position, false), "{deaths:?}");
        }
        assert_eq!(servers[0].cluster().down.len(), 2, "{deaths:?} were met");
        assert_eq!(on_server(&servers[0]), 100);
        let ids: HashSet<_> = everything(&log).iter().map(|event| event.event.id).collect();
        assert_eq!(ids.len(), 100);
        log.verify(&mut |_, _| {}).unwrap();
    }
}

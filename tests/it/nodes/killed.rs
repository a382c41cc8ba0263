//! Two processes on one log, killed in turn at any moment under load, with a real mail server: nothing is lost, nothing is
//! recorded twice, and every mail is sent. (One process on the log of one machine: `kill.rs`.)

use crate::kill::{Client, agent, judge_log, key_from, serve_from, terminate, warnlight};
use crate::mail::server::{Seen, Server as MailServer};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use warnlight::domain::event::Event;
use warnlight::log::contract::EventLog;

/// Kills, as the owner asked for.
const KILLS: usize = 50;
/// Clients that post at the same time, each to whichever node answers it.
const CLIENTS: usize = 3;
/// A claim of a node that died runs out after a little more than half a minute; a test that waits longer has failed.
const LONGEST: Duration = Duration::from_secs(180);

/// Two nodes, and what they share.
struct Cluster {
    /// Where the log is.
    url: String,
    mail: MailServer,
    rooms: [tempfile::TempDir; 2],
}

impl Cluster {
    fn command(&self, data: &Path) -> Command {
        let mut command = warnlight(data);
        command
            .env("WARNLIGHT__LOG__URL", &self.url)
            .env("WARNLIGHT__SESSION__SECRET", "the same at both nodes, 32 or more")
            .env("WARNLIGHT__MAIL__FROM", "Warnlight <warnlight@example.org>")
            .env("WARNLIGHT__MAIL__SMTP__HOST", "127.0.0.1")
            .env("WARNLIGHT__MAIL__SMTP__PORT", self.mail.port.to_string())
            .env("WARNLIGHT__MAIL__SMTP__TLS", "none")
            .env("WARNLIGHT__MAIL__TIMEOUT_SECONDS", "1");
        command
    }

    fn serve(&self, node: usize) -> (Child, String) {
        serve_from(self.command(self.rooms[node].path()))
    }
}

/// Waits for so many answers.
fn hear(answers: &Receiver<()>, wanted: usize) {
    for _ in 0..wanted {
        answers.recv_timeout(LONGEST).expect("nobody answers any more");
    }
}

/// Tells the clients to stop when it is dropped.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Posts to the one node and, when it is gone, to the other.
fn post(
    client: &mut Client,
    addresses: &Mutex<[String; 2]>,
    key: &str,
    posted: &std::sync::mpsc::Sender<()>,
    stop: &AtomicBool,
    first: usize,
) {
    let agent = agent();
    for node in (0..2).cycle().skip(first) {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let address = addresses.lock().unwrap_or_else(PoisonError::into_inner)[node].clone();
        client.post(&agent, &address, key, posted, stop);
    }
}

#[cfg(feature = "cluster-double")]
#[test]
fn two_processes_on_a_cluster_killed_in_turn_under_load_lose_and_double_nothing_and_send_every_mail() {
    use crate::kurrent::{open, server::Server};
    let server = Server::alone();
    kill_in_turn(server.url(), &|room| Box::new(open(&server, room)));
}

#[test]
fn two_processes_on_postgresql_killed_in_turn_under_load_lose_and_double_nothing_and_send_every_mail() {
    use crate::postgres::{open, server::Server};
    use warnlight::log::postgres::Options;
    let server = Server::alone();
    kill_in_turn(server.url(), &|room| Box::new(open(&server, room, &Options::default())));
}

/// Kills two nodes in turn, and judges the log, which `open` opens in a folder.
fn kill_in_turn(url: String, open: &dyn Fn(&Path) -> Box<dyn EventLog>) {
    let cluster = Cluster {
        url,
        mail: MailServer::start(&serde_json::json!({})),
        rooms: [(); 2].map(|()| tempfile::tempdir().unwrap()),
    };
    let key = key_from(cluster.command(cluster.rooms[0].path()));
    let (one, other) = (cluster.serve(0), cluster.serve(1));
    let addresses = Mutex::new([one.1, other.1]);
    let mut children = [one.0, other.0];
    let mut clients: Vec<Client> = (0..CLIENTS).map(Client::new).collect();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Whatever happens here, the clients must not go on for ever.
        let _ended = Ended(&stop);
        let (posted, answers) = channel();
        for (number, client) in clients.iter_mut().enumerate() {
            let (posted, stop, addresses, key) = (posted.clone(), &stop, &addresses, &key);
            scope.spawn(move || post(client, addresses, key, &posted, stop, number));
        }
        drop(posted);
        for kill in 0..KILLS {
            // Each kill comes after another number of answers, so that it falls on every step of the way.
            let wanted = 1 + (kill * 7) % 17;
            hear(&answers, wanted);
            let node = kill % 2;
            children[node].kill().unwrap();
            children[node].wait().unwrap();
            let (child, address) = cluster.serve(node);
            children[node] = child;
            addresses.lock().unwrap()[node] = address;
        }
        hear(&answers, 10);
    });
    // What the dead had claimed is sent when their claims have run out.
    let room = tempfile::tempdir().unwrap();
    let log = open(room.path());
    let (mut requested, mut accepted, mut claims) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let mut feed = log.subscribe(0).unwrap();
    let mut rises = 0;
    loop {
        let events = feed.next(LONGEST).unwrap();
        assert!(!events.is_empty(), "{requested:?} were asked for, and only {accepted:?} were sent");
        for recorded in events {
            match recorded.event.decode().unwrap() {
                Event::LightChanged(change) => rises += u64::from(change.to > change.from && change.notify),
                Event::MailRequested(mail) => drop(requested.insert(mail.mail, mail.recipients.len())),
                Event::MailAccepted(fate) => *accepted.entry(fate.mail).or_insert(0) += 1,
                Event::MailClaimed(claim) => *claims.entry(claim.mail).or_insert(0) += 1,
                _ => {}
            }
        }
        if requested == accepted
            && requested.len() as u64 == rises
            && feed.next(Duration::from_secs(2)).unwrap().is_empty()
        {
            break;
        }
    }
    for child in &children {
        terminate(child);
    }
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    judge_log(&*log, &clients, KILLS);
    let mut delivered: BTreeMap<String, usize> = BTreeMap::new();
    for seen in cluster.mail.end() {
        let Seen::Message(message) = seen else { panic!("{seen:?}") };
        *delivered.entry(message.headers["message-id"].clone()).or_default() += 1;
    }
    assert_eq!(delivered.len(), requested.values().sum::<usize>());
    assert!(!delivered.is_empty());
    // A second copy, under the same Message-ID, only where a node died between sending and recording it.
    let again: usize = delivered.values().map(|copies| copies - 1).sum();
    let reclaimed: usize =
        claims.values().zip(requested.values()).map(|(claims, recipients)| claims - recipients).sum();
    assert!(again <= reclaimed, "{again} second copies, and {reclaimed} claims taken over");
}

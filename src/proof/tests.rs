use super::keeper::{SignedTo, take_up};
use super::*;
use crate::clock::Clock;
use crate::domain::envelope::{Digest, NewEvent, Origin, Position, Recorded, Revision};
use crate::domain::event::{CheckpointSigned, DayClosed, Event, TimeReached};
use crate::domain::hex::Hex;
use crate::domain::time::Instant;
use crate::log::contract::{Append, Appended, EventLog, EventRef, Expected, LogError, Pending, Subscription, Verified};
use crate::log::memory::MemoryLog;
use proptest::prelude::*;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use uuid::Uuid;

const LOOK: Duration = Duration::from_millis(2);

/// Made by `openssl genpkey -algorithm ed25519` for these tests, and used for nothing else.
const ONE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINDKENIlhxa2gY9uY4BlLRkIx2+u4sfsjEYSSL2HrETv
-----END PRIVATE KEY-----
";
/// The other one.
const OTHER: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIKaZW1sAzlTDfvwpzDLjqzdlphdob3Fet7fNq/l42ebe
-----END PRIVATE KEY-----
";

fn key(pem: &str) -> SigningKey {
    SigningKey::from_pem(pem.as_bytes()).unwrap()
}

fn example() -> CheckpointSigned {
    serde_json::from_str(include_str!("../../events/log.checkpoint_signed.v1.example.json")).unwrap()
}

fn time(second: i64) -> Instant {
    Instant::from_second(1_750_000_000 + second).unwrap()
}

fn put(log: &dyn EventLog, stream: &str, id: u128, event: &Event) -> Result<Appended, LogError> {
    log.append(Append {
        stream: stream.into(),
        expected: Expected::Any,
        recorded_at: time(0),
        idempotency_key: None,
        events: vec![NewEvent::new(Uuid::from_u128(id), time(0), &Origin::service(), event)],
    })
}

/// Records the end of a day, after something else in the watch's stream, and something else after it.
fn close(log: &dyn EventLog, day: u128) -> Position {
    let date = jiff::civil::date(2025, 3, 1).checked_add(jiff::Span::new().days(i64::try_from(day).unwrap())).unwrap();
    let reached = Event::TimeReached(TimeReached { at: time(0) });
    put(log, "watch", day * 10, &reached).unwrap();
    let closed = Event::DayClosed(DayClosed { day: date, at: time(0), merchants: 0, changed: 0 });
    let position = put(log, "watch", day * 10 + 1, &closed).unwrap().last;
    put(log, "elsewhere", day * 10 + 2, &reached).unwrap();
    position
}

fn digest(log: &dyn EventLog, position: Position) -> Hex<32> {
    Hex(log.read_all(position - 1, 1).unwrap()[0].digest)
}

/// Records a checkpoint as its signer made it.
fn say(log: &dyn EventLog, signed: CheckpointSigned) -> Position {
    put(log, STREAM, Uuid::now_v7().as_u128(), &Event::CheckpointSigned(signed)).unwrap().last
}

fn statement(log: &dyn EventLog, position: Position) -> Statement {
    Statement { position, digest: digest(log, position), at: time(1) }
}

fn checked(log: &dyn EventLog, trusted: &[PublicKey]) -> Result<Found, CheckError> {
    check(log, log.head(), trusted)
}

fn fault(log: &dyn EventLog) -> (Position, Fault, Position) {
    match checked(log, &[]) {
        Err(CheckError::False { position, fault, held }) => (position, fault, held),
        other => panic!("{other:?}"),
    }
}

/// Every checkpoint of the log, in its order.
fn checkpoints(log: &dyn EventLog) -> Vec<(PublicKey, Position)> {
    let stream = log.read_stream(STREAM, 0, usize::MAX).unwrap();
    stream
        .iter()
        .map(|recorded| match recorded.event.decode().unwrap() {
            Event::CheckpointSigned(signed) => (signed.key, signed.position),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Waits until there are so many checkpoints; the feed wakes for each.
fn wait_for(log: &dyn EventLog, count: usize) {
    let mut feed = log.subscribe(0).unwrap();
    let mut seen = 0;
    while seen < count {
        let events = feed.next(Duration::from_secs(60)).unwrap();
        assert!(!events.is_empty(), "only {seen} of {count} checkpoints came");
        seen += events.iter().filter(|recorded| &*recorded.stream == STREAM).count();
    }
}

/// A clock that shows another time whenever it is looked at.
#[derive(Debug, Default)]
struct Ticking(AtomicU32);

impl Clock for Ticking {
    fn now(&self) -> Instant {
        time(100 + i64::from(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}

fn keeper(log: &Arc<dyn EventLog>, pem: &str) -> CheckpointKeeper {
    CheckpointKeeper::start(log.clone(), key(pem), Arc::new(Ticking::default()), LOOK).unwrap()
}

#[test]
fn what_openssl_signed_is_signed_and_is_what_this_program_signs() {
    // The example was signed by `openssl pkeyutl -sign -rawin` over the text in a file.
    let example = example();
    let statement = Statement::of(&example);
    assert_eq!(
        statement.text(),
        "warnlight checkpoint 1\nposition 1234\ndigest 6db797ac13e38fa20d41b0a40952bcbcf1fd6a9f62db8c27568804348c3e993f\n\
         at 2025-03-31T16:00:02.5Z\n"
    );
    assert!(is_signed(&example));
    assert_eq!(key(ONE).sign(&statement), example);
    assert_ne!(key(OTHER).sign(&statement).signature, example.signature);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn another_position_digest_time_key_or_signature_is_refused(
        position: u64, digest: Digest, second in 0_i64..4_000_000_000, other: [u8; 32], bit in 0_usize..512,
    ) {
        let statement = Statement { position, digest: Hex(digest), at: Instant::from_second(second).unwrap() };
        let signed = key(ONE).sign(&statement);
        prop_assert!(is_signed(&signed));
        let mut flipped = signed.clone();
        flipped.signature.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!is_signed(&flipped));
        let mut turned = signed.clone();
        turned.digest.0[bit / 16] ^= 1 << (bit % 8);
        prop_assert!(!is_signed(&turned));
        for wrong in [
            CheckpointSigned { position: position.wrapping_add(1), ..signed.clone() },
            CheckpointSigned { position: position / 10, ..signed.clone() },
            CheckpointSigned { at: signed.at + jiff::SignedDuration::from_nanos(1), ..signed.clone() },
            CheckpointSigned { key: Hex(other), ..signed.clone() },
            CheckpointSigned { key: key(OTHER).public(), ..signed.clone() },
        ] {
            prop_assert!(wrong == signed || !is_signed(&wrong), "{:?}", wrong);
        }
    }

    #[test]
    fn a_checkpoint_of_any_log_at_any_position_holds_there_and_nowhere_else(
        events in 2_u128..12, at in 0_u64..12, elsewhere in 0_u64..14, bit in 0_usize..256,
    ) {
        let log = MemoryLog::new();
        for number in 0..events {
            put(&log, "s", number, &Event::TimeReached(TimeReached { at: time(0) })).unwrap();
        }
        let at = 1 + at % log.head();
        let honest = statement(&log, at);
        say(&log, key(ONE).sign(&honest));
        let found = checked(&log, &[key(ONE).public()]).unwrap();
        prop_assert_eq!(found.newest_trusted().map(|signed| signed.position), Some(at));
        // Signed by the right key, and wrong.
        let mut turned = honest;
        turned.digest.0[bit / 8] ^= 1 << (bit % 8);
        for wrong in [turned, Statement { position: elsewhere, ..honest }] {
            if wrong == honest {
                continue;
            }
            let copy = MemoryLog::new();
            for recorded in log.read_all(0, usize::MAX).unwrap().iter().filter(|event| &*event.stream == "s") {
                put(&copy, "s", recorded.event.id.as_u128(), &recorded.event.decode().unwrap()).unwrap();
            }
            let position = say(&copy, key(ONE).sign(&wrong));
            let (told, fault, held) = fault(&copy);
            prop_assert_eq!((told, held), (position, 0));
            prop_assert!(matches!(fault, Fault::Rewritten { .. } | Fault::Ahead(_)), "{}", fault);
        }
    }
}

#[test]
fn checkpoints_are_counted_by_key_and_only_trusted_ones_reach() {
    let log = MemoryLog::new();
    let (one, other) = (key(ONE), key(OTHER));
    let days: Vec<Position> = (1..=3).map(|day| close(&log, day)).collect();
    assert_eq!(checked(&log, &[]).unwrap(), Found::default());
    for day in [1, 0] {
        say(&log, one.sign(&statement(&log, days[day])));
    }
    say(&log, other.sign(&statement(&log, days[2])));
    let stranger: PublicKey = Hex([7; 32]);
    let found = checked(&log, &[stranger, one.public(), stranger]).unwrap();
    let keys: Vec<_> = found
        .keys
        .iter()
        .map(|of| {
            let span = of.span.as_deref().map(|(first, newest)| (first.position, newest.position));
            (of.key, of.trusted, of.count, span)
        })
        .collect();
    assert_eq!(
        keys,
        [
            (stranger, true, 0, None),
            (one.public(), true, 2, Some((days[0], days[1]))),
            (other.public(), false, 1, Some((days[2], days[2]))),
        ]
    );
    assert_eq!(found.newest_trusted().unwrap().position, days[1]);
    assert_eq!(checked(&log, &[]).unwrap().newest_trusted(), None);
    assert_eq!(check(&log, log.head() - 1, &[]).unwrap().keys.len(), 1, "what came after the chain's end waits");
}

#[test]
fn a_false_checkpoint_is_named_with_the_reason_and_what_still_holds() {
    let log = MemoryLog::new();
    let days: Vec<Position> = (1..=2).map(|day| close(&log, day)).collect();
    say(&log, key(ONE).sign(&statement(&log, days[0])));
    let signed = key(OTHER).sign(&statement(&log, days[1]));
    let position = say(&log, CheckpointSigned { key: key(ONE).public(), ..signed });
    assert_eq!(fault(&log), (position, Fault::Signature(key(ONE).public()), days[0]));
    let said = checked(&log, &[]).unwrap_err().to_string();
    assert!(said.starts_with(&format!("the checkpoint at position {position} is false: its signature ")), "{said}");
    assert!(said.contains(&format!("an earlier one up to position {} holds", days[0])), "{said}");
}

#[test]
fn a_checkpoint_of_newer_software_is_no_damage_and_one_that_cannot_be_read_is() {
    let raw = |version, data: &str| {
        let log = MemoryLog::new();
        close(&log, 1);
        let event = Event::CheckpointSigned(example());
        let event = NewEvent {
            schema_version: version,
            data: data.into(),
            ..NewEvent::new(Uuid::from_u128(1), time(0), &Origin::service(), &event)
        };
        let append = Append {
            stream: STREAM.into(),
            expected: Expected::Any,
            recorded_at: time(0),
            idempotency_key: None,
            events: vec![event],
        };
        log.append(append).unwrap();
        checked(&log, &[]).unwrap_err()
    };
    assert!(matches!(raw(2, "{}"), CheckError::Newer { position: 4, .. }));
    assert!(matches!(raw(1, "{}"), CheckError::False { position: 4, fault: Fault::Unreadable(_), held: 0 }));
}

#[test]
fn a_key_file_is_a_key_that_only_its_owner_may_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    let refused = |why: &str| {
        let said = SigningKey::open(&path).unwrap_err().to_string();
        assert!(said.contains(&*path.to_string_lossy()) && said.contains(why), "{said}");
    };
    refused("cannot be read");
    let write = |text: &str, mode| {
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for mode in [0o644, 0o640, 0o604, 0o620] {
        write(ONE, mode);
        refused(&format!("mode {mode:04o}"));
    }
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
    let x25519 = ONE.replace("MC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vu");
    for wrong in
        ["", "hello", public, &x25519, &ONE.replace("MC4", "MC5"), &ONE.replace("PRIVATE", "ENCRYPTED PRIVATE")]
    {
        write(wrong, 0o600);
        refused("holds no Ed25519 private key");
    }
    for mode in [0o600, 0o400] {
        std::fs::remove_file(&path).unwrap();
        write(ONE, mode);
        assert_eq!(SigningKey::open(&path).unwrap().public(), example().key);
    }
    assert!(!format!("{:?}", key(ONE)).contains("pair"));
}

#[test]
fn every_closed_day_is_signed_once_however_often_the_keeper_starts() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let one = key(ONE).public();
    // Closed before there was a key: the last of them is enough, the chain covers the others.
    close(&*log, 1);
    let mut days = vec![close(&*log, 2)];
    for start in 1..=5 {
        let running = keeper(&log, ONE);
        wait_for(&*log, days.len());
        days.extend([close(&*log, start * 10), close(&*log, start * 10 + 1)]);
        wait_for(&*log, days.len());
        running.stop();
        // Closed while no keeper runs.
        days.push(close(&*log, start * 10 + 2));
    }
    let running = keeper(&log, ONE);
    wait_for(&*log, days.len());
    running.stop();
    assert_eq!(checkpoints(&*log), days.iter().map(|day| (one, *day)).collect::<Vec<_>>());
    let found = checked(&*log, &[one]).unwrap();
    assert_eq!((found.keys.len(), found.keys[0].count), (1, days.len() as u64));
}

#[test]
fn two_keys_sign_beside_each_other_and_two_nodes_with_one_key_sign_once() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let mut days = vec![close(&*log, 1)];
    let keepers = [keeper(&log, ONE), keeper(&log, OTHER), keeper(&log, ONE)];
    // All have begun with the same day when there are others to sign.
    wait_for(&*log, 2);
    days.extend((2..=6).map(|day| close(&*log, day)));
    wait_for(&*log, 2 * days.len());
    drop(keepers);
    let all = checkpoints(&*log);
    for key in [key(ONE).public(), key(OTHER).public()] {
        let own: Vec<Position> = all.iter().filter(|(of, _)| *of == key).map(|(_, position)| *position).collect();
        assert_eq!(own, days);
    }
}

/// A log whose appends to the checkpoints fail, taken or not, as often as is told.
struct Failing {
    log: MemoryLog,
    failures: AtomicU32,
    taken: bool,
}

impl EventLog for Failing {
    fn submit(&self, append: Append) -> Pending {
        let fails = &*append.stream == STREAM
            && self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        if fails && !self.taken {
            return Pending::known(Err(LogError::Full));
        }
        let pending = self.log.submit(append);
        if fails { Pending::known(Err(LogError::Unavailable("the answer is lost".into()))) } else { pending }
    }

    fn head(&self) -> Position {
        self.log.head()
    }

    fn read_stream(&self, stream: &str, from: Revision, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.log.read_stream(stream, from, limit)
    }

    fn read_all(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, LogError> {
        self.log.read_all(after, limit)
    }

    fn scan_unchecked(
        &self,
        after: Position,
        visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        self.log.scan_unchecked(after, visit)
    }

    fn ids_at(&self, positions: &[Position]) -> Result<Vec<Uuid>, LogError> {
        self.log.ids_at(positions)
    }

    fn position_at(&self, at: Instant) -> Result<Position, LogError> {
        self.log.position_at(at)
    }

    fn find_key(&self, key: &str) -> Result<Option<Appended>, LogError> {
        self.log.find_key(key)
    }

    fn subscribe(&self, after: Position) -> Result<Box<dyn Subscription>, LogError> {
        self.log.subscribe(after)
    }

    fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, LogError> {
        self.log.verify(progress)
    }

    fn backup(&self, target: &Path) -> Result<Verified, LogError> {
        self.log.backup(target)
    }
}

#[test]
fn what_could_not_be_signed_is_signed_later_and_what_was_signed_unheard_is_not_signed_again() {
    for taken in [false, true] {
        let failing = Failing { log: MemoryLog::new(), failures: AtomicU32::new(3), taken };
        let log: Arc<dyn EventLog> = Arc::new(failing);
        let days: Vec<Position> = (1..=2).map(|day| close(&*log, day)).collect();
        let running = keeper(&log, ONE);
        wait_for(&*log, 1);
        let last = close(&*log, 3);
        wait_for(&*log, 2);
        running.stop();
        assert_eq!(checkpoints(&*log), [(key(ONE).public(), days[1]), (key(ONE).public(), last)], "taken: {taken}");
    }
}

#[test]
fn a_keeper_does_not_take_up_a_log_with_a_false_checkpoint() {
    let log = MemoryLog::new();
    let day = close(&log, 1);
    let one = key(ONE).public();
    assert_eq!(take_up(&log, one).unwrap(), SignedTo { signed: day - 1, next: 1 });
    say(&log, key(ONE).sign(&statement(&log, day)));
    assert_eq!(take_up(&log, one).unwrap(), SignedTo { signed: day, next: 0 });
    let forged = Statement { digest: Hex([1; 32]), ..statement(&log, day) };
    let position = say(&log, key(OTHER).sign(&forged));
    match take_up(&log, one) {
        Err(CheckError::False { position: found, .. }) => assert_eq!(found, position),
        other => panic!("{other:?}"),
    }
}

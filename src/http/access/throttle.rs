//! How often a log-in may fail: per address, and per key that is tried. Only failures count, so nobody who has a key is
//! slowed down by using it.

use super::accounts::Lock;
use crate::domain::time::Instant;
use actix_web::HttpRequest;
use jiff::SignedDuration;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Addresses and keys remembered at most; the one that failed longest ago makes room.
const REMEMBERED: usize = 10_000;

/// Who failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Key(Uuid),
}

/// Failures since an instant.
#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Instant,
    count: u32,
}

/// Counts failed log-ins.
pub struct Throttle {
    most_per_address: u32,
    most_per_key: u32,
    memory: SignedDuration,
    failed: Mutex<HashMap<Who, Failures>>,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle").field("memory", &self.memory).finish_non_exhaustive()
    }
}

impl Throttle {
    /// Returns a throttle that lets so many log-ins fail and forgets them after `memory`.
    #[must_use]
    pub fn new(most_per_address: u32, most_per_key: u32, memory: std::time::Duration) -> Self {
        let memory = SignedDuration::try_from(memory).unwrap_or(SignedDuration::from_mins(15));
        Self { most_per_address, most_per_key, memory, failed: Mutex::default() }
    }

    /// Returns when an account is locked: as many tries with it may fail as with a key.
    #[must_use]
    pub fn lock(&self) -> Lock {
        Lock { after: self.most_per_key, lasts: self.memory }
    }

    /// Says whether a log-in from an address with a key may be tried.
    #[must_use]
    pub fn lets_try(&self, from: IpAddr, key: &str, now: Instant) -> bool {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        whose(from, key).all(|who| {
            let known = failed.get(&who).filter(|known| self.is_remembered(known, now));
            known.is_none_or(|known| known.count < self.most(who))
        })
    }

    /// Notes that it failed.
    pub fn note(&self, from: IpAddr, key: &str, now: Instant) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        for who in whose(from, key) {
            if failed.len() >= REMEMBERED && !failed.contains_key(&who) {
                failed.retain(|_, known| self.is_remembered(known, now));
                let oldest = failed.iter().min_by_key(|(_, known)| known.since).map(|(who, _)| *who);
                if let Some(oldest) = oldest.filter(|_| failed.len() >= REMEMBERED) {
                    failed.remove(&oldest);
                }
            }
            let known = failed.entry(who).or_insert(Failures { since: now, count: 0 });
            if !self.is_remembered(known, now) {
                *known = Failures { since: now, count: 0 };
            }
            known.count = known.count.saturating_add(1);
        }
    }

    const fn most(&self, who: Who) -> u32 {
        match who {
            Who::Address(_) => self.most_per_address,
            Who::Key(_) => self.most_per_key,
        }
    }

    fn is_remembered(&self, known: &Failures, now: Instant) -> bool {
        known.since.checked_add(self.memory).is_ok_and(|end| now < end)
    }
}

fn whose(from: IpAddr, key: &str) -> impl Iterator<Item = Who> + use<> {
    // The part of a key that names it; the rest is what is guessed.
    let id = key.strip_prefix("wl_").and_then(|rest| rest.split('_').next()).and_then(|id| Uuid::try_parse(id).ok());
    [Some(Who::Address(network(from))), id.map(Who::Key)].into_iter().flatten()
}

/// Returns what one subscriber has of an address: an IPv6 customer has all that begin alike.
const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => IpAddr::V4(address),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !0 << 64)),
        },
    }
}

/// Returns the address that a request comes from. A proxy on this machine is believed when it says for whom it asks.
pub fn address(request: &HttpRequest) -> IpAddr {
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let forwarded = request.headers().get_all("x-forwarded-for").last().and_then(|value| value.to_str().ok());
    let forwarded = forwarded.and_then(|list| list.rsplit(',').next()).and_then(|last| last.trim().parse().ok());
    forwarded.filter(|_| peer.to_canonical().is_loopback()).unwrap_or(peer)
}

/// Says whether a request was made on this machine itself, not handed on by a proxy on it.
pub fn is_from_here(request: &HttpRequest) -> bool {
    let handed_on = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "forwarded", "via"];
    let info = request.connection_info();
    let host = info.host();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.contains(']') { host } else { name });
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let is_here = name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    let peer = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    peer && is_here && !handed_on.iter().any(|name| request.headers().contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use std::time::Duration;

    const MINE: &str = "wl_00000000000000000000000000000007_x";

    fn at(second: i64) -> Instant {
        Instant::from_second(second).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn so_many_failures_and_no_more_until_they_are_forgotten() {
        let throttle = Throttle::new(3, 2, Duration::from_secs(60));
        let (one, two) = (ip("192.0.2.1"), ip("192.0.2.2"));
        throttle.note(one, MINE, at(0));
        throttle.note(two, MINE, at(0));
        assert!(!throttle.lets_try(ip("192.0.2.3"), MINE, at(1)), "one key from many addresses");
        assert!(throttle.lets_try(one, "wl_other", at(1)));
        throttle.note(one, "nonsense", at(1));
        throttle.note(one, "more of it", at(1));
        assert!(!throttle.lets_try(one, "wl_other", at(2)), "many keys from one address");
        assert!(throttle.lets_try(two, "wl_other", at(2)));
        assert!(throttle.lets_try(one, MINE, at(60)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let throttle = Throttle::new(3, 2, Duration::from_secs(60));
        for number in 0..u32::try_from(REMEMBERED).unwrap() + 100 {
            throttle.note(IpAddr::V4(Ipv4Addr::from_bits(number)), "x", at(i64::from(number) / 1_000));
        }
        assert_eq!(throttle.failed.lock().unwrap().len(), REMEMBERED);
    }

    #[test]
    fn a_subscriber_of_ipv6_is_one() {
        assert_eq!(network(ip("2001:db8:1:2:3::4")), network(ip("2001:db8:1:2:ffff::")));
        assert_ne!(network(ip("2001:db8:1:2::")), network(ip("2001:db8:1:3::")));
        assert_eq!(network(ip("::ffff:192.0.2.1")), ip("192.0.2.1"));
    }

    #[test]
    fn only_a_proxy_on_this_machine_is_believed() {
        let from = |peer: &str, forwarded: Option<&str>| {
            let request = TestRequest::get().peer_addr(peer.parse().unwrap());
            let request = forwarded.into_iter().fold(request, |it, list| it.append_header(("x-forwarded-for", list)));
            address(&request.to_http_request())
        };
        assert_eq!(from("127.0.0.1:9", Some("203.0.113.9, 192.0.2.1")), ip("192.0.2.1"));
        assert_eq!(from("198.51.100.1:9", Some("192.0.2.1")), ip("198.51.100.1"));
        assert_eq!(from("127.0.0.1:9", None), ip("127.0.0.1"));
    }

    #[test]
    fn what_a_proxy_hands_on_is_not_from_here() {
        let here = |peer: &str, host: &str, more: Option<&str>| {
            let request = TestRequest::get().peer_addr(peer.parse().unwrap()).insert_header(("host", host));
            let request = more.into_iter().fold(request, |it, name| it.append_header((name, "192.0.2.1")));
            is_from_here(&request.to_http_request())
        };
        assert!(here("127.0.0.1:9", "127.0.0.1:8480", None) && here("[::1]:9", "[::1]:8480", None));
        assert!(here("127.0.0.1:9", "localhost", None) && here("[::1]:9", "[::1]", None));
        assert!(!here("127.0.0.1:9", "warnlight.example.org", None), "a proxy that passes the name on");
        assert!(!here("127.0.0.1:9", "localhost", Some("x-forwarded-for")));
        assert!(!here("192.0.2.1:9", "localhost", None));
    }
}

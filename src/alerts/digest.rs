//! Digests (汇总): what was asked for and is not told by a mail of its own is collected for each reader, and told together: at set
//! times what is not red, at once what is, several reds in one mail. Only what still holds is told: where nothing changed for the
//! reader, there is no mail, and that is on record. Everything here follows from the picture, the list of recipients and the time.

use super::recipients::{Digests, Recipients, Slot};
use super::request::{requested_id, stream_of};
use crate::domain::case::{Case, Duty};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Origin, Position, Recorded};
use crate::domain::event::{
    DigestLine, Event, LightNews, MailCall, MailDigest, MailGathered, MailNews, MailRequested, Recipient,
};
use crate::domain::time::Instant;
use crate::domain::words::Light;
use crate::log::contract::{Append, EventLog, Expected, LogError};
use crate::picture::Picture;
use crate::picture::outbox::{Held, Outbox};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Mails that one digest tells of at most; what is more goes with another at once.
const MOST: usize = 2_000;

/// Duties that a line names; of more it says how many there are.
const NAMED: usize = 3;

/// Returns those of a mail's recipients who are told of it with others: what is not red with their next digest, a red light together
/// with other red ones that come to the same reader in this moment or came a short while ago. `reds` says how many come now.
#[must_use]
pub fn gathered(
    told: &[Recipient],
    about: CreditCode,
    to: Light,
    reds: &BTreeMap<String, usize>,
    outbox: &Outbox,
    recipients: &Recipients,
    now: Instant,
) -> Vec<String> {
    let Some(digests) = recipients.digests() else { return Vec::new() };
    let is_gathered = |address: &str| {
        digests.gather_for(address)
            && (to != Light::Red
                || reds.get(address).is_some_and(|count| *count > 1)
                || outbox.holds_about(address, about)
                || outbox.was_red_before(address, now, digests.share))
    };
    told.iter().map(|recipient| recipient.address.clone()).filter(|address| is_gathered(address)).collect()
}

/// Collects what is due for readers.
#[derive(Clone, Copy)]
pub struct Gathering<'a> {
    picture: &'a Picture,
    recipients: &'a Recipients,
    log: &'a dyn EventLog,
    now: Instant,
}

/// Open cases of the shops of each mall and brand: since when, of which light, about whom.
type Groups<'a> = BTreeMap<&'a str, Vec<&'a Case>>;

impl<'a> Gathering<'a> {
    /// Returns what collects at an instant. Requests are read from the log, everything else is in the picture.
    #[must_use]
    pub const fn new(picture: &'a Picture, recipients: &'a Recipients, log: &'a dyn EventLog, now: Instant) -> Self {
        Self { picture, recipients, log, now }
    }

    /// Returns the digests that are due: each says what it collects, and asks for the mail that tells it, if there is anything to tell.
    ///
    /// # Errors
    /// The log cannot be read.
    pub fn due(&self) -> Result<Vec<Append>, LogError> {
        let mut appends = Vec::new();
        for address in self.picture.outbox.readers() {
            for (mails, urgent) in self.takes(address) {
                appends.extend(self.digest(address, &mails, urgent)?);
            }
        }
        Ok(appends)
    }

    /// Returns what is told to a reader now: red lights, with all else about their merchants, unless some were told a moment ago; and
    /// at a set time what was there by then.
    fn takes(&self, address: &Arc<str>) -> Vec<(Vec<Position>, bool)> {
        let outbox = &self.picture.outbox;
        let digests = self.recipients.digests().filter(|digests| digests.gather_for(address));
        let reds: BTreeSet<CreditCode> =
            outbox.held(address).filter(|held| held.to == Light::Red).map(|held| held.credit_code).collect();
        let (red, rest): (Vec<Held>, Vec<_>) = outbox.held(address).partition(|held| reds.contains(&held.credit_code));
        let places = |held: Vec<Held>| held.into_iter().map(|held| held.position).take(MOST).collect::<Vec<_>>();
        let mut takes = Vec::new();
        if digests.is_none_or(|digests| !outbox.was_red_before(address, self.now, digests.share)) {
            takes.push((places(red), true));
        }
        match digests {
            // Whose list says by now that everything is told at once waits for no set time.
            None => takes.push((places(rest), false)),
            Some(digests) => {
                if let Some(slot) = digests.slot(address, self.now, &self.picture.policies.calendar) {
                    takes.push((places(self.due_at(slot, rest, digests)), false));
                }
            }
        }
        takes.into_iter().filter(|(mails, _)| !mails.is_empty()).collect()
    }

    /// Returns what of the rest is told at a set time.
    fn due_at(&self, slot: Slot, rest: Vec<Held>, digests: &Digests) -> Vec<Held> {
        let groups = if slot.is_first { Groups::new() } else { self.groups() };
        // What was noted at a time that has yet to come was noted by a clock that was ahead.
        let is_its = |held: &Held| {
            (held.since <= slot.at || held.since > self.now) && !self.repeats(held, &groups, digests.together)
        };
        rest.into_iter().filter(is_its).collect()
    }

    /// Returns the open cases of each mall and brand.
    fn groups(&self) -> Groups<'a> {
        let mut groups = Groups::new();
        for case in self.picture.cases.open() {
            for group in self.groups_of(case.credit_code) {
                groups.entry(group).or_default().push(case);
            }
        }
        groups
    }

    /// Returns the brand and the malls of a merchant.
    fn groups_of(&self, code: CreditCode) -> BTreeSet<&'a str> {
        let Some(merchant) = self.picture.world.get(code) else { return BTreeSet::new() };
        let malls = merchant.shops.iter().map(|shop| shop.name.mall.as_str());
        merchant.brand(Position::MAX).into_iter().chain(malls).filter(|name| !name.is_empty()).collect()
    }

    /// Says whether a light is one more of a mall or brand that has many cases already, none of them milder: it waits for the first
    /// digest of a day.
    fn repeats(&self, held: &Held, groups: &Groups<'_>, many: usize) -> bool {
        let is_before = |case: &&&Case| {
            case.credit_code != held.credit_code && case.light >= held.to && case.opened_at < held.since
        };
        let known = |group: &str| groups.get(group).is_some_and(|cases| cases.iter().filter(is_before).count() >= many);
        self.groups_of(held.credit_code).into_iter().any(known)
    }

    fn digest(&self, address: &Arc<str>, mails: &[Position], urgent: bool) -> Result<Option<Append>, LogError> {
        let mut requests: Vec<(Recorded, MailRequested)> = Vec::with_capacity(mails.len());
        for position in mails {
            if let Some(recorded) = self.log.event_at(*position)?
                && let Ok(Event::MailRequested(requested)) = recorded.event.decode()
            {
                requests.push((recorded, requested));
            }
        }
        let (Some((_, first)), Some((last, newest))) = (requests.first(), requests.last()) else { return Ok(None) };
        let Some(reader) = newest.recipients.iter().find(|named| *named.address == **address) else { return Ok(None) };
        // Derived from what it begins with, which no other collects for this reader: a crash or a second node makes it once.
        let mail = Uuid::new_v5(&first.mail, format!("digest {address}").as_bytes());
        let gathered = Event::MailGathered(MailGathered {
            mail,
            address: address.to_string(),
            at: self.now,
            mails: requests.iter().map(|(_, requested)| requested.mail).collect(),
        });
        let all: Vec<(Instant, &LightNews)> =
            requests.iter().filter_map(|(_, requested)| Some((requested.at, requested.light()?))).collect();
        let told = self.told(&all, urgent).map(|(at, news)| {
            let (recipients, gathered) = (vec![reader.clone()], Vec::new());
            Event::MailRequested(MailRequested { mail, at, recipients, gathered, news })
        });
        let origin =
            Origin { causation: Some(last.event.id), correlation: last.event.correlation, ..Origin::service() };
        let named = |event: Event| {
            let is_request = matches!(event, Event::MailRequested(_));
            let id = if is_request { requested_id(mail) } else { Uuid::new_v5(&mail, b"gathered") };
            NewEvent::new(id, self.now, &origin, &event)
        };
        Ok(Some(Append {
            stream: stream_of(mail),
            expected: Expected::NoStream,
            recorded_at: self.now,
            idempotency_key: None,
            events: std::iter::once(gathered).chain(told).map(named).collect(),
        }))
    }

    /// Returns what still holds of what was asked for, and its time; `None` if nothing has changed for the reader.
    fn told(&self, all: &[(Instant, &LightNews)], urgent: bool) -> Option<(Instant, MailNews)> {
        let mut by_merchant: BTreeMap<CreditCode, Vec<(Instant, &LightNews)>> = BTreeMap::new();
        for (at, news) in all {
            by_merchant.entry(news.credit_code).or_default().push((*at, news));
        }
        let mut lines: Vec<(DigestLine, Instant, &LightNews)> =
            by_merchant.values().filter_map(|asked| self.line(asked)).collect();
        if let [(line, at, news)] = lines.as_slice()
            && line.to == news.to
        {
            // One alone is told as if it had not waited.
            return Some((*at, MailNews::Light(LightNews { from: line.from, ..LightNews::clone(news) })));
        }
        lines.sort_by_key(|(line, ..)| (Reverse(line.to), line.due_at.unwrap_or(Instant::MAX), line.credit_code));
        let mut lines: Vec<DigestLine> = lines.into_iter().map(|(line, ..)| line).collect();
        let together = self.recipients.digests().map_or(usize::MAX, |digests| digests.together);
        let groups = self.shared(lines.iter().map(|line| line.credit_code), together);
        for line in &mut lines {
            let own = self.groups_of(line.credit_code).into_iter().find(|group| groups.contains(group));
            line.group = own.map(str::to_owned);
        }
        (!lines.is_empty()).then_some((self.now, MailNews::Digest(MailDigest { urgent, lines })))
    }

    /// Returns the malls and brands that so many of these merchants share.
    fn shared(&self, codes: impl Iterator<Item = CreditCode>, together: usize) -> BTreeSet<&'a str> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for group in codes.flat_map(|code| self.groups_of(code)) {
            *counts.entry(group).or_default() += 1;
        }
        counts.into_iter().filter(|(_, count)| *count >= together).map(|(group, _)| group).collect()
    }

    fn case(&self, code: CreditCode) -> Option<&'a Case> {
        self.picture.cases.latest(code).filter(|case| case.is_open())
    }

    /// Returns what is to be told of one merchant, with what was asked for that it is told by; `None` where the light is back to what
    /// it was and nothing is left undone.
    fn line<'r>(&self, asked: &[(Instant, &'r LightNews)]) -> Option<(DigestLine, Instant, &'r LightNews)> {
        let code = asked.first()?.1.credit_code;
        let (light, case) = (self.picture.lights.light(code), self.case(code));
        let rises = || asked.iter().filter(|(_, news)| news.call.is_none());
        let from = rises().next().map_or(light, |(_, rise)| rise.from);
        let is_wanted = |news: &LightNews| {
            news.call.as_ref().is_some_and(|call| case.is_some_and(|case| self.is_wanted(call, case)))
        };
        let call = asked.iter().rfind(|(_, news)| is_wanted(news));
        let (at, told) = *call.or_else(|| rises().next_back().filter(|_| light > from))?;
        let standing: Vec<&Duty> = case.into_iter().flat_map(Case::standing).collect();
        let late = standing.iter().filter(|duty| duty.is_late(self.now)).count();
        let merchant = self.picture.world.get(code).and_then(|merchant| merchant.name(Position::MAX));
        let line = DigestLine {
            credit_code: code,
            merchant: merchant.map(str::to_owned),
            from,
            to: light,
            at: case.map_or(at, |case| case.changed_at),
            alert: case.map(|case| case.id),
            zh: listed(&standing, |duty| &duty.arisen.zh, "、", "等"),
            en: listed(&standing, |duty| &duty.arisen.en, ", ", ", and others"),
            due_at: case.and_then(Case::due_at),
            late: u32::try_from(late).unwrap_or(u32::MAX),
            group: None,
        };
        Some((line, at, told))
    }

    /// Says whether a call still has somebody to call on.
    fn is_wanted(&self, call: &MailCall, case: &Case) -> bool {
        let is_left = || case.acknowledged_at.is_some() && !case.is_acted_on();
        case.id == call.alert && (call.routed || if call.due_at.is_some() { case.is_late(self.now) } else { is_left() })
    }
}

/// Returns what is to be done, each once, a few of them by name; `None` where nothing is.
fn listed(duties: &[&Duty], name: fn(&Duty) -> &String, between: &str, more: &str) -> Option<String> {
    let names: BTreeSet<&str> = duties.iter().map(|duty| name(duty).as_str()).collect();
    let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
    (!shown.is_empty()).then(|| shown.join(between) + if names.len() > NAMED { more } else { "" })
}

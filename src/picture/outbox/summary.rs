//! What the outbox shows of a mail and of each of its recipients.

use super::EventPlace;
use crate::domain::code::CreditCode;
use crate::domain::envelope::{Position, Recorded};
use crate::domain::event::{
    DecodeError, Event, HoldCause, LightNews, MailAttempted, MailClaimed, MailDigest, MailFate, MailHeldUp,
    MailLinkOpened, MailNews, MailRequested, MailSendAgainOrdered,
};
use crate::domain::time::{Day, Instant};
use crate::domain::words::{Light, SourceKind};
use crate::settings::CLAIM_MARGIN;
use jiff::SignedDuration;
use serde::Serialize;
use std::ops::AddAssign;
use std::str::FromStr;
use std::sync::Arc;
use uuid::Uuid;

/// How far a mail has come for one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not yet taken by a server; it will be tried (again).
    Waiting,
    /// Taken by the server, or put into the spool folder.
    Accepted,
    /// Refused by the server for good. A person has to act.
    Refused,
    /// Tried by the whole schedule in vain. A person has to act.
    GivenUp,
    /// Taken by the server, and sent back later.
    Bounced,
    /// Read: the recipient said so.
    Acknowledged,
    /// Told with a digest, and not by this mail.
    Gathered,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::Accepted,
        Self::Refused,
        Self::GivenUp,
        Self::Bounced,
        Self::Acknowledged,
        Self::Gathered,
    ];

    /// Returns the name, as in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::GivenUp => "given_up",
            Self::Bounced => "bounced",
            Self::Acknowledged => "acknowledged",
            Self::Gathered => "gathered",
        }
    }
}

/// A text that names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a state of a mail; use waiting, accepted, refused, given_up, bounced, acknowledged or gathered, or nobody for mails addressed to nobody"
)]
pub struct UnknownDeliveryState(String);

impl FromStr for DeliveryState {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|state| state.name() == text)
            .ok_or_else(|| UnknownDeliveryState(text.to_owned()))
    }
}

/// What mails are looked for by: a state of a recipient, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFilter {
    /// Some recipient is in the state.
    With(DeliveryState),
    /// Nobody is named.
    ToNobody,
}

impl FromStr for MailFilter {
    type Err = UnknownDeliveryState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "nobody" { Ok(Self::ToNobody) } else { text.parse().map(Self::With) }
    }
}

/// A mail and one recipient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// Mail address.
    pub address: Arc<str>,
    /// Office.
    pub office: Arc<str>,
    /// How far it has come.
    pub state: DeliveryState,
    /// Attempts on record.
    pub attempts: u32,
    /// Time of the last thing on record.
    pub changed_at: Instant,
    /// When it is (or was) due; `None` if it will not be tried again.
    pub retry_at: Option<Instant>,
    /// Last reply of the server, or where the file was put.
    pub reply: Option<Arc<str>>,
    /// When the link in it was opened first, by the recipient or a scanner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Instant>,
    /// Attempts that do not count against the schedule: held up by the server, or made before an order to send again.
    #[serde(skip)]
    pub excused: u32,
    /// Last claim on the next attempt, run out or not. Whose turn it is concerns the nodes, not the reader of a mail.
    #[serde(skip)]
    pub claim: Option<Claim>,
}

/// A node's word that it makes an attempt, and until when the others leave it to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Number of the claim on this attempt; the first is 1.
    pub number: u32,
    /// The worker that claims.
    pub by: Uuid,
    /// When it was made.
    pub at: Instant,
    /// End of the claim.
    pub until: Instant,
}

impl Claim {
    /// When it counts as said: earlier than it was, because clocks of nodes differ.
    fn said_at(&self) -> Instant {
        let margin = SignedDuration::try_from(CLAIM_MARGIN).unwrap_or_default();
        self.at.checked_sub(margin).unwrap_or(self.at)
    }

    /// Says whether it was made by a clock that is ahead of `now`.
    #[must_use]
    pub fn is_ahead_of(&self, now: Instant) -> bool {
        self.said_at() > now
    }
}

/// Number of recipients in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// See [`DeliveryState::Waiting`].
    pub waiting: u32,
    /// See [`DeliveryState::Accepted`].
    pub accepted: u32,
    /// See [`DeliveryState::Refused`].
    pub refused: u32,
    /// See [`DeliveryState::GivenUp`].
    pub given_up: u32,
    /// See [`DeliveryState::Bounced`].
    pub bounced: u32,
    /// See [`DeliveryState::Acknowledged`].
    pub acknowledged: u32,
    /// Told with a digest, and not by the mail itself.
    pub gathered: u32,
    /// Mails for which nobody is named. A person has to act.
    pub nobody: u32,
}

impl Tally {
    /// Returns the number of recipients in a state.
    #[must_use]
    pub const fn of(&self, state: DeliveryState) -> u32 {
        match state {
            DeliveryState::Waiting => self.waiting,
            DeliveryState::Accepted => self.accepted,
            DeliveryState::Refused => self.refused,
            DeliveryState::GivenUp => self.given_up,
            DeliveryState::Bounced => self.bounced,
            DeliveryState::Acknowledged => self.acknowledged,
            DeliveryState::Gathered => self.gathered,
        }
    }

    const fn slot(&mut self, state: DeliveryState) -> &mut u32 {
        match state {
            DeliveryState::Waiting => &mut self.waiting,
            DeliveryState::Accepted => &mut self.accepted,
            DeliveryState::Refused => &mut self.refused,
            DeliveryState::GivenUp => &mut self.given_up,
            DeliveryState::Bounced => &mut self.bounced,
            DeliveryState::Acknowledged => &mut self.acknowledged,
            DeliveryState::Gathered => &mut self.gathered,
        }
    }

    /// Moves one recipient from a state to another.
    pub(super) const fn shift(&mut self, from: DeliveryState, to: DeliveryState) {
        let slot = self.slot(from);
        *slot = slot.saturating_sub(1);
        *self.slot(to) += 1;
    }

    /// Says whether nothing can be sent any more, not even by order.
    pub(super) const fn is_settled(&self) -> bool {
        self.waiting + self.refused + self.given_up == 0
    }

    /// Says whether a person has to look: refused, given up, bounced, or nobody named.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        self.refused + self.given_up + self.bounced + self.nobody > 0
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        let Self { waiting, accepted, refused, given_up, bounced, acknowledged, gathered, nobody } = other;
        self.waiting += waiting;
        self.accepted += accepted;
        self.refused += refused;
        self.given_up += given_up;
        self.bounced += bounced;
        self.acknowledged += acknowledged;
        self.gathered += gathered;
        self.nobody += nobody;
    }
}

/// A mail in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The mail.
    pub mail: Uuid,
    /// Position of the request.
    pub position: Position,
    /// Position of the light change it tells of; `None` if the log does not hold it.
    pub change: Option<Position>,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// When it was asked for.
    pub requested_at: Instant,
    /// How many recipients are in which state.
    pub tally: Tally,
}

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Subject {
    /// A merchant's light.
    Light {
        /// About whom.
        credit_code: CreditCode,
        /// Sector it was routed by; `None` if undetermined.
        sector: Option<Arc<str>>,
        /// Light before.
        from: Light,
        /// Light then.
        to: Light,
    },
    /// A source that fell silent.
    Silence {
        /// What it is.
        source: SourceKind,
        /// Its name.
        name: Arc<str>,
        /// First day of its silence.
        silent_from: Day,
    },
    /// What is new to one reader about several lights.
    Digest {
        /// The worst of them.
        worst: Light,
        /// Red lights that share a mail, at once.
        urgent: bool,
        /// About whom.
        merchants: Vec<CreditCode>,
    },
}

impl Subject {
    fn of(news: &MailNews) -> Self {
        match news {
            MailNews::Light(LightNews { credit_code, sector, from, to, .. }) => Self::Light {
                credit_code: *credit_code,
                sector: sector.as_deref().map(Arc::from),
                from: *from,
                to: *to,
            },
            MailNews::Silence(silence) => {
                let name = silence.name.as_str().into();
                Self::Silence { source: silence.kind, name, silent_from: silence.from }
            }
            MailNews::Digest(MailDigest { urgent, lines }) => Self::Digest {
                worst: lines.iter().map(|line| line.to).max().unwrap_or(Light::Green),
                urgent: *urgent,
                merchants: lines.iter().map(|line| line.credit_code).collect(),
            },
        }
    }
}

impl Summary {
    /// Returns the merchants that it is about.
    #[must_use]
    pub fn merchants(&self) -> &[CreditCode] {
        match &self.subject {
            Subject::Light { credit_code, .. } => std::slice::from_ref(credit_code),
            Subject::Silence { .. } => &[],
            Subject::Digest { merchants, .. } => merchants,
        }
    }

    /// Returns the one merchant that it is about; `None` if it is about a source or several.
    #[must_use]
    pub const fn credit_code(&self) -> Option<CreditCode> {
        match self.subject {
            Subject::Light { credit_code, .. } => Some(credit_code),
            Subject::Silence { .. } | Subject::Digest { .. } => None,
        }
    }

    /// Returns the lights before and then; `None` if it is about a source or several merchants.
    #[must_use]
    pub const fn lights(&self) -> Option<(Light, Light)> {
        match self.subject {
            Subject::Light { from, to, .. } => Some((from, to)),
            Subject::Silence { .. } | Subject::Digest { .. } => None,
        }
    }

    /// Says whether it calls for something to be done; else it tells of a light that is worse than before, or of a silence.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.lights().is_some_and(|(from, to)| to <= from)
    }

    pub(super) fn new(
        requested: &MailRequested,
        place: EventPlace,
        change: Option<Position>,
        deliveries: &[Delivery],
    ) -> Self {
        let mut tally = Tally { nobody: u32::from(requested.recipients.is_empty()), ..Tally::default() };
        for delivery in deliveries {
            *tally.slot(delivery.state) += 1;
        }
        Self {
            mail: requested.mail,
            position: place.position,
            change,
            subject: Subject::of(&requested.news),
            requested_at: place.recorded_at,
            tally,
        }
    }

    /// Says whether it is of the kind.
    #[must_use]
    pub const fn is(&self, kind: MailFilter) -> bool {
        match kind {
            MailFilter::With(state) => self.has(state),
            MailFilter::ToNobody => self.tally.nobody > 0,
        }
    }

    /// Says whether some recipient is in the state.
    #[must_use]
    pub const fn has(&self, state: DeliveryState) -> bool {
        self.tally.of(state) > 0
    }
}

/// Returns the recipients of a request as they stand before the first attempt. What was imported as history is never sent:
/// it has no recipients here.
pub(super) fn asked(requested: &MailRequested, place: EventPlace) -> Vec<Delivery> {
    let mut deliveries: Vec<Delivery> = Vec::new();
    if place.history {
        return deliveries;
    }
    for recipient in &requested.recipients {
        if deliveries.iter().all(|delivery| *delivery.address != *recipient.address) {
            let is_gathered = requested.gathered.contains(&recipient.address);
            deliveries.push(Delivery {
                address: recipient.address.as_str().into(),
                office: recipient.office.as_str().into(),
                state: if is_gathered { DeliveryState::Gathered } else { DeliveryState::Waiting },
                attempts: 0,
                changed_at: place.recorded_at,
                retry_at: (!is_gathered).then_some(place.recorded_at),
                reply: None,
                opened_at: None,
                excused: 0,
                claim: None,
            });
        }
    }
    deliveries
}

/// Returns the recipients of one mail from the events of its stream, done or not.
///
/// # Errors
/// When an event cannot be read.
pub fn deliveries_of(stream: &[Recorded]) -> Result<Vec<Delivery>, DecodeError> {
    let mut deliveries: Vec<Delivery> = Vec::new();
    for recorded in stream {
        let event = recorded.event.decode()?;
        if let Event::MailRequested(requested) = &event {
            deliveries = asked(requested, EventPlace::from(recorded));
        } else if let Some(step) = step(&event)
            && let Some(delivery) = deliveries.iter_mut().find(|delivery| *delivery.address == *step.address)
        {
            delivery.record(&event, &step);
        }
    }
    Ok(deliveries)
}

/// What every event about one recipient says.
pub(super) struct Step<'a> {
    pub(super) mail: Uuid,
    pub(super) address: &'a str,
    at: Instant,
    reply: &'a str,
}

/// Reads an event about one recipient; `None` for any other.
pub(super) fn step(event: &Event) -> Option<Step<'_>> {
    match event {
        Event::MailClaimed(MailClaimed { mail, address, at, .. }) => {
            Some(Step { mail: *mail, address, at: *at, reply: "" })
        }
        Event::MailHeldUp(MailHeldUp { mail, address, at, .. })
        | Event::MailLinkOpened(MailLinkOpened { mail, address, at })
        | Event::MailSendAgainOrdered(MailSendAgainOrdered { mail, address, at }) => {
            Some(Step { mail: *mail, address, at: *at, reply: "" })
        }
        Event::MailAttempted(MailAttempted { mail, address, at, reply, attempt: _, retry_at: _ })
        | Event::MailAccepted(MailFate { mail, address, at, reply })
        | Event::MailRefused(MailFate { mail, address, at, reply })
        | Event::MailGivenUp(MailFate { mail, address, at, reply })
        | Event::MailBounced(MailFate { mail, address, at, reply })
        | Event::MailAcknowledged(MailFate { mail, address, at, reply }) => {
            Some(Step { mail: *mail, address, at: *at, reply })
        }
        _ => None,
    }
}

impl Delivery {
    /// Returns when something is to be done next, at the end of a claim if there is one, and when that was said. A first
    /// attempt waits for nothing: the log's time, which a request carries, may be ahead of the clock. A claim counts as said
    /// earlier, because clocks of nodes differ.
    pub(super) fn due_at(&self) -> Option<(Instant, Instant)> {
        let retry_at = self.retry_at?;
        Some(match self.claim {
            Some(claim) => (claim.said_at(), claim.until),
            None if self.attempts == 0 => (Instant::MIN, Instant::MIN),
            None => (self.changed_at, retry_at),
        })
    }

    /// Returns the number that the next attempt has by the schedule; the first is 1.
    pub(super) const fn next_counted(&self) -> u32 {
        self.attempts.saturating_sub(self.excused).saturating_add(1)
    }

    /// Says whether it can be sent again by order.
    #[must_use]
    pub const fn can_be_sent_again(&self) -> bool {
        matches!(self.state, DeliveryState::Refused | DeliveryState::GivenUp)
    }

    pub(crate) const fn next_attempt(&self) -> u32 {
        self.attempts.saturating_add(1)
    }

    pub(super) fn next_claim(&self) -> u32 {
        self.claim.map_or(0, |claim| claim.number).saturating_add(1)
    }

    /// Says whether this is the recipient, and this attempt the one to be made next.
    pub(crate) fn awaits(&self, address: &str, attempt: u32) -> bool {
        *self.address == *address
            && self.state == DeliveryState::Waiting
            && self.retry_at.is_some()
            && self.next_attempt() == attempt
    }

    /// Takes in a claim. One on an attempt that is on record came too late, and one of a lower number changes nothing.
    fn claimed(&mut self, claimed: &MailClaimed) {
        if self.awaits(&claimed.address, claimed.attempt) && claimed.claim >= self.next_claim() {
            self.claim = Some(Claim { number: claimed.claim, by: claimed.by, at: claimed.at, until: claimed.until });
        }
    }

    /// Takes in an event about this recipient.
    pub(super) fn record(&mut self, event: &Event, step: &Step<'_>) {
        if let Event::MailClaimed(claimed) = event {
            self.claimed(claimed);
            return;
        }
        if let Event::MailLinkOpened(_) = event {
            self.opened_at.get_or_insert(step.at);
            return;
        }
        if let Event::MailHeldUp(held) = event {
            // With the attempt, in one append. What may have reached the reader counts: copies come by the schedule.
            self.excused += u32::from(held.cause == HoldCause::Server);
            return;
        }
        if let Event::MailSendAgainOrdered(_) = event {
            if self.can_be_sent_again() {
                (self.state, self.retry_at, self.changed_at) = (DeliveryState::Waiting, Some(step.at), step.at);
                self.excused = self.attempts;
            }
            return;
        }
        self.claim = None;
        self.changed_at = step.at;
        // A recipient who acknowledges says nothing of what the server said.
        if !matches!(event, Event::MailAcknowledged(_)) {
            self.reply = Some(step.reply.into());
        }
        match event {
            Event::MailAttempted(attempted) => {
                self.attempts = self.attempts.max(attempted.attempt);
                // Without another attempt the fate follows in the same append.
                self.retry_at = attempted.retry_at.filter(|_| self.state == DeliveryState::Waiting);
                return;
            }
            Event::MailAccepted(_) => self.state = DeliveryState::Accepted,
            Event::MailRefused(_) => self.state = DeliveryState::Refused,
            Event::MailGivenUp(_) => self.state = DeliveryState::GivenUp,
            Event::MailBounced(_) => self.state = DeliveryState::Bounced,
            Event::MailAcknowledged(_) => self.state = DeliveryState::Acknowledged,
            _ => return,
        }
        self.retry_at = None;
    }
}

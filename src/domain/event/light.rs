//! What the service itself concludes: lights (亮灯), missed deadlines, closed days.

use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::time::{Day, Instant};
use crate::domain::words::Light;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A merchant's light or its reasons changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightChanged {
    /// Whose light.
    pub credit_code: CreditCode,
    /// Light before.
    pub from: Light,
    /// Light from now on.
    pub to: Light,
    /// Instant the light is true for.
    pub at: Instant,
    /// Everything up to this position was known (knowledge clock).
    pub known: Position,
    /// Rule pack, such as `cn-beijing`.
    pub pack: String,
    /// SHA-256 of the policies in force, lower-case hex; their text is in `policy.activated`.
    pub policy: String,
    /// What made the light be looked at.
    pub cause: LightCause,
    /// A mail may be asked for; false after an import of history.
    pub notify: bool,
    /// Every rule that fired, worst first.
    pub reasons: Vec<Reason>,
}

/// What made a light be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LightCause {
    /// New evidence about the merchant.
    Evidence,
    /// New evidence about a linked merchant.
    Link,
    /// Time passed a deadline.
    Time,
    /// Other policies came into force.
    Policy,
}

/// A rule that fired, with what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Rule id.
    pub rule: String,
    /// Rule version.
    pub version: u16,
    /// Light it asks for.
    pub light: Light,
    /// Clause or source.
    pub clause: String,
    /// The comparisons that held; for rules on shop facts those of every shop they held for.
    pub facts: Vec<FactSeen>,
    /// Events the facts rest on.
    pub events: Vec<Uuid>,
}

/// A shop by its place.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopName {
    /// Mall; empty for a street shop.
    pub mall: String,
    /// Unit; may be empty.
    pub unit: String,
}

/// One comparison that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactSeen {
    /// Fact name, such as `custody.coverage`.
    pub fact: String,
    /// Value seen, as text; absent if the fact was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Comparison, such as `<`, `>=`, `=`, `is missing`.
    pub comparison: String,
    /// Value compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<String>,
    /// Shop it was seen at, for rules on shop facts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<ShopName>,
}

/// A person set a light aside for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightOverridden {
    /// Whose light.
    pub credit_code: CreditCode,
    /// Light shown instead.
    pub to: Light,
    /// Why.
    pub reason: String,
    /// Last day of the override.
    pub until: Day,
}

/// A merchant objected to its light (异议).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionRaised {
    /// Who objects.
    pub credit_code: CreditCode,
    /// Light change objected to.
    pub against: Uuid,
    /// What it says.
    pub text: String,
}

/// An objection was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectionDecided {
    /// Who objected.
    pub credit_code: CreditCode,
    /// The objection.
    pub objection: Uuid,
    /// It was right.
    pub upheld: bool,
    /// Why.
    pub reason: String,
}

/// Something that was due did not happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadlineMissed {
    /// Whose deadline.
    pub credit_code: CreditCode,
    /// Rule that the silence lit.
    pub rule: String,
    /// First instant it was late.
    pub at: Instant,
}

/// The watcher has looked at every light at the end of a day; after a stop it goes on from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayClosed {
    /// The day that ended.
    pub day: Day,
    /// Instant looked at: 00:00 of the day after.
    pub at: Instant,
    /// Merchants looked at.
    pub merchants: u64,
    /// Lights that changed.
    pub changed: u64,
}

/// A time that something waits for has come (到时): whatever is recorded after this is recorded at or after it. Written
/// only where several nodes share a log, so that all of them know the same past before they look at a deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeReached {
    /// The time.
    pub at: Instant,
}

/// Lights wait (暂缓看灯): evidence whose correlation is this hold belongs together and is looked at when all of it is
/// there. Written only where several nodes share a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchHeld {
    /// The hold.
    pub hold: Uuid,
    /// Other nodes wait no longer than this: whoever holds may have died.
    pub until: Instant,
}

/// The evidence of a hold is complete (恢复看灯): its lights are looked at now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchReleased {
    /// The hold.
    pub hold: Uuid,
}

impl LightChanged {
    /// Says whether the change asks for a mail: the light is worse than before, and it may be told (it does not come from an
    /// import of history).
    #[must_use]
    pub fn asks_for_mail(&self) -> bool {
        self.notify && self.to > self.from
    }

    /// Says whether the light may have been brought a second time, because a clock that was wrong has run over the same instant before:
    /// everybody was told then. (Or it comes from an import of history.)
    #[must_use]
    pub fn may_come_again(&self) -> bool {
        !self.notify && self.to != Light::Green
    }
}

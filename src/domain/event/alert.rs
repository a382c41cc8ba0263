//! Alerts (预警): a case (亮灯处置) from the rise of a light to its end. What a light change or an act makes of a case's duties is
//! not said again: it follows from `light.changed` and the act itself (docs/CASES.md).

use crate::domain::code::CreditCode;
use crate::domain::time::{Day, Instant};
use crate::domain::words::{ActKind, CaseOutcome, Light};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A case opened, worsened, came to another reason, or opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRaised {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// Light that opened or worsened it.
    pub light: Light,
    /// Light change it rests on.
    pub change: Uuid,
    /// Sector it is routed to; absent if undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
    /// When.
    pub at: Instant,
    /// What somebody has to do from now on: a duty for each rule that fired and had none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<DutyArisen>,
}

/// A duty that arose with a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyArisen {
    /// The duty.
    pub duty: Uuid,
    /// Rule it comes from.
    pub rule: String,
    /// Version of the rule.
    pub version: u16,
    /// Light the rule asks for.
    pub light: Light,
    /// What to do, Chinese.
    pub zh: String,
    /// What to do, English.
    pub en: String,
    /// Who: `sector` (its regulator) or `mall`.
    pub who: String,
    /// Clause or source.
    pub clause: String,
    /// Last instant for it; absent if it has no clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// Acts that fulfil it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<ActKind>,
}

/// A step of a case: acknowledged, the acknowledgement taken back, reminded of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertStep {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// What was done or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A case was taken on, or given to somebody (领办、转办).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertAssigned {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// Who has it now: the name of a key, or of a person.
    pub to: String,
    /// When.
    pub at: Instant,
    /// What was said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Another office is in charge of a case (改派): the merchant's sector was determined, or has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertRouted {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// Sector it was routed to before; absent if undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Sector it is routed to now; absent if undetermined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Somebody is in charge now who was not before, and is told.
    pub tells: bool,
}

/// Something was written down about a case (备注).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertNoted {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// What.
    pub note: String,
}

/// Something was done about a case (处置). What has an event of its own, such as a talk, is not said here again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertActedOn {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When it was recorded.
    pub at: Instant,
    /// What was found or done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Which act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ActKind>,
    /// Day it was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Day>,
}

/// A duty is let be (免办).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyWaived {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// The duty.
    pub duty: Uuid,
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: String,
}

/// A duty is put off (暂缓): until then it is not late, and nobody is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DutyPaused {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// The duty.
    pub duty: Uuid,
    /// When.
    pub at: Instant,
    /// End of the pause.
    pub until: Instant,
    /// Why.
    pub reason: String,
}

/// A clock ran out, and somebody further up is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertEscalated {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When the clock ran out.
    pub at: Instant,
    /// What was done or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The duty that is late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duty: Option<Uuid>,
    /// Number of the step; the first is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u16>,
    /// Who is told: `officer`, `head` or `lead`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// When the next step comes, unless the duty is done; absent after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Instant>,
}

/// A case ended (办结).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertClosed {
    /// The case.
    pub alert: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// When.
    pub at: Instant,
    /// What was done or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CaseOutcome>,
    /// The light change to green that ended it; absent if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Uuid>,
}

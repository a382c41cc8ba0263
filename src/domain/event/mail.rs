//! Mail (邮件): asked for first, then one fate per recipient.

use crate::domain::code::CreditCode;
use crate::domain::time::{Day, Instant};
use crate::domain::words::{Light, SourceKind};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A mail was asked for. It is on disk before anything is sent, so a crash cannot lose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct MailRequested {
    /// The mail; derived from what it tells of, so asking twice is asking once.
    pub mail: Uuid,
    /// Instant of what it tells of: of the light, or of the beginning of the silence.
    pub at: Instant,
    /// Who gets it. Empty if nobody is named for the place: then the board says so.
    pub recipients: Vec<Recipient>,
    /// Addresses of those recipients who are told of it together with other things (汇总), and not by this mail.
    pub gathered: Vec<String>,
    /// What it tells of.
    pub news: MailNews,
}

/// What a mail tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailNews {
    /// A merchant's light, or what is to be done about it.
    Light(LightNews),
    /// A source that fell silent.
    Silence(SourceSilence),
    /// What is new to one reader about several lights.
    Digest(MailDigest),
}

/// What a mail tells of a light.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LightNews {
    /// Light change it tells of.
    pub change: Uuid,
    /// About whom.
    pub credit_code: CreditCode,
    /// Merchant's name at that time.
    pub merchant: Option<String>,
    /// Light before.
    pub from: Light,
    /// Light now.
    pub to: Light,
    /// Sector it is routed by; absent if undetermined (then the lead office gets it).
    pub sector: Option<String>,
    /// What it calls for, if it tells of no change of the light: then both lights are the same.
    pub call: Option<MailCall>,
}

/// A source fell silent (来源静默): it delivered nothing for longer than `policies/sources.toml` allows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSilence {
    /// What it is.
    pub kind: SourceKind,
    /// Its name.
    pub name: String,
    /// Day of its last delivery.
    pub last: Day,
    /// First day of its silence.
    pub from: Day,
}

/// A digest (汇总): what is new to one reader, as it stands when the digest is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailDigest {
    /// Red lights that share a mail, at once; else what was collected until a set time.
    pub urgent: bool,
    /// One for each merchant, the worst first.
    pub lines: Vec<DigestLine>,
}

/// What a digest tells of one merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestLine {
    /// About whom.
    pub credit_code: CreditCode,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// Light before what is told; the same where the line only calls for something.
    pub from: Light,
    /// Light now.
    pub to: Light,
    /// Since when.
    pub at: Instant,
    /// The open case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<Uuid>,
    /// What is to be done, Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
    /// What is to be done, English.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Soonest last instant of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// How much of it is late.
    pub late: u32,
    /// Mall or brand that it shares with other lines, which are told as one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What was asked for was collected for one reader (汇总). What still holds of it is told by the mail of this id, whose request follows;
/// without one, nothing had changed any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailGathered {
    /// The mail that tells it.
    pub mail: Uuid,
    /// The reader.
    pub address: String,
    /// When.
    pub at: Instant,
    /// The mails that it was collected from.
    pub mails: Vec<Uuid>,
}

/// A request as it stands in the log: all kinds of news beside one another.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    mail: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit_code: Option<CreditCode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<Light>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Light>,
    at: Instant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sector: Option<String>,
    recipients: Vec<Recipient>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    call: Option<MailCall>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    silence: Option<SourceSilence>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gathered: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<MailDigest>,
}

/// A request that tells of nothing, or of two things.
#[derive(Debug, thiserror::Error)]
#[error(
    "a mail tells of a light (`change`, `credit_code`, `from` and `to`), of a `silence` or of a `digest`, and of one of them only"
)]
struct NoNews;

impl TryFrom<Written> for MailRequested {
    type Error = NoNews;

    fn try_from(written: Written) -> Result<Self, NoNews> {
        let Written { mail, change, credit_code, merchant, from, to, at, sector, recipients, call, .. } = written;
        let Written { silence, gathered, digest, .. } = written;
        let is_of_light = merchant.is_some() || sector.is_some() || call.is_some();
        let news = match (change, credit_code, from, to, silence, digest) {
            (Some(change), Some(credit_code), Some(from), Some(to), None, None) => {
                MailNews::Light(LightNews { change, credit_code, merchant, from, to, sector, call })
            }
            (None, None, None, None, Some(silence), None) if !is_of_light => MailNews::Silence(silence),
            (None, None, None, None, None, Some(digest)) if !is_of_light => MailNews::Digest(digest),
            _ => return Err(NoNews),
        };
        Ok(Self { mail, at, recipients, gathered, news })
    }
}

impl From<MailRequested> for Written {
    fn from(MailRequested { mail, at, recipients, gathered, news }: MailRequested) -> Self {
        let mut written = Self {
            mail,
            change: None,
            credit_code: None,
            merchant: None,
            from: None,
            to: None,
            at,
            sector: None,
            recipients,
            call: None,
            silence: None,
            gathered,
            digest: None,
        };
        match news {
            MailNews::Light(LightNews { change, credit_code, merchant, from, to, sector, call }) => {
                (written.change, written.credit_code, written.merchant) = (Some(change), Some(credit_code), merchant);
                (written.from, written.to, written.sector, written.call) = (Some(from), Some(to), sector, call);
            }
            MailNews::Silence(silence) => written.silence = Some(silence),
            MailNews::Digest(digest) => written.digest = Some(digest),
        }
        written
    }
}

impl MailRequested {
    /// Returns what it tells of a light; `None` if it tells of something else.
    #[must_use]
    pub const fn light(&self) -> Option<&LightNews> {
        match &self.news {
            MailNews::Light(news) => Some(news),
            MailNews::Silence(_) | MailNews::Digest(_) => None,
        }
    }

    /// Returns what it calls for, if it calls for anything.
    #[must_use]
    pub fn call(&self) -> Option<&MailCall> {
        self.light().and_then(|news| news.call.as_ref())
    }

    /// Says whether it tells of a red light.
    #[must_use]
    pub fn is_red(&self) -> bool {
        match &self.news {
            MailNews::Light(news) => news.to == Light::Red,
            MailNews::Digest(digest) => digest.lines.iter().any(|line| line.to == Light::Red),
            MailNews::Silence(_) => false,
        }
    }

    /// Returns the light change of which this is the mail that tells; `None` if it tells of none, or calls for something.
    #[must_use]
    pub fn tells_of(&self) -> Option<Uuid> {
        self.light().filter(|news| news.call.is_none()).map(|news| news.change)
    }
}

/// What a mail calls for: a duty that is late, a case that was acknowledged and nobody acts on (催办), or one that came to another
/// office (改派).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailCall {
    /// The case.
    pub alert: Uuid,
    /// The escalation, the reminder or the routing.
    pub cause: Uuid,
    /// What is to be done, Chinese.
    pub zh: String,
    /// What is to be done, English.
    pub en: String,
    /// Its last instant, which is over; absent if it is only reminded of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// The case came to another office, which is told of the light.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub routed: bool,
}

/// Who gets a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// Mail address.
    pub address: String,
    /// Office, as shown in the mail.
    pub office: String,
    /// `zh-CN` or `en`.
    pub language: String,
}

/// A node is about to make an attempt (认领), and the others leave it alone until then. Written only where several nodes
/// share a log. A node that died leaves its claim behind; when it runs out, another node makes the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailClaimed {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// Attempt it is a claim on.
    pub attempt: u32,
    /// Number of the claim on this attempt; the first is 1.
    pub claim: u32,
    /// Who claims: a worker from its start to its end.
    pub by: Uuid,
    /// When, by the clock of the node that claims.
    pub at: Instant,
    /// End of the claim, by the same clock.
    pub until: Instant,
}

/// The server was asked to take a mail for one recipient, and said this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailAttempted {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// First attempt is 1.
    pub attempt: u32,
    /// When.
    pub at: Instant,
    /// The server's reply, or what went wrong; at most 500 characters.
    pub reply: String,
    /// Next attempt, if there will be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Instant>,
}

/// An attempt told nothing about the recipient (受阻). Recorded with its `mail.attempted`, which then does not count against
/// the recipient's schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailHeldUp {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// The attempt.
    pub attempt: u32,
    /// What held it up.
    pub cause: HoldCause,
    /// When.
    pub at: Instant,
}

/// What holds up a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldCause {
    /// The server: it was not there, or said no before a recipient was spoken about.
    Server,
    /// The text was handed over, and neither yes nor no came back: the server may have it.
    Unclear,
}

/// Somebody ordered to send a mail again that was refused or given up for one recipient (重新发送). Who, the envelope says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSendAgainOrdered {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// When.
    pub at: Instant,
}

/// Somebody opened the link in a recipient's mail for the first time; a scanner may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailLinkOpened {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// When.
    pub at: Instant,
}

/// The fate of a mail for one recipient: accepted by the server, refused by it, given up, bounced, acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailFate {
    /// The mail.
    pub mail: Uuid,
    /// The recipient.
    pub address: String,
    /// When.
    pub at: Instant,
    /// The server's last reply, or where the file was put; at most 500 characters.
    pub reply: String,
}

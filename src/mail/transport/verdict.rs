//! What an answer of a mail server means, and for whom. The code decides, and where in the conversation it was given.
//!
//! Only the answer to the recipient (RCPT TO), or that to the text of a mail for a single recipient, can be final for that
//! recipient. Whatever else a server says is about the server: our sender, our account, its load. A rule of the server told
//! there (`5.7.1`) may be either's; the worker tells by what the other recipients' mails are answered.

/// Where in the conversation an answer was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Greeting,
    Hello,
    Encryption,
    LogIn,
    Sender,
    Recipient,
    Announcement,
    Text,
}

impl Stage {
    /// Every stage.
    #[cfg(test)]
    const ALL: [Self; 8] = [
        Self::Greeting,
        Self::Hello,
        Self::Encryption,
        Self::LogIn,
        Self::Sender,
        Self::Recipient,
        Self::Announcement,
        Self::Text,
    ];

    /// What was said when the server answered, as the record and the alarm name it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Greeting => "on connecting",
            Self::Hello => "to EHLO",
            Self::Encryption => "to STARTTLS",
            Self::LogIn => "to AUTH",
            Self::Sender => "to MAIL FROM",
            Self::Recipient => "to RCPT TO",
            Self::Announcement => "to DATA",
            Self::Text => "to the text",
        }
    }

    const fn goes_on_with(self, code: u16) -> bool {
        match self {
            Self::Greeting | Self::Encryption => code == 220,
            Self::Hello => code == 250,
            Self::LogIn => matches!(code, 235 | 334),
            // 251 and 252: it will forward it, it will try.
            Self::Sender | Self::Recipient | Self::Text => matches!(code, 250..=252),
            Self::Announcement => code == 354,
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The conversation goes on; after the text: the mail is taken.
    GoesOn,
    /// This recipient does not get this mail, now or later.
    Refused,
    /// This recipient does not get it now.
    PutOff,
    /// This recipient does not get it now, or we are too fast: 450 without a word more.
    Busy,
    /// A rule of the server stands against it, for this recipient or for everybody.
    Ruled,
    /// We are too fast for the server.
    Throttled,
    /// Anything else that the server says about itself or about us.
    Server,
    /// It answered the text with what is neither yes nor no.
    Unclear,
}

/// Words by which servers name a limit in time, in lower case.
const LIMITS: &[&str] = &[
    "frequen",
    "limit",
    "sending rate",
    "too many",
    "too fast",
    "throttl",
    "exceed",
    "quota",
    "频率",
    "频繁",
    "过快",
    "限制",
    "超过",
    "超出",
];

/// Words by which they name a rule of theirs.
const RULES: &[&str] =
    &["policy", "relay", "spam", "blocked", "blacklist", "blocklist", "authent", "垃圾", "策略", "认证", "黑名单"];

/// Words that are about the mailbox or the mail although a limit is named: `mailbox quota exceeded`.
const OWN: &[&str] = &["mailbox", "size", "too large", "too big", "storage", "邮箱", "大小", "空间", "容量"];

/// Returns what the answer `code` with `text` means at `stage`.
pub(super) fn verdict(stage: Stage, code: u16, text: &str) -> Verdict {
    if stage.goes_on_with(code) {
        return Verdict::GoesOn;
    }
    if !(400..600).contains(&code) {
        return if stage == Stage::Text { Verdict::Unclear } else { Verdict::Server };
    }
    let detail = Detail::of(text);
    if stage != Stage::LogIn && detail.is_of_limits(text) {
        return Verdict::Throttled;
    }
    if !matches!(stage, Stage::Recipient | Stage::Text) {
        return Verdict::Server;
    }
    match code {
        // Commands out of order or not known, a log-in that is missing, a host that takes no mail.
        421 | 500 | 502..=504 | 521 | 530..=538 | 555 => Verdict::Server,
        _ if detail.is_of_rules(text) => Verdict::Ruled,
        500.. => Verdict::Refused,
        _ if detail.is_of_recipient() => Verdict::PutOff,
        450 if stage == Stage::Recipient && detail == Detail::Unsaid => Verdict::Busy,
        _ => Verdict::Server,
    }
}

/// The enhanced status code (RFC 3463): of `4.7.28` it is the class 4, the subject 7 and the detail 28.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Unsaid,
    Said { class: u8, subject: u16, detail: u16 },
}

impl Detail {
    fn of(text: &str) -> Self {
        let mut parts = text.split_whitespace().next().unwrap_or_default().split('.').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(class @ (4 | 5))), Some(Ok(subject)), Some(Ok(detail)), None) => {
                Self::Said { class: if class == 4 { 4 } else { 5 }, subject, detail }
            }
            _ => Self::Unsaid,
        }
    }

    /// An address or a mailbox.
    const fn is_of_recipient(self) -> bool {
        matches!(self, Self::Said { subject: 1 | 2, .. })
    }

    /// A limit. Where the server says that it speaks of an address or a mailbox, its words do not count.
    fn is_of_limits(self, text: &str) -> bool {
        match self {
            Self::Said { class: 4, subject: 7, .. } | Self::Said { subject: 7, detail: 28, .. } => true,
            _ => !self.is_of_recipient() && says(text, LIMITS),
        }
    }

    /// A rule. `5.1.1 … unknown in relay recipient table` is a wrong address.
    fn is_of_rules(self, text: &str) -> bool {
        matches!(self, Self::Said { subject: 7, .. }) || !self.is_of_recipient() && says(text, RULES)
    }
}

fn says(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    any(words) && !any(OWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_recipient_or_the_end_of_the_text_can_be_final() {
        for stage in Stage::ALL {
            for code in 100..=599 {
                let found = verdict(stage, code, "no");
                let may_be_final = matches!(stage, Stage::Recipient | Stage::Text);
                let of_recipient = matches!(found, Verdict::Refused | Verdict::PutOff | Verdict::Busy | Verdict::Ruled);
                assert!(may_be_final || !of_recipient, "{stage:?} {code}");
                assert_eq!(
                    found == Verdict::Unclear,
                    stage == Stage::Text && !(250..=252).contains(&code) && code < 400
                );
            }
        }
    }

    #[test]
    fn what_servers_were_seen_to_say() {
        use Verdict::{Busy, PutOff, Refused, Ruled, Server, Throttled};
        for (stage, code, text, meant) in [
            (Stage::Recipient, 550, "5.1.1 no such user", Refused),
            (Stage::Recipient, 550, "用户不存在", Refused),
            (Stage::Recipient, 550, "5.1.1 <a@x>: User unknown in relay recipient table", Refused),
            (Stage::Recipient, 552, "5.2.2 mailbox over quota", Refused),
            (Stage::Recipient, 552, "Mailbox quota exceeded", Refused),
            (Stage::Text, 552, "5.3.4 message size exceeds limit", Refused),
            (Stage::Recipient, 550, "Mail frequency limited", Throttled),
            (Stage::Recipient, 550, "发信频率超过限制", Throttled),
            (Stage::Recipient, 554, "5.7.1 relay access denied", Ruled),
            (Stage::Recipient, 550, "5.7.1 this mailbox takes mail of known senders only", Ruled),
            (Stage::Sender, 550, "5.7.1 sender blocked", Server),
            (Stage::Recipient, 530, "5.7.0 authentication required", Server),
            (Stage::Text, 554, "5.7.1 rejected as spam", Ruled),
            (Stage::Recipient, 550, "Relaying denied", Ruled),
            (Stage::Sender, 450, "4.7.28 rate limited", Throttled),
            (Stage::Greeting, 421, "4.7.0 too many connections", Throttled),
            (Stage::Recipient, 450, "4.7.1 try again later", Throttled),
            (Stage::Sender, 530, "5.7.0 authentication required", Server),
            (Stage::LogIn, 535, "5.7.8 too many failures", Server),
            (Stage::Recipient, 450, "4.2.0 greylisted, come again", PutOff),
            (Stage::Recipient, 452, "4.2.2 mailbox full", PutOff),
            (Stage::Recipient, 450, "later", Busy),
            (Stage::Recipient, 451, "local error", Server),
            (Stage::Recipient, 452, "no storage", Server),
            (Stage::Recipient, 530, "log in first", Server),
            (Stage::Text, 451, "local error", Server),
            (Stage::Announcement, 503, "bad sequence", Server),
        ] {
            assert_eq!(verdict(stage, code, text), meant, "{stage:?} {code} {text}");
        }
    }
}

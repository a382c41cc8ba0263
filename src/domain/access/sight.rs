//! What each role may see of a merchant in its scope: one table, and one reader that everything shown is held against
//! (law 9). docs/OPERATIONS.md shows the table; a test compares the two.

use super::Scope;
use crate::domain::envelope::Position;
use crate::domain::event::ShopName;
use crate::domain::evidence::Complaint;
use crate::domain::merchant::Merchant;
use crate::domain::time::{Day, Instant, day_of};
use crate::domain::words::{Channel, DocumentKind, Role, TicketStep};
use serde_json::Value;

/// What an event or a figure is about, as far as rights go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Matter {
    /// Rows of the register, sectors, shops.
    Register,
    /// Filings, with the bank they name.
    Filing,
    /// What the merchant declared, and guarantees.
    Money,
    /// What the custody bank reported, and accounts.
    Custody,
    /// What malls reported: notices, closings, signals, ratios, leases, papers.
    Mall,
    /// Tickets.
    Complaint,
    /// What is published anyway: lists, deregistrations, yellow cards.
    Published,
    /// Letters, talks, orders, penalties, the grey list, locks of persons.
    Act,
    /// What the merchant says for itself: replies, objections, and what became of them.
    Statement,
    /// What is for offices among themselves: leads, joint checks, alerts, links to other merchants, what people call a merchant.
    Office,
    /// Lights and missed deadlines.
    Light,
    /// Who was told what.
    Mail,
    /// Policies, recipients, the watch.
    Rule,
    /// Keys, users, sessions, answers to requests, erasures, and the log itself.
    Service,
}

/// How much of a matter a role sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    All,
    /// What is its own: the shops in its malls, what names its bank, tickets handed in at the mall; of a merchant, what an office told it
    /// or passed on to it.
    Own,
    /// Nothing.
    Nothing,
}

use Sight::{All, Nothing, Own};

/// Who sees what. The columns are those of [`Role::ALL`]: operator, regulator, bank, lead, admin, merchant.
pub const TABLE: [(Matter, [Sight; 6]); 14] = [
    (Matter::Register, [Own, All, All, All, All, All]),
    (Matter::Filing, [All, All, Own, All, All, All]),
    (Matter::Money, [All, All, All, All, All, All]),
    (Matter::Custody, [All, All, Own, All, All, All]),
    (Matter::Mall, [Own, All, Nothing, All, All, All]),
    (Matter::Complaint, [Own, All, Nothing, All, All, Own]),
    (Matter::Published, [All, All, All, All, All, All]),
    (Matter::Act, [Nothing, All, Nothing, All, All, Own]),
    (Matter::Statement, [Nothing, All, Nothing, All, All, All]),
    (Matter::Office, [Nothing, All, Nothing, All, All, Nothing]),
    (Matter::Light, [All, All, All, All, All, All]),
    (Matter::Mail, [Nothing, All, Nothing, All, All, Nothing]),
    (Matter::Rule, [Nothing, Nothing, Nothing, All, All, Nothing]),
    (Matter::Service, [Nothing, Nothing, Nothing, Nothing, All, Nothing]),
];

impl Matter {
    /// Returns the matter of an event type; `None` for one that nobody thought of yet, which only an administrator sees.
    #[must_use]
    pub fn of_event(event_type: &str) -> Option<Self> {
        let (subject, step) = event_type.split_once('.')?;
        Some(match (subject, step) {
            ("merchant", "deregistration_applied" | "deregistration_ended")
            | ("enforcement", "listed" | "delisted" | "yellow_card_posted" | "yellow_card_removed") => Self::Published,
            ("merchant", "alias_recorded" | "alias_withdrawn") => Self::Office,
            ("merchant", "replied") | ("light", "objection_raised" | "objection_decided") => Self::Statement,
            ("merchant", _) => Self::Register,
            ("filing", _) => Self::Filing,
            ("prepaid", _) | ("custody", "guarantee_posted" | "guarantee_expired") => Self::Money,
            ("custody", _) => Self::Custody,
            ("mall", _) => Self::Mall,
            ("complaint", _) => Self::Complaint,
            ("enforcement", step) if step.starts_with("lead_") || step.starts_with("joint_check_") => Self::Office,
            ("enforcement", _) => Self::Act,
            ("alert" | "entry", _) => Self::Office,
            ("light", _) | ("deadline", _) => Self::Light,
            ("mail", _) => Self::Mail,
            ("policy" | "recipients" | "watch" | "import", _) => Self::Rule,
            ("key" | "user" | "session" | "request" | "record" | "log", _) => Self::Service,
            _ => return None,
        })
    }

    /// Returns the matter of a fact.
    #[must_use]
    pub fn of_fact(fact: &str) -> Option<Self> {
        let (subject, name) = fact.split_once('.')?;
        Some(match (subject, name) {
            // The mall states this one, from what it knows of the shop's revenue.
            ("prepaid", "share_of_revenue") | ("complaint_rate" | "exit" | "shop" | "signal", _) => Self::Mall,
            ("prepaid", _) => Self::Money,
            ("filing", _) => Self::Filing,
            ("custody", _) => Self::Custody,
            ("complaints", _) => Self::Complaint,
            ("listed" | "registry", _) => Self::Published,
            ("rectification" | "penalties", _) => Self::Act,
            // It counts what happened at other merchants, which may be in nobody's scope.
            ("linked", _) => Self::Office,
            _ => return None,
        })
    }
}

impl Scope {
    /// Returns how much of a matter the role sees, of merchants in the scope.
    #[must_use]
    pub fn sight(&self, matter: Option<Matter>) -> Sight {
        if self.role == Role::Admin {
            return All;
        }
        let row = TABLE.iter().find(|(listed, _)| Some(*listed) == matter);
        let column = Role::ALL.iter().position(|role| *role == self.role);
        row.zip(column).and_then(|((_, sights), column)| sights.get(column).copied()).unwrap_or(Nothing)
    }

    /// Says whether nothing about a merchant in the scope is kept from the reader.
    #[must_use]
    pub fn sees_whole_merchants(&self) -> bool {
        let of_merchants = |matter: Matter| !matches!(matter, Matter::Rule | Matter::Service);
        TABLE.iter().all(|(matter, _)| !of_merchants(*matter) || self.sight(Some(*matter)) == All)
    }

    /// Says whether an event that is about no merchant may be seen. What became of a mail names no merchant, so it is for
    /// those who see all of them.
    #[must_use]
    pub fn sees_event_about_nobody(&self, event_type: &str) -> bool {
        let matter = Matter::of_event(event_type);
        match matter {
            Some(Matter::Rule | Matter::Service | Matter::Mail) => {
                self.sight(matter) == All && (matter != Some(Matter::Mail) || self.is_everything())
            }
            // A ticket whose merchant is not known: whose it is, is for the lead office to find out.
            Some(Matter::Complaint) => matches!(self.role, Role::Lead | Role::Admin),
            _ => self.role == Role::Admin,
        }
    }
}

/// A reader of one merchant's affairs. That the merchant is in the scope was asked before ([`Scope::sees`]).
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    scope: &'a Scope,
    merchant: &'a Merchant,
}

impl<'a> Reader<'a> {
    /// Returns the reader with this scope.
    #[must_use]
    pub const fn new(scope: &'a Scope, merchant: &'a Merchant) -> Self {
        Self { scope, merchant }
    }

    /// Says whether an event about the merchant may be seen.
    #[must_use]
    pub fn sees_event(&self, event_type: &str, data: &Value) -> bool {
        let text = |name: &str| data.get(name).and_then(Value::as_str);
        let matter = Matter::of_event(event_type);
        match self.scope.sight(matter) {
            All => true,
            Nothing => false,
            Own => match matter {
                // A row about the merchant itself names no mall; a shop without one stands in the street.
                Some(Matter::Register) => match text("mall") {
                    Some(mall) => self.scope.sees_shop_in(mall),
                    None => event_type != "merchant.shop_opened" && event_type != "merchant.shop_linked",
                },
                Some(Matter::Mall) => self.scope.sees_shop_in(text("mall").unwrap_or_default()),
                Some(Matter::Act) => is_told(event_type, text("kind")),
                Some(Matter::Complaint) => text("ticket").is_some_and(|ticket| self.sees_ticket(ticket)),
                Some(Matter::Filing) => text("bank").is_none_or(|bank| self.is_own_bank(Some(bank))),
                Some(Matter::Custody) => match text("bank") {
                    Some(bank) => self.is_own_bank(Some(bank)),
                    None => text("date").and_then(|day| day.parse().ok()).is_some_and(|day| self.banked_here(day)),
                },
                _ => false,
            },
        }
    }

    /// Takes out of an event that may be seen what may not.
    pub fn redact(&self, event_type: &str, data: &mut Value) {
        if self.scope.role == Role::Admin {
            return;
        }
        if event_type.starts_with("mail.") {
            hide_spool(data);
        }
        if self.scope.sees_whole_merchants() {
            return;
        }
        let day = data.get("at").and_then(Value::as_str).and_then(|at| at.parse::<Instant>().ok()).map(day_of);
        let reasons = data.get_mut("reasons").and_then(Value::as_array_mut);
        for reason in reasons.into_iter().flatten().filter_map(Value::as_object_mut) {
            let Some(facts) = reason.get_mut("facts").and_then(Value::as_array_mut) else { continue };
            facts.retain(|seen| {
                let shop: Option<ShopName> =
                    seen.get("shop").and_then(|shop| serde_json::from_value(shop.clone()).ok());
                let fact = seen.get("fact").and_then(Value::as_str).unwrap_or_default();
                day.is_some_and(|day| self.sees_fact(fact, shop.as_ref(), day))
            });
            // Which events these are is not written here, and their number alone tells how many tickets there are.
            if let Some(events) = reason.get_mut("events") {
                *events = Value::Array(Vec::new());
            }
        }
    }

    /// Says whether a ticket may be seen.
    #[must_use]
    pub fn sees_complaint(&self, complaint: &Complaint) -> bool {
        match self.scope.sight(Some(Matter::Complaint)) {
            All => true,
            // What it handles itself (企业直办).
            Own if self.scope.role == Role::Merchant => {
                complaint.handled(Position::MAX).any(|item| item.step == TicketStep::Direct)
            }
            Own => complaint.channel == Channel::Mall && self.runs_where_it_came_in(complaint),
            Nothing => false,
        }
    }

    /// A ticket that does not say at which mall it was handed in may have been at any where the merchant has a shop.
    fn runs_where_it_came_in(&self, complaint: &Complaint) -> bool {
        match complaint.mall.as_deref() {
            Some(mall) => self.scope.runs(mall),
            None => {
                let malls = self.merchant.shops.iter().map(|shop| &*shop.name.mall);
                malls.filter(|mall| !mall.is_empty()).all(|mall| self.scope.runs(mall))
            }
        }
    }

    fn sees_ticket(&self, ticket: &str) -> bool {
        let mut known = self.merchant.complaints.iter().filter(|complaint| *complaint.ticket == *ticket).peekable();
        known.peek().is_some() && known.all(|complaint| self.sees_complaint(complaint))
    }

    /// Says whether exits, signals and ratios of the shops in a mall may be seen; the street is the empty mall.
    #[must_use]
    pub fn sees_shops_in(&self, mall: &str) -> bool {
        match self.scope.sight(Some(Matter::Mall)) {
            All => true,
            Own => self.scope.sees_shop_in(mall),
            Nothing => false,
        }
    }

    /// Says whether what is in custody on a day may be seen.
    #[must_use]
    pub fn sees_custody(&self, day: Day) -> bool {
        match self.scope.sight(Some(Matter::Custody)) {
            All => true,
            Own => {
                let report = self.merchant.custody.iter().map(|report| report.date).rfind(|date| *date <= day);
                self.banked_here(report.unwrap_or(day))
            }
            Nothing => false,
        }
    }

    /// Says whether a fact of the merchant, or of one of its shops, may be seen as of a day.
    #[must_use]
    pub fn sees_fact(&self, fact: &str, shop: Option<&ShopName>, day: Day) -> bool {
        let matter = Matter::of_fact(fact);
        match (self.scope.sight(matter), matter, shop) {
            (All, _, _) => true,
            (Own, Some(Matter::Mall), Some(shop)) => self.scope.sees_shop_in(&shop.mall),
            // It may rest on what any of the malls said.
            (Own, Some(Matter::Mall), None) => {
                self.merchant.shops.iter().all(|shop| self.scope.sees_shop_in(&shop.name.mall))
            }
            (Own, Some(Matter::Custody), _) => self.sees_custody(day),
            (Own, Some(Matter::Filing | Matter::Act), _) => true,
            // A merchant is told why its light is what it is: how many tickets there are, and not whose.
            (Own, Some(Matter::Complaint), _) if self.scope.role == Role::Merchant => true,
            // The others count tickets of every channel; this one those of every mall.
            (Own, Some(Matter::Complaint), _) => {
                let mut at_malls = self.merchant.complaints.iter().filter(|ticket| ticket.channel == Channel::Mall);
                fact == "complaints.unanswered_24h" && at_malls.all(|ticket| self.sees_complaint(ticket))
            }
            _ => false,
        }
    }

    /// Says whether the merchant kept its money at the reader's bank on a day: by the last filing until then that names a
    /// bank, before the first one by that.
    fn banked_here(&self, day: Day) -> bool {
        self.is_own_bank(self.merchant.bank_on(day))
    }

    fn is_own_bank(&self, bank: Option<&str>) -> bool {
        bank.is_some() && bank == self.scope.bank.as_deref()
    }
}

/// Says whether an act is told to the merchant that it is about: a check, a case and a list that offices keep for themselves are not, nor
/// what is written about it to another authority.
fn is_told(event_type: &str, kind: Option<&str>) -> bool {
    match event_type {
        "enforcement.document_issued" => kind.is_some_and(|kind| kind != DocumentKind::LeadLetter.name()),
        "enforcement.warning_letter_issued"
        | "enforcement.talk_held"
        | "enforcement.rectification_ordered"
        | "enforcement.rectification_met"
        | "enforcement.rectification_missed"
        | "enforcement.penalty_decided" => true,
        _ => false,
    }
}

/// Leaves of a spooled mail's path the name of the file: where the folder lies is the business of who runs the service.
pub fn hide_spool(data: &mut Value) {
    if let Some(Value::String(reply)) = data.get_mut("reply") {
        *reply = spooled(reply).to_owned();
    }
}

/// Returns a mail server's reply as it is, and of a spooled file the name.
#[must_use]
pub fn spooled(reply: &str) -> &str {
    if reply.ends_with(".eml") { reply.rsplit(['/', '\\']).next().unwrap_or(reply) } else { reply }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::policy::fact::FactId;

    #[test]
    fn every_event_and_every_fact_has_its_place_in_the_table() {
        for (event_type, _) in Event::CONTRACT {
            let matter = Matter::of_event(event_type);
            assert!(matter.is_some_and(|matter| TABLE.iter().any(|(listed, _)| *listed == matter)), "{event_type}");
        }
        for fact in FactId::ALL {
            assert!(Matter::of_fact(fact.name()).is_some(), "{}", fact.name());
        }
    }

    /// A merchant in two malls that went from one bank to another, with a ticket of one of the malls.
    fn merchant() -> Merchant {
        let code = "91110000101623741K";
        let mut merchant = Merchant::new(code.parse().unwrap());
        let told = [
            ("merchant.shop_opened", 1, r#""mall":"东方广场","unit":"1""#),
            ("merchant.shop_opened", 1, r#""mall":"西单","unit":"2""#),
            ("filing.accepted", 1, r#""date":"2025-01-10","bank":"甲""#),
            ("filing.accepted", 1, r#""date":"2025-05-01","bank":"乙""#),
            ("custody.balance_reported", 1, r#""date":"2025-02-01","held":"1.00""#),
            ("custody.balance_reported", 1, r#""date":"2025-06-01","held":"1.00""#),
            (
                "complaint.received",
                2,
                r#""ticket":"T","channel":"mall","kind":"refund","received_at":"2025-06-01T00:00:00Z","mall":"东方广场""#,
            ),
        ];
        for ((event_type, version, rest), position) in told.iter().zip(1..) {
            let data = format!(r#"{{"credit_code":"{code}",{rest}}}"#);
            let stamp = crate::domain::fold::Stamp { position, recorded_at: Instant::UNIX_EPOCH, history: false };
            merchant.fold(stamp, &Event::decode(event_type, *version, &data).unwrap());
        }
        merchant
    }

    fn operator(malls: &[&str]) -> Scope {
        let malls = malls.iter().map(|mall| (*mall).to_owned()).collect();
        Scope { role: Role::Operator, malls, ..Scope::everything() }
    }

    fn bank(name: &str) -> Scope {
        Scope { role: Role::Bank, bank: Some(name.to_owned()), ..Scope::everything() }
    }

    #[test]
    fn of_facts_that_are_own_in_part_a_reader_sees_its_part() {
        let merchant = merchant();
        let (east, west, both) = (operator(&["东方广场"]), operator(&["西单"]), operator(&["东方广场", "西单"]));
        let (first, second) = (bank("甲"), bank("乙"));
        let shop = |mall: &str| Some(ShopName { mall: mall.to_owned(), unit: String::new() });
        for (scope, fact, shop, day, sees) in [
            (&east, "exit.notice_days", shop("东方广场"), "2025-06-15", true),
            (&east, "exit.notice_days", shop("西单"), "2025-06-15", false),
            (&east, "exit.notice_days", None, "2025-06-15", false),
            (&both, "exit.notice_days", None, "2025-06-15", true),
            (&east, "prepaid.share_of_revenue", None, "2025-06-15", false),
            (&east, "prepaid.outstanding", None, "2025-06-15", true),
            (&east, "complaints.unanswered_24h", None, "2025-06-15", true),
            (&west, "complaints.unanswered_24h", None, "2025-06-15", false),
            (&both, "complaints.30d", None, "2025-06-15", false),
            (&east, "listed.serious", None, "2025-06-15", true),
            (&east, "rectification.overdue_days", None, "2025-06-15", false),
            (&east, "linked.closed_unannounced_24m", None, "2025-06-15", false),
            (&first, "custody.coverage", None, "2025-01-01", true),
            (&first, "custody.coverage", None, "2025-05-31", true),
            (&first, "custody.coverage", None, "2025-06-15", false),
            (&second, "custody.coverage", None, "2025-05-31", false),
            (&second, "custody.coverage", None, "2025-06-15", true),
            (&first, "filing.overdue_days", None, "2025-06-15", true),
            (&first, "exit.notice_days", shop("东方广场"), "2025-06-15", false),
            (&first, "complaints.unanswered_24h", None, "2025-06-15", false),
        ] {
            let reader = Reader::new(scope, &merchant);
            assert_eq!(
                reader.sees_fact(fact, shop.as_ref(), day.parse().unwrap()),
                sees,
                "{scope:?}: {fact}, {shop:?}, {day}"
            );
        }
    }

    #[test]
    fn of_events_that_are_own_in_part_a_reader_sees_its_part() {
        let merchant = merchant();
        let (east, first) = (operator(&["东方广场"]), bank("甲"));
        for (scope, event_type, data, sees) in [
            (&east, "merchant.registered", r#"{"mall":"东方广场"}"#, true),
            (&east, "merchant.registered", r#"{"mall":"西单"}"#, false),
            (&east, "merchant.registered", "{}", true),
            (&east, "merchant.shop_opened", "{}", false),
            (&east, "merchant.shop_linked", "{}", false),
            (&east, "mall.signal_raised", r#"{"mall":"东方广场"}"#, true),
            (&east, "mall.signal_raised", r#"{"mall":"西单"}"#, false),
            (&east, "mall.signal_raised", "{}", false),
            (&east, "complaint.answered", r#"{"ticket":"T"}"#, true),
            (&east, "complaint.answered", r#"{"ticket":"U"}"#, false),
            (&east, "complaint.answered", "{}", false),
            (&east, "complaint.escalated", r#"{"tickets":[{"ticket":"T"},{"ticket":"U"}]}"#, false),
            (&first, "filing.accepted", r#"{"bank":"甲"}"#, true),
            (&first, "filing.accepted", r#"{"bank":"乙"}"#, false),
            (&first, "filing.accepted", "{}", true),
            (&first, "custody.account_opened", r#"{"bank":"甲","date":"2025-06-15"}"#, true),
            (&first, "custody.account_opened", r#"{"bank":"乙","date":"2025-02-01"}"#, false),
            (&first, "custody.balance_reported", r#"{"date":"2025-02-01"}"#, true),
            (&first, "custody.balance_reported", r#"{"date":"2025-06-01"}"#, false),
            (&first, "custody.balance_reported", "{}", false),
        ] {
            let told = serde_json::from_str(data).unwrap();
            assert_eq!(
                Reader::new(scope, &merchant).sees_event(event_type, &told),
                sees,
                "{scope:?}: {event_type} {data}"
            );
        }
    }

    #[test]
    fn operations_shows_this_table() {
        let shown = include_str!("../../../docs/OPERATIONS.md");
        for (matter, sights) in TABLE {
            let word = |sight: &Sight| match sight {
                All => "all",
                Own => "own",
                Nothing => "–",
            };
            let cells: Vec<&str> = sights.iter().map(word).collect();
            let row = format!("| {} |", cells.join(" | "));
            let name = format!("| {matter:?}: ").to_lowercase();
            let line = shown.lines().find(|line| line.to_lowercase().starts_with(&name));
            assert!(line.is_some_and(|line| line.ends_with(&row)), "docs/OPERATIONS.md: `{matter:?}` with {row}");
        }
    }

    #[test]
    fn what_nobody_thought_of_is_for_administrators() {
        let lead = Scope { role: Role::Lead, ..Scope::everything() };
        assert_eq!(lead.sight(Matter::of_event("comet.seen")), Nothing);
        assert_eq!(Scope::everything().sight(Matter::of_event("comet.seen")), All);
        assert!(!lead.sees_event_about_nobody("key.created") && lead.sees_event_about_nobody("policy.activated"));
    }

    #[test]
    fn a_spooled_mail_shows_its_file_and_not_the_folder() {
        assert_eq!(spooled("/var/lib/warnlight/spool/20250630-1.eml"), "20250630-1.eml");
        assert_eq!(spooled("250 2.0.0 Ok: queued as 4B1"), "250 2.0.0 Ok: queued as 4B1");
    }
}

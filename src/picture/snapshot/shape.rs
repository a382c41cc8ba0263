//! What a snapshot holds of the state, field by field. A field that is added to one of these does not compile until it is
//! added here; [`super::FOLD`] is raised then, and when a fold comes to mean something else.

use super::code::Stored;
use crate::domain::access::{Key, Scope};
use crate::domain::case::Pending;
use crate::domain::code::CreditCode;
use crate::domain::dealings::{CaseItem, CheckItem, Dealings, DocumentItem, LeadItem};
use crate::domain::event::{Event, ShopName};
use crate::domain::evidence::{
    Act, Alias, Amount, Assigned, Complaint, Correction, CustodyReport, Dated, ExitItem, FilingStep, GuaranteeItem,
    Handling, Listing, RatioItem, RegisterRow, Reply, Shop, Signal,
};
use crate::domain::mark::Mark;
use crate::domain::merchant::{Before, LastEvidence, Merchant};
use crate::domain::records::{Account, GreyEntry, Lease, Lock, Papers, Records, ShopBrand, Statement};
use crate::domain::ticket_clock::{Clock, Run, TicketCall, TicketTold};
use crate::domain::whose::{Entry, State};
use crate::domain::words::Role;
use crate::domain::words::{
    AccountAction, Attribution, Channel, ClockStep, ComplaintKind, DocumentKind, EnforcementKind, ExitAction,
    FilingAction, GuaranteeKind, JointCheckStep, LeadStep, Light, ListKind, Outcome, SignalKind, SourceKind,
    TicketStep,
};
use crate::picture::cases::Kept as KeptCase;
use crate::picture::imports::{Filed as FiledIn, Kept as KeptImport, Withdrawn};
use crate::picture::keys::Kept as KeptKey;
use crate::picture::lights::Lit;
use crate::picture::marks::Marks;
use crate::picture::outbox::{Claim, Delivery, DeliveryState, Kept as Mail, Subject, Summary, Tally};
use crate::picture::rises::Rise;
use crate::picture::sources::{Filed, Source};
use crate::picture::tickets::Kept as KeptTicket;
use std::sync::Arc;
use uuid::Uuid;

macro_rules! structs {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),+ } = self;
                $($field.put(out);)+
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Stored::get(from)?),+ })
            }
        }
    )+};
}

impl Stored for Amount {
    fn put(&self, out: &mut Vec<u8>) {
        // Taken out first: the fields are packed.
        let Self { date, position, until, amount, revenue } = *self;
        (date, position, amount).put(out);
        (until, revenue).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (date, position, amount) = Stored::get(from)?;
        let (until, revenue) = Stored::get(from)?;
        Some(Self { date, position, until, amount, revenue })
    }
}

impl Stored for CustodyReport {
    fn put(&self, out: &mut Vec<u8>) {
        let Self { date, position, until, amount, abnormal } = *self;
        (date, position, amount).put(out);
        (until, abnormal).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (date, position, amount) = Stored::get(from)?;
        let (until, abnormal) = Stored::get(from)?;
        Some(Self { date, position, until, amount, abnormal })
    }
}

impl Stored for Mark {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Stored::get(from).map(Self)
    }
}

impl Stored for Rise {
    /// The change is long and has many parts, and there are few: it is kept as the log has it.
    fn put(&self, out: &mut Vec<u8>) {
        let Self { id, change } = self;
        (*id, Event::LightChanged(change.clone()).to_json()).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (id, change): (Uuid, String) = Stored::get(from)?;
        Some(Self { id, change: serde_json::from_str(&change).ok()? })
    }
}

impl Stored for Entry {
    /// What a ticket says has many parts, and there are few: it is kept as the log has it.
    fn put(&self, out: &mut Vec<u8>) {
        let Self { said, state, revision, by, not } = self;
        let (state, about) = match state {
            State::Waiting => (0_u8, None),
            State::SetAside => (1, None),
            State::Attributed(code, how) => (2, Some((*code, *how))),
        };
        (Event::ComplaintQueued(said.clone()).to_json(), *revision, not.clone()).put(out);
        (state, about).put(out);
        by.put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (said, revision, not): (String, u32, Vec<CreditCode>) = Stored::get(from)?;
        let state = match Stored::get(from)? {
            (0_u8, None) => State::Waiting,
            (1, None) => State::SetAside,
            (2, Some((code, how))) => State::Attributed(code, how),
            _ => return None,
        };
        Some(Self { said: serde_json::from_str(&said).ok()?, state, revision, by: Stored::get(from)?, not })
    }
}

macro_rules! boxed {
    ($($name:ident),+) => {$(
        impl Stored for Box<$name> {
            fn put(&self, out: &mut Vec<u8>) {
                (**self).put(out);
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                $name::get(from).map(Self::new)
            }
        }
    )+};
}

boxed!(Dealings, Records, Reply);

impl Stored for Arc<Before> {
    fn put(&self, out: &mut Vec<u8>) {
        (**self).put(out);
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Before::get(from).map(Self::new)
    }
}

impl Stored for KeptImport {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::File(file, filed) => {
                (0_u8, file.clone()).put(out);
                filed.put(out);
            }
            Self::Withdrawn(import, withdrawn) => {
                (1_u8, *import).put(out);
                withdrawn.put(out);
            }
        }
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Some(match Stored::get(from)? {
            0_u8 => Self::File(Stored::get(from)?, Stored::get(from)?),
            1 => Self::Withdrawn(Stored::get(from)?, Stored::get(from)?),
            _ => return None,
        })
    }
}

impl Stored for Subject {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Light { credit_code, sector, from, to } => {
                (0_u8, *credit_code, sector.clone()).put(out);
                (*from, *to).put(out);
            }
            Self::Silence { source, name, silent_from } => {
                (1_u8, *source).put(out);
                (name.clone(), *silent_from).put(out);
            }
            Self::Digest { worst, urgent, merchants } => {
                (2_u8, *worst).put(out);
                (*urgent, merchants.clone()).put(out);
            }
        }
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Some(match Stored::get(from)? {
            0_u8 => {
                let (credit_code, sector) = Stored::get(from)?;
                let (before, then) = Stored::get(from)?;
                Self::Light { credit_code, sector, from: before, to: then }
            }
            1 => {
                let (source, (name, silent_from)) = (Stored::get(from)?, Stored::get(from)?);
                Self::Silence { source, name, silent_from }
            }
            2 => {
                let (worst, (urgent, merchants)) = (Stored::get(from)?, Stored::get(from)?);
                Self::Digest { worst, urgent, merchants }
            }
            _ => return None,
        })
    }
}

impl Stored for KeptCase {
    /// A case and a light change have many parts, and there are few: they are kept as JSON.
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Case(case) => (0_u8, serde_json::to_string(case).unwrap_or_default()).put(out),
            Self::Pending(position, Pending { id, change, fresh }) => {
                (1_u8, Event::LightChanged(change.clone()).to_json(), *position).put(out);
                (*id, fresh.clone()).put(out);
            }
            Self::Call(position, call) => {
                (3_u8, serde_json::to_string(call).unwrap_or_default(), *position).put(out);
            }
            Self::Follows(follows) => (2_u8, String::new(), *follows).put(out),
        }
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        let (kind, text): (u8, String) = Stored::get(from)?;
        Some(match kind {
            0 => Self::Case(serde_json::from_str(&text).ok()?),
            1 => {
                let position = Stored::get(from)?;
                let (id, fresh) = Stored::get(from)?;
                Self::Pending(position, Pending { id, change: serde_json::from_str(&text).ok()?, fresh })
            }
            2 => Self::Follows(Stored::get(from)?),
            3 => Self::Call(Stored::get(from)?, serde_json::from_str(&text).ok()?),
            _ => return None,
        })
    }
}

impl Stored for KeptTicket {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Since(since) => (0_u8, *since).put(out),
            Self::Told(key, told) => (1_u8, key.clone(), told.clone()).put(out),
            Self::Run(key, run) => {
                (2_u8, key.clone()).put(out);
                run.put(out);
            }
            Self::Call(code, position, call) => {
                (3_u8, *code, *position).put(out);
                call.put(out);
            }
            Self::Revision(code, count) => (4_u8, *code, *count).put(out),
        }
    }

    fn get(from: &mut &[u8]) -> Option<Self> {
        Some(match Stored::get(from)? {
            0_u8 => Self::Since(Stored::get(from)?),
            1 => Self::Told(Stored::get(from)?, Stored::get(from)?),
            2 => Self::Run(Stored::get(from)?, Stored::get(from)?),
            3 => Self::Call(Stored::get(from)?, Stored::get(from)?, Stored::get(from)?),
            4 => Self::Revision(Stored::get(from)?, Stored::get(from)?),
            _ => return None,
        })
    }
}

macro_rules! words {
    ($($name:ident),+) => {$(
        impl Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(*self as u8);
            }

            fn get(from: &mut &[u8]) -> Option<Self> {
                let [place] = Stored::get(from)?;
                Self::ALL.get(usize::from(place)).copied()
            }
        }
    )+};
}

words!(
    Attribution,
    Role,
    DeliveryState,
    Channel,
    ClockStep,
    ComplaintKind,
    DocumentKind,
    EnforcementKind,
    ExitAction,
    FilingAction,
    GuaranteeKind,
    JointCheckStep,
    LeadStep,
    Light,
    ListKind,
    Outcome,
    SignalKind,
    SourceKind,
    AccountAction,
    TicketStep
);

structs! {
    Merchant {
        code, revision, rows, aliases, sectors, filings, balances, custody, flows, guarantees, shops, complaints, signals, rates,
        shares, listings, acts, dealings, records, last, before,
    }
    Before { until, merchant }
    LastEvidence { position, recorded_at, history }
    FiledIn { refused, import, after, unchanged }
    Withdrawn { position, at, by, reason, events, merchants, tickets }
    RegisterRow {
        position, name, industry_code, division_code, street, legal_representative, legal_representative_digest, brand,
        founded_on,
    }
    Alias { position, until, name, mall, street }
    Assigned { effective_on, position, sector }
    FilingStep { date, position, action, until, bank, account_tail }
    Dated { date, position, until }
    GuaranteeItem { from, until, position, until_known, kind, amount }
    Shop { name, position, exits }
    ShopName { mall, unit }
    ExitItem { date, position, until, action, planned_on, refund_plan, reason }
    Complaint { ticket, revision, position, received_at, channel, kind, amount, due, answered, closed, corrections, handling, reply, undone, mall }
    Handling { position, until, step, at, amount, due_at, resolved, satisfied }
    Reply { position, text }
    Correction { position, kind, due_at, answered_at, closed }
    Clock { step, since }
    Run { channel, clock }
    TicketTold { clock, step, next_at }
    TicketCall { id, to, at, tickets }
    Signal { shop, kind, date, position, until, value, cleared }
    RatioItem { shop, date, position, until, ratio }
    Listing { list, entered_on, position, until, removed }
    Act { date, position, kind, until, due_on, number, result }
    Dealings { leads, checks, cases, documents }
    DocumentItem { kind, number, office, date, position, words }
    LeadItem { lead, step, date, position, until, authority, note, reported_on, approved_at, handed_over_at }
    CheckItem { check, step, date, position, until, sectors, result }
    CaseItem { number, date, position, until, ticket }
    Records { leases, papers, brands, accounts, grey, locks, statements }
    Statement { position, at, against, text }
    Lease { shop, from, ends_on, position, until }
    Papers { shop, date, in_order, position, until }
    ShopBrand { shop, brand, position, until }
    Account { action, date, bank, tail, position, until }
    GreyEntry { entered_on, ground, review_on, removed_on, position, until }
    Lock { person, digest, locked_on, role, number, lifted_on, position, until }
    Lit { light, rules, rules_since, since, at, event, position, revision }
    KeptKey { key, ended }
    Key { id, name, scope, expires_at, created_at, revoked_at, hash }
    Scope { role, malls, sectors, divisions, bank, merchant }
    Summary { mail, position, change, subject, requested_at, tally }
    Tally { waiting, accepted, refused, given_up, bounced, acknowledged, gathered, nobody }
    Delivery { address, office, state, attempts, changed_at, retry_at, reply, opened_at, excused, claim }
    Claim { number, by, until, at }
    Mail { summary, open, rise, held, red }
    Source { kind, name, last_at, last, actor, days, rows, last_rows, file }
    Filed { rows, refused, alone }
    Marks { midnight, closed, furthest, policy, policy_round, recipients, first_recorded, last_recorded }
}

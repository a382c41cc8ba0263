//! Draws values of every event: all stated, only what is needed, or as chance has it.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use uuid::Uuid;
use warnlight::domain::code::{CreditCode, DivisionCode};
use warnlight::domain::event::*;
use warnlight::domain::hex::Hex;
use warnlight::domain::money::{Ratio, Yuan};
use warnlight::domain::time::{Day, Instant, plus_days};
use warnlight::domain::words::{
    AccountAction, ActKind, Attribution, CaseOutcome, Channel, ClockStep, ComplaintKind, DocumentKind, EnforcementKind,
    ExitAction, GuaranteeKind, JointCheckStep, LeadStep, Light, ListKind, Outcome, SignalKind, SourceKind, TicketStep,
};

/// How much of what may be left out is stated.
#[derive(Clone, Copy)]
pub(super) enum Fill {
    Everything,
    Needed,
    Some,
}

/// Draws from a seed.
pub(super) struct Pen {
    chance: ChaCha8Rng,
    fill: Fill,
}

impl Pen {
    pub(super) fn new(seed: u64, fill: Fill) -> Self {
        Self { chance: ChaCha8Rng::seed_from_u64(seed), fill }
    }

    fn draw<T: Draw>(&mut self) -> T {
        T::draw(self)
    }

    fn below(&mut self, end: usize) -> usize {
        self.chance.random_range(0..end)
    }

    fn stated(&mut self) -> bool {
        match self.fill {
            Fill::Everything => true,
            Fill::Needed => false,
            Fill::Some => self.chance.random(),
        }
    }
}

pub(super) trait Draw {
    fn draw(pen: &mut Pen) -> Self;
}

/// Optional values that are not an `Option`: a flag or a list that is left out when it says nothing.
fn stated_flag(pen: &mut Pen) -> bool {
    pen.stated()
}

fn stated_list(pen: &mut Pen) -> Vec<String> {
    if pen.stated() { vec![pen.draw(), pen.draw()] } else { Vec::new() }
}

/// A list that is never empty.
fn some_texts(pen: &mut Pen) -> Vec<String> {
    let more = stated_list(pen);
    std::iter::once(pen.draw()).chain(more).collect()
}

fn stated_duties(pen: &mut Pen) -> Vec<DutyArisen> {
    if pen.stated() { vec![pen.draw(), pen.draw()] } else { Vec::new() }
}

fn stated_acts(pen: &mut Pen) -> Vec<ActKind> {
    if pen.stated() { vec![pen.draw(), pen.draw()] } else { Vec::new() }
}

fn some_tickets(pen: &mut Pen) -> Vec<TicketLate> {
    vec![pen.draw(), pen.draw()]
}

fn any_step(pen: &mut Pen) -> u16 {
    pen.chance.random_range(1..=u16::MAX)
}

fn stated_step(pen: &mut Pen) -> Option<u16> {
    pen.stated().then(|| pen.chance.random_range(1..=u16::MAX))
}

fn stated_places(pen: &mut Pen) -> Vec<RefusedPlace> {
    if pen.stated() { vec![pen.draw(), pen.draw()] } else { Vec::new() }
}

impl Draw for String {
    fn draw(pen: &mut Pen) -> Self {
        const LETTERS: [char; 14] =
            ['北', '京', '健', '身', '·', '"', '\\', '\n', '\u{0}', '𠮷', '😀', 'a', '7', '\u{feff}'];
        let length = pen.below(12);
        (0..length).map(|_| LETTERS[pen.below(LETTERS.len())]).collect()
    }
}

impl Draw for bool {
    fn draw(pen: &mut Pen) -> Self {
        pen.chance.random()
    }
}

impl Draw for u16 {
    fn draw(pen: &mut Pen) -> Self {
        pen.chance.random()
    }
}

impl Draw for u32 {
    fn draw(pen: &mut Pen) -> Self {
        pen.chance.random_range(1..=Self::MAX)
    }
}

impl Draw for u64 {
    fn draw(pen: &mut Pen) -> Self {
        [0, 1, Self::MAX, pen.chance.random()][pen.below(4)]
    }
}

impl Draw for CreditCode {
    fn draw(pen: &mut Pen) -> Self {
        const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
        let text: String = (0..18).map(|_| char::from(ALPHABET[pen.below(31)])).collect();
        text.parse().unwrap()
    }
}

impl Draw for DivisionCode {
    fn draw(pen: &mut Pen) -> Self {
        pen.chance.random_range(100_000..=999_999_u32).to_string().parse().unwrap()
    }
}

impl Draw for Yuan {
    fn draw(pen: &mut Pen) -> Self {
        Self::from_fen(
            [0, 1, 99, 100, 50_000_000, 1_000_000_000_000_000, pen.chance.random_range(0..=1_000_000_000)]
                [pen.below(7)],
        )
    }
}

impl Draw for Ratio {
    fn draw(pen: &mut Pen) -> Self {
        let part = Decimal::new(pen.chance.random_range(0..=10_000), 4).to_string();
        let texts = [part.as_str(), "0", "0.00", "1", "1.000", "5%", "0.0501", "0.3333333333333333333333333333"];
        texts[pen.below(texts.len())].parse().unwrap()
    }
}

impl Draw for Day {
    fn draw(pen: &mut Pen) -> Self {
        let leap: Self = "2024-02-29".parse().unwrap();
        let far = pen.chance.random_range(-20_000..=20_000);
        [leap, plus_days(leap, far)][pen.below(2)]
    }
}

impl Draw for Instant {
    fn draw(pen: &mut Pen) -> Self {
        let nanosecond = [0, 1, 500_000_000, 999_999_999][pen.below(4)];
        Self::new(pen.chance.random_range(0..=4_000_000_000), nanosecond).unwrap()
    }
}

impl<const N: usize> Draw for Hex<N> {
    fn draw(pen: &mut Pen) -> Self {
        Self(std::array::from_fn(|_| pen.chance.random()))
    }
}

impl Draw for Uuid {
    fn draw(pen: &mut Pen) -> Self {
        Self::from_u128(pen.chance.random())
    }
}

impl<T: Draw> Draw for Option<T> {
    fn draw(pen: &mut Pen) -> Self {
        pen.stated().then(|| pen.draw())
    }
}

impl<T: Draw> Draw for Vec<T> {
    fn draw(pen: &mut Pen) -> Self {
        let length = match pen.fill {
            Fill::Everything => 2,
            Fill::Needed => 0,
            Fill::Some => pen.below(4),
        };
        (0..length).map(|_| pen.draw()).collect()
    }
}

macro_rules! words {
    ($($word:ty),+) => {$(
        impl Draw for $word {
            fn draw(pen: &mut Pen) -> Self {
                Self::ALL[pen.below(Self::ALL.len())]
            }
        }
    )+};
}

words!(
    ActKind,
    Attribution,
    CaseOutcome,
    Light,
    GuaranteeKind,
    Channel,
    ClockStep,
    ComplaintKind,
    SignalKind,
    ListKind,
    Outcome,
    ExitAction,
    DocumentKind,
    EnforcementKind,
    LeadStep,
    JointCheckStep,
    AccountAction,
    TicketStep,
    SourceKind
);

impl Draw for Entry {
    fn draw(pen: &mut Pen) -> Self {
        match pen.below(20) {
            0 => Self::Filing { date: pen.draw() },
            1 => Self::Balance { date: pen.draw() },
            2 => Self::Custody { date: pen.draw() },
            3 => Self::Guarantee { kind: pen.draw(), amount: pen.draw(), from: pen.draw() },
            4 => Self::Exit { mall: pen.draw(), unit: pen.draw(), action: pen.draw(), date: pen.draw() },
            5 => Self::Signal { mall: pen.draw(), unit: pen.draw(), kind: pen.draw(), date: pen.draw() },
            6 => Self::ComplaintRate { mall: pen.draw(), unit: pen.draw(), date: pen.draw() },
            7 => Self::PrepaidShare { mall: pen.draw(), unit: pen.draw(), date: pen.draw() },
            8 => Self::Listing { list: pen.draw(), entered_on: pen.draw() },
            9 => Self::Act { kind: pen.draw(), date: pen.draw(), number: pen.draw() },
            10 => Self::Lead { lead: pen.draw(), step: pen.draw() },
            11 => Self::JointCheck { check: pen.draw(), step: pen.draw() },
            12 => Self::Case { number: pen.draw() },
            13 => Self::Ticket { ticket: pen.draw(), channel: pen.draw(), step: pen.draw(), at: pen.draw() },
            14 => Self::Lease { mall: pen.draw(), unit: pen.draw(), from: pen.draw() },
            15 => Self::Papers { mall: pen.draw(), unit: pen.draw(), date: pen.draw() },
            16 => Self::ShopBrand { mall: pen.draw(), unit: pen.draw(), brand: pen.draw() },
            17 => Self::Account { action: pen.draw(), bank: pen.draw(), date: pen.draw() },
            18 => Self::GreyListing { entered_on: pen.draw() },
            _ => Self::Lock { person_digest: pen.draw(), locked_on: pen.draw() },
        }
    }
}

impl Draw for HoldCause {
    fn draw(pen: &mut Pen) -> Self {
        if pen.below(2) == 0 { Self::Server } else { Self::Unclear }
    }
}

impl Draw for LightCause {
    fn draw(pen: &mut Pen) -> Self {
        [Self::Evidence, Self::Link, Self::Time, Self::Policy][pen.below(4)]
    }
}

/// A digest: 64 lower-case hex letters.
fn digest(pen: &mut Pen) -> String {
    let half: [u128; 2] = [pen.chance.random(), pen.chance.random()];
    format!("{:032x}{:032x}", half[0], half[1])
}

macro_rules! payloads {
    ($($payload:ident { $($field:ident $(: $how:expr)?),+ $(,)? })+) => {$(
        impl Draw for $payload {
            fn draw(pen: &mut Pen) -> Self {
                Self { $($field: payloads!(@ pen $($how)?)),+ }
            }
        }
    )+};
    (@ $pen:ident) => { $pen.draw() };
    (@ $pen:ident $how:expr) => { $how($pen) };
}

payloads! {
    MerchantDetails {
        credit_code, name, industry_code, division_code, street, mall, unit, legal_representative,
        legal_representative_digest, brand, founded_on,
    }
    MerchantAlias { credit_code, alias, mall, street, reason }
    MerchantReplied { credit_code, text }
    SectorAssigned { credit_code, sector, effective_on }
    ShopOpened { credit_code, mall, unit, name, street }
    ShopLinked { credit_code, mall, unit, brand }
    Filing { credit_code, date, bank, account_tail }
    PrepaidReported { credit_code, date, outstanding, revenue_last_year, sold, redeemed, refunded }
    CustodyAccount { credit_code, date, bank, account_tail }
    CustodyReported { credit_code, date, held, abnormal: stated_flag }
    AbnormalFlowReported { credit_code, date }
    Guarantee { credit_code, kind, amount, from, until }
    LeaseRecorded { credit_code, mall, unit, from, until }
    PapersChecked { credit_code, mall, unit, date, in_order }
    ExitNotice { credit_code, mall, unit, date, planned_on, refund_plan, reason }
    ExitStep { credit_code, mall, unit, date, planned_on, refund_plan, reason }
    SignalRaised { credit_code, mall, unit, kind, date, value }
    SignalCleared { credit_code, mall, unit, kind, date, cleared_on }
    RatioReported { credit_code, mall, unit, date, ratio }
    ComplaintReceived { ticket, credit_code, channel, kind, received_at, amount, due_at, complainant, mall }
    ComplaintSupplemented { ticket, credit_code, amount, due_at, mall }
    ComplaintQueued {
        ticket, channel, kind, received_at, amount, due_at, answered_at, closed_at, outcome, name, address, mall, brand, street, source,
        profile
    }
    ComplaintAttributed { ticket, credit_code, how, reason, candidates: stated_list }
    AttributionUndone { ticket, credit_code, reason }
    ComplaintSetAside { ticket, reason }
    ComplaintCorrected {
        ticket, credit_code, kind, amount, due_at, answered_at, closed_at, outcome, mall, before,
    }
    TicketParts { kind, amount, due_at, answered_at, closed_at, outcome, mall }
    EntryCancelled { credit_code, entry, reason }
    ImportTaken { file, digest, after, rows, accepted, unchanged, refused, remarks, refused_places: stated_places }
    ImportWithdrawn { import, reason, files, after, upto, events, merchants, tickets }
    RefusedPlace { sheet, row }
    ComplaintStep { ticket, credit_code, at }
    ComplaintRated { ticket, credit_code, at, resolved, satisfied }
    ComplaintReply { ticket, credit_code, reply }
    Refund { ticket, credit_code, at, amount }
    PassedToEnterprise { ticket, credit_code, at, due_at }
    ComplaintEscalated { credit_code, at, step: any_step, to, next_at, tickets: some_tickets }
    TicketLate { ticket, clock, since, due_at }
    GreyListed { credit_code, entered_on, ground, review_on }
    GreyDelisted { credit_code, entered_on, removed_on }
    PersonLocked { credit_code, person, person_digest, locked_on, role, number }
    PersonUnlocked { credit_code, person_digest, locked_on, lifted_on }
    EnforcementAct { credit_code, date, number, due_on }
    RectificationOrdered { credit_code, date, due_on, number }
    ListEntered { credit_code, list, entered_on }
    ListRemoved { credit_code, list, entered_on, removed_on }
    SiteChecked { credit_code, date, result, number, due_on }
    CaseOpened { credit_code, number, date, ticket }
    DocumentIssued { credit_code, kind, number, date, due_on, title, to, paragraphs: some_texts, office }
    LeadTransferred { credit_code, lead, date, authority, note, reported_on, approved_at, handed_over_at }
    Lead { credit_code, lead, date, authority, note }
    JointCheck { credit_code, check, date, sectors, result }
    LightChanged { credit_code, from, to, at, known, pack, policy: digest, cause, notify, reasons }
    Reason { rule, version, light, clause, facts, events }
    ShopName { mall, unit }
    FactSeen { fact, value, comparison, threshold, shop }
    LightOverridden { credit_code, to, reason, until }
    ObjectionRaised { credit_code, against, text }
    ObjectionDecided { credit_code, objection, upheld, reason }
    DeadlineMissed { credit_code, rule, at }
    DayClosed { day, at, merchants, changed }
    TimeReached { at }
    WatchHeld { hold, until }
    WatchReleased { hold }
    AlertRaised { alert, credit_code, light, change, sector, at, duties: stated_duties }
    DutyArisen { duty, rule, version, light, zh, en, who, clause, due_at, acts: stated_acts }
    AlertAssigned { alert, credit_code, to, at, note }
    AlertRouted { alert, credit_code, at, from, to, tells }
    AlertNoted { alert, credit_code, at, note }
    AlertActedOn { alert, credit_code, at, note, kind, date }
    DutyWaived { alert, credit_code, duty, at, reason }
    DutyPaused { alert, credit_code, duty, at, until, reason }
    AlertEscalated { alert, credit_code, at, note, duty, step: stated_step, to, next_at }
    AlertClosed { alert, credit_code, at, note, outcome, change }
    AlertStep { alert, credit_code, at, note }
    LightNews { change, credit_code, merchant, from, to, sector, call }
    SourceSilence { kind, name, last, from }
    MailDigest { urgent, lines }
    DigestLine { credit_code, merchant, from, to, at, alert, zh, en, due_at, late, group }
    MailGathered { mail, address, at, mails }
    MailCall { alert, cause, zh, en, due_at, routed: stated_flag }
    Recipient { address, office, language }
    MailClaimed { mail, address, attempt, claim, by, at, until }
    MailAttempted { mail, address, attempt, at, reply, retry_at }
    MailHeldUp { mail, address, attempt, cause, at }
    MailSendAgainOrdered { mail, address, at }
    MailLinkOpened { mail, address, at }
    MailFate { mail, address, at, reply }
    PolicyActivated { pack, digest: digest, files, follow_up: stated_flag }
    PolicyFile { name, text }
    RecipientsChanged { digest: digest, text }
    UserNamed { user }
    KeyCreated {
        key, name, hash: digest, role, malls: stated_list, sectors: stated_list, divisions: stated_list, bank,
        merchant, expires_at,
    }
    KeyRevoked { key, reason }
    SessionEnded { session, key, ends_at }
    RequestAnswered { content: digest, answer }
    RecordErased { pseudonym, through, ground }
    CheckpointSigned { position, digest, at, key, signature }
}

fn mail_requested(pen: &mut Pen, news: MailNews) -> Event {
    Event::MailRequested(MailRequested {
        mail: pen.draw(),
        at: pen.draw(),
        recipients: pen.draw(),
        gathered: stated_list(pen),
        news,
    })
}

/// Draws one event of every type; of a type with alternatives, one of each.
pub(super) fn every_event(pen: &mut Pen) -> Vec<Event> {
    let news = [MailNews::Light(pen.draw()), MailNews::Silence(pen.draw()), MailNews::Digest(pen.draw())];
    let mails: Vec<Event> = news.into_iter().map(|news| mail_requested(pen, news)).collect();
    mails.into_iter().chain(of_one_shape(pen)).collect()
}

fn of_one_shape(pen: &mut Pen) -> Vec<Event> {
    macro_rules! events {
        ($($variant:ident),+ $(,)?) => { vec![$(Event::$variant(pen.draw())),+] };
    }
    events![
        MerchantRegistered,
        MerchantDetailsChanged,
        SectorAssigned,
        AliasRecorded,
        AliasWithdrawn,
        MerchantReplied,
        ShopOpened,
        ShopLinked,
        DeregistrationApplied,
        DeregistrationEnded,
        FilingSubmitted,
        FilingAccepted,
        FilingReturned,
        FilingAmended,
        FilingCancelled,
        FilingVolunteered,
        PrepaidReported,
        AccountOpened,
        AccountClosed,
        CustodyReported,
        AbnormalFlowReported,
        GuaranteePosted,
        GuaranteeExpired,
        LeaseRecorded,
        PapersChecked,
        ExitNoticePosted,
        ExitNoticeAmended,
        ExitNoticeWithdrawn,
        ShopClosed,
        ShopReopened,
        SignalRaised,
        SignalCleared,
        ComplaintRateReported,
        PrepaidShareReported,
        ComplaintReceived,
        ComplaintSupplemented,
        ComplaintCorrected,
        ComplaintQueued,
        ComplaintAttributed,
        AttributionUndone,
        ComplaintSetAside,
        ComplaintAnswered,
        ComplaintResolved,
        ComplaintClosedUnresolved,
        ComplaintWithdrawn,
        ComplaintMerged,
        ComplaintRated,
        ReplyRecorded,
        ComplaintSettledInShop,
        RefundPromised,
        RefundPaid,
        PassedToEnterprise,
        ComplaintEscalated,
        WarningLetterIssued,
        YellowCardPosted,
        YellowCardRemoved,
        TalkHeld,
        RectificationOrdered,
        RectificationMet,
        RectificationMissed,
        PenaltyDecided,
        SiteChecked,
        CaseOpened,
        DocumentIssued,
        Listed,
        Delisted,
        GreyListed,
        GreyDelisted,
        PersonLocked,
        PersonUnlocked,
        LeadTransferred,
        LeadAccepted,
        LeadReturned,
        JointCheckProposed,
        JointCheckConfirmed,
        JointCheckDone,
        EntryCancelled,
        ImportTaken,
        ImportWithdrawn,
        LightChanged,
        LightOverridden,
        ObjectionRaised,
        ObjectionDecided,
        DeadlineMissed,
        DayClosed,
        TimeReached,
        WatchHeld,
        WatchReleased,
        AlertRaised,
        AlertAcknowledged,
        AcknowledgementWithdrawn,
        AlertAssigned,
        AlertRouted,
        AlertNoted,
        AlertActedOn,
        DutyWaived,
        DutyPaused,
        AlertReminded,
        AlertEscalated,
        AlertClosed,
        MailGathered,
        MailClaimed,
        MailAttempted,
        MailHeldUp,
        MailAccepted,
        MailRefused,
        MailGivenUp,
        MailSendAgainOrdered,
        MailLinkOpened,
        MailBounced,
        MailAcknowledged,
        PolicyActivated,
        RecipientsChanged,
        UserCreated,
        UserRevoked,
        KeyCreated,
        KeyRevoked,
        SessionEnded,
        RequestAnswered,
        RecordErased,
        CheckpointSigned,
    ]
}

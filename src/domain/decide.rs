//! Decisions: a command and what is known become events, or a refusal that says what is wrong.
//!
//! A row that says what stands becomes no event at all; one that says something else is a correction ([`super::standing`]).

mod dealings;
mod document;
mod records;
pub(super) mod ticket_row;

use super::case;
use super::check::{Problem, check};
use super::code::CreditCode;
use super::command::{Command, RecordEnforcement, RecordExit, RecordFiling, RecordListing, RecordSignal};
use super::envelope::Position;
use super::event::{
    AbnormalFlowReported, CustodyReported, EntryCancelled, Event, ExitNotice, ExitStep, Filing, ListEntered,
    ListRemoved, MerchantDetails, PrepaidReported, RatioReported, RectificationOrdered, SectorAssigned, ShopOpened,
    SignalCleared, SignalRaised, SiteChecked,
};
use super::evidence::{Complaint, FilingStep, STANDING};
use super::exit::{Exit, exit_on};
use super::merchant::Merchant;
use super::remarks;
use super::standing::{self, Entered};
use super::ticket;
use super::time::{Day, Instant, NO_END, start_of};
use super::whose::{self, Clues, Entry, Queue, name_of};
use super::words::{Agreement, EnforcementKind, ExitAction, FilingAction, FilingStatus, ListKind};
use super::world::World;

/// What a decision may look at.
#[derive(Debug, Clone)]
pub struct Known<'a> {
    /// The merchant the command speaks of, if anything is known about it.
    pub merchant: Option<&'a Merchant>,
    /// What is known about the ticket, if the command speaks of one.
    pub ticket: Option<ticket::Known<'a>>,
    /// The ticket, if it came without a credit code first.
    pub queued: Option<&'a Entry>,
    /// Whom a ticket without a credit code means, if that is sure, and why.
    pub exact: Option<(&'a Merchant, Vec<Agreement>)>,
    /// The other name that the command speaks of means others, too.
    pub shared: bool,
    /// The other name that the command speaks of is that of a mall or a street.
    pub names_place: bool,
    /// The number of the letter that the command speaks of is that of a letter of its office to another merchant.
    pub number_taken: bool,
    /// Sectors that can be assigned.
    pub sectors: &'a [String],
    /// Details of the merchant that a later row of the same file says otherwise.
    pub overruled: &'a [&'static str],
    /// Who says it, and the case it is about, if it is about one.
    pub doing: case::Doing<'a>,
}

impl<'a> Known<'a> {
    /// Returns the ticket that a command names, if it is about this merchant. Whose it is instead is told to nobody: who asks may not
    /// see that merchant.
    fn ticket_of(&self, code: CreditCode, number: &str) -> Result<&'a Complaint, Vec<Problem>> {
        let found = self.ticket.as_ref().and_then(|found| found.ticket).filter(|(owner, _)| owner.code == code);
        found.map(|(_, complaint)| complaint).ok_or_else(|| vec![dealings::no_ticket(number)])
    }

    /// Returns what a world and a queue know that matters for a command.
    #[must_use]
    pub fn of(world: &'a World, queue: &'a Queue, command: &Command, sectors: &'a [String]) -> Self {
        let named = |name: &str| world.get(world.ticket_owner(name)?);
        let by_code = |code| world.get(code);
        let shared = whose::is_shared(command, queue, |by| world.called(by));
        let names_place = names_place(command, world);
        let number_taken = number_taken(command, |office, number| world.written_to(office, number));
        Self {
            shared,
            names_place,
            number_taken,
            ..Self::by(queue, command, sectors, by_code, named, |clues| world.whose(clues))
        }
    }

    /// Returns what matters for a command, where merchants are found by code, by the name of a ticket, and by clues.
    pub fn by(
        queue: &'a Queue,
        command: &Command,
        sectors: &'a [String],
        by_code: impl Fn(CreditCode) -> Option<&'a Merchant>,
        by_ticket: impl Fn(&str) -> Option<&'a Merchant>,
        by_clues: impl FnOnce(&Clues<'_>) -> Option<(&'a Merchant, Vec<Agreement>)>,
    ) -> Self {
        let number = command.ticket();
        let queued = number.and_then(|(ticket, channel)| queue.get(&name_of(ticket, channel)));
        let ticket = number.map(|(ticket, channel)| match queued {
            // The name that it got when it came without a code stays.
            Some(entry) => ticket::of_name(&entry.said.ticket, by_ticket),
            None => ticket::find_of(ticket, channel, by_ticket),
        });
        let exact = match command {
            Command::RecordUnattributed(row) => by_clues(&Clues::from(row)),
            _ => None,
        };
        Self {
            merchant: command.credit_code().and_then(by_code),
            ticket,
            queued,
            exact,
            shared: false,
            names_place: false,
            number_taken: false,
            sectors,
            overruled: &[],
            doing: case::Doing::default(),
        }
    }
}

/// Says whether the other name that a command records is that of a mall or a street.
#[must_use]
pub fn names_place(command: &Command, world: &World) -> bool {
    matches!(command, Command::RecordAlias(row) if world.gazetteer().has(&row.alias))
}

/// Says whether a letter is to have a number that its office gave to a letter to another merchant. `written_to` returns to whom an
/// office wrote a letter of a number.
pub fn number_taken<'a>(command: &Command, written_to: impl FnOnce(&str, &str) -> Vec<&'a Merchant>) -> bool {
    let Command::IssueDocument(row) = command else { return false };
    written_to(&row.office, &row.number).iter().any(|merchant| merchant.code != row.credit_code)
}

/// What follows from a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Stream the events go to.
    pub stream: String,
    /// Number of events the stream had when this was decided.
    pub revision: u32,
    /// The events with the instants they were true at; none if all was known already.
    pub events: Vec<(Instant, Event)>,
    /// What is odd but no ground for refusal.
    pub warnings: Vec<Problem>,
}

/// Returns the stream of a merchant's events.
#[must_use]
pub fn merchant_stream(code: CreditCode) -> String {
    format!("merchant-{code}")
}

/// Returns the stream of a ticket's events.
#[must_use]
pub fn complaint_stream(ticket: &str) -> String {
    format!("complaint-{ticket}")
}

/// Decides a command at `now`.
///
/// # Errors
/// Every problem found, each naming its field; then nothing follows from the command.
pub fn decide(command: &Command, known: Known<'_>, now: Instant) -> Result<Decision, Vec<Problem>> {
    let problems = check(command, now);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut warnings = Vec::new();
    if let Some(code) = command.credit_code().filter(|code| !code.check_character_holds()) {
        warnings.push(failed_check_character(code));
    }
    if let Command::HandleCase(row) = command {
        let mut decision = case::decide(row, known.doing, now)?;
        decision.warnings.splice(..0, warnings);
        return Ok(decision);
    }
    if let Some(decided) = of_ticket(command, &known, now) {
        let (name, (revision, events)) = decided?;
        warnings.extend(whose::left_waiting(command, known.queued, &events));
        return Ok(Decision { stream: complaint_stream(&name), revision, events, warnings });
    }
    // What names no merchant is about a ticket.
    let Some(code) = command.credit_code() else { return Err(Vec::new()) };
    let events = facts(command, &known, now, &mut warnings)?;
    // The first event is the row itself. What else it brings stands or falls on its own: a signal known already may
    // come again with the day it was cleared.
    let events: Vec<_> = events.into_iter().filter(|(_, event)| !stands(known.merchant, event)).collect();
    if !events.is_empty() {
        warnings.extend(remarks::of(command, known.merchant));
    }
    let revision = known.merchant.map_or(0, |merchant| merchant.revision);
    Ok(Decision { stream: merchant_stream(code), revision, events, warnings })
}

/// Decides what is said of a ticket: its name, with what follows in its stream. `None` for everything else.
fn of_ticket(
    command: &Command,
    known: &Known<'_>,
    now: Instant,
) -> Option<Result<(String, ticket_row::Follows), Vec<Problem>>> {
    let queued = known.queued;
    let found =
        |number: &str| known.ticket.clone().unwrap_or_else(|| ticket::Known { name: number.to_owned(), ticket: None });
    // A ticket that came without a code has events before those of the complaint.
    let told = |(revision, events): ticket_row::Follows| (queued.map_or(revision, |entry| entry.revision), events);
    Some(match command {
        Command::RecordComplaint(row) => {
            let ticket = found(&row.ticket);
            ticket_row::decide(row, &ticket).map(|follows| {
                let (revision, mut events) = told(follows);
                if queued.is_some() && ticket.ticket.is_none() {
                    events.insert(0, (now, Event::ComplaintAttributed(whose::by_code(&ticket.name, row.credit_code))));
                }
                (ticket.name, (revision, events))
            })
        }
        Command::RecordUnattributed(row) => {
            let ticket = found(&row.ticket);
            match ticket.ticket {
                Some((owner, complaint)) => {
                    let follows = ticket_row::decide(&whose::about(row, owner.code, complaint), &ticket);
                    follows.map(|follows| (ticket.name.clone(), told(follows)))
                }
                None => {
                    let name = name_of(&row.ticket, row.channel);
                    let events = whose::queue_row(row, &name, queued, known.exact.clone(), now);
                    events.map(|events| (name, told((0, events))))
                }
            }
        }
        Command::HandleComplaint(row) => {
            let name = found(&row.ticket).name;
            records::handling(row, known).map(|follows| (name, told(follows)))
        }
        Command::DecideUnattributed(row) => {
            let name = name_of(&row.ticket, row.channel);
            let events = whose::decide_queued(row, &name, queued, known.merchant, now);
            events.map(|events| (name, told((0, events))))
        }
        _ => return None,
    })
}

/// Says whether an event would say only what stands.
fn stands(merchant: Option<&Merchant>, event: &Event) -> bool {
    merchant.map_or(is_no_end(event), |merchant| standing::stands(merchant, event))
}

/// Says whether an event says that something has no end: about something new that is no news.
fn is_no_end(event: &Event) -> bool {
    match event {
        Event::SignalCleared(row) => row.cleared_on == NO_END,
        Event::Delisted(row) | Event::DeregistrationEnded(row) => row.removed_on == NO_END,
        _ => false,
    }
}

fn facts(
    command: &Command,
    known: &Known<'_>,
    now: Instant,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<(Instant, Event)>, Vec<Problem>> {
    let on = |day: Day, event: Event| vec![(start_of(day), event)];
    Ok(match command {
        Command::RegisterMerchant(row) => register(row, known.merchant, known.overruled, now),
        Command::AssignSector(row) => assign(row, known.sectors)?,
        Command::RecordAlias(row) => vec![(now, Event::AliasRecorded(whose::new_alias(row, known)?))],
        Command::WithdrawAlias(row) => vec![(now, Event::AliasWithdrawn(whose::old_alias(row, known.merchant)?))],
        Command::RecordFiling(row) => on(row.date, filing(row, known.merchant)?),
        Command::ReportBalance(row) => on(
            row.date,
            Event::PrepaidReported(PrepaidReported {
                credit_code: row.credit_code,
                date: row.date,
                outstanding: row.outstanding,
                revenue_last_year: row.revenue_last_year,
                sold: None,
                redeemed: None,
                refunded: None,
            }),
        ),
        Command::ReportCustody(row) => {
            let abnormal = standing::abnormal(known.merchant, row.date, row.abnormal);
            let report = Event::CustodyReported(CustodyReported {
                credit_code: row.credit_code,
                date: row.date,
                held: row.held,
                abnormal,
            });
            let mut events = on(row.date, report);
            if abnormal {
                let flow = AbnormalFlowReported { credit_code: row.credit_code, date: row.date };
                events.push((start_of(row.date), Event::AbnormalFlowReported(flow)));
            }
            events
        }
        Command::PostGuarantee(row) => on(row.from, Event::GuaranteePosted(row.clone())),
        Command::RecordExit(row) => on(row.date, exit(row, known.merchant)?),
        Command::RecordSignal(row) => signal(row),
        Command::ReportComplaintRate(row) => on(
            row.date,
            Event::ComplaintRateReported(RatioReported {
                credit_code: row.credit_code,
                mall: row.mall.clone(),
                unit: row.unit.clone(),
                date: row.date,
                ratio: row.ratio,
            }),
        ),
        Command::ReportPrepaidShare(row) => on(
            row.date,
            Event::PrepaidShareReported(RatioReported {
                credit_code: row.credit_code,
                mall: row.mall.clone(),
                unit: row.unit.clone(),
                date: row.date,
                ratio: row.ratio,
            }),
        ),
        Command::RecordListing(row) => listing(row),
        Command::RecordEnforcement(row) => enforcement(row, known.merchant, warnings)?,
        Command::RecordLead(row) => dealings::lead(row, known.merchant)?,
        Command::RecordJointCheck(row) => dealings::joint_check(row, known, now)?,
        Command::RecordCase(row) => dealings::case(row, known)?,
        Command::IssueDocument(row) => document::decide(row, known, warnings)?,
        Command::RecordAccount(row) => records::account(row, known.merchant)?,
        Command::RecordTenancy(row) => records::tenancy(row, now),
        Command::RecordGreyListing(row) => records::grey_listing(row, known.merchant)?,
        Command::RecordLock(row) => records::lock(row, known.merchant)?,
        Command::MakeStatement(row) => records::statement(row, now),
        Command::CancelEntry(row) => cancel(row, known.merchant, now)?,
        // Decided above, on the stream of the ticket or the case.
        Command::RecordComplaint(_)
        | Command::RecordUnattributed(_)
        | Command::DecideUnattributed(_)
        | Command::HandleComplaint(_)
        | Command::HandleCase(_) => Vec::new(),
    })
}

fn register(
    row: &MerchantDetails,
    merchant: Option<&Merchant>,
    overruled: &[&str],
    now: Instant,
) -> Vec<(Instant, Event)> {
    let registered = merchant.is_some_and(|merchant| merchant.is_registered(Position::MAX));
    let details = without(row, overruled);
    let entity = if registered { Event::MerchantDetailsChanged(details) } else { Event::MerchantRegistered(details) };
    let mut events = vec![(now, entity)];
    let shop_known = merchant.is_some_and(|merchant| merchant.shop(row.mall.as_deref(), row.unit.as_deref()).is_some());
    if !shop_known {
        let shop = ShopOpened {
            credit_code: row.credit_code,
            mall: row.mall.clone(),
            unit: row.unit.clone(),
            name: row.name.clone(),
            street: row.street.clone(),
        };
        events.push((now, Event::ShopOpened(shop)));
    }
    events
}

/// Returns a row of the register without what the same file says otherwise further down. Its shop stays as it states it.
fn without(row: &MerchantDetails, overruled: &[&str]) -> MerchantDetails {
    fn kept<T: Clone>(overruled: &[&str], field: &str, said: &Option<T>) -> Option<T> {
        said.clone().filter(|_| !overruled.contains(&field))
    }
    MerchantDetails {
        credit_code: row.credit_code,
        name: kept(overruled, "name", &row.name),
        industry_code: kept(overruled, "industry_code", &row.industry_code),
        division_code: kept(overruled, "division_code", &row.division_code),
        street: kept(overruled, "street", &row.street),
        mall: row.mall.clone(),
        unit: row.unit.clone(),
        legal_representative: kept(overruled, "legal_representative", &row.legal_representative),
        legal_representative_digest: kept(overruled, "legal_representative_digest", &row.legal_representative_digest),
        brand: kept(overruled, "brand", &row.brand),
        founded_on: kept(overruled, "founded_on", &row.founded_on),
    }
}

fn assign(row: &SectorAssigned, sectors: &[String]) -> Result<Vec<(Instant, Event)>, Vec<Problem>> {
    if sectors.contains(&row.sector) {
        return Ok(vec![(start_of(row.effective_on), Event::SectorAssigned(row.clone()))]);
    }
    let list = sectors.join(", ");
    Err(vec![Problem {
        field: "sector",
        code: "unknown_sector",
        value: row.sector.clone(),
        zh: format!("没有行业 `{}`；可用：{list}", row.sector),
        en: format!("there is no sector `{}`; use one of {list}", row.sector),
    }])
}

fn filing(row: &RecordFiling, merchant: Option<&Merchant>) -> Result<Event, Vec<Problem>> {
    let step = Filing {
        credit_code: row.credit_code,
        date: row.date,
        bank: row.bank.clone(),
        account_tail: row.account_tail.clone(),
    };
    Ok(match row.status {
        FilingAction::Submitted => Event::FilingSubmitted(step),
        FilingAction::Accepted => Event::FilingAccepted(step),
        FilingAction::Returned => Event::FilingReturned(step),
        FilingAction::Cancelled => Event::FilingCancelled(step),
        FilingAction::Volunteered => Event::FilingVolunteered(step),
        FilingAction::Amended => {
            let stood = merchant.and_then(|merchant| merchant.filing_on(row.date, Position::MAX));
            let status = stood.and_then(FilingStep::status);
            if !matches!(status, Some(FilingStatus::Submitted | FilingStatus::Accepted)) {
                return Err(vec![Problem {
                    field: "status",
                    code: "no_standing_filing",
                    value: row.status.zh().to_owned(),
                    zh: format!("{} 当日没有有效的备案，无从变更；请先记录备案，或核对日期", row.date),
                    en: format!(
                        "no filing stands on {}, so there is nothing to amend; record the filing first, or check the day",
                        row.date
                    ),
                }]);
            }
            Event::FilingAmended(step)
        }
        FilingAction::None => {
            return Err(vec![Problem {
                field: "status",
                code: "not_a_step",
                value: row.status.to_string(),
                zh: "“未备案”不是备案步骤；请用已提交、已备案、已退回、已注销、备案变更或自愿备案".to_owned(),
                en: "`none` is not a step of a filing; use submitted, accepted, returned, cancelled, amended or volunteered".to_owned(),
            }]);
        }
    })
}

fn exit(row: &RecordExit, merchant: Option<&Merchant>) -> Result<Event, Vec<Problem>> {
    let no_plan = || {
        vec![Problem {
            field: "planned_on",
            code: "missing",
            value: String::new(),
            zh: "公示或变更须写明计划撤店日期".to_owned(),
            en: "posting or amending a notice needs the planned exit date".to_owned(),
        }]
    };
    let notice = || {
        row.planned_on.ok_or_else(no_plan).map(|planned_on| ExitNotice {
            credit_code: row.credit_code,
            mall: row.mall.clone(),
            unit: row.unit.clone(),
            date: row.date,
            planned_on,
            refund_plan: row.refund_plan.clone(),
            reason: row.reason.clone(),
        })
    };
    let step = || ExitStep {
        credit_code: row.credit_code,
        mall: row.mall.clone(),
        unit: row.unit.clone(),
        date: row.date,
        planned_on: row.planned_on,
        refund_plan: row.refund_plan.clone(),
        reason: row.reason.clone(),
    };
    let event = match row.action {
        ExitAction::Post => Event::ExitNoticePosted(notice()?),
        ExitAction::Close => Event::ShopClosed(step()),
        ExitAction::Amend => Event::ExitNoticeAmended(notice()?),
        ExitAction::Withdraw => Event::ExitNoticeWithdrawn(step()),
        ExitAction::Reopen => Event::ShopReopened(step()),
    };
    if stands(merchant, &event) {
        return Ok(event);
    }
    if matches!(row.action, ExitAction::Post | ExitAction::Close) {
        return match merchant.and_then(|merchant| remarks::unknown_unit(row, merchant)) {
            Some(units) if !row.new_unit => Err(vec![remarks::unconfirmed(row, &units)]),
            _ => Ok(event),
        };
    }
    let shop = merchant.and_then(|merchant| merchant.shop(row.mall.as_deref(), row.unit.as_deref()));
    let standing = shop.map_or(Exit::None, |shop| exit_on(&shop.exits, row.date, Position::MAX));
    if row.action == ExitAction::Reopen {
        return if matches!(standing, Exit::Closed { .. }) { Ok(event) } else { Err(vec![not_closed(row)]) };
    }
    if standing == Exit::None {
        let place = format!("{} {}", row.mall.as_deref().unwrap_or_default(), row.unit.as_deref().unwrap_or_default());
        let (zh, en) =
            if place.trim().is_empty() { ("沿街门店", "street shop") } else { (place.trim(), place.trim()) };
        return Err(vec![Problem {
            field: "action",
            code: "no_standing_notice",
            value: row.action.zh().to_owned(),
            zh: format!("{}当日该店（{zh}）没有有效的撤店公示，无法{}；请先公示", row.date, row.action.zh()),
            en: format!(
                "no exit notice stands on {} for this shop ({en}), so there is nothing to {}; post a notice first",
                row.date, row.action
            ),
        }]);
    }
    Ok(event)
}

fn not_closed(row: &RecordExit) -> Problem {
    Problem {
        field: "action",
        code: "not_closed",
        value: row.action.zh().to_owned(),
        zh: format!("{} 当日该店没有闭店记录，无从恢复营业；请先记录闭店，或核对商场、铺位号和日期", row.date),
        en: format!(
            "the shop is not known as closed on {}, so it cannot reopen; record the closing first, or check mall, unit and day",
            row.date
        ),
    }
}

fn signal(row: &RecordSignal) -> Vec<(Instant, Event)> {
    let raised = SignalRaised {
        credit_code: row.credit_code,
        mall: row.mall.clone(),
        unit: row.unit.clone(),
        kind: row.kind,
        date: row.date,
        value: row.value.clone(),
    };
    let mut events = vec![(start_of(row.date), Event::SignalRaised(raised))];
    if let Some(cleared_on) = row.cleared_on {
        let cleared = SignalCleared {
            credit_code: row.credit_code,
            mall: row.mall.clone(),
            unit: row.unit.clone(),
            kind: row.kind,
            date: row.date,
            cleared_on,
        };
        events.push((start_of(end_or(cleared_on, row.date)), Event::SignalCleared(cleared)));
    }
    events
}

fn listing(row: &RecordListing) -> Vec<(Instant, Event)> {
    let entered = ListEntered { credit_code: row.credit_code, list: row.list, entered_on: row.entered_on };
    let deregistering = row.list == ListKind::Deregistering;
    let entry = if deregistering { Event::DeregistrationApplied(entered) } else { Event::Listed(entered) };
    let mut events = vec![(start_of(row.entered_on), entry)];
    if let Some(removed_on) = row.removed_on {
        let removed =
            ListRemoved { credit_code: row.credit_code, list: row.list, entered_on: row.entered_on, removed_on };
        let removal = if deregistering { Event::DeregistrationEnded(removed) } else { Event::Delisted(removed) };
        events.push((start_of(end_or(removed_on, row.entered_on)), removal));
    }
    events
}

fn enforcement(
    row: &RecordEnforcement,
    merchant: Option<&Merchant>,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<(Instant, Event)>, Vec<Problem>> {
    let event = match row.kind {
        EnforcementKind::WarningLetter => Event::WarningLetterIssued(row.clone().into()),
        EnforcementKind::YellowCard => Event::YellowCardPosted(row.clone().into()),
        EnforcementKind::Talk => Event::TalkHeld(row.clone().into()),
        EnforcementKind::YellowCardRemoved => {
            let removed = Event::YellowCardRemoved(row.clone().into());
            if !has_card(merchant, row.date) && !stands(merchant, &removed) {
                warnings.push(Problem {
                    field: "kind",
                    code: "no_card",
                    value: row.kind.zh().to_owned(),
                    zh: "该日之前没有张贴黄牌的记录；已记录，待补录黄牌".to_owned(),
                    en: "no yellow card is known as posted by that day; recorded, waiting for the card it takes down"
                        .to_owned(),
                });
            }
            removed
        }
        EnforcementKind::OnSiteCheck => Event::SiteChecked(SiteChecked {
            credit_code: row.credit_code,
            date: row.date,
            result: row.result.clone().unwrap_or_default(),
            number: row.number.clone(),
            due_on: row.due_on,
        }),
        EnforcementKind::Penalty => Event::PenaltyDecided(row.clone().into()),
        EnforcementKind::RectificationMissed => {
            let missed = Event::RectificationMissed(row.clone().into());
            if !has_overdue_order(merchant, row.date) && !stands(merchant, &missed) {
                warnings.push(Problem {
                    field: "kind",
                    code: "no_overdue_order",
                    value: row.kind.zh().to_owned(),
                    zh: "该日没有已逾期而未完成的责令改正；已记录，请核对".to_owned(),
                    en: "no order to rectify is open and overdue on that day; recorded, please check".to_owned(),
                });
            }
            missed
        }
        EnforcementKind::RectificationMet => {
            let met = Event::RectificationMet(row.clone().into());
            let orders = |kind| {
                merchant.map_or(0, |m| m.acts.iter().filter(|act| act.kind == kind && act.until == STANDING).count())
            };
            let none_open = orders(EnforcementKind::RectificationOrdered) <= orders(EnforcementKind::RectificationMet);
            if none_open && !stands(merchant, &met) {
                warnings.push(Problem {
                    field: "kind",
                    code: "no_open_order",
                    value: row.kind.zh().to_owned(),
                    zh: "没有未完成的责令改正；已记录，待补录责令改正".to_owned(),
                    en: "no order to rectify is open; recorded, waiting for the order it completes".to_owned(),
                });
            }
            met
        }
        EnforcementKind::RectificationOrdered => {
            let Some(due_on) = row.due_on else {
                return Err(vec![Problem {
                    field: "due_on",
                    code: "missing",
                    value: String::new(),
                    zh: "责令改正须写明期限".to_owned(),
                    en: "an order to rectify needs its due date".to_owned(),
                }]);
            };
            Event::RectificationOrdered(RectificationOrdered {
                credit_code: row.credit_code,
                date: row.date,
                due_on,
                number: row.number.clone(),
            })
        }
    };
    Ok(vec![(start_of(row.date), event)])
}

/// Says whether more orders were due before a day than are known as met by it.
fn has_overdue_order(merchant: Option<&Merchant>, day: Day) -> bool {
    let acts = merchant.map(|merchant| &*merchant.acts).unwrap_or_default();
    let standing = || acts.iter().filter(|act| act.until == STANDING);
    let overdue = standing().filter(|act| {
        act.kind == EnforcementKind::RectificationOrdered && act.due_on.is_some_and(|due_on| due_on < day)
    });
    let met = standing().filter(|act| act.kind == EnforcementKind::RectificationMet && act.date <= day);
    overdue.count() > met.count()
}

/// Says whether a yellow card is known as posted, and not taken down, by a day.
fn has_card(merchant: Option<&Merchant>, day: Day) -> bool {
    let count = |kind| {
        let acts = merchant.map(|merchant| &*merchant.acts).unwrap_or_default();
        acts.iter().filter(|act| act.kind == kind && act.until == STANDING && act.date <= day).count()
    };
    count(EnforcementKind::YellowCard) > count(EnforcementKind::YellowCardRemoved)
}

/// Returns the day something ends, or the day it began if it has no end: nothing happens in the year 9999.
fn end_or(end: Day, began: Day) -> Day {
    if end == NO_END { began } else { end }
}

/// An entry made by mistake is cancelled once; what never was cannot be.
fn cancel(
    row: &EntryCancelled,
    merchant: Option<&Merchant>,
    now: Instant,
) -> Result<Vec<(Instant, Event)>, Vec<Problem>> {
    match merchant.map_or(Entered::Never, |merchant| standing::entered(merchant, &row.entry)) {
        Entered::Stands => Ok(vec![(now, Event::EntryCancelled(row.clone()))]),
        Entered::Ended => Ok(Vec::new()),
        Entered::Never => Err(vec![Problem {
            field: "entry",
            code: "no_such_entry",
            value: serde_json::to_string(&row.entry).unwrap_or_default(),
            zh: "没有这样的记录，无从作废；请核对日期、类型、商场和铺位号".to_owned(),
            en: "there is no such entry to cancel; check its day, kind, mall and unit".to_owned(),
        }]),
    }
}

fn failed_check_character(code: CreditCode) -> Problem {
    Problem {
        field: "credit_code",
        code: "check_character",
        value: code.to_string(),
        zh: format!("统一社会信用代码 `{code}` 校验位不符；已接受，请核对"),
        en: format!("the check character of credit code `{code}` does not hold; accepted, please check it"),
    }
}

#[cfg(test)]
mod tests;

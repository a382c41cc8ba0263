//! A second reading of the facts and rules (docs/FACTS.md), over plain rows: brute force, no state, nothing shared with
//! the service but its value types. Where the two differ, one of them or the text is wrong.

mod days;
mod judge;
mod rows;
mod stands;

use days::{count, days, last_quarter_end, latest, span, within, working_days_after};
pub(super) use judge::RULES;
use judge::judge;
pub(super) use rows::key;
use rows::{Notice, merge, shop_of, tell_exit};
use rust_decimal::Decimal;
use stands::{is_meant, says_what_stands, shop_named};
use std::collections::{BTreeMap, BTreeSet};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::*;
use warnlight::domain::event::{EntryCancelled, MerchantDetails};
use warnlight::domain::time::{Day, Instant, day_of, plus_days, plus_hours, start_of};
use warnlight::domain::words::*;
use warnlight::policy::fact::Value;

/// A light with the rules that asked for it, and every fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) light: Light,
    /// Worst first, then by id.
    pub(super) rules: Vec<&'static str>,
    pub(super) facts: BTreeMap<&'static str, Option<Value>>,
    pub(super) shops: BTreeMap<ShopKey, BTreeMap<&'static str, Option<Value>>>,
}

/// Mall and unit; empty for a street shop.
pub(super) type ShopKey = (String, String);

/// Everything accepted so far that said something new, in the order recorded, less what was cancelled.
#[derive(Debug, Default, Clone)]
pub(super) struct District {
    rows: Vec<Command>,
    /// Shops that some row named.
    spoken_of: Vec<(CreditCode, ShopKey)>,
    /// Entries that were cancelled.
    cancelled: Vec<EntryCancelled>,
}

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It says something new.
    Taken,
    /// It was there already.
    Known,
    /// It contradicts what is there, or has nothing to refer to.
    Refused,
}

impl District {
    /// Takes a row, as long as the text gives no reason to refuse it.
    pub(super) fn take(&mut self, row: &Command) -> Fate {
        let mut row = row.clone();
        let mut confirmed = true;
        if let Command::RecordExit(step) = &mut row {
            // Whether a unit was confirmed says nothing about what happened.
            confirmed = std::mem::replace(&mut step.new_unit, true);
            if matches!(step.action, ExitAction::Post | ExitAction::Amend) && step.planned_on.unwrap() < step.date {
                return Fate::Refused;
            }
        }
        let mut fate = self.fate(&row);
        if let Command::RecordExit(step) = &row
            && matches!(step.action, ExitAction::Post | ExitAction::Close)
            && fate == Fate::Taken
            && !confirmed
        {
            let here: Vec<ShopKey> = self.shops_spoken_of(step.credit_code, step.mall.as_deref().unwrap_or_default());
            if !here.is_empty() && !here.contains(&shop_of(&step.mall, &step.unit)) {
                fate = Fate::Refused;
            }
        }
        if fate != Fate::Taken {
            return fate;
        }
        if let Command::CancelEntry(cancelled) = &row {
            self.rows.retain(|row| !is_meant(cancelled, row));
            self.cancelled.push(cancelled.clone());
            return fate;
        }
        self.spoken_of.extend(shop_named(&row).map(|shop| (row.credit_code().unwrap(), shop)));
        self.rows.push(row);
        fate
    }

    /// The shops of a merchant in a mall that some row named.
    fn shops_spoken_of(&self, code: CreditCode, mall: &str) -> Vec<ShopKey> {
        let named = self.spoken_of.iter().filter(|(merchant, shop)| *merchant == code && shop.0 == key(mall));
        named.map(|(_, shop)| shop.clone()).collect()
    }

    /// A row that says what stands changes nothing.
    fn fate(&self, row: &Command) -> Fate {
        if let Command::RecordComplaint(ticket) = row {
            return self.ticket_fate(ticket);
        }
        if let Command::CancelEntry(cancelled) = row {
            return if self.rows.iter().any(|row| is_meant(cancelled, row)) {
                Fate::Taken
            } else if self
                .cancelled
                .iter()
                .any(|other| other.entry == cancelled.entry && other.credit_code == cancelled.credit_code)
            {
                Fate::Known
            } else {
                Fate::Refused
            };
        }
        if matches!(row, Command::AssignSector(row) if row.sector == "astrology") {
            return Fate::Refused;
        }
        if says_what_stands(&self.rows, row) && self.knows_shop(row) {
            return Fate::Known;
        }
        match row {
            Command::RecordExit(step) if matches!(step.action, ExitAction::Amend | ExitAction::Withdraw) => {
                let mut standing = None;
                let mut closed = false;
                for earlier in self.exits(step.credit_code, &shop_of(&step.mall, &step.unit), step.date) {
                    tell_exit(&mut standing, &mut closed, earlier);
                }
                if standing.is_some() || closed { Fate::Taken } else { Fate::Refused }
            }
            Command::RecordExit(step) if step.action == ExitAction::Reopen => {
                let shop = shop_of(&step.mall, &step.unit);
                let mut steps = self.exits(step.credit_code, &shop, step.date).into_iter();
                if steps.any(|earlier| earlier.action == ExitAction::Close) { Fate::Taken } else { Fate::Refused }
            }
            Command::RecordFiling(step) if step.status == FilingAction::Amended => {
                match self.status(step.credit_code, step.date) {
                    FilingStatus::Submitted | FilingStatus::Accepted => Fate::Taken,
                    _ => Fate::Refused,
                }
            }
            _ => Fate::Taken,
        }
    }

    /// A row of the register brings its shop.
    fn knows_shop(&self, row: &Command) -> bool {
        let Command::RegisterMerchant(details) = row else { return true };
        self.spoken_of.contains(&(row.credit_code().unwrap(), shop_of(&details.mall, &details.unit)))
    }

    fn ticket_fate(&self, row: &RecordComplaint) -> Fate {
        let earlier: Vec<&RecordComplaint> = self
            .tickets()
            .into_iter()
            .filter(|other| (&other.ticket, other.channel) == (&row.ticket, row.channel))
            .collect();
        if earlier.is_empty() {
            return Fate::Taken;
        }
        let merged = merge(&earlier);
        if merged.credit_code != row.credit_code || merged.received_at != row.received_at {
            return Fate::Refused;
        }
        let after = merge(&earlier.iter().copied().chain([row]).collect::<Vec<_>>());
        if after == merged { Fate::Known } else { Fate::Taken }
    }

    /// Every merchant there is at `now`, with its light.
    pub(super) fn tell(&self, now: Instant) -> BTreeMap<CreditCode, Told> {
        let codes: BTreeSet<CreditCode> = self.rows.iter().filter_map(Command::credit_code).collect();
        codes.into_iter().filter(|code| self.exists(*code, now)).map(|code| (code, self.tell_one(code, now))).collect()
    }

    fn exists(&self, code: CreditCode, now: Instant) -> bool {
        self.rows.iter().filter(|row| row.credit_code() == Some(code)).any(|row| match row {
            Command::RegisterMerchant(_) => true,
            Command::AssignSector(row) => start_of(row.effective_on) <= now,
            Command::RecordFiling(row) => start_of(row.date) <= now,
            Command::ReportBalance(row) => start_of(row.date) <= now,
            Command::ReportCustody(row) => start_of(row.date) <= now,
            Command::PostGuarantee(row) => start_of(row.from) <= now,
            Command::RecordExit(row) => start_of(row.date) <= now,
            Command::RecordComplaint(row) => row.received_at <= now,
            Command::RecordSignal(row) => start_of(row.date) <= now,
            Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => start_of(row.date) <= now,
            Command::RecordListing(row) => start_of(row.entered_on) <= now,
            Command::RecordEnforcement(row) => start_of(row.date) <= now,
            Command::RecordLead(row) => start_of(row.date) <= now,
            Command::RecordJointCheck(row) => start_of(row.date) <= now,
            Command::RecordCase(row) => start_of(row.date) <= now,
            Command::IssueDocument(row) => start_of(row.date) <= now,
            Command::RecordAccount(row) => start_of(row.date) <= now,
            Command::RecordGreyListing(row) => start_of(row.entered_on) <= now,
            Command::RecordLock(row) => start_of(row.locked_on) <= now,
            Command::RecordTenancy(row) => row.from.or(row.checked_on).is_some_and(|day| start_of(day) <= now),
            Command::RecordAlias(_)
            | Command::WithdrawAlias(_)
            | Command::MakeStatement(_)
            | Command::CancelEntry(_)
            | Command::RecordUnattributed(_)
            | Command::DecideUnattributed(_)
            | Command::HandleComplaint(_)
            | Command::HandleCase(_) => false,
        })
    }

    // What a merchant is.

    fn last<T: Clone>(&self, code: CreditCode, pick: impl Fn(&MerchantDetails) -> Option<T>) -> Option<T> {
        self.details(code).into_iter().rev().find_map(pick)
    }

    fn sector(&self, code: CreditCode, today: Day) -> Option<String> {
        let rows =
            self.rows.iter().filter_map(|row| if let Command::AssignSector(row) = row { Some(row) } else { None });
        let assigned = latest(
            rows.filter(|row| row.credit_code == code && row.effective_on <= today)
                .map(|row| (row.effective_on, row.sector.clone())),
        );
        if assigned.is_some() {
            return assigned;
        }
        let industry = self.last(code, |row| row.industry_code.clone())?;
        let industry = industry.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
        let table = [
            ("8392", "sport-youth"),
            ("8391", "vocational"),
            ("8393", "culture-tourism"),
            ("8514", "civil-affairs"),
            ("803", "commerce"),
            ("804", "commerce"),
            ("805", "commerce"),
            ("811", "transport"),
            ("892", "sport"),
            ("893", "sport"),
            ("876", "culture-tourism"),
            ("901", "culture-tourism"),
            ("902", "culture-tourism"),
            ("839", "education"),
            ("802", "health"),
            ("52", "commerce"),
            ("62", "commerce"),
            ("84", "health"),
        ];
        table.iter().find(|(prefix, _)| industry.starts_with(prefix)).map(|(_, sector)| (*sector).to_owned())
    }

    /// The day the filing condition was first met, with the deadline.
    fn filing(&self, code: CreditCode, today: Day) -> Option<Day> {
        let sector = self.scheme(code, today)?;
        let balances = self.balances(code, today).into_iter();
        let met = balances.filter(|(_, amount)| match sector.as_str() {
            "commerce" => *amount >= Decimal::from(500_000),
            "transport" => *amount > Decimal::from(100_000),
            _ => true,
        });
        let first = met.map(|(date, _)| date).min()?;
        Some(if sector == "transport" { working_days_after(first, 5) } else { plus_days(first, 30) })
    }

    /// The sector whose duties apply; none outside Beijing or without a sector.
    fn scheme(&self, code: CreditCode, today: Day) -> Option<String> {
        let division = self.last(code, |row| row.division_code)?.to_string();
        if division.starts_with("11") { self.sector(code, today) } else { None }
    }

    fn status(&self, code: CreditCode, today: Day) -> FilingStatus {
        let steps = self.filings(code, today).into_iter().filter(|row| row.status != FilingAction::Amended);
        match latest(steps.map(|row| (row.date, row.status))) {
            Some(FilingAction::Submitted | FilingAction::Volunteered) => FilingStatus::Submitted,
            Some(FilingAction::Accepted) => FilingStatus::Accepted,
            Some(FilingAction::Returned) => FilingStatus::Returned,
            Some(FilingAction::Cancelled) => FilingStatus::Cancelled,
            Some(FilingAction::Amended | FilingAction::None) | None => FilingStatus::None,
        }
    }

    fn tell_one(&self, code: CreditCode, now: Instant) -> Told {
        let facts = self.facts(code, now);
        let shops: BTreeMap<ShopKey, _> = self
            .exit_shops(code)
            .into_iter()
            .map(|shop| (shop.clone(), self.shop_facts(code, &shop, day_of(now))))
            .collect();
        let (light, rules) = judge(&facts, shops.values());
        Told { light, rules, facts, shops }
    }

    fn facts(&self, code: CreditCode, now: Instant) -> BTreeMap<&'static str, Option<Value>> {
        let today = day_of(now);
        let mut facts = BTreeMap::new();
        let balances = self.balances(code, today);
        let outstanding = latest(balances.clone());
        facts.insert("prepaid.outstanding", outstanding.map(Value::Number));

        let filing_deadline = self.filing(code, today);
        let due = filing_deadline.is_some();
        let status = self.status(code, today);
        facts.insert("filing.due", Some(Value::Flag(due)));
        facts.insert("filing.status", Some(Value::Word(status.name())));
        let filing_overdue = filing_deadline
            .filter(|_| status != FilingStatus::Accepted)
            .map_or(0, |deadline| span(deadline, today).max(0));
        facts.insert("filing.overdue_days", days(filing_overdue));

        let mut quarter_end = last_quarter_end(today);
        while working_days_after(quarter_end, 20) >= today {
            quarter_end = last_quarter_end(quarter_end);
        }
        let reported = balances.iter().any(|(date, _)| *date >= quarter_end);
        let bound = due || status == FilingStatus::Accepted;
        let overdue = if bound && !balances.is_empty() && !reported {
            span(working_days_after(quarter_end, 20), today)
        } else {
            0
        };
        facts.insert("prepaid.report_overdue_days", days(overdue));

        let share = latest(self.shares(code, today).into_iter().map(|row| (row.date, row.ratio.decimal())));
        facts.insert("prepaid.share_of_revenue", share.map(Value::Number));

        // Custody.
        let (ratio, base) = match self.scheme(code, today).as_deref() {
            Some("commerce") => {
                let end = last_quarter_end(today);
                let at_end = latest(balances.iter().copied().filter(|(date, _)| *date <= end));
                let first_day = balances.iter().map(|(date, _)| *date).min();
                let earliest = latest(balances.iter().copied().filter(|(date, _)| Some(*date) == first_day));
                ("0.4", at_end.or(earliest))
            }
            Some("sport-youth") => ("1", outstanding),
            _ => ("0", outstanding),
        };
        let ratio: Decimal = if due { ratio.parse().unwrap() } else { Decimal::ZERO };
        // To the fen, half up.
        let required = base.map(|base| {
            let fen = base * ratio * Decimal::ONE_HUNDRED + Decimal::new(5, 1);
            fen.floor() / Decimal::ONE_HUNDRED
        });
        let reports = self.custody(code, today);
        let bank = latest(reports.iter().map(|(date, held, _)| (*date, *held)));
        let valid: Vec<_> =
            self.guarantees(code).into_iter().filter(|row| row.from <= today && today <= row.until).collect();
        let guaranteed: Decimal = valid.iter().map(|row| row.amount.decimal()).sum();
        let held = (bank.is_some() || !valid.is_empty()).then(|| bank.unwrap_or_default() + guaranteed);
        let coverage = match (required, held) {
            (Some(required), _) if required == Decimal::ZERO => Some(Decimal::ONE),
            (Some(required), Some(held)) => Some(held / required),
            _ => None,
        };
        facts.insert("custody.required", required.map(Value::Number));
        facts.insert("custody.held", held.map(Value::Number));
        facts.insert("custody.coverage", coverage.map(Value::Number));
        facts.insert(
            "custody.bank_required",
            required.map(|required| Value::Number((required - guaranteed).max(Decimal::ZERO))),
        );
        let shortfall = match (required, held) {
            (Some(required), _) if required == Decimal::ZERO => Some(Decimal::ZERO),
            (Some(required), Some(held)) => Some((required - held).max(Decimal::ZERO)),
            _ => None,
        };
        facts.insert("custody.shortfall", shortfall.map(Value::Number));
        let last_report = reports.iter().map(|(date, ..)| *date).max();
        facts.insert("custody.report_age_days", last_report.and_then(|date| days(span(date, today))));
        let flows = reports.iter().filter(|(date, _, abnormal)| *abnormal && within(*date, today, 30));
        facts.insert("custody.abnormal_flow_30d", count(flows.count()));

        // Complaints.
        let complaints = self.complaints(code, now);
        let closed = |row: &RecordComplaint| row.closed_at.is_some_and(|at| at <= now);
        let counted: Vec<_> = complaints
            .iter()
            .filter(|row| !(closed(row) && matches!(row.outcome, Some(Outcome::Withdrawn | Outcome::Merged))))
            .collect();
        for (name, window) in [("complaints.7d", 7), ("complaints.30d", 30), ("complaints.90d", 90)] {
            facts.insert(
                name,
                count(counted.iter().filter(|row| within(day_of(row.received_at), today, window)).count()),
            );
        }
        let gone = counted
            .iter()
            .filter(|row| row.kind == ComplaintKind::Closed && within(day_of(row.received_at), today, 30));
        facts.insert("complaints.closed_30d", count(gone.count()));
        let refunds = complaints.iter().filter(|row| {
            row.kind == ComplaintKind::Refund
                && within(day_of(row.received_at), today, 365)
                && (!closed(row) || row.outcome == Some(Outcome::Unresolved))
        });
        let late = refunds.map(|row| span(day_of(row.received_at), today) - 15).max().unwrap_or(0).max(0);
        facts.insert("complaints.refund_overdue_days", days(late));
        let unanswered = complaints.iter().filter(|row| {
            row.channel == Channel::Mall
                && plus_hours(row.received_at, 24) < now
                && row.answered_at.is_none_or(|at| at > now)
                && !closed(row)
        });
        facts.insert("complaints.unanswered_24h", count(unanswered.count()));
        let overdue = complaints.iter().filter(|row| !closed(row) && row.due_at.is_some_and(|due| due < now));
        facts.insert("complaints.overdue", count(overdue.count()));

        // Rates: the last row of each shop and month; a month is over if any shop's is.
        let mut rates = BTreeMap::new();
        for row in self.rates(code, today) {
            rates.insert((row.date.year(), row.date.month(), shop_of(&row.mall, &row.unit)), row.ratio.decimal());
        }
        let months: BTreeSet<(i16, i8)> = rates.keys().map(|(year, month, _)| (*year, *month)).collect();
        let mut run = 0;
        let mut month = months.last().copied();
        while let Some((year, number)) = month.filter(|month| months.contains(month)) {
            let five = Decimal::new(5, 2);
            if !rates.iter().any(|((y, m, _), rate)| (*y, *m) == (year, number) && *rate > five) {
                break;
            }
            run += 1;
            month = Some(if number == 1 { (year - 1, 12) } else { (year, number - 1) });
        }
        facts.insert("complaint_rate.months_over", days(run));

        // Signals.
        for (name, kind) in [
            ("signal.rent_arrears_days", SignalKind::RentArrears),
            ("signal.utilities_abnormal_days", SignalKind::UtilitiesAbnormal),
            ("signal.wage_arrears_days", SignalKind::WageArrears),
            ("signal.sales_drop_days", SignalKind::SalesDrop),
            ("signal.promotion_surge_days", SignalKind::PromotionSurge),
        ] {
            let all = self.signals();
            let mine: Vec<_> =
                all.iter().filter(|row| row.credit_code == code && row.kind == kind && row.date <= today).collect();
            // One signal may have been told twice, the second time with the day it was cleared.
            let standing = mine.iter().filter(|row| {
                let same = mine.iter().filter(|other| {
                    other.date == row.date && shop_of(&other.mall, &other.unit) == shop_of(&row.mall, &row.unit)
                });
                same.filter_map(|other| other.cleared_on).next_back().is_none_or(|cleared| cleared > today)
            });
            facts.insert(name, standing.map(|row| row.date).min().and_then(|date| days(span(date, today))));
        }

        // Lists.
        let entries = self.listings(code);
        let on: Vec<_> = entries
            .iter()
            .filter(|row| {
                let same = entries.iter().filter(|other| other.list == row.list && other.entered_on == row.entered_on);
                row.entered_on <= today
                    && same.filter_map(|other| other.removed_on).next_back().is_none_or(|removed| removed > today)
            })
            .collect();
        for (name, list) in [
            ("listed.court_defaulter", ListKind::CourtDefaulter),
            ("listed.abnormal", ListKind::Abnormal),
            ("listed.serious", ListKind::Serious),
            ("registry.deregistering", ListKind::Deregistering),
        ] {
            facts.insert(name, Some(Value::Flag(on.iter().any(|row| row.list == list))));
        }
        let barred = on.iter().filter(|row| row.list != ListKind::Serious).map(|row| row.entered_on).min();
        let grown = match (barred, outstanding) {
            (None, _) => Some(Decimal::ZERO),
            (Some(_), None) => None,
            (Some(day), Some(outstanding)) => Some(
                outstanding - latest(balances.iter().copied().filter(|(date, _)| *date <= day)).unwrap_or_default(),
            ),
        };
        facts.insert("prepaid.grown_while_barred", grown.map(Value::Number));

        // Enforcement. Every day in turn: orders of the day, then completions.
        let orders = self.acts(code, EnforcementKind::RectificationOrdered, today);
        let met = self.acts(code, EnforcementKind::RectificationMet, today);
        let dates: BTreeSet<Day> = orders.iter().chain(&met).map(|row| row.date).collect();
        let mut open: Vec<&RecordEnforcement> = Vec::new();
        for date in dates {
            open.extend(orders.iter().filter(|row| row.date == date));
            for _ in met.iter().filter(|row| row.date == date) {
                if !open.is_empty() {
                    open.remove(0);
                }
            }
        }
        let late = open.iter().filter_map(|row| row.due_on).map(|due| span(due, today)).max().unwrap_or(0).max(0);
        facts.insert("rectification.overdue_days", days(late));
        let penalties = self.acts(code, EnforcementKind::Penalty, today);
        facts.insert("penalties.365d", count(penalties.iter().filter(|row| within(row.date, today, 365)).count()));

        // Links.
        let codes: BTreeSet<CreditCode> = self.rows.iter().filter_map(Command::credit_code).collect();
        let linked = codes.into_iter().filter(|other| {
            *other != code
                && self.are_linked(code, *other)
                && self.exit_shops(*other).iter().any(|shop| {
                    self.closing(*other, shop, today)
                        .is_some_and(|(date, notice)| notice.is_none() && within(date, today, 730))
                })
        });
        facts.insert("linked.closed_unannounced_24m", count(linked.count()));
        facts
    }

    fn are_linked(&self, one: CreditCode, other: CreditCode) -> bool {
        let person = |code| {
            self.last(code, |row| row.legal_representative.as_deref().map(key))
                .zip(self.last(code, |row| row.legal_representative_digest.clone()))
        };
        let brand = |code| self.last(code, |row| row.brand.as_deref().map(key));
        (person(one).is_some() && person(one) == person(other)) || (brand(one).is_some() && brand(one) == brand(other))
    }

    /// The day a shop closed, if by `today`, and the notice that stood on the day before.
    fn closing(&self, code: CreditCode, shop: &ShopKey, today: Day) -> Option<(Day, Option<Notice>)> {
        let closed = self.exits(code, shop, today).into_iter().find(|row| row.action == ExitAction::Close)?.date;
        let mut standing = None;
        let mut done = false;
        for step in self.exits(code, shop, plus_days(closed, -1)) {
            tell_exit(&mut standing, &mut done, step);
        }
        Some((closed, standing))
    }

    fn shop_facts(&self, code: CreditCode, shop: &ShopKey, today: Day) -> BTreeMap<&'static str, Option<Value>> {
        let closing = self.closing(code, shop, today);
        let mut standing = None;
        let mut closed = false;
        for step in self.exits(code, shop, today) {
            tell_exit(&mut standing, &mut closed, step);
        }
        let notice = standing.filter(|_| !closed);
        BTreeMap::from([
            ("exit.days_left", notice.and_then(|notice| days(span(today, notice.planned_on)))),
            ("exit.notice_days", notice.and_then(|notice| days(span(notice.posted_on, notice.planned_on)))),
            ("exit.overrun_days", notice.and_then(|notice| days(span(notice.planned_on, today))).filter(is_positive)),
            ("shop.notice_given_days", closing.and_then(|(date, notice)| days(span(notice?.posted_on, date)))),
            ("shop.closed_unannounced", Some(Value::Flag(closing.is_some_and(|(_, notice)| notice.is_none())))),
            ("shop.closed_days", closing.and_then(|(date, _)| days(span(date, today)))),
        ])
    }
}

fn is_positive(value: &Value) -> bool {
    matches!(value, Value::Number(number) if *number > Decimal::ZERO)
}

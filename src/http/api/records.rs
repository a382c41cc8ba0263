//! What is on record about a merchant beside the evidence of its light, and what was done about its tickets, as far as a reader may
//! see it.

use super::yuan;
use crate::domain::access::{Matter, Sight};
use crate::domain::envelope::Position;
use crate::domain::evidence::{Complaint, Evidence as _, Handling, STANDING};
use crate::domain::merchant::Merchant;
use crate::domain::records::{Account, GreyEntry, Lock, Statement};
use crate::domain::time::{Instant, day_of};
use crate::domain::words::{AccountAction, StatementKind, TicketStep};
use crate::views::View;
use serde::Serialize;
use uuid::Uuid;

/// What is on record about a merchant beside the evidence of its light.
#[derive(Debug, Clone, Default, Serialize, utoipa::ToSchema)]
pub struct RecordsState {
    /// What malls say of its shops.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tenancies: Vec<TenancyState>,
    /// Openings and closings of custody accounts, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<AccountState>,
    /// Entries in the grey list, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grey_list: Vec<GreyState>,
    /// Persons locked for what happened here, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<LockState>,
    /// Locks that are in force of the person who represents it, wherever they come from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub representative_locked: Vec<LockState>,
    /// What the merchant said for itself, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statements: Vec<StatementState>,
}

/// What a merchant said for itself.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StatementState {
    /// `reply` or `objection`.
    #[schema(value_type = String)]
    pub kind: StatementKind,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// The light change that it objects to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub against: Option<Uuid>,
    /// What it says.
    pub text: String,
}

impl From<&Statement> for StatementState {
    fn from(said: &Statement) -> Self {
        let kind = if said.against.is_some() { StatementKind::Objection } else { StatementKind::Reply };
        Self { kind, at: said.at, against: said.against, text: said.text.to_string() }
    }
}

/// What a mall says of a shop.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TenancyState {
    /// Mall; empty for a street shop.
    pub mall: String,
    /// Unit; may be empty.
    pub unit: String,
    /// First day of the lease last recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Its last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Day of the last check of its papers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checked_on: Option<String>,
    /// They were in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_order: Option<bool>,
    /// Brands that the shop was found to carry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brands: Vec<String>,
}

/// The opening or closing of a custody account.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct AccountState {
    /// `open` or `close`.
    #[schema(value_type = String)]
    pub action: AccountAction,
    /// Bank.
    pub bank: String,
    /// Last digits of the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_tail: Option<String>,
    /// Day.
    pub date: String,
}

/// An entry in the grey list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct GreyState {
    /// First day on it.
    pub entered_on: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// Day on which it is looked at again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_on: Option<String>,
    /// First day no longer on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed_on: Option<String>,
    /// It is on the list today.
    pub on: bool,
}

/// A lock of a person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LockState {
    /// Name of the person.
    pub person: String,
    /// First day.
    pub locked_on: String,
    /// First day without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifted_on: Option<String>,
    /// What the person was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Document number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The merchant for what happened at which it is, if the reader may see that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// Something that was done about a ticket.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct HandlingState {
    /// `passed_to_enterprise`, `settled_in_shop`, `refund_promised`, `refund_paid` or `rated`.
    #[schema(value_type = String)]
    pub step: TicketStep,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Instant,
    /// Money refunded, yuan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// By when the enterprise has to answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Instant>,
    /// The complainant says it was resolved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved: Option<bool>,
    /// The complainant is satisfied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfied: Option<bool>,
}

impl RecordsState {
    fn is_empty(&self) -> bool {
        let Self { tenancies, accounts, grey_list, locks, representative_locked, statements } = self;
        tenancies.is_empty()
            && accounts.is_empty()
            && grey_list.is_empty()
            && locks.is_empty()
            && representative_locked.is_empty()
            && statements.is_empty()
    }
}

/// Returns what a reader may see of the records about a merchant; `None` if that is nothing.
pub(super) fn of(view: &View<'_>, merchant: &Merchant) -> Option<RecordsState> {
    let (records, today) = (merchant.records(), day_of(view.now));
    let mut state = RecordsState { tenancies: tenancies(view, merchant), ..RecordsState::default() };
    let custody = view.scope.sight(Some(Matter::Custody));
    let is_seen = |account: &&Account| match custody {
        Sight::All => true,
        Sight::Own => view.scope.bank.as_deref() == Some(&*account.bank),
        Sight::Nothing => false,
    };
    let accounts = records.accounts.iter().rev().filter(|account| account.until() == STANDING);
    state.accounts = accounts.filter(is_seen).map(AccountState::from).collect();
    if view.scope.sight(Some(Matter::Act)) == Sight::All {
        let grey = records.grey.iter().rev().filter(|entry| entry.until() == STANDING);
        state.grey_list = grey.map(|entry| GreyState { on: entry.is_on(today), ..entry.into() }).collect();
        let locks = records.locks.iter().rev().filter(|lock| lock.until() == STANDING);
        state.locks = locks.map(|lock| LockState::new(lock, None)).collect();
        let locked = view.world.locks_on(merchant, today).into_iter();
        state.representative_locked =
            locked.map(|(at, lock)| LockState::new(lock, Some(at).filter(|at| view.sees(at)))).collect();
    }
    state.statements = view.statements(merchant).map(StatementState::from).collect();
    (!state.is_empty()).then_some(state)
}

fn tenancies(view: &View<'_>, merchant: &Merchant) -> Vec<TenancyState> {
    let (records, reader) = (merchant.records(), view.reader(merchant));
    let shops = (0_u32..).zip(&merchant.shops).filter(|(_, shop)| reader.sees_shops_in(&shop.name.mall));
    shops
        .filter_map(|(place, shop)| {
            let lease = records.leases.iter().filter(|lease| lease.shop == place && lease.until == STANDING);
            let lease = lease.max_by_key(|lease| lease.from);
            let papers = records.papers.iter().filter(|check| check.shop == place && check.until == STANDING);
            let papers = papers.max_by_key(|check| check.date);
            let brands = records.brands.iter().filter(|brand| brand.shop == place && brand.until == STANDING);
            let brands: Vec<String> = brands.map(|brand| brand.brand.to_string()).collect();
            let says = lease.is_some() || papers.is_some() || !brands.is_empty();
            says.then(|| TenancyState {
                mall: shop.name.mall.clone(),
                unit: shop.name.unit.clone(),
                from: lease.map(|lease| lease.from.to_string()),
                until: lease.map(|lease| lease.ends_on.to_string()),
                checked_on: papers.map(|check| check.date.to_string()),
                in_order: papers.map(|check| check.in_order),
                brands,
            })
        })
        .collect()
}

impl From<&Account> for AccountState {
    fn from(account: &Account) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            action: account.action,
            bank: account.bank.to_string(),
            account_tail: text(&account.tail),
            date: account.date.to_string(),
        }
    }
}

impl From<&GreyEntry> for GreyState {
    fn from(entry: &GreyEntry) -> Self {
        Self {
            entered_on: entry.entered_on.to_string(),
            ground: entry.ground.as_deref().map(str::to_owned),
            review_on: entry.review_on.map(|day| day.to_string()),
            removed_on: entry.removed_on.map(|day| day.to_string()),
            on: false,
        }
    }
}

impl LockState {
    fn new(lock: &Lock, at: Option<&Merchant>) -> Self {
        let text = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Self {
            person: lock.person.to_string(),
            locked_on: lock.locked_on.to_string(),
            lifted_on: lock.lifted_on.map(|day| day.to_string()),
            role: text(&lock.role),
            number: text(&lock.number),
            at: at.map(|at| at.code.to_string()),
        }
    }
}

impl HandlingState {
    /// Returns what was done about a complaint, in the order recorded.
    pub(super) fn all(complaint: &Complaint) -> Vec<Self> {
        complaint.handled(Position::MAX).map(Self::from).collect()
    }
}

impl From<&Handling> for HandlingState {
    fn from(item: &Handling) -> Self {
        let Handling { step, at, due_at, resolved, satisfied, .. } = *item;
        let amount = item.amount.map(|amount| yuan(amount.decimal()));
        Self { step, at, amount, due_at, resolved, satisfied }
    }
}

//! What a key's bearer may see and say.

use crate::domain::check::Problem;
use crate::domain::code::{CreditCode, DivisionCode};
use crate::domain::command::Command;
use crate::domain::name_key;
use crate::domain::words::{Channel, FilingAction, Role};
use std::collections::BTreeSet;

/// What a key's bearer may see and say (law 9). It is handed to every read, and filters there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// What the bearer is.
    pub role: Role,
    /// Malls, for operators.
    pub malls: Vec<String>,
    /// Sectors, for regulators; empty means all.
    pub sectors: Vec<String>,
    /// Division prefixes, for regulators and the lead office; empty means all.
    pub divisions: Vec<String>,
    /// Bank, for custody banks.
    pub bank: Option<String>,
    /// Merchant, for a merchant's own log-in.
    pub merchant: Option<CreditCode>,
}

/// What decides whether a merchant is in a scope.
#[derive(Debug, Clone, Copy, Default)]
pub struct MerchantFacts<'a> {
    /// Who it is; `None` if nobody knows it yet.
    pub code: Option<CreditCode>,
    /// It has a row in the register; otherwise it is a placeholder that somebody spoke of.
    pub registered: bool,
    /// Where it is supervised; `None` if nobody said.
    pub division: Option<DivisionCode>,
    /// Its sector; `None` if undetermined.
    pub sector: Option<&'a str>,
    /// Malls it has, or had, shops in.
    pub malls: &'a [&'a str],
    /// Bank it named in its filing.
    pub bank: Option<&'a str>,
}

/// Why something may not be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutOfScope {
    /// The role does not say such things.
    #[error("a key with this role cannot record this; use the key of the office that is in charge of it")]
    Role,
    /// The role does, but not about this merchant or mall.
    #[error(
        "this merchant or mall is not in the scope of the key; use the key of the office that is in charge of it, or have that \
         office enter the shop in the register first"
    )]
    Place,
    /// A ticket without a credit code that plainly is another district's.
    #[error(
        "what the ticket says of the shop lies in another district; its lead office decides it, or have the shop entered in the \
         register of yours first"
    )]
    Ticket,
}

impl OutOfScope {
    /// Returns what is to be said to the speaker.
    #[must_use]
    pub fn problem(self) -> Problem {
        let (field, zh) = match self {
            Self::Role => ("command", "该角色的密钥不能记录此类内容；请使用主管单位的密钥"),
            Self::Place => (
                "credit_code",
                "该商户或商场不在此密钥的管辖范围内；请使用主管单位的密钥，或请主管单位先在商户登记中录入该店铺",
            ),
            Self::Ticket => ("ticket", "工单所述店铺在其他区；请由该区牵头单位认领，或先在本区商户登记中录入该店铺"),
        };
        Problem { field, code: "out_of_scope", value: String::new(), zh: zh.to_owned(), en: self.to_string() }
    }
}

impl Scope {
    /// Returns the scope of who runs the service.
    #[must_use]
    pub const fn everything() -> Self {
        Self {
            role: Role::Admin,
            malls: Vec::new(),
            sectors: Vec::new(),
            divisions: Vec::new(),
            bank: None,
            merchant: None,
        }
    }

    /// Returns what this scope sees, in Chinese and in English: whoever makes a key is told, above all where a limit was left out.
    #[must_use]
    pub fn told(&self) -> (String, String) {
        if self.is_everything() {
            let or = match self.role {
                Role::Regulator => ("，没有行业和区划的限制", ", limited to no sector and no division"),
                Role::Lead => ("，没有区划的限制", ", limited to no division"),
                _ => ("", ""),
            };
            return (format!("可见全部商户{}", or.0), format!("it sees every merchant{}", or.1));
        }
        let lists = [
            ("商场", "malls", &self.malls),
            ("行业", "sectors", &self.sectors),
            ("区划", "divisions", &self.divisions),
        ];
        let named = lists.iter().filter(|(.., list)| !list.is_empty());
        let (mut zh, mut en): (Vec<String>, Vec<String>) = named
            .map(|(zh, en, list)| (format!("{zh} {}", list.join("、")), format!("{en} {}", list.join(", "))))
            .unzip();
        if let Some(bank) = &self.bank {
            zh.push(format!("存管银行 {bank}"));
            en.push(format!("custody bank {bank}"));
        }
        if let Some(merchant) = &self.merchant {
            zh.push(format!("商户 {merchant}"));
            en.push(format!("merchant {merchant}"));
        }
        // What limits nothing is said as well.
        if self.role == Role::Regulator {
            let missing = [(&self.sectors, "全部行业", "all sectors"), (&self.divisions, "全部区划", "all divisions")];
            for (_, all_zh, all_en) in missing.iter().filter(|(list, ..)| list.is_empty()) {
                zh.push((*all_zh).to_owned());
                en.push((*all_en).to_owned());
            }
        }
        (format!("可见的商户：{}", zh.join("；")), format!("it sees merchants of: {}", en.join("; ")))
    }

    /// Says whether a merchant is in this scope.
    #[must_use]
    pub fn sees(&self, merchant: &MerchantFacts<'_>) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Lead => self.covers(merchant.division),
            Role::Regulator => self.covers(merchant.division) && self.is_in_charge_of(merchant.sector),
            Role::Operator => merchant.malls.iter().any(|mall| self.runs(mall)),
            Role::Bank => self.bank.is_some() && self.bank.as_deref() == merchant.bank,
            Role::Merchant => self.merchant.is_some() && self.merchant == merchant.code,
        }
    }

    /// Says whether the scope is the whole of what there is, so that nothing needs filtering.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        match self.role {
            Role::Admin => true,
            Role::Lead => self.divisions.is_empty(),
            Role::Regulator => self.divisions.is_empty() && self.sectors.is_empty(),
            Role::Operator | Role::Bank | Role::Merchant => false,
        }
    }

    /// Says whether the bearer runs this mall.
    #[must_use]
    pub fn runs(&self, mall: &str) -> bool {
        self.role == Role::Operator && self.malls.iter().any(|own| name_key::same(own, mall))
    }

    /// Says whether a shop's affairs are the bearer's to see: operators see their own malls only, even of a tenant that
    /// has shops elsewhere.
    #[must_use]
    pub fn sees_shop_in(&self, mall: &str) -> bool {
        self.role != Role::Operator || self.runs(mall)
    }

    /// Returns those of the bearer's malls in which a merchant has shops, as they are spelt there, each once.
    #[must_use]
    pub fn own_malls<'a>(&self, merchant: &MerchantFacts<'a>) -> Vec<&'a str> {
        let mut own: Vec<&str> = merchant.malls.iter().copied().filter(|mall| self.runs(mall)).collect();
        own.sort_by_cached_key(|mall| name_key::key(mall));
        own.dedup_by(|one, other| name_key::same(one, other));
        own
    }

    /// Checks that the bearer may say this about a merchant. A merchant nobody knows yet has no facts: `None`.
    ///
    /// # Errors
    /// See [`OutOfScope`].
    pub fn may_say(&self, command: &Command, merchant: Option<&MerchantFacts<'_>>) -> Result<(), OutOfScope> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Operator => self.operator_may_say(command, merchant),
            Role::Bank => match command {
                Command::ReportCustody(_) | Command::PostGuarantee(_) => self.place(merchant),
                // An account with another bank is not for this one to speak of.
                Command::RecordAccount(row) if self.bank.as_deref() == Some(&row.bank) => self.place(merchant),
                Command::RecordAccount(_) => Err(OutOfScope::Place),
                _ => Err(OutOfScope::Role),
            },
            Role::Merchant => self.merchant_may_say(command, merchant),
            Role::Regulator | Role::Lead => match command {
                Command::AssignSector(_) | Command::RecordAlias(_) | Command::WithdrawAlias(_)
                    if self.role == Role::Regulator =>
                {
                    Err(OutOfScope::Role)
                }
                Command::RecordUnattributed(_) | Command::DecideUnattributed(_) if self.role == Role::Regulator => {
                    Err(OutOfScope::Role)
                }
                // It may turn out to be anybody's, so it is for those who may speak of everybody.
                Command::RecordUnattributed(_) if self.is_everything() => Ok(()),
                // Whom it is about is said, or nobody is spoken of.
                Command::DecideUnattributed(row) if row.credit_code.is_none() => Ok(()),
                // A row of the register can bring a new merchant, or move one here; it must not reach elsewhere.
                // One that somebody only spoke of is not there yet.
                Command::RegisterMerchant(row) => {
                    let stated = row.division_code.is_none_or(|division| self.covers(Some(division)));
                    let registered = merchant.filter(|known| known.registered);
                    let known = registered.map_or(row.division_code.is_some(), |known| self.sees(known));
                    if stated && (known || self.is_everything()) { Ok(()) } else { Err(OutOfScope::Place) }
                }
                _ => self.place(merchant),
            },
        }
    }

    fn operator_may_say(&self, command: &Command, merchant: Option<&MerchantFacts<'_>>) -> Result<(), OutOfScope> {
        let mall = match command {
            Command::RecordExit(row) => &row.mall,
            Command::RecordSignal(row) => &row.mall,
            Command::RecordTenancy(row) => &row.mall,
            Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => &row.mall,
            Command::RecordComplaint(row) if row.channel == Channel::Mall => match &row.mall {
                None => return self.place(merchant),
                named => named,
            },
            Command::HandleComplaint(row) if row.channel == Channel::Mall => return self.place(merchant),
            _ => return Err(OutOfScope::Role),
        };
        // Who is a tenant is for the offices to say: whoever could claim one would learn by it which codes are registered
        // elsewhere, and open the page of whom it claims.
        if mall.as_deref().is_some_and(|mall| self.runs(mall)) { self.place(merchant) } else { Err(OutOfScope::Place) }
    }

    /// What a merchant declares of itself. What an office decides about it, and where its money lies once that is on record, is
    /// not its own to say.
    fn merchant_may_say(&self, command: &Command, merchant: Option<&MerchantFacts<'_>>) -> Result<(), OutOfScope> {
        match command {
            Command::ReportBalance(_) | Command::MakeStatement(_) => self.place(merchant),
            Command::RecordFiling(row) if matches!(row.status, FilingAction::Submitted | FilingAction::Volunteered) => {
                let known = merchant.and_then(|known| known.bank);
                let moves = row.bank.as_deref().zip(known).is_some_and(|(said, known)| !name_key::same(said, known));
                if moves { Err(OutOfScope::Place) } else { self.place(merchant) }
            }
            _ => Err(OutOfScope::Role),
        }
    }

    fn place(&self, merchant: Option<&MerchantFacts<'_>>) -> Result<(), OutOfScope> {
        let sees = self.sees(merchant.unwrap_or(&MerchantFacts::default()));
        if sees { Ok(()) } else { Err(OutOfScope::Place) }
    }

    /// Says whether what is of these districts is the bearer's; what is of none known is everybody's.
    #[must_use]
    pub fn shares_in(&self, districts: &BTreeSet<DivisionCode>) -> bool {
        districts.is_empty() || districts.iter().any(|division| self.covers(Some(*division)))
    }

    fn covers(&self, division: Option<DivisionCode>) -> bool {
        self.divisions.is_empty()
            || division.is_some_and(|division| self.divisions.iter().any(|prefix| division.lies_in(prefix)))
    }

    fn is_in_charge_of(&self, sector: Option<&str>) -> bool {
        self.sectors.is_empty() || sector.is_some_and(|sector| self.sectors.iter().any(|own| own == sector))
    }
}

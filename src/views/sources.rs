//! Who delivers (来源), who has fallen silent, and which lights rest on that.

use super::View;
use crate::domain::access::Matter;
use crate::domain::access::Sight;
use crate::domain::envelope::Position;
use crate::domain::event::FactSeen;
use crate::domain::exit::{Exit, exit_on};
use crate::domain::merchant::Merchant;
use crate::domain::name_key;
use crate::domain::time::{Day, day_of};
use crate::domain::words::{Channel, Role, SourceKind};
use crate::picture::sources::{Filed, Source};
use crate::policy::rhythm::Rhythm;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A source, as a reader may see it.
#[derive(Debug, Clone)]
pub struct SourceRow<'a> {
    /// The source.
    pub source: &'a Source,
    /// How often it delivers; `None` if that cannot be told yet.
    pub rhythm: Option<Rhythm>,
    /// First day of its silence, if it is silent.
    pub silent_from: Option<Day>,
    /// Its rows, of its last day and ever. `None` for readers who see a part of its merchants only.
    pub rows: Option<(u64, u64)>,
    /// The file that it last came in, where that is the reader's to see.
    pub file: Option<Filed>,
}

/// A silent source that a light rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silent {
    /// What it is.
    pub kind: SourceKind,
    /// Its name.
    pub name: Arc<str>,
    /// Day of its last delivery.
    pub last: Day,
    /// First day of its silence.
    pub from: Day,
}

impl Silent {
    /// Says whether a fact rests on it.
    #[must_use]
    pub fn bears(&self, seen: &FactSeen) -> bool {
        match (Matter::of_fact(&seen.fact), self.kind) {
            (Some(Matter::Custody), SourceKind::Bank) | (Some(Matter::Complaint), SourceKind::Hotline) => true,
            (Some(Matter::Mall), SourceKind::Mall) => {
                seen.shop.as_ref().is_none_or(|shop| name_key::same(&shop.mall, &self.name))
            }
            _ => false,
        }
    }
}

impl<'a> View<'a> {
    /// Lists the sources that the reader may see: the silent ones first, longest silent first, then by kind and name.
    ///
    /// A mall and a bank see themselves. Who sees a part of the merchants sees the banks and malls of these and the hotlines, without
    /// figures, which are of all. Sheets are for those who see everything and may read what the service was given.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceRow<'a>> {
        let ours = self.banks_and_malls();
        let sees = |source: &Source| match source.kind {
            SourceKind::Bank | SourceKind::Mall => ours.as_ref().is_none_or(|ours| ours.has(source)),
            SourceKind::Hotline => matches!(self.scope.role, Role::Regulator | Role::Lead | Role::Admin),
            SourceKind::Sheet => self.scope.is_everything() && self.scope.sight(Some(Matter::Rule)) == Sight::All,
        };
        let mut rows: Vec<SourceRow<'a>> =
            self.sources.all().filter(|source| sees(source)).map(|source| self.source_row(source)).collect();
        rows.sort_by_key(|row| (row.silent_from.is_none(), row.silent_from));
        rows
    }

    /// Returns the silent sources that a merchant's light rests on, as far as the reader may see what comes of them: its bank, the malls
    /// of its open shops, and the hotlines, whose silence may hide anybody's complaints.
    #[must_use]
    pub fn silent_for(&self, merchant: &Merchant) -> Vec<Silent> {
        let (reader, today) = (self.reader(merchant), day_of(self.now));
        let bank = merchant.bank_on(today).filter(|_| reader.sees_custody(today));
        let is_open = |exit: Exit| !matches!(exit, Exit::Closed { .. });
        let shops = merchant.shops.iter().filter(|shop| is_open(exit_on(&shop.exits, today, Position::MAX)));
        let malls: BTreeSet<&str> = shops.map(|shop| shop.name.mall.as_str()).collect();
        let complaints = self.scope.sight(Some(Matter::Complaint));
        let hears = |channel: &&Channel| match complaints {
            Sight::All => true,
            Sight::Own => **channel == Channel::Mall,
            Sight::Nothing => false,
        };
        let bank = bank.map(|bank| (SourceKind::Bank, bank));
        let malls = malls.into_iter().filter(|mall| reader.sees_shops_in(mall)).map(|mall| (SourceKind::Mall, mall));
        let hotlines = Channel::ALL.iter().filter(hears).map(|channel| (SourceKind::Hotline, channel.name()));
        let named = bank.into_iter().chain(malls).chain(hotlines);
        named.filter_map(|(kind, name)| self.silent(self.sources.find(kind, name)?)).collect()
    }

    fn silent(&self, source: &Source) -> Option<Silent> {
        let (_, from) = source.silence(&self.policies.rhythms, day_of(self.now));
        Some(Silent { kind: source.kind, name: Arc::clone(&source.name), last: source.last_day(), from: from? })
    }

    fn source_row(&self, source: &'a Source) -> SourceRow<'a> {
        let (rhythm, silent_from) = source.silence(&self.policies.rhythms, day_of(self.now));
        let is_itself = matches!(self.scope.role, Role::Operator | Role::Bank);
        let whole = self.scope.is_everything() || is_itself;
        SourceRow {
            source,
            rhythm,
            silent_from,
            rows: whole.then_some((source.last_rows, source.rows)),
            file: source.file.filter(|file| self.scope.is_everything() || is_itself && file.alone),
        }
    }

    /// Returns whose banks and malls the reader sees; `None` is everybody's.
    fn banks_and_malls(&self) -> Option<Ours<'a>> {
        let mut ours = Ours::default();
        match self.scope.role {
            _ if self.scope.is_everything() => return None,
            Role::Operator => ours.malls = self.scope.malls.iter().map(|mall| name_key::key(mall)).collect(),
            Role::Bank => ours.banks = self.scope.bank.iter().map(|bank| name_key::key(bank)).collect(),
            _ => {
                let today = day_of(self.now);
                for merchant in self.merchants() {
                    ours.banks.extend(merchant.bank_on(today).map(name_key::key));
                    ours.malls.extend(merchant.shops.iter().map(|shop| name_key::key(&shop.name.mall)));
                }
            }
        }
        Some(ours)
    }
}

/// Banks and malls, by key.
#[derive(Debug, Default)]
struct Ours<'a> {
    banks: BTreeSet<std::borrow::Cow<'a, str>>,
    malls: BTreeSet<std::borrow::Cow<'a, str>>,
}

impl Ours<'_> {
    fn has(&self, source: &Source) -> bool {
        let key = name_key::key(&source.name);
        match source.kind {
            SourceKind::Bank => self.banks.contains(&*key),
            SourceKind::Mall => self.malls.contains(&*key),
            SourceKind::Hotline | SourceKind::Sheet => false,
        }
    }
}

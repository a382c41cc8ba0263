//! The columns of the board: which can be chosen, what they are sorted by, what an export writes in them.

use super::{division_name, sector_name};
use crate::http::api::to_fen;
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::pages::filters::minute;
use crate::http::site::rule;
use crate::http::table::Cell;
use crate::policy::Policies;
use crate::views::board::{BoardRow, Order};
use actix_web::web;
use rust_decimal::Decimal;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Light,
    Merchant,
    Brand,
    Code,
    Reasons,
    Sector,
    Place,
    Outstanding,
    Required,
    Held,
    AtRisk,
    Shortfall,
    Since,
}

impl Column {
    /// Every column, in the order they stand.
    pub(super) const ALL: [Self; 13] = [
        Self::Light,
        Self::Merchant,
        Self::Brand,
        Self::Code,
        Self::Reasons,
        Self::Sector,
        Self::Place,
        Self::Outstanding,
        Self::Required,
        Self::Held,
        Self::AtRisk,
        Self::Shortfall,
        Self::Since,
    ];

    /// Name in an address and in the texts.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Merchant => "merchant",
            Self::Brand => "brand",
            Self::Code => "code",
            Self::Reasons => "reasons",
            Self::Sector => "sector",
            Self::Place => "place",
            Self::Outstanding => "outstanding",
            Self::Required => "required",
            Self::Held => "held",
            Self::AtRisk => "at_risk",
            Self::Shortfall => "shortfall",
            Self::Since => "since",
        }
    }

    /// Says whether it is shown unless columns were chosen. The credit code stands below the name then.
    const fn is_usual(self) -> bool {
        !matches!(self, Self::Brand | Self::Code | Self::Outstanding | Self::Required | Self::Held)
    }

    /// Says whether it holds an amount.
    pub(super) const fn is_amount(self) -> bool {
        matches!(self, Self::Outstanding | Self::Required | Self::Held | Self::AtRisk | Self::Shortfall)
    }

    /// Returns what a list is ordered by when one asks for this column's order.
    pub(super) const fn order(self) -> Option<Order> {
        match self {
            Self::Light => Some(Order::Worst),
            Self::Merchant => Some(Order::Name),
            Self::AtRisk => Some(Order::AtRisk),
            Self::Shortfall => Some(Order::Shortfall),
            Self::Since => Some(Order::Since),
            Self::Sector => Some(Order::Sector),
            Self::Place => Some(Order::Place),
            _ => None,
        }
    }

    pub(super) fn named(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.key() == key)
    }

    /// Returns the columns that an address chooses (`cols=a&cols=b`), else the usual ones. Whose row it is, is always told.
    pub(super) fn chosen(query: &str) -> Vec<Self> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query);
        let pairs = pairs.map(web::Query::into_inner).unwrap_or_default();
        let asked: Vec<Self> =
            pairs.iter().filter(|(name, _)| name == "cols").filter_map(|(_, key)| Self::named(key)).collect();
        let shown = |column: &Self| match asked.is_empty() {
            true => column.is_usual(),
            false => *column == Self::Merchant || asked.contains(column),
        };
        Self::ALL.into_iter().filter(shown).collect()
    }

    /// Says whether these are the usual ones.
    pub(super) fn are_usual(columns: &[Self]) -> bool {
        columns.iter().copied().eq(Self::ALL.into_iter().filter(|column| column.is_usual()))
    }

    /// Returns what an export writes for a merchant.
    pub(super) fn cell(self, row: &BoardRow, policies: &Policies, pages: &Pages, language: Language) -> Cell {
        let money = |amount: Option<Decimal>| Cell::Money(amount.map(to_fen));
        let text = |text: Option<&str>| Cell::Text(text.unwrap_or_default().to_owned());
        match self {
            Self::Light => text(Some(pages.text(language, "light", row.light.name()))),
            Self::Merchant => text(Some(row.name.as_deref().unwrap_or(pages.text(language, "board", "unregistered")))),
            Self::Brand => text(row.brand.as_deref()),
            Self::Code => text(Some(row.credit_code.as_str())),
            Self::Reasons => {
                let title = |id: &std::sync::Arc<str>| {
                    rule(policies, id).map_or(&**id, |rule| language.pick(&rule.title.zh, &rule.title.en)).to_owned()
                };
                Cell::Text(row.rules.iter().map(title).collect::<Vec<_>>().join(pages.text(language, "site", "comma")))
            }
            Self::Sector => match row.sector.as_deref() {
                Some(id) => Cell::Text(sector_name(policies, id, language)),
                None => text(Some(pages.text(language, "board", "undetermined"))),
            },
            Self::Place => Cell::Text(place(row, pages, language)),
            Self::Outstanding => money(row.money.outstanding),
            Self::Required => money(row.money.required),
            Self::Held => money(row.money.held),
            Self::AtRisk => money(Some(row.money.at_risk())),
            Self::Shortfall => money(row.money.shortfall),
            Self::Since => Cell::Text(row.since.map(minute).unwrap_or_default()),
        }
    }
}

/// Returns where a merchant is: division, street, malls.
pub(super) fn place(row: &BoardRow, pages: &Pages, language: Language) -> String {
    let division = row.division.as_deref().map(|code| division_name(pages, code, language));
    let parts: Vec<&str> = division.iter().chain(&row.street).chain(&row.malls).map(String::as_str).collect();
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_chooses_columns_and_the_merchant_is_always_among_them() {
        assert!(Column::are_usual(&Column::chosen("q=x&cols=nonsense")));
        assert_eq!(Column::chosen("cols=held&q=x&cols=light"), [Column::Light, Column::Merchant, Column::Held]);
    }
}

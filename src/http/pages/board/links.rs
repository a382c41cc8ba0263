//! Addresses of the board: everything that is chosen stands in them.

use super::Asked;
use super::columns::Column;
use crate::http::front::encode;

/// Makes addresses that differ from the present one.
pub(super) struct Links<'a> {
    pairs: Vec<(&'static str, &'a str)>,
    per_page: Option<usize>,
    /// The columns that are shown.
    pub(super) columns: Vec<Column>,
}

impl<'a> Links<'a> {
    pub(super) fn new(asked: &'a Asked, columns: &[Column]) -> Self {
        let pairs = vec![
            ("q", asked.q.as_str()),
            ("light", asked.light.as_str()),
            ("sector", asked.sector.as_str()),
            ("division", asked.division.as_str()),
            ("street", asked.street.as_str()),
            ("mall", asked.mall.as_str()),
            ("at", asked.at.as_str()),
            ("known", asked.known.as_str()),
            ("grid", asked.grid.as_str()),
            ("sort", asked.sort.as_str()),
        ];
        Self { pairs, per_page: asked.per_page, columns: columns.to_vec() }
    }

    /// Returns the address of the board with some choices changed; a page that is not named is the first.
    pub(super) fn with(&self, changes: &[(&str, &str)]) -> String {
        let value = |name: &str, value: &'a str| {
            changes.iter().find(|(changed, _)| *changed == name).map_or(value, |it| it.1).to_owned()
        };
        let mut pairs: Vec<(&str, String)> =
            self.pairs.iter().map(|(name, known)| (*name, value(name, known))).collect();
        if !Column::are_usual(&self.columns) {
            pairs.extend(self.columns.iter().map(|column| ("cols", column.key().to_owned())));
        }
        pairs.extend(self.per_page.map(|size| ("per_page", size.to_string())));
        pairs.extend(
            changes
                .iter()
                .filter(|(name, page)| *name == "page" && *page != "1")
                .map(|(_, page)| ("page", (*page).to_owned())),
        );
        let pairs = pairs.iter().filter(|(_, value)| !value.trim().is_empty());
        let query: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encode(value.trim()))).collect();
        if query.is_empty() { "/".to_owned() } else { format!("/?{}", query.join("&")) }
    }

    /// Returns the address of a merchant's page, as of when the board is shown.
    pub(super) fn merchant(&self, code: &str) -> String {
        let then = self.pairs.iter().filter(|(name, value)| ["at", "known"].contains(name) && !value.trim().is_empty());
        let query: Vec<String> = then.map(|(name, value)| format!("{name}={}", encode(value.trim()))).collect();
        if query.is_empty() { format!("/merchants/{code}") } else { format!("/merchants/{code}?{}", query.join("&")) }
    }

    /// Returns the query of the present address with its question mark, without a page: that of an export.
    pub(super) fn query(&self) -> String {
        self.with(&[]).trim_start_matches('/').to_owned()
    }
}

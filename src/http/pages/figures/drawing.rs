//! What pages and files of figures have in common: names of groups, numbers as people read them, bars.

use super::Found;
use crate::domain::time::Day;
use crate::http::api::to_fen;
use crate::http::language::Language;
use crate::http::pages::Pages;
use crate::http::pages::board::{division_name, sector_name};
use crate::http::pages::filters::amount_of;
use crate::http::table::{Cell, Table};
use crate::policy::Policies;
use crate::views::figures::figure::Section;
use crate::views::figures::{By, Figure, Figures, Group, Number};
use minijinja::{Value, context};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

/// Draws figures.
pub(super) struct Drawing<'a> {
    pub(super) pages: &'a Pages,
    /// Those by which the figures were made: sectors are called as they were.
    pub(super) policies: &'a Policies,
    pub(super) language: Language,
    /// Parameters that every link keeps.
    pub(super) asked: &'a [(&'static str, String)],
}

impl Drawing<'_> {
    pub(super) fn text(&self, key: &str) -> &str {
        self.pages.text(self.language, "figures", key)
    }

    pub(super) fn filled(&self, key: &str, places: &[(&str, &str)]) -> String {
        self.pages.filled(self.language, "figures", key, places)
    }

    /// Returns a link that keeps what was asked.
    pub(super) fn path(&self, place: &str, more: &[(&str, &str)]) -> String {
        let kept = self.asked.iter().map(|(key, value)| (*key, value.as_str()));
        let pairs: Vec<String> = kept.chain(more.iter().copied()).map(|(key, value)| pair(key, value)).collect();
        format!("{place}?{}", pairs.join("&"))
    }

    /// Returns what a group is called.
    pub(super) fn group(&self, group: &Group) -> String {
        match (group.by, group.name.as_str()) {
            (By::Whole, _) => self.text("whole").to_owned(),
            (_, "") => self.text(&format!("no_{}", group.by)).to_owned(),
            (By::Division, code) => division_name(self.pages, code, self.language),
            (By::Sector, id) => sector_name(self.policies, id, self.language),
            (By::Street, street) => street.to_owned(),
        }
    }

    fn district(&self, group: &Group) -> String {
        match group.division.as_str() {
            "" => String::new(),
            code => division_name(self.pages, code, self.language),
        }
    }

    /// Returns a number as people read it.
    fn number(&self, number: Number) -> String {
        match number {
            Number::Count(count) => count.to_string(),
            Number::Yuan(amount) => amount_of(Some(amount)),
            Number::Rate { .. } => number.ratio().map(per_cent).unwrap_or_default(),
            Number::Hours { median, .. } => median.map(|hours| format!("{hours:.1}")).unwrap_or_default(),
        }
    }

    /// Draws each section: its figures as columns, the groups as rows.
    pub(super) fn sections(&self, found: &Found) -> Vec<Value> {
        let sections = Section::ALL.into_iter().filter_map(|section| {
            let figures: Vec<&Figure> =
                found.shown.iter().copied().filter(|figure| figure.section == section).collect();
            (!figures.is_empty()).then(|| self.section(section, &figures, found))
        });
        sections.collect()
    }

    fn section(&self, section: Section, figures: &[&Figure], found: &Found) -> Value {
        let head = figures.iter().map(|figure| context! { name => self.text(figure.key), formula => self.text(&format!("formula_{}", figure.key)) });
        let bodies = By::ALL.into_iter().map(|by| {
            let groups: Vec<&Group> = found.figures.groups.keys().filter(|group| group.by == by).collect();
            let longest = figures.iter().map(|figure| most(figure, &groups, &found.figures)).collect::<Vec<_>>();
            let rows = groups.iter().map(|group| {
                let cells = figures.iter().zip(&longest).map(|(figure, most)| self.cell(figure, group, found, *most));
                context! { name => self.group(group), district => self.district(group), cells => cells.collect::<Vec<_>>() }
            });
            context! { by => by.name(), name => self.text(&format!("by_{by}")), rows => rows.collect::<Vec<_>>() }
        });
        context! {
            key => section.key(), title => self.text(section.key()), head => head.collect::<Vec<_>>(), bodies => bodies.collect::<Vec<_>>(),
        }
    }

    fn cell(&self, figure: &Figure, group: &Group, found: &Found, most: u64) -> Value {
        let number = found.figures.number(figure, group);
        let now = found.now.as_ref().map(|now| now.number(figure, group)).filter(|now| *now != number);
        let (of, share) = match number {
            Number::Rate { of, among } => ((among > 0).then(|| format!("{of}/{among}")), share(of, among)),
            Number::Count(count) if group.by != By::Whole => (None, share(count, most)),
            _ => (None, None),
        };
        let is_something = match number {
            Number::Count(count) | Number::Rate { among: count, .. } | Number::Hours { among: count, .. } => count > 0,
            Number::Yuan(amount) => !amount.is_zero(),
        };
        let mut named: Vec<(&str, &str)> = vec![("by", group.by.name())];
        if group.by == By::Street {
            named.push(("division", &group.division));
        }
        if group.by != By::Whole {
            named.push(("name", &group.name));
        }
        context! {
            text => self.number(number), of, bar => share.map(bar),
            path => is_something.then(|| self.path(&format!("/figures/{}", figure.key), &named)),
            now => now.map(|now| match (self.number(now), now) {
                (text, Number::Rate { of, among }) => format!("{text} {of}/{among}").trim_start().to_owned(),
                (text, _) => text,
            }),
        }
    }

    /// Draws the merchants with the most complaints.
    pub(super) fn subjects(&self, figures: &Figures) -> Vec<Value> {
        let most = figures.subjects.first().map_or(0, |subject| subject.tickets);
        let rows = figures.subjects.iter().map(|subject| {
            context! {
                credit_code => subject.credit_code.as_str(), name => subject.name.as_deref(), tickets => subject.tickets,
                bar => share(subject.tickets, most).map(bar),
            }
        });
        rows.collect()
    }

    /// Writes everything as one table: a row for each group, then for each merchant with many complaints.
    pub(super) fn table(&self, found: &Found) -> Table {
        let own = ["column_by", "column_district", "column_name"];
        let names = own.into_iter().chain(found.shown.iter().map(|figure| figure.key));
        let head: Vec<String> = names.map(|key| self.text(key).to_owned()).collect();
        let width = found.shown.len();
        let groups = found.figures.groups.keys().map(|group| {
            let mut row = self.names(&format!("by_{}", group.by), self.district(group), self.group(group));
            row.extend(found.shown.iter().map(|figure| plain(found.figures.number(figure, group))));
            row
        });
        let subjects = found.figures.subjects.iter().map(|subject| {
            let name = format!("{} {}", subject.name.as_deref().unwrap_or_default(), subject.credit_code);
            let mut row = self.names("by_subject", String::new(), name.trim_start().to_owned());
            // The first figure is the number of tickets; the others are not made for one merchant.
            row.push(Cell::Count(subject.tickets));
            row.resize(own.len() + width, Cell::Text(String::new()));
            row
        });
        Table { head, rows: groups.chain(subjects).collect() }
    }

    fn names(&self, by: &str, district: String, name: String) -> Vec<Cell> {
        vec![Cell::Text(self.text(by).to_owned()), Cell::Text(district), Cell::Text(name)]
    }

    /// Returns what days are called in one line.
    pub(super) fn days(&self, from: Day, to: Day) -> String {
        self.filled("days", &[("from", &from.to_string()), ("to", &to.to_string())])
    }
}

fn plain(number: Number) -> Cell {
    match number {
        Number::Count(count) => Cell::Count(count),
        Number::Yuan(amount) => Cell::Money(Some(to_fen(amount))),
        Number::Rate { .. } => Cell::Ratio(number.ratio()),
        Number::Hours { median, .. } => Cell::Tenths(median),
    }
}

/// Returns the longest bar of a column.
fn most(figure: &Figure, groups: &[&Group], figures: &Figures) -> u64 {
    let counts = groups.iter().map(|group| match figures.number(figure, group) {
        Number::Count(count) => count,
        _ => 0,
    });
    counts.max().unwrap_or_default()
}

fn share(of: u64, among: u64) -> Option<Decimal> {
    (of > 0).then(|| Decimal::from(of).checked_div(Decimal::from(among))).flatten()
}

fn per_cent(ratio: Decimal) -> String {
    let percent = (ratio * Decimal::ONE_HUNDRED).round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    format!("{percent:.1}%")
}

/// Draws a bar as long as a share of its place; the number it stands for is the text beside it.
fn bar(share: Decimal) -> Value {
    let width = (share * Decimal::ONE_HUNDRED).round().to_u8().unwrap_or_default().min(100);
    Value::from_safe_string(format!(
        r#"<svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect width="{width}" height="4"/></svg>"#
    ))
}

fn pair(key: &str, value: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let value: String = value
        .bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("{key}={value}")
}

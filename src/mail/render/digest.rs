//! The values that the templates of a digest see: a line for each merchant, and one for all that share a mall or brand.

use super::view::{Around, LightView, light_view, minute, one_line};
use crate::alerts::recipients::LetterLanguage;
use crate::domain::event::{DigestLine, MailDigest};
use crate::domain::personal::masked;
use crate::domain::time::deadline;
use crate::domain::words::Light;
use serde::Serialize;

/// Lines that the text itself has; the list beside it has all.
const SHOWN: usize = 50;

#[derive(Debug, Serialize)]
pub(super) struct View {
    language: &'static str,
    mail: String,
    office: String,
    urgent: bool,
    /// Merchants in all.
    count: usize,
    /// The worst light.
    to: LightView,
    rows: Vec<RowView>,
    /// Merchants that the rows leave out.
    left_out: usize,
    acknowledge: Option<String>,
    link: String,
    service: String,
}

#[derive(Debug, Serialize)]
struct RowView {
    /// Mall or brand, where the row stands for several merchants.
    group: Option<String>,
    count: usize,
    name: Option<String>,
    credit_code: String,
    from: LightView,
    to: LightView,
    is_rise: bool,
    at: String,
    todo: Option<String>,
    due: Option<String>,
    late: u32,
    link: String,
}

pub(super) fn view(around: &Around<'_>, digest: &MailDigest) -> View {
    let Around { requested, recipient, language, base_url, acknowledge } = around;
    let language = *language;
    let mut rows: Vec<RowView> = Vec::new();
    let mut left_out = 0;
    for line in &digest.lines {
        let group = line.group.as_deref().map(one_line);
        let is_full = rows.len() >= SHOWN;
        match rows.iter_mut().find(|row| group.is_some() && row.group == group) {
            Some(row) => {
                row.count += 1;
                row.late = row.late.saturating_add(line.late);
            }
            None if is_full => left_out += 1,
            None => rows.push(row(line, group, language, base_url)),
        }
    }
    View {
        language: language.tag(),
        mail: requested.mail.to_string(),
        office: one_line(&recipient.office),
        urgent: digest.urgent,
        count: digest.lines.len(),
        to: light_view(digest.lines.iter().map(|line| line.to).max().unwrap_or(Light::Green), language),
        rows,
        left_out,
        acknowledge: acknowledge.clone(),
        link: format!("{base_url}/cases"),
        service: (*base_url).to_owned(),
    }
}

fn row(line: &DigestLine, group: Option<String>, language: LetterLanguage, base_url: &str) -> RowView {
    RowView {
        group,
        count: 1,
        name: line.merchant.as_deref().map(|name| one_line(&masked(name))),
        credit_code: line.credit_code.to_string(),
        from: light_view(line.from, language),
        to: light_view(line.to, language),
        is_rise: line.to > line.from,
        at: minute(line.at),
        todo: to_do(line, language).map(one_line),
        due: line.due_at.map(deadline),
        late: line.late,
        link: match line.alert {
            Some(alert) => format!("{base_url}/cases/{alert}"),
            None => format!("{base_url}/merchants/{}", line.credit_code),
        },
    }
}

/// Returns what is to be done, in a language.
pub(super) fn to_do(line: &DigestLine, language: LetterLanguage) -> Option<&str> {
    match language {
        LetterLanguage::Chinese => line.zh.as_deref(),
        LetterLanguage::English => line.en.as_deref(),
    }
}

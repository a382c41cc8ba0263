//! One spelling for one thing: texts cleaned, empty words absent, industry codes without their letter. What comes from a sheet is tidy already; what comes as JSON is made so here, so that both give the same events.

use super::code_key::code;
use super::command::Command;
use super::empty_words::is_empty_word;
use super::event::Entry;
use super::personal::masked;
use super::text::{clean, clean_lines};
use std::borrow::Cow;

/// Returns an industry code (行业代码, GB/T 4754) as two to four digits, its category letter dropped (`O8040` → `8040`);
/// `None` if the text is no such code.
#[must_use]
pub fn industry_code(text: &str) -> Option<String> {
    let narrow = code(text);
    let digits = narrow.strip_prefix(|letter: char| letter.is_ascii_alphabetic()).unwrap_or(&narrow);
    ((2..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.to_owned())
}

/// Returns the command with every text cleaned, optional texts absent where they are blank or an empty word, and the industry
/// code in its short form. An industry code that is none stays as it is, for [`super::check::check`] to refuse.
#[must_use]
pub fn tidy(mut command: Command) -> Command {
    match &mut command {
        Command::RegisterMerchant(row) => {
            for text in [
                &mut row.name,
                &mut row.industry_code,
                &mut row.street,
                &mut row.mall,
                &mut row.unit,
                &mut row.legal_representative,
                &mut row.legal_representative_digest,
                &mut row.brand,
            ] {
                tidy_optional(text);
            }
            if let Some(code) = &mut row.industry_code
                && let Some(digits) = industry_code(code)
            {
                *code = digits;
            }
        }
        Command::AssignSector(row) => tidy_needed(&mut row.sector),
        Command::RecordFiling(row) => {
            tidy_optional(&mut row.bank);
            tidy_optional(&mut row.account_tail);
        }
        Command::ReportBalance(_)
        | Command::ReportCustody(_)
        | Command::PostGuarantee(_)
        | Command::RecordListing(_) => {}
        Command::RecordExit(row) => {
            tidy_optional(&mut row.mall);
            tidy_optional(&mut row.unit);
            tidy_lines(&mut row.refund_plan);
            tidy_lines(&mut row.reason);
        }
        Command::RecordComplaint(row) => {
            tidy_needed(&mut row.ticket);
            tidy_optional(&mut row.mall);
        }
        Command::RecordUnattributed(row) => {
            tidy_needed(&mut row.ticket);
            for text in [
                &mut row.name,
                &mut row.address,
                &mut row.mall,
                &mut row.brand,
                &mut row.street,
                &mut row.source,
                &mut row.profile,
            ] {
                tidy_optional(text);
                tidy_with(text, masked);
            }
        }
        Command::DecideUnattributed(row) => {
            tidy_needed(&mut row.ticket);
            tidy_lines(&mut row.reason);
            row.candidates.truncate(MOST_CANDIDATES);
        }
        Command::RecordSignal(row) => {
            tidy_optional(&mut row.mall);
            tidy_optional(&mut row.unit);
            tidy_optional(&mut row.value);
        }
        Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => {
            tidy_optional(&mut row.mall);
            tidy_optional(&mut row.unit);
        }
        Command::RecordEnforcement(row) => {
            tidy_optional(&mut row.number);
            tidy_lines(&mut row.result);
        }
        Command::RecordLead(row) => {
            tidy_needed(&mut row.lead);
            tidy_needed(&mut row.authority);
            tidy_lines(&mut row.note);
        }
        Command::RecordJointCheck(row) => {
            tidy_needed(&mut row.check);
            row.sectors.iter_mut().for_each(tidy_needed);
            row.sectors.retain(|sector| !sector.is_empty());
            row.sectors.sort();
            row.sectors.dedup();
            tidy_lines(&mut row.result);
        }
        Command::RecordCase(row) => {
            tidy_needed(&mut row.number);
            tidy_optional(&mut row.ticket);
        }
        Command::IssueDocument(row) => {
            for line in [&mut row.number, &mut row.title, &mut row.to, &mut row.office] {
                tidy_needed(line);
            }
            for paragraph in &mut row.paragraphs {
                keep(paragraph, clean);
                keep(paragraph, masked);
            }
            row.paragraphs.retain(|paragraph| !paragraph.is_empty());
        }
        Command::RecordAccount(row) => {
            tidy_needed(&mut row.bank);
            tidy_optional(&mut row.account_tail);
        }
        Command::RecordTenancy(row) => {
            tidy_optional(&mut row.mall);
            tidy_optional(&mut row.unit);
            tidy_optional(&mut row.brand);
        }
        Command::HandleComplaint(row) => tidy_needed(&mut row.ticket),
        Command::RecordGreyListing(row) => tidy_lines(&mut row.ground),
        Command::RecordLock(row) => {
            tidy_needed(&mut row.person);
            tidy_needed(&mut row.person_digest);
            tidy_optional(&mut row.role);
            tidy_optional(&mut row.number);
        }
        Command::CancelEntry(row) => {
            tidy_needed(&mut row.reason);
            tidy_entry(&mut row.entry);
        }
        Command::HandleCase(row) => {
            tidy_optional(&mut row.to);
            tidy_lines(&mut row.note);
        }
    }
    command
}

/// Candidates that a decision keeps at most.
const MOST_CANDIDATES: usize = 20;

fn tidy_entry(entry: &mut Entry) {
    match entry {
        Entry::Exit { mall, unit, .. }
        | Entry::Signal { mall, unit, .. }
        | Entry::ComplaintRate { mall, unit, .. }
        | Entry::PrepaidShare { mall, unit, .. }
        | Entry::Lease { mall, unit, .. }
        | Entry::Papers { mall, unit, .. } => {
            tidy_optional(mall);
            tidy_optional(unit);
        }
        Entry::ShopBrand { mall, unit, brand } => {
            tidy_optional(mall);
            tidy_optional(unit);
            tidy_needed(brand);
        }
        Entry::Act { number, .. } => tidy_optional(number),
        Entry::Ticket { ticket: text, .. }
        | Entry::Account { bank: text, .. }
        | Entry::Lock { person_digest: text, .. } => tidy_needed(text),
        Entry::Lead { lead: number, .. } | Entry::JointCheck { check: number, .. } | Entry::Case { number } => {
            tidy_needed(number);
        }
        Entry::Filing { .. }
        | Entry::Balance { .. }
        | Entry::Custody { .. }
        | Entry::Guarantee { .. }
        | Entry::Listing { .. }
        | Entry::GreyListing { .. } => {}
    }
}

/// An empty word where a text is needed is no text, for [`super::check::check`] to miss.
fn tidy_needed(text: &mut String) {
    keep(text, clean);
    if is_empty_word(text) {
        text.clear();
    }
}

fn tidy_optional(text: &mut Option<String>) {
    tidy_with(text, clean);
}

/// What people write freely holds numbers of persons.
fn tidy_lines(text: &mut Option<String>) {
    tidy_with(text, clean_lines);
    tidy_with(text, masked);
}

fn tidy_with(text: &mut Option<String>, cleaning: fn(&str) -> Cow<'_, str>) {
    if let Some(inner) = text {
        keep(inner, cleaning);
        if is_empty_word(inner) {
            *text = None;
        }
    }
}

fn keep(text: &mut String, cleaning: fn(&str) -> Cow<'_, str>) {
    let kept = cleaning(text);
    if kept != text.as_str() {
        *text = kept.into_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_industry_code_loses_its_letter_and_nothing_else() {
        assert_eq!(industry_code("O8040").as_deref(), Some("8040"));
        assert_eq!(industry_code(" Ｐ８３９１ ").as_deref(), Some("8391"));
        assert_eq!(industry_code("62").as_deref(), Some("62"));
        assert_eq!(industry_code("８０ ４０").as_deref(), Some("8040"), "blanks inside a code are dropped");
        for wrong in ["", "O", "O8", "80401", "80a0", "OO8040", "八零"] {
            assert_eq!(industry_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_empty_word_is_no_text_in_any_optional_field() {
        for word in ["无", "／", "n/a", "——", " 暂无\u{3000}"] {
            let json = format!(
                r#"{{"command":"record_exit","credit_code":"91110000101623741K","mall":"{word}","unit":"{word}","action":"close",
                    "date":"2025-03-01","refund_plan":"{word}","reason":"{word}"}}"#
            );
            let Command::RecordExit(row) = tidy(serde_json::from_str(&json).unwrap()) else { panic!() };
            assert_eq!((row.mall, row.unit, row.refund_plan, row.reason), (None, None, None, None), "{word}");
        }
    }

    #[test]
    fn a_tidied_command_has_no_blank_texts() {
        let json = r#"{"command":"register_merchant","credit_code":"91110000101623741K","name":"　极光 ",
            "industry_code":"O8040","mall":"  ","brand":""}"#;
        let Command::RegisterMerchant(row) = tidy(serde_json::from_str(json).unwrap()) else { panic!() };
        assert_eq!(row.name.as_deref(), Some("极光"));
        assert_eq!(row.industry_code.as_deref(), Some("8040"));
        assert_eq!((row.mall, row.brand), (None, None));
    }
}

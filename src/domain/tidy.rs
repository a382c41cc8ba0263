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
            row.legal_representative_digest.iter_mut().for_each(tidy_digest);
            for text in [
                &mut row.name,
                &mut row.street,
                &mut row.mall,
                &mut row.unit,
                &mut row.legal_representative,
                &mut row.brand,
            ] {
                tidy_with(text, masked);
            }
            if let Some(code) = &mut row.industry_code
                && let Some(digits) = industry_code(code)
            {
                *code = digits;
            } else {
                tidy_with(&mut row.industry_code, masked);
            }
        }
        Command::AssignSector(row) => tidy_name(&mut row.sector),
        Command::RecordAlias(row) | Command::WithdrawAlias(row) => {
            tidy_needed(&mut row.alias);
            keep(&mut row.alias, masked);
            tidy_free(&mut row.mall);
            tidy_free(&mut row.street);
            tidy_lines(&mut row.reason);
        }
        Command::RecordFiling(row) => {
            tidy_free(&mut row.bank);
            tidy_free(&mut row.account_tail);
        }
        Command::ReportBalance(_)
        | Command::ReportCustody(_)
        | Command::PostGuarantee(_)
        | Command::RecordListing(_) => {}
        Command::RecordExit(row) => {
            tidy_free(&mut row.mall);
            tidy_free(&mut row.unit);
            tidy_lines(&mut row.refund_plan);
            tidy_lines(&mut row.reason);
        }
        Command::RecordComplaint(row) => {
            tidy_needed(&mut row.ticket);
            tidy_free(&mut row.mall);
            tidy_lines(&mut row.reply);
            tidy_with(&mut row.reply, masked);
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
                tidy_free(text);
            }
        }
        Command::DecideUnattributed(row) => {
            tidy_needed(&mut row.ticket);
            tidy_lines(&mut row.reason);
            row.candidates.truncate(MOST_CANDIDATES);
        }
        Command::RecordSignal(row) => {
            tidy_free(&mut row.mall);
            tidy_free(&mut row.unit);
            tidy_free(&mut row.value);
        }
        Command::ReportComplaintRate(row) | Command::ReportPrepaidShare(row) => {
            tidy_free(&mut row.mall);
            tidy_free(&mut row.unit);
        }
        Command::RecordEnforcement(row) => {
            tidy_optional(&mut row.number);
            tidy_lines(&mut row.result);
        }
        Command::RecordLead(row) => {
            tidy_needed(&mut row.lead);
            tidy_name(&mut row.authority);
            tidy_lines(&mut row.note);
        }
        Command::RecordJointCheck(row) => {
            tidy_needed(&mut row.check);
            row.sectors.iter_mut().for_each(tidy_name);
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
            tidy_name(&mut row.bank);
            tidy_free(&mut row.account_tail);
        }
        Command::RecordTenancy(row) => {
            tidy_free(&mut row.mall);
            tidy_free(&mut row.unit);
            tidy_free(&mut row.brand);
        }
        Command::HandleComplaint(row) => tidy_needed(&mut row.ticket),
        Command::RecordGreyListing(row) => tidy_lines(&mut row.ground),
        Command::RecordLock(row) => {
            tidy_name(&mut row.person);
            tidy_digest(&mut row.person_digest);
            tidy_free(&mut row.role);
            tidy_optional(&mut row.number);
        }
        Command::MakeStatement(row) => {
            keep(&mut row.text, clean_lines);
            keep(&mut row.text, masked);
        }
        Command::CancelEntry(row) => {
            tidy_name(&mut row.reason);
            tidy_entry(&mut row.entry);
        }
        Command::HandleCase(row) => {
            tidy_free(&mut row.to);
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
            tidy_free(mall);
            tidy_free(unit);
        }
        Entry::ShopBrand { mall, unit, brand } => {
            tidy_free(mall);
            tidy_free(unit);
            tidy_name(brand);
        }
        Entry::Act { number, .. } => tidy_optional(number),
        Entry::Ticket { ticket: text, .. } => tidy_needed(text),
        Entry::Account { bank: text, .. } => tidy_name(text),
        Entry::Lock { person_digest: text, .. } => tidy_digest(text),
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

fn tidy_name(text: &mut String) {
    tidy_needed(text);
    keep(text, masked);
}

/// Letters that a digest has at least.
const SHORTEST_DIGEST: usize = 16;

/// Digits beside each other in a digest are nobody's number.
fn tidy_digest(text: &mut String) {
    tidy_needed(text);
    // An identity number has no letter but X.
    let is_digest = text.len() >= SHORTEST_DIGEST
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if !is_digest {
        keep(text, masked);
    }
}

/// Names and places hold numbers of persons where people had no other column for them.
fn tidy_free(text: &mut Option<String>) {
    tidy_optional(text);
    tidy_with(text, masked);
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
    use serde_json::json;

    #[test]
    fn a_digest_stays_whatever_digits_stand_beside_each_other_in_it_and_a_number_in_its_place_does_not() {
        let digest = |text: &str| {
            let row = json!({ "command": "register_merchant", "credit_code": "91110000101623741K", "legal_representative_digest": text });
            match tidy(serde_json::from_value(row).unwrap()) {
                Command::RegisterMerchant(row) => row.legal_representative_digest,
                _ => None,
            }
        };
        for kept in ["c14592001907baaf", "6f9b4dd2970665bb", &"a13812345678".repeat(6)] {
            assert_eq!(digest(kept).as_deref(), Some(kept));
        }
        for number in ["13812345678", "110101199001011237", "11010119900101123X"] {
            assert_ne!(digest(number).as_deref(), Some(number));
        }
    }

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

    const CODE: &str = "91110000101623741K";
    const MARKS: [&str; 3] = ["13912345678", "11010519491231002X", "139-1234-5678"];

    /// Every command, with every text that it takes.
    fn every_command() -> Vec<serde_json::Value> {
        use serde_json::json;
        let nil = uuid::Uuid::nil();
        vec![
            json!({ "command": "register_merchant", "name": "n", "industry_code": "8040", "division_code": "110108", "street": "s", "mall": "m",
                "unit": "u", "legal_representative": "l", "legal_representative_digest": "d", "brand": "b" }),
            json!({ "command": "assign_sector", "sector": "sport", "effective_on": "2025-06-01" }),
            json!({ "command": "record_filing", "status": "accepted", "date": "2025-01-10", "bank": "b", "account_tail": "1234" }),
            json!({ "command": "report_balance", "date": "2025-01-10", "outstanding": "1" }),
            json!({ "command": "report_custody", "date": "2025-01-10", "held": "1" }),
            json!({ "command": "record_exit", "mall": "m", "unit": "u", "action": "post", "date": "2025-01-10", "planned_on": "2025-03-10",
                "refund_plan": "r", "reason": "r" }),
            json!({ "command": "record_complaint", "ticket": "t", "channel": "mall", "kind": "refund", "received_at": "2025-01-10T01:00:00Z" }),
            json!({ "command": "record_unattributed", "ticket": "t", "channel": "mall", "kind": "refund", "received_at": "2025-01-10T01:00:00Z",
                "name": "n", "address": "a", "mall": "m", "brand": "b", "street": "s", "source": "s", "profile": "p" }),
            json!({ "command": "decide_unattributed", "ticket": "t", "channel": "mall", "decision": "set_aside", "reason": "r" }),
            json!({ "command": "record_signal", "kind": "rent_arrears", "mall": "m", "unit": "u", "date": "2025-01-10", "value": "v" }),
            json!({ "command": "report_complaint_rate", "mall": "m", "unit": "u", "date": "2025-01-10", "ratio": "0.06" }),
            json!({ "command": "report_prepaid_share", "mall": "m", "unit": "u", "date": "2025-01-10", "ratio": "0.06" }),
            json!({ "command": "record_enforcement", "kind": "talk", "date": "2025-01-10", "result": "r", "number": "n" }),
            json!({ "command": "record_lead", "lead": "l", "step": "transferred", "authority": "a", "date": "2025-01-10", "note": "n" }),
            json!({ "command": "record_joint_check", "check": "c", "step": "proposed", "date": "2025-01-10", "sectors": ["s"], "result": "r" }),
            json!({ "command": "record_case", "number": "n", "date": "2025-01-10", "ticket": "t", "channel": "mall" }),
            json!({ "command": "cancel_entry", "reason": "r", "entry": { "what": "act", "kind": "talk", "date": "2025-01-10", "number": "n" } }),
            json!({ "command": "cancel_entry", "reason": "r", "entry": { "what": "exit", "mall": "m", "unit": "u", "action": "post", "date": "2025-01-10" } }),
            json!({ "command": "record_account", "action": "open", "date": "2025-01-10", "bank": "b", "account_tail": "1" }),
            json!({ "command": "record_tenancy", "mall": "m", "unit": "u", "brand": "b" }),
            json!({ "command": "handle_complaint", "ticket": "t", "channel": "mall", "step": "passed_to_enterprise", "at": "2025-01-10T01:00:00Z" }),
            json!({ "command": "record_grey_listing", "entered_on": "2025-01-10", "ground": "g" }),
            json!({ "command": "record_lock", "person": "p", "person_digest": "d", "locked_on": "2025-01-10", "role": "r", "number": "n" }),
            json!({ "command": "cancel_entry", "reason": "r", "entry": { "what": "shop_brand", "mall": "m", "unit": "u", "brand": "b" } }),
            json!({ "command": "cancel_entry", "reason": "r", "entry": { "what": "lock", "person_digest": "d", "locked_on": "2025-01-10" } }),
            json!({ "command": "cancel_entry", "reason": "r", "entry": { "what": "lead", "lead": "l", "step": "transferred" } }),
            json!({ "command": "handle_case", "alert": nil, "action": "assign", "to": "t", "note": "n" }),
        ]
    }

    /// Returns the paths of all texts in a value.
    fn texts(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(_) => found.push(path.to_owned()),
            serde_json::Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| texts(item, &format!("{path}/{index}"), found));
            }
            serde_json::Value::Object(fields) => {
                fields.iter().for_each(|(name, item)| texts(item, &format!("{path}/{name}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn no_text_of_any_command_keeps_the_number_of_a_person() {
        let now = "2025-06-30T10:00:00Z".parse().unwrap();
        let (mut free, mut wrong) = (0, Vec::new());
        for mut plain in every_command() {
            if plain["command"] != "record_unattributed" {
                plain["credit_code"] = CODE.into();
            }
            serde_json::from_value::<Command>(plain.clone()).unwrap_or_else(|error| panic!("{plain}: {error}"));
            let mut paths = Vec::new();
            texts(&plain, "", &mut paths);
            for (path, mark) in paths.iter().flat_map(|path| MARKS.map(|mark| (path, mark))) {
                let mut row = plain.clone();
                *row.pointer_mut(path).unwrap() = format!("找{mark}").into();
                // What is no text cannot hold one.
                let Ok(said) = serde_json::from_value::<Command>(row) else { continue };
                free += 1;
                let tidied = tidy(said);
                let problems = crate::domain::check::check(&tidied, now);
                let kept = serde_json::to_string(&tidied).unwrap().contains(mark);
                let is_told = problems.iter().any(|problem| format!("{problem:?}").contains(mark));
                if (kept && problems.is_empty()) || is_told {
                    wrong.push(format!("{} {path} {mark}", plain["command"]));
                }
            }
        }
        assert!(free > 100, "{free}");
        assert_eq!(wrong, Vec::<String>::new());
    }
}

//! What was filled in becomes a command. Every field is read before anything is said, so that a form comes back once with all that is
//! wrong with it.

use super::forms::{ActForm, Field, Kind};
use crate::domain::code::CreditCode;
use crate::domain::command::Command;
use crate::domain::money::Yuan;
use crate::domain::time::{self, instant_of};
use crate::http::problem::FieldProblem;
use jiff::civil::DateTime;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What was filled in, by the name of the input.
pub(super) type Filled = BTreeMap<String, String>;

/// Sectors that a form has room for.
pub(super) const SECTORS: [&str; 4] = ["sector_1", "sector_2", "sector_3", "sector_4"];

/// Reads a form about a merchant.
///
/// # Errors
/// Everything that cannot be read, each naming its input.
pub(super) fn command(form: &ActForm, about: CreditCode, filled: &Filled) -> Result<Command, Vec<FieldProblem>> {
    let mut fields = Map::new();
    fields.insert("command".to_owned(), form.command.into());
    fields.insert("credit_code".to_owned(), about.to_string().into());
    fields.extend(form.says.iter().map(|(name, word)| ((*name).to_owned(), (*word).into())));
    let mut wrong = Vec::new();
    for field in form.fields {
        match value(field, filled) {
            Ok(Some(value)) => {
                fields.insert(field.name.to_owned(), value);
            }
            Ok(None) if field.needed => {
                wrong.push(FieldProblem::new(input(field.name), "missing", "", "此项必填", "this has to be filled in"));
            }
            Ok(None) => {}
            Err(problem) => wrong.push(*problem),
        }
    }
    // The channel is chosen beside a ticket; without one it says nothing.
    if form.fields.iter().any(|field| field.name == "ticket") && !fields.contains_key("ticket") {
        fields.remove("channel");
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    // Each value was read above; what is left is a form that does not fit its command, which a test looks for.
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| vec![FieldProblem::new("act", "unreadable", "", "无法识别", error.to_string())])
}

/// Returns the input that a field of a command is filled in at.
pub(super) fn input(field: &str) -> &str {
    if field == "sectors" { SECTORS[0] } else { field }
}

fn value(field: &Field, filled: &Filled) -> Result<Option<Value>, Box<FieldProblem>> {
    let text = |name: &str| filled.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    if matches!(field.kind, Kind::Sectors) {
        let sectors: Vec<Value> = SECTORS.iter().filter_map(|name| text(name)).map(Value::from).collect();
        return Ok((!sectors.is_empty()).then(|| sectors.into()));
    }
    let Some(said) = text(field.name) else { return Ok(None) };
    let unreadable = |zh: &str, en: &str| Box::new(FieldProblem::new(field.name, "unreadable", said, zh, en));
    Ok(Some(match field.kind {
        Kind::Day | Kind::DayAhead => {
            let day = time::day(said).map_err(|fault| unreadable(&fault.zh(), &fault.to_string()))?;
            day.to_string().into()
        }
        // Browsers send the local clock's reading.
        Kind::Time => {
            let at: DateTime = said.parse().map_err(|_| unreadable("应为日期和时间", "a day and a time are needed"))?;
            instant_of(at).to_string().into()
        }
        Kind::Money => {
            let yuan: Yuan = said
                .parse()
                .map_err(|_| unreadable("应为金额，如 1234.50", "an amount of yuan is needed, such as 1234.50"))?;
            yuan.to_string().into()
        }
        Kind::Flag => match said {
            "yes" => true.into(),
            "no" => false.into(),
            _ => return Err(unreadable("应为是或否", "yes or no is needed")),
        },
        Kind::Choice(_, words) if !words.contains(&said) => {
            return Err(unreadable("请选择其中一项", "choose one of those offered"));
        }
        Kind::Choice(..) | Kind::Text | Kind::Prose | Kind::Ticket | Kind::Sectors => said.into(),
    }))
}

use super::forms::{FORMS, Field};
use super::*;
use crate::domain::access::OutOfScope;
use crate::domain::command::Command;

/// A value that a field takes.
fn sample(field: &Field) -> Vec<(String, String)> {
    let value = match field.kind {
        Kind::Day | Kind::DayAhead => "2025-06-01",
        Kind::Time => "2025-06-01T10:00",
        Kind::Money => "12.50",
        Kind::Flag => "yes",
        // The last channel is the mall's.
        Kind::Choice(_, words) => words.last().unwrap(),
        Kind::Sectors => {
            return [("sector_1", "sport"), ("sector_2", "commerce")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .to_vec();
        }
        Kind::Text | Kind::Prose | Kind::Ticket => "x",
    };
    vec![(field.name.to_owned(), value.to_owned())]
}

fn command_of(form: &ActForm) -> Command {
    let filled: Filled = form.fields.iter().flat_map(sample).collect();
    reading::command(form, "91110000101623741K".parse().unwrap(), &filled)
        .unwrap_or_else(|wrong| panic!("{}: {wrong:?}", form.id))
}

#[test]
fn every_form_makes_its_command_and_is_offered_to_those_who_may_say_it_and_to_nobody_else() {
    for form in FORMS {
        assert!(GROUPS.contains(&form.group), "{}", form.id);
        let command = command_of(form);
        for role in Role::ALL {
            let scope =
                Scope { role: *role, bank: Some("x".to_owned()), malls: vec!["x".to_owned()], ..Scope::everything() };
            let may = scope.may_say(&command, None) != Err(OutOfScope::Role);
            // An office says that a merchant has filed in the form for every step of a filing.
            let may = may && (form.id != "filing_submitted" || *role == Role::Merchant);
            assert_eq!(form.roles.contains(role), may, "{} {role}", form.id);
        }
    }
}

#[test]
fn whatever_is_needed_is_asked_for_and_an_empty_form_names_all_of_it() {
    for form in FORMS {
        let wrong = reading::command(form, "91110000101623741K".parse().unwrap(), &Filled::new());
        let needed: Vec<&str> =
            form.fields.iter().filter(|field| field.needed).map(|field| input(field.name)).collect();
        match wrong {
            Err(wrong) => {
                assert_eq!(
                    wrong.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(),
                    needed,
                    "{}",
                    form.id
                );
            }
            Ok(_) => assert_eq!(form.id, "tenancy", "of a list of tenants any part may be left out"),
        }
        for field in form.fields {
            let mut filled: Filled = form.fields.iter().flat_map(sample).collect();
            if matches!(field.kind, Kind::Text | Kind::Prose | Kind::Ticket | Kind::Sectors) {
                continue;
            }
            filled.insert(field.name.to_owned(), "!".to_owned());
            let wrong = reading::command(form, "91110000101623741K".parse().unwrap(), &filled).unwrap_err();
            assert_eq!(
                wrong.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(),
                [field.name],
                "{}",
                form.id
            );
        }
    }
}

#[test]
fn every_form_and_every_field_has_its_texts_in_both_languages() {
    let pages = Pages::new().unwrap();
    for language in Language::ALL {
        let has = |section: &str, key: &str| assert!(!pages.text(language, section, key).is_empty(), "{section}.{key}");
        for form in FORMS {
            has("acts", &format!("act_{}", form.id));
            has("acts", &format!("group_{}", form.group));
            for field in form.fields {
                has("field", field.name);
                if let Kind::Choice(prefix, words) = field.kind {
                    words.iter().for_each(|word| has("word", &format!("{prefix}{word}")));
                }
            }
        }
    }
}

//! The command line in Chinese and English.

use super::{text, warnlight};

const CHINESE: (&str, &str) = ("LANG", "zh_CN.UTF-8");

#[test]
fn help_and_errors_are_in_the_language_of_the_system_or_of_the_flag() {
    let help = warnlight(&["--help"], &[CHINESE]);
    assert_eq!(help.status.code(), Some(0));
    let said = text(&help.stdout);
    assert!(said.contains("退出码") && said.contains("用法") && !said.contains("Usage"), "{said}");
    let wrong = warnlight(&["key", "create", "--name", "x", "--role", "king"], &[CHINESE]);
    assert_eq!(wrong.status.code(), Some(3));
    assert!(text(&wrong.stderr).contains("`king` 不是角色"), "{}", text(&wrong.stderr));
    let english = warnlight(&["fly", "--lang", "en"], &[CHINESE]);
    assert!(text(&english.stderr).contains("unrecognized"), "{}", text(&english.stderr));
}

#[test]
fn what_programs_read_is_the_same_in_every_language() {
    let [zh, en] = ["zh-CN", "en"].map(|lang| warnlight(&["settings", "--format", "json", "--lang", lang], &[]));
    assert_eq!(zh.stdout, en.stdout);
    let settings: serde_json::Value = serde_json::from_slice(&en.stdout).unwrap();
    assert!(settings["http"].is_object());
}

#[test]
fn a_light_is_explained_in_the_words_of_either_language() {
    let room = tempfile::tempdir().unwrap();
    let data = room.path().to_str().unwrap();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/district-utf8");
    assert_eq!(warnlight(&["--data", data, "import", samples], &[]).status.code(), Some(0));
    let explained = |lang: &str| {
        let explain = ["--data", data, "--lang", lang, "explain", "91110108MAM7PC8WT2", "--at", "2025-06-30"];
        text(&warnlight(&explain, &[]).stdout)
    };
    let lines = |said: &str, heads: [&str; 2]| -> Vec<String> {
        let lines = said.lines().map(str::trim_start).filter(|line| heads.iter().any(|head| line.starts_with(head)));
        lines.map(str::to_owned).collect()
    };
    let said = explained("zh-CN");
    let chinese = lines(&said, ["事实", "条款"]);
    assert!(chinese.len() > 1, "{said}");
    for line in &chinese {
        assert!(!line.contains(|letter: char| letter.is_ascii_lowercase() || "<>=".contains(letter)), "{line}");
    }
    let said = explained("en");
    let english = lines(&said, ["fact", "clause"]);
    assert_eq!(english.len(), chinese.len(), "{said}");
    for line in &english {
        assert!(
            !line.contains(|letter: char| ('\u{4E00}'..='\u{9FFF}').contains(&letter) || "<>=_".contains(letter)),
            "{line}"
        );
    }
}

#[test]
fn values_are_refused_with_a_sentence() {
    for (arguments, said) in [
        (["lights", "--at", "yesterday"].as_slice(), "is not an instant; write it like"),
        (&["lights", "--at", "9999-12-31"], "is not between the years 1990 and 2100"),
        (&["lights", "--light", "blue"], "is not a light; use red"),
        (&["explain", "12"], "is not a unified social credit code"),
        (&["key", "revoke", "x"], "is not the id of a key"),
        (&["verify", "--trust", "x"], "is not a public key"),
        (&["simulate", "--until", "soon", "x"], "is not a day"),
        (&["demo", "--merchants", "0"], "is not a whole number from 1 to 20000"),
    ] {
        let output = warnlight(arguments, &[]);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

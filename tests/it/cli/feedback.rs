//! `warnlight feedback`.

use super::{text, warnlight};
use std::fs;

const HEADER: &str = "12345工单编号,受理时间,统一社会信用代码,一级分类,办结时间,是否解决\n";

#[test]
fn what_came_later_goes_back_and_what_came_with_the_ticket_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (data, out) = (path("data"), path("out"));
    let code = "91110108MA00000000";
    let tickets =
        format!("{HEADER}A,2026-01-02 09:00,{code},退费,,\nB,2026-01-02 09:00,{code},退费,2026-01-03 09:00,是\n");
    let answers = format!("{HEADER}A,2026-01-02 09:00,{code},退费,2026-01-05 09:00,否\n");
    for (name, content) in [("1月.csv", tickets), ("答复.csv", answers)] {
        fs::write(path(name), content).unwrap();
        let output = warnlight(&["--data", &data, "import", &path(name), "--out", &out], &[]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    }
    let file = path("反馈.csv");
    let ask = |profile: &str| {
        warnlight(
            &[
                "--data",
                &data,
                "feedback",
                "--profile",
                profile,
                "--since",
                "2020-01-01",
                "--out",
                &file,
                "--lang",
                "en",
            ],
            &[],
        )
    };
    let output = ask("hotline-12345");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let written = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines.len(), 2, "{written}");
    assert!(lines[1].starts_with("A,,2026-01-05 09:00,否,"), "{written}");
    assert_eq!(ask("nobody").status.code(), Some(4), "{}", text(&ask("nobody").stderr));
    assert_eq!(ask("merged-list").status.code(), Some(3), "it says nothing of what goes back");
}

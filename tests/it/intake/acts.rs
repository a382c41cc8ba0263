//! Rows of 执法 that are more than an act: leads, joint checks, cases.

use super::*;

fn harvest(header: &str, rows: &[&str]) -> Harvest {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("执法.csv");
    fs::write(&path, format!("统一社会信用代码,类型,日期,{header}\n{}\n", rows.join("\n"))).unwrap();
    Harvest::of(&path)
}

fn commands(harvest: &Harvest) -> Vec<String> {
    let read = harvest.rows.iter().filter_map(|row| row.outcome.as_ref().ok());
    read.map(|command| serde_json::to_string(command).unwrap()).collect()
}

#[test]
fn each_kind_of_row_becomes_its_command() {
    let header = "文号,核查结果,机关,移送说明,呈报日期,批准时间,移交时间,参加部门,工单编号,来源";
    let sent = harvest(
        header,
        &[
            "91110000101623741K,黄牌撤除,2025-06-01,7,,,,,,,,,",
            "91110000101623741K,现场核查,2025-06-01,,停业,,,,,,,,",
            "91110000101623741K,线索移送,2025-06-02,移1,,公安局,跑路,2025-06-01,2025-06-01 10:00,2025-06-02 09:00,,,",
            "91110000101623741K,线索退回,2025-06-04,移1,,公安局,不属管辖,,,,,,",
            "91110000101623741K,综合查一次完成,2025-06-05,ZH1,已整改,,,,,,sport、commerce,,",
            "91110000101623741K,立案,2025-06-06,立1,,,,,,,,T1,12345",
            "91110000101623741K,作废线索退回,2025-06-04,移1,,,,,,,,,",
            "91110000101623741K,作废立案,2025-06-06,立1,,,,,,,,,",
        ],
    );
    assert_eq!(sent.refusals(), []);
    let told = commands(&sent);
    let has = |row: usize, parts: &[&str]| {
        parts.iter().for_each(|part| assert!(told[row].contains(part), "{part} is not in {}", told[row]));
    };
    has(0, &[r#""kind":"yellow_card_removed""#, r#""number":"7""#]);
    has(1, &[r#""kind":"on_site_check""#, r#""result":"停业""#]);
    has(
        2,
        &[
            r#""command":"record_lead""#,
            r#""step":"transferred""#,
            r#""approved_at":"2025-06-01T02:00:00Z""#,
            r#""note":"跑路""#,
        ],
    );
    has(3, &[r#""step":"returned""#, r#""authority":"公安局""#]);
    has(4, &[r#""step":"done""#, r#""sectors":["sport","commerce"]"#, r#""result":"已整改""#]);
    has(5, &[r#""command":"record_case""#, r#""ticket":"T1""#, r#""channel":"12345""#]);
    has(6, &[r#""what":"lead""#, r#""step":"returned""#]);
    has(7, &[r#""what":"case""#, r#""number":"立1""#]);
}

#[test]
fn a_cell_that_its_kind_of_row_does_not_have_is_refused_by_its_column() {
    let sent = harvest(
        "文号,核查结果,机关,参加部门,工单编号,来源",
        &[
            "91110000101623741K,约谈,2025-06-01,,,公安局,,,",
            "91110000101623741K,立案,2025-06-01,立1,,,sport,,",
            "91110000101623741K,现场核查,2025-06-01,,,,,,",
            "91110000101623741K,线索接收,2025-06-01,,,公安局,,,",
            "91110000101623741K,综合查一次提议,2025-06-01,ZH1,,,sport,,",
            "91110000101623741K,立案,2025-06-01,立1,,,,T1,",
            "91110000101623741K,移送,2025-06-01,立1,,,,,",
        ],
    );
    let found: Vec<(u64, Vec<&str>)> = sent.refusals();
    let expected: [(u64, &str); 7] = [
        (2, "out_of_place"),
        (3, "out_of_place"),
        (4, "result_missing"),
        (5, "missing"),
        (6, "too_few_sectors"),
        (7, "missing"),
        (8, "unknown_word"),
    ];
    let expected: Vec<(u64, Vec<&str>)> = expected.into_iter().map(|(row, code)| (row, vec![code])).collect();
    assert_eq!(found, expected);
    let columns: Vec<_> =
        sent.rows.iter().map(|row| row.outcome.as_ref().unwrap_err()[0].place.column.clone().unwrap()).collect();
    assert_eq!(
        columns.iter().map(|column| &**column).collect::<Vec<_>>(),
        ["机关", "参加部门", "核查结果", "文号", "参加部门", "来源", "类型"]
    );
}

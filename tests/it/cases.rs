//! Files as offices really send them, one folder each in `tests/cases`, and what must come of each.
//!
//! The table names every folder. An outcome says which rows are read, which are refused for what, what is said beside them, and
//! values that the rows must have. Whoever mends a kind of fault adds a folder and an outcome.

use super::*;

/// What must come of the files of a folder.
struct Case {
    folder: &'static str,
    /// What the office means, and what is done about it.
    means: &'static str,
    /// Rows read: `file row row …`.
    read: &'static [&'static str],
    /// Rows refused: `file row code …`; whole files without a row.
    refused: &'static [&'static str],
    /// Codes of remarks and warnings with the row they name first: `file row code`.
    said: &'static [&'static str],
    /// `file row key=value …` of the commands, as their JSON has them.
    values: &'static [&'static str],
}

fn look(path: &Path) -> (Vec<String>, Vec<String>, Vec<String>, Harvest) {
    let harvest = Harvest::at(path, "2026-12-31T18:00:00+08:00".parse().unwrap());
    let mut read: std::collections::BTreeMap<String, Vec<String>> = Default::default();
    let mut refused = Vec::new();
    for row in &harvest.rows {
        match &row.outcome {
            Ok(_) => read.entry(row.table.file.to_string()).or_default().push(row.row.to_string()),
            Err(refusals) => {
                let codes: Vec<&str> = refusals.iter().map(|refusal| refusal.code).collect();
                refused.push(format!("{} {} {}", row.table.file, row.row, codes.join(" ")));
            }
        }
    }
    for whole in &harvest.refused {
        refused.push(format!("{} {}", whole.refusal.place.file, whole.refusal.code));
    }
    let findings = harvest.remarks.iter().map(|remark| &remark.finding).chain(&harvest.warnings);
    let mut said: Vec<String> = findings
        .filter(|finding| finding.code != "check_character")
        .map(|finding| format!("{} {} {}", finding.place.file, finding.place.row.unwrap_or_default(), finding.code))
        .collect();
    said.sort();
    refused.sort();
    let read = read.into_iter().map(|(file, rows)| format!("{file} {}", rows.join(" "))).collect();
    (read, refused, said, harvest)
}

const CASES: &[Case] = &[
    Case {
        folder: "concatenated-csv",
        means: "Files glued together: a header in the middle is no record, and a line in another encoding is refused, never garbled.",
        read: &["商户-混.csv 2", "商户-混二.csv 2", "商户.csv 2 4"],
        refused: &["商户-混.csv 3 undecodable undecodable", "商户-混二.csv 3 mixed_encoding"],
        said: &["商户.csv 3 repeated_header"],
        values: &[
            "商户-混.csv 2 name=极光健身馆北京第三十二分店有限公司",
            "商户-混二.csv 2 name=海淀区某某舞蹈培训学校",
            "商户.csv 2 name=极光健身馆",
            "商户.csv 4 name=北风书画院",
        ],
    },
    Case {
        folder: "cr-only-csv",
        means: "A Macintosh ends lines with CR alone.",
        read: &["数据.csv 2 3", "预收资金.csv 2 3 4"],
        refused: &[],
        said: &[],
        values: &[
            "预收资金.csv 2 outstanding=100.00",
            "预收资金.csv 3 outstanding=200.00",
            "预收资金.csv 4 outstanding=300.00",
        ],
    },
    Case {
        folder: "folder-of-xls-only",
        means: "Subfolders are read; what is called a sheet and is none is refused.",
        read: &["三季度/商户.csv 2"],
        refused: &["商户.xls unknown_file_type", "备案.et unknown_file_type"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "formula-not-calculated",
        means: "A formula that was never calculated has no result: its row is refused, whether the column may stay empty or not.",
        read: &[],
        refused: &["名单.xlsx 2 not_calculated", "存管余额.xlsx 2 not_calculated", "存管余额.xlsx 3 not_calculated"],
        said: &["存管余额.xlsx 1 extra_column"],
        values: &[],
    },
    Case {
        folder: "gbk-file-name",
        means: "Names in GB18030 bytes are shown as people know them (the test gives the files such names).",
        read: &["商户-海淀.csv 2", "执法.csv 2"],
        refused: &["商户-海淀.csv 3 credit_code"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "hidden-rows-columns",
        means: "Filtered rows are read and told; a hidden column that doubles a shown one is left out and told.",
        read: &["存管余额.xlsx 2", "预收资金.xlsx 2 3 4"],
        refused: &[],
        said: &["存管余额.xlsx 1 hidden_column", "预收资金.xlsx 3 hidden_rows"],
        values: &["存管余额.xlsx 2 held=222.00"],
    },
    Case {
        folder: "merged-down",
        means: "One code over three rows stands for all three.",
        read: &["信号.xlsx 2 3 4 5", "撤店.xlsx 2 3 4"],
        refused: &[],
        said: &[],
        values: &[
            "撤店.xlsx 2 credit_code=91110108MA0000003K unit=D-1",
            "撤店.xlsx 3 credit_code=91110108MA0000004N unit=D-2",
            "撤店.xlsx 4 credit_code=91110108MA0000005R unit=D-3",
            "信号.xlsx 2 credit_code=91110108MA0000001D unit=B-1",
            "信号.xlsx 3 credit_code=91110108MA0000001D unit=B-2",
            "信号.xlsx 4 credit_code=91110108MA0000001D unit=B-3",
            "信号.xlsx 5 credit_code=91110108MA0000002G unit=C-1",
        ],
    },
    Case {
        folder: "ndjson-shapes",
        means: "An array, objects over several lines and UTF-16 are read; an amount that is no text is refused with its line.",
        read: &["a-array.ndjson 1 1", "b-pretty.ndjson 1 7", "c-utf16.ndjson 1 2", "d-numbers.ndjson 3"],
        refused: &["d-numbers.ndjson 1 json", "d-numbers.ndjson 2 json"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "one-odd-cell",
        means: "A cell of an unknown kind in a column that is not read costs nothing.",
        read: &["存管余额-bool.xlsx 2 3 4 5", "存管余额-n-text.xlsx 2 3 4 5", "存管余额-spill.xlsx 2 3 4 5"],
        refused: &[],
        said: &[
            "存管余额-bool.xlsx 1 extra_column",
            "存管余额-n-text.xlsx 1 extra_column",
            "存管余额-spill.xlsx 1 extra_column",
        ],
        values: &[],
    },
    Case {
        folder: "prenumbered-template",
        means: "Rows with nothing but a number are no refusals.",
        read: &["预收资金.xlsx 2 3 4"],
        refused: &[],
        said: &["预收资金.xlsx 1 extra_column", "预收资金.xlsx 5 unfilled_row"],
        values: &[],
    },
    Case {
        folder: "stacked-tables",
        means: "A further header begins a further table with its own columns.",
        read: &["存管与预收.xlsx 3 7 8", "预收资金-合并.csv 2 4"],
        refused: &[],
        said: &["存管与预收.xlsx 5 title_line"],
        values: &[
            "预收资金-合并.csv 2 outstanding=100000.00 revenue_last_year=2000000.00",
            "预收资金-合并.csv 4 outstanding=200000.00 revenue_last_year=3000000.00",
            "存管与预收.xlsx 3 held=400000.00",
            "存管与预收.xlsx 7 outstanding=900000.00",
            "存管与预收.xlsx 8 outstanding=910000.00",
        ],
    },
    Case {
        folder: "totals-footers-repeated-headers",
        means: "Totals, signatures, notes and repeated headers are passed over with a remark.",
        read: &["预收资金.csv 2 5"],
        refused: &[],
        said: &["预收资金.csv 3 total_row", "预收资金.csv 4 repeated_header", "预收资金.csv 7 footer_line"],
        values: &[],
    },
    Case {
        folder: "two-row-header",
        means: "Two rows are one header; the unit stands in the lower one.",
        read: &["预收资金.xlsx 4"],
        refused: &[],
        said: &["预收资金.xlsx 2 extra_column"],
        values: &["预收资金.xlsx 4 outstanding=500000.00 revenue_last_year=2000000.00"],
    },
    Case {
        folder: "unit-in-title-line",
        means: "单位：万元 above the header holds for the amounts below it.",
        read: &["预收资金.csv 4 5", "预收资金2.xlsx 4"],
        refused: &[],
        said: &[],
        values: &[
            "预收资金.csv 4 outstanding=1234500.00 revenue_last_year=8000000.00",
            "预收资金.csv 5 outstanding=600000.00 revenue_last_year=905000.00",
            "预收资金2.xlsx 4 outstanding=1234500.00",
        ],
    },
    Case {
        folder: "wan-by-number-format",
        means: "Yuan that a number format shows as 万 under a header that says 万元: which is meant cannot be told.",
        read: &[],
        refused: &["预收资金.xlsx 2 unit_by_format", "预收资金.xlsx 3 unit_by_format"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "wrong-extension",
        means: "The content tells what a file is, not its name.",
        read: &["名单.xlsx 2", "商户.xls 2", "备案.et 2", "存管余额.xls 2", "投诉.xlsx 2", "预收资金.xls 2"],
        refused: &[],
        said: &[],
        values: &[],
    },
    Case {
        folder: "calendar-2027",
        means: "Dates around the turn of a year (what working days of 2027 are is tried with the calendar).",
        read: &["商户.csv 2", "备案.csv 2", "存管余额.csv 2", "预收资金.csv 2"],
        refused: &[],
        said: &[],
        values: &[],
    },
    Case {
        folder: "code-in-two-columns",
        means: "An owner's identity number where the code belongs is refused and not kept.",
        read: &[],
        refused: &["商户.csv 2 identity_number", "商户.csv 3 identity_number"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "code-spellings",
        means: "Spellings that lose nothing give the code; O for 0 and I for 1 are refused.",
        read: &["商户.csv 2 3 4 5 6 7 8 11"],
        refused: &["商户.csv 10 credit_code", "商户.csv 12 credit_code", "商户.csv 9 credit_code"],
        said: &[],
        values: &[
            "商户.csv 2 credit_code=91110108MA0000001D",
            "商户.csv 3 credit_code=91110108MA0000001D",
            "商户.csv 4 credit_code=91110108MA0000001D",
            "商户.csv 5 credit_code=91110108MA0000001D",
            "商户.csv 6 credit_code=91110108MA0000001D",
            "商户.csv 7 credit_code=91110108MA0000001D",
            "商户.csv 8 credit_code=91110108MA0000001D",
            "商户.csv 11 credit_code=91110108MA0000001D",
        ],
    },
    Case {
        folder: "excel-text-tricks-csv",
        means: "Signs that keep a spreadsheet from spoiling codes are no part of them.",
        read: &["商户.csv 2 3 4 5 6 7 8"],
        refused: &[],
        said: &[],
        values: &[
            "商户.csv 2 credit_code=91110108MA0000001D unit=1-2",
            "商户.csv 3 credit_code=91110108MA0000002G unit=1-3",
            "商户.csv 4 credit_code=91110108MA0000003K unit=1-4",
            "商户.csv 5 credit_code=91110108MA0000004N unit=1-5",
            "商户.csv 6 credit_code=91110108MA0000005R unit=1-6",
            "商户.csv 7 credit_code=91110108MA0000006W unit=1-7",
            "商户.csv 8 credit_code=91110108MA00000070 unit=1-8",
        ],
    },
    Case {
        folder: "negative-and-odd-amounts",
        means: "Signs and words around an amount are taken; what is doubtful or below zero is refused.",
        read: &["存管余额.xlsx 2 3 5", "预收资金.csv 2 3 4 7 9 11"],
        refused: &[
            "存管余额.xlsx 4 too_fine",
            "预收资金.csv 10 missing",
            "预收资金.csv 12 not_an_amount",
            "预收资金.csv 13 not_an_amount",
            "预收资金.csv 14 not_an_amount",
            "预收资金.csv 5 unit_in_cell",
            "预收资金.csv 6 negative",
            "预收资金.csv 8 digits_lost",
        ],
        said: &[],
        values: &[
            "预收资金.csv 2 outstanding=500000.00",
            "预收资金.csv 3 outstanding=500000.00",
            "预收资金.csv 4 outstanding=500000.00",
            "预收资金.csv 7 outstanding=500000.00",
            "预收资金.csv 9 outstanding=1234567.89",
            "预收资金.csv 11 outstanding=500000.10",
            "存管余额.xlsx 2 held=1234567.89",
            "存管余额.xlsx 3 held=1200000.00",
            "存管余额.xlsx 5 held=0.30",
        ],
    },
    Case {
        folder: "placeholder-words",
        means: "无, —, NULL and their like mean an empty cell.",
        read: &["名单.csv 2", "商户.csv 2 3 4 5", "投诉.csv 2", "撤店.csv 2"],
        refused: &[],
        said: &[],
        values: &[],
    },
    Case {
        folder: "question-mark-names",
        means: "Question marks are what an encoding without Chinese left; the cells are refused.",
        read: &[],
        refused: &[
            "exits.csv 2 question_marks",
            "merchants.csv 2 question_marks question_marks",
            "merchants.csv 3 question_marks question_marks",
        ],
        said: &[],
        values: &[],
    },
    Case {
        folder: "scientific-csv",
        means: "Long numbers in powers of ten have lost their digits.",
        read: &[],
        refused: &[
            "执法.csv 2 digits_lost",
            "执法.csv 3 digits_lost",
            "投诉.csv 2 digits_lost",
            "投诉.csv 3 digits_lost",
            "投诉.csv 4 digits_lost digits_lost",
        ],
        said: &[],
        values: &[],
    },
    Case {
        folder: "shop-name-spellings",
        means: "Every spelling is taken as it came; that they are one shop is decided by key.",
        read: &["商户.csv 2 3 4", "撤店.csv 2 3 4 5 6 7", "预收资金.csv 2 3 4"],
        refused: &[],
        said: &[],
        values: &[
            "商户.csv 2 unit=B-020",
            "商户.csv 3 unit=B-021",
            "商户.csv 4 unit=B-022",
            "撤店.csv 2 unit=B-020",
            "撤店.csv 3 unit=Ｂ－０２０",
            "撤店.csv 4 unit=B-021",
            "撤店.csv 5 unit=b-021",
            "撤店.csv 6 unit=B-022",
            "撤店.csv 7 unit=B-022",
        ],
    },
    Case {
        folder: "sql-export-times",
        means: "Databases' spellings of a time.",
        read: &["投诉.csv 2 3 4 5 6 7 8 9 10 11 12 13 14 15", "预收资金.csv 2 3 4 5 6 7 8"],
        refused: &[],
        said: &[],
        values: &[
            "预收资金.csv 2 date=2026-09-30",
            "预收资金.csv 3 date=2026-09-30",
            "预收资金.csv 4 date=2026-10-01",
            "预收资金.csv 5 date=2026-10-01",
            "预收资金.csv 6 date=2026-09-30",
            "预收资金.csv 7 date=2026-09-30",
            "预收资金.csv 8 date=2026-09-30",
            "投诉.csv 2 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 3 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 4 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 5 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 6 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 7 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 8 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 9 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 10 received_at=2026-11-19T16:00:00Z",
            "投诉.csv 11 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 12 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 13 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 14 received_at=2026-11-20T01:00:00Z",
            "投诉.csv 15 received_at=2026-11-19T16:00:00Z",
        ],
    },
    Case {
        folder: "ticket-extended-or-recast",
        means: "Both lists are taken; that the later rows correct the earlier is decided at the desk.",
        read: &["投诉-1.csv 2 3 4", "投诉-2.csv 2 3 4"],
        refused: &[],
        said: &[],
        values: &[],
    },
    Case {
        folder: "unit-turned-into-date-csv",
        means: "A unit that became a day is refused in csv as in xlsx.",
        read: &[],
        refused: &["撤店.csv 2 turned_into_date", "撤店.csv 3 turned_into_date", "撤店.csv 4 turned_into_date"],
        said: &[],
        values: &[],
    },
    Case {
        folder: "yyyymm-as-day",
        means: "A month, or a day in six digits, is no day.",
        read: &[],
        refused: &[
            "保函保险.csv 2 short_day",
            "保函保险.csv 3 short_day",
            "执法.csv 2 short_day",
            "撤店.xlsx 2 short_day",
            "撤店.xlsx 3 short_day",
        ],
        said: &[],
        values: &[],
    },
];

#[test]
fn every_folder_has_an_outcome() {
    let mut folders: Vec<_> =
        fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    folders.sort();
    let mut named: Vec<_> = CASES.iter().map(|case| case.folder).collect();
    named.sort_unstable();
    assert_eq!(folders, named);
}

#[test]
fn every_file_comes_to_what_the_office_means() {
    let mut wrong = Vec::new();
    for case in CASES {
        let copy = tempfile::tempdir().unwrap();
        let folder =
            if case.folder == "gbk-file-name" { renamed(case.folder, &copy) } else { cases().join(case.folder) };
        let (read, refused, said, harvest) = look(&folder);
        for (what, found, expected) in
            [("read", &read, case.read), ("refused", &refused, case.refused), ("said", &said, case.said)]
        {
            if found != expected {
                wrong.push(format!("{} ({}): {what} {found:#?} instead of {expected:#?}", case.folder, case.means));
            }
        }
        for expected in case.values {
            let mut words = expected.split(' ');
            let (file, number) = (words.next().unwrap(), words.next().unwrap().parse::<u64>().unwrap());
            let of_row = |row: &&ReadRow| &*row.table.file == file && row.row == number;
            let row = harvest.rows.iter().find(of_row).unwrap_or_else(|| panic!("{}: {expected}", case.folder));
            let command = serde_json::to_value(row.outcome.as_ref().unwrap()).unwrap();
            for word in words {
                let (key, value) = word.split_once('=').unwrap();
                if command[key] != value {
                    wrong.push(format!(
                        "{}: {file} {number}: {key} is {} instead of {value}",
                        case.folder, command[key]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files of a folder under the bytes of their names in GB18030, as an archive made on Windows leaves them.
fn renamed(folder: &str, copy: &tempfile::TempDir) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    for entry in fs::read_dir(cases().join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let bytes = encoding_rs::GB18030.encode(&name).0.into_owned();
        fs::copy(entry.path(), copy.path().join(std::ffi::OsString::from_vec(bytes))).unwrap();
    }
    copy.path().to_owned()
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

//! Nothing of a person who complains is kept: unmistakable marks go in through every kind of file, and everything that was
//! written is searched for them.

use crate::office::{self, Sheet};
use calamine::Reader;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const CODE: &str = "91110000101623741K";
const NAME: &str = "马克标记";
const PHONE: &str = "13912345678";
const PARTED: &str = "139-1234-5678";
const PLACE: &str = "标记胡同九号";
const IDENTITY: &str = "11010519491231002X";
/// As they are found again, however they are parted.
const MARKS: [&str; 7] = [NAME, PHONE, "1234-5678", PLACE, IDENTITY, "19491231", "mark@example.org"];

fn import(data: &Path, out: &Path, input: &Path, more: &[&str]) -> Output {
    let command = env!("CARGO_BIN_EXE_warnlight");
    let mut command = Command::new(command);
    command.args(["import", "--data", data.to_str().unwrap(), "--out", out.to_str().unwrap()]).args(more).arg(input);
    command.env_clear().output().unwrap()
}

/// Every file under a folder: its path and its bytes, a workbook as the text of its cells.
fn written(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if path.is_dir() {
            written(&path, found);
        } else if name.ends_with(".xlsx") {
            let mut book = calamine::open_workbook_auto(&path).unwrap();
            for (sheet, range) in book.worksheets() {
                let cells: Vec<String> = range.cells().map(|(_, _, cell)| cell.to_string()).collect();
                found.push((format!("{name} {sheet}"), cells.join("\n").into_bytes()));
            }
        } else {
            found.push((name, fs::read(path).unwrap()));
        }
    }
}

fn files(folder: &Path) {
    let personal = "投诉人姓名,联系电话,投诉人地址,身份证号,邮箱";
    let person = format!("{NAME},{PHONE},{PLACE},{IDENTITY},mark@example.org");
    // Our own sheet: a row that is taken, one that is refused, a line whose quotes are broken, a cell beyond the header.
    let complaints = format!(
        "工单编号,来源,受理时间,统一社会信用代码,诉求类型,{personal}\n\
         T1,12345,2026-01-02 09:00,{CODE},退费难,{person}\n\
         T2,电话,2026-01-02 09:00,{CODE},退费难,{person}\n\
         T3,12345,2026-01-02 09:00,{IDENTITY},退费难,{person}\n\
         T4,12345,2026-01-02 09:00,{CODE},退费难,{person},{PHONE}\n\
         T5,12345,\"2026-01-02,{CODE},退费难,{person}\n"
    );
    fs::write(folder.join("投诉.csv"), &complaints).unwrap();
    let (gb, _, _) = encoding_rs::GB18030.encode(&complaints);
    fs::write(folder.join("投诉-gb.csv"), gb).unwrap();
    // Free text, taken and refused; a figure, a word and a name that are a person's numbers.
    let exits = format!(
        "统一社会信用代码,商场,铺位号,事项,日期,计划撤店日期,退费安排\n\
         {CODE},某商场,A1,公示,2026-01-02,2026-05-01,找{PHONE}或{PARTED}，证号{IDENTITY}\n\
         {CODE},某商场{PHONE},A2,公示,昨天,2026-05-01,找{PHONE}\n\
         {CODE},某商场,A3,{PHONE},2026-01-02,{IDENTITY},找{PARTED}\n"
    );
    fs::write(folder.join("撤店.csv"), exits).unwrap();
    // A source with a profile, and a sheet that is refused as a whole.
    let hotline = format!(
        "登记编号,登记时间,企业名称,问题类别,诉求内容,初查受理状态,{personal},统一社会信用代码\n\
         H1,2026-01-02,某健身,退费,来电{PHONE},受理,{person},{CODE}\n\
         H2,2026-01-02,某健身,退费,来电{PARTED},受理,{person},\n"
    );
    fs::write(folder.join("导出.csv"), hotline).unwrap();
    fs::write(folder.join("存管余额.csv"), format!("统一社会信用代码,投诉人姓名\n{CODE},{NAME}{PHONE}\n")).unwrap();
    fs::write(folder.join("通讯录.csv"), format!("姓名,电话\n{NAME},{PHONE}\n")).unwrap();
    // Commands: taken, with a field that is none, with a person's code, not JSON.
    let commands = format!(
        "{}\n{}\n{}\n{}\n",
        format_args!(
            r#"{{"command":"record_exit","credit_code":"{CODE}","mall":"某商场","unit":"B1","action":"post","date":"2026-01-02","planned_on":"2026-05-01","refund_plan":"找{PHONE}"}}"#
        ),
        format_args!(
            r#"{{"command":"report_balance","credit_code":"{CODE}","date":"2026-01-02","outstanding":"1","complainant_name":"{NAME}","phone":"{PHONE}"}}"#
        ),
        format_args!(
            r#"{{"command":"report_balance","credit_code":"{IDENTITY}","date":"2026-01-02","outstanding":"{PHONE}x"}}"#
        ),
        format_args!(r#"{{"command":"report_balance","phone":"{PHONE}","投诉人":"{NAME}""#),
    );
    fs::write(folder.join("命令.ndjson"), commands).unwrap();
    // Names, places, numbers of tickets and documents, a header, a sheet's name, and those of files in an archive.
    let register = format!(
        "统一社会信用代码,名称,行业代码,区划代码,商场,铺位号,备注{PHONE}\n\
         {CODE},某店{PHONE},8930,110108,某商场,A{PHONE},x\n{CODE},某店,昨天,110108,某商场,A1,x\n"
    );
    fs::write(folder.join("商户.csv"), register).unwrap();
    let numbered = format!(
        "工单编号,来源,受理时间,统一社会信用代码,诉求类型\n{PHONE},12345,2026-01-02 09:00,{CODE},退费难\n\
         {IDENTITY},12345,2026-01-02 09:00,{CODE},退费难\nN{PARTED},12345,2026-01-02 09:00,,退费难\n"
    );
    fs::write(folder.join("投诉-号.csv"), &numbered).unwrap();
    let acts = format!(
        "统一社会信用代码,类型,日期,文书编号\n{CODE},约谈,2026-01-02,{PHONE}\n{CODE},约谈,2026-01-02,京{IDENTITY}\n"
    );
    fs::write(folder.join("执法.csv"), acts).unwrap();
    let mut named = rust_xlsxwriter::Workbook::new();
    let sheet = named.add_worksheet().set_name(format!("投诉{PHONE}")).unwrap();
    for (row, line) in (0..).zip(numbered.lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            sheet.write(row, column, cell).unwrap();
        }
    }
    named.save(folder.join("名称.xlsx")).unwrap();
    let inner = format!("投诉{PHONE}.csv");
    let packed = office::zipped_with_gb_names(&[(inner.as_str(), numbered.as_bytes())]);
    fs::write(folder.join("号码.zip"), packed).unwrap();
    // A workbook with the same complaints, the telephone as a number.
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("投诉").unwrap();
    for (row, line) in (0..).zip(complaints.lines().take(4)) {
        for (column, cell) in (0..).zip(line.split(',')) {
            match cell.parse::<f64>() {
                Ok(number) if column > 4 => sheet.write(row, column, number).unwrap(),
                _ => sheet.write(row, column, cell.replace('T', "W")).unwrap(),
            };
        }
    }
    sheet.write(1, 12, PHONE).unwrap();
    book.save(folder.join("工作簿.xlsx")).unwrap();
    // The same complaints in every other kind of file, each with tickets of its own.
    let lines = |letter: &str| -> Vec<Vec<String>> {
        let line = |line: &str| line.split(',').map(|cell| cell.replace('T', letter)).collect();
        complaints.lines().take(4).map(line).collect()
    };
    let put = |name: &str, letter: &str, write: &dyn Fn(&Sheet<'_>) -> Vec<u8>| {
        fs::write(folder.join(name), write(&Sheet { name: "投诉", lines: &lines(letter) })).unwrap();
    };
    let book = |sheet: &Sheet<'_>, write: fn(&[Sheet<'_>]) -> Vec<u8>| {
        write(&[Sheet { name: sheet.name, lines: sheet.lines }])
    };
    put("投诉-旧.xls", "X", &|sheet| book(sheet, office::xls));
    put("投诉-二进制.xlsb", "B", &|sheet| book(sheet, office::xlsb));
    put("投诉-开放.ods", "O", &|sheet| book(sheet, office::ods));
    put("投诉-网页.xls", "P", &|sheet| office::gb(&office::html(sheet)));
    put("投诉-宽.csv", "U", &|sheet| office::wide(&office::csv(sheet.lines, ',', "\r")));
    put("投诉-档案.zip", "Z", &|sheet| {
        office::zipped_with_gb_names(&[("投诉.csv", office::csv(sheet.lines, ',', "\n").as_bytes())])
    });
    let objects: Vec<String> = lines("J")[1..]
        .iter()
        .map(|line| {
            format!(
                "{{\"command\":\"record_complaint\",\"ticket\":\"{}\",\"credit_code\":\"{}\",\"phone\":\"{PHONE}\",\"姓名\":\"{NAME}\",\
                 \"note\":\"找{PARTED}\"}}",
                line[0], line[3]
            )
        })
        .collect();
    fs::write(folder.join("数组.json"), format!("[{}]", objects.join(","))).unwrap();
}

#[test]
fn nothing_of_a_person_is_written_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    fs::create_dir(&input).unwrap();
    files(&input);
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    let mut found = Vec::new();
    for more in [&["--lang", "zh-CN"][..], &["--lang", "en", "--format", "json"], &["--lang", "zh-CN", "--dry-run"]] {
        let output = import(&data, &out, &input, more);
        assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
        found.push((format!("stdout {more:?}"), output.stdout));
        found.push((format!("stderr {more:?}"), output.stderr));
    }
    written(&data, &mut found);
    written(&out, &mut found);
    let holds = |bytes: &[u8], mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    // What was to be kept is there, so the search looks where it should.
    for kept in ["T1", "W1", "X1", "B1", "O1", "P1", "U1", "Z1", "H1", "某商场", "*****"] {
        assert!(found.iter().any(|(name, bytes)| name.contains("log.db") && holds(bytes, kept)), "{kept}");
    }
    for (name, bytes) in &found {
        for mark in MARKS {
            assert!(!holds(bytes, mark), "{mark} is in {name}: {}", around(bytes, mark));
        }
        for spelling in [office::gb(NAME), office::wide(NAME)[2..].to_vec()] {
            assert!(!bytes.windows(spelling.len()).any(|window| window == spelling), "{NAME} is in {name}");
        }
    }
}

fn around(bytes: &[u8], mark: &str) -> String {
    let at = bytes.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap_or_default();
    String::from_utf8_lossy(&bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())]).into_owned()
}

//! Files and folders as the offices send them.

use proptest::prelude::*;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use warnlight::domain::command::Command;
use warnlight::domain::time::Instant;
use warnlight::intake::export;
use warnlight::intake::place::Finding;
use warnlight::intake::read::{Item, ReadRow, Refused, Table, read, read_file};
use warnlight::intake::refusals::{CsvRefusals, XlsxRefusals};
use warnlight::intake::sheet::SheetKind;

const CODE: &str = "91110000101623741K";

/// Noon of 2026-06-01 in Shanghai, after everything in the samples but the report of 2031.
fn now() -> Instant {
    "2026-06-01T12:00:00+08:00".parse().unwrap()
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// Everything one reading gave.
#[derive(Default)]
struct Harvest {
    tables: Vec<Arc<Table>>,
    rows: Vec<ReadRow>,
    refused: Vec<Refused>,
    warnings: Vec<Finding>,
}

impl Harvest {
    fn of(path: &Path) -> Self {
        let mut harvest = Self::default();
        let outcome = read(path, now(), &mut |item| {
            match item {
                Item::Table(table) => harvest.tables.push(table),
                Item::Row(row) => harvest.rows.push(row),
                Item::Refused(refused) => harvest.refused.push(refused),
                Item::Warning(warning) => harvest.warnings.push(warning),
            }
            ControlFlow::Continue(())
        });
        assert!(outcome.is_continue());
        harvest
    }

    fn of_text(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        Self::of(&path)
    }

    fn commands(&self, kind: SheetKind) -> Vec<&Command> {
        let of_kind = self.rows.iter().filter(|row| row.table.kind == Some(kind));
        of_kind.map(|row| row.outcome.as_ref().unwrap()).collect()
    }

    /// Row number and codes of each refused row.
    fn refusals(&self) -> Vec<(u64, Vec<&'static str>)> {
        let codes = |refusals: &Vec<Finding>| refusals.iter().map(|refusal| refusal.code).collect();
        self.rows.iter().filter_map(|row| Some((row.row, codes(row.outcome.as_ref().err()?)))).collect()
    }

    fn accepted(&self) -> Vec<u64> {
        self.rows.iter().filter(|row| row.outcome.is_ok()).map(|row| row.row).collect()
    }

    fn refused_codes(&self) -> Vec<(&'static str, u64)> {
        self.refused.iter().map(|refused| (refused.refusal.code, refused.rows)).collect()
    }

    fn warned(&self) -> Vec<&'static str> {
        self.warnings.iter().map(|warning| warning.code).collect()
    }
}

#[test]
fn the_three_forms_of_the_district_give_the_same_commands_in_the_same_order() {
    let utf8 = Harvest::of(&samples().join("district-utf8"));
    let gb18030 = Harvest::of(&samples().join("district-gb18030"));
    let xlsx = Harvest::of(&samples().join("district.xlsx"));
    let rows = [147, 168, 835, 1097, 14, 39, 188, 120, 9, 32];
    for (kind, count) in SheetKind::ALL.into_iter().zip(rows) {
        let commands = utf8.commands(kind);
        assert_eq!(commands.len(), count, "{}", kind.name());
        assert_eq!(gb18030.commands(kind), commands, "{}", kind.name());
        assert_eq!(xlsx.commands(kind), commands, "{}", kind.name());
    }
    for harvest in [&utf8, &gb18030, &xlsx] {
        let kinds: Vec<_> = harvest.tables.iter().filter_map(|table| table.kind).collect();
        assert_eq!(kinds, SheetKind::ALL);
        assert!(harvest.refused.is_empty() && harvest.refusals().is_empty() && harvest.warnings.is_empty());
    }
    let places =
        |harvest: &Harvest| harvest.rows.iter().map(|row| (row.table.sheet.clone(), row.row)).collect::<Vec<_>>();
    assert_eq!(places(&utf8), places(&xlsx));
    assert_eq!(utf8.rows[0].place().to_string(), "商户.csv, sheet `商户`, row 2");
    assert_eq!(xlsx.rows[0].place().to_string(), "district.xlsx, sheet `商户`, row 2");
}

#[test]
fn bad_balances_are_refused_one_by_one_and_their_neighbours_taken() {
    let harvest = Harvest::of(&samples().join("bad/预收资金.csv"));
    assert_eq!(harvest.accepted(), [2, 3, 4]);
    assert_eq!(
        harvest.refusals(),
        [
            (5, vec!["credit_code"]),
            (6, vec!["no_such_day"]),
            (7, vec!["negative"]),
            (8, vec!["not_an_amount"]),
            (9, vec!["missing"]),
            (10, vec!["missing"]),
            (11, vec!["future"]),
            (12, vec!["too_fine"]),
        ]
    );
    let outstanding: Vec<_> = harvest
        .rows
        .iter()
        .filter_map(|row| match &row.outcome {
            Ok(Command::ReportBalance(balance)) => Some(format!("{} {}", balance.date, balance.outstanding)),
            _ => None,
        })
        .collect();
    assert_eq!(outstanding, ["2025-03-31 1234567.89", "2025-06-30 123456.78", "2025-06-30 500000.00"]);
    assert_eq!(harvest.warned(), ["extra_column"]);
    assert_eq!(harvest.warnings[0].value, "备注");
    let doubted: Vec<_> = harvest.rows.iter().filter(|row| !row.warnings.is_empty()).collect();
    assert_eq!(doubted.len(), 1);
    assert_eq!((doubted[0].row, doubted[0].warnings[0].code), (4, "check_character"));
    let refusal = &harvest.rows[5].outcome.as_ref().unwrap_err()[0];
    assert_eq!(
        refusal.to_string(),
        "预收资金.csv, sheet `预收资金`, row 7, column `预收资金余额`: `-5`: an amount cannot be negative"
    );
    assert_eq!(
        refusal.line_zh(),
        "预收资金.csv，工作表「预收资金」，第 7 行，「预收资金余额」列：「-5」金额不能为负数"
    );
}

#[test]
fn bad_complaints_are_refused_one_by_one_and_the_formula_is_a_ticket() {
    let harvest = Harvest::of(&samples().join("bad/投诉.csv"));
    // The third T1 (row 4) contradicts only what is already known, which reading cannot know.
    assert_eq!(harvest.accepted(), [2, 3, 4, 8, 9]);
    assert_eq!(
        harvest.refusals(),
        [(5, vec!["before_received"]), (6, vec!["unknown_word"]), (7, vec!["closed_without_outcome"])]
    );
    assert_eq!(harvest.rows[0].outcome, harvest.rows[1].outcome);
    let Ok(Command::RecordComplaint(last)) = &harvest.rows[7].outcome else { panic!() };
    assert_eq!(last.ticket, "=cmd|'/c calc'!A1");
}

#[test]
fn a_row_comes_back_once_with_everything_that_is_wrong_with_it() {
    let harvest = Harvest::of_text(
        "投诉.csv",
        format!(
            "工单编号,来源,受理时间,统一社会信用代码,诉求类型,涉及金额,办结时间,结果,首次响应时间\n\
             ,电话,2025-06-02,{CODE},退费,-1,2025-06-01,,2031-01-01\n\
             T1,12345,2025-06-02,{CODE},退费难,,2025-02-30,已解决,\n"
        ),
    );
    assert_eq!(
        harvest.refusals(),
        [
            (
                2,
                vec![
                    "missing",
                    "unknown_word",
                    "unknown_word",
                    "negative",
                    "closed_without_outcome",
                    "before_received",
                    "future"
                ]
            ),
            // The outcome does have its closing time, it only cannot be read: one reason, not two.
            (3, vec!["no_such_day"]),
        ]
    );
    let columns = harvest.rows[0].outcome.as_ref().unwrap_err().iter();
    let columns: Vec<_> = columns.filter_map(|refusal| refusal.place.column.as_deref()).collect();
    assert_eq!(columns, ["工单编号", "来源", "诉求类型", "涉及金额", "结果", "办结时间", "首次响应时间"]);
}

#[test]
fn the_rules_between_cells_hold_for_every_sheet() {
    let refusals = |name: &str, text: &str| {
        let harvest = Harvest::of_text(name, text.replace("CODE", CODE));
        assert!(harvest.refused.is_empty());
        harvest.refusals()
    };
    let text = "credit_code,kind,date,due_on\nCODE,责令改正,2025-01-01,\nCODE,talk,2025-01-01,\n";
    assert_eq!(refusals("执法.csv", text), [(2, vec!["due_missing"])]);
    let text =
        "credit_code,action,date,planned_on\nCODE,公示,2025-01-01,\nCODE,变更,2025-01-01,\nCODE,撤回,2025-01-01,\n";
    assert_eq!(refusals("撤店.csv", text), [(2, vec!["planned_missing"]), (3, vec!["planned_missing"])]);
    let text = "credit_code,list,entered_on,removed_on\nCODE,serious,2025-01-02,2025-01-01\n";
    assert_eq!(refusals("名单.csv", text), [(2, vec!["removed_before_entered"])]);
    let text = "credit_code,kind,amount,from,until\nCODE,保函,1,2025-01-02,2025-01-01\n";
    assert_eq!(refusals("保函保险.csv", text), [(2, vec!["until_before_from"])]);
    let text = "credit_code,status,date\nCODE,未备案,2025-01-01\n";
    assert_eq!(refusals("备案.csv", text), [(2, vec!["not_a_step"])]);
    let text = "credit_code,name,founded_on\nCODE,极光,2027-01-01\n";
    assert_eq!(refusals("商户.csv", text), [(2, vec!["future"])]);
    let text = "credit_code,kind,date,value,cleared_on\nCODE,欠租,2025-01-02,,2025-01-01\nCODE,客诉率,2025-01-02,,\n";
    assert_eq!(refusals("信号.csv", text), [(2, vec!["cleared_before_raised"]), (3, vec!["missing"])]);
}

#[test]
fn the_signal_sheet_holds_signals_and_two_ratios() {
    let harvest = Harvest::of_text(
        "信号.csv",
        format!(
            "统一社会信用代码,商场,铺位号,类型,日期,数值,解除日期\n\
             {CODE},大悦城,B-1,客诉率,2025-06-01,6%,2025-07-01\n{CODE},,,prepaid_share,2025-06-01,0.5,\n\
             {CODE},大悦城,B-1,欠租,2025-06-01,三个月,2025-07-01\n"
        ),
    );
    let commands: Vec<_> = harvest.rows.iter().map(|row| row.outcome.as_ref().unwrap()).collect();
    let Command::ReportComplaintRate(rate) = commands[0] else { panic!() };
    assert_eq!(rate.ratio, "0.06".parse().unwrap());
    assert_eq!(harvest.rows[0].warnings[0].code, "cleared_on_ignored");
    assert!(matches!(commands[1], Command::ReportPrepaidShare(share) if share.mall.is_none()));
    let Command::RecordSignal(signal) = commands[2] else { panic!() };
    assert_eq!(signal.value.as_deref(), Some("三个月"));
    assert_eq!(signal.cleared_on.unwrap().to_string(), "2025-07-01");
}

#[test]
fn title_lines_blank_lines_and_foreign_columns_do_not_disturb() {
    let harvest = Harvest::of_text(
        "海淀区-存管余额-2025.csv",
        format!(
            "\u{FEFF}海淀区2025年存管余额报送表,,,\n制表：张三,,,\n\n存管余额（万元）,备注,报送日期,统一社会信用代码,\n\
             50,说明,2025/3/1,{CODE},\n,,,\n\"1,234.5\",,2025年4月1日,{CODE},,\n"
        ),
    );
    assert_eq!(harvest.accepted(), [5, 7]);
    assert_eq!(harvest.warned(), ["extra_column"]);
    assert_eq!(harvest.tables[0].header_row, 4);
    let Ok(Command::ReportCustody(second)) = &harvest.rows[1].outcome else { panic!() };
    assert_eq!((second.held.to_string().as_str(), second.abnormal), ("12345000.00", false));
}

#[test]
fn semicolons_and_tabs_part_cells_too() {
    for separator in [";", "\t"] {
        let text = format!("credit_code,date,held\n{CODE},2025-01-01,5\n").replace(',', separator);
        let harvest = Harvest::of_text("custody.csv", text);
        assert_eq!(harvest.accepted(), [2], "{separator:?}");
    }
}

#[test]
fn a_line_that_breaks_costs_only_itself() {
    let row = format!("{CODE},2025-01-01,5");
    let harvest = Harvest::of_text(
        "custody.csv",
        format!(
            "credit_code,date,held,abnormal\n{row}\n{CODE},\"2025-01-01,5\n{row},是\n{CODE},2025-01-01,1,234,是\n\
             {CODE},\"2025-01-01\"x,5\n{row},,,\n{CODE}\n{row}"
        ),
    );
    assert_eq!(harvest.accepted(), [2, 4, 7, 9]);
    assert_eq!(
        harvest.refusals(),
        [
            (3, vec!["broken_quotes"]),
            (5, vec!["not_yes_no", "too_many_cells"]),
            (6, vec!["broken_quotes"]),
            (8, vec!["missing", "missing"]),
        ]
    );
    assert_eq!(harvest.rows[1].cells.get(0), Some(format!("{CODE},\"2025-01-01,5").as_str()));
}

#[test]
fn sheets_that_cannot_be_understood_are_refused_once_with_their_rows() {
    let of = |name: &str, text: &str| {
        let harvest = Harvest::of_text(name, text);
        assert!(harvest.rows.is_empty(), "{name}");
        let refused = &harvest.refused[0].refusal;
        (harvest.refused_codes(), refused.en.clone(), refused.zh.clone())
    };
    let (codes, en, zh) = of("存管余额.csv", "统一社会信用代码,报送日期\n1,2\n3,4\n,\n");
    assert_eq!(codes, [("missing_column", 2)]);
    assert!(en.contains("held (存管余额)") && zh.contains("存管余额"), "{en}");
    assert_eq!(of("存管余额.csv", "credit_code,date,日期,held\n1\n").0, [("duplicate_column", 1)]);
    assert_eq!(of("存管余额.csv", "credit_code,date,held（千元）\n1\n").0, [("unknown_unit", 1)]);
    assert_eq!(of("数据.csv", "credit_code,date,kind\n1\n").0, [("ambiguous_sheet", 1)]);
    assert_eq!(of("数据.csv", "姓名,电话\n张三,1\n").0, [("no_header", 2)]);
    assert_eq!(of("商户.csv", &"张三,1\n".repeat(30)).0, [("no_header", 30)]);
    assert_eq!(of("商户.csv", "").0, [("empty", 0)]);
    assert_eq!(of("商户.csv", "\u{FEFF}\n \n").0, [("empty", 0)]);
    assert_eq!(of("商户.xls", "x").0, [("unknown_file_type", 0)]);
}

#[test]
fn a_header_alone_is_a_sheet_without_rows() {
    let harvest = Harvest::of_text("存管余额.csv", "credit_code,date,held\r\n");
    assert!(harvest.rows.is_empty() && harvest.refused.is_empty());
    assert_eq!(harvest.warned(), ["no_rows"]);
}

#[test]
fn utf16_is_read_and_a_nul_is_refused_where_it_stands() {
    let text = format!("统一社会信用代码\t报送日期\t存管余额\r\n{CODE}\t2025-01-01\t5\r\n");
    let bytes: Vec<u8> = [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(Harvest::of_text("存管余额.txt", bytes).accepted(), [2]);
    let text = format!("credit_code,name,mall\n{CODE},极\0光,\n{CODE},极光,\n");
    let harvest = Harvest::of_text("商户.csv", text);
    assert_eq!((harvest.refusals(), harvest.accepted()), (vec![(2, vec!["control_character"])], vec![3]));
}

#[test]
fn one_bad_byte_in_a_utf8_file_is_refused_where_it_stands() {
    let mut bytes = format!("统一社会信用代码,商户名称,街道\n{CODE},极光,\n{CODE},").into_bytes();
    bytes.extend([0xE6, 0x9E, b',', b'\n']);
    bytes.extend(format!("{CODE},极光,中关村街道\n").bytes());
    let harvest = Harvest::of_text("商户.csv", bytes);
    assert_eq!((harvest.refusals(), harvest.accepted()), (vec![(3, vec!["undecodable"])], vec![2, 4]));
}

#[test]
fn a_folder_is_read_in_a_fixed_order_and_one_bad_file_harms_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, content: &[u8]| fs::write(folder.path().join(name), content).unwrap();
    put("a-投诉.csv", b"");
    put("z-商户.csv", format!("credit_code,name\n{CODE},x\n").as_bytes());
    put("存管余额.xlsx", b"PK\x03\x04 this is no workbook");
    put("备案.csv", format!("credit_code,status,date\n{CODE},submitted,2025-01-01\n").as_bytes());
    put("~$商户.xlsx", b"lock");
    put(".hidden.csv", b"x");
    put("说明.docx", b"x");
    fs::create_dir(folder.path().join("旧")).unwrap();
    let harvest = Harvest::of(folder.path());
    let files: Vec<_> = harvest.rows.iter().map(|row| row.table.file.to_string()).collect();
    assert_eq!(files, ["z-商户.csv", "备案.csv"]);
    assert_eq!(harvest.refused_codes(), [("unreadable", 0), ("empty", 0)]);
    assert_eq!(harvest.warned(), ["subfolder", "unknown_file_type"]);
    let missing = Harvest::of(&folder.path().join("nothing.csv"));
    assert_eq!(missing.refused_codes(), [("unreadable", 0)]);
}

#[test]
fn reading_ends_when_told() {
    let mut count = 0;
    let outcome = read(&samples().join("district-utf8"), now(), &mut |item| {
        count += u32::from(matches!(item, Item::Row(_)));
        if count == 100 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(outcome.is_break());
    assert_eq!(count, 100);
}

#[test]
fn commands_come_as_ndjson_too() {
    let balance =
        format!(r#"{{"command":"report_balance","credit_code":"{CODE}","date":"2025-03-31","outstanding":"5"}}"#);
    let text = format!(
        "\u{FEFF}{balance}\n\n{{\"command\":\"report_balance\"\n{}\n{}\n{}\n",
        balance.replace(r#""outstanding""#, r#""surprise":1,"outstanding""#),
        balance.replace("2025-03-31", "2031-03-31"),
        format!(
            r#"{{"command":"record_filing","credit_code":"{CODE}","status":"accepted","date":"2025-01-01","bank":" 农业银行　"}}"#
        )
    );
    let harvest = Harvest::of_text("commands.ndjson", text);
    assert_eq!(harvest.accepted(), [1, 6]);
    assert_eq!(harvest.refusals(), [(3, vec!["json"]), (4, vec!["json"]), (5, vec!["future"])]);
    let told = |index: usize| harvest.rows[index].outcome.as_ref().unwrap_err()[0].to_string();
    assert!(told(2).contains("row 4") && told(2).contains("surprise"), "{}", told(2));
    assert!(told(3).contains("row 5, column `date`"), "{}", told(3));
    let Ok(Command::RecordFiling(filing)) = &harvest.rows[4].outcome else { panic!() };
    assert_eq!(filing.bank.as_deref(), Some("农业银行"));
}

#[test]
fn the_same_facts_come_out_of_a_sheet_and_of_ndjson() {
    let sheets = Harvest::of(&samples().join("district-utf8"));
    let commands: Vec<_> = sheets.rows.iter().map(|row| row.outcome.clone().unwrap()).collect();
    let lines: String = commands.iter().map(|command| serde_json::to_string(command).unwrap() + "\n").collect();
    let ndjson = Harvest::of_text("district.jsonl", lines);
    assert_eq!(ndjson.rows.into_iter().map(|row| row.outcome.unwrap()).collect::<Vec<_>>(), commands);
}

/// A workbook made cell by cell.
fn workbook(folder: &TempDir, name: &str, fill: impl FnOnce(&mut rust_xlsxwriter::Workbook)) -> PathBuf {
    let path = folder.path().join(name);
    let mut book = rust_xlsxwriter::Workbook::new();
    fill(&mut book);
    book.save(&path).unwrap();
    path
}

fn header(sheet: &mut rust_xlsxwriter::Worksheet, row: u32, headers: &[&str]) {
    for (column, header) in (0..).zip(headers) {
        sheet.write(row, column, *header).unwrap();
    }
}

#[test]
fn workbooks_hold_numbers_dates_and_accidents() {
    let folder = tempfile::tempdir().unwrap();
    let path = workbook(&folder, "商户.xlsx", |book| {
        let sheet = book.add_worksheet();
        sheet.write(0, 0, "2025 年商户登记").unwrap();
        header(sheet, 2, &["统一社会信用代码", "行业代码", "区划代码", "铺位号", "成立日期", "商户名称"]);
        let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
        sheet.write(3, 0, CODE).unwrap();
        sheet.write(3, 1, 8399).unwrap();
        sheet.write(3, 2, 110_108).unwrap();
        sheet.write_with_format(3, 4, 45717, &date).unwrap();
        sheet.write(3, 9, "一条批注").unwrap();
        sheet.write(5, 0, 911_101_066_976_941_872.0).unwrap();
        sheet.write_with_format(5, 3, 45659, &date).unwrap();
        sheet.write(5, 5, rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A")).unwrap();
        book.add_worksheet().set_name("空表").unwrap();
        let hidden = book.add_worksheet().set_name("存管余额").unwrap();
        hidden.set_hidden(true);
        hidden.write(0, 0, "x").unwrap();
        let notes = book.add_worksheet().set_name("填表说明").unwrap();
        notes.write(0, 0, "请如实填写").unwrap();
    });
    let harvest = Harvest::of(&path);
    assert_eq!(harvest.accepted(), [4]);
    let Ok(Command::RegisterMerchant(merchant)) = &harvest.rows[0].outcome else { panic!() };
    assert_eq!(merchant.industry_code.as_deref(), Some("8399"));
    assert_eq!(merchant.founded_on.unwrap().to_string(), "2025-03-01");
    assert_eq!(harvest.refusals(), [(6, vec!["digits_lost", "sheet_error", "turned_into_date"])]);
    assert_eq!(harvest.refused_codes(), [("no_header", 1)]);
    let mut warned = harvest.warned();
    warned.sort_unstable();
    assert_eq!(warned, ["beyond_header", "empty", "hidden_sheet"]);
}

#[test]
fn a_workbook_without_telling_names_is_told_by_headers_then_by_its_file_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, kinds) in [("执法-2025.xlsx", vec![SheetKind::Enforcement]), ("数据.xlsx", vec![])] {
        let path = workbook(&folder, name, |book| {
            let sheet = book.add_worksheet();
            header(sheet, 0, &["credit_code", "date", "kind"]);
            header(sheet, 1, &[CODE, "2025-01-01", "约谈"]);
        });
        let harvest = Harvest::of(&path);
        assert_eq!(harvest.tables.iter().filter_map(|table| table.kind).collect::<Vec<_>>(), kinds);
    }
}

#[test]
fn a_workbook_under_the_name_of_csv_is_read_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("district.csv");
    fs::copy(samples().join("district.xlsx"), &path).unwrap();
    assert_eq!(Harvest::of(&path).tables.len(), 10);
}

#[test]
fn an_upload_goes_by_the_name_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upload-1");
    fs::write(&path, format!("credit_code,date,kind\n{CODE},2025-01-01,talk\n")).unwrap();
    let mut places = Vec::new();
    let outcome = read_file(&path, "执法.csv", now(), &mut |item| {
        if let Item::Row(row) = item {
            assert!(row.outcome.is_ok());
            places.push(row.place().zh());
        }
        ControlFlow::Continue(())
    });
    assert!(outcome.is_continue());
    assert_eq!(places, ["执法.csv，工作表「执法」，第 2 行"]);
}

fn write_refusals(path: &Path, csv: &Path, xlsx: &Path) -> Vec<PathBuf> {
    let mut files = CsvRefusals::create(csv).unwrap();
    let mut book = XlsxRefusals::new();
    let harvest = Harvest::of(path);
    for row in &harvest.rows {
        // Accepted rows too: later, history may refuse any of them.
        let refusals = row.outcome.as_ref().err().cloned().unwrap_or_default();
        files.row(&row.table, row.row, &row.cells, &refusals).unwrap();
        book.row(&row.table, row.row, &row.cells, &refusals).unwrap();
    }
    for refused in &harvest.refused {
        files.whole(refused.clone());
        book.whole(refused.clone());
    }
    assert!(book.finish(xlsx).unwrap());
    files.finish().unwrap()
}

#[test]
fn a_formula_is_harmless_in_the_refusal_sheet_of_either_kind() {
    use calamine::{Data, Reader};
    let folder = tempfile::tempdir().unwrap();
    let xlsx = folder.path().join("refused.xlsx");
    let written = write_refusals(&samples().join("bad"), &folder.path().join("refused"), &xlsx);
    let names: Vec<_> = written.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["预收资金-refused.csv", "投诉-refused.csv"]);
    let text = fs::read_to_string(&written[1]).unwrap();
    assert!(text.starts_with("\u{FEFF}工单编号,"));
    assert!(text.contains("\n'=cmd|'/c calc'!A1,12345,"), "{text}");
    for line in text.lines() {
        assert!(line.split(',').all(|cell| !export::calculates(cell.trim_matches('"'))), "{line}");
    }
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(&xlsx).unwrap();
    let range = book.worksheet_range("投诉").unwrap();
    assert_eq!(range.get_value((8, 0)), Some(&Data::String("=cmd|'/c calc'!A1".to_owned())));
    let (height, width) = range.get_size();
    assert!((0..height).all(|row| {
        (0..width).all(|column| matches!(range.get((row, column)), None | Some(Data::String(_) | Data::Empty)))
    }));
    assert!(book.worksheet_formula("投诉").unwrap().used_cells().next().is_none());
    let reason = range.get_value((5, 12)).unwrap().to_string();
    assert!(reason.starts_with("来源：「电话」：") && reason.contains("12315"), "{reason}");
}

#[test]
fn a_refusal_sheet_sent_in_again_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let (csv, xlsx) = (folder.path().join("again"), folder.path().join("again.xlsx"));
    write_refusals(&samples().join("bad"), &csv, &xlsx);
    let first = Harvest::of(&samples().join("bad"));
    let verdicts = |harvest: &Harvest| -> Vec<_> {
        let codes = |refusals: &Vec<Finding>| refusals.iter().map(|refusal| refusal.code).collect::<Vec<_>>();
        harvest.rows.iter().map(|row| row.outcome.as_ref().map(Command::clone).map_err(codes)).collect()
    };
    assert_eq!(verdicts(&Harvest::of(&csv)), verdicts(&first));
    assert_eq!(verdicts(&Harvest::of(&xlsx)), verdicts(&first));
}

#[test]
fn what_was_refused_as_a_whole_is_listed_and_nothing_refused_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("商户.xlsx");
    fs::write(&path, "no workbook").unwrap();
    let (csv, xlsx) = (folder.path().join("refused"), folder.path().join("refused.xlsx"));
    let written = write_refusals(&path, &csv, &xlsx);
    assert_eq!(written, [csv.join("not-read.csv")]);
    assert!(fs::read_to_string(&written[0]).unwrap().contains("商户.xlsx,,0,"));
    assert_eq!(CsvRefusals::create(&csv).unwrap().finish().unwrap(), Vec::<PathBuf>::new());
    assert!(!XlsxRefusals::new().finish(&folder.path().join("none.xlsx")).unwrap());
    assert!(!folder.path().join("none.xlsx").exists());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_workbook_is_refused_and_never_panics(at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let mut bytes = fs::read(samples().join("district.xlsx")).unwrap();
        let place = ((bytes.len() - 1) as f64 * at) as usize;
        if cut { bytes.truncate(place) } else { bytes[place] ^= byte }
        let harvest = Harvest::of_text("district.xlsx", bytes);
        prop_assert!(harvest.rows.len() <= 2649);
        prop_assert!(!cut || !harvest.refused.is_empty());
    }

    #[test]
    fn no_csv_makes_reading_panic_and_every_line_is_accounted_for(
        lines in prop::collection::vec("[\"',;a1年-]{0,12}", 0..30),
    ) {
        let harvest = Harvest::of_text("custody.csv", format!("credit_code,date,held\n{}", lines.join("\n")));
        prop_assert!(harvest.refused.is_empty());
        prop_assert!(harvest.rows.len() <= lines.len());
        prop_assert!(harvest.accepted().is_empty());
    }
}

//! Workbooks, with what people and spreadsheet programs do to them.

use super::*;
use tempfile::TempDir;

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
        header(sheet, 2, &["统一社会信用代码", "行业代码", "区划代码", "铺位号", "成立日期", "商户名称", "街道"]);
        let date = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd");
        sheet.write(3, 0, CODE).unwrap();
        sheet.write(3, 1, 8399).unwrap();
        sheet.write(3, 2, 110_108).unwrap();
        sheet.write_with_format(3, 4, 45717, &date).unwrap();
        sheet.write(3, 9, "一条批注").unwrap();
        sheet.write(5, 0, 911_101_066_976_941_872.0).unwrap();
        sheet.write_with_format(5, 3, 45659, &date).unwrap();
        sheet.write(5, 5, rust_xlsxwriter::Formula::new("=A99/0").set_result("#DIV/0!")).unwrap();
        // A look-up that found nothing is a word for nothing: the street may stay empty.
        sheet.write(3, 6, rust_xlsxwriter::Formula::new("=NA()").set_result("#N/A")).unwrap();
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

/// Copies a workbook, with another text in the place of one in its first sheet.
fn altered(from: &Path, to: &Path, text: &str, other: &str) {
    use std::io::{Read as _, Write as _};
    let mut archive = zip::ZipArchive::new(std::fs::File::open(from).unwrap()).unwrap();
    let mut copy = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if name == "xl/worksheets/sheet1.xml" {
            let sheet = String::from_utf8(content).unwrap();
            assert!(sheet.contains(text), "{sheet}");
            content = sheet.replacen(text, other, 1).into_bytes();
        }
        copy.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        copy.write_all(&content).unwrap();
    }
    copy.finish().unwrap();
}

#[test]
fn a_place_that_no_sheet_has_is_a_fault_of_its_file_and_of_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let sound = workbook(&folder, "商户.xlsx", |book| {
        let sheet = book.add_worksheet();
        header(sheet, 0, &["统一社会信用代码", "商户名称"]);
        sheet.write(1, 0, CODE).unwrap();
        sheet.write(1, 1, "甲").unwrap();
    });
    for (text, other) in [
        ("r=\"A2\"", "r=\"ZZZZZZZZ2\""),
        ("<row r=\"2\"", "<row r=\"99999999999999999999\""),
        ("ref=\"A1:B2\"", "ref=\"A1:ZZZZZZZZZZ99999999999\""),
    ] {
        let broken = folder.path().join("broken.xlsx");
        altered(&sound, &broken, text, other);
        let harvest = Harvest::of(&broken);
        assert!(harvest.accepted().is_empty() || text.starts_with("ref"), "{other}");
        assert!(!harvest.refused.is_empty() || text.starts_with("ref"), "{other}: nothing is said");
    }
    assert_eq!(Harvest::of(&sound).accepted(), [2]);
}

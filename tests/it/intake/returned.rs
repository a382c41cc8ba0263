//! Refused rows back to the sender, in the form they came in.

use super::*;
use calamine::Reader as _;
use encoding_rs::{GB18030, UTF_8, UTF_16LE};
use rust_xlsxwriter::Workbook;
use warnlight::domain::money::Yuan;
use warnlight::intake::refusals::XlsxRefusals;
use warnlight::intake::returned::Returned;

/// Reads `path`, gives its refused rows back into a folder, and returns the files.
fn given_back(path: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut returned = Returned::to(folder);
    for row in &Harvest::of(path).rows {
        if let Err(refusals) = &row.outcome {
            returned.row(&row.table, row.row, &row.cells, refusals).unwrap();
        }
    }
    returned.finish().unwrap()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

const BALANCES: &str = "报送人电话;预收资金余额;统一社会信用代码;日期;备注";

fn rows(code: &str) -> [[&str; 5]; 3] {
    [
        ["13800138000", "12.5", code, "2026-05-01", "=1+1"],
        ["13800138000", "很多", code, "2026-05-02", "-"],
        ["13800138000", "7", code, "2026-13-01", ""],
    ]
}

fn utf16(text: &str) -> Vec<u8> {
    "\u{FEFF}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[test]
fn a_text_comes_back_in_its_encoding_with_its_separator_and_columns() {
    let lines: Vec<String> = rows(CODE).iter().map(|row| row.join(";")).collect();
    let text = format!("{BALANCES}\n{}\n", lines.join("\n"));
    for (encoding, bytes, ending) in [
        (UTF_8, text.clone().into_bytes(), "csv"),
        (GB18030, GB18030.encode(&text).0.into_owned(), "csv"),
        (UTF_16LE, utf16(&text), "csv"),
        (GB18030, GB18030.encode(&text.replace(';', "\t")).0.into_owned(), "tsv"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let sent = folder.path().join(format!("五月预收资金.{ending}"));
        fs::write(&sent, bytes).unwrap();
        let files = given_back(&sent, folder.path());
        assert_eq!(
            files.iter().map(|path| name(path)).collect::<Vec<_>>(),
            [format!("returned-五月预收资金.{ending}")]
        );
        let bytes = fs::read(&files[0]).unwrap();
        let (shown, found, faulty) = encoding.decode(&bytes);
        assert_eq!((found, faulty), (encoding, false));
        let separator = if ending == "tsv" { "\t" } else { ";" };
        let header = BALANCES.replace(';', separator);
        assert!(shown.trim_start_matches('\u{FEFF}').starts_with(&header), "{shown}");
        assert_eq!(shown.lines().count(), 3, "the header and two rows: {shown}");
        assert!(!shown.contains("138"), "what is about a person was dropped and stays so: {shown}");
        assert!(shown.contains("'-"), "what looks like a formula is none: {shown}");

        let mended = shown.replace("很多", "8").replace("2026-13-01", "2026-05-03");
        let mended = if encoding == UTF_16LE {
            utf16(mended.trim_start_matches('\u{FEFF}'))
        } else {
            encoding.encode(&mended).0.into_owned()
        };
        fs::write(&files[0], mended).unwrap();
        let again = Harvest::of(&files[0]);
        assert_eq!((again.rows.len(), again.refused.len()), (2, 0));
        assert_eq!(again.commands(SheetKind::Balances).len(), 2, "{:?}", again.rows);
    }
}

fn book(sheets: &[(&str, &[&[&str]])], path: &Path) {
    let mut book = Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        for (row, cells) in (0..).zip(*rows) {
            for (column, cell) in (0..).zip(*cells) {
                sheet.write_string(row, column, *cell).unwrap();
            }
        }
    }
    book.save(path).unwrap();
}

#[test]
fn a_workbook_comes_back_with_its_sheets_and_what_cannot_be_written_comes_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let header: Vec<&str> = BALANCES.split(';').collect();
    let rows = rows(CODE);
    let rows: Vec<&[&str]> = std::iter::once(header.as_slice()).chain(rows.iter().map(|row| &row[..])).collect();
    let lists: &[&[&str]] = &[&["名单", "统一社会信用代码", "列入日期"], &["不知名的名单", CODE, "2026-05-01"]];
    let sent = folder.path().join("区里.xlsx");
    book(&[("预收资金(海淀)", &rows), ("名单", lists)], &sent);
    let files = given_back(&sent, folder.path());
    assert_eq!(files.iter().map(|path| name(path)).collect::<Vec<_>>(), ["returned-区里.xlsx"]);
    let mut read: calamine::Xlsx<_> = calamine::open_workbook(&files[0]).unwrap();
    assert_eq!(read.sheet_names(), ["预收资金(海淀)", "名单"]);
    let range = read.worksheet_range("预收资金(海淀)").unwrap();
    let line = |row: usize| -> Vec<String> {
        (0..9).map(|column| range.get((row, column)).map(ToString::to_string).unwrap_or_default()).collect()
    };
    assert_eq!(line(0)[..5], header[..]);
    assert_eq!(line(1)[..5], ["*****", "很多", CODE, "2026-05-02", "-"]);
    assert!(line(1)[7].contains("很多") && line(1)[6] == "3", "the reason stands beside: {:?}", line(1));

    let page = "<html><table><tr><td>统一社会信用代码</td><td>日期</td><td>存管余额</td></tr>\
                <tr><td>91110000101623741K</td><td>2026-05-01</td><td>一些</td></tr></table></html>";
    let sent = folder.path().join("存管余额.xls");
    fs::write(&sent, page).unwrap();
    let files = given_back(&sent, folder.path());
    assert_eq!(files.iter().map(|path| name(path)).collect::<Vec<_>>(), ["returned-存管余额.xlsx"]);
    assert_eq!(Harvest::of(&files[0]).refusals(), Harvest::of(&sent).refusals());
}

#[test]
fn an_amount_means_the_same_when_it_comes_again_although_its_unit_stood_above_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let rows: &[&[&str]] = &[
        &["海淀区预收资金", "", "单位：万元"],
        &["统一社会信用代码", "日期", "预收资金余额"],
        &[CODE, "2026-05-41", "12.5"],
    ];
    let sent = folder.path().join("预收资金.xlsx");
    book(&[("预收资金", rows)], &sent);
    let mut all = XlsxRefusals::new();
    for row in &Harvest::of(&sent).rows {
        all.row(&row.table, row.row, &row.cells, row.outcome.as_ref().unwrap_err()).unwrap();
    }
    let refused = folder.path().join("refused.xlsx");
    assert!(all.finish(&refused).unwrap());
    for path in [refused, given_back(&sent, folder.path()).remove(0)] {
        let mut read: calamine::Xlsx<_> = calamine::open_workbook(&path).unwrap();
        let range = read.worksheet_range("预收资金").unwrap();
        let lines: Vec<Vec<String>> = range
            .rows()
            .map(|row| row.iter().map(|cell| cell.to_string().replace("05-41", "05-31")).collect())
            .collect();
        let lines: Vec<Vec<&str>> = lines.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let lines: Vec<&[&str]> = lines.iter().map(|row| &row[..]).collect();
        let mended = folder.path().join("预收资金-改.xlsx");
        book(&[("预收资金", &lines)], &mended);
        let harvest = Harvest::of(&mended);
        let Command::ReportBalance(report) = harvest.commands(SheetKind::Balances)[0] else { panic!("no balance") };
        assert_eq!(report.outstanding, Yuan::from_fen(12_500_000), "{}", path.display());
    }
}

#[test]
fn a_column_that_the_sender_had_hidden_does_not_come_back_as_a_second_one() {
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("存管余额.xlsx");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [["统一社会信用代码", "日期", "存管余额", "存管余额"], [CODE, "2026-05-41", "1", "2"]];
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    sheet.set_column_hidden(2).unwrap();
    book.save(&sent).unwrap();
    let files = given_back(&sent, folder.path());
    let again = Harvest::of(&files[0]);
    assert_eq!((again.rows.len(), again.refused.len()), (1, 0), "{:?}", again.refused);
    assert_eq!(again.refusals(), [(2, vec!["no_such_day"])]);
}

#[test]
fn several_files_come_back_each_by_itself_and_nothing_refused_gives_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sent = folder.path().join("sent");
    fs::create_dir_all(sent.join("海淀")).unwrap();
    fs::create_dir_all(sent.join("朝阳")).unwrap();
    for place in ["海淀", "朝阳"] {
        fs::write(sent.join(place).join("名单.csv"), format!("统一社会信用代码,名单,列入日期\n{CODE},?,2026-05-01\n"))
            .unwrap();
    }
    fs::write(sent.join("存管余额.csv"), format!("统一社会信用代码,日期,存管余额\n{CODE},2026-05-01,1\n")).unwrap();
    let mut files: Vec<String> = given_back(&sent, folder.path()).iter().map(|path| name(path).to_owned()).collect();
    files.sort();
    assert_eq!(files, ["returned-朝阳_名单.csv", "returned-海淀_名单.csv"]);
}

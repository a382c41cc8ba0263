//! The refusal sheets, csv and xlsx.

use super::*;
use warnlight::intake::export;
use warnlight::intake::refusals::{CsvRefusals, XlsxRefusals};

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
        let codes = |refusals: &[Finding]| refusals.iter().map(|refusal| refusal.code).collect::<Vec<_>>();
        harvest.rows.iter().map(|row| row.outcome.clone().map_err(|refusals| codes(&refusals))).collect()
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

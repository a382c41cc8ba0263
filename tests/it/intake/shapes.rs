//! Files of every kind: read as what they are, limited, and never by half.

use super::*;
use crate::office::{self, Look, Sheet, gb, wide, zipped, zipped_with_gb_names};
use proptest::prelude::*;

const CODES: [&str; 3] = ["91110108MA0000001D", "91110108MA0000002G", "91110108MA0000003K"];

/// Three balances, as lines of cells.
fn lines() -> Vec<Vec<String>> {
    let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
    let rows = CODES.map(|code| row([code, "2025-09-30", "100.00"]));
    [row(["统一社会信用代码", "报告日期", "预收资金余额"])].into_iter().chain(rows).collect()
}

fn balances(kind: fn(&[Sheet<'_>]) -> Vec<u8>) -> Vec<u8> {
    kind(&[Sheet { name: "预收资金", lines: &lines() }])
}

fn csv() -> String {
    office::csv(&lines(), ',', "\r\n")
}

fn html() -> String {
    let rows: String =
        CODES.map(|code| format!("<tr><td>{code}</td><td>2025-09-30<td x:num>100&nbsp;</td></tr>")).concat();
    format!(
        "<html><head><meta charset=gb2312><style>td {{ mso: x }}</style></head><body><TABLE><tr><th>统一社会信用代码</th>\
         <th>报告日期</th><th>预收资金余额</th></tr>{rows}</TABLE></body></html>"
    )
}

fn json() -> String {
    let object = |code| {
        format!(
            "{{\"command\":\"report_balance\",\"credit_code\":\"{code}\",\"date\":\"2025-09-30\",\"outstanding\":\"100\"}}"
        )
    };
    CODES.map(object).join("\n")
}

fn in_archive() -> Vec<u8> {
    zipped(&[("预收资金.csv", csv().as_bytes()), ("__MACOSX/._预收资金.csv", b"x")])
}

/// Every kind of file, with a name that says nothing of it.
fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("xlsx", balances(office::xlsx)),
        ("xlsx of dates and numbers", balances(office::typed_xlsx)),
        ("xlsb", balances(office::xlsb)),
        ("xls", balances(office::xls)),
        ("ods", balances(office::ods)),
        ("csv", csv().into_bytes()),
        ("csv in GB18030", gb(&csv())),
        ("csv in UTF-16", wide(&csv())),
        ("csv with CR", csv().replace("\r\n", "\r").into_bytes()),
        ("html in GB18030", gb(&html())),
        ("json", json().into_bytes()),
        ("json in UTF-16", wide(&json())),
        ("zip", in_archive()),
        ("zip in a zip", zipped(&[("a/内.zip", &in_archive())])),
    ]
}

#[test]
fn every_kind_of_file_is_told_by_its_content_and_gives_the_same_commands() {
    let expected: Vec<Command> =
        Harvest::of_text("预收资金.csv", csv()).rows.into_iter().map(|row| row.outcome.unwrap()).collect();
    assert_eq!(expected.len(), 3);
    for (kind, bytes) in kinds() {
        for name in ["预收资金.xls", "预收资金.et", "预收资金.xlsx", "预收资金"] {
            let harvest = Harvest::of_text(name, &bytes);
            assert!(harvest.refused.is_empty(), "{kind} as {name}: {:?}", harvest.refused);
            let commands: Vec<Command> = harvest.rows.into_iter().map(|row| row.outcome.unwrap()).collect();
            assert_eq!(commands, expected, "{kind} as {name}");
        }
    }
}

#[test]
fn what_is_no_sheet_or_locked_is_named_as_such() {
    let codes = |name: &str, bytes: &[u8]| Harvest::of_text(name, bytes).refused_codes();
    let mut compound = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    compound.resize(1024, 0);
    assert_eq!(codes("商户.xls", &compound), [("unknown_file_type", 0)]);
    compound.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    compound.resize(2048, 0);
    assert_eq!(codes("商户.xlsx", &compound), [("password", 0)]);
    assert_eq!(codes("商户.xlsx", b"%PDF-1.7"), [("unknown_file_type", 0)]);
    assert_eq!(codes("商户.xls", &zipped(&[("word/document.xml", b"<w/>")])), [("unknown_file_type", 0)]);
    assert_eq!(
        codes("商户.xls", b"<?xml version=\"1.0\"?><Workbook xmlns=\"urn:x\"><Table/></Workbook>"),
        [("unknown_file_type", 0)]
    );
}

#[test]
fn names_in_archives_are_read_in_utf8_and_gb18030() {
    let register = format!("credit_code,name\n{},甲\n", CODES[0]);
    let bytes = zipped_with_gb_names(&[("商户.csv", register.as_bytes())]);
    let harvest = Harvest::of_text("a.zip", bytes);
    assert_eq!(harvest.accepted(), [2], "{:?}", harvest.refused);
    assert_eq!(&*harvest.rows[0].table.file, "a.zip/商户.csv");
}

#[test]
fn units_above_further_tables_and_formats_are_never_guessed() {
    let of = |text: &str| Harvest::of_text("数据.csv", text);
    let held = |harvest: &Harvest, at: usize| match &harvest.rows[at].outcome {
        Ok(Command::ReportCustody(report)) => report.held.to_string(),
        other => panic!("{other:?}"),
    };
    let (header, row) = ("统一社会信用代码,报送日期,存管余额", format!("{CODE},2025-09-30,5"));
    assert_eq!(held(&of(&format!("单位：万元,,\n{header}\n{row}\n")), 0), "50000.00");
    assert_eq!(held(&of(&format!("单位：元,,\n{header}\n{row}\n")), 0), "5.00");
    assert_eq!(held(&of(&format!("填报单位：元大都商场,,\n{header}\n{row}\n")), 0).as_str(), "5.00");
    // The header's own word counts before the title's.
    assert_eq!(held(&of(&format!("单位：万元,,\n{header}（元）\n{row}\n")), 0), "5.00");
    for title in ["单位：千元", "单位：元或万元", "金额以万元为单位"] {
        let harvest = of(&format!("{title},,\n{header}\n{row}\n"));
        assert!(
            harvest.rows.is_empty() && harvest.refused_codes() == [("unit_doubtful", 1)],
            "{title}: {:?}",
            harvest.refused
        );
    }
    // A group's unit holds for the columns under it.
    let grouped = of(&format!("统一社会信用代码,报送日期,资金（万元）\n,,存管余额\n{row}\n"));
    assert_eq!(held(&grouped, 0), "50000.00");
    // A further table of which nothing is said.
    let further = format!("单位：万元,,\n{header}\n{row}\n,,\n统一社会信用代码,报告日期,预收资金余额\n{row}\n");
    let harvest = of(&further);
    assert_eq!((harvest.accepted(), harvest.refused_codes()), (vec![3], vec![("unit_doubtful", 1)]));
    // A footer that comes too late is told loudly.
    let harvest = of(&format!("{header}\n{row}\n注：单位：万元,,\n"));
    assert!(harvest.warned().contains(&"unit_below_table"), "{:?}", harvest.warned());
}

#[test]
fn an_amount_merged_over_several_rows_is_refused_and_one_odd_cell_costs_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("存管余额.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, header) in (0..).zip(["统一社会信用代码", "报送日期", "存管余额"]) {
        sheet.write(0, column, header).unwrap();
    }
    for (row, code) in (1..).zip(CODES) {
        sheet.write(row, 0, code).unwrap();
        sheet.write(row, 1, "2025-09-30").unwrap();
    }
    let plain = rust_xlsxwriter::Format::new();
    sheet.merge_range(1, 2, 2, 2, "5", &plain).unwrap();
    sheet.write(3, 2, rust_xlsxwriter::Formula::new("=A1").set_result("#SPILL!")).unwrap();
    sheet.write(4, 0, CODES[0]).unwrap();
    sheet.write(4, 1, "2025-09-30").unwrap();
    sheet.write(4, 2, 7).unwrap();
    book.save(&path).unwrap();
    let harvest = Harvest::of(&path);
    assert_eq!(harvest.accepted(), [5], "{:?}", harvest.refused);
    let codes: Vec<_> = harvest.refusals().into_iter().map(|(row, codes)| (row, codes[0])).collect();
    assert_eq!(codes[..2], [(2, "merged_amount"), (3, "merged_amount")]);
    assert_eq!(codes[2].0, 4);
}

#[test]
fn what_is_hidden_merged_or_shown_otherwise_is_known_in_every_kind_of_workbook() {
    type Kind = fn(&[Sheet<'_>], Look) -> Vec<u8>;
    let kinds: [(&str, Kind); 4] = [
        ("xlsx", office::xlsx_that_looks),
        ("xlsb", office::xlsb_that_looks),
        ("xls", office::xls_that_looks),
        ("ods", office::ods_that_looks),
    ];
    let plain = Look::default();
    for (kind, write) in kinds {
        let of = |look: Look| {
            let bytes = write(&[Sheet { name: "预收资金", lines: &lines() }], look);
            Harvest::of_text("预收资金.xlsx", bytes)
        };
        let refused = |harvest: &Harvest| -> Vec<_> {
            harvest.refusals().into_iter().map(|(row, codes)| (row, codes.join(" "))).collect()
        };
        let as_it_is = of(plain);
        assert_eq!((as_it_is.accepted(), as_it_is.warned().is_empty()), (vec![2, 3, 4], true), "{kind}");
        let filtered = of(Look { hidden_row: Some(2), ..plain });
        assert_eq!((filtered.accepted(), filtered.warned()), (vec![2, 3, 4], vec!["hidden_rows"]), "{kind}");
        assert_eq!(filtered.warnings[0].place.row, Some(3), "{kind}");
        let narrow = of(Look { hidden_column: Some(2), ..plain });
        assert_eq!((narrow.accepted(), narrow.warned()), (vec![2, 3, 4], vec!["hidden_column_read"]), "{kind}");
        let merged = of(Look { merged: Some([1, 2, 2]), ..plain });
        assert_eq!(merged.accepted(), [4], "{kind}");
        assert_eq!(refused(&merged), [(2, "merged_amount".to_owned()), (3, "merged_amount".to_owned())], "{kind}");
        // A day that holds for several rows is filled down.
        let day = of(Look { merged: Some([1, 3, 1]), ..plain });
        assert_eq!((day.accepted(), refused(&day)), (vec![2, 3, 4], vec![]), "{kind}");
        let in_wan = of(Look { in_wan: true, ..plain });
        let doubtful: Vec<_> = (2..5).map(|row| (row, "unit_by_format".to_owned())).collect();
        assert_eq!(refused(&in_wan), doubtful, "{kind}");
    }
}

#[test]
fn an_old_workbook_that_was_cut_is_refused_wherever_it_was_cut() {
    let whole = balances(office::xls);
    for cut in (512..whole.len()).step_by(64) {
        let harvest = Harvest::of_text("预收资金.xls", &whole[..cut]);
        let told = !harvest.refused.is_empty() && harvest.rows.is_empty();
        assert!(told || harvest.accepted() == [2, 3, 4], "{cut}: {:?}", harvest.refused_codes());
    }
}

#[test]
fn an_old_workbook_is_read_under_any_name_with_its_dates_and_merged_cells() {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sheets/撤店.xls")).unwrap();
    for name in ["撤店.xls", "撤店.et", "撤店.xlsx", "撤店.csv"] {
        let harvest = Harvest::of_text(name, &bytes);
        assert_eq!(harvest.accepted(), [2, 3, 4], "{name}: {:?} {:?}", harvest.refused, harvest.refusals());
        let Ok(Command::RecordExit(exit)) = &harvest.rows[2].outcome else { panic!() };
        assert_eq!((exit.credit_code.as_str(), exit.date.to_string().as_str()), (CODES[0], "2025-09-03"));
        assert_eq!(harvest.remarks.iter().map(|remark| remark.rows).sum::<u64>(), 1);
    }
    for cut in (0..bytes.len()).step_by(97) {
        let harvest = Harvest::of_text("撤店.xls", &bytes[..cut]);
        assert!(!harvest.refused.is_empty() || harvest.accepted() == [2, 3, 4], "{cut}: what is lost is not told");
        let mut flipped = bytes.clone();
        flipped[cut] ^= 0x55;
        // Nothing panics.
        Harvest::of_text("撤店.xls", flipped);
    }
}

/// Rows of a text that must be accounted for: all with something in them but the header.
fn accounted(harvest: &Harvest) -> u64 {
    harvest.rows.len() as u64
        + harvest.remarks.iter().map(|remark| remark.rows).sum::<u64>()
        + harvest.refused.iter().map(|refused| refused.rows).sum::<u64>()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bits flipped, ends cut, pieces moved: nothing panics, and what comes of it is told.
    #[test]
    fn no_damage_makes_a_reader_panic_or_fall_silent(
        which in 0..14_usize,
        flips in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 0..4),
        cut in prop::option::of(0.0..1.0_f64),
        splice in prop::option::of((0.0..1.0_f64, 0.0..1.0_f64)),
    ) {
        let (kind, mut bytes) = kinds().swap_remove(which);
        let place = |bytes: &Vec<u8>, at: f64| ((bytes.len().saturating_sub(1)) as f64 * at) as usize;
        if let Some((from, to)) = splice {
            let (from, to) = (place(&bytes, from), place(&bytes, to));
            let piece: Vec<u8> = bytes[from..(from + 40).min(bytes.len())].to_vec();
            bytes.splice(to..to, piece);
        }
        for (at, byte) in flips {
            let at = place(&bytes, at);
            bytes[at] ^= byte;
        }
        if let Some(at) = cut {
            bytes.truncate(place(&bytes, at));
        }
        let harvest = Harvest::of_text("预收资金.xlsx", &bytes);
        let told = !harvest.refused.is_empty() || !harvest.warnings.is_empty() || accounted(&harvest) > 0;
        prop_assert!(told, "{kind}: nothing is said");
    }

    #[test]
    fn every_line_with_something_in_it_is_accounted_for(
        lines in prop::collection::vec(
            prop_oneof![
                Just(format!("{CODE},2025-09-30,5")),
                Just("合计,,5".to_owned()),
                Just("填表人：甲,,".to_owned()),
                Just("统一社会信用代码,报送日期,存管余额".to_owned()),
                Just(",,".to_owned()),
                Just("二、其他,,".to_owned()),
                Just(format!("{CODE},x,y")),
                Just("x,y".to_owned()),
            ],
            0..20,
        ),
    ) {
        let text = format!("统一社会信用代码,报送日期,存管余额\n{}\n", lines.join("\n"));
        let harvest = Harvest::of_text("存管余额.csv", text);
        let filled = lines.iter().filter(|line| *line != ",,").count() as u64;
        prop_assert_eq!(accounted(&harvest), filled, "{:?}", lines);
    }
}

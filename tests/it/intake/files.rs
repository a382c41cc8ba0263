//! Files and folders: encodings, separators, broken lines, sheets that are none.

use super::*;
use proptest::prelude::*;

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
        // The district has no list of tenants, and none of other names.
        let is_sent = |kind: &SheetKind| !matches!(kind, SheetKind::Tenants | SheetKind::Aliases);
        let sent: Vec<_> = SheetKind::ALL.into_iter().filter(is_sent).collect();
        assert_eq!(kinds, sent);
        assert!(harvest.refused.is_empty() && harvest.refusals().is_empty() && harvest.warnings.is_empty());
    }
    let places =
        |harvest: &Harvest| harvest.rows.iter().map(|row| (row.table.sheet.clone(), row.row)).collect::<Vec<_>>();
    assert_eq!(places(&utf8), places(&xlsx));
    assert_eq!(utf8.rows[0].place().to_string(), "商户.csv, sheet `商户`, row 2");
    assert_eq!(xlsx.rows[0].place().to_string(), "district.xlsx, sheet `商户`, row 2");
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
    assert_eq!((second.held.to_string().as_str(), second.abnormal), ("12345000.00", None));
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
    put("旧/备案.csv", format!("credit_code,status,date\n{CODE},submitted,2024-01-01\n").as_bytes());
    let harvest = Harvest::of(folder.path());
    let files: Vec<_> = harvest.rows.iter().map(|row| row.table.file.to_string()).collect();
    assert_eq!(files, ["z-商户.csv", "备案.csv", "旧/备案.csv"]);
    assert_eq!(harvest.refused_codes(), [("unreadable", 0), ("empty", 0)]);
    assert_eq!(harvest.warned(), ["unknown_file_type"]);
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

#[test]
fn a_workbook_whose_formats_or_texts_are_not_found_under_their_name_is_refused() {
    let sound = fs::read(samples().join("district.xlsx")).unwrap();
    for part in ["xl/styles.xml", "xl/worksheets/sheet1.xml"] {
        let places: Vec<usize> =
            (0..sound.len() - part.len()).filter(|place| sound[*place..].starts_with(part.as_bytes())).collect();
        let mut bytes = sound.clone();
        // The last is the table of contents at the end of the archive: that is where readers look.
        bytes[places.last().unwrap() + 3] ^= 1;
        let harvest = Harvest::of_text("district.xlsx", bytes);
        assert!(!harvest.refused.is_empty() && harvest.rows.is_empty(), "{part}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_damaged_workbook_is_refused_or_reads_as_the_sound_one(at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let mut bytes = fs::read(samples().join("district.xlsx")).unwrap();
        let place = ((bytes.len() - 1) as f64 * at) as usize;
        if cut { bytes.truncate(place) } else { bytes[place] ^= byte }
        let harvest = Harvest::of_text("district.xlsx", bytes);
        // Damage is told, or it did no harm: a damaged number that reads as another number would be neither.
        if harvest.refused.is_empty() {
            prop_assert!(!cut);
            let sound = Harvest::of(&samples().join("district.xlsx"));
            prop_assert!(harvest.rows.iter().map(|row| &row.outcome).eq(sound.rows.iter().map(|row| &row.outcome)));
        }
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

#[test]
fn a_folder_that_is_called_like_a_file_and_a_link_to_a_device_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let (inner, link) = (folder.path().join("x.csv"), folder.path().join("y.csv"));
    fs::create_dir(&inner).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
    fs::write(inner.join("custody.csv"), format!("credit_code,date,held\n{CODE},2025-01-01,5\n")).unwrap();
    let harvest = Harvest::of(folder.path());
    assert_eq!((harvest.accepted(), harvest.refused_codes()), (vec![2], vec![("not_a_file", 0)]));
    // Named itself, a folder is read as one.
    assert_eq!(Harvest::of(&inner).accepted(), [2]);
    assert_eq!(Harvest::of(&link).refused_codes(), [("not_a_file", 0)]);
    let mut refused = Vec::new();
    let _ = read_file(&inner, "x.csv", now(), &mut |item| {
        if let Item::Refused(it) = item {
            refused.push(it.refusal.code);
        }
        ControlFlow::Continue(())
    });
    assert_eq!(refused, ["not_a_file"]);
}

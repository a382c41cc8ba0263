use super::*;
use crate::domain::money::Yuan;
use crate::domain::text::TextFault;
use crate::domain::time::{instant_of, local};
use crate::domain::words::Channel;
use proptest::prelude::*;

fn number(value: f64) -> Cell<'static> {
    Cell::Number(Number { value, dated: false, from_1904: false })
}

fn dated(value: f64) -> Cell<'static> {
    Cell::Number(Number { value, dated: true, from_1904: false })
}

fn day_text(text: &str) -> Result<String, CellFault> {
    day(Cell::Text(text)).map(|day| day.unwrap().to_string())
}

fn instant_text(text: &str) -> Result<String, CellFault> {
    instant(Cell::Text(text)).map(|at| local(at.unwrap()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn yuan(text: &str) -> Result<String, CellFault> {
    amount(Cell::Text(text), Unit::Plain).map(|yuan| yuan.unwrap().to_string())
}

fn wan(text: &str) -> Result<String, CellFault> {
    amount(Cell::Text(text), Unit::TenThousand).map(|yuan| yuan.unwrap().to_string())
}

#[test]
fn a_day_has_several_spellings() {
    for text in [
        "2025-03-01",
        "2025-3-1",
        "2025/3/1",
        "2025/03/01",
        "2025年3月1日",
        "2025年03月01号",
        "２０２５－０３－０１",
        "２０２５年３月１日",
        " 2025-03-01\u{A0}",
        "\u{3000}2025-03-01",
        "2025-03-01 00:00:00",
        "2025-03-01T09:30",
        "2025.3.1",
        "2025.03.01",
        "２０２５．３．１",
        "20250301",
        "２０２５０３０１",
        "20250301093000",
        "2025年 3月 1日",
        "2025 - 3 - 1",
        "2025—03—01",
        "2025-03-01 星期六",
        "2025年3月1日（周六）",
        "2025-02-28T16:00:00Z",
        "2025-03-01T00:00:00.000+0800",
        "=\"2025-03-01\"",
        "'2025-03-01",
        "\t2025-03-01\t",
        "45717",
        "45717.75",
    ] {
        assert_eq!(day_text(text).as_deref(), Ok("2025-03-01"), "{text}");
    }
    assert_eq!(day(Cell::Text(" \u{3000}")), Ok(None));
    assert_eq!(day(Cell::Blank), Ok(None));
}

#[test]
fn what_is_no_day_is_refused() {
    for text in [
        "三月一日",
        "2025",
        "25-03-01",
        "2025-3/1",
        "2025.3-1",
        "2025年3月1",
        "2025-03-001",
        "2025-03-01x",
        "2025-03-0109:00",
        "03/01/2025",
        "-45717",
        "29220",
        "73416",
        "4571７x",
        "2025-03-01 星期八",
        "1e5",
        "2025-03-01-",
        "NaN",
        "=TODAY()",
    ] {
        assert_eq!(day_text(text), Err(CellFault::NotADay), "{text}");
    }
    for text in ["202612", "250301", "２６１２３１", "2025-03", "2025/3", "2025.3", "2025年3月", "2025 年 3 月"]
    {
        assert_eq!(day_text(text), Err(CellFault::ShortDay), "{text}");
    }
    for text in ["2025-03-01 星期日", "2025年3月1日（周五）"] {
        assert_eq!(day_text(text), Err(CellFault::Weekday), "{text}");
    }
    assert_eq!(day_text("2.02511E+15"), Err(CellFault::Scientific));
    for text in
        ["2025-02-30", "2025/13/1", "2025年0月1日", "2025-02-29", "0205-03-01", "2100-02-29", "20250230", "12345678"]
    {
        assert_eq!(day_text(text), Err(CellFault::NoSuchDay), "{text}");
    }
    assert_eq!(day_text("2024-02-29").as_deref(), Ok("2024-02-29"));
    assert_eq!(day_text("9999-12-31").as_deref(), Ok("9999-12-31"));
}

#[test]
fn serials_count_from_1900_or_1904() {
    assert_eq!(day(dated(45717.0)).unwrap().unwrap().to_string(), "2025-03-01");
    assert_eq!(day(number(45717.0)).unwrap().unwrap().to_string(), "2025-03-01");
    let old = Cell::Number(Number { value: 45717.0 - 1462.0, dated: true, from_1904: true });
    assert_eq!(day(old).unwrap().unwrap().to_string(), "2025-03-01");
    let of = |cell: Cell<'_>| day(cell).map(|day| day.unwrap().to_string());
    // The first and the last day that a bare number may be.
    assert_eq!(of(number(29_221.0)).as_deref(), Ok("1980-01-01"));
    assert_eq!(of(number(73_415.0)).as_deref(), Ok("2100-12-31"));
    // What the spreadsheet shows as a date may be older, and may say that there is no end.
    assert_eq!(of(dated(20_515.0)).as_deref(), Ok("1956-03-01"));
    assert_eq!(of(dated(2_958_465.0)).as_deref(), Ok("9999-12-31"));
    // Digits of a date that the spreadsheet took for a number.
    assert_eq!(of(number(20_250_301.0)).as_deref(), Ok("2025-03-01"));
    assert_eq!(of(number(20_250_301_093_000.0)).as_deref(), Ok("2025-03-01"));
    for value in [202_612.0, 250_301.0] {
        assert_eq!(day(number(value)), Err(CellFault::ShortDay), "{value}");
        assert_eq!(day(dated(value)), Err(CellFault::ShortDay), "{value}, shown as a day of the year 2454 or 2585");
    }
    for value in [
        0.0,
        60.0,
        2025.0,
        -1.0,
        20_515.0,
        29_220.0,
        73_416.0,
        2_958_465.0,
        2_958_466.0,
        1e300,
        f64::NAN,
        f64::INFINITY,
    ] {
        assert_eq!(day(number(value)), Err(CellFault::NotADay), "{value}");
    }
    assert_eq!(day(dated(2025.0)), Err(CellFault::NotADay));
}

#[test]
fn a_date_time_is_local_and_without_a_time_it_is_midnight() {
    for text in [
        "2025-06-01 09:00",
        "2025-06-01 9:00",
        "2025-06-01  09:00:00",
        "2025/6/1 09:00",
        "2025年6月1日 9:00",
        "2025年6月1日9时",
        "2025年6月1日 9时0分",
        "2025年6月1日9点00分00秒",
        "2025-06-01T09:00",
        "2025-06-01T09:00:00+08:00",
        "2025-06-01T01:00:00Z",
        "２０２５－０６－０１　０９：００",
        "45809.375",
        "2025-06-01 09:00:00.0",
        "2025-06-01 09:00:00.000000",
        "2025-06-01T09:00:00.000+0800",
        "2025-06-01T09:00:00+08",
        "2025-06-01T09:00:00.123456789+08:00",
        "2025-06-01 09:00 (UTC+8)",
        "2025-06-01 10:00:00 +09:00",
        "20250601090000",
        "202506010900",
        "2025/6/1 9:00:00 AM",
        "2025-06-01 AM 9:00",
        "2025-06-01 上午9:00",
        "2025年6月1日 星期日 上午9时",
        "2025-06-01 09：00",
        "2025.6.1 9:00",
    ] {
        assert_eq!(instant_text(text).as_deref(), Ok("2025-06-01 09:00:00"), "{text}");
    }
    assert_eq!(instant_text("2025-06-01").as_deref(), Ok("2025-06-01 00:00:00"));
    assert_eq!(instant_text("2025-06-01 23:59:59").as_deref(), Ok("2025-06-01 23:59:59"));
    for (text, clock) in [
        ("2025-06-01 下午3:05", "15:05:00"),
        ("2025-06-01 3:05:06 PM", "15:05:06"),
        ("2025-06-01 12:30 PM", "12:30:00"),
        ("2025-06-01 12:30 AM", "00:30:00"),
        ("2025-06-01 下午12:30", "12:30:00"),
        ("2025-06-01 下午15:05", "15:05:00"),
    ] {
        assert_eq!(instant_text(text), Ok(format!("2025-06-01 {clock}")), "{text}");
    }
    // Float noise of spreadsheets: 13:00 is stored as 0.54166666666.
    assert_eq!(local(instant(dated(45496.54166666666)).unwrap().unwrap()).to_string(), "2024-07-23T13:00:00");
    assert_eq!(local(instant(dated(45496.99999999)).unwrap().unwrap()).to_string(), "2024-07-24T00:00:00");
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "09:00",
        "2025-06-01 24:00",
        "2025-06-01 09:60",
        "2025-06-01 09:00:60",
        "2025-06-01 9",
        "2025-06-01 9:0",
        // Noon for people, midnight for programs.
        "2025-06-01 上午12:00",
        "2025-06-01 下午0:30",
        "2025-06-01 13:00 AM",
        "2025-06-01 上午9:00 PM",
        "2025-06-01 09:00:00.",
        "2025-06-01 09:00 CST",
        "2025-06-01 09:00 +8",
        "20250601250000",
        "2025-06-01 9时5",
        "明天",
    ] {
        assert_eq!(instant_text(text), Err(CellFault::NotATime), "{text}");
    }
    assert_eq!(instant_text("2025-06-31 09:00"), Err(CellFault::NoSuchDay));
}

#[test]
fn amounts_are_taken_in_every_usual_spelling() {
    for text in [
        "1234567.89",
        "1,234,567.89",
        "１，２３４，５６７．８９",
        "¥1,234,567.89",
        "￥1234567.89",
        "1234567.89元",
        "￥ 1,234,567.890 元",
        " 001234567.89\u{3000}\n",
        "1234567.89元整",
        "人民币1,234,567.89元整",
        "人民币：1234567.89",
        "RMB 1,234,567.89",
        "1 234 567.89",
        "1\u{A0}234\u{A0}567.89",
        "1234567.8900000001",
        "1234567.88999999997",
        "=\"1234567.89\"",
        "'1234567.89",
    ] {
        assert_eq!(yuan(text).as_deref(), Ok("1234567.89"), "{text}");
    }
    assert_eq!(yuan("0").as_deref(), Ok("0.00"));
    assert_eq!(yuan("0.5").as_deref(), Ok("0.50"));
    assert_eq!(yuan("500000.000").as_deref(), Ok("500000.00"));
    assert_eq!(yuan("-0.00").as_deref(), Ok("0.00"));
    for nothing in ["\u{3000}", "无", " - ", "/", "——", "#N/A"] {
        assert_eq!(amount(Cell::Text(nothing), Unit::Plain), Ok(None), "{nothing}");
    }
    assert_eq!(amount(Cell::Error("#N/A"), Unit::Plain), Ok(None));
}

#[test]
fn what_is_no_amount_is_refused_for_its_own_reason() {
    let cases = [
        ("1,23", CellFault::Grouping),
        ("12,3456", CellFault::Grouping),
        ("1234,567", CellFault::Grouping),
        (",123", CellFault::Grouping),
        ("1,,234", CellFault::Grouping),
        ("1,234,", CellFault::Grouping),
        ("1.234,5", CellFault::NotAnAmount),
        ("-5", CellFault::Negative),
        ("－５", CellFault::Negative),
        ("−1,234.5", CellFault::Negative),
        ("-五", CellFault::NotAnAmount),
        ("五十万", CellFault::NotAnAmount),
        ("50万", CellFault::UnitInCell),
        ("50万元", CellFault::UnitInCell),
        ("5亿", CellFault::NotAnAmount),
        ("500000.001", CellFault::TooFine),
        ("0.001", CellFault::TooFine),
        ("10000000000000.01", CellFault::TooLarge),
        ("99999999999999999999999999999999", CellFault::TooLarge),
        ("12,34,567", CellFault::Grouping),
        ("500 00", CellFault::Grouping),
        ("1 234,567", CellFault::NotAnAmount),
        ("(500)", CellFault::Negative),
        ("（５００）", CellFault::Negative),
        ("￥-5元", CellFault::Negative),
        ("1.5E+05", CellFault::Scientific),
        ("￥1.2E+06", CellFault::Scientific),
        ("伍拾万元整", CellFault::NotAnAmount),
        ("500000。00", CellFault::NotAnAmount),
        ("=500000", CellFault::NotAnAmount),
        ("500000.000001", CellFault::TooFine),
        ("500整", CellFault::NotAnAmount),
        ("???", CellFault::Spoilt),
        ("0x10", CellFault::NotAnAmount),
        ("1_000", CellFault::NotAnAmount),
        ("+5", CellFault::NotAnAmount),
        ("5.", CellFault::NotAnAmount),
        (".5", CellFault::NotAnAmount),
        ("¥", CellFault::NotAnAmount),
        ("元", CellFault::NotAnAmount),
        ("--5", CellFault::NotAnAmount),
        ("NaN", CellFault::NotAnAmount),
        ("$5", CellFault::NotAnAmount),
    ];
    for (text, fault) in cases {
        assert_eq!(yuan(text), Err(fault), "{text}");
    }
    assert_eq!(yuan(&"-".repeat(1_000_000)), Err(CellFault::NotAnAmount));
}

#[test]
fn ten_thousands_are_only_what_the_header_says() {
    assert_eq!(wan("50").as_deref(), Ok("500000.00"));
    assert_eq!(wan("12.345678").as_deref(), Ok("123456.78"));
    assert_eq!(wan("50万").as_deref(), Ok("500000.00"));
    assert_eq!(wan("50 万元").as_deref(), Ok("500000.00"));
    assert_eq!(wan("1.2345678"), Err(CellFault::TooFine));
    assert_eq!(wan("123.45000000000002").as_deref(), Ok("1234500.00"));
    assert_eq!(wan("1.2E+02"), Err(CellFault::Scientific));
    assert_eq!(wan("500000元"), Err(CellFault::UnitContradiction));
    assert_eq!(wan("1,000,000,001"), Err(CellFault::TooLarge));
}

#[test]
fn numbers_of_a_spreadsheet_are_their_shortest_text() {
    let of = |value: f64| amount(number(value), Unit::Plain).map(|yuan| yuan.unwrap().to_string());
    assert_eq!(of(0.1).as_deref(), Ok("0.10"));
    assert_eq!(of("986750.1800000001".parse().unwrap()).as_deref(), Ok("986750.18"));
    // The sum 0.1 + 0.2, which a spreadsheet shows as 0.3.
    assert_eq!(of(0.1 + 0.2).as_deref(), Ok("0.30"));
    assert_eq!(of(500000.001), Err(CellFault::TooFine));
    assert_eq!(of(-5.0), Err(CellFault::Negative));
    assert_eq!(of(1e13).as_deref(), Ok("10000000000000.00"));
    assert_eq!(of(1e20), Err(CellFault::TooLarge));
    assert_eq!(of(1e-20).as_deref(), Ok("0.00"), "noise of a difference");
    assert_eq!(of(0.000001), Err(CellFault::TooFine));
    assert_eq!(of(f64::NAN), Err(CellFault::NotAnAmount));
    assert_eq!(of(9999999999999.98).as_deref(), Ok("9999999999999.98"));
    assert_eq!(amount(number(0.1), Unit::TenThousand).unwrap().unwrap().to_string(), "1000.00");
    assert_eq!(amount(dated(45717.0), Unit::Plain), Err(CellFault::TurnedIntoDate));
    assert_eq!(amount(Cell::Error("#REF!"), Unit::Plain), Err(CellFault::SheetError));
    assert_eq!(amount(Cell::Bool(true), Unit::Plain), Err(CellFault::NotAnAmount));
}

#[test]
fn six_per_cent_is_six_per_cent_however_written() {
    let six = "0.06".parse().unwrap();
    for text in ["0.06", "6%", "６％", "6 %", "0.060"] {
        assert_eq!(ratio(Cell::Text(text), Unit::Plain), Ok(Some(six)), "{text}");
    }
    assert_eq!(ratio(number(0.06), Unit::Plain), Ok(Some(six)));
    assert_eq!(ratio(Cell::Text("6"), Unit::PerCent), Ok(Some(six)));
    for text in ["6", "101%", "-1%", "-0.1"] {
        assert_eq!(ratio(Cell::Text(text), Unit::Plain), Err(CellFault::RatioOutOfRange), "{text}");
    }
    for text in ["six", "6‰", "1/2", "0,06", "6%%", "1_0%", "%"] {
        assert_eq!(ratio(Cell::Text(text), Unit::Plain), Err(CellFault::NotARatio), "{text}");
    }
}

#[test]
fn yes_and_no_have_several_spellings() {
    for text in ["是", "yes", "Yes", "TRUE", "true", "1", "１", " 是 "] {
        assert_eq!(yes_no(Cell::Text(text)), Ok(Some(true)), "{text}");
    }
    for text in ["否", "no", "NO", "False", "0"] {
        assert_eq!(yes_no(Cell::Text(text)), Ok(Some(false)), "{text}");
    }
    assert_eq!(yes_no(Cell::Bool(true)), Ok(Some(true)));
    assert_eq!(yes_no(number(0.0)), Ok(Some(false)));
    assert_eq!(yes_no(Cell::Text("")), Ok(None));
    for text in ["有", "√", "2", "y"] {
        assert_eq!(yes_no(Cell::Text(text)), Err(CellFault::NotYesNo), "{text}");
    }
}

#[test]
fn a_credit_code_is_taken_in_every_spelling_that_loses_nothing() {
    for text in [
        "91110108MA0000001D",
        " 91110108MA0000001D\u{A0}",
        "91110108ma0000001d",
        "９１１１０１０８ＭＡ００００００１Ｄ",
        "91 110108 MA0000001 D",
        "91110108-MA0000001-D",
        "91110108M\u{200B}A0000001D",
        "9111\u{A0}0108MA0000001D",
        "91110108MA0000001D（1-1）",
        "91110108MA0000001D (2-1)",
        "统一社会信用代码：91110108MA0000001D",
        "=\"91110108MA0000001D\"",
        "'91110108MA0000001D",
        "`91110108MA0000001D",
        "91110108MA0000001D\t",
        "\t91110108MA0000001D",
        "\u{1F}91110108MA0000001D",
    ] {
        let read = credit_code(Cell::Text(text)).unwrap().unwrap();
        assert_eq!(read.as_str(), "91110108MA0000001D", "{text:?}");
    }
    for text in ["91110108MAO000001D", "911I0108MA0000001D", "9ii10108mao00000id"] {
        let fault = credit_code(Cell::Text(text)).unwrap_err();
        assert_eq!(fault.code(), "credit_code");
        // The code that may be meant is offered, and not taken.
        let offered = "91110108MA0000001D";
        assert!(fault.to_string().contains(offered) && fault.zh().contains(offered), "{text}: {fault}");
    }
    for text in [
        // The check character fits no reading of O and I.
        "91110108MAO000002D",
        "9111000010162374",
        "110108012345678",
        "合计",
        "91110108MA0000001D(副本)",
        "91110108MA0000001D;91110108MA0000002G",
    ] {
        assert!(matches!(credit_code(Cell::Text(text)), Err(CellFault::CreditCode(_))), "{text}");
    }
    assert_eq!(credit_code(Cell::Text("9.11101E+17")), Err(CellFault::Scientific));
    assert_eq!(credit_code(Cell::Text("???")), Err(CellFault::Spoilt));
    // A code of digits only, kept as a number: its last digits are gone.
    assert_eq!(credit_code(number(911_101_066_976_941_872.0)), Err(CellFault::DigitsLost));
}

#[test]
fn a_persons_number_is_no_code_and_is_not_shown() {
    for text in [
        "11010519491231002X",
        "110105 19491231 002x",
        // Copied with a slip: neither check fits.
        "110105194912310021",
        "110105491231002",
    ] {
        assert_eq!(credit_code(Cell::Text(text)), Err(CellFault::Identity), "{text}");
        assert!(!CellFault::Identity.to_string().contains(text));
    }
    assert_eq!(code(Cell::Text("11010519491231002X")), Err(CellFault::Identity));
    // Published codes of digits only are no persons.
    assert!(credit_code(Cell::Text("911101066976941872")).unwrap().is_some());
}

#[test]
fn other_codes_are_narrowed_and_what_a_spreadsheet_spoiled_is_refused() {
    assert_eq!(division(number(110_108.0)).unwrap().unwrap().to_string(), "110108");
    assert_eq!(division(Cell::Text("１１０１０８")).unwrap().unwrap().to_string(), "110108");
    assert_eq!(division(Cell::Text("=\"110108\"")).unwrap().unwrap().to_string(), "110108");
    assert_eq!(division(Cell::Text("11010")), Err(CellFault::Division));
    assert_eq!(industry(Cell::Text("O8040")).unwrap().as_deref(), Some("8040"));
    assert_eq!(industry(number(8399.0)).unwrap().as_deref(), Some("8399"));
    assert_eq!(industry(Cell::Text("体育")), Err(CellFault::Industry));
    assert_eq!(industry(number(0.5)), Err(CellFault::Industry));
    for lost in ["2.02511E+15", "2.0261e+13", "2E+15", "'2.02511E+15"] {
        assert_eq!(code(Cell::Text(lost)), Err(CellFault::Scientific), "{lost}");
    }
    assert_eq!(code(number(2.025_11e15)), Err(CellFault::DigitsLost));
    for kept in ["GD-12", "京市监责改1号", "2.5E", "1E5", "20251112345", "=cmd|'/c calc'!A1"] {
        assert_eq!(code(Cell::Text(kept)).unwrap().as_deref(), Some(kept));
    }
    assert_eq!(code(Cell::Text("=\"GD\"\"12\"")).unwrap().as_deref(), Some("GD\"12"));
    assert_eq!(code(Cell::Text("=\"a\"&\"b\"")).unwrap().as_deref(), Some("=\"a\"&\"b\""), "more than a text");
}

#[test]
fn a_unit_that_became_a_date_is_refused_and_no_other() {
    for unit in ["=\"1-2\"", "'1-2", "1-2\t", "\t1-2", "1-2"] {
        assert_eq!(shop_unit(Cell::Text(unit)).unwrap().as_deref(), Some("1-2"), "{unit:?}");
    }
    for spoilt in ["2月3日", "2026年2月3日", "3-Feb", "Feb-03", "feb-26", "2026/2/3", "2026-02-03", "２月３日"]
    {
        assert_eq!(shop_unit(Cell::Text(spoilt)), Err(CellFault::TurnedIntoDate), "{spoilt}");
    }
    for unit in ["2-3", "2-3-4", "B-020", "Ｂ－０２０", "13月", "3-Fab", "2/3", "20月3日", "1-2-2026x", "A-Feb"]
    {
        assert_eq!(shop_unit(Cell::Text(unit)).unwrap().as_deref(), Some(unit));
    }
}

#[test]
fn texts_are_trimmed_and_controls_refused() {
    assert_eq!(text(Cell::Text("\u{3000}大悦城\u{A0}")).unwrap().as_deref(), Some("大悦城"));
    assert_eq!(text(number(5462.0)).unwrap().as_deref(), Some("5462"));
    assert_eq!(text(Cell::Text("大悦城\u{3000} （朝\u{200B}阳）")).unwrap().as_deref(), Some("大悦城 （朝阳）"));
    for nothing in ["无", "不详", "NULL", "/", "——", "＃Ｎ／Ａ"] {
        assert_eq!(text(Cell::Text(nothing)), Ok(None), "{nothing}");
    }
    for spoilt in ["?", "????", "？？"] {
        assert_eq!(text(Cell::Text(spoilt)), Err(CellFault::Spoilt), "{spoilt}");
    }
    assert_eq!(text(Cell::Text("'47 潮牌")).unwrap().as_deref(), Some("'47 潮牌"), "a mark is taken off codes only");
    let plan = "原路退回，联系13800138000\n身份证11010519491231002X";
    assert_eq!(prose(Cell::Text(plan)).unwrap().as_deref(), Some("原路退回，联系*****\n身份证*****"));
    assert_eq!(text(Cell::Text("a\u{0}b")), Err(CellFault::Text(TextFault::Control('\u{0}'))));
    assert_eq!(text(Cell::Text("a\nb")), Err(CellFault::Text(TextFault::Control('\n'))));
    assert_eq!(text(Cell::Text(&"长".repeat(501))), Err(CellFault::Text(TextFault::TooLong(501))));
    assert_eq!(prose(Cell::Text("原路退回\r\n 三日内\t到账")).unwrap().as_deref(), Some("原路退回\n三日内 到账"));
    assert_eq!(prose(Cell::Text("a\u{7}b")), Err(CellFault::Text(TextFault::Control('\u{7}'))));
    // The unit 1-2, which the spreadsheet took for the second of January.
    assert_eq!(text(dated(45659.0)), Err(CellFault::TurnedIntoDate));
}

#[test]
fn words_are_read_from_text_and_numbers_and_the_choices_are_told() {
    assert_eq!(word::<Channel>(number(12345.0)), Ok(Some(Channel::Hotline)));
    assert_eq!(word::<Channel>(Cell::Text("１２３１５ ")), Ok(Some(Channel::Platform)));
    let fault = word::<Channel>(Cell::Text("电话")).unwrap_err();
    assert_eq!(fault.code(), "unknown_word");
    assert!(fault.zh().contains("商场") && fault.to_string().contains("mall"));
}

#[test]
fn a_cell_is_shown_as_people_see_it() {
    assert_eq!(dated(45717.0).shown(), "2025-03-01");
    assert_eq!(dated(45809.375).shown(), "2025-06-01 09:00:00");
    assert_eq!(dated(0.5).shown(), "0.5");
    assert_eq!(number("986750.1800000001".parse().unwrap()).shown(), "986750.18");
    assert_eq!(Cell::Bool(true).shown(), "TRUE");
    assert!(Cell::Text("\u{3000}").is_blank() && !Cell::Error("#N/A").is_blank());
}

proptest! {
    #[test]
    fn every_day_comes_back_from_each_of_its_spellings(serial in 29_221_i32..73_416) {
        let expected = day(dated(f64::from(serial))).unwrap().unwrap();
        for format in ["%Y-%m-%d", "%Y/%-m/%-d", "%Y.%-m.%-d", "%Y%m%d", "%Y年%-m月%-d日", "%Y年%m月%d日"] {
            let spelled = expected.strftime(format).to_string();
            prop_assert_eq!(day(Cell::Text(&spelled)), Ok(Some(expected)));
        }
        prop_assert_eq!(day(Cell::Text(&serial.to_string())), Ok(Some(expected)));
    }

    #[test]
    fn every_second_comes_back_from_each_of_its_spellings(serial in 29_221_i32..73_415, second in 0_i32..86_400) {
        let at = f64::from(serial) + f64::from(second) / 86_400.0;
        let expected = instant(dated(at)).unwrap().unwrap();
        let clock = local(expected);
        prop_assert_eq!(i32::from(clock.hour()) * 3600 + i32::from(clock.minute()) * 60 + i32::from(clock.second()), second);
        prop_assert_eq!(instant_of(clock), expected);
        for format in ["%Y-%m-%d %I:%M:%S %p", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S.000+0800", "%Y-%m-%d %H:%M:%S", "%Y/%-m/%-d %-H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y年%-m月%-d日%-H时%-M分%-S秒"] {
            let spelled = clock.strftime(format).to_string();
            prop_assert_eq!(instant(Cell::Text(&spelled)), Ok(Some(expected)));
        }
    }

    #[test]
    fn every_amount_comes_back_from_each_of_its_spellings(fen in 0_i64..=1_000_000_000_000_000) {
        let expected = Yuan::from_fen(fen);
        let plain = expected.to_string();
        prop_assert_eq!(amount(Cell::Text(&plain), Unit::Plain), Ok(Some(expected)));
        let (whole, fraction) = plain.split_once('.').unwrap();
        let digits: Vec<char> = whole.chars().rev().collect();
        let groups: Vec<String> = digits.chunks(3).map(|group| group.iter().collect()).collect();
        let grouped: String = groups.join(",").chars().rev().collect();
        let spelled = format!("￥{grouped}.{fraction}元");
        prop_assert_eq!(amount(Cell::Text(&spelled), Unit::Plain), Ok(Some(expected)));
        let wide: String = spelled
            .chars()
            .map(|letter| if letter.is_ascii() { char::from_u32(letter as u32 + 0xFEE0).unwrap() } else { letter })
            .collect();
        prop_assert_eq!(amount(Cell::Text(&wide), Unit::Plain), Ok(Some(expected)));
        let float: f64 = plain.parse().unwrap();
        prop_assert_eq!(amount(number(float), Unit::Plain), Ok(Some(expected)));
        let in_wan = (expected.decimal() / rust_decimal::Decimal::from(10_000)).to_string();
        prop_assert_eq!(amount(Cell::Text(&in_wan), Unit::TenThousand), Ok(Some(expected)));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,20}|[0-9年月日时:/. T,+-]{0,24}") {
        let cell = Cell::Text(&text);
        let _ = (day(cell), instant(cell), amount(cell, Unit::TenThousand), ratio(cell, Unit::PerCent));
        let _ = (credit_code(cell), division(cell), industry(cell), super::text(cell), prose(cell), yes_no(cell));
    }
}

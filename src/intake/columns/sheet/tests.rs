use super::*;
use crate::intake::cell::Unit;

fn headers(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn names_tell_kinds_wherever_they_stand() {
    assert_eq!(SheetKind::named_in("海淀区-商户-2025"), [SheetKind::Merchants]);
    assert_eq!(SheetKind::named_in("Custody_2025-06"), [SheetKind::Custody]);
    assert_eq!(SheetKind::named_in("预收资金(三季度)"), [SheetKind::Balances]);
    assert_eq!(SheetKind::named_in("商户投诉"), [SheetKind::Merchants, SheetKind::Complaints]);
    // An English word counts only as a whole.
    assert_eq!(SheetKind::named_in("blacklists"), []);
    assert_eq!(SheetKind::named_in("Sheet1"), []);
}

#[test]
fn every_sheet_is_told_by_its_own_headers_in_either_language() {
    for kind in SheetKind::ALL {
        let zh: Vec<String> = kind.columns().iter().map(|column| column.zh.to_owned()).collect();
        let en: Vec<String> = kind.columns().iter().rev().map(|column| column.en.to_uppercase()).collect();
        assert_eq!(recognise(&[], &zh), [kind]);
        assert_eq!(recognise(&[], &en), [kind]);
        assert!(layout(kind, &zh).is_ok() && layout(kind, &en).is_ok());
    }
}

#[test]
fn headers_that_fit_several_kinds_are_told_apart_by_the_names_candidates_only() {
    let both = headers(&["credit_code", "date", "kind"]);
    assert_eq!(recognise(&[], &both), [SheetKind::Signals, SheetKind::Enforcement]);
    assert_eq!(recognise(&[SheetKind::Merchants, SheetKind::Enforcement], &both), [SheetKind::Enforcement]);
}

#[test]
fn order_width_and_decoration_of_headers_do_not_matter() {
    let row = headers(&[
        "备注",
        "\u{FEFF} 预收资金余额（万元）",
        "＊报送 日期",
        "",
        "ＣＲＥＤＩＴ_CODE*",
        "上年主营收入[元]",
    ]);
    let layout = layout(SheetKind::Balances, &row).unwrap();
    assert_eq!(layout.place(Field::Outstanding), Some((1, Unit::TenThousand)));
    assert_eq!(layout.place(Field::Date), Some((2, Unit::Plain)));
    assert_eq!(layout.place(Field::CreditCode), Some((4, Unit::Plain)));
    assert_eq!(layout.place(Field::RevenueLastYear), Some((5, Unit::Plain)));
    assert_eq!(layout.place(Field::Held), None);
    assert_eq!(layout.extra, ["备注"]);
}

#[test]
fn units_are_taken_only_where_they_are_known() {
    let unit = |header: &str| {
        let row = headers(&["credit_code", "date", header]);
        layout(SheetKind::Balances, &row).map(|layout| layout.place(Field::Outstanding).unwrap().1)
    };
    for header in
        ["预收资金余额(万元)", "预收资金余额（单位：万元）", "outstanding (万元)", "预收资金余额（人民币万元）"]
    {
        assert_eq!(unit(header).unwrap(), Unit::TenThousand, "{header}");
    }
    for header in ["预收资金余额(元)", "预收资金余额（必填）", "预收资金余额（截至报告日）", "预收资金余额（单位：元）"]
    {
        assert_eq!(unit(header).unwrap(), Unit::Plain, "{header}");
    }
    for header in ["预收资金余额(千元)", "预收资金余额（亿元）", "预收资金余额（美元）", "outstanding (USD)"]
    {
        assert!(matches!(unit(header), Err(HeaderFault::UnknownUnit { .. })), "{header}");
    }
    let row = headers(&["credit_code", "date", "kind", "数值（%）", "日期说明（万元）"]);
    assert_eq!(layout(SheetKind::Signals, &row).unwrap().place(Field::Value), Some((3, Unit::PerCent)));
}

#[test]
fn missing_columns_are_named_together_and_a_column_twice_is_refused() {
    let Err(HeaderFault::Missing(missing)) = layout(SheetKind::Guarantees, &headers(&["credit_code", "kind", "金额"]))
    else {
        panic!()
    };
    assert_eq!(missing.iter().map(|column| column.zh).collect::<Vec<_>>(), ["起始日期", "截止日期"]);
    let twice = headers(&["credit_code", "统一社会信用代码", "name"]);
    assert!(matches!(layout(SheetKind::Merchants, &twice), Err(HeaderFault::Duplicate { .. })));
}

#[test]
fn a_field_is_named_alike_in_every_sheet() {
    for kind in SheetKind::ALL {
        for column in kind.columns() {
            let same =
                SheetKind::ALL.iter().flat_map(|kind| kind.columns()).filter(|other| other.field == column.field);
            assert!(same.clone().all(|other| other.en == column.en || other.en == "type" || column.en == "type"));
        }
    }
}

#[test]
fn what_a_command_calls_a_field_is_found_in_its_sheet() {
    assert_eq!(SheetKind::Complaints.field("kind"), Some(Field::Kind));
    assert_eq!(SheetKind::Signals.field("ratio"), Some(Field::Value));
    assert_eq!(SheetKind::Balances.field("date"), Some(Field::Date));
    assert_eq!(SheetKind::Lists.field("ticket"), None);
}

/// A list of other names is told from a register that has such a column beside its own.
#[test]
fn a_register_with_a_column_of_other_names_stays_a_register() {
    let kinds = |texts: &[&str]| recognise(&[], &headers(texts));
    assert_eq!(kinds(&["统一社会信用代码", "别名"]), [SheetKind::Aliases]);
    assert_eq!(kinds(&["统一社会信用代码", "招牌名", "商场", "原因"]), [SheetKind::Aliases]);
    assert_eq!(kinds(&["统一社会信用代码", "商户名称", "别名"]), [SheetKind::Merchants]);
    assert_eq!(kinds(&["统一社会信用代码", "商户名称", "行业代码", "商场", "街道", "别名"]), [SheetKind::Merchants]);
}

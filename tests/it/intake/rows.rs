//! Rows: what is taken, what is refused, and why.

use super::*;
use warnlight::domain::check::Problem;

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
fn a_problem_found_later_is_told_at_the_column_as_the_file_writes_it() {
    let text = format!("统一社会信用代码,*报送 日期（必填）,存管余额\n{CODE},2025-01-01,5\n");
    let table = Arc::clone(&Harvest::of_text("存管余额.csv", text).tables[0]);
    let at = |field: &'static str| {
        let problem = Problem { field, code: "x", value: String::new(), zh: String::new(), en: String::new() };
        table.finding(2, problem).place.column.unwrap().to_string()
    };
    assert_eq!(at("date"), "*报送 日期（必填）");
    // A column the file does not have is named as the sheet would name it.
    assert_eq!(at("abnormal"), "异常流水");
    assert_eq!(at("ticket"), "ticket");
}

#[test]
fn the_guide_to_the_sheets_names_every_column_and_marks_those_that_are_needed() {
    let guide = include_str!("../../../docs/SHEETS.md");
    for kind in warnlight::intake::sheet::SheetKind::ALL {
        let line = guide.lines().find(|line| line.starts_with(&format!("| {} / {} |", kind.zh(), kind.name())));
        let line = line.unwrap_or_else(|| panic!("docs/SHEETS.md does not list {}", kind.zh()));
        for column in kind.columns() {
            let name = format!("`{}`{}", column.en, if column.required { "\\*" } else { "" });
            assert!(line.contains(&name), "{}: {name} is not there", kind.zh());
            assert!(column.required || !line.contains(&format!("{name}\\*")), "{}: {name} is not needed", kind.zh());
            let known = line.contains(column.zh) || column.aliases.iter().any(|alias| line.contains(alias));
            assert!(known, "{}: {} is not there", kind.zh(), column.zh);
        }
    }
}

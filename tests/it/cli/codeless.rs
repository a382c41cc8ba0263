//! Complaint sheets without credit codes: what is sure is taken, what is not waits, and the receipts add up.

use super::{text, warnlight};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

const CODE: &str = "91110108MA00000000";
const REGISTER: &str = "统一社会信用代码,商户名称,品牌,街道,商场,铺位号\n";
/// The columns that are publicly seen of exports of 12315: no code, and no time.
const RAW: &str = "登记编号,类型,接收方式,企业名称,企业地址,诉求内容,问题类别,事发地,具体问题,初查受理状态,处理机构,处理部门,反馈内容\n";

struct Room {
    folder: tempfile::TempDir,
}

impl Room {
    /// With one merchant in the register.
    fn new() -> Self {
        let room = Self { folder: tempfile::tempdir().unwrap() };
        let shop = format!("{REGISTER}{CODE},北京锐动健身有限公司,锐动,万寿路街道,大悦城（朝阳）,1\n");
        let (code, tally) = room.import("商户.csv", &shop, &[]);
        assert_eq!((code, &tally["accepted"]), (Some(0), &1.into()));
        room
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self, name: &str, content: &str, more: &[&str]) -> (Option<i32>, Value) {
        let (code, tally, _) = self.import_and_hear(name, content, more);
        (code, tally)
    }

    /// Imports a file; returns the exit code, what came of its rows, and what was said.
    fn import_and_hear(&self, name: &str, content: &str, more: &[&str]) -> (Option<i32>, Value, String) {
        fs::write(self.path(name), content).unwrap();
        let (data, file, out) = (self.path("data"), self.path(name), self.path("out"));
        let paths: [&Path; 3] = [&data, &file, &out];
        let [data, file, out] = paths.map(|path| path.to_str().unwrap());
        let arguments = [&["--data", data, "import", file, "--out", out, "--format", "json"], more].concat();
        let output = warnlight(&arguments, &[]);
        let said = text(&output.stderr);
        let tally: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"));
        let sum: u64 =
            ["accepted", "queued", "unchanged", "refused"].iter().filter_map(|key| tally[key].as_u64()).sum();
        assert_eq!(tally["rows"].as_u64(), Some(sum), "{tally}");
        (output.status.code(), tally, said)
    }

    fn receipts(&self) -> String {
        fs::read_to_string(self.path("out/receipts.csv")).unwrap()
    }
}

fn counts(tally: &Value) -> [u64; 4] {
    ["accepted", "queued", "unchanged", "refused"].map(|key| tally[key].as_u64().unwrap())
}

#[test]
fn a_raw_export_of_12315_is_taken_with_the_date_that_its_sender_says() {
    let room = Room::new();
    let raw = format!(
        "{RAW}1,投诉,网页,北京锐动健身有限公司,北京市海淀区万寿路街道大悦城(朝阳)3层,要求退卡,售后服务,*****,退费,受理,某所,某科,\n\
         2,投诉,电话,锐动健身,*****,要求退卡,售后服务,*****,闭店,受理,某所,某科,\n\
         3,举报,电话,*****,*****,*****,广告,*****,*****,不予受理,某所,某科,*****\n"
    );
    let (code, refused, said) = room.import_and_hear("12315.csv", &raw, &[]);
    assert_eq!((code, counts(&refused)), (Some(7), [0, 0, 0, 3]), "a time is not guessed: {refused}");
    assert!(said.contains("`--received-at DATE`"), "{said}");

    let (code, taken, said) = room.import_and_hear("12315.csv", &raw, &["--received-at", "2025-06-01"]);
    assert_eq!((code, counts(&taken)), (Some(0), [1, 2, 0, 0]), "{taken}");
    assert!(said.contains("2 tickets have no credit code") && !said.contains("warning"), "{said}");
    let receipts = room.receipts();
    assert_eq!(receipts.matches(",queued,").count(), 2, "{receipts}");
    assert!(receipts.contains("待认领") && receipts.contains("hotline-12315@1"), "{receipts}");
    let (_, again) = room.import("12315.csv", &raw, &["--received-at", "2025-06-01"]);
    assert_eq!(counts(&again), [0, 0, 3, 0], "the same file again");

    // The next month's export has the old tickets, too, one of them with more of its shop.
    let next = raw.replace("3,举报,电话,*****", "3,举报,电话,某某健身") + "4,投诉,电话,某店,*****,,其他,,,受理,,,\n";
    let (code, more) = room.import("12315-7月.csv", &next, &["--received-at", "2025-07-01"]);
    assert_eq!((code, counts(&more)), (Some(0), [0, 2, 2, 0]), "{more}");
}

#[test]
fn a_sheet_of_ours_without_codes_says_where_the_shops_are_and_what_is_wrong_stays_refused() {
    let room = Room::new();
    let head = "工单编号,来源,受理时间,统一社会信用代码,诉求类型,企业名称,商场\n";
    let rows = format!(
        "{head}A1,12345,2025-06-01 09:00,,退费难,北京锐动健身有限公司,大悦城(朝阳)\n\
         A2,12345,2025-06-01 09:00,无,退费难,锐动,\n\
         A3,12345,2025-06-01 09:00,9111010,退费难,北京锐动健身有限公司,大悦城(朝阳)\n\
         A4,12345,2025-06-01 09:00,110108199003070013,退费难,北京锐动健身有限公司,大悦城(朝阳)\n\
         A5,12345,2025-06-01 09:00,,退费难,,\n\
         A6,12345,2025-06-01 09:00,{CODE},退费难,北京另外一家有限公司,\n"
    );
    let (code, tally) = room.import("投诉.csv", &rows, &[]);
    assert_eq!((code, counts(&tally)), (Some(2), [2, 1, 0, 3]), "{tally}");
    assert!(!room.receipts().contains("110108199003070013"));
    let without = "工单编号,来源,受理时间,诉求类型,企业名称,商场\nB1,12345,2025-06-01 09:00,退费难,北京锐动健身有限公司,大悦城（朝阳）\nB2,12345,2025-06-01 09:00,退费难,某店,\n";
    let (code, tally) = room.import("投诉-无代码.csv", without, &[]);
    assert_eq!((code, counts(&tally)), (Some(0), [1, 1, 0, 0]), "{tally}");
    let nothing = "工单编号,来源,受理时间,诉求类型\nC1,12345,2025-06-01 09:00,退费难\n";
    let (_, tally) = room.import("投诉-什么也没有.csv", nothing, &[]);
    assert_eq!(counts(&tally), [0, 0, 0, 1], "whose it is cannot be asked of anybody: {tally}");
}

//! A raw export of 12315, as the platform gives it: a title, thirteen columns, no code and no time, through the command line.
//! The district is drawn (`sim`), so the truth is known.

use crate::cli::{text, warnlight};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use warnlight::domain::command::Command;
use warnlight::domain::event::MerchantDetails;
use warnlight::domain::whose::State;
use warnlight::log::embedded::EmbeddedLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;
use warnlight::sim::district;

const HEADERS: [&str; 13] = [
    "登记编号",
    "类型",
    "接收方式",
    "企业名称",
    "企业地址",
    "诉求内容",
    "问题类别",
    "事发地",
    "具体问题",
    "初查受理状态",
    "处理机构",
    "处理部门",
    "反馈内容",
];
const ROWS: usize = 5_000;

/// The register of a drawn district, one row a merchant.
fn register(seed: u64, merchants: u64) -> Vec<MerchantDetails> {
    let days = ["2025-01-01", "2025-06-30"].map(|day| day.parse().unwrap());
    let mut found: Vec<MerchantDetails> = district(seed, merchants, days[0], days[1])
        .filter_map(|dated| match dated.command {
            Command::RegisterMerchant(row) if row.name.is_some() => Some(row),
            _ => None,
        })
        .collect();
    found.sort_by_key(|row| row.credit_code);
    found.dedup_by_key(|row| row.credit_code);
    found
}

fn sheet(rows: &[&MerchantDetails]) -> String {
    let mut csv = "统一社会信用代码,商户名称,街道,商场,铺位号,品牌,区划代码\n".to_owned();
    for row in rows {
        let quoted = |text: &Option<String>| text.as_deref().unwrap_or_default().replace('"', "\"\"");
        let (name, street, mall) = (quoted(&row.name), quoted(&row.street), quoted(&row.mall));
        let (unit, brand) = (quoted(&row.unit), quoted(&row.brand));
        writeln!(csv, "{},\"{name}\",{street},{mall},{unit},\"{brand}\",110108", row.credit_code).unwrap();
    }
    csv
}

/// What the person at the counter, or on the telephone, makes of a shop; and who hides it makes asterisks.
fn shown(chance: &mut ChaCha8Rng, row: &MerchantDetails) -> [String; 2] {
    let name = row.name.clone().unwrap();
    let stars = || "*****".to_owned();
    let name = match chance.random_range(0..20) {
        0..12 => name,
        12..14 => name.replace("北京", "").replace("有限公司", ""),
        14 => name.replace('有', "  有"),
        15 => format!("{name}（{}店）", row.mall.as_deref().unwrap_or("总")),
        16 => row.brand.clone().unwrap_or_else(stars),
        17 => {
            let mut letters: Vec<char> = name.chars().collect();
            let at = chance.random_range(0..letters.len());
            letters[at] = '某';
            letters.into_iter().collect()
        }
        _ => stars(),
    };
    let street = row.street.as_deref().unwrap_or_default();
    let place = row.mall.as_deref().unwrap_or("12号");
    let address = match chance.random_range(0..10) {
        0..7 => format!("北京市海淀区{street}{place}"),
        7 => format!("北京市海淀区{street}"),
        _ => stars(),
    };
    [name, address]
}

fn export(path: &Path, chance: &mut ChaCha8Rng, meant: &[&MerchantDetails]) {
    let mut book = rust_xlsxwriter::Workbook::new();
    let page = book.add_worksheet();
    page.write_string(0, 0, "全国12315平台投诉举报信息").unwrap();
    for (column, header) in (0..).zip(HEADERS) {
        page.write_string(1, column, header).unwrap();
    }
    for (number, row) in (0_u32..).zip(meant) {
        let [name, address] = shown(chance, row);
        let ticket = format!("1110108002025{number:010}");
        let kinds = ["退费", "闭店", "服务质量", "其他"];
        let kind = kinds[chance.random_range(0..kinds.len())];
        let cells = [
            &*ticket,
            "投诉",
            "网络",
            &name,
            &address,
            "消费者称办卡后无法使用，联系电话13800138000，要求退款",
            "售后服务",
            "*****",
            kind,
            "受理",
            "某市场监督管理所",
            "某科",
            "*****",
        ];
        for (column, cell) in (0..).zip(cells) {
            page.write_string(number + 2, column, cell).unwrap();
        }
    }
    book.save(path).unwrap();
}

#[test]
fn a_raw_export_of_five_thousand_rows_adds_up_and_none_is_guessed_wrong() {
    let room = tempfile::tempdir().unwrap();
    let mut chance = ChaCha8Rng::seed_from_u64(12_315);
    let all = register(12_315, 1_500);
    // One in twenty is not in the register, and there are namesakes among them.
    let known: Vec<&MerchantDetails> = all.iter().filter(|_| chance.random_range(0..20) > 0).collect();
    let meant: Vec<&MerchantDetails> = (0..ROWS).map(|_| &all[chance.random_range(0..all.len())]).collect();
    std::fs::write(room.path().join("商户.csv"), sheet(&known)).unwrap();
    export(&room.path().join("12315导出.xlsx"), &mut chance, &meant);
    let data = room.path().join("data");
    let import = |file: &str, more: &[&str]| -> Value {
        let (data, path) = (data.to_str().unwrap(), room.path().join(file));
        let arguments = [&["--data", data, "import", path.to_str().unwrap(), "--format", "json"], more].concat();
        let output = warnlight(&arguments, &[]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
    };
    let tally = import("商户.csv", &[]);
    assert_eq!(tally["accepted"], known.len(), "{tally}");
    let tally = import("12315导出.xlsx", &["--received-at", "2025-06-30"]);
    let of = |key: &str| tally[key].as_u64().unwrap();
    assert_eq!((of("rows"), of("refused"), of("unchanged")), (5_000, 0, 0), "{tally}");
    assert_eq!(of("accepted") + of("queued"), 5_000, "{tally}");

    let log = EmbeddedLog::open_read_only(&data).unwrap();
    let picture = Picture::replay(&log, Arc::new(Policies::built_in().unwrap())).unwrap();
    let (mut taken, mut right) = (0_u64, 0_u64);
    for (number, row) in meant.iter().enumerate() {
        let entry = picture.queue.get(&format!("1110108002025{number:010}@12315")).unwrap();
        if let State::Attributed(code, _) = entry.state {
            taken += 1;
            right += u64::from(code == row.credit_code);
        }
    }
    println!("of {ROWS} rows {taken} were taken, {right} of them right");
    assert_eq!((taken, picture.queue.waiting() as u64), (of("accepted"), of("queued")));
    assert!(taken > 1_000, "{taken}");
    assert_eq!(right, taken, "none is guessed wrong");

    let again = import("12315导出.xlsx", &["--received-at", "2025-06-30"]);
    assert_eq!((&again["unchanged"], &again["queued"]), (&5_000.into(), &0.into()), "the same file again");
}

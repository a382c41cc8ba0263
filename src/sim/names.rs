//! Names: real places of Haidian, invented merchants, brands and people.

use super::chance::Chance;

/// Malls (商场).
const MALLS: [&str; 14] = [
    "双安商场",
    "华熙LIVE·五棵松",
    "翠微百货",
    "新中关",
    "大悦城",
    "大融城",
    "世纪金源",
    "新辰里",
    "印象城",
    "华联",
    "中关村壹号",
    "万象汇",
    "城乡华懋",
    "万达广场",
];

/// Streets and towns (街道).
const STREETS: [&str; 8] =
    ["北下关街道", "清河街道", "万寿路街道", "海淀街道", "中关村街道", "五道口街道", "四季青镇", "西三旗街道"];

const BANKS: [&str; 5] = ["农业银行", "华夏银行", "北京银行", "工商银行", "招商银行"];

const STEMS: [&str; 32] = [
    "锐动", "极光", "雅兰", "青禾", "木槿", "百合", "晨曦", "朗格", "飞羽", "乐跑", "南山", "小鹿", "锦程", "力健",
    "星河", "知行", "悦美", "云杉", "松间", "远山", "初见", "溪桥", "半夏", "沐光", "拾光", "橙果", "蓝鲸", "白鹭",
    "春山", "观澜", "嘉禾", "启明",
];

const TAILS: [&str; 16] = ["", "", "", "", "家", "汇", "坊", "轩", "阁", "舍", "苑", "堂", "社", "里", "荟", "享"];

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "蒋", "沈", "韩", "褚",
];

const ONE_CHARACTER: [&str; 20] = [
    "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娜", "涛", "明", "超", "霞", "平", "刚", "芳", "伟",
    "玲",
];

const TWO_CHARACTERS: [&str; 8] = ["桂英", "志强", "晓东", "雨桐", "建国", "淑华", "文博", "佳怡"];

/// A person as a register names one: the name, and a digest of the identity document that keeps namesakes apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) digest: String,
}

pub(super) fn person(chance: &mut Chance) -> Person {
    let surname = chance.pick(&SURNAMES);
    let name = match chance.below(10) {
        0..4 => format!("{surname}{}", chance.pick(&ONE_CHARACTER)),
        4..8 => format!("{surname}{}{}", chance.pick(&ONE_CHARACTER), chance.pick(&ONE_CHARACTER)),
        _ => format!("{surname}{}", chance.pick(&TWO_CHARACTERS)),
    };
    Person { name, digest: format!("{:016x}", chance.any()) }
}

pub(super) fn mall(chance: &mut Chance) -> &'static str {
    chance.pick(&MALLS)
}

pub(super) fn street(chance: &mut Chance) -> &'static str {
    chance.pick(&STREETS)
}

pub(super) fn bank(chance: &mut Chance) -> &'static str {
    chance.pick(&BANKS)
}

/// Returns the word a merchant goes by.
pub(super) fn trade_name(chance: &mut Chance) -> String {
    format!("{}{}", chance.pick(&STEMS), chance.pick(&TAILS))
}

/// Returns a brand; there are so many that few blocks share one.
pub(super) fn brand(chance: &mut Chance) -> String {
    let place = chance.pick(&["", "", "京", "新", "大", "小", "老", "金"]);
    let ending = chance.pick(&["", "连锁", "国际", "生活"]);
    format!("{place}{}{ending}", trade_name(chance))
}

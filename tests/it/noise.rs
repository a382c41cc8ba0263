//! Noise: who gets which mail when, as scripts that an office can read. Each line is a time, what happens then, and which mails have gone
//! out since the line before: these, and no others.

use crate::watch::stage::time;
use std::collections::BTreeMap;
use std::sync::Arc;
use warnlight::alerts::recipients::Recipients;
use warnlight::clock::ManualClock;
use warnlight::desk::{Answer, Desk, Request, Start};
use warnlight::domain::code::CreditCode;
use warnlight::domain::command::Command;
use warnlight::domain::envelope::{Origin, Position};
use warnlight::domain::event::{Event, MailNews, MailRequested};
use warnlight::domain::words::Light;
use warnlight::log::contract::EventLog;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::Picture;
use warnlight::policy::Policies;

/// 张 is the officer, 李 the head, 王 stands in for 张 in August; 专班 is the lead office and wants everything at once.
const LIST: &str = r#"
[digest]
at = ["09:00", "15:00"]
share_minutes = 10
together = 3

[[office]]
id = "sport"
zh = "体育局"
en = "Sports Bureau"
person = [
    { id = "张", address = "zhang@example.org", language = "zh-CN", from = "2025-01-01", away = [{ from = "2025-08-01", until = "2025-08-31", deputy = "王" }] },
    { id = "李", head = true, address = "li@example.org", language = "zh-CN", from = "2025-01-01" },
    { id = "王", head = true, address = "wang@example.org", language = "zh-CN", from = "2025-08-01" },
]

[[route]]
sector = "*"
office = "sport"
from = "2025-01-01"

[[recipient]]
sector = "lead"
office = { zh = "专班办公室", en = "Lead office" }
address = "lead@example.org"
language = "zh-CN"
from = "2025-01-01"
digest = []
"#;

const PEOPLE: [(&str, &str); 4] =
    [("zhang@example.org", "张"), ("li@example.org", "李"), ("wang@example.org", "王"), ("lead@example.org", "专班")];

/// Merchants, with the brand and the mall of each.
const MERCHANTS: [(&str, &str, &str, &str); 10] = [
    ("甲", "91110108MA0000000A", "", "一号楼"),
    ("乙", "91110108MA0000000B", "", "二号楼"),
    ("丙", "91110108MA0000000C", "", "三号楼"),
    ("丁", "91110108MA0000000D", "", "四号楼"),
    ("戊", "91110108MA0000000E", "", "五号楼"),
    ("子", "91110108MA0000000F", "", "大商场"),
    ("丑", "91110108MA0000000G", "", "大商场"),
    ("寅", "91110108MA0000000H", "", "大商场"),
    ("卯", "91110108MA0000000J", "", "大商场"),
    ("辰", "91110108MA0000000K", "", "大商场"),
];

fn code(name: &str) -> CreditCode {
    MERCHANTS.iter().find(|(known, ..)| *known == name).expect("a merchant of the script").1.parse().unwrap()
}

fn name(code: CreditCode) -> &'static str {
    MERCHANTS.iter().find(|(_, known, ..)| *known == code.as_str()).unwrap().0
}

/// The service, as it goes through a script.
struct Stage {
    log: Arc<dyn EventLog>,
    clock: Arc<ManualClock>,
    desk: Desk,
    seen: Position,
    /// Since when a rent is in arrears.
    arrears: BTreeMap<String, String>,
}

fn start(log: &Arc<dyn EventLog>, clock: &Arc<ManualClock>) -> Desk {
    let recipients = Arc::new(Recipients::parse(LIST).unwrap());
    let policies = Policies::built_in().unwrap();
    let recipients_text = LIST.to_owned();
    Start { log: log.clone(), clock: clock.clone(), policies, recipients, recipients_text }.start().unwrap()
}

impl Stage {
    fn set(at: &str) -> Self {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let clock = Arc::new(ManualClock::new(time(at)));
        let desk = start(&log, &clock);
        let mut stage = Self { log, clock, desk, seen: 0, arrears: BTreeMap::new() };
        let registered = MERCHANTS.iter().map(|(name, code, brand, mall)| {
            format!(
                r#"{{"command":"register_merchant","credit_code":"{code}","name":"{name}","industry_code":"8930","division_code":"110108","brand":"{brand}","mall":"{mall}","unit":"1"}}"#
            )
        });
        stage.say(registered.map(|json| serde_json::from_str(&json).unwrap()).collect());
        stage.desk.settle().unwrap();
        stage.seen = stage.log.head();
        stage
    }

    fn restart(&mut self) {
        self.desk.stop();
        self.desk = start(&self.log, &self.clock);
    }

    fn say(&self, commands: Vec<Command>) {
        for answer in self.desk.execute(Request::new(commands, Origin::of("test"))).unwrap() {
            assert!(!matches!(answer, Answer::Refused(_)), "{answer:?}");
        }
    }

    /// Has something happen, as the script words it: `欠租 甲`, `投诉 甲 2000`.
    fn happens(&mut self, what: &str, at: &str) {
        let day = at.split('T').next().unwrap();
        let words: Vec<&str> = what.split_whitespace().collect();
        let [verb, names @ ..] = words.as_slice() else { return };
        let mut commands = Vec::new();
        for name in names.iter().filter(|name| name.parse::<u32>().is_err()) {
            let code = code(name);
            let mall = MERCHANTS.iter().find(|(known, ..)| known == name).unwrap().3;
            let alert = || self.desk.picture().cases.latest(code).expect("a case").id;
            let json = match *verb {
                "撤店" => {
                    let planned = warnlight::domain::time::plus_days(day.parse().unwrap(), 20);
                    vec![format!(
                        r#""command":"record_exit","mall":"{mall}","unit":"1","action":"post","date":"{day}","planned_on":"{planned}""#
                    )]
                }
                "撤回" => vec![format!(
                    r#""command":"record_exit","mall":"{mall}","unit":"1","action":"withdraw","date":"{day}""#
                )],
                "失信" => vec![format!(r#""command":"record_listing","list":"serious","entered_on":"{day}""#)],
                "欠租" => {
                    self.arrears.insert((*name).to_owned(), day.to_owned());
                    vec![format!(
                        r#""command":"record_signal","mall":"{mall}","unit":"1","kind":"rent_arrears","date":"{day}""#
                    )]
                }
                "付租" => {
                    let since = &self.arrears[*name];
                    vec![format!(
                        r#""command":"record_signal","mall":"{mall}","unit":"1","kind":"rent_arrears","date":"{since}","cleared_on":"{day}""#
                    )]
                }
                "核查" => vec![format!(
                    r#""command":"record_enforcement","kind":"on_site_check","date":"{day}","result":"已核查""#
                )],
                "约谈" => vec![format!(r#""command":"record_enforcement","kind":"talk","date":"{day}""#)],
                "签收" => vec![format!(r#""command":"handle_case","alert":"{}","action":"acknowledge""#, alert())],
                "投诉" => {
                    let count: u32 = names.last().unwrap().parse().unwrap();
                    let ticket = |number| {
                        format!(
                            r#""command":"record_complaint","ticket":"{name}{at}-{number}","channel":"12345","kind":"closed","received_at":"{at}+08:00""#
                        )
                    };
                    (0..count).map(ticket).collect()
                }
                other => panic!("the script says `{other}`"),
            };
            let whole =
                |fields: String| serde_json::from_str(&format!(r#"{{"credit_code":"{code}",{fields}}}"#)).unwrap();
            commands.extend(json.into_iter().map(whole));
        }
        self.say(commands);
    }

    /// The mails that go out by requests since the last look, each in a few words.
    fn mails(&mut self) -> Vec<String> {
        let events = self.log.read_all(self.seen, usize::MAX).unwrap();
        self.seen = self.log.head();
        let decoded: Vec<Event> = events.iter().map(|recorded| recorded.event.decode().unwrap()).collect();
        let collected = |mail| decoded.iter().any(|event| matches!(event, Event::MailGathered(it) if it.mail == mail));
        let requests = decoded.iter().filter_map(|event| match event {
            Event::MailRequested(requested) => Some(requested),
            _ => None,
        });
        let mut mails: Vec<String> =
            requests.flat_map(|requested| in_words(requested, collected(requested.mail))).collect();
        mails.sort();
        mails
    }
}

/// A mail in a few words, for each who gets it: `张 ■甲`, `张 汇总 ▲甲 ◆乙`, `张 逾期 ▲甲`; `collected` says that it had waited.
fn in_words(requested: &MailRequested, collected: bool) -> Vec<String> {
    let mark = |light: Light| warnlight::mail::render::symbol(light);
    let what = match &requested.news {
        MailNews::Digest(digest) => {
            let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
            let mut words: Vec<(String, Option<&str>)> = Vec::new();
            for line in &digest.lines {
                let Some(group) = line.group.as_deref() else {
                    let late = if line.late > 0 { format!("逾{}", line.late) } else { String::new() };
                    words.push((format!("{}{}{late}", mark(line.to), name(line.credit_code)), None));
                    continue;
                };
                let count = groups.entry(group).or_default();
                *count += 1;
                if *count == 1 {
                    words.push((format!("{}{group}", mark(line.to)), Some(group)));
                }
            }
            let words = words.iter().map(|(word, group)| match group {
                Some(group) => format!("{word}×{}", groups[group]),
                None => word.clone(),
            });
            words.collect::<Vec<_>>().join(" ")
        }
        MailNews::Light(news) => {
            let kind = match &news.call {
                None => "",
                Some(call) if call.routed => "改派 ",
                Some(call) if call.due_at.is_some() => "逾期 ",
                Some(_) => "催办 ",
            };
            format!("{kind}{}{}", mark(news.to), name(news.credit_code))
        }
        MailNews::Silence(_) => "静默".to_owned(),
    };
    let kind = match &requested.news {
        MailNews::Digest(digest) if digest.urgent => "红灯 ",
        _ if collected => "汇总 ",
        _ => "",
    };
    let told = requested.recipients.iter().filter(|recipient| !requested.gathered.contains(&recipient.address));
    let person = |address: &str| PEOPLE.iter().find(|(known, _)| *known == address).unwrap().1;
    told.map(|recipient| format!("{} {kind}{what}", person(&recipient.address))).collect()
}

/// Plays a script, also with the service started anew before each line; then the picture is the fold of the log.
fn play(script: &str) {
    for restarts in [false, true] {
        let lines: Vec<[&str; 3]> = script
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| {
                let mut parts = line.split('|').map(str::trim);
                [parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap_or_default()]
            })
            .collect();
        let at = |line: &[&str; 3]| format!("{}:00", line[0].replace(' ', "T"));
        let mut stage = Stage::set(&at(&lines[0]));
        let mut played = Vec::new();
        for line in &lines {
            stage.clock.set(time(&at(line)));
            if restarts {
                stage.restart();
            }
            for what in line[1].split('；') {
                stage.happens(what, &at(line));
            }
            stage.desk.settle().unwrap();
            played.push(format!("{} | {} | {}", line[0], line[1], stage.mails().join("；")));
        }
        let wanted: Vec<String> = lines.iter().map(|line| line.join(" | ")).collect();
        assert_eq!(played, wanted, "restarts: {restarts}\n{}", played.join("\n"));
        let again = Picture::replay(&*stage.log, Arc::new(Policies::built_in().unwrap())).unwrap();
        assert_eq!(again.outbox, stage.desk.picture().outbox);
    }
}

#[test]
fn red_at_once_and_the_rest_at_nine_and_at_three() {
    play(
        "
        2025-07-01 08:30 | 撤店 甲 |
        2025-07-01 08:59 | |
        2025-07-01 09:02 | | 张 汇总 ▲甲
        2025-07-01 10:00 | 失信 乙 | 张 ■乙
        2025-07-01 10:30 | 欠租 丙 |
        2025-07-01 11:00 | 欠租 丁；撤店 丁 |
        2025-07-01 15:02 | | 张 汇总 ▲丁 ◆丙
        2025-07-01 16:00 | |
        2025-07-02 09:02 | |
        2025-07-02 09:10 | 核查 乙 |
    ",
    );
}

#[test]
fn nothing_changed_means_no_mail() {
    play(
        "
        2025-07-01 11:00 | 欠租 甲 |
        2025-07-01 11:30 | 付租 甲 |
        2025-07-01 15:02 | |
        2025-07-02 08:00 | 欠租 乙 |
        2025-07-02 09:02 | | 张 汇总 ◆乙
        2025-07-02 15:02 | |
        2025-07-03 09:02 | |
    ",
    );
}

#[test]
fn quiet_hours_and_days_off_but_for_red() {
    play(
        "
        2025-07-04 16:00 | 欠租 甲 |
        2025-07-04 23:30 | 失信 乙 | 张 ■乙
        2025-07-05 09:02 | 核查 乙 |
        2025-07-05 15:02 | 欠租 丙 |
        2025-07-06 09:02 | |
        2025-07-07 08:59 | |
        2025-07-07 09:02 | | 张 汇总 ◆甲 ◆丙
    ",
    );
}

#[test]
fn many_reds_share_a_mail() {
    play(
        "
        2025-07-01 10:00 | 失信 甲 | 张 ■甲
        2025-07-01 10:03 | 失信 乙 |
        2025-07-01 10:05 | 失信 丙；欠租 丁 |
        2025-07-01 10:11 | | 张 红灯 ■乙 ■丙
        2025-07-01 10:30 | 失信 丁 戊 | 张 红灯 ■丁 ■戊
        2025-07-01 15:02 | 核查 甲 乙 丙 丁 戊 |
    ",
    );
}

#[test]
fn a_storm_of_complaints_is_one_mail() {
    play(
        "
        2025-07-01 10:00 | 投诉 甲 2000 | 张 ■甲
        2025-07-01 10:05 | 投诉 甲 2 |
        2025-07-01 10:30 | 核查 甲 |
        2025-07-01 15:02 | |
        2025-07-02 09:02 | |
    ",
    );
}

#[test]
fn a_mall_is_one_line_and_its_repeats_wait_for_the_morning() {
    play(
        "
        2025-07-01 08:00 | 欠租 子 丑 寅 甲 |
        2025-07-01 09:02 | | 张 汇总 ◆甲 ◆大商场×3
        2025-07-01 10:00 | 欠租 卯 |
        2025-07-01 15:02 | |
        2025-07-01 15:40 | 欠租 乙 |
        2025-07-02 09:02 | | 张 汇总 ◆乙 ◆卯
        2025-07-02 10:00 | 撤店 辰 |
        2025-07-02 15:02 | | 张 汇总 ▲辰
    ",
    );
}

#[test]
fn what_is_late_goes_up_and_stops_when_somebody_acts() {
    play(
        "
        2025-07-01 08:00 | 撤店 甲 |
        2025-07-01 09:02 | | 张 汇总 ▲甲
        2025-07-04 15:02 | |
        2025-07-05 09:02 | |
        2025-07-07 09:02 | | 张 汇总 逾期 ▲甲
        2025-07-07 15:02 | |
        2025-07-08 09:02 | | 李 汇总 逾期 ▲甲
        2025-07-09 15:02 | |
        2025-07-10 09:02 | |
        2025-07-11 09:02 | | 专班 逾期 ▲甲
        2025-07-11 10:00 | 约谈 甲 |
        2025-07-14 09:02 | |
    ",
    );
}

#[test]
fn what_is_done_before_the_set_time_is_late_no_more() {
    play(
        "
        2025-07-01 08:00 | 撤店 甲 |
        2025-07-01 09:02 | | 张 汇总 ▲甲
        2025-07-07 08:00 | 约谈 甲 |
        2025-07-07 09:02 | |
        2025-07-08 09:02 | |
    ",
    );
}

#[test]
fn an_acknowledgement_without_an_act_is_reminded_of_unless_somebody_acts() {
    play(
        "
        2025-07-01 08:00 | 撤店 甲 乙 |
        2025-07-01 09:02 | | 张 汇总 ▲甲 ▲乙
        2025-07-01 10:00 | 签收 甲 乙 |
        2025-07-02 09:02 | |
        2025-07-02 14:00 | 约谈 乙 |
        2025-07-02 15:02 | | 张 汇总 催办 ▲甲
        2025-07-03 09:02 | |
    ",
    );
}

#[test]
fn a_deputy_gets_the_digest_of_whoever_is_away() {
    play(
        "
        2025-07-31 16:00 | 欠租 甲 |
        2025-08-01 08:00 | 欠租 乙 |
        2025-08-01 09:02 | | 张 汇总 ◆甲；王 汇总 ◆乙
    ",
    );
}

// What the lead office is told while a clock is ahead stands in docs/CASES.md; nobody is told twice.
#[test]
fn after_a_week_of_downtime_and_with_a_clock_that_jumps_nobody_is_flooded() {
    play(
        "
        2025-07-01 10:00 | 撤店 甲 |
        2025-07-09 03:00 | |
        2025-07-09 09:02 | | 张 汇总 逾期 ▲甲；李 汇总 逾期 ▲甲
        2025-07-09 15:02 | |
    ",
    );
    play(
        "
        2025-07-01 10:00 | 欠租 甲 |
        2026-03-01 02:00 | | 专班 逾期 ◆甲
        2025-07-01 10:10 | |
        2025-07-01 15:02 | | 张 汇总 ◆甲
        2025-07-01 16:00 | |
    ",
    );
}

use crate::domain::ticket_clock::Clock;
use crate::domain::time::plus_hours;
use crate::domain::words::{Channel, ClockStep};
use crate::policy::Policies;

fn due(channel: Channel, step: ClockStep, since: &str) -> Option<(String, String)> {
    let policies = Policies::built_in().unwrap();
    let clocks = policies.pack.complaints.as_ref().unwrap();
    let clock = Clock { step, since: since.parse().unwrap() };
    let rule = clocks.rule(channel, clock)?;
    let due = rule.due_at(clock.since, &policies.calendar);
    Some((due.to_string(), rule.source.clone()))
}

#[test]
fn each_clock_ends_as_its_clause_says_by_the_day_it_began() {
    use Channel::{Hotline, Mall, Platform};
    use ClockStep::{Closing, DueTime, FirstAnswer};
    for (channel, step, since, ends, source) in [
        (Mall, FirstAnswer, "2025-03-05T02:00:00Z", "2025-03-06T02:00:00Z", "24小时客诉响应机制"),
        // Seven working days over the National Day holidays and a Saturday that is worked.
        (Hotline, FirstAnswer, "2025-09-25T02:00:00Z", "2025-10-11T16:00:00Z", "北京市单用途预付卡管理条例 Art 25"),
        (
            Platform,
            FirstAnswer,
            "2025-04-28T02:00:00Z",
            "2025-05-12T16:00:00Z",
            "市场监督管理投诉举报处理暂行办法 Art 14",
        ),
        (
            Platform,
            FirstAnswer,
            "2026-04-14T15:59:59Z",
            "2026-04-23T16:00:00Z",
            "市场监督管理投诉举报处理暂行办法 Art 14",
        ),
        (Platform, FirstAnswer, "2026-04-14T16:00:00Z", "2026-04-24T16:00:00Z", "市场监督管理投诉举报处理办法 Art 15"),
        (Platform, Closing, "2025-09-19T02:00:00Z", "2025-11-27T16:00:00Z", "市场监督管理投诉举报处理暂行办法 Art 21"),
        // Accepted a second before midnight of 15 April: 45 working days; from then on sixty days.
        (Platform, Closing, "2026-04-14T15:59:59Z", "2026-06-18T16:00:00Z", "市场监督管理投诉举报处理暂行办法 Art 21"),
        (Platform, Closing, "2026-04-14T16:00:00Z", "2026-06-14T16:00:00Z", "市场监督管理投诉举报处理办法 Art 23"),
        (Hotline, DueTime, "2025-03-05T02:00:00Z", "2025-03-05T02:00:00Z", "北京市接诉即办工作条例 Art 13"),
        (Mall, DueTime, "2025-03-05T02:00:00Z", "2025-03-05T02:00:00Z", "北京市接诉即办工作条例 Art 13"),
    ] {
        let expected = Some((ends.to_owned(), source.to_owned()));
        assert_eq!(due(channel, step, since), expected, "{channel} {step} {since}");
    }
    assert_eq!(due(Hotline, Closing, "2025-03-05T02:00:00Z"), None, "no law gives one");
    assert_eq!(due(Hotline, FirstAnswer, "2022-05-31T15:59:59Z"), None, "not in force yet");
}

/// What ran out of the earlier tickets of a group comes before that of the later ones: only so is nothing overlooked that is late.
#[test]
fn a_clock_that_began_later_never_ends_earlier() {
    let policies = Policies::built_in().unwrap();
    for rule in policies.pack.complaints.as_ref().unwrap().all() {
        let mut since = "2024-12-01T00:00:00Z".parse().unwrap();
        let mut before = rule.due_at(since, &policies.calendar);
        for _ in 0..1_500 {
            since = plus_hours(since, 13);
            let due = rule.due_at(since, &policies.calendar);
            assert!(before <= due && since <= due, "{rule:?} from {since}");
            before = due;
        }
    }
}

#[test]
fn the_clock_of_the_mall_is_that_of_the_fact() {
    let policies = Policies::built_in().unwrap();
    let hours = i64::from(policies.pack.parameters.answer_hours);
    let since = "2025-03-05T02:00:00Z".parse().unwrap();
    let (ends, _) = due(Channel::Mall, ClockStep::FirstAnswer, "2025-03-05T02:00:00Z").unwrap();
    assert_eq!(ends, plus_hours(since, hours).to_string());
}

#[test]
fn a_faulty_clock_is_named_and_nothing_of_it_comes_into_force() {
    let faulty = |from: &str, to: &str| {
        let mut files = Policies::built_in_files();
        let pack = files.iter_mut().find(|file| file.name == "cn-beijing.toml").unwrap();
        assert!(pack.text.contains(from), "{from}");
        pack.text = pack.text.replacen(from, to, 1);
        Policies::from_files(files).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (from, to, said) in [
        ("hours = 24\nwho", "who", "give one of `hours`, `days`, `working_days`"),
        ("hours = 24\nwho", "hours = 24\ndays = 1\nwho", "give one of `hours`, `days`, `working_days`"),
        ("told_by = \"unanswered\"", "told_by = \"unheard\"", "there is no rule `unheard`"),
        ("until = \"2026-04-14\"", "until = \"2026-04-15\"", "another clock of the same is in force on the same days"),
        ("from = \"2020-01-01\"\nuntil", "from = \"2027-01-01\"\nuntil", "it ends before it begins"),
        ("who = \"market\"", "who = \"nobody\"", "`who` is `sector`, `mall` or `market`, not `nobody`"),
        ("source = \"市场监督管理投诉举报处理办法 Art 15\"", "source = \" \"", "with its source"),
        (
            "channel = \"mall\"\nstep = \"first_answer\"",
            "channel = \"mall\"\nstep = \"due_time\"",
            "what the ticket says",
        ),
        ("channel = \"12345\"", "channel = \"110\"", "110"),
    ] {
        let found = faulty(from, to);
        assert!(found.contains(said), "{from}: {found}");
    }
}

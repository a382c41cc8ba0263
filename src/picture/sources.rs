//! Who delivers, and when they last did (来源): banks, malls, hotlines, and sheets that come again and again. Whether one is silent is
//! asked of [`crate::policy::rhythm`], for any day.
//!
//! * A **bank** delivers what is reported of accounts at it: the bank that the merchant's filings name on the day of the report.
//! * A **mall** delivers what it says of its shops; the street is no source.
//! * A **hotline** delivers tickets of its channel.
//! * A **sheet** is a file by its name without numbers, so that `投诉-2025年5月.xlsx` and `投诉-2025年6月.csv` are one. What a mall or a bank
//!   hands in is a sheet of its own, whatever its name: an office's sheet is delivered by offices.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::access::Keys;
use crate::domain::envelope::Position;
use crate::domain::event::{Event, ImportTaken};
use crate::domain::name_key;
use crate::domain::time::{Day, Instant, day_of};
use crate::domain::words::{Channel, Role, SourceKind};
use crate::domain::world::World;
use crate::policy::rhythm::{DAYS, Rhythm, Rhythms};
use imbl::OrdMap;
use std::sync::Arc;

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Its name, as first typed.
    pub name: Arc<str>,
    /// When something of it was last recorded.
    pub last_at: Instant,
    /// Where that stands.
    pub last: Position,
    /// Who recorded it.
    pub actor: Arc<str>,
    /// The last days on which something of it was recorded, oldest first.
    pub days: Vec<Day>,
    /// Rows of it that said something new, ever.
    pub rows: u64,
    /// The same, of its last day.
    pub last_rows: u64,
    /// The file that it last came in.
    pub file: Option<Filed>,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filed {
    /// Its rows.
    pub rows: u64,
    /// Of them, those refused.
    pub refused: u64,
    /// No other bank, mall or hotline spoke in it.
    pub alone: bool,
}

/// All sources, by kind and key of the name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    banks: OrdMap<Arc<str>, Source>,
    malls: OrdMap<Arc<str>, Source>,
    hotlines: OrdMap<Arc<str>, Source>,
    sheets: OrdMap<Arc<str>, Source>,
}

impl Source {
    /// Returns the day on which it last delivered.
    #[must_use]
    pub fn last_day(&self) -> Day {
        self.days.last().copied().unwrap_or_else(|| day_of(self.last_at))
    }

    /// Returns how often it delivers, if that can be told yet, and since when it is silent, if it is so today.
    #[must_use]
    pub fn silence(&self, rhythms: &Rhythms, today: Day) -> (Option<Rhythm>, Option<Day>) {
        let rhythm = rhythms.of(self.kind, &self.name, &self.days);
        let from = rhythm.map(|rhythm| rhythm.silent_from(self.last_day()));
        (rhythm, from.filter(|from| *from <= today))
    }

    fn deliver(&mut self, rows: u64, seen: &SeenEvent<'_>) {
        let at = seen.stamp.recorded_at;
        // Rows that came together are of one instant, so of one day.
        let is_of_last_day = |days: &[Day]| days.last().is_some_and(|last| at == self.last_at || *last == day_of(at));
        if is_of_last_day(&self.days) {
            self.last_rows += rows;
        } else {
            let day = day_of(at);
            if self.days.len() >= DAYS {
                self.days.remove(0);
            }
            self.days.push(day);
            self.last_rows = rows;
        }
        self.rows += rows;
        self.last_at = at;
        self.last = seen.stamp.position;
        if self.actor != *seen.actor {
            self.actor = Arc::clone(seen.actor);
        }
    }
}

impl Sources {
    /// Returns a source by its kind and its name, however that is typed.
    #[must_use]
    pub fn find(&self, kind: SourceKind, name: &str) -> Option<&Source> {
        self.of(kind).get(&*name_key::key(name))
    }

    /// Returns all sources, by kind and name.
    pub fn all(&self) -> impl Iterator<Item = &Source> {
        SourceKind::ALL.iter().flat_map(|kind| self.of(*kind).values())
    }

    const fn of(&self, kind: SourceKind) -> &OrdMap<Arc<str>, Source> {
        match kind {
            SourceKind::Bank => &self.banks,
            SourceKind::Mall => &self.malls,
            SourceKind::Hotline => &self.hotlines,
            SourceKind::Sheet => &self.sheets,
        }
    }

    const fn of_mut(&mut self, kind: SourceKind) -> &mut OrdMap<Arc<str>, Source> {
        match kind {
            SourceKind::Bank => &mut self.banks,
            SourceKind::Mall => &mut self.malls,
            SourceKind::Hotline => &mut self.hotlines,
            SourceKind::Sheet => &mut self.sheets,
        }
    }

    /// Takes what a bank reported, which only the world that has folded it can tell.
    pub(super) fn hear_bank(&mut self, seen: &SeenEvent<'_>, world: &World) {
        if let Event::CustodyReported(report) = seen.event
            && let Some(bank) = world.get(report.credit_code).and_then(|merchant| merchant.bank_on(report.date))
        {
            self.heard(SourceKind::Bank, bank, 1, seen);
        }
    }

    fn heard(&mut self, kind: SourceKind, name: &str, rows: u64, seen: &SeenEvent<'_>) {
        let key = name_key::key(name);
        if key.is_empty() {
            return;
        }
        let sources = self.of_mut(kind);
        if let Some(source) = sources.get_mut(&*key) {
            return source.deliver(rows, seen);
        }
        let mut source = Source {
            kind,
            name: name.into(),
            last_at: seen.stamp.recorded_at,
            last: seen.stamp.position,
            actor: Arc::clone(seen.actor),
            days: Vec::new(),
            rows: 0,
            last_rows: 0,
            file: None,
        };
        source.deliver(rows, seen);
        sources.insert(key.into(), source);
    }

    /// Takes what is said of a file; whose hand it came from only the keys can tell.
    pub(super) fn hear_file(&mut self, seen: &SeenEvent<'_>, keys: &Keys) {
        if let Event::ImportTaken(taken) = seen.event {
            self.filed(taken, hand(keys, seen.actor), seen);
        }
    }

    /// Notes what became of a file at everybody who spoke in it: what the same actor recorded between its beginning and its end.
    fn filed(&mut self, taken: &ImportTaken, hand: Option<String>, seen: &SeenEvent<'_>) {
        let spoke = |source: &Source| source.last > taken.after && source.actor == *seen.actor;
        let alone = self.all().filter(|source| source.kind != SourceKind::Sheet && spoke(source)).count() == 1;
        let file = Filed { rows: taken.rows, refused: taken.refused, alone };
        let sheet = sheet_name(&taken.file);
        let sheet = hand.map_or(sheet.clone(), |hand| format!("{sheet}（{hand}）"));
        self.heard(SourceKind::Sheet, &sheet, taken.rows - taken.refused.min(taken.rows), seen);
        for kind in SourceKind::ALL {
            let sources = self.of_mut(*kind);
            let keys: Vec<Arc<str>> =
                sources.iter().filter(|(_, source)| spoke(source)).map(|(key, _)| Arc::clone(key)).collect();
            for key in keys {
                if let Some(source) = sources.get_mut(&key) {
                    source.file = Some(file);
                }
            }
        }
    }
}

/// Returns which mall or bank somebody speaks for; `None`: an office, or whoever runs the service.
fn hand(keys: &Keys, actor: &str) -> Option<String> {
    keys.all().filter(|key| *key.name == *actor).find_map(|key| match key.scope.role {
        Role::Operator => Some(key.scope.malls.join("、")),
        Role::Bank => key.scope.bank.clone(),
        Role::Regulator | Role::Lead | Role::Admin | Role::Merchant => None,
    })
}

/// Returns what is the same of a file's name month after month: folders and stem without numbers and what stands around them. A
/// name that is nothing else stays as it is.
#[must_use]
pub fn sheet_name(file: &str) -> String {
    let parts: Vec<&str> = file.split(['/', '\\']).collect();
    let (last, folders) = parts.split_last().unwrap_or((&file, &[]));
    let stem = last.rsplit_once('.').map_or(*last, |(stem, _)| stem);
    let without = |part: &str| {
        let dated = |letter: char| letter.is_numeric() || matches!(letter, '年' | '月' | '日' | '期' | '第');
        let kept: String = part.chars().filter(|letter| !dated(*letter)).collect();
        let around = |letter: char| letter.is_whitespace() || "-_.~至()（）[]【】".contains(letter);
        kept.trim_matches(around).to_owned()
    };
    let folders = folders.iter().map(|folder| folder.strip_suffix(".zip").unwrap_or(folder));
    let named: Vec<String> = folders.chain([stem]).map(without).filter(|part| !part.is_empty()).collect();
    if named.is_empty() { (*last).to_owned() } else { named.join("/") }
}

/// Returns the mall that an event tells of.
fn mall_of(event: &Event) -> Option<&str> {
    match event {
        Event::LeaseRecorded(said) => said.mall.as_deref(),
        Event::PapersChecked(said) => said.mall.as_deref(),
        Event::ExitNoticePosted(said) | Event::ExitNoticeAmended(said) => said.mall.as_deref(),
        Event::ExitNoticeWithdrawn(said) | Event::ShopClosed(said) | Event::ShopReopened(said) => said.mall.as_deref(),
        Event::SignalRaised(said) => said.mall.as_deref(),
        Event::SignalCleared(said) => said.mall.as_deref(),
        Event::ComplaintRateReported(said) | Event::PrepaidShareReported(said) => said.mall.as_deref(),
        _ => None,
    }
}

const fn channel_of(event: &Event) -> Option<Channel> {
    match event {
        Event::ComplaintReceived(said) => Some(said.channel),
        Event::ComplaintQueued(said) => Some(said.channel),
        _ => None,
    }
}

impl Part for Sources {
    type Kept = Source;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        if let Some(mall) = mall_of(seen.event) {
            self.heard(SourceKind::Mall, mall, 1, seen);
        } else if let Some(channel) = channel_of(seen.event) {
            self.heard(SourceKind::Hotline, channel.name(), 1, seen);
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        for source in self.all() {
            keep.one(|out| source.put(out));
        }
    }

    fn restore(&mut self, kept: Source) {
        self.of_mut(kept.kind).insert(name_key::key(&kept.name).into(), kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::envelope::{NewEvent, Origin};
    use crate::domain::fold::Stamp;
    use crate::domain::time::start_of;
    use crate::log::memory::MemoryLog;
    use crate::picture::Picture;
    use crate::policy::Policies;
    use serde_json::json;
    use uuid::Uuid;

    const CODE: &str = "91110000101623741K";

    struct Told {
        picture: Picture,
    }

    impl Told {
        fn new() -> Self {
            Self { picture: Picture::new(Arc::new(Policies::built_in().unwrap())) }
        }

        fn tell(&mut self, day: &str, actor: &str, event_type: &str, data: serde_json::Value) {
            let event = Event::decode(event_type, 1, &data.to_string()).unwrap();
            let (recorded_at, position) = (start_of(day.parse().unwrap()), self.picture.position + 1);
            let written = NewEvent::new(Uuid::from_u128(position.into()), recorded_at, &Origin::of(actor), &event);
            self.picture
                .fold_written(Stamp { position, recorded_at, history: false }, &written, &MemoryLog::new())
                .unwrap();
        }

        fn custody(&mut self, day: &str, actor: &str) {
            let said = json!({ "credit_code": CODE, "date": day, "held": "1.00" });
            self.tell(day, actor, "custody.balance_reported", said);
        }

        fn taken(&mut self, day: &str, actor: &str, file: &str, after: Position, (rows, refused): (u64, u64)) {
            let said = json!({ "file": file, "digest": "00".repeat(32), "after": after, "rows": rows,
                "accepted": rows - refused, "unchanged": 0, "refused": refused, "remarks": 0 });
            self.tell(day, actor, "import.taken", said);
        }

        fn find(&self, kind: SourceKind, name: &str) -> &Source {
            self.picture.sources.find(kind, name).unwrap()
        }
    }

    #[test]
    fn a_bank_is_the_one_that_the_merchant_banked_with_on_the_day_of_the_report() {
        let mut told = Told::new();
        told.custody("2025-01-01", "x");
        assert_eq!(told.picture.sources.all().count(), 0, "nobody knows which bank it is");
        for (date, bank) in [("2025-01-01", "甲银行"), ("2025-06-01", "乙银行")] {
            let said = json!({ "credit_code": CODE, "date": date, "bank": bank });
            told.tell("2025-06-01", "x", "filing.accepted", said);
        }
        for (day, bank) in [("2025-05-31", "甲银行"), ("2025-06-02", "乙银行"), ("2025-06-03", "乙银行")] {
            let said = json!({ "credit_code": CODE, "date": day, "held": "1.00" });
            told.tell("2025-06-05", "x", "custody.balance_reported", said);
            assert_eq!(told.find(SourceKind::Bank, bank).last, told.picture.position);
        }
        let bank = told.find(SourceKind::Bank, "乙银行");
        assert_eq!((bank.rows, bank.last_rows, bank.days.len()), (2, 2, 1), "one day is one delivery");
    }

    #[test]
    fn malls_compare_by_key_and_the_street_is_no_source() {
        let mut told = Told::new();
        for (mall, day) in [("大悦城（朝阳）", "2025-01-01"), ("大悦城(朝阳)", "2025-01-03"), ("", "2025-01-04")]
        {
            let said = json!({ "credit_code": CODE, "mall": mall, "kind": "rent_arrears", "date": day });
            told.tell(day, "x", "mall.signal_raised", said);
        }
        let all: Vec<_> =
            told.picture.sources.all().map(|source| (source.kind, &*source.name, source.days.len())).collect();
        assert_eq!(all, [(SourceKind::Mall, "大悦城（朝阳）", 2)]);
    }

    #[test]
    fn a_sheet_of_an_office_is_not_delivered_by_a_mall_or_a_bank_that_names_its_file_so() {
        let mut told = Told::new();
        let mut key = |id: u128, name: &str, role: &str, own: (&str, serde_json::Value)| {
            let mut said = json!({ "key": Uuid::from_u128(id), "name": name, "role": role, "hash": "00".repeat(32) });
            said[own.0] = own.1;
            told.tell("2025-01-01", "admin", "key.created", said);
        };
        key(1, "office", "lead", ("divisions", json!(["110108"])));
        key(2, "mall desk", "operator", ("malls", json!(["东方广场"])));
        key(3, "bank desk", "bank", ("bank", json!("甲银行")));
        for (day, actor) in [("2025-01-01", "office"), ("2025-02-01", "mall desk"), ("2025-03-01", "bank desk")] {
            told.taken(day, actor, "海淀区-信号-2025.csv", told.picture.position, (3, 0));
        }
        let last = |name: &str| told.find(SourceKind::Sheet, name).last_day().to_string();
        assert_eq!(last("海淀区-信号"), "2025-01-01");
        assert_eq!(
            (last("海淀区-信号（东方广场）"), last("海淀区-信号（甲银行）")),
            ("2025-02-01".into(), "2025-03-01".into())
        );
        told.taken("2025-04-01", "import", "海淀区-信号-202504.csv", told.picture.position, (3, 0));
        let last = told.find(SourceKind::Sheet, "海淀区-信号").last_day().to_string();
        assert_eq!(last, "2025-04-01", "whoever runs the service may deliver for an office");
    }

    #[test]
    fn what_became_of_a_file_is_said_of_everybody_who_spoke_in_it_and_of_nobody_else() {
        let mut told = Told::new();
        told.tell(
            "2025-01-01",
            "x",
            "filing.accepted",
            json!({ "credit_code": CODE, "date": "2025-01-01", "bank": "甲银行" }),
        );
        let signal = json!({ "credit_code": CODE, "mall": "甲商场", "kind": "rent_arrears", "date": "2025-01-01" });
        let after = told.picture.position;
        told.custody("2025-02-01", "import");
        told.tell("2025-02-01", "mall desk", "mall.signal_raised", signal);
        told.taken("2025-02-01", "import", "2025-01/存管-202501.csv", after, (4, 1));
        let file = Some(Filed { rows: 4, refused: 1, alone: true });
        assert_eq!(told.find(SourceKind::Bank, "甲银行").file, file);
        assert_eq!(told.find(SourceKind::Sheet, "存管").file, file);
        assert_eq!(told.find(SourceKind::Mall, "甲商场").file, None, "somebody else said this meanwhile");
        told.taken("2025-03-01", "import", "2025-02/存管-202502.csv", told.picture.position, (2, 0));
        assert_eq!(told.find(SourceKind::Sheet, "存管").days.len(), 2);
        assert_eq!(told.find(SourceKind::Bank, "甲银行").file, file, "it was not in this one");
    }

    #[test]
    fn a_sheet_is_the_same_month_after_month() {
        for (file, name) in [
            ("投诉-2025年5月.xlsx", "投诉"),
            ("投诉(2025-06).csv", "投诉"),
            ("海淀/2025/投诉_20250601.csv", "海淀/投诉"),
            ("6月.zip/投诉 第2期.csv", "投诉"),
            ("20250601.csv", "20250601.csv"),
        ] {
            assert_eq!(sheet_name(file), name, "{file}");
        }
    }

    #[test]
    fn only_as_many_days_are_kept_as_are_of_use() {
        let mut told = Told::new();
        for day in 1..=28 {
            let said = json!({ "ticket": format!("{day}@12345"), "credit_code": CODE, "channel": "12345", "kind": "refund",
                "received_at": "2025-01-01T00:00:00Z" });
            told.tell(&format!("2025-02-{day:02}"), "x", "complaint.received", said);
        }
        let hotline = told.find(SourceKind::Hotline, "12345");
        assert_eq!((hotline.days.len(), hotline.rows, hotline.last_rows), (DAYS, 28, 1));
        assert_eq!(hotline.last_day().to_string(), "2025-02-28");
    }
}

//! `warnlight import`: sheets and NDJSON of commands, decided row by row.

mod decider;
mod digest;
mod file;
mod hearing;
mod receipts;

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::said::Text;
use super::store::progress;
use super::{texts, values};
use crate::desk::{Answer, DeskError, NOT_RECORDED, not_recorded};
use crate::domain::check::Problem;
use crate::domain::time::Instant;
use crate::domain::whose::QUEUED;
use crate::domain::words::Light;
use crate::http::Language;
use crate::intake::item::{Item, ReadRow, Table};
use crate::intake::place::{Finding, Place};
use crate::intake::profile::How;
use crate::intake::read::read;
use crate::intake::refusals::{CsvRefusals, XlsxRefusals};
use crate::picture::imports::Imports;
use crate::service::load_profiles;
use crate::settings::Settings;
use clap::Args;
use decider::{Decider, Deciding, Followed};
use file::Begun;
use hearing::{Heard, Hearing};
use indicatif::ProgressBar;
use receipts::Receipts;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows decided and made durable together.
const BATCH: usize = 4_000;
/// Bytes of rows decided together: as many rows of a mebibyte each would not fit in memory.
const BATCH_BYTES: usize = 16 << 20;
/// Bytes of rows that are decided while more is read: about the rows of one hearing.
const IN_FLIGHT_BYTES: usize = 8 << 20;
/// Rows of one table, and bytes of them, that wait for a notice further down. A year of a city's notices is a thousandth.
const MOST_EARLY: usize = 100_000;
/// As [`MOST_EARLY`], in bytes.
const MOST_EARLY_BYTES: usize = 64 << 20;
/// Kinds of refusals, and of warnings, shown on the screen; the papers have all.
const SHOWN: u64 = 20;

/// Import sheets (xlsx, csv), folders of them, or NDJSON of commands.
///
/// Every row gets a receipt; refused rows are written, as they came and with the reason, to a csv and an xlsx that can be
/// mended and sent in again. The same input twice changes nothing.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Files and folders.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Decide every row and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Ask for mail about lights that rise. Without this the input counts as history and mails nobody.
    #[arg(long)]
    notify: bool,
    /// Folder for receipts and refusal sheets. Default: `imports/TIME` in the data folder; none in a dry run.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// When the tickets were received, for exports of hotlines that have no column that says so. A ticket known already keeps its time.
    #[arg(long, value_name = "DATE", value_parser = values::instant)]
    received_at: Option<Instant>,
}

/// What came of the rows. A row with several warnings counts them all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Tally {
    rows: u64,
    accepted: u64,
    /// Tickets without a credit code that wait for a person (待认领).
    queued: u64,
    unchanged: u64,
    refused: u64,
    warnings: u64,
    /// Rows passed over because they are no records: totals, signatures, further headers.
    remarks: u64,
}

pub(super) fn run(args: &ImportArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    if let Some(path) = args.paths.iter().find(|path| !path.exists()) {
        return Err(CliError::told(Exit::NotFound, texts::NO_SUCH_PATH.with(&[&path.display()])));
    }
    let mut profiles = load_profiles(&settings).map_err(|error| CliError::new(Exit::Usage, error))?;
    if let Some(at) = args.received_at {
        profiles.received_at(at);
    }
    let profiles = Arc::new(profiles);
    let now = Instant::now();
    let papers = match (&args.out, args.dry_run) {
        (Some(folder), _) => Some(folder.clone()),
        (None, true) => None,
        (None, false) => Some(common.data.join("imports").join(now.strftime("%Y%m%dT%H%M%S%.6fZ").to_string())),
    };
    let decider = if args.dry_run {
        Decider::rehearsal(&settings, common)?
    } else {
        Decider::desk(&settings, common, args.notify)?
    };
    let mut import = Import::new(decider, papers.as_deref(), now)?;
    let mut failure = None;
    let mut barren = Vec::new();
    let how = How { now, profiles };
    for path in &args.paths {
        if let Err(error) = import.turn_to(path) {
            failure = Some(error);
            break;
        }
        let before = import.handed;
        let flow = read(path, how.clone(), &mut |item| match import.take(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        });
        if flow.is_break() {
            break;
        }
        if import.handed == before {
            barren.push(path);
        }
    }
    let ended = failure.map_or_else(|| import.end_file(), Err);
    if ended.is_err() {
        // What was handed over before is accepted or not whatever happened since: it gets its receipts.
        let _ = import.settle_rows();
    }
    let (tally, followed) = import.finish(ended, papers.as_deref(), out)?;
    match out.format() {
        Format::Json => {
            let lights = followed.lights.iter().map(|(light, count)| (light.name(), *count)).collect();
            out.json(&Printed { tally, lights_changed: lights, mails_requested: followed.mails })?;
        }
        Format::Table => {
            let heading = [
                texts::TALLY_ROWS,
                texts::TALLY_ACCEPTED,
                texts::TALLY_QUEUED,
                texts::TALLY_UNCHANGED,
                texts::TALLY_REFUSED,
                texts::TALLY_WARNINGS,
            ]
            .map(|text| out.text(text));
            let counts = [tally.rows, tally.accepted, tally.queued, tally.unchanged, tally.refused, tally.warnings];
            out.table(heading, &[counts.map(|n| n.to_string())])?;
        }
    }
    if tally.queued > 0 {
        out.tell(texts::LEFT_WAITING.with(&[&tally.queued]));
    }
    tell_what_followed(args, &followed, out);
    for path in &barren {
        out.tell(texts::NOTHING_READ.with(&[&path.display()]));
    }
    Ok(match (barren.is_empty(), tally.refused) {
        (false, _) => Exit::NothingRead,
        (true, 0) => Exit::Done,
        (true, _) => Exit::SomeRefused,
    })
}

/// What came of the rows and what followed, for programs.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    tally: Tally,
    /// By the colour they changed to.
    lights_changed: BTreeMap<&'a str, u64>,
    mails_requested: u64,
}

fn tell_what_followed(args: &ImportArgs, followed: &Followed, out: &mut Out) {
    if args.dry_run {
        return out.tell(texts::DRY_RUN);
    }
    let all: u64 = followed.lights.values().sum();
    if all == 0 {
        out.tell(texts::NO_LIGHT_CHANGED);
    } else {
        let name = |light: &Light| out.language().pick(light.zh(), light.name());
        let worst_first = followed.lights.iter().rev();
        let each: Vec<String> = worst_first
            .map(|(light, count)| texts::CHANGED_TO.with(&[&name(light), count]).heard_in(out.language()).to_owned())
            .collect();
        let each = each.join(out.language().pick("，", ", "));
        out.tell(texts::LIGHTS_CHANGED.with(&[&all, &each]));
    }
    if args.notify {
        out.tell(texts::MAILS_REQUESTED.with(&[&followed.mails]));
    } else {
        out.tell(texts::HISTORY_MAILS_NOBODY);
    }
}

/// An import under way.
struct Import {
    decider: Decider,
    now: Instant,
    /// The path that is read.
    root: PathBuf,
    /// The file that is read.
    file: Arc<str>,
    /// What is known of it.
    begun: Option<Begun>,
    /// Sheets that were refused before their file was begun.
    unread: Vec<Place>,
    /// Files that were taken in.
    imports: Imports,
    /// Files of this import that were taken in before.
    known: u64,
    /// Its rows, heard as one statement before any is decided.
    hearing: Hearing,
    waiting: Vec<Heard>,
    /// Bytes of the rows that wait.
    weight: usize,
    /// Rows that are being decided while the next are read and the receipts of those before are written.
    deciding: VecDeque<(Vec<Heard>, Deciding, usize)>,
    /// Bytes of them.
    in_flight: usize,
    /// Rows of this file that rest on a notice which may stand further down.
    early: Vec<Heard>,
    early_weight: usize,
    /// Rows that reading handed over.
    handed: u64,
    tally: Tally,
    refusals: Shown,
    warnings: Shown,
    csv: Option<CsvRefusals>,
    xlsx: Option<XlsxRefusals>,
    receipts: Option<Receipts>,
    bar: ProgressBar,
}

impl Import {
    fn new(decider: Decider, papers: Option<&Path>, now: Instant) -> Result<Self, CliError> {
        let csv = papers.map(CsvRefusals::create).transpose().map_err(CliError::failed)?;
        let receipts = papers.map(Receipts::create).transpose()?;
        Ok(Self {
            imports: decider.imports(),
            decider,
            now,
            root: PathBuf::new(),
            file: "".into(),
            begun: None,
            unread: Vec::new(),
            known: 0,
            hearing: Hearing::default(),
            waiting: Vec::with_capacity(BATCH),
            weight: 0,
            deciding: VecDeque::new(),
            in_flight: 0,
            early: Vec::new(),
            early_weight: 0,
            handed: 0,
            tally: Tally::default(),
            refusals: Shown::default(),
            warnings: Shown::default(),
            csv,
            xlsx: papers.map(|_| XlsxRefusals::new()),
            receipts,
            bar: progress(),
        })
    }

    fn take(&mut self, item: Item) -> Result<(), CliError> {
        match item {
            Item::Table(table) => {
                self.bar.set_message(table.file.to_string());
                if table.file == self.file {
                    return Ok(());
                }
                self.end_file()?;
                self.file = Arc::clone(&table.file);
                self.begin_file();
                Ok(())
            }
            Item::Warning(warning) => {
                self.tally.warnings += 1;
                self.warnings.show(&warning);
                Ok(())
            }
            Item::Remark(remark) => {
                self.tally.remarks += remark.rows;
                self.tally.warnings += 1;
                self.warnings.show(&remark.finding);
                Ok(())
            }
            Item::Refused(refused) => {
                // A file that cannot be read at all counts as one row, so that it cannot pass for an empty one.
                self.tally.rows += refused.rows.max(1);
                self.tally.refused += refused.rows.max(1);
                self.refusals.add(refused.rows.max(1), &refused.refusal);
                let place = &refused.refusal.place;
                match self.begun.as_mut().filter(|_| place.file == self.file) {
                    Some(begun) => begun.refuse(&place.sheet, None),
                    // A sheet before the first of the file that could be read.
                    None => self.unread.push(place.clone()),
                }
                if let Some(csv) = &mut self.csv {
                    csv.whole(refused.clone());
                }
                if let Some(xlsx) = &mut self.xlsx {
                    xlsx.whole(refused);
                }
                Ok(())
            }
            Item::Row(row) => {
                self.handed += 1;
                let weight = weight(&row);
                if self.hearing.take(row, weight) { Ok(()) } else { self.hear() }
            }
        }
    }

    /// Ends the file under way and goes on below another path, where another file may have the same name.
    fn turn_to(&mut self, path: &Path) -> Result<(), CliError> {
        self.end_file()?;
        self.file = "".into();
        self.root = path.to_path_buf();
        Ok(())
    }

    fn begin_file(&mut self) {
        self.begun = Begun::new(&self.root, &self.file, &self.imports, self.decider.position(), self.tally);
        let known = self.begun.as_ref().and_then(Begun::known);
        self.known += u64::from(known.is_some());
        self.hearing = Hearing::of(known.cloned());
        let unread = std::mem::take(&mut self.unread);
        if let Some(begun) = &mut self.begun {
            unread.iter().filter(|place| place.file == self.file).for_each(|place| begun.refuse(&place.sheet, None));
        }
    }

    /// Has the log remember that the file was taken in, if there is something to remember.
    fn file_taken(&mut self) -> Result<(), CliError> {
        let Some(taken) = self.begun.take().and_then(|begun| begun.end(self.tally)) else { return Ok(()) };
        self.imports.note(&taken);
        self.decider.remember(taken)
    }

    /// Hears what was read of the file so far, and hands it over.
    fn hear(&mut self) -> Result<(), CliError> {
        for heard in self.hearing.end() {
            self.weight += weight(&heard.row);
            self.waiting.push(heard);
            if self.waiting.len() >= BATCH || self.weight >= BATCH_BYTES {
                self.hand_over()?;
            }
        }
        Ok(())
    }

    /// Hands over the rows that wait, and writes the receipts of rows handed over long enough before.
    fn hand_over(&mut self) -> Result<(), CliError> {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        let weight = std::mem::take(&mut self.weight);
        let deciding = self.decider.submit(&rows, self.now);
        self.deciding.push_back((rows, deciding, weight));
        self.in_flight += weight;
        // The newest batch is left: it is decided while more is read.
        while self.in_flight > IN_FLIGHT_BYTES && self.deciding.len() > 1 {
            self.settle_oldest()?;
        }
        Ok(())
    }

    /// Decides the rows of the file that wait, makes them durable, and writes all receipts. Rows that came before the notice
    /// they rest on are decided again, now that the whole file is known: the order of a sheet decides nothing that dates decide.
    fn end_file(&mut self) -> Result<(), CliError> {
        self.hear()?;
        self.hand_over()?;
        self.settle_rows()?;
        self.early_weight = 0;
        while !self.early.is_empty() {
            let rows = std::mem::take(&mut self.early);
            let deciding = self.decider.submit(&rows, self.now);
            let answers = match self.decider.wait(deciding) {
                Ok(answers) => answers,
                Err(failure) => return Err(self.not_recorded(rows, failure)),
            };
            let stuck = answers.iter().all(is_early);
            for (heard, answer) in rows.into_iter().zip(answers) {
                if is_early(&answer) && !stuck {
                    self.early.push(heard);
                } else {
                    let row = heard.row;
                    self.answered(&row.table, row.row, &row.cells, &row.warnings, answer)?;
                }
            }
        }
        self.file_taken()
    }

    /// Waits for the rows handed over and writes their receipts.
    fn settle_rows(&mut self) -> Result<(), CliError> {
        while !self.deciding.is_empty() {
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn settle_oldest(&mut self) -> Result<(), CliError> {
        let Some((rows, deciding, weight)) = self.deciding.pop_front() else { return Ok(()) };
        self.in_flight = self.in_flight.saturating_sub(weight);
        self.write_receipts(rows, deciding)
    }

    fn write_receipts(&mut self, rows: Vec<Heard>, deciding: Deciding) -> Result<(), CliError> {
        self.tally.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let mut answers = match self.decider.wait(deciding) {
            Ok(answers) => answers.into_iter(),
            Err(failure) => return Err(self.not_recorded(rows, failure)),
        };
        for heard in rows {
            let Heard { row, passed, .. } = &heard;
            let table = row.table.clone();
            match &row.outcome {
                Ok(_) if *passed => {
                    let answer = Answer::Unchanged { warnings: Vec::new() };
                    self.answered(&table, row.row, &row.cells, &row.warnings, answer)?;
                }
                Ok(_) => {
                    let Some(answer) = answers.next() else { continue };
                    let room = self.early.len() < MOST_EARLY && self.early_weight < MOST_EARLY_BYTES;
                    if is_early(&answer) && room {
                        self.early_weight += weight(row);
                        self.early.push(heard);
                        continue;
                    }
                    self.answered(&table, row.row, &row.cells, &row.warnings, answer)?;
                }
                Err(refusals) => self.refused(&table, row.row, &row.cells, refusals)?,
            }
        }
        if let Some(receipts) = &mut self.receipts {
            receipts.flush()?;
        }
        self.bar.set_position(self.tally.rows);
        self.bar.set_length(self.tally.rows);
        Ok(())
    }

    /// Gives rows that the log took none of receipts which say so. They stand on the refusal sheets as well, to be sent again.
    fn not_recorded(&mut self, rows: Vec<Heard>, failure: DeskError) -> CliError {
        let said = not_recorded(&failure);
        // Those that waited for a notice further down wait no longer.
        for Heard { row, .. } in rows.into_iter().chain(std::mem::take(&mut self.early)) {
            let refusals = row.outcome.err().unwrap_or_else(|| vec![row.table.finding(row.row, said.clone())]);
            // The papers may lie on the disk that is full: what could not be recorded is the failure that is told.
            let _ = self.refused(&row.table, row.row, &row.cells, &refusals);
        }
        if let Some(receipts) = &mut self.receipts {
            let _ = receipts.flush();
        }
        failure.into()
    }

    fn answered(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &csv::StringRecord,
        read: &[Finding],
        answer: Answer,
    ) -> Result<(), CliError> {
        let (said, events, problems) = match answer {
            Answer::Accepted(receipt) => {
                let waits = receipt.warnings.iter().any(|warning| warning.code == QUEUED);
                *(if waits { &mut self.tally.queued } else { &mut self.tally.accepted }) += 1;
                (if waits { QUEUED } else { "accepted" }, receipt.events, receipt.warnings)
            }
            Answer::Unchanged { warnings } => {
                self.tally.unchanged += 1;
                ("unchanged", Vec::new(), warnings)
            }
            Answer::Refused(problems) => {
                let refusals: Vec<Finding> = problems.into_iter().map(|problem| table.finding(row, problem)).collect();
                return self.refused(table, row, cells, &refusals);
            }
        };
        let mut warnings = read.to_vec();
        // Reading and deciding both look at the check character; it is one warning.
        let new = |problem: &Problem| !read.iter().any(|warning| warning.code == problem.code);
        warnings.extend(problems.into_iter().filter(new).map(|problem| table.finding(row, problem)));
        // What waits is told by its number.
        for warning in warnings.iter().filter(|warning| warning.code != QUEUED) {
            self.tally.warnings += 1;
            self.warnings.show(warning);
        }
        if let Some(receipts) = &mut self.receipts {
            let events: Vec<String> = events.iter().map(ToString::to_string).collect();
            receipts.write(table, row, said, &events.join(" "), &warnings)?;
        }
        Ok(())
    }

    fn refused(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &csv::StringRecord,
        refusals: &[Finding],
    ) -> Result<(), CliError> {
        self.tally.refused += 1;
        if let Some(begun) = &mut self.begun {
            begun.refuse(&table.sheet, Some(row));
        }
        if let Some(refusal) = refusals.first() {
            self.refusals.show(refusal);
        }
        if let Some(csv) = &mut self.csv {
            csv.row(table, row, cells, refusals).map_err(CliError::failed)?;
        }
        if let Some(xlsx) = &mut self.xlsx {
            xlsx.row(table, row, cells, refusals).map_err(CliError::failed)?;
        }
        if let Some(receipts) = &mut self.receipts {
            let recordable = refusals.iter().any(|refusal| refusal.code == NOT_RECORDED);
            receipts.write(table, row, if recordable { NOT_RECORDED } else { "refused" }, "", refusals)?;
        }
        Ok(())
    }

    /// Ends the import: lights are looked at even if reading broke off, for what was accepted stays.
    fn finish(
        self,
        ended: Result<(), CliError>,
        papers: Option<&Path>,
        out: &mut Out,
    ) -> Result<(Tally, Followed), CliError> {
        self.bar.finish_and_clear();
        let settled = self.decider.settle();
        if self.known > 0 {
            out.tell(texts::TAKEN_BEFORE.with(&[&self.known]));
        }
        self.refusals.print(texts::REFUSED, texts::AND_MORE_REFUSED, out);
        self.warnings.print(texts::WARNING, texts::AND_MORE_WARNINGS, out);
        if let (Some(csv), Some(xlsx), Some(mut receipts), Some(folder)) = (self.csv, self.xlsx, self.receipts, papers)
        {
            // Each of the papers is written even if another cannot be.
            let written = [
                receipts.flush(),
                csv.finish().map(|_| ()).map_err(CliError::failed),
                xlsx.finish(&folder.join("refused.xlsx")).map(|_| ()).map_err(CliError::failed),
            ];
            out.tell(texts::PAPERS.with(&[&folder.display()]));
            written.into_iter().collect::<Result<(), CliError>>()?;
        }
        ended?;
        Ok((self.tally, settled?))
    }
}

/// Findings for the screen: the first of each kind, how many are alike, and the number of all others. A fault of a whole column is
/// thus said once, with its count.
#[derive(Debug, Default)]
struct Shown {
    kinds: Vec<Alike>,
    /// How many findings there are of kinds beyond those shown.
    more: u64,
}

/// Findings about one column of one table with one code.
#[derive(Debug)]
struct Alike {
    first: Vec<Finding>,
    /// How many there are beyond the first.
    further: u64,
}

/// Findings of one kind that are shown one by one.
const SHOWN_ALIKE: usize = 3;

impl Shown {
    fn show(&mut self, finding: &Finding) {
        self.add(1, finding);
    }

    /// Adds a finding that stands for so many.
    fn add(&mut self, count: u64, finding: &Finding) {
        let alike = |other: &Finding| {
            let (one, two) = (&other.place, &finding.place);
            other.code == finding.code && one.column == two.column && one.sheet == two.sheet && one.file == two.file
        };
        let room = u64::try_from(self.kinds.len()).is_ok_and(|shown| shown < SHOWN);
        let known = self.kinds.iter_mut().find(|kind| kind.first.first().is_some_and(alike));
        match known {
            Some(kind) if kind.first.len() < SHOWN_ALIKE => {
                kind.first.push(finding.clone());
                kind.further += count - 1;
            }
            Some(kind) => kind.further += count,
            None if room => {
                self.kinds.push(Alike { first: vec![finding.clone()], further: count - 1 });
            }
            None => self.more += count,
        }
    }

    fn print(&self, what: Text, more: Text, out: &mut Out) {
        let what = out.text(what);
        for kind in &self.kinds {
            for finding in &kind.first {
                match out.language() {
                    Language::Zh => out.remark(format_args!("{what}  {}", finding.line_zh())),
                    Language::En => out.remark(format_args!("{what}  {finding}")),
                }
            }
            if kind.further > 0 {
                out.tell(texts::AND_ALIKE.with(&[&kind.further]));
            }
        }
        if self.more > 0 {
            out.tell(more.with(&[&self.more]));
        }
    }
}

/// Bytes that a row keeps in memory, roughly: the cells once as text, once as a command.
fn weight(row: &ReadRow) -> usize {
    2 * row.cells.as_slice().len() + 16 * row.cells.len()
}

/// Says whether a row was refused only because no exit notice stands on its day.
fn is_early(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(problems) if problems.iter().all(|problem| problem.code == "no_standing_notice"))
}

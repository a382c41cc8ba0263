//! `warnlight import`: sheets and NDJSON of commands, decided row by row.

use super::Common;
use super::exit::{CliError, Exit};
use super::out::{Format, Out};
use super::store::progress;
use crate::clock::SystemClock;
use crate::desk::{Answer, Answers, Desk, Rehearsal, Request, State};
use crate::domain::check::Problem;
use crate::domain::command::Command;
use crate::domain::envelope::Origin;
use crate::domain::time::Instant;
use crate::intake::export::{BYTE_ORDER_MARK, Medium, safe_cell, write_whole};
use crate::intake::item::{Item, ReadRow, Table};
use crate::intake::place::Finding;
use crate::intake::read::read;
use crate::intake::refusals::{CsvRefusals, XlsxRefusals};
use crate::service::{load_policies, open_log, open_log_read_only, start_desk};
use crate::settings::Settings;
use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows decided and made durable together.
const BATCH: usize = 4_000;
/// Refusals shown on the screen; the refusal sheets have all.
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
}

/// What came of the rows. A row with several warnings counts them all.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
struct Tally {
    rows: u64,
    accepted: u64,
    unchanged: u64,
    refused: u64,
    warnings: u64,
}

pub(super) fn run(args: &ImportArgs, common: &Common, out: &mut Out) -> Result<Exit, CliError> {
    let settings = Settings::load(common.config.as_deref())?;
    if let Some(path) = args.paths.iter().find(|path| !path.exists()) {
        return Err(CliError::new(Exit::NotFound, format!("there is no `{}`", path.display())));
    }
    let now = Instant::now();
    let papers = match (&args.out, args.dry_run) {
        (Some(folder), _) => Some(folder.clone()),
        (None, true) => None,
        (None, false) => Some(common.data.join("imports").join(now.strftime("%Y%m%dT%H%M%S%.6fZ").to_string())),
    };
    let decider =
        if args.dry_run { rehearse(&settings, common)? } else { Decider::desk(&settings, common, args.notify)? };
    let mut import = Import::new(decider, papers.as_deref(), now)?;
    let mut failure = None;
    for path in &args.paths {
        let flow = read(path, now, &mut |item| match import.take(item) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        });
        if flow.is_break() {
            break;
        }
    }
    let ended = match failure {
        Some(error) => {
            // What was handed over before is accepted or not whatever happened since: it gets its receipts.
            let _ = import.settle_rows();
            Err(error)
        }
        None => import.end_table(),
    };
    let (tally, shown) = import.finish(ended, papers.as_deref(), out)?;
    if tally.refused > shown {
        out.remark(format_args!("… and {} more", tally.refused - shown));
    }
    match out.format() {
        Format::Json => out.json(&tally)?,
        Format::Table => out.table(
            ["ROWS", "ACCEPTED", "UNCHANGED", "REFUSED", "WARNINGS"],
            &[[tally.rows, tally.accepted, tally.unchanged, tally.refused, tally.warnings].map(|n| n.to_string())],
        )?,
    }
    Ok(if tally.refused == 0 { Exit::Done } else { Exit::SomeRefused })
}

fn rehearse(settings: &Settings, common: &Common) -> Result<Decider, CliError> {
    let policies = Arc::new(load_policies(settings).map_err(|error| CliError::new(Exit::Usage, error))?);
    let state = if common.data.join("log.db").exists() {
        State::replay(&*open_log_read_only(settings, &common.data)?, policies)?
    } else {
        State::new(policies)
    };
    Ok(Decider::Rehearsal(Box::new(Rehearsal::new(state))))
}

/// Who decides the rows.
enum Decider {
    Desk { desk: Desk, origin: Origin },
    Rehearsal(Box<Rehearsal>),
}

impl Decider {
    fn desk(settings: &Settings, common: &Common, notify: bool) -> Result<Self, CliError> {
        let log = open_log(settings, &common.data)?;
        let desk = start_desk(settings, log, Arc::new(SystemClock))?;
        Ok(Self::Desk { desk, origin: Origin { history: !notify, ..Origin::of("import") } })
    }

    fn submit(&mut self, commands: Vec<Command>, now: Instant) -> Deciding {
        match self {
            Self::Desk { desk, origin } => {
                let request = Request { hold_lights: true, ..Request::new(commands, origin.clone()) };
                Deciding::Desk(desk.submit(request))
            }
            Self::Rehearsal(rehearsal) => {
                Deciding::Done(commands.iter().map(|command| rehearsal.execute(command, now)).collect())
            }
        }
    }

    /// Has the lights looked at, once for all rows.
    fn settle(self) -> Result<(), CliError> {
        match self {
            Self::Desk { desk, .. } => {
                let settled = desk.settle().map_err(CliError::from);
                desk.stop();
                settled
            }
            Self::Rehearsal(_) => Ok(()),
        }
    }
}

/// Answers to rows handed over.
enum Deciding {
    Desk(Answers),
    Done(Vec<Answer>),
}

impl Deciding {
    fn wait(self) -> Result<Vec<Answer>, CliError> {
        match self {
            Self::Desk(answers) => answers.wait().map_err(CliError::from),
            Self::Done(answers) => Ok(answers),
        }
    }
}

/// An import under way.
struct Import {
    decider: Decider,
    now: Instant,
    waiting: Vec<ReadRow>,
    /// Rows that are being decided while the next are read and the receipts of those before are written.
    deciding: Option<(Vec<ReadRow>, Deciding)>,
    /// Rows of this table that rest on a notice which may stand further down.
    early: Vec<ReadRow>,
    tally: Tally,
    shown: Vec<String>,
    csv: Option<CsvRefusals>,
    xlsx: Option<XlsxRefusals>,
    receipts: Option<Receipts>,
    bar: ProgressBar,
}

impl Import {
    fn new(decider: Decider, papers: Option<&Path>, now: Instant) -> Result<Self, CliError> {
        let csv = papers.map(CsvRefusals::create).transpose().map_err(CliError::failed)?;
        let receipts = papers.map(Receipts::create).transpose().map_err(CliError::failed)?;
        Ok(Self {
            decider,
            now,
            waiting: Vec::with_capacity(BATCH),
            deciding: None,
            early: Vec::new(),
            tally: Tally::default(),
            shown: Vec::new(),
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
                self.end_table()
            }
            Item::Warning(warning) => {
                self.tally.warnings += 1;
                self.show(&warning);
                Ok(())
            }
            Item::Refused(refused) => {
                // A file that cannot be read at all counts as one row, so that it cannot pass for an empty one.
                self.tally.rows += refused.rows.max(1);
                self.tally.refused += refused.rows.max(1);
                self.show(&refused.refusal);
                if let Some(csv) = &mut self.csv {
                    csv.whole(refused.clone());
                }
                if let Some(xlsx) = &mut self.xlsx {
                    xlsx.whole(refused);
                }
                Ok(())
            }
            Item::Row(row) => {
                self.waiting.push(row);
                if self.waiting.len() < BATCH { Ok(()) } else { self.hand_over() }
            }
        }
    }

    /// Hands over the rows that wait, and writes the receipts of those handed over before.
    fn hand_over(&mut self) -> Result<(), CliError> {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        let commands = rows.iter().filter_map(|row| row.outcome.as_ref().ok().cloned()).collect();
        let deciding = self.decider.submit(commands, self.now);
        match self.deciding.replace((rows, deciding)) {
            Some((rows, deciding)) => self.write_receipts(rows, deciding),
            None => Ok(()),
        }
    }

    /// Decides the rows that wait, makes them durable, and writes all receipts. Rows that came before the notice they rest
    /// on are decided again, now that the whole table is known: the order of a sheet decides nothing that dates decide.
    fn end_table(&mut self) -> Result<(), CliError> {
        self.hand_over()?;
        self.settle_rows()?;
        while !self.early.is_empty() {
            let rows = std::mem::take(&mut self.early);
            let commands = rows.iter().filter_map(|row| row.outcome.as_ref().ok().cloned()).collect();
            let answers = self.decider.submit(commands, self.now).wait()?;
            let stuck = answers.iter().all(is_early);
            for (row, answer) in rows.into_iter().zip(answers) {
                if is_early(&answer) && !stuck {
                    self.early.push(row);
                } else {
                    self.answered(&row.table, row.row, &row.cells, &row.warnings, answer)?;
                }
            }
        }
        Ok(())
    }

    /// Waits for the rows handed over and writes their receipts.
    fn settle_rows(&mut self) -> Result<(), CliError> {
        match self.deciding.take() {
            Some((rows, deciding)) => self.write_receipts(rows, deciding),
            None => Ok(()),
        }
    }

    fn write_receipts(&mut self, rows: Vec<ReadRow>, deciding: Deciding) -> Result<(), CliError> {
        let mut answers = deciding.wait()?.into_iter();
        for row in rows {
            self.tally.rows += 1;
            let table = row.table.clone();
            match row.outcome {
                Ok(_) => {
                    let Some(answer) = answers.next() else { continue };
                    if is_early(&answer) {
                        self.early.push(row);
                        continue;
                    }
                    self.answered(&table, row.row, &row.cells, &row.warnings, answer)?;
                }
                Err(refusals) => self.refused(&table, row.row, &row.cells, &refusals)?,
            }
        }
        self.bar.set_position(self.tally.rows);
        self.bar.set_length(self.tally.rows);
        Ok(())
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
                self.tally.accepted += 1;
                ("accepted", receipt.events, receipt.warnings)
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
        self.tally.warnings += u64::try_from(warnings.len()).unwrap_or(u64::MAX);
        if let Some(receipts) = &mut self.receipts {
            let events: Vec<String> = events.iter().map(ToString::to_string).collect();
            receipts.write(table, row, said, &events.join(" "), &warnings).map_err(CliError::failed)?;
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
        if let Some(refusal) = refusals.first() {
            self.show(refusal);
        }
        if let Some(csv) = &mut self.csv {
            csv.row(table, row, cells, refusals).map_err(CliError::failed)?;
        }
        if let Some(xlsx) = &mut self.xlsx {
            xlsx.row(table, row, cells, refusals).map_err(CliError::failed)?;
        }
        if let Some(receipts) = &mut self.receipts {
            receipts.write(table, row, "refused", "", refusals).map_err(CliError::failed)?;
        }
        Ok(())
    }

    fn show(&mut self, finding: &Finding) {
        if u64::try_from(self.shown.len()).is_ok_and(|shown| shown < SHOWN) {
            self.shown.push(format!("{finding}"));
        }
    }

    /// Ends the import: lights are looked at even if reading broke off, for what was accepted stays.
    fn finish(
        self,
        ended: Result<(), CliError>,
        papers: Option<&Path>,
        out: &mut Out,
    ) -> Result<(Tally, u64), CliError> {
        self.bar.finish_and_clear();
        let settled = self.decider.settle();
        for line in &self.shown {
            out.remark(line);
        }
        if let (Some(csv), Some(xlsx), Some(receipts), Some(folder)) = (self.csv, self.xlsx, self.receipts, papers) {
            csv.finish().map_err(CliError::failed)?;
            xlsx.finish(&folder.join("refused.xlsx")).map_err(CliError::failed)?;
            receipts.finish().map_err(CliError::failed)?;
            out.remark(format_args!("receipts and refused rows: {}", folder.display()));
        }
        ended?;
        settled?;
        let shown = u64::try_from(self.shown.len()).unwrap_or(u64::MAX);
        Ok((self.tally, shown))
    }
}

/// Says whether a row was refused only because no exit notice stands on its day.
fn is_early(answer: &Answer) -> bool {
    matches!(answer, Answer::Refused(problems) if problems.iter().all(|problem| problem.code == "no_standing_notice"))
}

/// The receipts: one line per row.
struct Receipts {
    path: PathBuf,
    writer: csv::Writer<Vec<u8>>,
}

impl Receipts {
    fn create(folder: &Path) -> Result<Self, csv::Error> {
        let mut text = Vec::new();
        text.write_all(BYTE_ORDER_MARK.as_bytes())?;
        let mut writer = csv::Writer::from_writer(text);
        writer.write_record([
            "文件 file",
            "工作表 sheet",
            "行 row",
            "结果 result",
            "事件 events",
            "说明",
            "remarks",
        ])?;
        Ok(Self { path: folder.join("receipts.csv"), writer })
    }

    fn write(
        &mut self,
        table: &Table,
        row: u64,
        said: &str,
        events: &str,
        remarks: &[Finding],
    ) -> Result<(), csv::Error> {
        let zh: Vec<&str> = remarks.iter().map(|remark| remark.zh.as_str()).collect();
        let en: Vec<&str> = remarks.iter().map(|remark| remark.en.as_str()).collect();
        let cells = [&*table.file, &*table.sheet, &row.to_string(), said, events, &zh.join("；"), &en.join("; ")]
            .map(|cell| safe_cell(cell, Medium::Csv).into_owned());
        self.writer.write_record(cells)
    }

    fn finish(self) -> std::io::Result<()> {
        let text = self.writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))?;
        write_whole(&self.path, |file| file.write_all(&text))
    }
}

//! An import under way: rows are heard, decided, answered.

use super::TakingError;
use super::decider::{Decider, Deciding};
use super::digest::{self, Root};
use super::file::Begun;
use super::hearing::{Heard, Hearing};
use super::papers::Papers;
use super::shown::Shown;
use super::tally::{Followed, KindTallies, KindTally, Step, Tally};
use crate::desk::{Answer, DeskError, not_recorded};
use crate::domain::check::Problem;
use crate::domain::whose::QUEUED;
use crate::intake::item::{Item, ReadRow, Refused, Table};
use crate::intake::place::{Finding, Place};
use crate::intake::profile::How;
use crate::intake::read::{read, read_handed};
use crate::intake::sheet::SheetKind;
use crate::picture::imports::Imports;
use csv::StringRecord;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows decided and made durable together.
const BATCH: usize = 4_000;
/// Bytes of rows decided together: as many rows of a mebibyte each would not fit in memory.
const BATCH_BYTES: usize = 16 << 20;
/// Bytes of rows that are decided while more is read: about the rows of one hearing.
const IN_FLIGHT_BYTES: usize = 8 << 20;
/// Rows of one table, and bytes of them, that wait for something further down. A year of a city's notices is a thousandth.
const MOST_EARLY: usize = 100_000;
/// As [`MOST_EARLY`], in bytes.
const MOST_EARLY_BYTES: usize = 64 << 20;

/// Hears how far an import has come; [`ControlFlow::Break`] breaks it off.
pub type OnStep<'a> = Box<dyn FnMut(&Step<'_>) -> ControlFlow<()> + 'a>;

/// An import under way.
pub struct Import<'a> {
    decider: Decider,
    how: How,
    on_step: OnStep<'a>,
    /// Where the file that is read comes from.
    root: Root,
    /// The file that is read.
    file: Arc<str>,
    /// What is known of it.
    begun: Option<Begun>,
    /// Sheets that were refused before their file was begun.
    unread: Vec<Place>,
    /// Files that this import took in.
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
    /// Rows of this file that rest on something which may stand further down.
    early: Vec<Heard>,
    early_weight: usize,
    /// Rows that reading handed over.
    handed: u64,
    /// What came of those decided.
    tally: Tally,
    kinds: KindTallies,
    refusals: Shown,
    warnings: Shown,
    papers: Option<Papers>,
    /// Why it ended before its time.
    failure: Option<TakingError>,
}

/// What came of an import.
#[derive(Debug)]
pub struct Ended {
    /// Its rows.
    pub tally: Tally,
    /// The same by kind of sheet.
    pub kinds: KindTallies,
    /// Files of it that were taken in before: nothing changes.
    pub known: u64,
    /// What was refused.
    pub refusals: Shown,
    /// What should be looked at.
    pub warnings: Shown,
    /// What followed, or why it ended before its time. What was accepted until then is recorded and has its receipts.
    pub outcome: Result<Followed, TakingError>,
}

impl<'a> Import<'a> {
    /// Begins an import whose papers go to a folder, if to any, and take about so many bytes at most, if there is a limit.
    ///
    /// # Errors
    /// The papers cannot be written.
    pub fn new(
        decider: Decider,
        papers: Option<(&Path, Option<u64>)>,
        how: How,
        on_step: OnStep<'a>,
    ) -> Result<Self, TakingError> {
        Ok(Self {
            imports: Imports::default(),
            decider,
            how,
            on_step,
            root: Root::Path(PathBuf::new()),
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
            kinds: KindTallies::new(),
            refusals: Shown::default(),
            warnings: Shown::default(),
            papers: papers.map(|(folder, most)| Papers::create(folder, most)).transpose()?,
            failure: None,
        })
    }

    /// Takes a file, or the files of a folder. Returns whether it had a row that could be read.
    pub fn take_path(&mut self, path: &Path) -> bool {
        let how = self.how.clone();
        self.take_from(Root::Path(path.to_path_buf()), |import| {
            let _ = read(path, how, &mut |item| import.take(item));
        })
    }

    /// Takes one file that was handed in under a name. Returns whether it had a row that could be read.
    ///
    /// # Errors
    /// The file cannot be read at all.
    pub fn take_handed(&mut self, mut file: File, name: &str) -> io::Result<bool> {
        file.rewind()?;
        let digest = digest::of(&mut file)?;
        file.rewind()?;
        let how = self.how.clone();
        Ok(self.take_from(Root::Handed(digest), |import| {
            let _ = read_handed(file, name, how, &mut |item| import.take(item));
        }))
    }

    fn take_from(&mut self, root: Root, read: impl FnOnce(&mut Self)) -> bool {
        if self.failure.is_some() {
            return true;
        }
        // Below another root a file may have the same name.
        let turned = self.end_file();
        self.note(turned);
        self.file = "".into();
        self.root = root;
        let before = self.handed;
        if self.failure.is_none() {
            read(self);
        }
        self.handed > before || self.failure.is_some()
    }

    /// Ends the import: lights are looked at even if reading broke off, for what was accepted stays.
    pub fn end(mut self) -> Ended {
        if self.failure.is_none() {
            let ended = self.end_file();
            self.note(ended);
        }
        if self.failure.is_some() {
            // What was handed over before is accepted or not whatever happened since: it gets its receipts.
            let _ = self.settle_rows();
        }
        let settled = self.decider.settle();
        let papers = self.papers.map_or(Ok(()), Papers::finish);
        let outcome = match (papers, self.failure) {
            (Err(failure), _) | (Ok(()), Some(failure)) => Err(failure),
            (Ok(()), None) => settled,
        };
        let Self { tally, kinds, known, refusals, warnings, .. } = self;
        Ended { tally, kinds, known, refusals, warnings, outcome }
    }

    fn note(&mut self, done: Result<(), TakingError>) {
        if let Err(failure) = done {
            self.failure.get_or_insert(failure);
        }
    }

    fn take(&mut self, item: Item) -> ControlFlow<()> {
        let taken = match item {
            Item::Table(table) => self.begin_table(&table),
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
                self.refused_whole(refused);
                Ok(())
            }
            Item::Row(row) => self.read_row(row),
        };
        self.note(taken);
        if self.failure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn read_row(&mut self, row: ReadRow) -> Result<(), TakingError> {
        self.handed += 1;
        let weight = weight(&row);
        if self.hearing.take(row, weight) { Ok(()) } else { self.hear() }
    }

    fn refused_whole(&mut self, refused: Refused) {
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
        if let Some(papers) = &mut self.papers {
            papers.whole(refused);
        }
    }

    fn begin_table(&mut self, table: &Table) -> Result<(), TakingError> {
        if table.file == self.file {
            return Ok(());
        }
        self.end_file()?;
        self.file = Arc::clone(&table.file);
        self.begin_file()?;
        self.step()
    }

    fn begin_file(&mut self) -> Result<(), TakingError> {
        let known = match self.root.digest(&self.file) {
            Some(digest) => {
                let known = match self.imports.find(&digest, &self.file, None) {
                    Some(known) => Some(known),
                    None => self.decider.known(&digest, &self.file)?,
                };
                let after = self.decider.position()?;
                self.begun = Some(Begun::new(digest, &self.file, known.clone(), after, self.tally));
                known
            }
            None => None,
        };
        self.known += u64::from(known.is_some());
        self.hearing = Hearing::of(known);
        let unread = std::mem::take(&mut self.unread);
        if let Some(begun) = &mut self.begun {
            unread.iter().filter(|place| place.file == self.file).for_each(|place| begun.refuse(&place.sheet, None));
        }
        Ok(())
    }

    /// Has the log remember that the file was taken in, if there is something to remember.
    fn file_taken(&mut self) -> Result<(), TakingError> {
        let Some(taken) = self.begun.take().and_then(|begun| begun.end(self.tally)) else { return Ok(()) };
        self.imports.note(&taken, &"".into(), None);
        self.decider.remember(taken)
    }

    /// Says how far it has come.
    fn step(&mut self) -> Result<(), TakingError> {
        let step = Step { file: &self.file, read: self.handed, tally: self.tally };
        if (self.on_step)(&step).is_break() { Err(TakingError::BrokenOff) } else { Ok(()) }
    }

    /// Hears what was read of the file so far, and hands it over.
    fn hear(&mut self) -> Result<(), TakingError> {
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
    fn hand_over(&mut self) -> Result<(), TakingError> {
        let rows = std::mem::replace(&mut self.waiting, Vec::with_capacity(BATCH));
        let weight = std::mem::take(&mut self.weight);
        let deciding = self.decider.submit(&rows, self.how.now);
        self.deciding.push_back((rows, deciding, weight));
        self.in_flight += weight;
        // The newest batch is left: it is decided while more is read.
        while self.in_flight > IN_FLIGHT_BYTES && self.deciding.len() > 1 {
            self.settle_oldest()?;
        }
        Ok(())
    }

    /// Decides the rows of the file that wait, makes them durable, and writes all receipts. Rows that came before what they rest on
    /// are decided again, now that the whole file is known: the order of a sheet decides nothing that dates decide.
    fn end_file(&mut self) -> Result<(), TakingError> {
        self.hear()?;
        self.hand_over()?;
        self.settle_rows()?;
        self.early_weight = 0;
        while !self.early.is_empty() {
            let rows = std::mem::take(&mut self.early);
            let deciding = self.decider.submit(&rows, self.how.now);
            let answers = match self.decider.wait(deciding) {
                Ok(answers) => answers,
                Err(failure) => return Err(self.not_recorded(rows, failure)),
            };
            let stuck = answers.iter().all(is_early);
            for (heard, answer) in rows.into_iter().zip(answers) {
                if is_early(&answer) && !stuck {
                    self.early.push(heard);
                } else {
                    self.answered(&heard.row, answer)?;
                }
            }
        }
        self.file_taken()
    }

    /// Waits for the rows handed over and writes their receipts.
    fn settle_rows(&mut self) -> Result<(), TakingError> {
        while !self.deciding.is_empty() {
            self.settle_oldest()?;
        }
        Ok(())
    }

    fn settle_oldest(&mut self) -> Result<(), TakingError> {
        let Some((rows, deciding, weight)) = self.deciding.pop_front() else { return Ok(()) };
        self.in_flight = self.in_flight.saturating_sub(weight);
        self.write_receipts(rows, deciding)
    }

    fn write_receipts(&mut self, rows: Vec<Heard>, deciding: Deciding) -> Result<(), TakingError> {
        self.tally.rows += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let mut answers = match self.decider.wait(deciding) {
            Ok(answers) => answers.into_iter(),
            Err(failure) => return Err(self.not_recorded(rows, failure)),
        };
        for heard in rows {
            match &heard.row.outcome {
                Ok(command) if heard.passed => {
                    let allowed = self.decider.allows(command, self.how.now);
                    let answer =
                        allowed.map_or_else(|refused| refused, |()| Answer::Unchanged { warnings: Vec::new() });
                    self.answered(&heard.row, answer)?;
                }
                Ok(_) => {
                    let Some(answer) = answers.next() else { continue };
                    let room = self.early.len() < MOST_EARLY && self.early_weight < MOST_EARLY_BYTES;
                    if is_early(&answer) && room {
                        self.early_weight += weight(&heard.row);
                        self.early.push(heard);
                        continue;
                    }
                    self.answered(&heard.row, answer)?;
                }
                Err(refusals) => self.refused(&heard.row.table, heard.row.row, &heard.row.cells, refusals)?,
            }
        }
        if let Some(papers) = &mut self.papers {
            papers.flush()?;
        }
        self.step()
    }

    /// Gives rows that the log took none of receipts which say so. They stand on the refusal sheets as well, to be sent again.
    fn not_recorded(&mut self, rows: Vec<Heard>, failure: DeskError) -> TakingError {
        let said = not_recorded(&failure);
        // Those that waited for something further down wait no longer.
        for Heard { row, .. } in rows.into_iter().chain(std::mem::take(&mut self.early)) {
            let refusals = row.outcome.err().unwrap_or_else(|| vec![row.table.finding(row.row, said.clone())]);
            // The papers may lie on the disk that is full: what could not be recorded is the failure that is told.
            let _ = self.refused(&row.table, row.row, &row.cells, &refusals);
        }
        if let Some(papers) = &mut self.papers {
            let _ = papers.flush();
        }
        failure.into()
    }

    fn answered(&mut self, row: &ReadRow, answer: Answer) -> Result<(), TakingError> {
        let (said, events, problems) = match answer {
            Answer::Accepted(receipt) => {
                let waits = receipt.warnings.iter().any(|warning| warning.code == QUEUED);
                *(if waits { &mut self.tally.queued } else { &mut self.tally.accepted }) += 1;
                let kind = self.kind_of(&row.table);
                *(if waits { &mut kind.queued } else { &mut kind.accepted }) += 1;
                (if waits { QUEUED } else { "accepted" }, receipt.events, receipt.warnings)
            }
            Answer::Unchanged { warnings } => {
                self.tally.unchanged += 1;
                self.kind_of(&row.table).unchanged += 1;
                ("unchanged", Vec::new(), warnings)
            }
            Answer::Refused(problems) => {
                let finding = |problem| row.table.finding(row.row, problem);
                let refusals: Vec<Finding> = problems.into_iter().map(finding).collect();
                return self.refused(&row.table, row.row, &row.cells, &refusals);
            }
        };
        let mut warnings = row.warnings.clone();
        // Reading and deciding both look at the check character; it is one warning.
        let new = |problem: &Problem| !row.warnings.iter().any(|warning| warning.code == problem.code);
        warnings.extend(problems.into_iter().filter(new).map(|problem| row.table.finding(row.row, problem)));
        // What waits is told by its number.
        for warning in warnings.iter().filter(|warning| warning.code != QUEUED) {
            self.tally.warnings += 1;
            self.warnings.show(warning);
        }
        match &mut self.papers {
            Some(papers) => papers.answered(&row.table, row.row, said, &events, &warnings),
            None => Ok(()),
        }
    }

    fn kind_of(&mut self, table: &Table) -> &mut KindTally {
        let kind = table.kind.map_or("commands", SheetKind::name);
        self.kinds.entry(kind.to_owned()).or_default()
    }

    fn refused(
        &mut self,
        table: &Arc<Table>,
        row: u64,
        cells: &StringRecord,
        refusals: &[Finding],
    ) -> Result<(), TakingError> {
        self.tally.refused += 1;
        self.kind_of(table).refused += 1;
        if let Some(begun) = &mut self.begun {
            begun.refuse(&table.sheet, Some(row));
        }
        if let Some(refusal) = refusals.first() {
            self.refusals.show(refusal);
        }
        match &mut self.papers {
            Some(papers) => papers.refused(table, row, cells, refusals),
            None => Ok(()),
        }
    }
}

/// Bytes that a row keeps in memory, roughly: the cells once as text, once as a command.
fn weight(row: &ReadRow) -> usize {
    2 * row.cells.as_slice().len() + 16 * row.cells.len()
}

/// Says whether a row was refused only because of something that may stand further down: the exit notice on its day, the transfer of a lead,
/// the proposal of a joint check, a ticket, what a row ends, or the row of the register that puts the merchant into the speaker's scope.
fn is_early(answer: &Answer) -> bool {
    let may_come = |problem: &Problem| {
        matches!(
            problem.code,
            "no_standing_notice"
                | "no_standing_filing"
                | "not_closed"
                | "no_such_lead"
                | "no_such_check"
                | "no_such_ticket"
                | "no_such_account"
                | "no_such_listing"
                | "no_such_lock"
                | "out_of_scope"
        )
    };
    matches!(answer, Answer::Refused(problems) if problems.iter().all(may_come))
}

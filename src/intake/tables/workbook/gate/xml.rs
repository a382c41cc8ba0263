//! A part in mark-up on its way through the gate, measured with the tokenizer that readers use.

use super::open::{Document, TooMany};
use super::{ELEMENT, Fault, Meter, Metered, TEXT, attribute};
use crate::intake::kind::Book;
use crate::intake::tables::workbook::survey::{Seen, Survey, Surveys};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::io::{self, BufReader, Read};

/// One part on its way through the gate.
pub(super) struct Measuring<'m> {
    book: Book,
    meter: &'m Meter,
    part: String,
    held: &'m mut u64,
    /// Parts that the table of contents names and that are read.
    promised: &'m mut Vec<String>,
    surveys: &'m mut Surveys,
    survey: Survey,
    /// The cell that is being gone through.
    seen: Seen,
    document: Document,
}

impl<'m> Measuring<'m> {
    pub(super) fn new(
        book: Book,
        meter: &'m Meter,
        part: &str,
        held: &'m mut u64,
        promised: &'m mut Vec<String>,
        surveys: &'m mut Surveys,
    ) -> Self {
        let (survey, seen) = (Survey::default(), Seen::default());
        let part = part.to_owned();
        Self { book, meter, part, held, promised, surveys, survey, seen, document: Document::default() }
    }

    /// Keeps what was noted of the sheet.
    pub(super) fn keep(self, part: &str) {
        if !self.survey.is_empty() {
            self.surveys.sheets.insert(part.to_owned(), self.survey);
        }
    }

    pub(super) fn part(&mut self, part: impl Read) -> Result<(), Fault> {
        self.meter.stretch.set(0);
        let mut reader = Reader::from_reader(BufReader::new(Metered { meter: self.meter, input: part }));
        let outcome = self.events(&mut reader);
        if matches!(outcome, Err(Stopped::Fault(_))) || self.meter.passed(&self.part).is_some() {
            let passed = self.meter.passed(&self.part);
            return match outcome {
                Err(Stopped::Fault(fault)) => Err(passed.unwrap_or(fault)),
                _ => Err(passed.unwrap_or_else(|| Fault::Part(self.part.clone()))),
            };
        }
        // What is no XML may be a part that nobody reads. Its checksum counts all the same, and since a reader would hold the
        // rest in one piece, the rest is one stretch.
        let drained = io::copy(reader.get_mut(), &mut io::sink());
        match self.meter.passed(&self.part) {
            Some(fault) => Err(fault),
            None => drained.map(|_| ()).map_err(|_| Fault::Part(self.part.clone())),
        }
    }

    fn events(&mut self, reader: &mut Reader<impl io::BufRead>) -> Result<(), Stopped> {
        let (mut buffer, mut depth, mut inside_cell, mut in_rows) = (Vec::new(), 0_u64, None, false);
        let mut counted = 0;
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer)?;
            match &event {
                Event::Eof => return Ok(()),
                Event::Start(start) => {
                    depth += 1;
                    match start.local_name().as_ref() {
                        "sheetData" => in_rows = true,
                        "c" | "si" => inside_cell = inside_cell.or(Some(depth)),
                        _ => {}
                    }
                    self.weigh(start, in_rows)?;
                    if in_rows {
                        self.seen.start(start, &mut self.survey);
                    } else {
                        self.note(start)?;
                    }
                }
                Event::Empty(empty) => {
                    self.weigh(empty, in_rows)?;
                    if in_rows {
                        self.seen.start(empty, &mut self.survey);
                        let noted = self.seen.end(empty.local_name().as_ref(), &mut self.survey);
                        self.hold(noted)?;
                    } else {
                        self.note(empty)?;
                        self.document.end(empty.local_name().as_ref(), self.surveys)?;
                    }
                }
                Event::Text(text) if in_rows => self.seen.text(text),
                Event::Text(text) => self.document.text(text),
                Event::End(end) => {
                    if in_rows {
                        let noted = self.seen.end(end.local_name().as_ref(), &mut self.survey);
                        self.hold(noted)?;
                    } else {
                        self.document.end(end.local_name().as_ref(), self.surveys)?;
                    }
                    if inside_cell == Some(depth) {
                        inside_cell = None;
                    }
                    if end.local_name().as_ref() == "sheetData" {
                        in_rows = false;
                    }
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            let position = reader.buffer_position();
            if !in_rows {
                self.hold(position.saturating_sub(counted))?;
            }
            counted = position;
            if inside_cell.is_none() {
                self.meter.stretch.set(0);
            }
        }
    }

    /// Notes what stands outside the rows: hidden columns, merged cells, which part is which sheet; and everything of an
    /// OpenDocument sheet, whose rows are no `sheetData`.
    fn note(&mut self, element: &BytesStart<'_>) -> Result<(), Stopped> {
        match element.local_name().as_ref() {
            "col" => self.survey.column(element),
            "mergeCell" => self.survey.merge_cell(element),
            "sheet" => self.surveys.sheet(element),
            "Relationship"
                if ["workbook.xml.rels", "workbook.bin.rels"]
                    .iter()
                    .any(|part| self.part.to_ascii_lowercase().ends_with(part)) =>
            {
                self.surveys.relationship(element);
            }
            _ if self.book == Book::Ods => {
                let noted = self.document.start(element)?;
                self.hold(noted)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts what a reader keeps for an element beside its text.
    fn weigh(&mut self, element: &BytesStart<'_>, in_rows: bool) -> Result<(), Stopped> {
        match element.local_name().as_ref() {
            "sst" => {
                // Readers make room for as many texts as this number says, whether they come or not.
                let count = attribute(element, "uniqueCount").and_then(|count| count.parse::<u64>().ok());
                let room = count.unwrap_or_default().saturating_mul(TEXT);
                if room > self.meter.limits.held {
                    return Err(Stopped::Fault(Fault::TooMuchShared(self.meter.limits.held)));
                }
                Ok(())
            }
            "Relationship" => {
                let kind = attribute(element, "Type").unwrap_or_default();
                let read = ["worksheet", "chartsheet", "dialogsheet", "sharedStrings", "styles", "officeDocument"];
                let kind = kind.rsplit('/').next().unwrap_or_default();
                // A part that is read under a name that is not measured would come in beside the gate.
                let ending = if self.book == Book::Xlsb { ".bin" } else { ".xml" };
                match attribute(element, "Target") {
                    Some(target) if read.contains(&kind) && !target.ends_with(ending) => {
                        Err(Stopped::Fault(Fault::Part(target)))
                    }
                    _ => self.hold(ELEMENT),
                }
            }
            "Override" => {
                let part =
                    attribute(element, "PartName").unwrap_or_default().trim_start_matches('/').to_ascii_lowercase();
                let kept = [
                    "sharedstrings.xml",
                    "styles.xml",
                    "workbook.xml",
                    "sharedstrings.bin",
                    "styles.bin",
                    "workbook.bin",
                ];
                if kept.iter().any(|read| part.ends_with(read)) || part.contains("worksheets/") {
                    self.promised.push(part);
                }
                self.hold(ELEMENT)
            }
            _ if in_rows => Ok(()),
            "t" => Ok(()),
            "si" => self.hold(TEXT),
            "xf" | "font" | "fill" | "border" => self.hold(FORMAT),
            _ => self.hold(ELEMENT),
        }
    }

    fn hold(&mut self, bytes: u64) -> Result<(), Stopped> {
        *self.held = self.held.saturating_add(bytes);
        let limit = self.meter.limits.held;
        if *self.held > limit { Err(Stopped::Fault(Fault::TooMuchShared(limit))) } else { Ok(()) }
    }
}

/// Bytes for a format, with fonts, borders and fills.
const FORMAT: u64 = 512;

/// Why measuring a part ended before its end.
enum Stopped {
    Fault(Fault),
    Syntax,
}

impl From<TooMany> for Stopped {
    fn from(_: TooMany) -> Self {
        Self::Fault(Fault::TooManyCells)
    }
}

impl From<quick_xml::Error> for Stopped {
    fn from(_: quick_xml::Error) -> Self {
        Self::Syntax
    }
}

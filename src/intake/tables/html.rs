//! Tables in HTML: what many office systems export under the name of .xls. Tags are told apart by a tokenizer of the standard; of
//! the tree only rows and cells matter here.

use super::encoding::{Decoded, sniff};
use super::{About, Note, Row, Run};
use crate::intake::cell::Cell;
use crate::intake::commands::row::Cells;
use crate::intake::item::{Item, Refused, Sink};
use crate::intake::place::Finding;
use crate::intake::profile::How;
use crate::intake::tables::lines::{LONGEST_LINE, LineFault, MOST_COLUMNS};
use encoding_rs::Encoding;
use html5gum::{IoReader, StartTag, Token, Tokenizer};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::ops::ControlFlow;

/// A larger file would hold texts of any length in memory.
const LARGEST: u64 = 128 << 20;

/// Rows that one cell may reach over.
const MOST_ROWS_SPANNED: u64 = 65_536;

/// Reads all tables of a page, one under the other.
///
/// # Errors
/// Only before anything was handed over.
pub(in crate::intake) fn read(mut file: File, about: About, how: &How, sink: Sink<'_>) -> io::Result<ControlFlow<()>> {
    if file.metadata()?.len() > LARGEST {
        let place = crate::intake::place::Place { file: about.file, sheet: about.sheet, row: None, column: None };
        let zh = "网页表格超过 128 MiB，请另存为 xlsx 或 csv，或分成几个文件发送";
        let en = "the page has more than 128 MiB; save it as xlsx or csv, or send it in parts";
        let refusal = Finding::new(place, "file_too_large", "", zh, en);
        return Ok(sink(Item::Refused(Refused { refusal, rows: 0 })));
    }
    let encoding = declared(&mut file)?.map_or_else(|| sniff(&file), Ok)?;
    file.rewind()?;
    let mut run = Run::new(about, how, sink);
    let mut page = Page::default();
    for token in Tokenizer::new(IoReader::new(Decoded::new(file, encoding))) {
        let flow = match token {
            Ok(Token::StartTag(tag)) => page.start(&tag, &mut run),
            Ok(Token::EndTag(tag)) => page.end(&tag.name, &mut run),
            Ok(Token::String(text)) => {
                page.text(&String::from_utf8_lossy(&text));
                ControlFlow::Continue(())
            }
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => return Ok(run.damaged(&error.to_string())),
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
    if page.end_row(&mut run).is_break() {
        return Ok(ControlFlow::Break(()));
    }
    Ok(run.finish())
}

/// Returns the encoding that the page declares for itself, if what it declares can be.
fn declared(file: &mut File) -> io::Result<Option<&'static Encoding>> {
    let mut beginning = Vec::new();
    Read::by_ref(file).take(4096).read_to_end(&mut beginning)?;
    file.rewind()?;
    if Encoding::for_bom(&beginning).is_some() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&beginning).to_ascii_lowercase();
    let Some((_, after)) = text.split_once("charset=") else { return Ok(None) };
    let label: String = after
        .trim_start_matches(['"', '\''])
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
        .collect();
    // A page that says UTF-8 and is not would become garbled: looking at it says more than its word.
    Ok(Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != encoding_rs::UTF_8))
}

#[derive(Default)]
struct Page {
    /// Row number; rows of all tables are counted on.
    number: u64,
    row: HtmlRow,
    in_row: bool,
    in_cell: bool,
    /// Depth of style and script, whose text is none.
    aside: usize,
    /// Columns that a cell further up reaches into: column, rows left, its text.
    reaching: Vec<(usize, u64, String)>,
    rows_spanned: u64,
}

impl Page {
    fn start(&mut self, tag: &StartTag<()>, run: &mut Run<'_>) -> ControlFlow<()> {
        match tag.name.as_slice() {
            b"tr" => {
                self.end_row(run)?;
                self.in_row = true;
                self.number += 1;
                self.row.hidden = hides(tag);
            }
            b"td" | b"th" if self.in_row => {
                self.end_cell();
                self.reach();
                self.in_cell = true;
                self.row.columns = span(tag, b"colspan").clamp(1, 1_000);
                self.rows_spanned = span(tag, b"rowspan").clamp(1, MOST_ROWS_SPANNED);
            }
            b"br" | b"p" | b"div" if self.in_cell && !self.row.open.is_empty() => self.row.open.push('\n'),
            b"style" | b"script" if !tag.self_closing => self.aside += 1,
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, name: &[u8], run: &mut Run<'_>) -> ControlFlow<()> {
        match name {
            b"td" | b"th" => self.end_cell(),
            b"tr" => return self.end_row(run),
            b"table" => {
                self.end_row(run)?;
                self.reaching.clear();
            }
            b"style" | b"script" => self.aside = self.aside.saturating_sub(1),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn text(&mut self, text: &str) {
        if self.in_cell && self.aside == 0 {
            self.row.size += text.len();
            if self.row.size <= LONGEST_LINE {
                self.row.open.push_str(text);
            }
        }
    }

    /// Puts the cells that reach down from above where this row has come to.
    fn reach(&mut self) {
        while let Some(at) = self.reaching.iter().position(|(column, _, _)| *column == self.row.cells.len()) {
            let Some((column, left, text)) = self.reaching.get_mut(at) else { return };
            *left -= 1;
            self.row.notes.push((*column, Note::Merged));
            self.row.cells.push(text.clone());
            if *left == 0 {
                self.reaching.swap_remove(at);
            }
        }
    }

    fn end_cell(&mut self) {
        if !std::mem::take(&mut self.in_cell) {
            return;
        }
        let text = std::mem::take(&mut self.row.open);
        let column = self.row.cells.len();
        if self.rows_spanned > 1 && self.reaching.len() < MOST_COLUMNS {
            self.reaching.push((column, self.rows_spanned - 1, text.clone()));
            self.row.notes.push((column, Note::Merged));
        }
        let columns = usize::try_from(std::mem::replace(&mut self.row.columns, 1)).unwrap_or(1);
        if column < MOST_COLUMNS {
            self.row.cells.push(text);
            self.row.cells.extend(std::iter::repeat_n(String::new(), columns - 1));
        }
    }

    fn end_row(&mut self, run: &mut Run<'_>) -> ControlFlow<()> {
        if !std::mem::take(&mut self.in_row) {
            return ControlFlow::Continue(());
        }
        self.end_cell();
        self.reach();
        let row = std::mem::take(&mut self.row);
        if row.size > LONGEST_LINE {
            let beginning: String = row.cells.join(",").chars().take(200).collect();
            return run.broken(self.number, &beginning, LineFault::TooLong);
        }
        run.row(&Row { number: self.number, cells: &row, hidden: row.hidden, notes: &row.notes })
    }
}

#[derive(Default)]
struct HtmlRow {
    cells: Vec<String>,
    notes: Vec<(usize, Note)>,
    /// Text of the cell that is open.
    open: String,
    /// Columns that the open cell reaches over.
    columns: u64,
    /// Bytes of text.
    size: usize,
    hidden: bool,
}

impl Cells for HtmlRow {
    fn width(&self) -> usize {
        self.cells.len()
    }

    fn cell(&self, index: usize) -> Cell<'_> {
        self.cells.get(index).map_or(Cell::Blank, |text| Cell::Text(text.trim()))
    }
}

fn span(tag: &StartTag<()>, name: &[u8]) -> u64 {
    let value = tag.attributes.iter().find(|(key, _)| key.as_slice() == name).map(|(_, value)| value.to_vec());
    value.and_then(|value| String::from_utf8(value).ok()).and_then(|value| value.trim().parse().ok()).unwrap_or(1)
}

fn hides(tag: &StartTag<()>) -> bool {
    let style = tag.attributes.iter().find(|(key, _)| key.as_slice() == b"style").map(|(_, value)| value.to_vec());
    style.is_some_and(|style| String::from_utf8_lossy(&style).replace(' ', "").contains("display:none"))
}

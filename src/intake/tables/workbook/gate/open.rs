//! What an OpenDocument sheet has beside its values, noted on its way through the gate (OpenDocument 1.3, part 3).

use super::{ELEMENT, attribute};
use crate::intake::tables::workbook::survey::{Survey, Surveys};
use crate::intake::tables::{Note, Shown};
use quick_xml::events::{BytesStart, BytesText};
use std::collections::BTreeMap;

/// Cells of a sheet that is held as a whole, at 24 bytes each.
const MOST_CELLS: u64 = 8_000_000;

/// Cells of a repeated one that something is noted of.
const MOST_NOTED: u64 = 1_000_000;

/// A sheet would be held with more cells than that.
pub(super) struct TooMany;

/// The document on its way.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Cells that a reader would hold, with those that are only repeated.
    cells: u64,
    /// How numbers are shown, by the name of the data style.
    data_styles: BTreeMap<String, Shown>,
    /// The data style that is being gone through, and whether its next text is shown beside the number.
    in_data_style: Option<String>,
    /// How numbers are shown, by the name of a cell's style.
    styles: BTreeMap<String, Shown>,
    sheet: Option<Sheet>,
}

/// The sheet that is being gone through.
#[derive(Debug, Default)]
struct Sheet {
    name: String,
    survey: Survey,
    /// Last column and style of what columns say for their cells.
    columns: Vec<(u64, String)>,
    column: u64,
    row: u64,
    rows_repeated: u64,
    row_width: u64,
}

impl Document {
    /// Takes an element that begins; returns the bytes that were noted.
    pub(super) fn start(&mut self, element: &BytesStart<'_>) -> Result<u64, TooMany> {
        let name = |name| attribute(element, name);
        match element.local_name().as_ref() {
            "number-style" | "currency-style" | "percentage-style" => self.in_data_style = name("style:name"),
            "number" | "embedded-text" => {
                let drawn = element.local_name().as_ref() == "embedded-text";
                let divided = name("number:display-factor").and_then(|factor| factor.parse::<f64>().ok());
                if let Some(style) = &self.in_data_style
                    && (drawn || divided.is_some_and(|factor| factor > 1.0))
                {
                    self.data_styles.insert(style.clone(), Shown::Scaled);
                    return Ok(ELEMENT);
                }
            }
            "style" => {
                let shown = name("style:data-style-name").and_then(|style| self.data_styles.get(&style).copied());
                if let (Some(style), Some(shown)) = (name("style:name"), shown) {
                    self.styles.insert(style, shown);
                    return Ok(ELEMENT);
                }
            }
            "table" => {
                self.cells = 0;
                self.sheet = Some(Sheet { name: name("table:name").unwrap_or_default(), ..Sheet::default() });
            }
            "table-column" => return Ok(self.sheet.as_mut().map_or(0, |sheet| sheet.column(element))),
            "table-row" => {
                if let Some(sheet) = &mut self.sheet {
                    sheet.row_begins(element);
                }
            }
            "table-cell" | "covered-table-cell" => {
                if let Some(sheet) = &mut self.sheet {
                    return sheet.cell(element, &self.styles, self.cells);
                }
            }
            _ => {}
        }
        Ok(0)
    }

    /// Takes text: within a data style it is shown beside the number.
    pub(super) fn text(&mut self, text: &BytesText<'_>) {
        if let Some(style) = &self.in_data_style
            && Shown::of_format(&text.xml10_content()) == Some(Shown::Multiplied)
        {
            self.data_styles.entry(style.clone()).or_insert(Shown::Multiplied);
        }
    }

    /// Takes the end of an element.
    pub(super) fn end(&mut self, element: &str, surveys: &mut Surveys) -> Result<(), TooMany> {
        match element {
            "number-style" | "currency-style" | "percentage-style" => self.in_data_style = None,
            "table-row" => {
                if let Some(sheet) = &mut self.sheet {
                    let row = sheet.row_width.min(16_384).saturating_mul(sheet.rows_repeated.min(65_536));
                    self.cells = self.cells.saturating_add(row.min(sheet.row_width.saturating_mul(4)));
                    sheet.row = sheet.row.saturating_add(sheet.rows_repeated);
                    if self.cells > MOST_CELLS {
                        return Err(TooMany);
                    }
                }
            }
            "table" => {
                if let Some(sheet) = self.sheet.take() {
                    surveys.put(sheet.name, sheet.survey);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Sheet {
    fn column(&mut self, element: &BytesStart<'_>) -> u64 {
        let (first, count) = (self.column, repeated(element, "table:number-columns-repeated"));
        self.column = first.saturating_add(count);
        let last = self.column.saturating_sub(1);
        if is_hidden(element)
            && let (Ok(first), Ok(last)) = (usize::try_from(first), usize::try_from(last))
        {
            self.survey.hidden_columns.push((first, last));
        }
        self.columns.push((last, attribute(element, "table:default-cell-style-name").unwrap_or_default()));
        ELEMENT
    }

    fn row_begins(&mut self, element: &BytesStart<'_>) {
        self.rows_repeated = repeated(element, "table:number-rows-repeated");
        self.row_width = 0;
        if is_hidden(element) {
            let last = self.row.saturating_add(self.rows_repeated).saturating_sub(1);
            self.survey.hide_rows(small(self.row), small(last));
        }
    }

    fn cell(&mut self, element: &BytesStart<'_>, styles: &BTreeMap<String, Shown>, cells: u64) -> Result<u64, TooMany> {
        let (first, columns) = (self.row_width, repeated(element, "table:number-columns-repeated"));
        self.row_width = first.saturating_add(columns);
        let kind = attribute(element, "office:value-type");
        let formula = attribute(element, "table:formula").is_some();
        let rows = repeated(element, "table:number-rows-spanned");
        if rows > 1 {
            let width = repeated(element, "table:number-columns-spanned");
            let end = |first: u64, count: u64| small(first.saturating_add(count).saturating_sub(1));
            self.survey.merge((small(self.row), small(first), end(self.row, rows), end(first, width)));
        }
        // What is empty to the end of a row is not kept.
        if kind.is_none() && !formula {
            return Ok(0);
        }
        if cells.saturating_add(self.row_width.saturating_mul(self.rows_repeated)) > MOST_CELLS {
            return Err(TooMany);
        }
        let style = attribute(element, "table:style-name").or_else(|| {
            let at = self.columns.partition_point(|(last, _)| *last < first);
            self.columns.get(at).map(|(_, style)| style.clone())
        });
        let shown = style.and_then(|style| styles.get(&style).copied());
        if (kind.is_none() || shown.is_some()) && columns.saturating_mul(self.rows_repeated) > MOST_NOTED {
            return Err(TooMany);
        }
        let mut noted = 0_u64;
        let mut each = |note: &mut dyn FnMut(&mut Survey, (u32, u32))| {
            for row in self.row..self.row.saturating_add(self.rows_repeated) {
                for column in first..first.saturating_add(columns) {
                    note(&mut self.survey, (small(row), small(column)));
                    noted = noted.saturating_add(ELEMENT);
                }
            }
        };
        match (kind, shown) {
            (None, _) => each(&mut |survey, at| {
                survey.odd.insert(at, (Some(Note::NotCalculated), "#未计算".to_owned()));
            }),
            (Some(_), Some(shown)) => each(&mut |survey, at| {
                survey.shown.insert(at, shown);
            }),
            (Some(_), None) => {}
        }
        Ok(noted)
    }
}

/// A place in a sheet; beyond four billion nothing is read.
fn small(place: u64) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn is_hidden(element: &BytesStart<'_>) -> bool {
    attribute(element, "table:visibility").is_some_and(|how| how == "collapse" || how == "filter")
}

fn repeated(element: &BytesStart<'_>, name: &str) -> u64 {
    attribute(element, name).and_then(|count| count.parse().ok()).unwrap_or(1)
}

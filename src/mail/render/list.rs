//! The list that goes with a digest: a workbook with a row for each merchant. No text of it is a formula, none is about people.

use super::digest::to_do;
use super::view::{minute, word};
use super::{Attachment, one_line};
use crate::alerts::recipients::LetterLanguage;
use crate::domain::cell::{Medium, safe_cell};
use crate::domain::event::MailDigest;
use crate::domain::personal::masked;
use crate::domain::time::{Instant, day_of, deadline};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, XlsxError};

/// Names of the columns, Chinese and English.
const HEAD: [(&str, &str); 9] = [
    ("商户", "Merchant"),
    ("统一社会信用代码", "Credit code"),
    ("原灯", "Light before"),
    ("现灯", "Light"),
    ("亮灯时间", "Since"),
    ("应办事项", "To do"),
    ("期限", "Due"),
    ("逾期事项", "Late"),
    ("商场或品牌", "Mall or brand"),
];

/// Writes the list. The same request gives the same bytes: a mail that is tried again stays the same.
pub(super) fn attachment(at: Instant, digest: &MailDigest, language: LetterLanguage) -> Result<Attachment, XlsxError> {
    let mut book = Workbook::new();
    let made_at = ExcelDateTime::from_timestamp(at.as_second())?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made_at));
    let sheet = book.add_worksheet();
    sheet.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (column, (zh, en)) in (0_u16..).zip(HEAD) {
        let name = if language == LetterLanguage::Chinese { zh } else { en };
        sheet.write_string_with_format(0, column, name, &bold)?;
        sheet.set_column_width(column, 20)?;
    }
    for (row, line) in (1_u32..).zip(&digest.lines) {
        let cells = [
            line.merchant.as_deref().map(|name| masked(name).into_owned()).unwrap_or_default(),
            line.credit_code.to_string(),
            word(line.from, language).to_owned(),
            word(line.to, language).to_owned(),
            minute(line.at),
            to_do(line, language).unwrap_or_default().to_owned(),
            line.due_at.map(deadline).unwrap_or_default(),
            if line.late > 0 { line.late.to_string() } else { String::new() },
            line.group.clone().unwrap_or_default(),
        ];
        for (column, text) in (0_u16..).zip(&cells) {
            sheet.write_string(row, column, &*safe_cell(&one_line(text), Medium::Xlsx))?;
        }
    }
    Ok(Attachment { name: format!("warnlight-{}.xlsx", day_of(at)), bytes: book.save_to_buffer()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::DigestLine;
    use crate::domain::words::Light;
    use calamine::{Data, Reader as _, Xlsx};
    use std::io::Cursor;

    #[test]
    fn the_list_is_the_same_whenever_it_is_written_and_holds_no_formula_and_nobodys_number() {
        let at: Instant = "2025-07-01T01:00:00Z".parse().unwrap();
        let line = DigestLine {
            credit_code: "91110108MA0000000A".parse().unwrap(),
            merchant: Some("=HYPERLINK(1) 13800138000".to_owned()),
            from: Light::Green,
            to: Light::Orange,
            at,
            alert: None,
            zh: Some("约谈".to_owned()),
            en: Some("talk".to_owned()),
            due_at: Some("2025-07-04T16:00:00Z".parse().unwrap()),
            late: 2,
            group: None,
        };
        let digest = MailDigest { urgent: false, lines: vec![line.clone(), line] };
        let written = || attachment(at, &digest, LetterLanguage::Chinese).unwrap();
        assert_eq!(written(), written());
        assert_eq!(written().name, "warnlight-2025-07-01.xlsx");
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(written().bytes)).unwrap();
        let formulas = book.worksheet_formula("Sheet1").unwrap();
        assert!(formulas.is_empty() || formulas.used_cells().next().is_none());
        let cells = book.worksheet_range("Sheet1").unwrap();
        let row: Vec<String> = cells.rows().nth(1).unwrap().iter().map(Data::to_string).collect();
        let [name, rest @ ..] = row.as_slice() else { panic!("{row:?}") };
        assert!(name.starts_with("=HYPERLINK") && !name.contains("13800138000"), "{name}");
        assert_eq!(rest[..7], ["91110108MA0000000A", "绿灯", "橙灯", "2025-07-01 09:00", "约谈", "2025-07-04", "2"]);
    }
}

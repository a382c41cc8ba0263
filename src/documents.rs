//! Letters (文书) as .docx, laid out after GB/T 9704—2012: A4, margins of 37, 26, 35 and 28 mm, the office in red above a red line, the
//! title in 2号, the text in 3号 仿宋 of 22 lines to a page, the signature at the right.

use crate::domain::event::DocumentIssued;
use crate::domain::time::Day;
use docx_rs::{
    AlignmentType, BorderType, Docx, LineSpacing, LineSpacingType, PageMargin, Paragraph, ParagraphBorder,
    ParagraphBorderPosition, Run, RunFonts, SpecialIndentType,
};
use std::io::Cursor;

/// Why a letter could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the letter could not be written as .docx: {0}")]
pub struct DocumentError(String);

/// Twentieths of a point in a millimetre, times 1,000.
const TWIPS: i32 = 56_693;
/// Twentieths of a point: a letter of 3号 (16 points), two of which begin a paragraph.
const LETTER: i32 = 320;
/// Between two lines: 28.95 points, so that 22 of them fill the 225 mm of a page.
const LINE: i32 = 579;
/// Half points.
mod size {
    pub(super) const OFFICE: usize = 62;
    pub(super) const TITLE: usize = 44;
    pub(super) const TEXT: usize = 32;
}
const RED: &str = "E60000";
const SONG: &str = "方正小标宋简体";
const FANG_SONG: &str = "仿宋_GB2312";

/// Writes a letter. The same letter always gives the same bytes.
///
/// # Errors
/// None that a letter of the log gives rise to; see [`DocumentError`].
pub fn docx(letter: &DocumentIssued) -> Result<Vec<u8>, DocumentError> {
    let millimetres = |length: i32| length * TWIPS / 1_000;
    let margins = PageMargin {
        top: millimetres(37),
        left: millimetres(28),
        bottom: millimetres(35),
        right: millimetres(26),
        header: millimetres(15),
        footer: millimetres(28),
        gutter: 0,
    };
    let line = ParagraphBorder::new(ParagraphBorderPosition::Bottom).val(BorderType::Single).size(16).color(RED);
    let mut number = paragraph(&letter.number, FANG_SONG, size::TEXT).align(AlignmentType::Center);
    number.property = number.property.set_border(line);
    let mut page = Docx::new()
        .page_size(11_906, 16_838)
        .page_margin(margins)
        .add_paragraph(coloured(&letter.office).align(AlignmentType::Center))
        .add_paragraph(number)
        .add_paragraph(Paragraph::new())
        .add_paragraph(paragraph(&letter.title, SONG, size::TITLE).align(AlignmentType::Center))
        .add_paragraph(Paragraph::new())
        .add_paragraph(paragraph(&format!("{}：", letter.to), FANG_SONG, size::TEXT));
    for text in &letter.paragraphs {
        let first = Some(SpecialIndentType::FirstLine(2 * LETTER));
        page = page.add_paragraph(paragraph(text, FANG_SONG, size::TEXT).indent(None, first, None, None));
    }
    let signed = |text: &str, from_right: i32| {
        paragraph(text, FANG_SONG, size::TEXT).align(AlignmentType::Right).indent(None, None, Some(from_right), None)
    };
    page = page
        .add_paragraph(Paragraph::new())
        .add_paragraph(signed(&letter.office, 2 * LETTER))
        .add_paragraph(signed(&written(letter.date), 4 * LETTER));
    let mut bytes = Cursor::new(Vec::new());
    page.build().pack(&mut bytes).map_err(|error| DocumentError(error.to_string()))?;
    Ok(bytes.into_inner())
}

/// Returns a day as letters write it: `2025年8月18日`.
#[must_use]
pub fn written(day: Day) -> String {
    day.strftime("%Y年%-m月%-d日").to_string()
}

fn paragraph(text: &str, font: &str, size: usize) -> Paragraph {
    spaced(run(text, font, size))
}

fn coloured(office: &str) -> Paragraph {
    spaced(run(office, SONG, size::OFFICE).color(RED))
}

fn run(text: &str, font: &str, size: usize) -> Run {
    Run::new()
        .add_text(text)
        .size(size)
        .fonts(RunFonts::new().east_asia(font).ascii("Times New Roman").hi_ansi("Times New Roman"))
}

fn spaced(run: Run) -> Paragraph {
    let size = LineSpacing::new().line_rule(LineSpacingType::AtLeast).line(LINE);
    Paragraph::new().add_run(run).line_spacing(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn letter() -> DocumentIssued {
        serde_json::from_str(include_str!("../events/enforcement.document_issued.v1.example.json")).unwrap()
    }

    fn part(bytes: &[u8], name: &str) -> String {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_letter_is_laid_out_as_offices_write_and_always_the_same() {
        let letter = letter();
        let bytes = docx(&letter).unwrap();
        assert_eq!(bytes, docx(&letter).unwrap());
        let text = part(&bytes, "word/document.xml");
        let said = ["海淀区商务局", "海商警〔2025〕31号", "警示信", "北京某健身有限公司：", "2025年8月18日"];
        for said in said.into_iter().chain(letter.paragraphs.iter().map(String::as_str)) {
            assert!(text.contains(said), "{said}: {text}");
        }
        assert!(text.contains(r#"w:top="2097""#) && text.contains(r#"w:w="11906""#), "{text}");
        // What stands first on the paper stands first in the file.
        let places: Vec<_> = said.map(|said| text.find(said).unwrap()).to_vec();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_an_office_writes_cannot_break_the_file() {
        let odd = DocumentIssued { to: "<w:p>&\"甲\"".to_owned(), ..letter() };
        let text = part(&docx(&odd).unwrap(), "word/document.xml");
        assert!(text.contains("&lt;w:p&gt;&amp;"), "{text}");
    }
}

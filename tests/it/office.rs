//! The same tables as every kind of file an office may send: each kind from lines of cells.
//!
//! Written here after the formats' descriptions (ECMA-376, OpenDocument 1.3, [MS-XLSB]), not by the programs of offices: what those
//! add of their own is not proved by these files. `tests/fixtures/sheets` has files that other programs wrote.

use std::fmt::Write as _;
use std::io::Write as _;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A sheet: its name, and its lines of cells.
pub(crate) struct Sheet<'a> {
    pub(crate) name: &'a str,
    pub(crate) lines: &'a [Vec<String>],
}

/// How a sheet looks beside its values. Rows and columns count from 0.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    pub(crate) hidden_row: Option<u32>,
    pub(crate) hidden_column: Option<u32>,
    /// First row, last row, column.
    pub(crate) merged: Option<[u32; 3]>,
    /// Figures are shown with 万 behind them.
    pub(crate) in_wan: bool,
}

const IN_WAN: &str = "0.00\"万元\"";

pub(crate) fn zipped(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// An archive as it is made where names are written in GB18030 and nothing says so.
pub(crate) fn zipped_with_gb_names(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = parts.iter().map(|(name, _)| gb(name)).collect();
    let stand_ins: Vec<String> =
        names.iter().enumerate().map(|(at, name)| format!("{at:z>width$}", width = name.len())).collect();
    let held: Vec<(&str, &[u8])> =
        stand_ins.iter().map(String::as_str).zip(parts.iter().map(|(_, held)| *held)).collect();
    let mut bytes = zipped(&held);
    for (stand_in, name) in stand_ins.iter().zip(&names) {
        let places: Vec<usize> =
            (0..bytes.len() - name.len()).filter(|at| bytes[*at..].starts_with(stand_in.as_bytes())).collect();
        for at in places {
            bytes[at..at + name.len()].copy_from_slice(name);
        }
    }
    bytes
}

pub(crate) fn gb(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

/// UTF-16, the low byte first, with its mark.
pub(crate) fn wide(text: &str) -> Vec<u8> {
    [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn csv(lines: &[Vec<String>], between: char, end: &str) -> String {
    let cell = |cell: &String| {
        let quoted = cell.contains(['"', '\n', '\r', between]);
        if quoted { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.clone() }
    };
    let line = |line: &Vec<String>| line.iter().map(cell).collect::<Vec<_>>().join(&between.to_string()) + end;
    lines.iter().map(line).collect()
}

/// A workbook of text cells, as systems export them.
pub(crate) fn xlsx(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    for sheet in sheets {
        let page = book.add_worksheet().set_name(sheet.name).unwrap();
        for (row, line) in (0..).zip(sheet.lines) {
            for (column, cell) in (0..).zip(line) {
                page.write_string(row, column, cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

/// What a person who types a cell makes of it: days become dates, figures numbers; the rest stays text.
enum Typed<'a> {
    Day(jiff::civil::Date),
    Figure(f64),
    Text(&'a str),
}

/// A code or a number that means no amount has more digits than a cell keeps, or is no figure to begin with.
fn typed(cell: &str) -> Typed<'_> {
    match cell.parse::<jiff::civil::Date>() {
        Ok(day) if cell.len() == 10 => return Typed::Day(day),
        _ => {}
    }
    match cell.parse::<f64>() {
        Ok(figure) if cell.contains('.') && figure.abs() < 1e12 => Typed::Figure(figure),
        _ => Typed::Text(cell),
    }
}

/// The same as a person leaves it who typed it: days and figures are kept as such.
pub(crate) fn typed_xlsx(sheets: &[Sheet<'_>]) -> Vec<u8> {
    xlsx_that_looks(sheets, Look::default())
}

pub(crate) fn xlsx_that_looks(sheets: &[Sheet<'_>], look: Look) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let wan = rust_xlsxwriter::Format::new().set_num_format(if look.in_wan { IN_WAN } else { "General" });
    let date = rust_xlsxwriter::Format::new().set_num_format("yyyy/m/d");
    for sheet in sheets {
        let page = book.add_worksheet().set_name(sheet.name).unwrap();
        for (row, line) in (0..).zip(sheet.lines) {
            for (column, cell) in (0..).zip(line) {
                match typed(cell) {
                    Typed::Day(day) => {
                        let day = rust_xlsxwriter::ExcelDateTime::parse_from_str(&day.to_string()).unwrap();
                        page.write_datetime_with_format(row, column, day, &date).unwrap()
                    }
                    Typed::Figure(figure) => page.write_number_with_format(row, column, figure, &wan).unwrap(),
                    Typed::Text(text) => page.write_string(row, column, text).unwrap(),
                };
            }
        }
        if let Some([first, last, column]) = look.merged {
            let column = u16::try_from(column).unwrap();
            let held = &sheet.lines[first as usize][usize::from(column)];
            page.merge_range(first, column, last, column, held, &rust_xlsxwriter::Format::new()).unwrap();
        }
        if let Some(row) = look.hidden_row {
            page.set_row_hidden(row).unwrap();
        }
        if let Some(column) = look.hidden_column {
            page.set_column_hidden(u16::try_from(column).unwrap()).unwrap();
        }
    }
    book.save_to_buffer().unwrap()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Text of an OpenDocument cell: blanks in a row and tabs have elements of their own there, lines are paragraphs.
fn paragraphs(text: &str) -> String {
    let line = |line: &str| {
        let kept: String = line
            .chars()
            .map(|letter| match letter {
                ' ' => "<text:s/>".to_owned(),
                '\t' => "<text:tab/>".to_owned(),
                letter => escaped(&letter.to_string()),
            })
            .collect();
        format!("<text:p>{kept}</text:p>")
    };
    text.split('\n').map(line).collect()
}

/// An OpenDocument workbook; days and figures are kept as such.
pub(crate) fn ods(sheets: &[Sheet<'_>]) -> Vec<u8> {
    ods_that_looks(sheets, Look::default())
}

pub(crate) fn ods_that_looks(sheets: &[Sheet<'_>], look: Look) -> Vec<u8> {
    let hidden = |hidden: bool| if hidden { " table:visibility=\"collapse\"" } else { "" };
    let cell = |(row, column): (u32, u32), cell: &str| {
        let spans = match look.merged {
            Some([first, last, at]) if (first, at) == (row, column) => {
                format!(" table:number-rows-spanned=\"{}\"", last - first + 1)
            }
            Some([first, last, at]) if at == column && (first + 1..=last).contains(&row) => {
                return "<table:covered-table-cell/>".to_owned();
            }
            _ => String::new(),
        };
        match typed(cell) {
            Typed::Day(day) => format!(
                "<table:table-cell{spans} office:value-type=\"date\" office:date-value=\"{day}\"><text:p>{}</text:p></table:table-cell>",
                day.strftime("%Y年%-m月%-d日")
            ),
            Typed::Figure(figure) => format!(
                "<table:table-cell{spans} office:value-type=\"float\" office:value=\"{figure}\"><text:p>{figure}</text:p></table:table-cell>"
            ),
            Typed::Text("") => "<table:table-cell/>".to_owned(),
            Typed::Text(text) => {
                format!("<table:table-cell{spans} office:value-type=\"string\">{}</table:table-cell>", paragraphs(text))
            }
        }
    };
    let row = |(row, line): (u32, &Vec<String>)| {
        let cells: String = (0..).zip(line).map(|(column, text)| cell((row, column), text)).collect();
        format!("<table:table-row{}>{cells}</table:table-row>", hidden(look.hidden_row == Some(row)))
    };
    let style = if look.in_wan { "wan" } else { "plain" };
    let tables: String = sheets
        .iter()
        .map(|sheet| {
            let width = u32::try_from(sheet.lines.iter().map(Vec::len).max().unwrap_or(1)).unwrap();
            let columns: String = (0..width)
                .map(|column| {
                    let hidden = hidden(look.hidden_column == Some(column));
                    format!("<table:table-column{hidden} table:default-cell-style-name=\"{style}\"/>")
                })
                .collect();
            let rows: String = (0..).zip(sheet.lines).map(row).collect();
            format!("<table:table table:name=\"{}\">{columns}{rows}</table:table>", escaped(sheet.name))
        })
        .collect();
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><office:document-content \
         xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" \
         xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\" \
         xmlns:style=\"urn:oasis:names:tc:opendocument:xmlns:style:1.0\" \
         xmlns:number=\"urn:oasis:names:tc:opendocument:xmlns:datastyle:1.0\"><office:automatic-styles>\
         <number:number-style style:name=\"N1\"><number:number number:decimal-places=\"2\"/><number:text>万元</number:text>\
         </number:number-style><style:style style:name=\"wan\" style:family=\"table-cell\" style:data-style-name=\"N1\"/>\
         <style:style style:name=\"plain\" style:family=\"table-cell\"/></office:automatic-styles><office:body><office:spreadsheet>{tables}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    let manifest = b"<?xml version=\"1.0\"?><manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"/>";
    zipped(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", manifest),
        ("content.xml", content.as_bytes()),
    ])
}

/// A table in a web page, which many office systems call .xls.
pub(crate) fn html(sheet: &Sheet<'_>) -> String {
    let cell = |cell: &String| format!("<td>{}</td>", escaped(cell).replace('\n', "<br>"));
    let rows: String =
        sheet.lines.iter().map(|line| format!("<tr>{}</tr>\n", line.iter().map(cell).collect::<String>())).collect();
    format!("<html><head><meta charset=gb2312></head><body><table>{rows}</table></body></html>")
}

/// A number in groups of seven bits, the lowest first ([MS-XLSB] 2.1.4).
fn grouped(out: &mut Vec<u8>, mut number: usize) {
    while number > 0x7F {
        out.push((number & 0x7F) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A record of a binary workbook: its number, its length, its body.
fn record(out: &mut Vec<u8>, number: usize, body: &[u8]) {
    grouped(out, number);
    grouped(out, body.len());
    out.extend(body);
}

/// The count of its units, then UTF-16.
fn wide_string(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let count = u32::try_from(units.len()).unwrap();
    count.to_le_bytes().into_iter().chain(units.into_iter().flat_map(u16::to_le_bytes)).collect()
}

/// Days since the beginning of 1900 as spreadsheets count them.
fn serial(day: jiff::civil::Date) -> f64 {
    f64::from((day - jiff::civil::date(1899, 12, 30)).get_days())
}

/// A binary workbook: texts shared, days and figures kept as such.
pub(crate) fn xlsb(sheets: &[Sheet<'_>]) -> Vec<u8> {
    xlsb_that_looks(sheets, Look::default())
}

pub(crate) fn xlsb_that_looks(sheets: &[Sheet<'_>], look: Look) -> Vec<u8> {
    let numbers = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let (mut texts, mut pages) = (Vec::<&str>::new(), Vec::new());
    for sheet in sheets {
        let (mut page, width) = (Vec::new(), sheet.lines.iter().map(Vec::len).max().unwrap_or(1));
        record(&mut page, 129, &[]);
        let last = |count: usize| u32::try_from(count.max(1) - 1).unwrap();
        record(&mut page, 148, &numbers(&[0, last(sheet.lines.len()), 0, last(width)]));
        if let Some(column) = look.hidden_column {
            record(&mut page, 390, &[]);
            record(&mut page, 60, &[numbers(&[column, column, 0, 0]), vec![1, 0]].concat());
            record(&mut page, 391, &[]);
        }
        record(&mut page, 145, &[]);
        for (row, line) in (0_u32..).zip(sheet.lines) {
            let hidden = if look.hidden_row == Some(row) { 0x10 } else { 0 };
            let head = [numbers(&[row, 0]), vec![0x1D, 0x01, 0, hidden, 0], numbers(&[0])].concat();
            record(&mut page, 0, &head);
            for (column, cell) in (0_u32..).zip(line) {
                let covered = |[first, last, at]: [u32; 3]| at == column && (first + 1..=last).contains(&row);
                match typed(cell) {
                    _ if look.merged.is_some_and(covered) => record(&mut page, 1, &numbers(&[column, 0])),
                    Typed::Text("") => record(&mut page, 1, &numbers(&[column, 0])),
                    Typed::Text(text) => {
                        let at = texts.iter().position(|known| *known == text).unwrap_or_else(|| {
                            texts.push(text);
                            texts.len() - 1
                        });
                        record(&mut page, 7, &numbers(&[column, 0, u32::try_from(at).unwrap()]));
                    }
                    Typed::Figure(figure) => {
                        record(&mut page, 5, &[numbers(&[column, 2]), figure.to_le_bytes().to_vec()].concat());
                    }
                    Typed::Day(day) => {
                        record(&mut page, 5, &[numbers(&[column, 1]), serial(day).to_le_bytes().to_vec()].concat());
                    }
                }
            }
        }
        record(&mut page, 146, &[]);
        if let Some([first, last, column]) = look.merged {
            record(&mut page, 177, &numbers(&[1]));
            record(&mut page, 176, &numbers(&[first, last, column, column]));
            record(&mut page, 178, &[]);
        }
        record(&mut page, 130, &[]);
        pages.push(page);
    }
    let (mut book, mut shared, mut styles) = (Vec::new(), Vec::new(), Vec::new());
    record(&mut book, 131, &[]);
    record(&mut book, 143, &[]);
    for (at, sheet) in (1_u32..).zip(sheets) {
        let body = [numbers(&[0, at]), wide_string(&format!("rId{at}")), wide_string(sheet.name)].concat();
        record(&mut book, 156, &body);
    }
    record(&mut book, 144, &[]);
    record(&mut book, 157, &[0; 26]);
    record(&mut book, 132, &[]);
    let count = u32::try_from(texts.len()).unwrap();
    record(&mut shared, 159, &numbers(&[count, count]));
    for text in texts {
        record(&mut shared, 19, &[vec![0], wide_string(text)].concat());
    }
    record(&mut shared, 160, &[]);
    record(&mut styles, 278, &[]);
    record(&mut styles, 615, &numbers(&[1]));
    record(&mut styles, 44, &[164_u16.to_le_bytes().to_vec(), wide_string(IN_WAN)].concat());
    record(&mut styles, 616, &[]);
    record(&mut styles, 617, &numbers(&[3]));
    for format in [0_u16, 14, if look.in_wan { 164 } else { 0 }] {
        record(&mut styles, 47, &[vec![0, 0], format.to_le_bytes().to_vec(), vec![0; 12]].concat());
    }
    record(&mut styles, 618, &[]);
    record(&mut styles, 279, &[]);
    let mut links = String::new();
    let mut types = String::new();
    for at in 1..=sheets.len() {
        let _ = write!(
            links,
            "<Relationship Id=\"rId{at}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet\" \
             Target=\"worksheets/sheet{at}.bin\"/>"
        );
        let _ = write!(
            types,
            "<Override PartName=\"/xl/worksheets/sheet{at}.bin\" ContentType=\"application/vnd.ms-excel.worksheet\"/>"
        );
    }
    let links = format!(
        "<?xml version=\"1.0\"?><Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{links}</Relationships>"
    );
    let types = format!(
        "<?xml version=\"1.0\"?><Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
         <Default Extension=\"bin\" ContentType=\"application/vnd.ms-excel.sheet.binary.macroEnabled.main\"/>{types}</Types>"
    );
    let names: Vec<String> = (1..=sheets.len()).map(|at| format!("xl/worksheets/sheet{at}.bin")).collect();
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", types.as_bytes()),
        ("xl/workbook.bin", &book),
        ("xl/_rels/workbook.bin.rels", links.as_bytes()),
        ("xl/sharedStrings.bin", &shared),
        ("xl/styles.bin", &styles),
    ];
    parts.extend(names.iter().map(String::as_str).zip(pages.iter().map(Vec::as_slice)));
    zipped(&parts)
}

/// An old workbook ([MS-XLS], the way of 1997 and later, which WPS calls .et too); days and figures are kept as such.
pub(crate) fn xls(sheets: &[Sheet<'_>]) -> Vec<u8> {
    xls_that_looks(sheets, Look::default())
}

pub(crate) fn xls_that_looks(sheets: &[Sheet<'_>], look: Look) -> Vec<u8> {
    fn put(out: &mut Vec<u8>, number: u16, body: &[u8]) {
        out.extend(number.to_le_bytes());
        out.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
        out.extend(body);
    }
    let numbers = |numbers: &[u16]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
    let small = |place: u32| u16::try_from(place).unwrap();
    let wide = |text: &str| -> (u16, Vec<u8>) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let bytes = [1].into_iter().chain(units.iter().flat_map(|unit| unit.to_le_bytes())).collect();
        (u16::try_from(units.len()).unwrap(), bytes)
    };
    let page = |sheet: &Sheet<'_>| {
        let mut page = Vec::new();
        put(&mut page, 0x809, &numbers(&[0x600, 0x10, 0, 0, 0, 0, 0, 0]));
        if let Some(column) = look.hidden_column.map(small) {
            put(&mut page, 0x7D, &numbers(&[column, column, 0, 0, 1, 0]));
        }
        for (row, line) in (0_u16..).zip(sheet.lines) {
            let hidden = if look.hidden_row.map(small) == Some(row) { 0x20 } else { 0 };
            put(&mut page, 0x208, &numbers(&[row, 0, u16::try_from(line.len()).unwrap(), 0x00FF, 0, 0, hidden, 0]));
            for (column, cell) in (0_u16..).zip(line) {
                let covered = |[first, last, at]: [u32; 3]| {
                    small(at) == column && (small(first) + 1..=small(last)).contains(&row)
                };
                let mut figure = |style: u16, figure: f64| {
                    put(&mut page, 0x203, &[numbers(&[row, column, style]), figure.to_le_bytes().to_vec()].concat());
                };
                match typed(cell) {
                    _ if look.merged.is_some_and(covered) => {}
                    Typed::Text("") => {}
                    Typed::Text(text) => {
                        let (count, text) = wide(text);
                        put(&mut page, 0x204, &[numbers(&[row, column, 0, count]), text].concat());
                    }
                    Typed::Figure(number) => figure(2, number),
                    Typed::Day(day) => figure(1, serial(day)),
                }
            }
        }
        if let Some([first, last, column]) = look.merged {
            put(&mut page, 0xE5, &numbers(&[1, small(first), small(last), small(column), small(column)]));
        }
        put(&mut page, 0x0A, &[]);
        page
    };
    let pages: Vec<Vec<u8>> = sheets.iter().map(page).collect();
    // Where the sheets begin depends on how long their list is.
    let globals = |begins: &[u32]| {
        let mut book = Vec::new();
        put(&mut book, 0x809, &numbers(&[0x600, 0x05, 0, 0, 0, 0, 0, 0]));
        put(&mut book, 0x42, &numbers(&[1200]));
        let (count, code) = wide(IN_WAN);
        put(&mut book, 0x41E, &[numbers(&[164, count]), code].concat());
        for format in [0, 14, if look.in_wan { 164 } else { 0 }] {
            put(&mut book, 0xE0, &numbers(&[0, format, 0, 0, 0, 0, 0, 0, 0, 0]));
        }
        for (sheet, begin) in sheets.iter().zip(begins) {
            let (count, name) = wide(sheet.name);
            let begin = begin.to_le_bytes().to_vec();
            put(&mut book, 0x85, &[begin, vec![0, 0, u8::try_from(count).unwrap()], name].concat());
        }
        put(&mut book, 0x0A, &[]);
        book
    };
    let first = globals(&vec![0; sheets.len()]).len();
    let begins: Vec<u32> = (0..pages.len())
        .map(|at| u32::try_from(first + pages[..at].iter().map(Vec::len).sum::<usize>()).unwrap())
        .collect();
    // Offices' programs write the third version.
    let held = std::io::Cursor::new(Vec::new());
    let mut compound = cfb::CompoundFile::create_with_version(cfb::Version::V3, held).unwrap();
    let mut stream = compound.create_stream("/Workbook").unwrap();
    stream.write_all(&[globals(&begins), pages.concat()].concat()).unwrap();
    drop(stream);
    compound.into_inner().into_inner()
}

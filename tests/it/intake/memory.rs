//! Memory of a whole import, as the system counts it: what is sent in may be five times as large, and takes no more of it.

use super::CODE;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const HEADER: &str = "credit_code,date,held,abnormal";

/// More than this is more than rounding, in MiB: the buffers of a large workbook were seen to take up to 33. Each of the larger inputs would take several times as much if it was held.
const MARGIN: u64 = 48;

/// Imports a file in a process of its own. Returns how that ended, and the most memory that it had (`VmHWM`), in MiB.
fn import(file: &Path, out: Option<&Path>) -> (i32, u64) {
    // The system tells the most memory of a process that has ended to its parent only.
    let measure = "import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new("/usr/bin/python3");
    command.args(["-c", measure, env!("CARGO_BIN_EXE_warnlight"), "import", "--dry-run", "--data"]).arg(data.path());
    if let Some(out) = out {
        command.arg("--out").arg(out);
    }
    let measured = command.arg(file).output().unwrap();
    let said = String::from_utf8(measured.stdout).unwrap();
    let (code, kilobytes) = said.trim().split_once(' ').unwrap();
    (code.parse().unwrap(), kilobytes.parse::<u64>().unwrap() >> 10)
}

fn sheet(room: &TempDir, lines: usize, line: impl Fn(usize) -> String) -> PathBuf {
    let path = room.path().join(format!("custody-{lines}.csv"));
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "{HEADER}").unwrap();
    for number in 0..lines {
        writeln!(file, "{}", line(number)).unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    path
}

/// Five times as many lines end alike and take no more memory.
fn is_bounded(lines: usize, papers: bool, line: impl Fn(usize) -> String) {
    let room = tempfile::tempdir().unwrap();
    let out = papers.then(|| room.path().join("out"));
    let of = |lines| import(&sheet(&room, lines, &line), out.as_deref());
    let ((ended, few), (also_ended, many)) = (of(lines), of(5 * lines));
    assert_eq!((ended, also_ended), (2, 2), "all rows are refused");
    assert!(many <= few + MARGIN, "{few} MiB for {lines} lines, {many} MiB for five times as many");
}

#[test]
fn many_refused_rows_take_no_more_memory_than_few() {
    let words = "x".repeat(1_500);
    is_bounded(6_000, true, |number| format!("{CODE},2025-01-{number},5,{words}"));
}

#[test]
fn many_wide_rows_take_no_more_memory_than_few() {
    let cells = "7,".repeat(16_000);
    is_bounded(80, false, |_| format!("{CODE},x,5,{cells}"));
}

#[test]
fn long_lines_take_no_more_memory_than_they_may_have() {
    let words = "x".repeat(3 << 20);
    is_bounded(4, true, |_| format!("{CODE},2025-01-01,5,{words}"));
}

#[test]
fn a_workbook_that_unpacks_to_much_is_refused_before_it_is_held() {
    let room = tempfile::tempdir().unwrap();
    let book = |name: &str, part: &str, pieces: usize, before: &str| {
        let path = room.path().join(name);
        let mut book = ZipWriter::new(File::create(&path).unwrap());
        book.start_file("_rels/.rels", SimpleFileOptions::default()).unwrap();
        let workbook = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument";
        write!(
            book,
            "<Relationships><Relationship Id=\"1\" Type=\"{workbook}\" Target=\"xl/workbook.xml\"/></Relationships>"
        )
        .unwrap();
        book.start_file(part, SimpleFileOptions::default()).unwrap();
        book.write_all(before.as_bytes()).unwrap();
        for _ in 0..pieces {
            book.write_all(&[b'x'; 1 << 20]).unwrap();
        }
        book.finish().unwrap();
        path
    };
    let (ended, little) = import(&book("small.xlsx", "xl/sharedStrings.xml", 0, "<sst>"), None);
    assert_eq!(ended, 7);
    for path in [
        book("text.xlsx", "xl/sharedStrings.xml", 80, "<sst><si><t>"),
        book("case.xlsx", "xl/SHAREDSTRINGS.XML", 80, "<sst><si><t>"),
        book("count.xlsx", "xl/sharedStrings.xml", 0, "<sst uniqueCount=\"99999999999\"><si>"),
        book("picture.xlsx", "xl/media/image1.png", 80, "PNG"),
    ] {
        let (ended, much) = import(&path, None);
        assert_eq!(ended, 7, "{}", path.display());
        assert!(much <= little + MARGIN, "{}: {much} MiB, and {little} for a small one", path.display());
    }
}

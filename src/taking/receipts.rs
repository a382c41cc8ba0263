//! The receipts of an import: one line per row, written as rows are decided, so that what was accepted has its receipt even
//! if the import ends before its time.

use super::TakingError;
use crate::intake::export::{BYTE_ORDER_MARK, Medium, safe_cell};
use crate::intake::item::Table;
use crate::intake::place::Finding;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// `receipts.csv`, open for writing.
pub(super) struct Receipts {
    path: PathBuf,
    writer: csv::Writer<File>,
}

impl Receipts {
    /// Begins the file in `folder`, which is there.
    pub(super) fn create(folder: &Path) -> Result<Self, TakingError> {
        let path = folder.join("receipts.csv");
        // For nobody else, as the refusal sheets beside it.
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path);
        let begun = open.and_then(|mut file| {
            file.write_all(BYTE_ORDER_MARK.as_bytes())?;
            let mut writer = csv::Writer::from_writer(file);
            let heading = [
                "文件 file",
                "工作表 sheet",
                "行 row",
                "结果 result",
                "事件 events",
                "说明",
                "remarks",
                "格式 profile",
            ];
            writer.write_record(heading)?;
            Ok(writer)
        });
        match begun {
            Ok(writer) => Ok(Self { path, writer }),
            Err(error) => Err(unwritable(&path, error)),
        }
    }

    /// Writes the line of a row.
    pub(super) fn write(
        &mut self,
        table: &Table,
        row: u64,
        said: &str,
        events: &str,
        remarks: &[Finding],
    ) -> Result<(), TakingError> {
        let zh: Vec<&str> = remarks.iter().map(|remark| remark.zh.as_str()).collect();
        let en: Vec<&str> = remarks.iter().map(|remark| remark.en.as_str()).collect();
        let profile = table.profile.as_ref().map(|profile| profile.label()).unwrap_or_default();
        let (zh, en) = (zh.join("；"), en.join("; "));
        let cells = [&*table.file, &*table.sheet, &row.to_string(), said, events, &zh, &en, &profile]
            .map(|cell| safe_cell(cell, Medium::Csv).into_owned());
        self.writer.write_record(cells).map_err(|error| unwritable(&self.path, error.into()))
    }

    /// Writes that nothing more follows, and why.
    pub(super) fn cut(&mut self, zh: &str, en: &str) -> Result<(), TakingError> {
        let cells = ["", "", "", "cut", "", zh, en, ""];
        self.writer.write_record(cells).map_err(|error| unwritable(&self.path, error.into()))
    }

    /// Puts what was written so far into the file.
    pub(super) fn flush(&mut self) -> Result<(), TakingError> {
        self.writer.flush().map_err(|error| unwritable(&self.path, error))
    }
}

fn unwritable(path: &Path, reason: io::Error) -> TakingError {
    TakingError::Receipts { path: path.to_owned(), reason }
}

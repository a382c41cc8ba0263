//! Files and folders as the offices send them.

mod acts;
#[path = "cases.rs"]
mod cases;
mod dates;
mod files;
mod memory;
mod ndjson;
mod persons;
mod refusal_sheets;
mod returned;
mod rows;
mod shapes;
mod workbooks;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use warnlight::domain::command::Command;
use warnlight::domain::time::Instant;
use warnlight::intake::item::{Item, ReadRow, Refused, Remark, Table};
use warnlight::intake::place::Finding;
use warnlight::intake::read::{read, read_file};
use warnlight::intake::sheet::SheetKind;

const CODE: &str = "91110000101623741K";

/// Noon of 2026-06-01 in Shanghai, after everything in the samples but the report of 2031.
fn now() -> Instant {
    "2026-06-01T12:00:00+08:00".parse().unwrap()
}

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples")
}

/// Everything one reading gave.
#[derive(Default)]
struct Harvest {
    tables: Vec<Arc<Table>>,
    rows: Vec<ReadRow>,
    refused: Vec<Refused>,
    remarks: Vec<Remark>,
    warnings: Vec<Finding>,
}

impl Harvest {
    fn of(path: &Path) -> Self {
        Self::at(path, now())
    }

    fn at(path: &Path, now: Instant) -> Self {
        let mut harvest = Self::default();
        let outcome = read(path, now, &mut |item| {
            match item {
                Item::Table(table) => harvest.tables.push(table),
                Item::Row(row) => harvest.rows.push(row),
                Item::Refused(refused) => harvest.refused.push(refused),
                Item::Remark(remark) => harvest.remarks.push(remark),
                Item::Warning(warning) => harvest.warnings.push(warning),
            }
            ControlFlow::Continue(())
        });
        assert!(outcome.is_continue());
        harvest
    }

    fn of_text(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        Self::of(&path)
    }

    fn commands(&self, kind: SheetKind) -> Vec<&Command> {
        let of_kind = self.rows.iter().filter(|row| row.table.kind == Some(kind));
        of_kind.map(|row| row.outcome.as_ref().unwrap()).collect()
    }

    /// Row number and codes of each refused row.
    fn refusals(&self) -> Vec<(u64, Vec<&'static str>)> {
        let codes = |refusals: &Vec<Finding>| refusals.iter().map(|refusal| refusal.code).collect();
        self.rows.iter().filter_map(|row| Some((row.row, codes(row.outcome.as_ref().err()?)))).collect()
    }

    fn accepted(&self) -> Vec<u64> {
        self.rows.iter().filter(|row| row.outcome.is_ok()).map(|row| row.row).collect()
    }

    fn refused_codes(&self) -> Vec<(&'static str, u64)> {
        self.refused.iter().map(|refused| (refused.refusal.code, refused.rows)).collect()
    }

    fn warned(&self) -> Vec<&'static str> {
        self.warnings.iter().map(|warning| warning.code).collect()
    }
}

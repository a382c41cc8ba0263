//! What the machine can do: the limits that figures are read beside.

use super::run::{Outcome, median};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};
use warnlight::domain::event::Event;

/// Returns F: appends of 512 bytes made durable one at a time with `fdatasync`, per second.
pub(super) fn durable_appends(room: &Path) -> Outcome<f64> {
    let block = [0x5A_u8; 512];
    let mut runs = Vec::new();
    for run in 0..3 {
        let mut file = File::create(room.join(format!("raw-{run}")))?;
        // Room first, as a log has it: else each append also grows the file.
        file.write_all(&vec![0; 16 << 20])?;
        file.sync_all()?;
        std::io::Seek::rewind(&mut file)?;
        let begun = Instant::now();
        let mut count = 0.0;
        while begun.elapsed() < Duration::from_millis(400) {
            file.write_all(&block)?;
            file.sync_data()?;
            count += 1.0;
        }
        runs.push(count / begun.elapsed().as_secs_f64());
    }
    Ok(median(runs))
}

/// Returns sequential writing with one sync at the end, bytes per second.
pub(super) fn sequential_write(room: &Path) -> Outcome<f64> {
    let block = vec![0x5A_u8; 1 << 20];
    let mut file = tempfile::tempfile_in(room)?;
    let begun = Instant::now();
    for _ in 0..256 {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    Ok(f64::from(256 << 20) / begun.elapsed().as_secs_f64())
}

/// Returns copying in memory, bytes per second.
pub(super) fn copy() -> f64 {
    let from = vec![1_u8; 64 << 20];
    let mut to = vec![0_u8; 64 << 20];
    let runs = (0..5).map(|_| {
        let begun = Instant::now();
        to.copy_from_slice(&from);
        std::hint::black_box(&to);
        f64::from(64 << 20) / begun.elapsed().as_secs_f64()
    });
    median(runs.collect())
}

/// Returns how many of these payloads `serde_json` decodes into events per second on one core.
pub(super) fn decoding(payloads: &[(&'static str, u16, String)]) -> f64 {
    let runs = (0..3).map(|_| {
        let begun = Instant::now();
        let mut count = 0.0;
        for (event_type, version, data) in payloads {
            std::hint::black_box(Event::decode(event_type, *version, data).is_ok());
            count += 1.0;
        }
        count / begun.elapsed().as_secs_f64()
    });
    median(runs.collect())
}

//! Archives (zip) of files: each is unpacked into a temporary file and read like any other.

use super::name;
use super::read::{Source, by_order, read_source, whole};
use crate::domain::personal::masked;
use crate::intake::item::{Item, Refused, Sink};
use crate::intake::place::Finding;
use crate::intake::profile::How;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::ops::ControlFlow;
use zip::ZipArchive;

/// Files an archive may hold.
const MOST_FILES: usize = 10_000;

/// Bytes that all files of an archive may have unpacked.
const MOST_BYTES: u64 = 4 << 30;

/// Archives within archives.
const DEEPEST: usize = 2;

/// Reads the files of an archive, in the order in which those of a folder are read.
pub(super) fn read(file: File, source: &Source<'_>, how: &How, sink: Sink<'_>) -> ControlFlow<()> {
    let refuse = |sink: Sink<'_>, code, zh: String, en: String| {
        let refusal = Finding::new(whole(source.name), code, "", zh, en);
        sink(Item::Refused(Refused { refusal, rows: 0 }))
    };
    if source.depth >= DEEPEST {
        let zh = "压缩包嵌套过深，请解压后发送".to_owned();
        return refuse(sink, "archive_too_deep", zh, "archives stand too deep within each other; unpack it".to_owned());
    }
    let mut archive = match ZipArchive::new(BufReader::new(file)) {
        Ok(archive) => archive,
        Err(error) => {
            let zh = format!("不是完好的压缩包（{error}），请重新压缩后发送");
            return refuse(sink, "unreadable", zh, format!("it is not a sound archive ({error}); pack it anew"));
        }
    };
    if archive.len() > MOST_FILES {
        let zh = format!("压缩包中超过 {MOST_FILES} 个文件，请分成几个发送");
        let en = format!("the archive holds more than {MOST_FILES} files; send it in parts");
        return refuse(sink, "file_too_large", zh, en);
    }
    let mut files = Vec::new();
    for index in 0..archive.len() {
        match archive.by_index_raw(index) {
            Ok(part) if part.is_dir() => {}
            Ok(part) => {
                let inner = masked(&name::of_bytes(part.name_raw()).replace('\\', "/")).into_owned();
                if !name::is_aside(&inner) {
                    files.push((inner, index, part.encrypted()));
                }
            }
            Err(error) => {
                let zh = format!("压缩包中的第 {} 个文件无法读取：{error}", index + 1);
                let en = format!("file {} of the archive cannot be read: {error}", index + 1);
                refuse(sink, "unreadable", zh, en)?;
            }
        }
    }
    files.sort_by_cached_key(|(inner, _, _)| by_order(inner));
    let mut left = MOST_BYTES;
    for (inner, index, locked) in files {
        let full = format!("{}/{inner}", source.name);
        if locked {
            let zh = "压缩包有密码保护，请取消密码后重新发送";
            let en = "the archive is locked by a password; pack it without one";
            let refusal = Finding::new(whole(&full), "password", "", zh, en);
            sink(Item::Refused(Refused { refusal, rows: 0 }))?;
            continue;
        }
        match unpacked(&mut archive, index, left) {
            Ok((file, bytes)) if bytes <= left => {
                left -= bytes;
                let inner = Source { name: &full, depth: source.depth + 1, named: false };
                read_source(file, &inner, how, sink)?;
            }
            Ok(_) => {
                let zh = "压缩包解压后超过 4 GiB，请分成几个发送".to_owned();
                return refuse(
                    sink,
                    "file_too_large",
                    zh,
                    "unpacked it has more than 4 GiB; send it in parts".to_owned(),
                );
            }
            Err(error) => {
                let zh = format!("压缩包中的文件无法读取：{error}");
                let en = format!("this file of the archive cannot be read: {error}");
                let refusal = Finding::new(whole(&full), "unreadable", "", zh, en);
                sink(Item::Refused(Refused { refusal, rows: 0 }))?;
            }
        }
    }
    ControlFlow::Continue(())
}

fn unpacked(archive: &mut ZipArchive<BufReader<File>>, index: usize, left: u64) -> io::Result<(File, u64)> {
    let mut file = tempfile::tempfile()?;
    let part = archive.by_index(index).map_err(io::Error::other)?;
    let bytes = io::copy(&mut part.take(left.saturating_add(1)), &mut file)?;
    file.rewind()?;
    Ok((file, bytes))
}

//! Receiving files: the body itself, or the file of a form (`multipart/form-data`). Bytes go to a file without a name as they come, so
//! that a large file takes no more memory than a small one, and never further than is allowed.

use super::bodies;
use super::body::media_type;
use super::problem::{Code, Problem};
use crate::domain::{personal, text};
use crate::taking::tray::Tray;
use actix_multipart::Multipart;
use actix_web::http::header::CONTENT_ENCODING;
use actix_web::{HttpRequest, web};
use futures_util::{Stream, StreamExt as _};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};

/// Bytes that are written at a time.
const PIECE: usize = 256 * 1024;
/// Bytes of a field of a form that is no file.
const LONGEST_FIELD: usize = 64 * 1024;
/// Fields of a form at most.
const MOST_FIELDS: usize = 20;
/// Longest name of a file, characters.
const LONGEST_NAME: usize = 200;

/// A file that was received.
#[derive(Debug)]
pub(crate) struct Upload {
    /// Its bytes.
    pub(crate) file: File,
    /// How many.
    pub(crate) bytes: u64,
    /// Its name, as the form says.
    pub(crate) name: Option<String>,
    /// The other fields of the form.
    pub(crate) fields: BTreeMap<String, String>,
}

/// Receives a file of up to `limit` bytes.
///
/// # Errors
/// When it is larger, a form holds no file or several, the line breaks, or the disk says no.
pub(super) async fn receive(
    request: &HttpRequest,
    payload: web::Payload,
    tray: &Tray,
    limit: u64,
) -> Result<Upload, Problem> {
    let coding = request.headers().get(CONTENT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("identity");
    // Little on the line can be much in memory: what is to be smaller comes as an archive, which is unpacked within limits.
    if !coding.eq_ignore_ascii_case("identity") {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            format_args!("不接受 `Content-Encoding: {coding}`；请原样发送文件，或打包为 `zip`"),
            format_args!("`Content-Encoding: {coding}` is not taken here: send the file as it is, or in a zip archive"),
        ));
    }
    bodies::goes_to_disk(request)?;
    let payload = payload.into_inner();
    if media_type(request) == "multipart/form-data" {
        let form = Multipart::new(request.headers(), payload);
        let (mut files, fields) = of_form(form, tray, limit, 1, &|_| Ok(())).await?;
        let Upload { file, bytes, name, .. } = files.pop().ok_or_else(no_file)?;
        return Ok(Upload { file, bytes, name, fields });
    }
    let (file, bytes) = store(payload, tray.nameless().map_err(unwritable)?, limit).await?;
    Ok(Upload { file, bytes, name: None, fields: BTreeMap::new() })
}

/// The fields of a form that are no files.
pub(super) type Fields = BTreeMap<String, String>;

/// Receives the files of a form, `most` of them at most, each of up to `limit` bytes. Before one is put down, `trust` looks at the fields
/// that stand before it.
///
/// # Errors
/// As for [`receive`], and what `trust` says.
pub(super) async fn receive_several(
    request: &HttpRequest,
    payload: web::Payload,
    tray: &Tray,
    limit: u64,
    most: usize,
    trust: &dyn Fn(&Fields) -> Result<(), Problem>,
) -> Result<(Vec<Upload>, Fields), Problem> {
    if media_type(request) != "multipart/form-data" {
        trust(&Fields::new())?;
        return Err(no_file());
    }
    bodies::goes_to_disk(request)?;
    let form = Multipart::new(request.headers(), payload.into_inner());
    let (files, fields) = of_form(form, tray, limit, most, trust).await?;
    trust(&fields)?;
    if files.is_empty() { Err(no_file()) } else { Ok((files, fields)) }
}

async fn of_form(
    mut form: Multipart,
    tray: &Tray,
    limit: u64,
    most: usize,
    trust: &dyn Fn(&Fields) -> Result<(), Problem>,
) -> Result<(Vec<Upload>, Fields), Problem> {
    let mut received = Vec::new();
    let mut fields = Fields::new();
    while let Some(part) = form.next().await {
        let mut part = part.map_err(broken)?;
        let name: String = part.name().unwrap_or_default().chars().take(LONGEST_NAME).collect();
        let file_name = part.content_disposition().and_then(|said| said.get_filename()).map(str::to_owned);
        if let Some(file_name) = file_name {
            trust(&fields)?;
            // A browser sends a file without a name where none was chosen.
            if file_name.is_empty() {
                continue;
            }
            if received.len() >= most {
                return Err(Problem::new(
                    Code::BadRequest,
                    format_args!("一次最多接受 {most} 个文件；更多文件请打包为 `zip`"),
                    format_args!("{most} at a time at most: pack several files into a zip archive"),
                ));
            }
            let (file, bytes) = store(part, tray.nameless().map_err(unwritable)?, limit).await?;
            received.push(Upload { file, bytes, name: Some(file_name), fields: Fields::new() });
        } else if fields.len() < MOST_FIELDS {
            let mut value = Vec::new();
            while let Some(piece) = part.next().await {
                value.extend_from_slice(&piece.map_err(broken)?);
                if value.len() > LONGEST_FIELD {
                    return Err(Problem::new(
                        Code::TooLarge,
                        format_args!("字段 `{name}` 过长"),
                        format_args!("the field `{name}` is too long"),
                    ));
                }
            }
            fields.insert(name, String::from_utf8_lossy(&value).into_owned());
        }
    }
    Ok((received, fields))
}

fn no_file() -> Problem {
    Problem::new(Code::BadRequest, "表单中没有文件", "the form holds no file")
}

async fn store<S, E>(mut stream: S, mut file: File, limit: u64) -> Result<(File, u64), Problem>
where
    S: Stream<Item = Result<web::Bytes, E>> + Unpin,
    E: Display,
{
    let mut bytes = 0;
    let mut piece = Vec::new();
    loop {
        let next = stream.next().await.transpose().map_err(broken)?;
        let is_last = next.is_none();
        if let Some(next) = next {
            bytes += u64::try_from(next.len()).unwrap_or(u64::MAX);
            if bytes > limit {
                return Err(Problem::new(
                    Code::TooLarge,
                    format_args!("文件最大 {limit} 字节；请分成几份，或请管理员调高 `intake.upload_limit_bytes`"),
                    format_args!(
                        "a file of at most {limit} bytes is taken here; send it in parts, or let the operator raise `intake.upload_limit_bytes`"
                    ),
                ));
            }
            piece.extend_from_slice(&next);
        }
        if is_last || piece.len() >= PIECE {
            let full = std::mem::take(&mut piece);
            let written = web::block(move || file.write_all(&full).map(|()| file)).await;
            file = written.map_err(|error| Problem::inside(Code::Unavailable, error))?.map_err(unwritable)?;
        }
        if is_last {
            return Ok((file, bytes));
        }
    }
}

/// Returns the name that a file is spoken of by: the last part of what the sender calls it.
///
/// # Errors
/// When nothing is left of it, or it cannot be read.
pub(super) fn name(sent: &str) -> Result<String, Problem> {
    let name = text::trim(sent.rsplit(['/', '\\']).next().unwrap_or_default());
    if name.is_empty() || name.chars().count() > LONGEST_NAME || text::fault(name).is_some() {
        let en =
            format!("`name`: a file needs a name of 1 to {LONGEST_NAME} visible characters, such as `存管余额.xlsx`");
        let zh = format!("文件须有名称，1 至 {LONGEST_NAME} 个可见字符，例如 `存管余额.xlsx`");
        return Err(super::api::wrong_parameter("name", name, &zh, &en));
    }
    // Names of files are kept in many places; numbers of people are kept in none.
    Ok(personal::masked(name).into_owned())
}

fn broken(error: impl Display) -> Problem {
    Problem::new(
        Code::BadRequest,
        "文件没有完整送达，请重新发送",
        format_args!("the file did not arrive whole: {error}"),
    )
}

pub(super) fn unwritable(error: io::Error) -> Problem {
    let code = if error.kind() == ErrorKind::StorageFull { Code::DiskFull } else { Code::Unavailable };
    Problem::new(code, "文件无法存放，请告知管理员", format_args!("the file cannot be put down: {error}"))
}

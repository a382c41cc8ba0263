//! One normal form of a path, brought about before anything is judged: what rights are asked for, what is routed and what
//! is logged are then the same path.

use super::problem::{Code, Problem};
use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What cannot stand in a segment as it is (RFC 3986, `pchar`); letters beyond ASCII are always encoded.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Brings the path of a request into its normal form.
///
/// # Errors
/// When it has none that everybody would read alike: encoded slashes or percent signs, dots that lead elsewhere, empty
/// segments, control characters, bytes that are no text.
pub(super) fn normalise(request: &mut ServiceRequest) -> Result<(), Problem> {
    let path = request.path();
    if !path.starts_with('/') {
        return Ok(());
    }
    let normal = normal(path).map_err(|(zh, en)| Problem::new(Code::BadRequest, zh, en))?;
    if normal == path {
        return Ok(());
    }
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = request.uri().clone().into_parts();
    let unreadable = |_| Problem::new(Code::BadRequest, "路径无法读取", "the path cannot be read");
    parts.path_and_query = Some(format!("{normal}{query}").parse().map_err(|_| ()).map_err(unreadable)?);
    let uri = Uri::from_parts(parts).map_err(|_| ()).map_err(unreadable)?;
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
    Ok(())
}

/// Returns the normal form of a path: every letter that can stand as it is does, every other one is encoded.
fn normal(path: &str) -> Result<String, (&'static str, &'static str)> {
    let mut normal = String::with_capacity(path.len());
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if segment.is_empty() && !is_last {
            return Err((
                "路径中有空段（`//`）；请只写一个斜杠",
                "the path holds an empty segment (`//`); write one slash",
            ));
        }
        let decoded = percent_decode_str(segment)
            .decode_utf8()
            .map_err(|_| ("路径的编码部分不是 UTF-8", "the path is not UTF-8 where it is encoded"))?;
        // What decodes to a percent sign was encoded twice, or is not encoding at all.
        if decoded.contains('%') {
            return Err((
                "路径中的百分号未作编码，或编码了两次（`%25`）；请只编码一次",
                "the path holds a percent sign that encodes nothing, or an encoded one (`%25`); encode it once",
            ));
        }
        if decoded.contains(['/', '\\']) {
            return Err((
                "路径中有编码的斜杠或反斜杠；工单编号含斜杠时，请用 `POST /api/v1/complaints` 记录",
                "the path holds an encoded slash or a backslash; a ticket number with one is recorded by `POST /api/v1/complaints`",
            ));
        }
        if decoded.contains(char::is_control) {
            return Err(("路径中有控制字符，请删除", "the path holds a control character; remove it"));
        }
        if matches!(&*decoded, "." | "..") {
            return Err((
                "路径中有 `.` 或 `..`；请写实际的路径",
                "the path holds `.` or `..`; write the path that is meant",
            ));
        }
        normal.push('/');
        normal.extend(utf8_percent_encode(&decoded, ENCODED));
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_form() {
        for (path, form) in [
            ("/", "/"),
            ("/api/v1/keys", "/api/v1/keys"),
            ("/%61pi/v1/k%65ys", "/api/v1/keys"),
            ("/api/v1/complaints/%54%31/answer", "/api/v1/complaints/T1/answer"),
            ("/x/%e5%95%86%E5%8A%A1", "/x/%E5%95%86%E5%8A%A1"),
            ("/a%20b%3Fc%23", "/a%20b%3Fc%23"),
            ("/a:b@c;d=e,f", "/a:b@c;d=e,f"),
            ("/mall/", "/mall/"),
            ("/...", "/..."),
        ] {
            assert_eq!(normal(path).as_deref(), Ok(form), "{path}");
            assert_eq!(normal(form).as_deref(), Ok(form), "what is normal stays as it is: {form}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for path in [
            "//api",
            "/api//v1",
            "/%2Fapi",
            "/api%2fv1/keys",
            "/%5Capi",
            "/x\\y",
            "/./api",
            "/a/../api",
            "/%2e%2E/api",
            "/%2e",
            "/%2561pi",
            "/%25",
            "/%",
            "/%6",
            "/%zz",
            "/%00",
            "/a%0ab",
            "/%7F",
            "/%c2%85",
            "/%ff",
            "/%c0%af",
        ] {
            assert!(normal(path).is_err(), "{path}");
        }
    }
}

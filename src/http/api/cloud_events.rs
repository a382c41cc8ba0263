//! CloudEvents 1.0 that carry commands, in both modes of the HTTP binding: structured (one event or a batch in the body),
//! and binary (attributes in `ce-*` headers, the data alone in the body).

use crate::domain::command::Command;
use crate::domain::text;
use crate::http::body::{Fields, is_json};
use crate::http::language::BothLanguages;
use crate::http::problem::{Code, Problem};
use crate::http::unread;
use crate::trail::Parent;
use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Type of a CloudEvent that carries a command: this, then the command's name.
const TYPE_PREFIX: &str = "cn.warnlight.command.";
/// Longest source and id together, bytes: they become an idempotency key.
const LONGEST: usize = 400;

/// An event's attributes that matter here, and its data.
#[derive(Debug)]
pub(super) struct Arrived {
    /// Source and id: the same two are the same event.
    pub(super) key: String,
    /// The trail that the event is on, if it names one.
    pub(super) trail: Option<Uuid>,
    /// What it says.
    pub(super) command: Command,
}

/// Reads an event in structured mode.
///
/// # Errors
/// What is wrong with it.
pub(super) fn structured(event: &RawValue) -> Result<Arrived, BothLanguages> {
    let fields: Fields<'_> = serde_json::from_str(event.get()).map_err(|error| unread::value(&error))?;
    let data = match (fields.0.get("data"), fields.text("data_base64")) {
        (Some(_), Some(_)) => {
            return Err(BothLanguages::new(
                "`data` 与 `data_base64` 只能有一个",
                "`data` and `data_base64` exclude each other; leave one out",
            ));
        }
        (Some(data), None) => Cow::Borrowed(data.get()),
        (None, Some(encoded)) => Cow::Owned(decoded(&encoded)?),
        (None, None) => {
            let (zh, en) = ("`data` 应为含命令各字段的对象", "`data` must be an object with the command's fields");
            return Err(BothLanguages::new(zh, en));
        }
    };
    let attributes = fields.0.keys().filter_map(|name| Some((name.clone(), fields.text(name)?))).collect();
    arrived(&attributes, &data)
}

fn decoded(encoded: &str) -> Result<String, BothLanguages> {
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|error| BothLanguages::new("`data_base64` 不是 base64", format_args!("`data_base64`: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|_| BothLanguages::new("`data_base64` 应为 UTF-8 的 JSON", "`data_base64` must hold JSON in UTF-8"))
}

/// Says whether a request carries an event in binary mode.
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion")
}

/// Returns the attributes that the headers of a request in binary mode hold.
///
/// # Errors
/// When one is there twice, or is not text.
pub(super) fn attributes(headers: &HeaderMap) -> Result<BTreeMap<String, String>, Problem> {
    let mut attributes = BTreeMap::new();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else { continue };
        // The binding writes what a header cannot hold percent-encoded.
        let text = percent_decode(value.as_bytes()).decode_utf8().map_err(|_| {
            Problem::new(
                Code::BadRequest,
                format_args!("`ce-{name}` 不是按需编码的 UTF-8"),
                format_args!("`ce-{name}` is not UTF-8, percent-encoded where it must be"),
            )
        })?;
        if attributes.insert(name.to_owned(), text.into_owned()).is_some() {
            let (zh, en) = (format_args!("`ce-{name}` 重复"), format_args!("`ce-{name}` is there twice"));
            return Err(Problem::new(Code::BadRequest, zh, en));
        }
    }
    Ok(attributes)
}

/// Returns the attributes as content of a request: without its trail, which is another when it is sent again.
pub(super) fn content(attributes: &BTreeMap<String, String>) -> Vec<u8> {
    let trails = ["traceparent", "tracestate", "correlation"];
    let said = attributes.iter().filter(|(name, _)| !trails.contains(&name.as_str()));
    said.flat_map(|(name, text)| [name.as_bytes(), b"=", text.as_bytes(), b"\n"].concat()).collect()
}

/// Reads an event from its attributes and its data.
///
/// # Errors
/// What is wrong with it.
pub(super) fn arrived(attributes: &BTreeMap<String, String>, data: &str) -> Result<Arrived, BothLanguages> {
    let attribute = |name: &str| attributes.get(name).map(String::as_str);
    if attribute("specversion") != Some("1.0") {
        return Err(BothLanguages::new("`specversion` 应为 `1.0`", "`specversion` must be `1.0`"));
    }
    let needed = |name: &str| match attribute(name) {
        Some(text) if !text.is_empty() => match text::fault(text) {
            Some(fault @ (text::TextFault::Control(_) | text::TextFault::Undecodable)) => {
                Err(BothLanguages::new(format_args!("`{name}`：{}", fault.zh()), format_args!("`{name}`: {fault}")))
            }
            _ => Ok(text),
        },
        _ => Err(BothLanguages::new(format_args!("缺少 `{name}`"), format_args!("`{name}` is needed"))),
    };
    let (id, source, kind) = (needed("id")?, needed("source")?, needed("type")?);
    if id.len() + source.len() > LONGEST {
        let found = id.len() + source.len();
        return Err(BothLanguages::new(
            format_args!("`source` 与 `id` 合计 {found} 字节，最多 {LONGEST} 字节，请缩短"),
            format_args!("`source` and `id` have {found} bytes together; at most {LONGEST} are taken, shorten them"),
        ));
    }
    if let Some(found) = attribute("datacontenttype")
        && !is_json(found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str())
    {
        return Err(BothLanguages::new(
            format_args!("`datacontenttype` 应为 JSON，而不是 `{found}`"),
            format_args!("`datacontenttype` must be JSON, not `{found}`"),
        ));
    }
    let name = kind.strip_prefix(TYPE_PREFIX);
    let name = name.ok_or_else(|| {
        BothLanguages::new(
            format_args!("`type` 应为 `{TYPE_PREFIX}` 加命令名，而不是 `{kind}`"),
            format_args!("`type` is `{TYPE_PREFIX}` and the name of a command, not `{kind}`"),
        )
    })?;
    Ok(Arrived {
        key: format!("event {} {source} {id}", source.len()),
        trail: trail(attribute),
        command: command(name, data)?,
    })
}

/// Returns the trail that an event is on: by the attribute of CloudEvents' extension for distributed tracing, or by the one
/// that our own events carry. What cannot be read is passed over, as in the header.
fn trail<'a>(attribute: impl Fn(&str) -> Option<&'a str>) -> Option<Uuid> {
    let parent = attribute("traceparent").and_then(Parent::parse).map(|parent| parent.trace);
    parent.or_else(|| attribute("correlation")?.parse().ok().filter(|trace: &Uuid| !trace.is_nil()))
}

/// Returns the command of this name with these fields.
fn command(name: &str, data: &str) -> Result<Command, BothLanguages> {
    let data = data.trim_start_matches('\u{FEFF}');
    let fields: Fields<'_> = serde_json::from_str(data).map_err(|error| {
        let BothLanguages { zh, en } = unread::value(&error);
        BothLanguages::new(
            format_args!("`data` 应为含命令各字段的对象：{zh}"),
            format_args!("`data` must be an object with the command's fields: {en}"),
        )
    })?;
    let read = |text: &str| serde_json::from_str(text).map_err(|error| unread::value(&error));
    match (fields.text("command"), fields.0.contains_key("command")) {
        (Some(own), _) if own == name => read(data),
        (_, true) => Err(BothLanguages::new(
            format_args!("`data` 中的命令与 `type` 的 `{name}` 不同；请从 `data` 中去掉 `command`"),
            format_args!("`data` names another command than `type`, `{name}`; leave `command` out of `data`"),
        )),
        (_, false) => {
            let rest = data.trim_start().strip_prefix('{').unwrap_or_default();
            let comma = if fields.0.is_empty() { "" } else { "," };
            read(&format!("{{\"command\":{}{comma}{rest}", serde_json::Value::from(name)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str = r#""credit_code":"91110108MA00000000","date":"2025-06-01","outstanding":"5.00""#;

    fn event(more: &str) -> Result<Arrived, BothLanguages> {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"/b","type":"cn.warnlight.command.report_balance"{more}}}"#
        );
        structured(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn data_is_an_object_as_it_is_or_in_base64() {
        let plain = event(&format!(",\"data\":{{{FIELDS}}}")).unwrap();
        let encoded = STANDARD.encode(format!("{{{FIELDS}}}"));
        let in_base64 = event(&format!(",\"data_base64\":\"{encoded}\"")).unwrap();
        assert_eq!(plain.command, in_base64.command);
        assert_eq!(plain.key, "event 2 /b 1");
        let named = event(&format!(",\"data\":{{\"command\":\"report_balance\",{FIELDS}}}")).unwrap();
        assert_eq!(named.command, plain.command);
        for more in [
            String::new(),
            ",\"data\":[]".to_owned(),
            ",\"data\":{}".to_owned(),
            ",\"data_base64\":\"%\"".to_owned(),
            ",\"data_base64\":\"/w==\"".to_owned(),
            format!(",\"data\":{{{FIELDS}}},\"data_base64\":\"{encoded}\""),
            format!(",\"data\":{{\"command\":\"record_exit\",{FIELDS}}}"),
            format!(",\"data\":{{{FIELDS},\"date\":\"2025-06-02\"}}"),
            format!(",\"data\":{{{FIELDS}}},\"id\":\"2\""),
            format!(",\"data\":{{{FIELDS}}},\"datacontenttype\":\"text/xml\""),
        ] {
            assert!(event(&more).is_err(), "{more}");
        }
    }

    #[test]
    fn source_and_id_have_a_length() {
        let of = |source: &str, id: &str| {
            let attributes = [
                ("specversion", "1.0"),
                ("id", id),
                ("source", source),
                ("type", "cn.warnlight.command.report_balance"),
            ];
            let attributes = attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            arrived(&attributes, &format!("{{{FIELDS}}}")).map(|_| ())
        };
        assert_eq!(of(&"s".repeat(399), "1"), Ok(()));
        assert!(of(&"s".repeat(600), "1").unwrap_err().en.contains("601 bytes"));
        assert!(of("/b", &"京".repeat(200)).is_err());
        assert!(of("/b\n", "1").is_err());
    }
}

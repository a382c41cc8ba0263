//! CloudEvents 1.0 that carry commands, in both modes of the HTTP binding: structured (one event or a batch in the body),
//! and binary (attributes in `ce-*` headers, the data alone in the body).

use crate::domain::command::Command;
use crate::domain::text;
use crate::http::body::{Fields, is_json};
use crate::http::problem::{Code, Problem};
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
pub(super) fn structured(event: &RawValue) -> Result<Arrived, String> {
    let fields: Fields<'_> = serde_json::from_str(event.get()).map_err(|error| plain(&error))?;
    let data = match (fields.0.get("data"), fields.text("data_base64")) {
        (Some(_), Some(_)) => return Err("`data` and `data_base64` exclude each other; leave one out".to_owned()),
        (Some(data), None) => Cow::Borrowed(data.get()),
        (None, Some(encoded)) => Cow::Owned(decoded(&encoded)?),
        (None, None) => return Err("`data` must be an object with the command's fields".to_owned()),
    };
    let attributes = fields.0.keys().filter_map(|name| Some((name.clone(), fields.text(name)?))).collect();
    arrived(&attributes, &data)
}

fn decoded(encoded: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(encoded).map_err(|error| format!("`data_base64`: {error}"))?;
    String::from_utf8(bytes).map_err(|_| "`data_base64` must hold JSON in UTF-8".to_owned())
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
            Problem::new(Code::BadRequest, format_args!("`ce-{name}` is not UTF-8, percent-encoded where it must be"))
        })?;
        if attributes.insert(name.to_owned(), text.into_owned()).is_some() {
            return Err(Problem::new(Code::BadRequest, format_args!("`ce-{name}` is there twice")));
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
pub(super) fn arrived(attributes: &BTreeMap<String, String>, data: &str) -> Result<Arrived, String> {
    let attribute = |name: &str| attributes.get(name).map(String::as_str);
    if attribute("specversion") != Some("1.0") {
        return Err("`specversion` must be `1.0`".to_owned());
    }
    let needed = |name: &str| match attribute(name) {
        Some(text) if !text.is_empty() => match text::fault(text) {
            Some(fault @ (text::TextFault::Control(_) | text::TextFault::Undecodable)) => {
                Err(format!("`{name}`: {fault}"))
            }
            _ => Ok(text),
        },
        _ => Err(format!("`{name}` is needed")),
    };
    let (id, source, kind) = (needed("id")?, needed("source")?, needed("type")?);
    if id.len() + source.len() > LONGEST {
        let found = id.len() + source.len();
        return Err(format!(
            "`source` and `id` have {found} bytes together; at most {LONGEST} are taken, shorten them"
        ));
    }
    if let Some(found) = attribute("datacontenttype")
        && !is_json(found.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str())
    {
        return Err(format!("`datacontenttype` must be JSON, not `{found}`"));
    }
    let name = kind.strip_prefix(TYPE_PREFIX);
    let name = name.ok_or_else(|| format!("`type` is `{TYPE_PREFIX}` and the name of a command, not `{kind}`"))?;
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
fn command(name: &str, data: &str) -> Result<Command, String> {
    let data = data.trim_start_matches('\u{FEFF}');
    let fields: Fields<'_> = serde_json::from_str(data)
        .map_err(|error| format!("`data` must be an object with the command's fields: {}", plain(&error)))?;
    let read = |text: &str| serde_json::from_str(text).map_err(|error| plain(&error));
    match (fields.text("command"), fields.0.contains_key("command")) {
        (Some(own), _) if own == name => read(data),
        (_, true) => Err(format!("`data` names another command than `type`, `{name}`; leave `command` out of `data`")),
        (_, false) => {
            let rest = data.trim_start().strip_prefix('{').unwrap_or_default();
            let comma = if fields.0.is_empty() { "" } else { "," };
            read(&format!("{{\"command\":{}{comma}{rest}", serde_json::Value::from(name)))
        }
    }
}

/// Returns what a reader of JSON says, without the place in a text that nobody sees.
pub(super) fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(text, _)| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &str = r#""credit_code":"91110108MA00000000","date":"2025-06-01","outstanding":"5.00""#;

    fn event(more: &str) -> Result<Arrived, String> {
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
        assert!(of(&"s".repeat(600), "1").unwrap_err().contains("601 bytes"));
        assert!(of("/b", &"京".repeat(200)).is_err());
        assert!(of("/b\n", "1").is_err());
    }
}

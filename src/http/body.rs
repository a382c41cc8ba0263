//! Reading bodies: JSON with or without a byte order mark, large ones away from the threads that answer others, and of a
//! list no more than is wanted.

use super::language::BothLanguages;
use super::once;
use super::problem::{Code, Problem};
use super::unread;
use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{Error, FromRequest, HttpRequest, web};
use serde::Deserialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// Bodies up to this size are read at once: that takes less than handing them to another thread.
const SMALL: usize = 64 * 1024;

/// Works on a body where its size asks for it: a large one on a thread that may block.
///
/// # Errors
/// What the work returns, or that no thread could be had.
pub(super) async fn work<T, F>(body: web::Bytes, read: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&[u8]) -> Result<T, Problem> + Send + 'static,
{
    if body.len() <= SMALL {
        return read(&body);
    }
    web::block(move || read(&body)).await.map_err(|error| Problem::inside(Code::Unavailable, error))?
}

/// Returns a JSON text without the byte order mark that some systems put before it.
fn bare(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn unreadable(error: serde_json::Error) -> Problem {
    let BothLanguages { zh, en } = unread::text(&error);
    Problem::new(Code::BadRequest, zh, en)
}

/// A body in JSON.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(media_type(request).as_str());
        let body = web::Bytes::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "此处接受 `application/json`",
                    "`application/json` is taken here",
                )
                .into());
            }
            let read = |body: &[u8]| serde_json::from_slice(bare(body)).map_err(unreadable);
            let body = body.await?;
            once::note(&request, &[&body]);
            Ok(Self(work(body, read).await?))
        })
    }
}

/// Returns the media type of a body, in lower case and without its parameters.
pub(super) fn media_type(request: &HttpRequest) -> String {
    let stated = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Says whether a media type is JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type == "text/json" || media_type.ends_with("+json")
}

/// One item, or a list of them, each still as text.
#[derive(Debug)]
pub(super) enum Items<'a> {
    /// One.
    One(&'a RawValue),
    /// A list.
    Many(Vec<&'a RawValue>),
}

/// Reads a body into its items, of a list no more than `most`.
///
/// # Errors
/// When it is not JSON, or a longer list.
pub(super) fn items(body: &[u8], most: usize) -> Result<Items<'_>, Problem> {
    let body = bare(body);
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
        return serde_json::from_slice(body).map(Items::One).map_err(unreadable);
    }
    let is_over = Cell::new(false);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = UpTo { most, is_over: &is_over }.deserialize(&mut reader).and_then(|items| reader.end().map(|()| items));
    match read {
        Ok(items) => Ok(Items::Many(items)),
        Err(_) if is_over.get() => Err(Problem::new(
            Code::TooLarge,
            format_args!("一次最多 {most} 条；其余请另行提交"),
            format_args!("at most {most} commands are taken at a time; send the rest in another request"),
        )),
        Err(error) => Err(unreadable(error)),
    }
}

/// Reads a list as long as it is short enough.
struct UpTo<'c> {
    most: usize,
    is_over: &'c Cell<bool>,
}

impl<'de> DeserializeSeed<'de> for UpTo<'_> {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for UpTo<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == self.most {
                self.is_over.set(true);
                return Err(A::Error::custom("too many"));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// The fields of an object, each still as text; a name that is there twice is an error.
#[derive(Debug)]
pub(super) struct Fields<'a>(pub(super) BTreeMap<String, &'a RawValue>);

impl Fields<'_> {
    /// Returns a field that holds a text.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(|value| serde_json::from_str(value.get()).ok())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = BTreeMap<String, &'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if fields.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Each).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_up_to_its_limit_and_no_further() {
        let count = |text: &str| match items(text.as_bytes(), 3) {
            Ok(Items::Many(items)) => Ok(items.len()),
            Ok(Items::One(_)) => Ok(100),
            Err(problem) => Err(problem.code),
        };
        assert_eq!(count("[]"), Ok(0));
        assert_eq!(count("\u{FEFF} [1, {\"a\": [2]}, 3]"), Ok(3));
        assert_eq!(count("[1,2,3,4"), Err(Code::TooLarge), "the rest is not even looked at");
        assert_eq!(count("[1,2"), Err(Code::BadRequest));
        assert_eq!(count("[1] 2"), Err(Code::BadRequest));
        assert_eq!(count("\u{FEFF}{}"), Ok(100));
        assert_eq!(count(""), Err(Code::BadRequest));
    }

    #[test]
    fn a_name_that_is_there_twice_is_an_error() {
        assert!(serde_json::from_str::<Fields<'_>>(r#"{"a":1,"b":2}"#).is_ok());
        let error = serde_json::from_str::<Fields<'_>>(r#"{"a":1,"\u0061":2}"#).unwrap_err().to_string();
        assert!(error.starts_with("duplicate field `a`"), "{error}");
    }
}

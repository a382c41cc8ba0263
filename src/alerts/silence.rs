//! From a source that fell silent to the mail that tells of it. Pure: the same silence gives the same mail, under the same ids,
//! however often and on whichever node it is asked for.

use super::request::{NAMESPACE, asked};
use crate::domain::envelope::{Origin, Position};
use crate::domain::event::{MailNews, MailRequested, Recipient, SourceSilence};
use crate::domain::name_key;
use crate::domain::time::{Day, Instant, start_of};
use crate::domain::words::SourceKind;
use crate::log::contract::Append;
use crate::picture::sources::Source;
use uuid::Uuid;

/// Returns the id of the mail that tells of the silence after the delivery at a position.
#[must_use]
pub fn mail_id(kind: SourceKind, name: &str, last: Position) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("silence/{kind}/{}/{last}", name_key::key(name)).as_bytes())
}

/// Returns the append that asks for the mail about a source that is silent since a day.
///
/// The event's content does not depend on `now`, the time of asking, so that two nodes that ask say the same.
#[must_use]
pub fn request(source: &Source, from: Day, recipients: Vec<Recipient>, now: Instant) -> Append {
    let Source { kind, name, last, .. } = source;
    let mail = mail_id(*kind, name, *last);
    let at = start_of(from);
    let silence = SourceSilence { kind: *kind, name: name.to_string(), last: source.last_day(), from };
    let requested = MailRequested { mail, at, recipients, gathered: Vec::new(), news: MailNews::Silence(silence) };
    asked(requested, &Origin::service(), now)
}

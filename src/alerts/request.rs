//! From a light that rises to the mail it asks for. Pure: the same change gives the same mail, under the same ids, however
//! often and on whichever node it is asked for.

use super::recipients::Place;
use crate::domain::envelope::{NewEvent, Origin};
use crate::domain::event::{Event, LightChanged, LightNews, MailNews, MailRequested, Recipient, SourceSilence};
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::name_key;
use crate::domain::time::Instant;
use crate::lights::moment::sector_of;
use crate::log::contract::{Append, Expected};
use crate::policy::Policies;
use std::sync::Arc;
use uuid::Uuid;

/// Namespace of every id that is derived for a mail. Chosen at random once; never changes, or a restart would ask twice.
pub(super) const NAMESPACE: Uuid = Uuid::from_u128(0x5d1c_8b0e_7a54_4f0b_9c52_41a6_06f3_2be7);

/// What routing needs to know about a merchant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Name; absent for a merchant that nobody registered.
    pub name: Option<String>,
    /// Sector id; absent if undetermined.
    pub sector: Option<String>,
    /// Where it is supervised.
    pub place: Place,
}

impl About {
    /// Returns what is known of a merchant at a horizon.
    #[must_use]
    pub fn of(merchant: &Merchant, horizon: &Horizon, policies: &Policies) -> Self {
        let division = merchant.division(horizon.known);
        let street = merchant.detail(horizon.known, |row| row.street.as_deref()).map(str::to_owned);
        Self {
            name: merchant.name(horizon.known).map(str::to_owned),
            sector: sector_of(merchant, horizon, policies).map(str::to_owned),
            place: Place { division, street },
        }
    }
}

/// Returns the id of the mail that a light change asks for.
#[must_use]
pub fn mail_id(change: Uuid) -> Uuid {
    Uuid::new_v5(&NAMESPACE, change.as_bytes())
}

/// Returns the id of the affair that all mails about one merchant, or one source, belong to, and that of all digests of one reader: the
/// root of their thread in a mail program.
#[must_use]
pub fn affair_id(news: &MailNews, reader: &str) -> Uuid {
    match news {
        MailNews::Digest(_) => Uuid::new_v5(&NAMESPACE, format!("digests/{reader}").as_bytes()),
        MailNews::Light(news) => Uuid::new_v5(&NAMESPACE, news.credit_code.as_str().as_bytes()),
        MailNews::Silence(SourceSilence { kind, name, .. }) => {
            Uuid::new_v5(&NAMESPACE, format!("source/{kind}/{}", name_key::key(name)).as_bytes())
        }
    }
}

/// Returns the name of a mail's stream.
#[must_use]
pub fn stream_of(mail: Uuid) -> Arc<str> {
    format!("mail-{mail}").into()
}

/// Returns the id of the event that asks for a mail.
pub(super) fn requested_id(mail: Uuid) -> Uuid {
    Uuid::new_v5(&mail, b"requested")
}

/// Returns the append that asks for a mail, which nobody has asked for before.
pub(super) fn asked(requested: MailRequested, origin: &Origin, now: Instant) -> Append {
    let (mail, at) = (requested.mail, requested.at);
    Append {
        stream: stream_of(mail),
        expected: Expected::NoStream,
        recorded_at: now,
        idempotency_key: None,
        events: vec![NewEvent::new(requested_id(mail), at, origin, &Event::MailRequested(requested))],
    }
}

/// Returns the append that asks for the mail about `change`, whose event id is `id` and whose trail is `trail`; `None` if it
/// asks for none. `gathered` are the addresses of those recipients who are told of it with others.
///
/// The event's content does not depend on `at`, the time of asking, so that two nodes that ask say the same.
#[must_use]
pub fn request(
    id: Uuid,
    trail: Option<Uuid>,
    change: &LightChanged,
    about: &About,
    recipients: Vec<Recipient>,
    gathered: Vec<String>,
    at: Instant,
) -> Option<Append> {
    if !change.asks_for_mail() {
        return None;
    }
    let mail = mail_id(id);
    let requested = MailRequested {
        mail,
        at: change.at,
        recipients,
        gathered,
        news: MailNews::Light(LightNews {
            change: id,
            credit_code: change.credit_code,
            merchant: about.name.clone(),
            from: change.from,
            to: change.to,
            sector: about.sector.clone(),
            call: None,
        }),
    };
    let origin = Origin { causation: Some(id), correlation: trail, ..Origin::service() };
    Some(asked(requested, &origin, at))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::event::LightCause;
    use crate::domain::words::Light;

    const TRAIL: Option<Uuid> = Some(Uuid::from_u128(2));

    pub(crate) fn change(from: Light, to: Light, notify: bool) -> LightChanged {
        LightChanged {
            credit_code: "91110108MA01ABCDX3".parse().unwrap(),
            from,
            to,
            at: "2025-06-30T10:00:00Z".parse().unwrap(),
            known: 7,
            pack: "cn-beijing".to_owned(),
            policy: "00".repeat(32),
            cause: LightCause::Evidence,
            notify,
            reasons: Vec::new(),
        }
    }

    fn ask(from: Light, to: Light, notify: bool) -> Option<Append> {
        let at = "2025-06-30T10:00:05Z".parse().unwrap();
        request(Uuid::from_u128(1), TRAIL, &change(from, to, notify), &About::default(), Vec::new(), Vec::new(), at)
    }

    #[test]
    fn only_a_rise_asks_and_unknown_lies_between_green_and_yellow() {
        for (i, from) in
            [Light::Green, Light::Unknown, Light::Yellow, Light::Orange, Light::Red].into_iter().enumerate()
        {
            for (j, to) in
                [Light::Green, Light::Unknown, Light::Yellow, Light::Orange, Light::Red].into_iter().enumerate()
            {
                assert_eq!(ask(from, to, true).is_some(), j > i, "{from} to {to}");
            }
        }
    }

    #[test]
    fn history_that_was_imported_mails_nobody() {
        assert!(ask(Light::Green, Light::Red, false).is_none());
    }

    #[test]
    fn asking_again_later_is_asking_for_the_same() {
        let first = ask(Light::Green, Light::Red, true).unwrap();
        let later = request(
            Uuid::from_u128(1),
            TRAIL,
            &change(Light::Green, Light::Red, true),
            &About::default(),
            Vec::new(),
            Vec::new(),
            "2026-01-01T00:00:00Z".parse().unwrap(),
        )
        .unwrap();
        assert_eq!((&first.stream, &first.events), (&later.stream, &later.events));
        assert_eq!(first.expected, Expected::NoStream);
        assert_eq!((first.events[0].causation, first.events[0].correlation), (Some(Uuid::from_u128(1)), TRAIL));
    }

    #[test]
    fn two_changes_are_two_mails_of_one_affair() {
        let one = mail_id(Uuid::from_u128(1));
        assert_ne!(one, mail_id(Uuid::from_u128(2)));
        assert_eq!(&*stream_of(one), format!("mail-{one}"));
        // Fixed for good: these ids are in the logs of running services.
        assert_eq!(one.to_string(), "7c337c4f-3bed-5d29-84f7-00d2d85d9f0a");
    }
}

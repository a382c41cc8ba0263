//! What a decision about a case may look at: the case, who does it, and what is known of whom it is given to.

use crate::domain::access::{Matter, Sight};
use crate::domain::case::{Cases, Doing};
use crate::domain::command::Command;
use crate::domain::envelope::Position;
use crate::domain::merchant::{Horizon, Merchant};
use crate::domain::time::Instant;
use crate::lights::moment::with_facts;
use crate::picture::Picture;

/// Returns what a command about a case is decided by. `merchant` and `cases` are as they will be once what is under way is on disk.
pub(super) fn doing<'a>(
    command: &Command,
    picture: &Picture,
    cases: &'a Cases,
    merchant: Option<&Merchant>,
    actor: &'a str,
    now: Instant,
) -> Doing<'a> {
    let to = command.given_to();
    let is_stranger = |name: &str| !picture.keys.know(name);
    Doing {
        case: command.alert().and_then(|alert| cases.get(alert)),
        actor,
        pause_days: picture.policies.pause_days(),
        to_stranger: to.is_some_and(is_stranger),
        to_blind: to.is_some_and(|name| !is_stranger(name) && !sees(name, picture, merchant, now)),
    }
}

/// Says whether some key of this name opens doors and sees a merchant and its cases.
fn sees(name: &str, picture: &Picture, merchant: Option<&Merchant>, now: Instant) -> bool {
    let Some(merchant) = merchant else { return false };
    let horizon = Horizon::new(now, Position::MAX);
    with_facts(merchant, &horizon, &picture.policies, |facts| {
        let mut keys = picture.keys.all().filter(|key| *key.name == *name && key.is_valid(now));
        keys.any(|key| key.scope.sees(facts) && key.scope.sight(Some(Matter::Office)) != Sight::Nothing)
    })
}

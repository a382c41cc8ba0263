//! The driver that asks for the mail of every rise nobody was told of. After a crash between the light and its request,
//! the picture shows the gap and it is closed; what was asked for is not asked again.

use super::digest::gathered;
use super::recipients::{Recipients, Told};
use super::request::{self, About};
use crate::domain::code::CreditCode;
use crate::domain::envelope::{NewEvent, Position};
use crate::domain::time::{Instant, day_of};
use crate::domain::words::Light;
use crate::log::contract::{Append, Appended, EventLog, LogError};
use crate::picture::outbox::Outbox;
use crate::picture::rises::{Rise, Rises};
use crate::trail::{self, Kind};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

/// Requests that are on disk, with where they stand.
pub type Asked = (Appended, Vec<NewEvent>);

/// Asks for the mail of every open rise: who is in charge at `now` according to `recipients` is on the request. Returns the
/// requests that are on disk now, and what kept the others from it, if anything did. `about` says what is known of a merchant, `outbox`
/// what readers were told already.
///
/// A request that is there already, from before a crash or from another node, counts as asked for; the fold will show it.
pub fn ask(
    rises: &Rises,
    outbox: &Outbox,
    log: &dyn EventLog,
    recipients: &Recipients,
    about: &dyn Fn(&CreditCode) -> About,
    now: Instant,
) -> (Vec<Asked>, Result<(), LogError>) {
    let began = trail::now();
    let mut outcome = Ok(());
    let routed = |(position, rise): (Position, &Arc<Rise>)| {
        let about = about(&rise.change.credit_code);
        let told = recipients.told(about.sector.as_deref(), &about.place, day_of(now));
        (position, rise.clone(), about, told)
    };
    let open: Vec<(Position, Arc<Rise>, About, Told)> = rises.open().map(routed).collect();
    let mut reds: BTreeMap<String, usize> = BTreeMap::new();
    for recipient in
        open.iter().filter(|(_, rise, ..)| rise.change.to == Light::Red).flat_map(|(.., told)| &told.recipients)
    {
        *reds.entry(recipient.address.clone()).or_default() += 1;
    }
    // All are handed over before the first is waited for: they share disk writes when many lights rise at once.
    let pending: Vec<_> = open
        .into_iter()
        .map_while(|(position, rise, about, told)| {
            let told = told.recipients;
            if told.is_empty() {
                tracing::warn!(
                    merchant.id = %rise.change.credit_code,
                    light.to = %rise.change.to,
                    "Nobody is named for `{}`: its light rose and no mail can be sent", rise.change.credit_code
                );
            }
            // The mail goes on the trail of its light change.
            match log.event_at(position) {
                Ok(found) => {
                    let trail = found.and_then(|recorded| recorded.event.correlation);
                    let gathered =
                        gathered(&told, rise.change.credit_code, rise.change.to, &reds, outbox, recipients, now);
                    Some(request::request(rise.id, trail, &rise.change, &about, told, gathered, now))
                }
                Err(error) => {
                    outcome = Err(error);
                    None
                }
            }
        })
        .flatten()
        .map(|append: Append| (append.events.clone(), log.submit(append)))
        .collect();
    let mut written = Vec::with_capacity(pending.len());
    for (events, pending) in pending {
        match pending.wait() {
            Ok(appended) => {
                if !appended.repeated {
                    events.iter().for_each(|event| asked_for(event, appended.first, began));
                }
                written.push((appended, events));
            }
            // Another node asked with its own list of recipients; its request counts.
            Err(LogError::Conflict { .. } | LogError::Duplicate { .. }) => {}
            Err(error) => outcome = Err(error),
        }
    }
    (written, outcome)
}

/// Tells of a request that this node wrote.
fn asked_for(event: &NewEvent, position: Position, began: SystemTime) {
    tracing::info!(
        trace_id = event.correlation.map(|trace| tracing::field::display(trace.simple())),
        position,
        "A mail was asked for"
    );
    trail::export(|| trail::recorded("mail request", Kind::Internal, event, position, began));
}

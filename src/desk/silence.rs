//! Mails about sources that fell silent (静默提醒). A silence begins at a midnight, so sources are looked at once a day and after a
//! start; what was asked for shows in the picture.

use super::engine::Engine;
use crate::alerts::silence::{mail_id, request};
use crate::domain::time::{Day, Instant, day_of};
use crate::log::contract::{Append, LogError};
use crate::picture::Picture;
use std::sync::atomic::Ordering;

impl Engine {
    /// Asks for the mails about sources that fell silent, where the policies name somebody to be told.
    ///
    /// # Errors
    /// What was asked for is not on disk; it is tried again.
    pub(super) fn tell_of_silence(&mut self, now: Instant) -> Result<(), LogError> {
        let today = day_of(now);
        if self.sources_looked_at == Some(today) {
            return Ok(());
        }
        let appends = self.untold_silences(today, now);
        if !appends.is_empty() {
            let asked = u64::try_from(appends.len()).unwrap_or(u64::MAX);
            self.conclude(appends)?;
            self.counters.mails_requested.fetch_add(asked, Ordering::Relaxed);
        }
        self.sources_looked_at = Some(today);
        Ok(())
    }

    fn untold_silences(&self, today: Day, now: Instant) -> Vec<Append> {
        let Picture { sources, outbox, policies, .. } = &self.picture;
        let rhythms = &policies.rhythms;
        let untold = sources.all().filter_map(|source| {
            let (_, from) = source.silence(rhythms, today);
            let (from, told) = (from?, rhythms.told(source.kind, &source.name));
            let is_asked_for = outbox.mail(mail_id(source.kind, &source.name, source.last)).is_some();
            (!told.is_empty() && !is_asked_for).then(|| request(source, from, told, now))
        });
        untold.collect()
    }
}

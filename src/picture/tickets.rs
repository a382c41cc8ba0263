//! Tickets whose clocks run (投诉时限), as a part of the picture. What a ticket waits for, the world knows: whoever folded that has this part
//! look again.

use super::part::{FoldError, Part, SeenEvent};
use super::snapshot::{Keep, Stored as _};
use crate::domain::code::CreditCode;
use crate::domain::envelope::Position;
use crate::domain::event::{Event, PolicyActivated};
use crate::domain::fold::evidence_about;
use crate::domain::ticket_clock::{Key, Run, TicketCall, TicketClocks, TicketTold};
use crate::domain::world::World;
use crate::policy::Policies;

/// One thing of the tickets as a snapshot keeps it; what was told comes first, then clocks, then steps without a mail.
#[derive(Debug)]
pub(super) enum Kept {
    /// From which position on tickets are followed.
    Since(Option<Position>),
    /// What somebody was told of a ticket.
    Told(Key, Vec<TicketTold>),
    /// A clock that runs.
    Run(Key, Run),
    /// A step that nobody was told of yet, with its place.
    Call(CreditCode, Position, TicketCall),
    /// How many events a merchant's stream has.
    Revision(CreditCode, u32),
}

/// Says whether policies that came into force have clocks of complaints. What this software cannot read has none.
fn has_clocks(activated: &PolicyActivated) -> bool {
    Policies::from_files(activated.files.clone()).is_ok_and(|policies| policies.pack.complaints.is_some())
}

/// Has the tickets hear what was said of one; the world has heard it.
pub(super) fn hear(tickets: &mut TicketClocks, seen: &SeenEvent<'_>, world: &World) {
    if let (Some(ticket), Some(code)) = (seen.event.ticket(), evidence_about(seen.event)) {
        let is_live = tickets.is_live(seen.stamp);
        tickets.hear(world, code, ticket, is_live);
    }
}

impl Part for TicketClocks {
    type Kept = Kept;

    fn fold(&mut self, seen: &SeenEvent<'_>) -> Result<(), FoldError> {
        match seen.event {
            Event::PolicyActivated(activated) => {
                let since = self.since().unwrap_or(seen.stamp.position);
                self.follow_since(has_clocks(activated).then_some(since));
            }
            Event::ComplaintEscalated(said) => self.escalated(said, seen.id, seen.stamp.position),
            Event::MailRequested(requested) => {
                if let Some(news) = requested.light()
                    && let Some(call) = &news.call
                {
                    self.mailed(news.credit_code, call.cause);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&self, keep: &mut Keep<'_>) {
        keep.one(|out| Kept::Since(self.since()).put(out));
        for (key, told) in self.all_told() {
            keep.one(|out| Kept::Told(key.clone(), told.to_vec()).put(out));
        }
        for (key, run) in self.running() {
            keep.one(|out| Kept::Run(key.clone(), run).put(out));
        }
        for (code, position, call) in self.calls() {
            keep.one(|out| Kept::Call(code, position, call.clone()).put(out));
        }
        for (code, count) in self.all_revisions() {
            keep.one(|out| Kept::Revision(code, count).put(out));
        }
    }

    fn restore(&mut self, kept: Kept) {
        match kept {
            Kept::Since(since) => self.follow_since(since),
            Kept::Told(key, told) => self.put_told(key, told),
            Kept::Run(key, run) => self.put(key, run),
            Kept::Call(code, position, call) => self.put_call(code, position, call),
            Kept::Revision(code, count) => self.put_revision(code, count),
        }
    }
}

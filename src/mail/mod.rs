//! Mail (邮件): the outbox, the texts, the sending. Nothing is sent that was not asked for by an event, and what came of it
//! is an event again, for each recipient on its own.

pub mod link;
pub mod message;
pub mod render;
pub mod rulebook;
pub mod transport;
pub mod worker;

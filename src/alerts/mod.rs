//! Alerts (预警): a light that rises asks for a mail to the office in charge, and is followed up as a case. The asking is an event; sending is the
//! mail room's work.

pub mod cases;
pub mod digest;
pub mod recipients;
pub mod request;
pub mod requests;
pub mod silence;
pub mod tickets;

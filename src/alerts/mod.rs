//! Alerts (预警): a light that rises asks for a mail to the office in charge. The asking is an event; sending is the
//! mail room's work.

pub mod recipients;
pub mod request;
pub mod requests;

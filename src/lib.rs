//! Warnlight: event-sourced warning lights for prepaid-consumption funds (预付式消费资金存管监测).
//!
//! Rooms, from the ground up; a room never imports one above it. `docs/ARCHITECTURE.md` walks through them.

pub mod domain;
pub mod intake;
pub mod log;

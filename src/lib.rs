//! Warnlight: event-sourced warning lights for prepaid-consumption funds (预付式消费资金存管监测).
//!
//! Rooms, from the ground up; a room never imports one above it. `docs/ARCHITECTURE.md` walks through them.

pub mod alerts;
pub mod cli;
pub mod clock;
pub mod demo;
pub mod desk;
pub mod documents;
pub mod domain;
pub mod http;
pub mod intake;
pub mod lights;
pub mod log;
pub mod mail;
pub mod picture;
pub mod policy;
pub mod policy_folder;
pub mod proof;
pub mod service;
pub mod settings;
pub mod sim;
pub mod taking;
pub mod trail;
pub mod views;
pub mod watch;

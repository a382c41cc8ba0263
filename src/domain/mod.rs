//! The business in pure values: what can be said (commands), what happened (events), what follows (folds, `decide`).
//!
//! Nothing here reads a clock, draws a random number or touches a file: time and ids come in as arguments, so every
//! decision can be tried on any day of any year.

pub mod access;
pub mod case;
pub mod cell;
pub mod check;
pub mod code;
pub mod code_key;
pub mod command;
pub mod dating;
pub mod dealings;
pub mod decide;
pub mod empty_words;
pub mod envelope;
pub mod event;
pub mod evidence;
pub mod exit;
pub mod fold;
pub mod gazetteer;
pub mod hex;
pub mod index;
pub mod jump;
pub mod mark;
pub mod merchant;
pub mod money;
pub mod name_key;
pub mod pages;
pub mod personal;
pub mod records;
pub mod remarks;
pub mod standing;
pub mod statement;
pub mod text;
pub mod ticket;
pub mod ticket_clock;
pub mod tidy;
pub mod time;
pub mod whose;
pub mod withdrawal;
pub mod words;
pub mod world;

//! What the desk promises: answers that share the fate of what they rest on, pictures that stay as they are, and a clock
//! that was wrong.

mod clocks;
mod fates;
mod gate;
mod reads;
mod silence;
mod turns;
mod withdrawn;

//! The gateway over real WebSockets, with a stand-in for the sequencer and the router.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod bench;
mod client;
mod failing;
mod lives;
mod messages;
mod rates;
mod rest;
mod sessions;
mod slow;

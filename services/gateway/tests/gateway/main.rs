//! The gateway over real WebSockets, with a stand-in for the sequencer and the router.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod actions;
mod attaching;
mod bans;
mod bench;
mod client;
mod devices;
mod failing;
mod flow;
mod identity;
mod lives;
mod messages;
mod policy;
mod rates;
mod rest;
mod resuming;
mod sessions;
mod slow;
mod storms;

//! The chat aggregate against naive models of it, and one by one: a direct chat here, a group in `group`.
//!
//! `model` says what a chat does in the plainest way that works and shares no code with the aggregate; `steps` makes
//! random commands; `run` gives them to both and compares; the other files are the tests. Messages are the same in both
//! kinds of chats: `kept` is the model of one, `acting` makes what is done to them, `messages` holds their states.

#![allow(clippy::unwrap_used, reason = "clippy's leave for tests doesn't reach the helpers of an integration test")]

mod acting;
mod apply;
mod bounds;
mod fixtures;
mod group;
mod kept;
mod messages;
mod model;
mod outcome;
mod properties;
mod refusals;
mod run;
mod steps;

//! The chat aggregate against naive models of it, and one by one: a direct chat here, a group in `group`.
//!
//! `model` says what a chat does in the plainest way that works and shares no code with the aggregate; `steps` makes
//! random commands; `run` gives them to both and compares; the other files are the tests.

#![allow(clippy::unwrap_used, reason = "clippy's leave for tests doesn't reach the helpers of an integration test")]

mod apply;
mod bounds;
mod fixtures;
mod group;
mod model;
mod outcome;
mod properties;
mod refusals;
mod run;
mod steps;

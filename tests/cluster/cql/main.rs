//! What the store promises on servers of CQL beyond the contract of all stores.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test program: helpers fail the test by panicking")]

mod away;
mod costs;
mod crashes;
mod fencing;
mod keys;
mod leaving;
mod migrations;
mod rows;
mod spread;
mod statements;

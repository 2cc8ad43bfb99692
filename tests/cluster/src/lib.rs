//! What the tests on real servers share: where the servers are, a keyspace for each test, and a way to them that can be cut.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers fail the test by panicking")]

pub mod cut;
pub mod infra;
pub mod keyspace;

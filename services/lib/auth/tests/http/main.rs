//! What is asked over HTTP: the provider's keys and the operator's hook, with real sockets and real TLS.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod hook;
mod keys;
mod server;

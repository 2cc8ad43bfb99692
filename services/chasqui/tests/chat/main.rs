//! `chasqui chat` as people and scripts run it, against `chasqui serve`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "these are tests")]

mod groups;
mod lines;
mod process;
#[cfg(unix)]
mod screen;

//! Load on a running server, over its public protocol: many sessions in a thread, what they see held against what
//! they must see, and what it costs the server.
//!
//! The sessions are leaner than a client: they keep nothing but a cursor, come back only in a storm, and read of a frame only what they check and
//! count, so that the processors of the machine are left to the server. Nothing that they check is left out for it:
//! every message comes once, in order and as it was written, and every receipt is true.

mod chat;
mod error;
mod flights;
mod frame;
mod group;
mod idle;
mod login;
mod options;
mod pace;
mod pair;
mod processors;
mod records;
mod report;
mod side;
mod socket;
mod storm;
mod tally;
mod text;

pub use error::Error;
pub use group::{CountsReport, GroupFaults, GroupReport};
pub use options::{Chat, Group, Idle, Options, Pace, Progress, ReadMetrics, Receipts, Server, SignToken, Storm};
pub use processors::{Process, Usage, listening};
pub use records::Records;
pub use report::{ChatReport, Faults, IdleReport, Latency, Rate, Resident, StormFaults, StormReport};

use std::future::Future;

use tokio::{runtime::Builder, task::LocalSet};

/// Exchanges messages between pairs of users. Blocks until it is done, at the latest a while after the time that was
/// asked for.
///
/// # Errors
/// When sessions can't be had, or the server refuses what is sent. What they see wrong is no error but in the report.
pub fn chat(options: &Options, chat: &Chat) -> Result<ChatReport, Error> {
    in_one_thread(chat::run(options, chat))
}

/// Writes to groups. Blocks until it is done, at the latest a while after the time that was asked for.
///
/// # Errors
/// When sessions or groups can't be had, or the server refuses what is sent. What they see wrong is no error but in the
/// report.
pub fn group(options: &Options, group: &Group) -> Result<GroupReport, Error> {
    in_one_thread(group::run(options, group))
}

/// Holds sessions that do nothing. Blocks until it is done.
///
/// # Errors
/// When sessions can't be had.
pub fn idle(options: &Options, idle: &Idle) -> Result<IdleReport, Error> {
    in_one_thread(idle::run(options, idle))
}

/// Cuts all sessions but a few at once, and has them come back at once. Blocks until it is done, at the latest when
/// patience is at its end.
///
/// # Errors
/// When sessions can't be had, or the server refuses what is sent. What they see wrong is no error but in the report.
pub fn storm(options: &Options, storm: &Storm) -> Result<StormReport, Error> {
    in_one_thread(storm::run(options, storm))
}

/// One thread takes the least of the processors that the server needs, and its sessions need no locks.
fn in_one_thread<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    LocalSet::new().block_on(&runtime, work)
}

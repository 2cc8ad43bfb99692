//! Rows to write, beside those of the conformance suite.

use chasqui_store::{InboxRow, suite::rows};

pub(crate) use chasqui_store::suite::rows::{LOG, chat, device, of, row as event, snapshot, summary, user};

/// What happened to a user at an offset, which is also its time.
pub(crate) fn entry(name: &str, offset: u64) -> InboxRow {
    rows::entry(name, LOG, offset, offset)
}

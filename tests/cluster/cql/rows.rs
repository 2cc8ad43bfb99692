//! Rows to write, beside those of the conformance suite.

use chasqui_store::{InboxRow, suite::rows};

pub(crate) use chasqui_store::suite::rows::{
    LOG, about, action, chat, chat_row, device, erasing, group, member_row, member_update, message_row, message_update,
    of, row as event, snapshot, state, update, user,
};

/// What happened to a user at an offset, which is also its time.
pub(crate) fn entry(name: &str, offset: u64) -> InboxRow {
    rows::entry(name, LOG, offset, offset)
}

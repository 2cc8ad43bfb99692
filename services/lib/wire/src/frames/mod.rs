//! The JSON of clients: WebSocket frames in both directions, and the answers of the REST API.
//!
//! Fields that a side doesn't know are passed over. Ids and cursors are texts, seqs are numbers, times are
//! milliseconds since 1970.

mod admin;
mod change;
mod client;
mod fields;
pub mod forms;
mod rest;
mod server;
mod tagged;

use serde::{Serialize, de::DeserializeOwned};

pub use admin::{Ban, BanRequest, Bans, BansQuery};
pub use change::{ChangeAsked, ChangeMade, Edit, PICTURE_BYTES_MAX, REACTION_BYTES_MAX, TITLE_BYTES_MAX};
pub use client::{Ack, ChangeFrame, ClientFrame, CreateFrame, Hello, Read, ReceiptsQuery, Renew, SendFrame, Token};
pub use rest::{
    Changes, ChangesQuery, ChatItem, Chats, ChatsQuery, DeviceItem, Devices, DevicesQuery, GroupItem, MemberItem,
    Members, MembersQuery, MessageReactions, MessageReceipt, MessageReceipts, Messages, MessagesQuery, Problem,
    ReadUpTo, UserReaction,
};
pub use server::{
    CaughtUp, Changed, ChatReceipts, Counts, Delayed, Done, Failed, Failure, MemberReceipt, Message, MessageCount,
    NotResumed, OthersReceipt, ReactionItem, Receipt, Receipts, Renewed, Sent, ServerFrame, Welcome,
};

use crate::Error;

/// What most frames fit into.
const FRAME_BYTES: usize = 256;

/// Reads a frame or an answer.
///
/// # Errors
/// [`Error::Frame`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Frame { why: error.to_string() })
}

/// Reads a frame of a client: as [`parse`] does, and faster when the frame begins with its `type` and has no field that
/// isn't known here.
///
/// # Errors
/// [`Error::Frame`].
pub fn parse_client(text: &str) -> Result<ClientFrame, Error> {
    tagged::read(text).map_or_else(|| parse(text), Ok)
}

/// Writes a frame or an answer.
///
/// # Errors
/// [`Error::Frame`] when a number is above 2^63 - 1.
pub fn to_text<T: Serialize>(frame: &T) -> Result<String, Error> {
    let mut text = Vec::with_capacity(FRAME_BYTES);
    serde_json::to_writer(&mut text, frame).map_err(|error| Error::Frame { why: error.to_string() })?;
    String::from_utf8(text).map_err(|error| Error::Frame { why: error.to_string() })
}

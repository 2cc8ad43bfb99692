//! The JSON of clients: WebSocket frames in both directions, and the answers of the REST API.
//!
//! Fields that a side doesn't know are passed over. Ids and cursors are texts, seqs are numbers, times are
//! milliseconds since 1970.

mod admin;
mod client;
mod fields;
pub mod forms;
mod rest;
mod server;

use serde::{Serialize, de::DeserializeOwned};

pub use admin::{Ban, BanRequest, Bans, BansQuery};
pub use client::{Ack, ClientFrame, Hello, Read, ReceiptsQuery, Renew, SendFrame, Token};
pub use rest::{
    ChatItem, Chats, ChatsQuery, DeviceItem, Devices, DevicesQuery, MessageReceipt, MessageReceipts, Messages,
    MessagesQuery, Problem, ReadUpTo,
};
pub use server::{
    CaughtUp, ChatReceipts, Delayed, Failed, Failure, MemberReceipt, Message, NotResumed, Receipt, Receipts, Renewed,
    Sent, ServerFrame, Welcome,
};

use crate::Error;

/// Reads a frame or an answer.
///
/// # Errors
/// [`Error::Frame`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Frame { why: error.to_string() })
}

/// Writes a frame or an answer.
///
/// # Errors
/// [`Error::Frame`] when a number is above 2^63 - 1.
pub fn to_text<T: Serialize>(frame: &T) -> Result<String, Error> {
    serde_json::to_string(frame).map_err(|error| Error::Frame { why: error.to_string() })
}

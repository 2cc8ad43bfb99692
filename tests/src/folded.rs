//! What the recorded commands give when they are decided from nothing; see the program in `fold`.

use chasqui_oracle::{Message, Watermarks};
use serde::{Deserialize, Serialize};

/// All chats of a data folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// In ascending order of id.
    pub chats: Vec<FoldedChat>,
    /// Where rows, events or inboxes are not the bytes that the commands give.
    pub differences: Vec<String>,
    /// How many commands there are.
    pub commands: u64,
}

/// A chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoldedChat {
    /// Which.
    pub chat: String,
    /// How many events it has.
    pub version: u64,
    /// Its last message.
    pub last_seq: u64,
    /// When something last happened.
    pub last_time: u64,
    /// Where the members are, and how many messages each has not opened.
    pub members: Vec<(Watermarks, u64)>,
    /// All messages, from the first.
    pub messages: Vec<Message>,
}

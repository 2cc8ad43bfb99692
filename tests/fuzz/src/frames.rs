use std::fmt::Debug;

use chasqui_wire::frames::{
    Chats, ClientFrame, Devices, MessageReactions, Messages, Problem, ServerFrame, parse, parse_client, to_text,
};
use serde::{Serialize, de::DeserializeOwned};

/// Text of a client or of the server: what is read is written, and read again as the same.
///
/// # Panics
/// When that isn't so.
pub fn frames(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    assert_eq!(parse_client(text), parse::<ClientFrame>(text), "{text}");
    let understood = [
        again::<ClientFrame>(text),
        again::<ServerFrame>(text),
        again::<Chats>(text),
        again::<Messages>(text),
        again::<MessageReactions>(text),
        again::<Devices>(text),
        again::<Problem>(text),
    ];
    understood.contains(&true)
}

fn again<T: DeserializeOwned + Serialize + PartialEq + Debug>(text: &str) -> bool {
    let Ok(first) = parse::<T>(text) else { return false };
    let written = to_text(&first).unwrap_or_else(|error| panic!("{first:?} can't be written: {error}"));
    match parse::<T>(&written) {
        Ok(second) => assert_eq!(first, second, "{written}"),
        Err(error) => panic!("{written} can't be read again: {error}"),
    }
    true
}

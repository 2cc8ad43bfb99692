//! Frames, as far as load needs them; read without a copy.

use serde::{Deserialize, Serialize};

use crate::Error;

/// A frame of the server. What its sort doesn't have is missing or 0.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Frame<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: &'a str,
    #[serde(default, borrow)]
    pub(crate) cursor: Option<&'a str>,
    #[serde(default, borrow)]
    pub(crate) id: Option<&'a str>,
    #[serde(default)]
    pub(crate) seq: u64,
    #[serde(default, borrow)]
    pub(crate) text: Option<&'a str>,
    #[serde(default)]
    pub(crate) delivered: u64,
    #[serde(default)]
    pub(crate) read: u64,
    #[serde(default, borrow)]
    pub(crate) user: Option<&'a str>,
    #[serde(default, borrow)]
    pub(crate) code: Option<&'a str>,
    #[serde(default)]
    pub(crate) retry_in_ms: Option<u64>,
    #[serde(default)]
    pub(crate) retry: bool,
    #[serde(default, borrow)]
    pub(crate) chat: Option<&'a str>,
    #[serde(default)]
    pub(crate) resumed: bool,
    #[serde(default)]
    pub(crate) unacked_max: usize,
    #[serde(default)]
    pub(crate) outstanding_max: usize,
}

impl<'a> Frame<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|error| Error::Frame { why: format!("{error}: {text}") })
    }

    /// The number of a message, which is its id.
    pub(crate) fn number(&self) -> Result<u64, Error> {
        let digits = self.id.unwrap_or_default();
        digits.parse().map_err(|_| Error::Frame { why: format!("the message id {digits:?} is no number") })
    }
}

/// A frame of a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Say<'a> {
    Hello {
        token: &'a str,
        device: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
    },
    Send {
        id: Digits,
        to: &'a str,
        text: &'a str,
    },
    Ack {
        cursor: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        delivered: Option<Delivered<'a>>,
    },
    Read {
        chat: &'a str,
        seq: u64,
    },
}

impl Say<'_> {
    pub(crate) fn text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(|error| Error::Frame { why: error.to_string() })
    }
}

/// A message id: a number as text.
#[derive(Debug)]
pub(crate) struct Digits(pub(crate) u64);

impl Serialize for Digits {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The highest seq that is there, of one chat.
#[derive(Debug)]
pub(crate) struct Delivered<'a> {
    pub(crate) chat: &'a str,
    pub(crate) seq: u64,
}

impl Serialize for Delivered<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.chat, self.seq)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_what_the_protocol_says() {
        let ack = Say::Ack { cursor: "c", delivered: Some(Delivered { chat: "x", seq: 7 }) };
        assert_eq!(ack.text().unwrap(), r#"{"type":"ack","cursor":"c","delivered":{"x":7}}"#);
        let ack = Say::Ack { cursor: "c", delivered: None };
        assert_eq!(ack.text().unwrap(), r#"{"type":"ack","cursor":"c"}"#);
        let hello = |cursor| Say::Hello { token: "t", device: "d", cursor }.text().unwrap();
        assert_eq!(hello(None), r#"{"type":"hello","token":"t","device":"d"}"#);
        assert_eq!(hello(Some("c")), r#"{"type":"hello","token":"t","device":"d","cursor":"c"}"#);
        let send = Say::Send { id: Digits(3), to: "bob", text: "hi" };
        assert_eq!(send.text().unwrap(), r#"{"type":"send","id":"3","to":"bob","text":"hi"}"#);
    }

    #[test]
    fn a_frame_is_read_as_far_as_it_is_needed() {
        let frame = Frame::read(r#"{"type":"sent","cursor":"c","chat":"x","id":"3","seq":4,"time":1}"#).unwrap();
        assert_eq!((frame.kind, frame.cursor, frame.id, frame.seq), ("sent", Some("c"), Some("3"), 4));
        assert!(Frame::read("{").is_err());
    }
}

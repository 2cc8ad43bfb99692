//! Frames, as far as load needs them; read without a copy.

use serde::{Deserialize, Serialize, de::IgnoredAny};

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
    #[serde(default, borrow)]
    pub(crate) change: Option<Made<'a>>,
    #[serde(default)]
    pub(crate) others: Others,
    #[serde(default)]
    pub(crate) messages: Vec<Count>,
    /// How long it is.
    #[serde(skip)]
    pub(crate) bytes: usize,
}

/// What has changed in a group.
#[derive(Debug, Deserialize)]
pub(crate) struct Made<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: &'a str,
    #[serde(default)]
    pub(crate) users: Vec<IgnoredAny>,
}

/// What all others in a group have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Others {
    pub(crate) count: usize,
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// How many others in a group have a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Count {
    pub(crate) seq: u64,
    pub(crate) delivered: usize,
    pub(crate) read: usize,
}

impl<'a> Frame<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Self, Error> {
        let frame = serde_json::from_str(text).map_err(|error| Error::Frame { why: format!("{error}: {text}") })?;
        Ok(Self { bytes: text.len(), ..frame })
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
        #[serde(flatten)]
        to: To<'a>,
        text: &'a str,
    },
    Create {
        id: Digits,
        members: &'a [String],
        title: &'a str,
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

/// Where a message goes.
#[derive(Debug, Serialize)]
pub(crate) enum To<'a> {
    /// To the other user of a direct chat.
    #[serde(rename = "to")]
    User(&'a str),
    /// To a group.
    #[serde(rename = "chat")]
    Group(&'a str),
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
        let send = Say::Send { id: Digits(3), to: To::User("bob"), text: "hi" };
        assert_eq!(send.text().unwrap(), r#"{"type":"send","id":"3","to":"bob","text":"hi"}"#);
        let send = Say::Send { id: Digits(3), to: To::Group("x"), text: "hi" };
        assert_eq!(send.text().unwrap(), r#"{"type":"send","id":"3","chat":"x","text":"hi"}"#);
        let create = Say::Create { id: Digits(1), members: &["bob".to_owned()], title: "all" };
        assert_eq!(create.text().unwrap(), r#"{"type":"create","id":"1","members":["bob"],"title":"all"}"#);
    }

    #[test]
    fn a_frame_is_read_as_far_as_it_is_needed() {
        let frame = Frame::read(r#"{"type":"sent","cursor":"c","chat":"x","id":"3","seq":4,"time":1}"#).unwrap();
        assert_eq!((frame.kind, frame.cursor, frame.id, frame.seq), ("sent", Some("c"), Some("3"), 4));
        assert!(Frame::read("{").is_err());
        let text =
            r#"{"type":"changed","cursor":"c","chat":"x","change":{"type":"created","users":["a","b"],"title":"t"}}"#;
        let frame = Frame::read(text).unwrap();
        let made = frame.change.unwrap();
        assert_eq!((made.kind, made.users.len(), frame.bytes), ("created", 2, text.len()));
        let text = r#"{"type":"counts","chat":"x","others":{"count":2,"delivered":3,"read":1},"messages":[{"seq":4,"delivered":1,"read":0}]}"#;
        let frame = Frame::read(text).unwrap();
        assert_eq!(frame.others, Others { count: 2, delivered: 3, read: 1 });
        assert_eq!(frame.messages, [Count { seq: 4, delivered: 1, read: 0 }]);
    }
}

//! A scenario file: what `tests/scenarios/README.md` defines. Whatever that doesn't define is an error, with its line.

use std::{collections::BTreeMap, fmt};

use anyhow::anyhow;
use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

/// A file whose steps are not read yet: where one is wrong, its place is to be told, and not that of all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    options: BTreeMap<String, toml::Value>,
    devices: Vec<Spanned<Device>>,
    steps: Vec<Spanned<toml::Value>>,
}

/// A file.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) options: BTreeMap<String, toml::Value>,
    pub(crate) devices: Vec<Spanned<Device>>,
    pub(crate) steps: Vec<Spanned<Step>>,
}

/// A device of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Device {
    pub(crate) user: String,
    pub(crate) name: String,
}

impl TryFrom<String> for Device {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (user, name) = text.rsplit_once('/').ok_or_else(|| format!("{text:?} is no user/device"))?;
        Ok(Self { user: user.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.name)
    }
}

/// Something that is done, or must be seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Step {
    Connect {
        device: Device,
        name: Option<String>,
        cursor: Option<String>,
        cursor_of: Option<Device>,
        token_s: Option<u64>,
        write_to: Option<WriteTo>,
    },
    Disconnect {
        device: Device,
    },
    Kill {
        device: Device,
    },
    Send(Send),
    Read {
        device: Device,
        with: String,
        seq: u64,
    },
    Renew {
        device: Device,
        of: Option<String>,
        write_to: Option<WriteTo>,
    },
    Hold {
        device: Device,
    },
    Take {
        device: Device,
        sent: usize,
    },
    See {
        device: Device,
        updates: Vec<Seen>,
        #[serde(default)]
        any_order: bool,
    },
    Marks {
        device: Device,
        with: String,
        of: String,
        delivered: u64,
        read: u64,
    },
    StopServer,
    KillServer,
    StartServer {
        kill_at: Option<String>,
    },
    ServerDies,
    RestartServer,
    Ban {
        user: String,
        device: Option<String>,
    },
    Unban {
        user: String,
        device: Option<String>,
    },
    Later {
        than: String,
    },
    Chats(Chats),
    History(History),
    PutRead {
        user: String,
        with: String,
        seq: u64,
        fails: Option<String>,
    },
    Receipts(Receipts),
    Has(Has),
    Devices {
        user: String,
        devices: Vec<DeviceSeen>,
    },
}

/// To whom a token lets its user write.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum WriteTo {
    Everybody(Everybody),
    Users(Vec<String>),
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) enum Everybody {
    #[serde(rename = "*")]
    Star,
}

/// A message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    pub(crate) device: Device,
    pub(crate) to: String,
    pub(crate) r#as: String,
    pub(crate) text: Option<String>,
    /// A text of so many bytes instead.
    pub(crate) bytes: Option<usize>,
    pub(crate) reply_to: Option<u64>,
    #[serde(default)]
    pub(crate) mentions: Vec<String>,
    pub(crate) meta: Option<Value>,
}

/// A question for the list of chats.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Chats {
    pub(crate) user: String,
    /// How many to a page.
    pub(crate) limit: Option<u32>,
    pub(crate) chats: Option<Vec<ChatSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for messages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) before: Option<u64>,
    pub(crate) after: Option<u64>,
    /// From the time of the message that the file calls so.
    pub(crate) since_of: Option<String>,
    /// Before its time.
    pub(crate) until_of: Option<String>,
    pub(crate) limit: Option<u32>,
    pub(crate) messages: Option<Vec<MessageSeen>>,
    pub(crate) next: Option<u64>,
    pub(crate) fails: Option<String>,
}

/// A question for the watermarks in a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Receipts {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) members: Option<Vec<MarksSeen>>,
    pub(crate) fails: Option<String>,
}

/// A question for who has a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Has {
    pub(crate) user: String,
    pub(crate) with: String,
    pub(crate) seq: u64,
    pub(crate) members: Option<Vec<HasSeen>>,
    pub(crate) fails: Option<String>,
}

/// An update that a device must see.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Seen {
    Connected { resumed: bool, not_resumed: Option<String> },
    Disconnected { code: Option<String> },
    CaughtUp,
    Message(MessageSeen),
    Sent { of: String, seq: u64 },
    Failed { of: Option<String>, with: Option<String>, code: String },
    TokenExpires,
    Renewed,
    NotRenewed { code: String },
    Ended { code: String },
}

/// A message as it is shown. What isn't given isn't compared.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessageSeen {
    pub(crate) seq: u64,
    pub(crate) from: Option<String>,
    pub(crate) device: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) reply_to: Option<u64>,
    pub(crate) mentions: Option<Vec<String>>,
    pub(crate) meta: Option<Value>,
}

/// A chat in the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatSeen {
    pub(crate) with: String,
    pub(crate) last_seq: u64,
    pub(crate) unread: u64,
    pub(crate) last_text: Option<String>,
}

/// A member's watermarks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarksSeen {
    pub(crate) user: String,
    pub(crate) delivered: u64,
    pub(crate) read: u64,
}

/// Whether a member has a message.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HasSeen {
    pub(crate) user: String,
    pub(crate) delivered: bool,
    pub(crate) read: bool,
}

/// A device in the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceSeen {
    pub(crate) name: String,
    pub(crate) connected: bool,
}

/// A scenario with its text, to say where something stands.
#[derive(Debug)]
pub(crate) struct Source {
    name: String,
    text: String,
    pub(crate) scenario: Scenario,
}

impl Source {
    /// Reads a file.
    pub(crate) fn parse(name: &str, text: &str) -> anyhow::Result<Self> {
        let outline: Outline = toml::from_str(text).map_err(|error| anyhow!("{name}: {error}"))?;
        let scenario = Scenario { options: outline.options, devices: outline.devices, steps: Vec::new() };
        let mut source = Self { name: name.to_owned(), text: text.to_owned(), scenario };
        for step in outline.steps {
            let (place, span) = (source.place(&step), step.span());
            let step = step.into_inner().try_into().map_err(|error| anyhow!("{place}: {error}"))?;
            source.scenario.steps.push(Spanned::new(span, step));
        }
        crate::check::check(&source)?;
        Ok(source)
    }

    /// Where something stands.
    pub(crate) fn place<T>(&self, of: &Spanned<T>) -> String {
        let before = self.text.get(..of.span().start).unwrap_or_default();
        format!("{} line {}", self.name, before.matches('\n').count() + 1)
    }
}

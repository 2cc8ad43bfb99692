//! A scenario file: what `tests/scenarios/README.md` defines. Whatever that doesn't define is an error, with its line.

mod asked;
mod seen;

use std::{collections::BTreeMap, fmt};

use anyhow::anyhow;
use serde::Deserialize;
use toml::Spanned;

pub(crate) use asked::{
    Change, Changes, Chats, Create, Edit, Everybody, Has, History, Members, React, Reactions, Receipts, RoleOf, Send,
    WriteTo,
};
pub(crate) use seen::{
    ChangeSeen, ChatSeen, DeviceSeen, HasSeen, MarksSeen, MemberSeen, MessageSeen, OthersSeen, ReactionSeen, Seen,
    UserReactionSeen,
};

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
    Create(Create),
    Change(Change),
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
    Counts {
        device: Device,
        with: String,
        seq: u64,
        delivered: u32,
        read: u32,
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
    Members(Members),
    Changes(Changes),
    Reactions(Reactions),
    Devices {
        user: String,
        devices: Vec<DeviceSeen>,
    },
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

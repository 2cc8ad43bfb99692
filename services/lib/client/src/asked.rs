//! What an app asks of chats and that has an outcome: messages, groups, changes.

use chasqui_domain::{ChatId, Counter, DeviceId, Seq, UserId};
use chasqui_wire::frames::{ChangeAsked, ChangeFrame, ClientFrame, CreateFrame, Edit, SendFrame};
use serde::{Deserialize, Serialize};

use crate::update::{Draft, Group, To};

/// Something that was asked and has no outcome yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Asked {
    /// A message.
    Send(Box<SendFrame>),
    /// A group.
    Create(Box<CreateFrame>),
    /// A change of a group, or something to be done to a message.
    Change(Box<ChangeFrame>),
}

/// Something to be asked, without its id.
#[derive(Debug)]
pub(crate) enum Wish {
    Send(Draft),
    Create(Group),
    Change(To, ChangeAsked),
}

/// What has a count of its own. A direct chat is known by its peer, which is known before the user is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Count {
    User(UserId),
    Group(ChatId),
    /// Groups that are to be made.
    Groups,
}

impl Count {
    fn of(to: &To) -> Self {
        match to {
            To::User(user) => Self::User(user.clone()),
            To::Group(chat) => Self::Group(*chat),
        }
    }
}

impl Wish {
    pub(crate) fn count(&self) -> Count {
        match self {
            Self::Send(Draft { to, .. }) | Self::Change(to, _) => Count::of(to),
            Self::Create(_) => Count::Groups,
        }
    }

    pub(crate) fn asked(self, id: Counter) -> Asked {
        match self {
            Self::Send(Draft { to, text, content_type, body, reply_to, mentions, meta }) => {
                let (to, chat) = to.parts();
                Asked::Send(Box::new(SendFrame { id, to, chat, text, content_type, body, reply_to, mentions, meta }))
            }
            Self::Create(Group { members, title, picture }) => {
                Asked::Create(Box::new(CreateFrame { id, members, title, picture }))
            }
            Self::Change(to, change) => {
                let (to, chat) = to.parts();
                Asked::Change(Box::new(ChangeFrame { id, to, chat, change }))
            }
        }
    }
}

impl Asked {
    /// Its id, which is the device's count.
    #[must_use]
    pub fn id(&self) -> Counter {
        match self {
            Self::Send(frame) => frame.id,
            Self::Create(frame) => frame.id,
            Self::Change(frame) => frame.id,
        }
    }

    /// The message, if it is one.
    #[must_use]
    pub fn message(&self) -> Option<&SendFrame> {
        match self {
            Self::Send(frame) => Some(frame),
            Self::Create(_) | Self::Change(_) => None,
        }
    }

    /// Whom it is for; none when it is a group that is to be made.
    #[must_use]
    pub fn to(&self) -> Option<To> {
        match self {
            Self::Send(frame) => frame.to.clone().map(To::User).or(frame.chat.map(To::Group)),
            Self::Create(_) => None,
            Self::Change(frame) => frame.to.clone().map(To::User).or(frame.chat.map(To::Group)),
        }
    }

    /// The chat that it is asked of by a device of a user.
    #[must_use]
    pub fn chat(&self, me: &UserId, device: &DeviceId) -> ChatId {
        match (self, self.to()) {
            (_, Some(To::User(peer))) => ChatId::direct(me, &peer),
            (_, Some(To::Group(chat))) => chat,
            (_, None) => ChatId::group(me, device, self.id()),
        }
    }

    pub(crate) fn count(&self) -> Count {
        self.to().map_or(Count::Groups, |to| Count::of(&to))
    }

    pub(crate) fn frame(&self) -> ClientFrame {
        match self.clone() {
            Self::Send(frame) => ClientFrame::Send(frame),
            Self::Create(frame) => ClientFrame::Create(frame),
            Self::Change(frame) => ClientFrame::Change(frame),
        }
    }

    /// The edit, if it is one.
    fn edit(&self) -> Option<&Edit> {
        match self {
            Self::Change(frame) => match &frame.change {
                ChangeAsked::Edit(edit) => Some(edit),
                _ => None,
            },
            Self::Send(_) | Self::Create(_) => None,
        }
    }

    /// Whether it has a body, of which the server takes so many bytes and no more.
    pub(crate) fn has_body(&self) -> bool {
        self.message().is_some() || self.edit().is_some()
    }

    /// The messages that it names.
    pub(crate) fn seqs(&self) -> impl Iterator<Item = Seq> {
        let reply_to = self.message().and_then(|frame| frame.reply_to).or(self.edit().and_then(|edit| edit.reply_to));
        let about = match self {
            Self::Change(frame) => frame.change.seq(),
            Self::Send(_) | Self::Create(_) => None,
        };
        reply_to.into_iter().chain(about)
    }

    /// About how many bytes it has.
    pub(crate) fn size(&self) -> usize {
        let ids = |users: &[UserId]| users.iter().map(|user| user.as_str().len()).sum::<usize>();
        match self {
            Self::Send(frame) => {
                // The meta is measured as it is written; the rest is near enough.
                let meta = frame.meta.as_ref().map_or(0, |meta| meta.to_string().len());
                let body = frame.body.as_ref().map_or(0, |body| body.len());
                frame.text.as_ref().map_or(0, String::len) + body + ids(&frame.mentions) + meta
            }
            Self::Create(frame) => {
                ids(&frame.members) + frame.title.len() + frame.picture.as_ref().map_or(0, String::len)
            }
            Self::Change(frame) => match &frame.change {
                ChangeAsked::Add { users } => ids(users),
                ChangeAsked::Edit(edit) => {
                    let meta = edit.meta.as_ref().map_or(0, |meta| meta.to_string().len());
                    let body = edit.body.as_ref().map_or(0, |body| body.len());
                    edit.text.as_ref().map_or(0, String::len) + body + ids(&edit.mentions) + meta
                }
                // The others are short, or refused.
                _ => 0,
            },
        }
    }
}
